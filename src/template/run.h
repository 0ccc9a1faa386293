/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: carrying out a compiled template: the state of one rendering, the values that exist only
 * then, and what Python does with values.
 *
 * Every function that returns bool, unless it is a question about a value, returns false once the
 * rendering has failed; the fault is then filled in and the caller only returns false, too. `at` is
 * an offset in the source of the running template. How a template was compiled is not known here.
 */
#ifndef CLOUDSEED_TEMPLATE_RUN_H
#define CLOUDSEED_TEMPLATE_RUN_H

#include "template/ast.h"
#include "template/trace.h"

#define RUN_NEST_MAX 200 /* lists in lists */
#define RUN_ARGS_MAX 4   /* of a filter, a test, a method or a function */

/* --- Values -------------------------------------------------------------------------------- */

/* value.tag while a template runs. What data cannot hold hides behind VALUE_UNDEFINED, so that
 * code which does not know it refuses it. */
enum run_tag {
    RUN_PLAIN, /* of VALUE_UNDEFINED: `s` points to a struct undefined */
    /* of VALUE_UNDEFINED */
    RUN_ABSENT,     /* an argument that is left out */
    RUN_MISSING,    /* a name that has no value yet */
    RUN_UNRESOLVED, /* a name that has not been looked up in the context yet */
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

/* An undefined value without a reason. */
static inline struct value run_tagged(enum run_tag tag)
{
    return (struct value){.kind = VALUE_UNDEFINED, .tag = (uint8_t)tag};
}

static inline bool run_is_absent(struct value v)
{
    return v.kind == VALUE_UNDEFINED && v.tag == RUN_ABSENT;
}

/* A list or tuple: plain data. */
static inline bool run_is_array(struct value v)
{
    return v.kind == VALUE_LIST && (v.tag == RUN_PLAIN || v.tag == RUN_TUPLE);
}

/* A list, tuple or range, which can be indexed. */
static inline bool run_is_sequence(struct value v)
{
    return run_is_array(v) || (v.kind == VALUE_LIST && v.tag == RUN_RANGE);
}

static inline bool run_is_integer(struct value v)
{
    return v.kind == VALUE_INT || v.kind == VALUE_BOOL;
}

static inline bool run_is_number(struct value v)
{
    return run_is_integer(v) || v.kind == VALUE_FLOAT;
}

static inline int64_t run_integer(struct value v)
{
    return v.kind == VALUE_BOOL ? v.b : v.i;
}

/* --- run.c: the state of a rendering ------------------------------------------------------- */

/* A template at work. */
struct activation {
    const struct template *t;
    struct value *slots;
    struct activation *parent;     /* the template that included it */
    const struct include *include; /* where */
    uint32_t include_at;
    unsigned depth;
};

void activation_init(struct activation *act, const struct template *t, struct activation *parent,
                     const struct include *include, uint32_t at);
/* `slots` has room for those of the template. */
void activation_begin(struct activation *act, struct value *slots);

struct run {
    struct template_scope scope;
    struct arena *arena;
    struct buf *out;
    struct buf scratch;               /* of one operation that computes nothing else meanwhile */
    struct buf spare;                 /* of the filter that writes next */
    struct template_trace *trace;     /* NULL where none is asked for, and in a set block */
    const struct template_sink *sink; /* likewise */
    struct template_fault *fault;
    struct activation *now;
    /* Of a traced output: what a filter wrote last, and which value that spells. */
    struct value spelling, spelled;
    bool is_escaped;
    uint64_t steps_left;
    size_t arena_max_bytes, output_max_bytes;
    unsigned depth_max;
    unsigned nest;
};

/* Fills in the fault. */
void run_fault(struct run *r, uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* As run_fault, and false; a macro, so that compilers and analyzers see that it always is. */
#define run_fail(r, at, ...) (run_fault((r), (at), __VA_ARGS__), false)

/* Takes steps off the account. A step stands for some 20 ns at most, whatever is done with it: all
 * that takes longer pays for what it reads and writes, before it does so. */
static inline bool run_charge(struct run *r, uint32_t at, uint64_t steps)
{
    if (r->steps_left < steps)
        return run_fail(r, at,
                        "this takes too many steps: shorten the loops, or the texts and "
                        "lists that filters work on");
    r->steps_left -= steps;
    return true;
}

/* For bytes that are copied or compared as a whole. */
static inline bool run_charge_bytes(struct run *r, uint32_t at, uint64_t n)
{
    return run_charge(r, at, n / 64);
}

/* For bytes that are looked at one by one, or searched. */
static inline bool run_charge_chars(struct run *r, uint32_t at, uint64_t n)
{
    return run_charge(r, at, n / 4);
}

/* For items that are looked at, without what is done with each. */
static inline bool run_charge_items(struct run *r, uint32_t at, uint64_t n)
{
    return run_charge(r, at, n / 8);
}

/* As run_charge where nothing can fail: what comes next does. */
static inline void run_spend(struct run *r, uint64_t steps)
{
    r->steps_left -= steps < r->steps_left ? steps : r->steps_left;
}

/* NULL where the memory's cap is reached. */
void *run_alloc(struct run *r, uint32_t at, size_t size);
/* A string in the arena. */
bool run_copy_text(struct run *r, uint32_t at, struct str s, struct value *ret);
/* A value that is undefined because of what `at` stands for. */
bool run_undefined(struct run *r, uint32_t at, struct undefined why, struct value *ret);
/* The fault for using a value that is undefined, the loop or a function. */
void run_refuse_fault(struct run *r, uint32_t at, struct value v);
/* As run_refuse_fault, and false. */
#define run_refuse(r, at, v) (run_refuse_fault((r), (at), (v)), false)
/* Goes one level deeper into a value; run_leave where it is true. */
bool run_enter(struct run *r, uint32_t at);
void run_leave(struct run *r);

/* --- trace.c ------------------------------------------------------------------------------- */

/* Forgets all pieces; the output goes on at `begin`. */
void trace_begin(struct template_trace *trace, size_t begin);
/* What was written since the last piece came from `stmt`; it may be nothing. */
void trace_add(struct template_trace *trace, struct template_piece piece);

/* --- eval.c: expressions and statements ---------------------------------------------------- */

bool run_eval(struct run *r, const struct expr *e, struct value *ret);
bool run_block(struct run *r, const struct block *b);
bool run_template(struct run *r, const struct template *t, struct activation *parent,
                  const struct include *include, uint32_t at);

/* --- show.c: str() and repr() -------------------------------------------------------------- */

#define RUN_INT_STEPS 4 /* of writing an integer */
/* Appends str(v). */
bool run_show(struct run *r, uint32_t at, struct buf *b, struct value v);
/* Appends a backslash, the letter and the code point in `digits` hexadecimal digits. */
void run_show_code(struct buf *b, char letter, unsigned digits, uint32_t c);
/* str(v) as a string; a string is returned as it is. */
bool run_text(struct run *r, uint32_t at, struct value v, struct str *ret);
#define RUN_FLOAT_SIZE 40
/* repr() of a float: what Python prints, and reads back the same. Returns `text`. The caller has
 * paid RUN_FLOAT_STEPS. */
#define RUN_FLOAT_STEPS 400 /* the shortest text is found by trying */
const char *run_float_text(double f, char text[static RUN_FLOAT_SIZE]);

/* --- operator.c ---------------------------------------------------------------------------- */

bool run_unary(struct run *r, uint32_t at, enum op op, struct value v, struct value *ret);
bool run_binary(struct run *r, uint32_t at, enum op op, struct value a, struct value b,
                struct value *ret);
bool run_range(struct run *r, uint32_t at, const struct value args[RUN_ARGS_MAX],
               struct value *ret);
bool run_truth(struct run *r, uint32_t at, struct value v, bool *ret);
bool run_equal(struct run *r, uint32_t at, struct value a, struct value b, bool *ret);
/* Less than, equal or greater as -1, 0, 1; refuses what Python cannot order. */
bool run_order(struct run *r, uint32_t at, struct value a, struct value b, int *ret);
bool run_compare(struct run *r, uint32_t at, enum op op, struct value a, struct value b, bool *ret);

/* --- access.c ------------------------------------------------------------------------------ */

/* What iterating over the value gives. */
bool run_items(struct run *r, uint32_t at, struct value v, const struct value **ret, uint32_t *n);
/* Pays for looking a key up: keys of the same length are compared. */
static inline bool run_charge_lookup(struct run *r, uint32_t at, struct value map, struct value key)
{
    uint64_t bytes = key.kind == VALUE_STR ? key.n : 0;
    return run_charge(r, at, map.n / 8 * (1 + bytes / 64));
}
/* Jinja2's a.name and a[key]: undefined where there is none. */
bool run_attr(struct run *r, const struct expr *e, struct value of, struct value *ret);
bool run_index(struct run *r, uint32_t at, struct value of, struct value key, struct value *ret);
/* The value under a key by Python's equality; absent (run_is_absent) where there is none. */
bool run_map_get(struct run *r, uint32_t at, struct value map, struct value key, struct value *ret);
/* Whether Python's hash() accepts it: no list or mapping in it. */
bool run_hashable(struct run *r, uint32_t at, struct value v);

#endif
