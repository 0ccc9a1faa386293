/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of fleet/ share.
 *
 * members.c, mints.c, clusters.c, access.c and own.c keep what the store has, recent.c the newest
 * events, audit.c what the audit does not have yet, deadline.c whose time is up next, standing.c
 * what is counted; op.c carries out what was asked for, and fleet.c is what others see of it.
 */
#ifndef CLOUDSEED_FLEET_INTERNAL_H
#define CLOUDSEED_FLEET_INTERNAL_H

#include "base/map.h"
#include "fleet/audit.h"
#include "fleet/fleet.h"
#include "fleet/recent.h"

#include <sys/queue.h>

#define KIND_STATE STR("state")
#define KIND_NODE STR("node")
#define KIND_NAME STR("name")
#define KIND_TOMBSTONE STR("tombstone")
#define KIND_CLUSTER STR("cluster")
#define KIND_MINT STR("mint")
#define KIND_ACCESS STR("access")

/* Bytes that the store has under one of the kinds. */
struct kept {
    char *bytes; /* with a NUL behind them; NULL: nothing */
    size_t n;
    uint64_t revision;
    uint32_t round; /* of the store's feed that named it last */
};

/* A record that was read already, with its texts. */
struct parsed {
    TAILQ_ENTRY(parsed) entry; /* by use, the latest first */
    struct member *member;
    struct arena arena;
    struct record record;
};

TAILQ_HEAD(parsed_list, parsed);
TAILQ_HEAD(ops, op);
TAILQ_HEAD(troubled, member);

struct member {
    char *uid;
    struct kept state, node, mint;
    struct parsed *parsed;  /* of `state`, while the node is being built; else NULL */
    bool deleted;           /* it had a definition: its uid is never used again */
    struct fleet_view view; /* of `state` */
    struct fleet_standing standing;
    int64_t opened_wall_ms; /* of its open window; 0: it is closed */
    TAILQ_ENTRY(member) trouble;
    char *machine;    /* hash of machine-id, as `state` has it; NULL: none */
    char *window_key; /* in the clear, of an open window or of a boot that began in it */
    uint64_t heard_boot_ms, due_boot_ms;
    uint32_t heap_at; /* in the deadlines; MAP_NONE: it has none */
    struct ops ops;   /* the first one is under way */
};

/* Somebody has the cluster make the node's token. */
struct mint_watch {
    const struct member *member;
    const struct cluster *cluster;
    struct waiter waiter;
};

enum op_kind {
    OP_CHANGE,
    OP_DEFINE,
    OP_READ,
    OP_BACKUP,
    OP_OWN,
    OP_LOSS,
    OP_CLUSTER,
    OP_MINT,
    OP_ACCESS
};

enum op_phase {
    OP_QUEUED,
    OP_RUNNING,
    OP_COMMITTING, /* the store will answer */
    OP_DONE,
};

/* One request. All that it points at lives in its arena. */
struct op {
    unsigned magic;
    enum op_phase phase;
    enum op_kind kind;
    bool forgotten;    /* the result is not wanted */
    bool fills_recent; /* reads what the journal had before this process began */
    TAILQ_ENTRY(op) entry;
    struct arena arena;
    struct slot_ref ticket;
    struct waiter waiter;
    struct member *member; /* NULL: it concerns none */
    struct ops *queue;     /* of its member or its cluster; NULL: it is in none */
    struct str name;       /* of the node */
    struct change change;
    struct parsed *next; /* of OP_CHANGE: the record as it will be */
    bool ends_mint;      /* of OP_CHANGE: the window's token is forgotten */
    struct mint_change mint_change;
    uint64_t expected; /* of OP_DEFINE and OP_ACCESS */
    struct str json;
    struct own_record own;
    struct cluster *cluster;
    struct cluster_change cluster_change;
    struct cluster_record cluster_next; /* as it will be */
    unsigned tries;
    struct event why;
    struct store_query query;
    const char *path;
    struct store_event *events; /* that it writes */
    uint32_t events_n;
    struct fleet_result result;
    uint64_t asked_ns;           /* boot-time clock: when its commit was asked for */
    struct store_notice *notice; /* the store's answer: the result points into it */
};

struct fleet {
    struct store *store;
    struct alarm alarm;
    struct fleet_host host;
    bool stopped;
    uint64_t revision; /* up to which the store was loaded */
    uint32_t round;    /* how often the feed started over */
    struct member **members;
    uint32_t members_n, members_room;
    struct map by_uid, by_window;
    struct map
        by_machine; /* also entries of machines that members had before: they are not found */
    bool windows_changed;
    struct parsed_list parsed;
    uint32_t parsed_n;
    uint64_t definitions_version;
    struct slots ops;
    uint32_t ops_n;
    struct member **heap; /* those with a deadline, the nearest first */
    uint32_t heap_n, heap_room;
    struct recent *recent;
    bool knows_recent; /* what the journal had before this process began was read */
    struct own *own;
    uint32_t own_n, own_room;
    struct access_kept **access;
    uint32_t access_n, access_room;
    struct cluster **clusters;
    uint32_t clusters_n, clusters_room;
    struct waiters cluster_watchers;
    struct mint_watch *mint_watches;
    uint32_t mint_watches_n, mint_watches_room;
    uint64_t beats; /* how often it was roused */
    struct fleet_loss loss;
    bool has_loss;
    uint32_t loss_round; /* of the store's feed that named it last */
    struct waiters watchers;
    fleet_on_standing *on_standing;
    void *standing_cls;
    struct troubled troubled; /* members, by when they came into trouble */
    uint32_t troubled_n, windows_n;
    int64_t oldest_window_ms; /* 0 where there are windows: it must be found again */
    uint64_t *event_counts;
    struct histogram commit_seconds;
    struct audit *audit;
};

/* --- members.c ------------------------------------------------------------------------------- */

void kept_set(struct kept *k, const struct store_record *record, uint32_t round);
void kept_unset(struct kept *k);

struct member *member_find(const struct fleet *f, struct str uid);
struct member *member_get(struct fleet *f, struct str uid);
void members_done(struct fleet *f);
/* What the store has now, or has no more; records of other kinds are passed over. */
void member_keep(struct fleet *f, const struct store_record *record);
void member_drop(struct fleet *f, const struct store_record *record);
/* Drops what the feed has not named in this round. */
void members_sweep(struct fleet *f);
struct member *members_by_window(struct fleet *f, struct str window_key);
/* Another member with that hash of machine-id; NULL: there is none. */
const struct member *members_twin(const struct fleet *f, const struct member *m,
                                  struct str machine);

/* The record as it was committed last. Its texts live in `a` or in the member, until the next
 * call that changes a member. */
void member_record(const struct member *m, struct arena *a, struct record *ret);
/* Whether it has a build window that this claim took. */
bool member_is_claimed(const struct member *m, struct str claim, struct arena *a);
/* Takes the record as it was just committed, which is what `record->bytes` say. */
void member_commit(struct fleet *f, const struct store_record *record, struct parsed *next);

/* A copy of the record that owns its texts. */
struct parsed *parsed_new(struct member *m, const struct record *r);
/* Accepts NULL. */
void parsed_free(struct parsed *p);

/* --- standing.c ------------------------------------------------------------------------------ */

void standings_init(struct fleet *f);
void standings_done(struct fleet *f);
/* The member's record is this now. */
void standing_set(struct fleet *f, struct member *m, const struct record *r);
void standing_count_event(struct fleet *f, struct str kind);

/* --- op.c ------------------------------------------------------------------------------------ */

struct op *op_new(struct fleet *f, enum op_kind kind, struct member *m, struct waiter w);
/* NULL where the ticket is used up. */
struct op *op_find(const struct fleet *f, struct slot_ref ticket);
void op_free(struct fleet *f, struct op *op);
/* Runs it, or puts it behind those of its member that are under way. */
void op_begin(struct fleet *f, struct op *op);
void op_on_notice(struct fleet *f, struct store_notice *n);
/* The value as text in the op's arena. */
struct str op_json(struct op *op, struct value v);
/* For what carries it out: its result, what it writes, the journal's part of that. */
void op_end(struct op *op, enum fleet_answer answer, int status, const char *reason);
/* The reason of a 409 for a claim that no longer holds. */
#define OP_SUPERSEDED "its build window is over, or another boot has claimed it"
void op_commit(struct fleet *f, struct op *op, const struct store_write *writes, size_t n);
void op_make_events(struct op *op, const struct event *events, uint32_t n);

/* --- deadline.c ------------------------------------------------------------------------------ */

/* UINT64_MAX: it has none. */
void deadline_set(struct fleet *f, struct member *m, uint64_t due_boot_ms);
struct member *deadline_first(const struct fleet *f);
/* Has fleet_on_alarm called when the first deadline or the audit is due. */
void alarm_set(struct fleet *f);

/* --- own.c ----------------------------------------------------------------------------------- */

/* Whether records of that kind are the server's own. */
bool own_is(struct str kind);
void own_keep(struct fleet *f, const struct store_record *record);
void own_drop(struct fleet *f, const struct store_record *record);
/* Drops what the store's feed has not named in this round. */
void own_sweep(struct fleet *f);
void own_done(struct fleet *f);

/* --- access.c -------------------------------------------------------------------------------- */

/* Whether records of that kind are tokens of admins. */
bool access_is(struct str kind);
void access_keep(struct fleet *f, const struct store_record *record);
void access_drop(struct fleet *f, const struct store_record *record);
/* Drops what the store's feed has not named in this round. */
void access_sweep(struct fleet *f);
void access_done(struct fleet *f);
void access_run(struct fleet *f, struct op *op);
void access_on_commit(struct fleet *f, struct op *op, uint64_t revision);

/* --- clusters.c ------------------------------------------------------------------------------ */

bool clusters_are(struct str kind);
struct cluster *cluster_get(struct fleet *f, struct str name);
void cluster_keep(struct fleet *f, const struct store_record *record);
void cluster_drop(struct fleet *f, const struct store_record *record);
/* Drops what the store's feed has not named in this round. */
void clusters_sweep(struct fleet *f);
void clusters_done(struct fleet *f);
/* A node is in another state: somebody may wait for that. */
void clusters_on_state(struct fleet *f, const struct member *m);
void clusters_wake(struct fleet *f);
/* The cluster whose lease the node has, or is being given; empty: none. */
struct str clusters_led_by(const struct fleet *f, struct str uid);
/* Whether the boot that has claimed the node's window has made one that stands. */
bool clusters_made_by(const struct fleet *f, const char *uid, const struct record *r);
void cluster_run(struct fleet *f, struct op *op);
/* After a conflict: whether it is queued once more. */
bool cluster_run_again(struct op *op);
void cluster_on_commit(struct fleet *f, struct op *op, uint64_t revision);

/* --- mints.c --------------------------------------------------------------------------------- */

void mint_run(struct fleet *f, struct op *op);
/* Whether the boot that has claimed the node's window was given its token. */
bool mint_was_given(const struct member *m, const struct record *r, struct arena *a);
/* Whether the node has a token of another window than it will have. */
bool mint_is_over(const struct member *m, const struct record *next, struct arena *a);
void mint_forget(struct fleet *f, struct member *m);
void mints_on_epoch(struct fleet *f, const struct cluster *c);
void mints_done(struct fleet *f);

/* --- loss.c ---------------------------------------------------------------------------------- */

bool loss_is(struct str kind);
void loss_keep(struct fleet *f, const struct store_record *record);
void loss_drop(struct fleet *f);
/* Drops it unless the store's feed has named it in this round. */
void loss_sweep(struct fleet *f);
/* Stores that there was a loss, if the store found less than it had noted. */
void loss_begin(struct fleet *f);

#endif
