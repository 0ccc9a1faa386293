/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_value: the values that exist only while a template runs.
 *
 * Data has its kinds from base/value.h; this adds what Jinja2 has beyond them, and how it is told
 * apart. It knows nothing of the rendering that the values belong to.
 */
#ifndef CLOUDSEED_TEMPLATE_RUN_VALUE_H
#define CLOUDSEED_TEMPLATE_RUN_VALUE_H

#include "base/value.h"

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

/* Why a value is undefined. */
struct undefined {
    const char *hint; /* the whole message, or NULL */
    bool soft;        /* it may be shown, as nothing: an inline if without its else */
    struct str name;  /* of a variable, where `of` is undefined */
    struct value of, key;
    /* Where it came from, by run_undefined: a fault is shown there and not where it is used, but
     * `at` means nothing in another template's source. */
    const char *source;
    uint32_t at;
};

struct loop_state {
    const struct value *items;
    uint32_t n, i;
};

/* True for Jinja2's Undefined; loops and functions are not. */
bool run_is_undefined(struct value v);
/* Undefined, but empty and false: Jinja2 is not strict about the else that an inline if lacks. */
bool run_is_soft(struct value v);
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

#endif
