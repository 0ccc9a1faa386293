/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet: the one owner of every node's state.
 *
 * It keeps in memory what the store has, and nothing else: a change is computed from the record as
 * it was last committed, written together with its events, and visible only after the commit.
 * Changes of one node run one at a time. It knows nodes only by their uid: no tree, no templates,
 * no HTTP. All calls come from the loop's thread, and none of them blocks.
 *
 * A request that may take time is given a waiter and returns a ticket. The waiter is woken once,
 * when the request is done, possibly from within the call itself; fleet_take then gives the result
 * away. Exchanges of several listeners can wait at the same time, each by its own listener's wake.
 */
#ifndef CLOUDSEED_FLEET_FLEET_H
#define CLOUDSEED_FLEET_FLEET_H

#include "base/histogram.h"
#include "fleet/access.h"
#include "fleet/cluster.h"
#include "fleet/mint.h"
#include "model/address.h"
#include "port/store.h"
#include "port/waiter.h"

struct fleet;

/* What the fleet needs from the daemon. */
struct fleet_host {
    void (*now)(void *cls, struct moment *ret);
    /* Unseals the key of a node's window. False: it cannot be read. */
    bool (*unseal)(void *cls, struct str uid, struct str sealed, struct arena *a, struct str *ret);
    void *cls;
};

/* --- Begin and end --------------------------------------------------------------------------- */

/* Reads all records of the store, which it takes over, even where it fails. */
int fleet_open(struct store *s, const struct fleet_host *host, struct fleet **ret, struct err *e);
/* Follows the store from now on. `on_store` says, from any thread, that fleet_on_store is due;
 * `alarm` calls for fleet_on_alarm. */
int fleet_start(struct fleet *f, void (*on_store)(void *cls), void *cls, struct alarm alarm,
                struct err *e);
/* After the store's wake, and after the alarm. */
void fleet_on_store(struct fleet *f);
void fleet_on_alarm(struct fleet *f);
/* Finishes what is under way, and takes no more; afterwards no waiter is woken and no alarm set. */
void fleet_stop(struct fleet *f);
/* Stops, and frees all. Accepts NULL. */
void fleet_close(struct fleet *f);

/* --- Requests -------------------------------------------------------------------------------- */

enum fleet_answer {
    FLEET_PENDING, /* the waiter will be woken */
    FLEET_DONE,
    FLEET_BUSY,        /* too many requests wait already: try again later */
    FLEET_FULL,        /* the disk is */
    FLEET_UNAVAILABLE, /* the store cannot write, or cannot tell whether it did */
    FLEET_CONFLICT,    /* a definition is no longer as the asker saw it */
};

struct fleet_result {
    enum fleet_answer answer;
    int status;                        /* HTTP's; of FLEET_DONE as struct outcome has it */
    const char *reason;                /* of a refusal, or of what is not FLEET_DONE: one line */
    uint64_t revision;                 /* of the node's record or definition */
    uint64_t bytes;                    /* of fleet_backup's file */
    const struct store_page *page;     /* of fleet_events */
    struct cluster_decision *decision; /* of fleet_cluster_change; NULL where nothing was decided */
};

/* Asks for a change of the node. All that `c` points at is copied. Its `at` is set when its turn
 * comes; 404 where the node was deleted before. What the node does itself counts as a sign of
 * life. */
struct slot_ref fleet_change(struct fleet *f, struct str uid, struct str name,
                             const struct change *c, struct waiter w);
/* Makes the change depend on the node being as it is now when its turn comes: else 412. */
void fleet_seen(const struct fleet *f, struct str uid, struct change *c);
/* Definitions of registered nodes are opaque here. Writes `json` where the definition has the
 * `expected` revision (STORE_ABSENT: there is none, nor another one of that name), with an event;
 * empty: deletes it and the node's record, and leaves a tombstone. `by`: the cause and the peer. */
struct slot_ref fleet_define(struct fleet *f, struct str uid, struct str name, uint64_t expected,
                             struct str json, const struct event *why, const struct change *by,
                             struct waiter w);
/* Asks for a change of the cluster's record, one at a time for each cluster. What it depends on is
 * looked up when its turn comes, among that the masters' states. 404 where the node was deleted. */
struct slot_ref fleet_cluster_change(struct fleet *f, const struct cluster_change *c,
                                     struct waiter w);
/* A page of a journal. */
struct slot_ref fleet_events(struct fleet *f, const struct store_query *q, struct waiter w);
struct slot_ref fleet_backup(struct fleet *f, const char *path, struct waiter w);

/* FLEET_PENDING while the request is under way. Otherwise the result is the caller's, its texts in
 * `a`, and the ticket is used up. */
void fleet_take(struct fleet *f, struct slot_ref ticket, struct arena *a, struct fleet_result *ret);
/* The asker does not want the result any more. What was asked for happens all the same. A ticket
 * that was used up is fine. */
void fleet_forget(struct fleet *f, struct slot_ref ticket);

/* --- Nodes ----------------------------------------------------------------------------------- */

/* False, and a fresh record, where nothing is known of the node. Texts live in the arena. */
bool fleet_record(const struct fleet *f, struct str uid, struct arena *a, struct record *ret,
                  uint64_t *ret_revision);
/* What is asked for most, without reading the record. */
struct fleet_view {
    enum node_state state;
    bool locked, seen, installer; /* as struct record has them */
    bool awaited;                 /* what it fetches may change its record */
    uint32_t generation;
    struct str window_key; /* of the open window; empty: it is closed */
};
struct fleet_view fleet_look(const struct fleet *f, struct str uid);
/* The uid of the node whose window has this key, or had it when the current boot began. */
struct str fleet_find_window(struct fleet *f, struct str window_key);

/* How many windows are open whose nodes were given this pin of a CA; counts no further than `max`.
 */
uint32_t fleet_count_windows(const struct fleet *f, struct str pin, uint32_t max);

struct fleet_definition {
    struct str uid, json;
    uint64_t revision;
};
/* Of a registered node, else false; of all of them, in no order: *at is 0 at first and moves on. */
bool fleet_definition(const struct fleet *f, struct str uid, struct fleet_definition *ret);
bool fleet_definition_at(const struct fleet *f, uint32_t *at, struct fleet_definition *ret);
/* Changes whenever a definition does. */
uint64_t fleet_definitions_version(const struct fleet *f);

/* --- What is counted ------------------------------------------------------------------------- */

/* What may be wrong with a node, as a set. */
enum fleet_trouble {
    TROUBLE_FAILED = 1,
    TROUBLE_LOCKED = 2,
    TROUBLE_ALARM = 4,      /* it had one; when the latest was is beside it */
    TROUBLE_NOT_READY = 8,  /* it was, and its cluster does not have it as Ready any more */
    TROUBLE_UNRENDERED = 16 /* what it is to be answered when it joins cannot be made */
};
struct fleet_standing {
    enum node_state state;
    unsigned troubles;
    int64_t alarm_wall_ms;
};

/* `on` is called whenever a node is in another state. A node without a record is registered. */
typedef void fleet_on_standing(void *cls, struct str uid, enum node_state before,
                               enum node_state now);
void fleet_follow(struct fleet *f, fleet_on_standing *on, void *cls);

/* The nodes with a trouble, those first that have had one for longest: *at is NULL at first and
 * moves on; false behind the last. */
struct member;
bool fleet_troubled_at(const struct fleet *f, const struct member **at, struct str *ret_uid,
                       struct fleet_standing *ret);

struct fleet_counts {
    uint32_t windows;              /* that are open */
    int64_t oldest_window_wall_ms; /* when the one was opened that is open for longest; 0: none */
    uint32_t troubled;             /* nodes with a trouble */
    const uint64_t *events;        /* committed since the start, as event_kind_at numbers them */
    const struct histogram *commit_seconds; /* from a commit that is asked for to its answer */
};
void fleet_counts(struct fleet *f, struct fleet_counts *ret);

/* --- Clusters -------------------------------------------------------------------------------- */

/* False where the cluster has no record of its own. */
bool fleet_cluster(const struct fleet *f, struct str name, struct arena *a,
                   struct cluster_record *ret);
/* The names of those that have one, in no order: *at is 0 at first and moves on. */
bool fleet_cluster_at(const struct fleet *f, uint32_t *at, struct str *ret_name);
/* What a CLUSTER_ASK would be answered now, which is not written and so must not be acted upon. */
void fleet_cluster_look(const struct fleet *f, const struct cluster_change *ask, struct arena *a,
                        struct cluster_decision *ret);
/* The waiter is woken, once, when a cluster changes or a master that others wait for, and by
 * fleet_rouse. */
void fleet_watch_clusters(struct fleet *f, struct waiter w);
void fleet_unwatch_clusters(struct fleet *f, struct waiter w);

/* --- Tokens ---------------------------------------------------------------------------------- */

/* Asks for a change of the node's token. 409 where the boot does not have the window, or the token
 * is not the one that is confirmed; 404 where the node was deleted. After a 200 fleet_minted has
 * the token that the boot is to use: the offered one, or one that it was given before and that its
 * cluster may have already. */
struct slot_ref fleet_mint(struct fleet *f, struct str uid, const struct mint_change *c,
                           struct waiter w);
/* The token of the boot that has claimed the node's window; false: it has none. Texts live in the
 * arena. */
bool fleet_minted(const struct fleet *f, struct str uid, struct arena *a, struct mint_record *ret);
/* The waiter is woken, once, when the node's token is forgotten (its window has ended, or the node
 * was deleted), and when the cluster does not stand any more or is in another epoch. */
void fleet_watch_mint(struct fleet *f, struct str uid, struct str cluster, struct waiter w);
void fleet_unwatch_mint(struct fleet *f, struct waiter w);

/* --- The newest events ----------------------------------------------------------------------- */

/* The first event with an id above `after` among the newest that are kept in memory; NULL: none
 * yet. Those that ids between the two had are not in memory: fleet_events reads what the journal
 * still has of them. */
const struct store_entry *fleet_next_event(const struct fleet *f, uint64_t after);
/* 0: there is none. False until the store has said what there was before this process began;
 * watchers are woken then. */
bool fleet_newest_event(const struct fleet *f, uint64_t *ret);
/* The waiter is woken, once, by newer events, or by fleet_rouse. */
void fleet_watch(struct fleet *f, struct waiter w);
void fleet_unwatch(struct fleet *f, struct waiter w);
/* Wakes the watchers though there is nothing new, so that they send their peers a sign of life. */
void fleet_rouse(struct fleet *f);
/* How often fleet_rouse was called. */
uint64_t fleet_beats(const struct fleet *f);

/* --- The server's own records ---------------------------------------------------------------- */

/* They are in the store so that they last and are part of backups. Opaque here, and sealed by the
 * caller: kind "server" is what the server needs to be the same again ("secret", "ca",
 * and "recovery", the sealing key's copy for a passphrase), kind "secret" a value that templates
 * ask for. */
#define OWN_SERVER STR("server")
#define OWN_RECOVERY STR("recovery")
#define OWN_SECRET STR("secret")

struct own_record {
    struct str kind, key, bytes;
};

/* As they were committed last, in no order: *at is 0 at first and moves on; false behind the last.
 * The texts live until the next record is written. */
bool fleet_own_at(const struct fleet *f, uint32_t *at, struct own_record *ret);
bool fleet_own_has(const struct fleet *f, struct str kind, struct str key);
/* Writes it, over an earlier one; with empty bytes: deletes it. */
struct slot_ref fleet_own_write(struct fleet *f, const struct own_record *record, struct waiter w);

/* --- Tokens of admins ------------------------------------------------------------------------ */

/* In no order; NULL behind the last. The texts live until the next call that writes. */
const struct access_token *fleet_access_at(const struct fleet *f, uint32_t i);
const struct access_token *fleet_access_named(const struct fleet *f, struct str name);
/* The token with this digest, whether it is valid or not. The time that it takes depends only on
 * how many tokens there are. */
const struct access_token *fleet_access_find(const struct fleet *f, struct str digest);
/* FLEET_CONFLICT where there is one of this name; 409 where there are too many. `by`: the cause and
 * the peer. */
struct slot_ref fleet_access_create(struct fleet *f, const struct access_token *t,
                                    const struct change *by, struct waiter w);
struct slot_ref fleet_access_revoke(struct fleet *f, const struct access_token *t,
                                    const struct change *by, struct waiter w);
/* It was used now. Written behind, and not each time: a disk that is full stops nobody. */
void fleet_access_used(struct fleet *f, struct str name, struct str from);

/* --- The audit ------------------------------------------------------------------------------- */

/* Who asked for what, and what came of it. Texts may be foreign, and of any length. */
struct audit_entry {
    enum store_class class; /* one of the audit's */
    int status;             /* HTTP's; 0: the peer left before there was an answer */
    struct str uid, node;   /* the node that it is about; empty: none */
    struct str who, what, agent, reason;
    struct address from; /* family 0: this machine */
};

/* Written behind: nothing ever waits for it. What is the same as an entry that waits to be written
 * is counted with it. What there is no room for is lost, and counted. */
void fleet_audit(struct fleet *f, const struct audit_entry *e);
/* How many were lost since the start. */
uint64_t fleet_audit_lost(const struct fleet *f);

/* --- How the store is ------------------------------------------------------------------------ */

void fleet_stats(const struct fleet *f, struct store_stats *ret);
/* Whether changes can be written now, with the reason where not. */
bool fleet_healthy(const struct fleet *f, struct err *ret_why);

/* The state was found at an older revision than it had reached: commits were lost. */
struct fleet_loss {
    uint64_t found, noted; /* revisions: when the server started, and before */
    int64_t at_ms;         /* of that start, wall clock */
};
/* False if there was no loss, or an admin has acknowledged it. */
bool fleet_lost(const struct fleet *f, struct fleet_loss *ret);
/* `by`: the cause and the peer. */
struct slot_ref fleet_acknowledge(struct fleet *f, const struct change *by, struct waiter w);

#endif
