/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ast: what a template is once it is compiled: statements made of expressions.
 *
 * Everything lives in the arena of the set, or of the folding. It is written while the set is
 * filled and linked, and only read afterwards: what a rendering changes is in its activation
 * (run.h). Names are interned: equal names of a set have equal pointers. After scope_resolve each
 * name is a slot of the template's activation. How any of it is carried out is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_AST_H
#define CLOUDSEED_TEMPLATE_AST_H

#include "base/arena.h"
#include "base/value.h"
#include "template/template.h"

struct builtin;

#define AST_DEPTH_MAX 200 /* of expressions, and of statements in each other */
#define AST_NO_SLOT UINT32_MAX
#define AST_SLOTS_MAX 4096 /* of one template */
#define AST_TARGETS_MAX 8  /* names in "for a, b in" */

/* --- Expressions --------------------------------------------------------------------------- */

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

/* Where a name that is read gets its value. */
enum origin {
    ORIGIN_OWN,   /* the template has set it, or it is a function */
    ORIGIN_MIXED, /* the template sets it, but perhaps not before */
    ORIGIN_OUTER, /* always from outside the template */
};

struct expr {
    uint8_t kind;   /* enum expr_kind */
    uint8_t op;     /* enum op; of EXPR_ATTR: 1 where Python's mappings have such an attribute */
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
                const struct builtin *builtin;
                struct expr *callee;
            };
        };
        struct {
            struct expr *of;
            struct str attr;
        };
    };
};

/* --- Statements ---------------------------------------------------------------------------- */

struct stmt;
struct block {
    struct stmt *list;
    uint32_t n, room;
};

/* What a slot holds when its frame is entered. */
struct slot_init {
    enum { SLOT_MISSING, SLOT_RESOLVE, SLOT_ALIAS } kind;
    uint32_t slot, from;
};

/* A block with names of its own. */
struct frame {
    struct block block;
    struct slot_init *inits;
    uint32_t inits_n;
};

struct target {
    struct str name;
    uint32_t slot, test_slot; /* test_slot: while a loop's condition is computed */
};

/* "a" or "a, b"; the latter unpacks. */
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
    struct expr *iter, *test;            /* test may be NULL */
    struct frame body, otherwise, tests; /* tests: of the condition; its block is empty */
    uint32_t loop_slot;
    struct str loop_name; /* "loop", interned */
    bool uses_loop;       /* the body mentions `loop` */
};

struct assign {
    struct targets targets;
    struct expr *value; /* NULL: the text of the body */
    struct frame body;
    bool is_const; /* while it is folded: `value` never fails, and its readers may be folded */
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
        struct {
            struct str text;
            const void *mark; /* NULL: none; of template_fold's marker */
        };
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
    struct frame body;
    uint32_t slots;
    struct include **includes; /* all of them */
    uint32_t includes_n, includes_room;
    uint8_t mark; /* while looking for cycles */
};

/* Appends to a block whose memory is of `a`. */
void block_append(struct block *b, struct arena *a, struct stmt s);

/* The slot under which the included template finds `name`; NULL where it is not visible there. */
const struct visible *include_find(const struct include *inc, struct str name);

/* --- scope.c: which variable a name means -------------------------------------------------- */

/* Fills in every slot of the template. False where it has too many variables. */
bool scope_resolve(struct template *t, struct arena *a);

/* --- access.c ------------------------------------------------------------------------------ */

/* Whether Python's mappings have an attribute of that name, which no key can then be read by. */
bool access_is_of_mappings(struct str name);

/* --- walk.c: what an expression is made of, in the order of the source --------------------- */

/* Called with an expression, never NULL; false ends the walk. */
typedef bool walk_fn(void *cls, struct expr *e);

/* The expressions that `e` is made of, but not their parts. False once `fn` returned false. */
bool walk_parts(const struct expr *e, walk_fn *fn, void *cls);
/* Every EXPR_NAME in `e`, which may be NULL. */
bool walk_names(struct expr *e, walk_fn *fn, void *cls);
/* How often the template, and what it includes, may read what `slot` holds under `name`. */
uint32_t walk_reads(const struct template *t, uint32_t slot, struct str name);

#endif
