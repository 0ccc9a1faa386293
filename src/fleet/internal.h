/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of fleet/ share. members.c and own.c keep what the store has, op.c
 * carries out what was asked for, and fleet.c is what others see of it.
 */
#ifndef CLOUDSEED_FLEET_INTERNAL_H
#define CLOUDSEED_FLEET_INTERNAL_H

#include "base/map.h"
#include "fleet/deadline.h"
#include "fleet/own_keep.h"
#include "fleet/recent.h"

#include <sys/queue.h>

#define KIND_STATE STR("state")
#define KIND_NODE STR("node")
#define KIND_NAME STR("name")
#define KIND_TOMBSTONE STR("tombstone")

/* Bytes that the store has under one of the kinds. */
struct kept {
    char *bytes; /* with a NUL behind them; NULL: nothing */
    size_t n;
    uint64_t revision;
    uint32_t round; /* of the store's feed that named it last */
};

TAILQ_HEAD(ops, op);

struct member {
    char *uid;
    struct kept state, node;
    bool deleted;           /* it had a definition: its uid is nobody's any more */
    struct fleet_view view; /* of `state` */
    char *window_key;       /* in the clear, of an open window or of a boot that began in it */
    uint64_t heard_boot_ms, due_boot_ms;
    uint32_t heap_at; /* in the deadlines; MAP_NONE: has none */
    struct ops ops;   /* the first one is under way */
};

enum op_kind { OP_CHANGE, OP_DEFINE, OP_READ, OP_BACKUP, OP_OWN };

/* One thing that was asked for. All that it points at lives in its arena. */
struct op {
    TAILQ_ENTRY(op) entry;
    struct arena arena;
    struct slot_ref ticket, who;
    struct member *member; /* NULL: it concerns none */
    enum op_kind kind;
    bool begun, forgotten, done;
    bool fills_recent; /* reads what the journal had before our time */
    struct str name;   /* of the node */
    struct change change;
    uint64_t expected; /* of OP_DEFINE */
    struct str json;
    struct own_record own;
    struct event why;
    struct store_query query;
    const char *path;
    struct store_event *events; /* that it writes */
    uint32_t events_n;
    struct fleet_result result;
    struct store_notice *page; /* what the result points at */
};

struct fleet {
    struct store *store;
    struct wake wake;
    struct alarm alarm;
    struct fleet_host host;
    uint64_t revision; /* up to which the store was loaded */
    uint32_t round;    /* how often the feed began anew */
    struct member **members;
    uint32_t members_n, members_room;
    struct map by_uid, by_window;
    bool windows_changed;
    uint64_t definitions_version;
    struct slots ops;
    struct op *taken; /* the last one whose result was looked at */
    uint32_t ops_n;
    struct member **heap; /* those with a deadline, the nearest first */
    uint32_t heap_n, heap_room;
    struct recent *recent;
    bool knows_recent; /* what there was before us was read */
    struct own *own;
    uint32_t own_n, own_room;
    struct slot_ref *watchers;
    uint32_t watchers_n, watchers_room;
};

/* members.c */
struct member *member_find(const struct fleet *f, struct str uid);
struct member *member_get(struct fleet *f, struct str uid);
void members_done(struct fleet *f);
/* What the store has now, or has no more; records of other kinds are passed over. */
void member_keep(struct fleet *f, const struct store_record *record);
void member_drop(struct fleet *f, const struct store_record *record);
/* Drops what the feed has not named in this round. */
void members_sweep(struct fleet *f);
struct member *members_by_window(struct fleet *f, struct str window_key);
void kept_set(struct kept *k, const struct store_record *record, uint32_t round);
void kept_unset(struct kept *k);
/* The record as it was committed last. */
void member_record(const struct member *m, struct arena *a, struct record *ret);

/* op.c */
struct op *op_new(struct fleet *f, enum op_kind kind, struct member *m, struct slot_ref who);
void op_free(struct fleet *f, struct op *op);
/* Runs it, or puts it behind those of its member that are under way. */
void op_begin(struct fleet *f, struct op *op);
void op_tell_watchers(struct fleet *f);
void op_on_notice(struct fleet *f, struct store_notice *n);

#endif
