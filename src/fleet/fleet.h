/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet: the one owner of every node's state.
 *
 * It keeps in memory what the store has, and nothing else: a change is computed from the record as
 * it was last committed, written together with its events, and known to anyone only afterwards.
 * Changes of one node go one at a time. It knows nodes by their uid alone: no tree, no templates,
 * no HTTP. All calls come from the loop's thread and none of them waits.
 */
#ifndef CLOUDSEED_FLEET_FLEET_H
#define CLOUDSEED_FLEET_FLEET_H

#include "fleet/state.h"
#include "port/store.h"
#include "port/waiter.h"

struct fleet;

/* What the fleet needs of the world. */
struct fleet_host {
    void (*now)(void *cls, struct moment *ret);
    /* The key of a node's window in the clear, which its record holds sealed. False: it cannot be
     * read. */
    bool (*unseal)(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret);
    void *cls;
};

/* Reads all records of the store, which it takes over, whatever comes of it. */
int fleet_open(struct store *s, const struct fleet_host *host, struct fleet **ret, struct err *e);
/* Follows the store from now on. `on_store` says, from any thread, that fleet_on_store is due;
 * `wake` is how those who wait are told, `alarm` calls for fleet_on_alarm. */
int fleet_start(struct fleet *f, void (*on_store)(void *cls), void *cls, struct wake wake,
                struct alarm alarm, struct err *e);
/* Finishes what is under way, and takes no more; nobody is woken or alarmed after it. */
void fleet_stop(struct fleet *f);
/* Stops, and frees all. NULL is fine. */
void fleet_close(struct fleet *f);

enum fleet_answer {
    FLEET_PENDING, /* `who` will be woken */
    FLEET_DONE,
    FLEET_BUSY,        /* too many wait already: try again later */
    FLEET_FULL,        /* the disk is */
    FLEET_UNAVAILABLE, /* the store cannot write, or cannot tell whether it did */
    FLEET_CONFLICT,    /* a definition is no longer as the asker saw it */
};

struct fleet_result {
    enum fleet_answer answer;
    int status;                    /* of FLEET_DONE: as struct outcome has it */
    const char *reason;            /* of a refusal, or of what is not FLEET_DONE: one line */
    uint64_t revision;             /* of the node's record or definition */
    const struct store_page *page; /* of fleet_events */
};

/* Asks for a change of the node. All that `c` points at is copied. Its `at` is taken when its turn
 * comes; 404 where the node was deleted before. What it does itself counts as heard of it. */
struct slot_ref fleet_change(struct fleet *f, struct str uid, struct str name,
                             const struct change *c, struct slot_ref who);
/* The change is to happen only where its turn finds the node as it is now: else 412. */
void fleet_seen(const struct fleet *f, struct str uid, struct change *c);
/* Definitions of registered nodes are opaque here. Writes `json` where the definition has the
 * `expected` revision (STORE_ABSENT: there is none, nor another one of that name), with an event;
 * empty: deletes it and the node's record, and leaves a tombstone. `by`: who, and from where. */
struct slot_ref fleet_define(struct fleet *f, struct str uid, struct str name, uint64_t expected,
                             struct str json, const struct event *why, const struct change *by,
                             struct slot_ref who);
struct slot_ref fleet_events(struct fleet *f, const struct store_query *q, struct slot_ref who);
struct slot_ref fleet_backup(struct fleet *f, const char *path, struct slot_ref who);

/* What became of it: FLEET_PENDING while it is under way; once it says anything else the ticket is
 * used up, and what the result points at lives until the next call of this function. */
void fleet_take(struct fleet *f, struct slot_ref t, struct fleet_result *ret);
/* Whoever asked has left. What was asked for happens all the same. */
void fleet_forget(struct fleet *f, struct slot_ref t);

/* False, and a fresh record, where nobody has heard of the node. Texts live in the arena. */
bool fleet_record(const struct fleet *f, struct str uid, struct arena *a, struct record *ret,
                  uint64_t *ret_revision);
/* What is asked for most, without reading the record. */
struct fleet_view {
    enum node_state state;
    bool locked;
    uint32_t generation;
    struct str window_key; /* of the open window; empty: it is closed */
};
struct fleet_view fleet_look(const struct fleet *f, struct str uid);
/* The uid of the node whose window has this key, or had it when the boot under way began. */
struct str fleet_find_window(struct fleet *f, struct str window_key);

struct fleet_definition {
    struct str uid, json;
    uint64_t revision;
};
/* Of a registered node, else false; of all of them, in no order: *at is 0 at first and moves on. */
bool fleet_definition(const struct fleet *f, struct str uid, struct fleet_definition *ret);
bool fleet_definition_at(const struct fleet *f, uint32_t *at, struct fleet_definition *ret);
/* Changes whenever a definition does. */
uint64_t fleet_definitions_version(const struct fleet *f);

/* The event that follows `after` among the newest that are kept in memory; NULL: none yet. With
 * *ret_lost set, older ones than the oldest kept were asked for: read them with fleet_events. */
const struct store_entry *fleet_next_event(const struct fleet *f, uint64_t after, bool *ret_lost);
/* 0: there is none. The oldest is of those that are kept in memory. Nothing is known of them
 * (false) until the store has told what there was before; who watches is woken then. */
bool fleet_newest_event(const struct fleet *f, uint64_t *ret);
uint64_t fleet_oldest_event(const struct fleet *f);
/* `who` is woken, once, by newer ones. */
void fleet_watch(struct fleet *f, struct slot_ref who);

/* After the store's wake, and after the alarm. */
void fleet_on_store(struct fleet *f);
void fleet_on_alarm(struct fleet *f);
/* Wakes those who watch though there is nothing new, so that they can tell their peers. */
void fleet_rouse(struct fleet *f);
void fleet_stats(const struct fleet *f, struct store_stats *ret);
/* Whether changes can be written now, with the reason where not. */
bool fleet_healthy(const struct fleet *f, struct err *ret_why);

#endif
