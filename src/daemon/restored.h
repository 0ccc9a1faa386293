/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restored: what a restored state must not bring back to life, and how it differs from the state
 * that it replaces.
 *
 * It reads records of both states, one after the other, and makes the transactions that close the
 * build windows of the restored one, revoke its tokens and put its clusters in doubt. It opens no
 * files and prints to standard output only.
 */
#ifndef CLOUDSEED_DAEMON_RESTORED_H
#define CLOUDSEED_DAEMON_RESTORED_H

#include "base/map.h"
#include "fleet/access.h"
#include "fleet/cluster.h"
#include "port/store.h"

/* What one of the states says of a node; 0: it has no such record. */
struct restored_side {
    uint32_t epoch; /* of a registered node's definition */
    uint32_t generation;
};

struct restored_node {
    struct str uid, name;
    struct restored_side now, before;
};

/* A cluster that one of the states knows. */
struct restored_cluster {
    struct str name;
    uint32_t epoch; /* the highest */
    bool is_written;
};

struct restored {
    struct arena arena; /* holds everything that the members point to */
    struct restored_node *nodes;
    uint32_t n, room;
    struct restored_cluster *clusters;
    uint32_t clusters_n, clusters_room;
    struct map by_uid, names_now, names_before; /* names: of registered nodes */
    bool replaces;                              /* set by the caller: there was a state before */
    struct moment at;
    struct store_txn *txns; /* that the restored state needs */
    uint32_t txns_n, txns_room;
    uint32_t closed;  /* windows */
    uint32_t revoked; /* tokens of admins */
};

void restored_init(struct restored *r);
void restored_done(struct restored *r);

/* A record of the state that is replaced: all of them come first. */
void restored_before(struct restored *r, const struct store_record *record);
/* A record of the restored state. */
void restored_now(struct restored *r, const struct store_record *record);
/* Both were read. Then r->txns are complete. */
void restored_settle(struct restored *r);

void restored_print(const struct restored *r);

#endif
