/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ast: what a template is once it is compiled.
 *
 * Everything lives in the arena of the set. Names are interned: equal names have equal pointers.
 * After scope_resolve each name is a slot of the template's activation.
 */
#ifndef CLOUDSEED_TEMPLATE_AST_H
#define CLOUDSEED_TEMPLATE_AST_H

#include "template/template.h"

#define AST_DEPTH_MAX 200 /* of expressions, and of statements in each other */
#define AST_NO_SLOT UINT32_MAX
#define TARGETS_MAX 8 /* names in "for a, b in" */

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
