/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etcd: the store in an etcd cluster, over its JSON gateway.
 *
 * docs/formats/etcd.md has the keys and values, docs/why/etcd.md the reasons. One server writes at
 * a time: one that is started takes the state over, and the one before writes nothing more.
 */
#ifndef CLOUDSEED_STORE_ETCD_ETCD_H
#define CLOUDSEED_STORE_ETCD_ETCD_H

#include "store/etcd/gateway.h"
#include "store/queue.h"

struct etcd_options {
    const struct fetch_turns *turns; /* until store_close, for no one else */
    struct gateway_access access;    /* copied */
    struct str fleet;                /* at most 63 bytes: another state than this is refused */
    struct str writer;               /* at most 63 bytes: no other process ever has the same */
    uint32_t patience_ms;            /* until the outcome of a commit counts as unknown; 0: 10 s */
    struct store_limits limits;      /* if all are 0, STORE_LIMITS_DEFAULT */
    struct store_retention keep;
};

/* Waits for etcd, some seconds at most. Backups are refused: they are etcd's own. */
int etcd_open(const struct etcd_options *options, struct store **ret, struct err *e);

#endif
