/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mint: the bootstrap token by which a node's boot joins, as it is kept.
 *
 * A token is written as an intent before a cluster is asked to make it: after a crash the same one
 * is asked for again, and no cluster has a token that is not known here. Pure, as cluster.h is. A
 * node has one record at most, of the boot that has claimed its window; docs/formats/fleet.md has
 * its members.
 */
#ifndef CLOUDSEED_FLEET_MINT_H
#define CLOUDSEED_FLEET_MINT_H

#include "fleet/state.h"

#define MINT_LENGTH_MS ((int64_t)15 * 60 * 1000) /* how long a token lives */
#define MINT_LEFT_MS 60000 /* a boot that has less than that left is given another token */

enum mint_phase {
    MINT_PHASE_INTENDED, /* the cluster may or may not have it */
    MINT_PHASE_SIGNED,   /* it was good when the cluster was seen last */
};

extern const char *const mint_phase_names[]; /* "intended", …, and NULL behind */

struct mint_token {
    struct str id;     /* no secret: names the token in the cluster */
    struct str sealed; /* the whole token */
};

struct mint_record {
    enum mint_phase phase;
    struct str claim; /* digest: the boot that it is for */
    struct str cluster;
    uint32_t epoch; /* of the cluster */
    struct mint_token token;
    int64_t end_wall_ms;
    struct str reason; /* why it was not good when the cluster was seen last; empty: not known */
};

struct value mint_record_value(const struct mint_record *r, struct arena *a);
/* Reads the store's JSON; texts live in the arena. -EINVAL for anything that no version of
 * cloudseed wrote. */
int mint_record_read(struct str json, struct arena *a, struct mint_record *ret, struct err *e);

enum mint_change_kind {
    MINT_INTEND, /* the boot needs a token */
    MINT_TELL,   /* why the cluster does not have it yet */
    MINT_CONFIRM /* the cluster has the token, and it is good */
};

struct mint_change {
    enum mint_change_kind kind;
    struct str claim;
    struct str cluster;
    uint32_t epoch;
    struct mint_token token; /* intend: made up just now, for the case that it needs another one */
    struct str taken;        /* intend: id of one that the cluster cannot make; empty: none */
    struct str reason;       /* tell: one line */
};

struct mint_result {
    int status; /* HTTP's: 200, or 409: the token is not the one of the record */
    bool writes;
    struct mint_record record; /* of 200: as it is now */
    struct event event;        /* of what is written */
};

/* NULL: there is no record. */
void mint_apply(const struct mint_record *r, const struct mint_change *c, int64_t wall_ms,
                struct arena *a, struct mint_result *ret);

#endif
