/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stmt: the statements of a compiled template: its tags, and the text between them.
 *
 * Every name that a statement sets has a slot, and every frame says what happens to its slots when
 * it is entered; scope.c decides both. How any of it is carried out is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_STMT_H
#define CLOUDSEED_TEMPLATE_STMT_H

#include "template/expr.h"

#define TARGETS_MAX 8 /* names in "for a, b in" */

struct template;

/* What happens to a slot when its frame is entered. */
struct entry {
    enum { ENTRY_MISSING, ENTRY_RESOLVE, ENTRY_ALIAS } action;
    uint32_t slot, from;
};

struct entries {
    struct entry *list;
    uint32_t n;
};

struct stmt;

struct block {
    struct stmt *list;
    uint32_t n, room;
};

struct target {
    struct str name;
    uint32_t slot, test_slot; /* test_slot: while a for's condition is computed */
};

/* "a" or "a, b": the latter unpacks. */
struct targets {
    struct target *list;
    uint32_t n;
    bool unpack;
};

struct branch {
    struct expr *test; /* NULL for else */
    struct block body;
};

struct choice {
    struct branch *list;
    uint32_t n, room;
};

struct loop {
    struct targets targets;
    struct expr *iter, *test; /* test may be NULL */
    struct block body, otherwise;
    struct entries body_entry, test_entry, otherwise_entry;
    uint32_t loop_slot;
    struct str loop_name; /* "loop", interned */
    bool uses_loop;       /* the body speaks of `loop` */
};

struct assign {
    struct targets targets;
    struct expr *value; /* NULL: the body's text */
    struct block body;
    struct entries body_entry;
    bool settled; /* while it is folded: `value` never fails, and who reads it may know it */
};

/* A name that an included template can see. */
struct visible {
    struct str name;
    uint32_t slot;
};

struct include {
    struct expr *name;
    const struct template *target; /* where the name is constant, after linking */
    bool ignore_missing;
    struct visible *visible;
    uint32_t n;
};

struct stmt {
    enum { STMT_TEXT, STMT_OUTPUT, STMT_IF, STMT_FOR, STMT_SET, STMT_INCLUDE } kind;
    uint32_t at;
    union {
        struct str text;
        struct expr *expr;
        struct choice *choice;
        struct loop *loop;
        struct assign *assign;
        struct include *include;
    };
};

#endif
