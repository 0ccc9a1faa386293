/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr: the expressions of a compiled template.
 *
 * Names are interned: equal names have equal pointers. After scope_resolve each name is a slot of
 * the template's activation, and whose it is is known. What filters, tests and methods do is not
 * known here, nor are the statements that expressions stand in.
 */
#ifndef CLOUDSEED_TEMPLATE_EXPR_H
#define CLOUDSEED_TEMPLATE_EXPR_H

#include "base/value.h"

struct filter;
struct test;
struct method;

enum expr_kind {
    EXPR_CONST,
    EXPR_NAME,
    EXPR_LIST,
    EXPR_TUPLE,
    EXPR_DICT, /* keys and values in turn */
    EXPR_ATTR,
    EXPR_INDEX,
    EXPR_UNARY,
    EXPR_BINARY,
    EXPR_CONCAT,
    EXPR_COMPARE, /* items[0] ops[1] items[1] ops[2] items[2] … */
    EXPR_AND,
    EXPR_OR,
    EXPR_NOT,
    EXPR_COND, /* a if b else c; c may be NULL */
    EXPR_FILTER,
    EXPR_TEST,
    EXPR_METHOD,
    EXPR_CALL, /* of a function: a name and arguments */
};

enum op {
    OP_POS,
    OP_NEG,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_FLOORDIV,
    OP_MOD,
    OP_POW,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_NOT_IN,
};

/* Whose a name is where it is read. */
enum origin {
    ORIGIN_OWN,   /* the template has set it, or it is a function's */
    ORIGIN_MIXED, /* the template sets it, but perhaps not before */
    ORIGIN_OUTER, /* what there is around the template, always */
};

struct expr {
    uint8_t kind;
    uint8_t op;
    uint16_t depth; /* levels below, this one included */
    uint32_t at;    /* offset in the source */
    uint32_t n;     /* items */
    union {
        struct value constant;
        struct {
            struct str name;
            uint32_t slot;
            uint8_t origin; /* enum origin */
        };
        struct {
            struct expr *a, *b, *c;
        };
        struct {
            struct expr **items;
            uint8_t *ops;
        };
        struct { /* `on` is NULL for a function; args has a NULL where an argument is left out */
            struct expr *on;
            struct expr **args;
            union {
                const struct filter *filter;
                const struct test *test;
                const struct method *method;
                struct expr *callee;
            };
        };
        struct {
            struct expr *of;
            struct str attr;
        };
    };
};

#endif
