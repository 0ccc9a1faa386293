/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: one rendering: its caps, its place, and what Python does with values.
 *
 * Every function that returns bool returns false once the rendering has failed; the fault is then
 * filled in and nothing needs to be said again. `at` is an offset in the source of the template
 * that runs.
 */
#ifndef CLOUDSEED_TEMPLATE_RUN_H
#define CLOUDSEED_TEMPLATE_RUN_H

#include "template/ast.h"
#include "template/filter.h"

/* value.tag while a template runs. What data cannot hold hides behind VALUE_UNDEFINED, so that
 * code which does not know it refuses it. */
enum run_tag {
    RUN_PLAIN, /* of VALUE_UNDEFINED: `s` points to a struct undefined */
    /* of VALUE_UNDEFINED */
    RUN_ABSENT,     /* an argument that is left out */
    RUN_MISSING,    /* a name that has no value yet */
    RUN_UNRESOLVED, /* a name nobody has asked the context for yet */
    RUN_LOOP,       /* `s` points to a struct loop_state */
    RUN_GLOBAL,     /* a function that Jinja2 always has; `s` is its name */
    /* of VALUE_LIST */
    RUN_TUPLE,
    RUN_KEYS, /* of a mapping, as the methods give them */
    RUN_VALUES,
    RUN_ITEMS,
    RUN_RANGE,
    RUN_GENERATOR, /* can be read once, in Python */
    /* of VALUE_STR */
    RUN_MARKUP, /* what tojson gives: "+" would escape its other side as HTML */
};

#define RUN_NEST_MAX 200 /* lists in lists */

/* Why a value is undefined. */
struct undefined {
    const char *hint; /* the whole message, or NULL */
    bool soft;        /* it may be shown, as nothing: an inline if without its else */
    struct str name;  /* of a variable, where `of` is undefined */
    struct value of, key;
};

struct loop_state {
    const struct value *items;
    uint32_t n, i;
};

/* A template at work. */
struct activation {
    const struct template *t;
    struct value *slots;
    struct activation *parent;     /* who included it */
    const struct include *include; /* where */
    uint32_t include_at;
    unsigned depth;
};

struct run {
    struct template_scope scope;
    struct arena *arena;
    struct buf *out;
    struct buf scratch; /* of one operation that computes nothing else meanwhile */
    struct buf spare;   /* of the filter that writes next */
    struct template_fault *fault;
    struct activation *now;
    uint64_t steps_left;
    size_t arena_max_bytes, output_max_bytes;
    unsigned depth_max;
    unsigned nest;
};

/* --- run.c: the rendering's state ---------------------------------------------------------- */

/* Fills in the fault. */
void run_fault(struct run *r, uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, and false: that it is always false must be seen by compilers and analyzers. */
#define run_fail(r, at, ...) (run_fault((r), (at), __VA_ARGS__), false)

/* Takes steps off the account. */
static inline bool run_charge(struct run *r, uint32_t at, uint64_t steps)
{
    if (r->steps_left < steps)
        return run_fail(r, at, "this takes too many steps: is a loop too long?");
    r->steps_left -= steps;
    return true;
}

/* NULL where the memory's cap is reached. */
void *run_alloc(struct run *r, uint32_t at, size_t size);
/* What `r->scratch` holds as a string in the arena; empties it. */
bool run_take_scratch(struct run *r, uint32_t at, struct value *ret);
bool run_copy_text(struct run *r, uint32_t at, struct str s, struct value *ret);

bool run_undefined(struct run *r, uint32_t at, struct undefined why, struct value *ret);
/* True for Jinja2's Undefined; loops and functions are not. */
bool run_is_undefined(struct value v);
/* Undefined, but empty and false: Jinja2 is not strict about the else that an inline if lacks. */
bool run_is_soft(struct value v);
/* The fault for any use of a value that has none: false always. */
void run_refuse_fault(struct run *r, uint32_t at, struct value v);
#define run_refuse(r, at, v) (run_refuse_fault((r), (at), (v)), false)
/* What a message calls the value: "a list", "the loop". */
const char *run_kind(struct value v);

static inline bool run_is_absent(struct value v)
{
    return v.kind == VALUE_UNDEFINED && v.tag == RUN_ABSENT;
}

/* A list, tuple or range, which can be indexed. */
static inline bool run_is_sequence(struct value v)
{
    return v.kind == VALUE_LIST && (v.tag == RUN_PLAIN || v.tag == RUN_TUPLE || v.tag == RUN_RANGE);
}

/* A list or tuple: plain data. */
static inline bool run_is_array(struct value v)
{
    return v.kind == VALUE_LIST && (v.tag == RUN_PLAIN || v.tag == RUN_TUPLE);
}

static inline bool run_is_integer(struct value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_BOOL;
}

static inline int64_t run_integer(struct value v)
{
    return v.kind == VALUE_BOOL ? v.b : v.i;
}

/* --- show.c: str() and repr() -------------------------------------------------------------- */

/* Appends str(v). */
bool run_show(struct run *r, uint32_t at, struct buf *b, struct value v);
/* str(v) as a string; the very value where it is one. */
bool run_text(struct run *r, uint32_t at, struct value v, struct str *ret);
/* repr() of a float: what Python prints, and reads back the same. Returns `text`. */
#define RUN_FLOAT_SIZE 40
const char *run_float_text(double f, char text[static RUN_FLOAT_SIZE]);

/* --- compare.c ----------------------------------------------------------------------------- */

bool run_truth(struct run *r, uint32_t at, struct value v, bool *ret);
bool run_equal(struct run *r, uint32_t at, struct value a, struct value b, bool *ret);
/* Less than, equal or greater as -1, 0, 1; refuses what Python cannot order. */
bool run_order(struct run *r, uint32_t at, struct value a, struct value b, int *ret);
bool run_contains(struct run *r, uint32_t at, struct value in, struct value v, bool *ret);
bool run_compare(struct run *r, uint32_t at, enum op op, struct value a, struct value b, bool *ret);

/* --- access.c ------------------------------------------------------------------------------ */

/* What iterating over the value gives. */
bool run_items(struct run *r, uint32_t at, struct value v, const struct value **ret, uint32_t *n);
/* Jinja2's a.name and a[key]: undefined where there is none. */
bool run_attr(struct run *r, uint32_t at, struct value of, struct str name, struct value *ret);
bool run_index(struct run *r, uint32_t at, struct value of, struct value key, struct value *ret);
/* The value under a key by Python's equality; kind VALUE_UNDEFINED, tag RUN_ABSENT: none. */
bool run_map_get(struct run *r, uint32_t at, struct value map, struct value key, struct value *ret);
/* Python's hash() would take it: no list or mapping in it. */
bool run_hashable(struct run *r, uint32_t at, struct value v);

/* --- arith.c ------------------------------------------------------------------------------- */

bool run_unary(struct run *r, uint32_t at, enum op op, struct value v, struct value *ret);
bool run_binary(struct run *r, uint32_t at, enum op op, struct value a, struct value b,
                struct value *ret);
bool run_range(struct run *r, uint32_t at, const struct value args[FILTER_ARGS_MAX],
               struct value *ret);

/* --- eval.c, exec.c ------------------------------------------------------------------------ */

bool run_eval(struct run *r, const struct expr *e, struct value *ret);
/* The value of a name in the context of `act`: includers first, then the scope; tag RUN_MISSING
 * where nobody knows it. */
struct value run_resolve(struct run *r, struct activation *act, struct str name);
bool run_block(struct run *r, const struct block *b);
bool run_template(struct run *r, const struct template *t, struct activation *parent,
                  const struct include *include, uint32_t at);

#endif
