/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_mask: replaces a node's name and addresses, so that texts of different nodes can be
 * compared. Names and addresses that only stand within a longer word are kept.
 */
#ifndef CLOUDSEED_CLI_COMMON_IDENTITY_MASK_H
#define CLOUDSEED_CLI_COMMON_IDENTITY_MASK_H

#include "base/buf.h"
#include "model/node.h"

struct identity_text {
    struct str text;
    char kind; /* texts of the same kind get the same mark */
};

struct identity_mask {
    const struct identity_text *list;
    size_t n;
};

/* The names and addresses that the node has both before and after the change. In the arena. */
struct identity_mask identity_mask_make(const struct node *before, const struct node *now,
                                        struct arena *a);

/* Appends `text`, each of them replaced by a mark where it stands as a word of its own. */
void identity_mask_apply(const struct identity_mask *mask, struct str text, struct buf *out);

#endif
