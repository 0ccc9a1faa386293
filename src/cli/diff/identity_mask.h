/* SPDX-License-Identifier: Apache-2.0 */
/* identity_mask: a node's own name and addresses, and texts without them, to tell what nodes have
 * alike. */
#ifndef CLOUDSEED_CLI_DIFF_IDENTITY_MASK_H
#define CLOUDSEED_CLI_DIFF_IDENTITY_MASK_H

#include "base/buf.h"
#include "model/node.h"

struct identity_text {
    struct str text;
    char kind; /* a text of the same kind stands for it */
};

struct identity_mask {
    const struct identity_text *list;
    size_t n;
};

/* What both have: a node before a change and after it. It lives in the arena. */
struct identity_mask identity_mask_make(const struct node *before, const struct node *now,
                                        struct arena *a);

/* Appends `text` with a mark in the place of each of them, where it stands as a word. */
void identity_mask_apply(const struct identity_mask *mask, struct str text, struct buf *out);

#endif
