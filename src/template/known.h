/* SPDX-License-Identifier: Apache-2.0 */
/* known: whether a part of a template depends on names that are not known beforehand. */
#ifndef CLOUDSEED_TEMPLATE_KNOWN_H
#define CLOUDSEED_TEMPLATE_KNOWN_H

#include "template/stmt.h"
#include "template/template.h"

struct settled;

/* Names that the templates at work set themselves: what they stand for is known where they are
 * settled. */
struct names_set {
    struct str *list;
    uint32_t n, room;
};

void names_set_done(struct names_set *s);
/* Adds what the block's statements set, loops' names included. */
void names_set_add_block(struct names_set *s, const struct block *b);

struct known {
    struct template_scope scope;
    struct names_set set;
    struct settled *settled; /* of the template at work */
};

/* True where every name in it is known. */
bool known_expr(const struct known *k, struct expr *e);
/* The same for all that a statement does: it writes the same each time, and sets nothing. */
bool known_stmt(const struct known *k, const struct stmt *s);

#endif
