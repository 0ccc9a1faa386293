/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout: the keys and values that a fleet's state has in etcd (docs/formats/etcd.md).
 *
 * Only bytes: it knows no requests and keeps nothing. Keys are without the prefix.
 */
#ifndef CLOUDSEED_STORE_ETCD_LAYOUT_H
#define CLOUDSEED_STORE_ETCD_LAYOUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "port/store.h"

#define LAYOUT_FORMAT 1
#define LAYOUT_HEAD "head"
#define LAYOUT_RECORDS "record/"
#define LAYOUT_JOURNAL "journal/"
#define LAYOUT_REMOVED "removed/"

struct layout_head {
    struct str fleet;
    uint64_t revision, last[STORE_JOURNALS];
    struct str writer; /* names the process that wrote it */
    uint64_t sequence; /* how often it did */
};

struct str layout_head(struct arena *a, const struct layout_head *head);
/* Its texts lie in the arena. -EPROTONOSUPPORT: of another version of the layout. */
int layout_read_head(struct str value, struct arena *a, struct layout_head *ret, struct err *e);

struct str layout_record_key(struct arena *a, struct str kind, struct str key);
struct str layout_record(struct arena *a, uint64_t revision, struct str bytes);
/* The record's texts are parts of the two. */
int layout_read_record(struct str key, struct str value, struct store_record *ret, struct err *e);

struct str layout_batch_key(struct arena *a, enum store_class class, uint64_t first);
int layout_read_batch_key(struct str key, enum store_class *ret_class, uint64_t *ret_first,
                          struct err *e);
/* Appends an entry to a batch. */
void layout_entry(struct buf *batch, const struct store_entry *entry);
/* Cuts the first entry off the batch; its texts are parts of it. */
int layout_read_entry(struct str *batch, struct store_entry *ret, struct err *e);

struct str layout_removed_key(struct arena *a, struct str node);
struct str layout_removed(struct arena *a, const uint64_t removed[static STORE_CLASSES]);
int layout_read_removed(struct str key, struct str value, struct str *ret_node,
                        uint64_t ret[static STORE_CLASSES], struct err *e);

#endif
