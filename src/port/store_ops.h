/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_ops: what a store is made of, for its back ends.
 *
 * A back end's own struct begins with `struct store`. What reaches it was checked against the
 * port's bounds. Users of a store do not need this header.
 */
#ifndef CLOUDSEED_PORT_STORE_OPS_H
#define CLOUDSEED_PORT_STORE_OPS_H

#include "port/store.h"

struct store_ops {
    int (*load)(struct store *s, store_on_record on_record, void *cls, uint64_t *ret_revision,
                struct err *e);
    int (*start)(struct store *s, void (*wake)(void *cls), void *cls, struct err *e);
    int (*commit)(struct store *s, const struct store_txn *txn);
    int (*read)(struct store *s, const struct store_query *query);
    int (*backup)(struct store *s, uint64_t tag, const char *path);
    void (*watch)(struct store *s, uint64_t revision);
    struct store_notice *(*take)(struct store *s);
    void (*notice_free)(struct store_notice *n);
    enum store_result (*health)(struct store *s, struct err *ret_why);
    void (*stats)(struct store *s, struct store_stats *ret);
    void (*retain)(struct store *s, struct store_retention keep);
    uint64_t (*noted)(struct store *s);
    void (*settle)(struct store *s);
    void (*stop)(struct store *s);
    void (*close)(struct store *s);
};

struct store {
    const struct store_ops *ops;
};

#endif
