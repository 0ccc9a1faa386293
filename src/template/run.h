/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: the state of one rendering: its caps, its place, its memory and its fault.
 *
 * Every function that returns bool returns false once the rendering has failed; the fault is then
 * filled in and nothing needs to be said again. `at` is an offset in the source of the template
 * that runs. What is done with values is not known here: run_ops.h has it.
 */
#ifndef CLOUDSEED_TEMPLATE_RUN_H
#define CLOUDSEED_TEMPLATE_RUN_H

#include "template/run_value.h"
#include "template/template.h"

struct include;

#define RUN_NEST_MAX 200 /* lists in lists */

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
    struct buf scratch;           /* of one operation that computes nothing else meanwhile */
    struct buf spare;             /* of the filter that writes next */
    struct template_trace *trace; /* NULL where nobody asks, and while no output is written */
    struct template_fault *fault;
    struct activation *now;
    uint64_t steps_left;
    size_t arena_max_bytes, output_max_bytes;
    unsigned depth_max;
    unsigned nest;
};

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

/* A value that is undefined because of what `at` stands for. */
bool run_undefined(struct run *r, uint32_t at, struct undefined why, struct value *ret);
/* The fault for any use of a value that has none: false always. */
void run_refuse_fault(struct run *r, uint32_t at, struct value v);
#define run_refuse(r, at, v) (run_refuse_fault((r), (at), (v)), false)

#endif
