/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ast: what a template is once it is compiled.
 *
 * Everything lives in the arena of the set, or of the folding. It is written while the set is
 * filled and linked, and only read afterwards: what a rendering changes is in its activation
 * (run.h).
 */
#ifndef CLOUDSEED_TEMPLATE_AST_H
#define CLOUDSEED_TEMPLATE_AST_H

#include "template/stmt.h"
#include "template/template.h"

#define AST_DEPTH_MAX 200 /* of expressions, and of statements in each other */
#define AST_NO_SLOT UINT32_MAX

struct template
{
    const struct template_set *set;
    struct str name;
    const char *file;
    struct str source; /* newlines are \n */
    struct block body;
    struct entries entry;
    uint32_t slots;
    struct include **includes; /* all of them */
    uint32_t includes_n, includes_room;
    uint8_t mark; /* while looking for cycles */
};

/* NULL where there is none; set.c has it. */
const struct template *set_find(const struct template_set *set, struct str name);

#endif
