/* SPDX-License-Identifier: Apache-2.0 */
#include "template/ast.h"

#include "base/mem.h"
#include "template/known.h"
#include "template/maker.h"
#include "template/prune.h"
#include "template/run.h"
#include "template/run_eval.h"
#include "template/run_ops.h"
#include "template/settled.h"

#include <stdlib.h>

#define STEPS_MAX 1000000 /* of all that is run; what comes then stays as it is */
#define DEPTH_MAX 16
#define MEMORY_MAX ((size_t)16 << 20)
#define TEXTS_MAX_BYTES ((size_t)4 << 20) /* all that is written out; more stays as it is */
#define SCRATCH_ARENA_BYTES (16 << 10)

/*
 * Statements whose names are all known are run once, and the text that they write takes their
 * place. What they give to names of the template is known from then on (settled.h). Nothing else is
 * computed: what a name stands for where it is read is either known or left to the rendering. A
 * statement that fails stays as it is, to fail again where somebody hears of it.
 */
struct fold {
    struct run run;
    struct known known;
    struct arena *arena;  /* of what stays */
    struct arena scratch; /* of what is computed */
    struct arena values;  /* of what names are given */
    size_t texts_left;
    struct template_fault fault;
};

static void fold_block(struct maker *m, const struct block *b);

static void prepare_run(struct fold *f, struct buf *out)
{
    arena_reset(&f->scratch);
    f->run.out = out;
}

/* Names keep the values that they were given by what ran before: these are known, too. */
static bool write_out(struct maker *m, const struct stmt *s)
{
    size_t before = m->text.n;
    const struct block one = {.list = (struct stmt *)(uintptr_t)s, .n = 1};
    prepare_run(m->f, &m->text);
    if (run_block(&m->f->run, &one) && !m->text.full && m->text.n - before <= m->f->texts_left) {
        m->f->texts_left -= m->text.n - before;
        return true;
    }
    m->text.full = false;
    m->text.n = before;
    if (m->text.p)
        m->text.p[before] = '\0';
    return false;
}

/* Whether the test holds: 1 or 0; -1 where that is not known. */
static int truth_of(struct fold *f, struct expr *test)
{
    struct value v;
    bool truth = true;
    if (!test)
        return 1;
    if (!known_expr(&f->known, test))
        return -1;
    prepare_run(f, NULL);
    if (!run_eval(&f->run, test, &v) || !run_truth(&f->run, test->at, v, &truth))
        return -1;
    return truth;
}

static struct block folded(struct fold *f, const struct block *b)
{
    struct maker m;
    maker_init(&m, f, f->arena);
    fold_block(&m, b);
    return maker_end(&m);
}

/* What it gives to names holds in this branch alone. */
static struct block folded_branch(struct fold *f, const struct block *b)
{
    struct settled *settled = f->known.settled;
    uint32_t mark = settled->n;
    struct block ret = folded(f, b);
    settled_back(settled, mark);
    return ret;
}

/* Branches that are never taken go; one that always is ends the list, or replaces it. */
static void fold_if(struct maker *m, const struct stmt *s)
{
    const struct choice *from = s->choice;
    uint32_t mark = m->f->known.settled->n;
    struct choice *to = ARENA_NEW(m->f->arena, struct choice);
    to->list = ARENA_ARRAY(m->f->arena, struct branch, from->n);
    for (uint32_t i = 0; i < from->n; i++) {
        const struct branch *b = &from->list[i];
        int truth = truth_of(m->f, b->test);
        if (truth == 0)
            continue;
        if (truth == 1 && to->n == 0) {
            fold_block(m, &b->body);
            return;
        }
        to->list[to->n++] = (struct branch){.test = truth == 1 ? NULL : b->test,
                                            .body = folded_branch(m->f, &b->body)};
        if (truth == 1)
            break;
    }
    settled_forget(m->f->known.settled, mark);
    struct stmt choice = *s;
    choice.choice = to;
    if (to->n)
        maker_keep(m, choice);
}

/* A template at work; what it writes and cannot write is left in `m`. */
static void fold_template(struct maker *m, const struct template *t, const struct include *inc,
                          uint32_t at);

static const struct template *made_template(struct maker *m, const struct template *t)
{
    struct template *ret = ARENA_NEW(m->f->arena, struct template);
    *ret = *t;
    ret->body = maker_end(m);
    prune_block(&ret->body, t->slots, m->f->arena);
    return ret;
}

/* Nothing is there, and that is fine: no template comes to a set that is linked. */
static bool is_nothing(const struct include *inc)
{
    return !inc->target && inc->ignore_missing && inc->name->kind == EXPR_CONST &&
           inc->name->constant.kind == VALUE_STR;
}

static void fold_include(struct maker *m, const struct stmt *s)
{
    const struct include *inc = s->include;
    struct maker body;
    if (is_nothing(inc))
        return;
    if (!inc->target || m->f->run.now->depth >= DEPTH_MAX) {
        maker_keep(m, *s);
        return;
    }
    maker_init(&body, m->f, m->f->arena);
    fold_template(&body, inc->target, inc, s->at);
    if (maker_is_text(&body) && buf_str(&m->text, buf_view(&body.text))) {
        buf_done(&body.text);
        return;
    }
    m->text.full = false;
    struct include *copy = ARENA_NEW(m->f->arena, struct include);
    *copy = *inc;
    copy->target = made_template(&body, inc->target);
    struct stmt include = *s;
    include.include = copy;
    maker_keep(m, include);
}

static struct block folded_frame(struct fold *f, const struct block *b, const struct entries *entry)
{
    struct settled *settled = f->known.settled;
    uint32_t mark = settled->n;
    settled_enter(settled, entry);
    struct block ret = folded(f, b);
    settled_leave(settled, mark);
    return ret;
}

static void fold_for(struct maker *m, const struct stmt *s)
{
    struct loop *copy = ARENA_NEW(m->f->arena, struct loop);
    struct stmt loop = *s;
    *copy = *s->loop;
    copy->body = folded_frame(m->f, &s->loop->body, &s->loop->body_entry);
    copy->otherwise = folded_frame(m->f, &s->loop->otherwise, &s->loop->otherwise_entry);
    loop.loop = copy;
    maker_keep(m, loop);
}

/* --- set ----------------------------------------------------------------------------------- */

static void change_targets(struct fold *f, const struct targets *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        settled_change(f->known.settled, t->list[i].slot);
}

/* The statement may be run or not, as nothing comes of it but the values: it need not stand behind
 * the text that stood before it. */
static void settle(struct maker *m, const struct stmt *s, struct expr *value)
{
    struct stmt set = *s;
    set.assign = ARENA_NEW(m->f->arena, struct assign);
    *set.assign = *s->assign;
    set.assign->value = value;
    set.assign->settled = true;
    for (uint32_t i = 0; i < s->assign->targets.n; i++)
        settled_hold(m->f->known.settled, s->assign->targets.list[i].slot);
    maker_append(m, set);
}

static struct expr *constant(struct fold *f, uint32_t at, struct value v)
{
    struct expr *e = ARENA_NEW(&f->values, struct expr);
    *e = (struct expr){.kind = EXPR_CONST, .depth = 1, .at = at, .constant = v};
    return e;
}

/* What can be had again without computing it. */
static bool is_plain(struct value v)
{
    return v.kind == VALUE_STR
               ? v.tag == RUN_PLAIN
               : v.kind != VALUE_LIST && v.kind != VALUE_MAP && v.kind != VALUE_UNDEFINED;
}

/* False where the statement has to stay. The name itself may be read by the value. */
static bool run_value(struct fold *f, const struct stmt *s)
{
    const struct block one = {.list = (struct stmt *)(uintptr_t)s, .n = 1};
    bool known = known_expr(&f->known, s->assign->value);
    change_targets(f, &s->assign->targets);
    if (!known)
        return false;
    prepare_run(f, NULL);
    f->run.arena = &f->values;
    bool ok = run_block(&f->run, &one);
    f->run.arena = &f->scratch;
    return ok;
}

static void fold_set_value(struct maker *m, const struct stmt *s)
{
    const struct assign *a = s->assign;
    if (!run_value(m->f, s)) {
        maker_keep(m, *s);
        return;
    }
    struct value v = m->f->run.now->slots[a->targets.list->slot];
    bool plain = !a->targets.unpack && is_plain(v);
    settle(m, s, plain ? constant(m->f, a->value->at, v) : a->value);
}

/* The text of a block as a value; false where that is too much. */
static bool keep_text(struct fold *f, uint32_t at, struct str text, struct value *ret)
{
    f->run.arena = &f->values;
    bool ok = run_copy_text(&f->run, at, text, ret);
    f->run.arena = &f->scratch;
    return ok;
}

static void fold_set_block(struct maker *m, const struct stmt *s)
{
    struct fold *f = m->f;
    const struct assign *a = s->assign;
    struct maker body;
    struct value v;
    uint32_t mark = f->known.settled->n;
    maker_init(&body, f, f->arena);
    settled_enter(f->known.settled, &a->body_entry);
    fold_block(&body, &a->body);
    settled_leave(f->known.settled, mark);
    change_targets(f, &a->targets);
    if (maker_is_text(&body) && keep_text(f, s->at, buf_view(&body.text), &v)) {
        buf_done(&body.text);
        f->run.now->slots[a->targets.list->slot] = v;
        settle(m, s, constant(f, s->at, v));
        return;
    }
    struct stmt set = *s;
    set.assign = ARENA_NEW(f->arena, struct assign);
    *set.assign = *a;
    set.assign->body = maker_end(&body);
    maker_keep(m, set);
}

/* ------------------------------------------------------------------------------------------- */

/* Templates may include others again and again: a statement costs a step each time. */
static void fold_stmt(struct maker *m, const struct stmt *s)
{
    uint64_t *steps = &m->f->run.steps_left;
    if (*steps == 0) {
        maker_keep(m, *s);
        return;
    }
    --*steps;
    if (m->text.n == 0)
        m->text_at = s->at;
    if (known_stmt(&m->f->known, s) && write_out(m, s))
        return;
    switch (s->kind) {
    case STMT_TEXT:
    case STMT_OUTPUT: maker_keep(m, *s); break;
    case STMT_SET:
        if (s->assign->value)
            fold_set_value(m, s);
        else
            fold_set_block(m, s);
        break;
    case STMT_IF: fold_if(m, s); break;
    case STMT_FOR: fold_for(m, s); break;
    case STMT_INCLUDE: fold_include(m, s); break;
    }
}

static void fold_block(struct maker *m, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        fold_stmt(m, &b->list[i]);
}

static struct value *new_slots(uint32_t n)
{
    struct value *slots = mem_alloc((n ? n : 1) * sizeof(*slots));
    for (uint32_t i = 0; i < n; i++)
        slots[i] = (struct value){.kind = VALUE_UNDEFINED, .tag = RUN_UNRESOLVED};
    return slots;
}

static void fold_template(struct maker *m, const struct template *t, const struct include *inc,
                          uint32_t at)
{
    struct fold *f = m->f;
    struct activation *parent = f->run.now;
    struct activation act = {.t = t,
                             .parent = parent,
                             .include = inc,
                             .include_at = at,
                             .depth = parent ? parent->depth + 1 : 0};
    struct settled settled, *by = f->known.settled;
    uint32_t set_before = f->known.set.n;
    act.slots = new_slots(t->slots);
    settled_init(&settled, &act, by);
    f->run.now = &act;
    f->known.settled = &settled;
    names_set_add_block(&f->known.set, &t->body);
    fold_block(m, &t->body);
    f->known.set.n = set_before;
    f->known.settled = by;
    f->run.now = parent;
    settled_done(&settled);
    free(act.slots);
}

const struct template *template_fold(const struct template *t, struct template_scope known,
                                     struct arena *arena)
{
    struct fold f = {.known = {.scope = known}, .arena = arena, .texts_left = TEXTS_MAX_BYTES};
    struct maker m;
    arena_init(&f.scratch, SCRATCH_ARENA_BYTES);
    arena_init(&f.values, SCRATCH_ARENA_BYTES);
    f.run = (struct run){.scope = known,
                         .arena = &f.scratch,
                         .fault = &f.fault,
                         .steps_left = STEPS_MAX,
                         .arena_max_bytes = MEMORY_MAX,
                         .output_max_bytes = MAKER_TEXT_MAX_BYTES,
                         .depth_max = DEPTH_MAX};
    buf_init(&f.run.scratch, MEMORY_MAX);
    buf_init(&f.run.spare, MEMORY_MAX);
    maker_init(&m, &f, arena);
    fold_template(&m, t, NULL, 0);
    const struct template *ret = made_template(&m, t);
    names_set_done(&f.known.set);
    buf_done(&f.run.scratch);
    buf_done(&f.run.spare);
    arena_done(&f.scratch);
    arena_done(&f.values);
    return ret;
}
