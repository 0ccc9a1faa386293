/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group: what one transaction of etcd changes: commits that were queued together, or a step of
 * retention, or only the head.
 *
 * It decides what each commit meets, as if they were carried out one after the other, and keeps
 * what they change until it is known whether etcd has done it. It asks nothing.
 */
#ifndef CLOUDSEED_STORE_ETCD_GROUP_H
#define CLOUDSEED_STORE_ETCD_GROUP_H

#include "store/etcd/batches.h"
#include "store/etcd/codec.h"
#include "store/etcd/revisions.h"

#define GROUP_WRITES_MAX 120 /* beside the head and a batch of each class */
#define GROUP_BYTES_MAX (512U << 10)
#define GROUP_TXN_BYTES_MAX 1400000U /* etcd's limit is 1.5 MiB */

struct group {
    struct arena arena;
    struct layout_head head; /* as it will be */
    struct group_write {
        struct str key, value;
        uint64_t revision; /* 0: it is deleted */
    } writes[GROUP_WRITES_MAX];
    size_t n_writes;
    struct buf batches[STORE_CLASSES];
    uint64_t first[STORE_CLASSES]; /* id in each batch */
    size_t bytes;
    bool trims;
    struct batches_trim trim;
};

void group_init(struct group *g);
void group_done(struct group *g);
/* An empty one, which changes only the head: it is written once more by the same writer. */
void group_begin(struct group *g, const struct layout_head *head);

/* Whether a transaction is small enough for etcd at all. */
bool group_can_ever_take(const struct store_txn *t);
/* Adds a commit and fills its notice: with success or a conflict. False: it is for the next group.
 */
bool group_add(struct group *g, const struct revisions *known, struct request *r);
bool group_changes_anything(const struct group *g);

/* The body of the request, if the head still has this mod_revision. */
struct str group_request(struct group *g, const struct batches *j, struct str prefix,
                         uint64_t mod_revision);
/* etcd has done it. */
void group_apply(struct group *g, struct revisions *known, struct batches *j);

#endif
