/* SPDX-License-Identifier: Apache-2.0 */
/* own: a node's own name and addresses, and texts without them, to tell what nodes have alike. */
#ifndef CLOUDSEED_CLI_DIFF_OWN_H
#define CLOUDSEED_CLI_DIFF_OWN_H

#include "base/buf.h"
#include "model/node.h"

struct own_text {
    struct str text;
    char kind; /* a text of the same kind stands for it */
};

struct own {
    const struct own_text *list;
    size_t n;
};

/* What both have: a node before a change and after it. It lives in the arena. */
struct own own_both(const struct node *before, const struct node *now, struct arena *a);

/* Appends `text` with a mark in the place of each of them, where it stands as a word. */
void own_mask(const struct own *own, struct str text, struct buf *out);

#endif
