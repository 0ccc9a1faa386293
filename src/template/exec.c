/* SPDX-License-Identifier: Apache-2.0 */
#include "template/ast.h"
#include "template/excerpt.h"
#include "template/run.h"
#include "template/run_eval.h"
#include "template/run_ops.h"
#include "template/trace_add.h"

static void enter_frame(struct run *r, const struct entries *entry)
{
    struct value *slots = r->now->slots;
    for (uint32_t i = 0; i < entry->n; i++) {
        const struct entry *e = &entry->list[i];
        if (e->action == ENTRY_ALIAS)
            slots[e->slot] = slots[e->from];
        else
            slots[e->slot] =
                (struct value){.kind = VALUE_UNDEFINED,
                               .tag = e->action == ENTRY_RESOLVE ? RUN_UNRESOLVED : RUN_MISSING};
    }
}

static bool check_output(struct run *r, uint32_t at, bool ok)
{
    if (ok && r->out->full)
        return run_fail(r, at, "the output is larger than %zu bytes", r->out->max_bytes);
    return ok;
}

static bool write_text(struct run *r, const struct stmt *s)
{
    buf_str(r->out, s->text);
    if (r->trace)
        trace_add(r->trace, r->out->n, r->now->t, s);
    return check_output(r, s->at, true);
}

static bool run_output(struct run *r, const struct stmt *s)
{
    struct value v;
    if (!run_eval(r, s->expr, &v))
        return false;
    bool ok = run_show(r, s->expr->at, r->out, v);
    if (r->trace)
        trace_add(r->trace, r->out->n, r->now->t, s);
    return check_output(r, s->at, ok);
}

/* --- set ----------------------------------------------------------------------------------- */

static bool assign_targets(struct run *r, uint32_t at, const struct targets *t, bool test,
                           struct value v)
{
    struct value *slots = r->now->slots;
    const struct value *items = &v;
    uint32_t n = 1;
    if (t->unpack) {
        if (!run_items(r, at, v, &items, &n))
            return false;
        if (n != t->n)
            return run_fail(r, at, "%u names for %u values", t->n, n);
    }
    for (uint32_t i = 0; i < n; i++)
        slots[test ? t->list[i].test_slot : t->list[i].slot] = items[i];
    return true;
}

/* The text that a block writes, in place of writing it. */
static bool capture(struct run *r, const struct assign *a, uint32_t at, struct value *ret)
{
    struct template_trace *trace = r->trace;
    struct buf *out = r->out, text;
    buf_init(&text, r->output_max_bytes);
    r->out = &text;
    r->trace = NULL;
    enter_frame(r, &a->body_entry);
    bool ok = run_block(r, &a->body);
    r->out = out;
    r->trace = trace;
    ok = ok && run_copy_text(r, at, buf_view(&text), ret);
    buf_done(&text);
    return ok;
}

static bool run_set(struct run *r, const struct stmt *s)
{
    const struct assign *a = s->assign;
    struct value v;
    bool ok = a->value ? run_eval(r, a->value, &v) : capture(r, a, s->at, &v);
    if (!ok)
        return false;
    if (v.kind == VALUE_LIST && v.tag == RUN_GENERATOR && !a->targets.unpack)
        return run_fail(r, s->at, "an iterator cannot be kept; use \"|list\"");
    return assign_targets(r, s->at, &a->targets, false, v);
}

/* --- for ----------------------------------------------------------------------------------- */

/* Keeps the items that pass the loop's condition. */
static bool filter_items(struct run *r, const struct loop *l, const struct value **items,
                         uint32_t *n)
{
    struct value *kept = run_alloc(r, l->test->at, *n * sizeof(*kept));
    if (!kept)
        return false;
    uint32_t count = 0;
    enter_frame(r, &l->test_entry);
    for (uint32_t i = 0; i < *n; i++) {
        struct value v;
        bool truth;
        if (!assign_targets(r, l->iter->at, &l->targets, true, (*items)[i]) ||
            !run_eval(r, l->test, &v) || !run_truth(r, l->test->at, v, &truth))
            return false;
        if (truth)
            kept[count++] = (*items)[i];
    }
    *items = kept;
    *n = count;
    return true;
}

static bool run_loop(struct run *r, const struct loop *l, const struct value *items, uint32_t n)
{
    struct loop_state *state = NULL;
    struct value *slots = r->now->slots;
    if (l->uses_loop) {
        state = run_alloc(r, l->iter->at, sizeof(*state));
        if (!state)
            return false;
        *state = (struct loop_state){.items = items, .n = n};
    }
    for (uint32_t i = 0; i < n; i++) {
        enter_frame(r, &l->body_entry);
        if (state) {
            state->i = i;
            slots[l->loop_slot] =
                (struct value){.kind = VALUE_UNDEFINED, .tag = RUN_LOOP, .s = (const char *)state};
        }
        if (!run_charge(r, l->iter->at, 1) ||
            !assign_targets(r, l->iter->at, &l->targets, false, items[i]) ||
            !run_block(r, &l->body))
            return false;
    }
    return true;
}

static bool run_for(struct run *r, const struct loop *l)
{
    struct value seq;
    const struct value *items;
    uint32_t n;
    if (!run_eval(r, l->iter, &seq) || !run_items(r, l->iter->at, seq, &items, &n))
        return false;
    if (l->test && !filter_items(r, l, &items, &n))
        return false;
    if (n)
        return run_loop(r, l, items, n);
    enter_frame(r, &l->otherwise_entry);
    return run_block(r, &l->otherwise);
}

/* --- if, include --------------------------------------------------------------------------- */

static bool run_if(struct run *r, const struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        const struct branch *b = &c->list[i];
        bool truth = true;
        struct value v;
        if (b->test && (!run_eval(r, b->test, &v) || !run_truth(r, b->test->at, v, &truth)))
            return false;
        if (truth)
            return run_block(r, &b->body);
    }
    return true;
}

static bool run_include(struct run *r, const struct include *inc, uint32_t at)
{
    const struct template *target = inc->target;
    if (!target) {
        struct value name;
        char text[EXCERPT_TEXT_SIZE];
        if (!run_eval(r, inc->name, &name))
            return false;
        if (name.kind == VALUE_UNDEFINED)
            return run_refuse(r, inc->name->at, name);
        if (name.kind != VALUE_STR)
            return run_fail(r, inc->name->at, "the name of a template is a string, not %s",
                            run_kind(name));
        target = set_find(r->now->t->set, value_text(name));
        if (!target && !inc->ignore_missing)
            return run_fail(r, inc->name->at, "there is no template '%s'",
                            excerpt_text(text, value_text(name)));
    }
    return !target || run_template(r, target, r->now, inc, at);
}

static bool run_stmt(struct run *r, const struct stmt *s)
{
    if (!run_charge(r, s->at, 1))
        return false;
    switch (s->kind) {
    case STMT_TEXT: return write_text(r, s);
    case STMT_OUTPUT: return run_output(r, s);
    case STMT_IF: return run_if(r, s->choice);
    case STMT_FOR: return run_for(r, s->loop);
    case STMT_SET: return run_set(r, s);
    case STMT_INCLUDE: return run_include(r, s->include, s->at);
    }
    return false;
}

bool run_block(struct run *r, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (!run_stmt(r, &b->list[i]))
            return false;
    }
    return true;
}

bool run_template(struct run *r, const struct template *t, struct activation *parent,
                  const struct include *include, uint32_t at)
{
    struct activation act = {.t = t,
                             .parent = parent,
                             .include = include,
                             .include_at = at,
                             .depth = parent ? parent->depth + 1 : 0};
    if (act.depth > r->depth_max)
        return run_fail(r, at, "templates include each other more than %u levels deep",
                        r->depth_max);
    if (!parent)
        r->now = &act; /* a fault needs a place */
    act.slots = run_alloc(r, at, t->slots * sizeof(*act.slots));
    if (!act.slots)
        return false;
    for (uint32_t i = 0; i < t->slots; i++)
        act.slots[i] = (struct value){.kind = VALUE_UNDEFINED, .tag = RUN_UNRESOLVED};
    r->now = &act;
    enter_frame(r, &t->entry);
    bool ok = run_block(r, &t->body);
    r->now = parent;
    return ok;
}
