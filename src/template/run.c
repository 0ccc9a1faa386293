/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run.h"

#include "base/guess.h"
#include "template/ast.h"
#include "template/excerpt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool run_is_undefined(struct value v)
{
    return v.kind == VALUE_UNDEFINED && v.tag != RUN_LOOP && v.tag != RUN_GLOBAL;
}

bool run_is_soft(struct value v)
{
    return v.kind == VALUE_UNDEFINED && v.tag == RUN_PLAIN && v.s &&
           ((const struct undefined *)v.s)->soft;
}

const char *run_kind(struct value v)
{
    static const char *const plain[] = {
        "an undefined value", "none",   "a boolean", "an integer", "a float",
        "a string",           "a list", "a mapping"};
    if (v.kind == VALUE_LIST && v.tag == RUN_TUPLE)
        return "a tuple";
    if (v.kind == VALUE_LIST && v.tag == RUN_RANGE)
        return "a range";
    if (v.kind == VALUE_LIST && v.tag != RUN_PLAIN)
        return "an iterator";
    return v.kind == VALUE_UNDEFINED && v.tag == RUN_LOOP ? "the loop" : plain[v.kind];
}

#define STEPS_DEFAULT 1000000
#define DEPTH_DEFAULT 16
#define MEMORY_DEFAULT ((size_t)16 << 20)

static void write_trace(struct run *r)
{
    char *out = r->fault->trace;
    size_t room = sizeof(r->fault->trace), used = 0;
    out[0] = '\0';
    for (const struct activation *a = r->now; a->parent && used < room; a = a->parent) {
        const struct template *by = a->parent->t;
        struct place at = excerpt_place(by->file, by->source, a->include_at);
        int n = snprintf(out + used, room - used, "%s%.*s:%u", used ? ", " : "included from ",
                         STR_ARG(by->name), at.line);
        used += n > 0 ? (size_t)n : 0;
    }
}

void run_fault(struct run *r, uint32_t at, const char *fmt, ...)
{
    struct template_fault *f = r->fault;
    const struct template *t = r->now->t;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->msg, sizeof(f->msg), fmt, ap);
    va_end(ap);
    f->at = excerpt_place(t->file, t->source, at);
    excerpt_write(f->excerpt, sizeof(f->excerpt), t->source, at);
    write_trace(r);
}

void *run_alloc(struct run *r, uint32_t at, size_t size)
{
    size_t used = r->arena->used_bytes;
    if (used > r->arena_max_bytes || size > r->arena_max_bytes - used) {
        run_fault(r, at, "this takes too much memory");
        return NULL;
    }
    if (!run_charge_bytes(r, at, size))
        return NULL;
    return arena_alloc(r->arena, size);
}

bool run_copy_text(struct run *r, uint32_t at, struct str s, struct value *ret)
{
    char *p = run_alloc(r, at, s.n + 1);
    if (!p)
        return false;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *ret = value_str((struct str){p, s.n});
    return true;
}

bool run_undefined(struct run *r, uint32_t at, struct undefined why, struct value *ret)
{
    struct undefined *kept = run_alloc(r, at, sizeof(*kept));
    if (!kept)
        return false;
    why.source = r->now->t->source.p;
    why.at = at;
    *kept = why;
    *ret = (struct value){.kind = VALUE_UNDEFINED, .s = (const char *)kept};
    return true;
}

/* Whether a message can show it without escapes. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] >= 0x7F)
            return false;
    }
    return true;
}

/* "'cluster' is none and has no 'name'": names a value that is not a mapping. False where it is
 * one, or where the source gives the value no name. */
static bool refuse_owner(struct run *r, uint32_t at, const struct undefined *u)
{
    struct str owner = {0};
    char text[EXCERPT_TEXT_SIZE], key[EXCERPT_TEXT_SIZE];
    if (u->of.kind != VALUE_MAP && u->source == r->now->t->source.p)
        owner = excerpt_owner(r->now->t->source, at);
    if (owner.n)
        run_fault(r, at, "undefined: '%s' is %s and has no '%s'", excerpt_text(text, owner),
                  run_kind(u->of), excerpt_text(key, value_text(u->key)));
    return owner.n;
}

/* "the mapping has no 'hostnam'; did you mean 'hostname'?" */
static void refuse_member(struct run *r, uint32_t at, const struct undefined *u)
{
    if (u->key.kind == VALUE_INT) {
        run_fault(r, at, "%s of %u has no element %lld", run_kind(u->of), u->of.n,
                  (long long)u->key.i);
        return;
    }
    if (u->key.kind != VALUE_STR) {
        run_fault(r, at, "%s has no such element", run_kind(u->of));
        return;
    }
    if (refuse_owner(r, at, u))
        return;
    struct guess guess;
    char text[EXCERPT_TEXT_SIZE];
    guess_init(&guess, value_text(u->key));
    for (uint32_t i = 0; u->of.kind == VALUE_MAP && i < u->of.n && i < 1000; i++) {
        struct value key = u->of.pairs[i].key;
        if (key.kind == VALUE_STR && is_plain(value_text(key)))
            guess_offer(&guess, value_text(key));
    }
    run_fault(r, at, "undefined: %s has no '%s'%s", run_kind(u->of),
              excerpt_text(text, value_text(u->key)), guess_text(&guess));
}

static void refuse_name(struct run *r, uint32_t at, struct str name)
{
    const char *why = r->scope.explain ? r->scope.explain(name) : NULL;
    run_fault(r, at, "'%.*s' is undefined%s%s", STR_ARG(name), why ? ": " : "", why ? why : "");
}

void run_refuse_fault(struct run *r, uint32_t at, struct value v)
{
    const struct undefined *u =
        v.kind == VALUE_UNDEFINED && v.tag == RUN_PLAIN ? (const struct undefined *)v.s : NULL;
    if (u && u->source == r->now->t->source.p)
        at = u->at;
    if (v.tag == RUN_LOOP)
        run_fault(r, at, "the loop cannot be used like this: take loop.index and the like");
    else if (v.tag == RUN_GLOBAL)
        run_fault(r, at, "'%.*s' is a function of Jinja2; only range() is here, to be called",
                  STR_ARG(value_text(v)));
    else if (!u)
        run_fault(r, at, "undefined");
    else if (u->hint)
        run_fault(r, at, "%s", u->hint);
    else if (u->of.kind == VALUE_UNDEFINED)
        refuse_name(r, at, u->name);
    else
        refuse_member(r, at, u);
}

bool run_enter(struct run *r, uint32_t at)
{
    if (r->nest == RUN_NEST_MAX)
        return run_fail(r, at, "this value is nested too deeply");
    r->nest++;
    return true;
}

void run_leave(struct run *r)
{
    r->nest--;
}

static int render(const struct template *t, struct template_scope scope,
                  const struct template_limits *limits, struct arena *arena, struct buf *out,
                  struct template_trace *trace, const struct template_sink *sink,
                  struct template_fault *ret_fault)
{
    static const struct template_limits defaults = {0};
    const struct template_limits *l = limits ? limits : &defaults;
    size_t memory = l->memory_max_bytes ? l->memory_max_bytes : MEMORY_DEFAULT;
    struct run r = {
        .scope = scope,
        .arena = arena,
        .out = out,
        .trace = trace,
        .sink = sink,
        .fault = ret_fault,
        .steps_left = l->steps_max ? l->steps_max : STEPS_DEFAULT,
        .arena_max_bytes = arena->used_bytes + memory,
        .output_max_bytes = out->max_bytes,
        .depth_max = l->depth_max ? l->depth_max : DEPTH_DEFAULT,
    };
    buf_init(&r.scratch, memory);
    buf_init(&r.spare, memory);
    r.scratch.secret = r.spare.secret = arena->secret;
    if (trace)
        trace_begin(trace, out->n);
    bool ok = run_template(&r, t, NULL, NULL, 0);
    buf_done(&r.scratch);
    buf_done(&r.spare);
    return ok ? 0 : -EINVAL;
}

int template_render(const struct template *t, struct template_scope scope,
                    const struct template_limits *limits, struct arena *arena, struct buf *out,
                    struct template_trace *trace, struct template_fault *ret_fault)
{
    return render(t, scope, limits, arena, out, trace, NULL, ret_fault);
}

int template_render_to_sink(const struct template *t, struct template_scope scope,
                            struct arena *arena, struct buf *out, const struct template_sink *sink,
                            struct template_fault *ret_fault)
{
    return render(t, scope, NULL, arena, out, NULL, sink, ret_fault);
}
