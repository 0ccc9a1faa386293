/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec: the bodies of requests to etcd's JSON gateway (/v3, since etcd 3.4), and its answers.
 *
 * It sends nothing and knows no layout. Keys are without the prefix, which is added to those that
 * are sent and taken off those that come back.
 */
#ifndef CLOUDSEED_STORE_ETCD_CODEC_H
#define CLOUDSEED_STORE_ETCD_CODEC_H

#include "base/arena.h"
#include "base/err.h"

#define CODEC_OPS_MAX 128 /* etcd's --max-txn-ops */

struct codec_op {
    bool is_delete;
    struct str key, value;
};

/* If `guard` still has this mod_revision (0: it does not exist), all of `ops`, else the guard is
 * read. */
struct str codec_txn(struct arena *a, struct str prefix, struct str guard, uint64_t mod_revision,
                     const struct codec_op *ops, size_t n);
/* At most `limit` keys behind `after`, and among those that begin with `folder`, which ends in '/'.
 * `after`.n == 0: from the first on. */
struct str codec_page(struct arena *a, struct str prefix, struct str folder, struct str after,
                      uint32_t limit);
struct str codec_get(struct arena *a, struct str prefix, struct str key);
/* The arena is a secret. */
struct str codec_authenticate(struct arena *a, struct str user, struct str password);

struct codec_kv {
    struct str key, value;
    uint64_t mod_revision;
};

struct codec_answer {
    uint64_t revision; /* etcd's own; of a transaction that wrote: its mod_revision */
    bool succeeded;    /* a transaction: the guard was as expected */
    bool more;         /* a page: others follow */
    const struct codec_kv *kvs;
    size_t n;
    struct str token; /* of codec_authenticate */
};

/* The answer to any of the requests. Its texts lie in the arena. */
int codec_read(struct str body, struct str prefix, struct arena *a, struct codec_answer *ret,
               struct err *e);

enum codec_refusal {
    CODEC_NO_TOKEN,    /* authenticate first, or again */
    CODEC_NO_RIGHTS,   /* a wrong password, no permission, or a configuration that cannot work */
    CODEC_NO_SPACE,    /* etcd's quota is used up */
    CODEC_NO_LEADER,   /* no quorum for now: it may have happened */
    CODEC_BAD_REQUEST, /* nothing that comes with time */
};

/* What an answer with another status than 200 means, with what to do about it. */
enum codec_refusal codec_read_refusal(int status, struct str body, struct err *ret_why);

#endif
