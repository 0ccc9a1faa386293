/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what must last: records by (kind, key), and the journal of events.
 *
 * The loop's thread asks and takes the answers; nothing but load, stop and close waits. Records and
 * events are opaque bytes: the store knows no node, no loop and no JSON. Each transaction that is
 * committed has a revision of its own, higher than all before it, which its records carry until
 * they are written again. docs/formats/store.md is the whole contract.
 */
#ifndef CLOUDSEED_PORT_STORE_H
#define CLOUDSEED_PORT_STORE_H

#include "base/err.h"
#include "port/journal.h"

#define STORE_NAME_MAX_BYTES 255 /* of a kind, a key, an event's node */
#define STORE_TXN_MAX_BYTES (1U << 20)
#define STORE_TXN_MAX_ITEMS 1024U /* writes and events */

#define STORE_ABSENT 0       /* expected: there is no such record */
#define STORE_ANY UINT64_MAX /* expected: anything */

enum store_op { STORE_PUT, STORE_DELETE, STORE_CHECK };
struct store_write {
    enum store_op op; /* STORE_CHECK only compares the record with `expected` */
    struct str kind, key;
    uint64_t expected; /* the record's revision, STORE_ABSENT or STORE_ANY */
    struct str bytes;  /* of STORE_PUT */
};
/* All of it happens, or nothing. Writes happen in their order. */
struct store_txn {
    uint64_t tag; /* comes back with the answer */
    const struct store_write *writes;
    size_t n_writes;
    const struct store_event *events; /* all of one journal */
    size_t n_events;
    /* Written when nothing else waits, or after some turns of what does, and never together with
     * it. */
    bool behind;
};

enum store_result {
    STORE_OK,
    STORE_CONFLICT,    /* a record had another revision */
    STORE_FULL,        /* no room on the disk: not done */
    STORE_UNAVAILABLE, /* not done */
    STORE_UNKNOWN,     /* it may have happened; STORE_START_OVER follows once the store can tell */
};
enum store_about {
    STORE_COMMIT,
    STORE_READ,
    STORE_BACKUP,
    STORE_HEALTH,     /* store_health may say something else now */
    STORE_CHANGED,    /* the feed: another process wrote `record` … */
    STORE_DELETED,    /* … or deleted it */
    STORE_START_OVER, /* the feed: all records follow as STORE_CHANGED, up to … */
    STORE_IN_STEP, /* … this: a record that neither they nor commits since have named is gone */
};
struct store_record {
    struct str kind, key, bytes;
    uint64_t revision;
};
struct store_notice {
    enum store_about about;
    enum store_result result;
    uint64_t tag;
    uint64_t revision;          /* commit: its own; after a CONFLICT the record's (0: no record) */
    uint64_t first_event;       /* commit: id of its first event */
    size_t conflict;            /* commit: which of its writes */
    uint64_t bytes;             /* backup: of the file */
    struct store_record record; /* feed */
    struct store_page page;     /* read */
    struct err err;             /* why it is not STORE_OK */
};

struct store_stats {
    uint64_t commits, conflicts, groups; /* groups: how often the disk was synced */
    uint64_t queued;
    uint64_t file_bytes, free_bytes; /* of the state file; the part of it that is unused */
};

struct store;

/* Before store_start: calls `on_record` for each record, by kind and key in byte order, until it
 * returns something below 0. The feed begins behind *ret_revision. */
typedef int (*store_on_record)(void *cls, const struct store_record *record, struct err *e);
int store_load(struct store *s, store_on_record on_record, void *cls, uint64_t *ret_revision,
               struct err *e);
/* `wake` says that store_take has something. Any thread may call it, also from within the functions
 * below: it must do no more than wake the loop. */
int store_start(struct store *s, void (*wake)(void *cls), void *cls, struct err *e);

/* 0: it will be answered; all that was given is copied. -EBUSY: the queue is full, try again later;
 * -ESHUTDOWN: stopped; -EINVAL, -EMSGSIZE: not within the bounds above. */
int store_commit(struct store *s, const struct store_txn *txn);
int store_read(struct store *s, const struct store_query *query);
/* A whole copy, as a file that must not be there yet. */
int store_backup(struct store *s, uint64_t tag, const char *path);
/* From now on what other processes changed after `revision` comes as notices. Notices of commits
 * and of the feed come in the order of their revisions: applying each gives what the store has. */
void store_watch(struct store *s, uint64_t revision);

/* The next notice, or NULL. After a wake, take until there is none. */
struct store_notice *store_take(struct store *s);
void store_notice_free(struct store *s, struct store_notice *n);

/* The result of the last commit, or of the store's own probe since then. */
enum store_result store_health(struct store *s, struct err *ret_why);
void store_stats(struct store *s, struct store_stats *ret);
void store_retain(struct store *s, struct store_retention keep);

/* Before store_start: the highest revision that was noted beside the state. If it is higher than
 * what store_load found, commits were lost, and it stays noted until store_settle: call that once
 * the loss is stored. */
uint64_t store_noted(struct store *s);
void store_settle(struct store *s);

/* Finishes what is queued and takes no more; its notices can still be taken. */
void store_stop(struct store *s);
/* Stops, and frees all. NULL is fine. */
void store_close(struct store *s);

#endif
