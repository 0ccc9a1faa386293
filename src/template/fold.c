/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements whose names are all constant are run once, and the text that they write takes their
 * place. What they give to names of the template is constant from then on (const_env.h). Nothing
 * else is computed: what a name means where it is read is either known or left to the rendering. A
 * statement that fails stays as it is, to fail again in a rendering, which reports it. In the end
 * the statements go whose names nothing reads any more.
 */
#include "template/fold.h"
#include "base/mem.h"

#include <stdlib.h>

#define STEPS_MAX 1000000 /* of all that is run; what comes then stays as it is */
#define DEPTH_MAX 16
#define MEMORY_MAX ((size_t)16 << 20)
#define TEXT_MAX_BYTES FOLD_TEXT_MAX_BYTES
#define TEXTS_MAX_BYTES ((size_t)4 << 20) /* all that is written out; more stays as it is */
#define SCRATCH_ARENA_BYTES (16 << 10)

/* --- Pruning: from the end, since a name is read after the statement that sets it ---------- */

struct pruner {
    bool *used; /* by slot */
    struct arena *arena;
};

static bool note_name(void *cls, struct expr *e)
{
    ((struct pruner *)cls)->used[e->slot] = true;
    return true;
}

static void note_expr(struct pruner *p, struct expr *e)
{
    walk_names(e, note_name, p);
}

static void prune_block(struct pruner *p, struct block *b);

/* Names that begin as what they are outside the frame read that. */
static void prune_frame(struct pruner *p, struct frame *f)
{
    prune_block(p, &f->block);
    for (uint32_t i = 0; i < f->inits_n; i++) {
        if (f->inits[i].kind == SLOT_ALIAS)
            p->used[f->inits[i].from] = true;
    }
}

static void prune_choice(struct pruner *p, struct choice *c)
{
    for (uint32_t i = c->n; i > 0; i--) {
        prune_block(p, &c->list[i - 1].body);
        note_expr(p, c->list[i - 1].test);
    }
}

static void prune_loop(struct pruner *p, struct loop *l)
{
    prune_frame(p, &l->otherwise);
    prune_frame(p, &l->body);
    note_expr(p, l->test);
    prune_frame(p, &l->tests);
    note_expr(p, l->iter);
}

/* The included template might read any name that it can see. */
static void note_include(struct pruner *p, const struct include *inc)
{
    for (uint32_t i = 0; i < inc->n; i++)
        p->used[inc->visible[i].slot] = true;
    note_expr(p, inc->name);
}

static bool is_used(const struct pruner *p, const struct targets *t)
{
    bool used = false;
    for (uint32_t i = 0; i < t->n; i++)
        used |= p->used[t->list[i].slot];
    return used;
}

/* A copy that outlives the folding. */
static struct expr *keep_constant(struct pruner *p, const struct expr *e)
{
    struct expr *copy = ARENA_NEW(p->arena, struct expr);
    *copy = *e;
    if (copy->constant.kind == VALUE_STR)
        copy->constant.s = arena_str(p->arena, value_text(copy->constant)).p;
    return copy;
}

/* False where the statement goes. */
static bool prune_set(struct pruner *p, struct assign *a)
{
    if (a->is_const && !is_used(p, &a->targets))
        return false;
    if (a->is_const && a->value->kind == EXPR_CONST)
        a->value = keep_constant(p, a->value);
    if (!a->value)
        prune_frame(p, &a->body);
    note_expr(p, a->value);
    return true;
}

static bool prune_stmt(struct pruner *p, struct stmt *s)
{
    switch (s->kind) {
    case STMT_TEXT: break;
    case STMT_OUTPUT: note_expr(p, s->expr); break;
    case STMT_IF: prune_choice(p, s->choice); break;
    case STMT_FOR: prune_loop(p, s->loop); break;
    case STMT_SET: return prune_set(p, s->assign);
    case STMT_INCLUDE: note_include(p, s->include); break;
    }
    return true;
}

/* A block that loses nothing is not written to: it may be one of the template that was folded. */
static void prune_block(struct pruner *p, struct block *b)
{
    uint32_t to = b->n;
    for (uint32_t i = b->n; i > 0; i--) {
        if (!prune_stmt(p, &b->list[i - 1]))
            continue;
        if (--to != i - 1)
            b->list[to] = b->list[i - 1];
    }
    if (to == 0)
        return;
    b->list += to;
    b->n -= to;
    b->room = b->n;
}

/* --- Running ------------------------------------------------------------------------------- */

void fold_prepare(struct fold *f, struct buf *out)
{
    arena_reset(&f->scratch);
    f->run.out = out;
}

static bool run_one(struct fold *f, const struct stmt *s)
{
    return run_block(&f->run, &(struct block){.list = (struct stmt *)(uintptr_t)s, .n = 1});
}

/* Names keep the values that they were given by what ran before: these are constant, too. */
static bool write_out(struct block_builder *m, const struct stmt *s)
{
    size_t before = m->text.n;
    fold_prepare(m->f, &m->text);
    if (run_one(m->f, s) && !m->text.full && m->text.n - before <= m->f->texts_left) {
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
    if (!is_const_expr(f->env, test))
        return -1;
    fold_prepare(f, NULL);
    if (!run_eval(&f->run, test, &v) || !run_truth(&f->run, test->at, v, &truth))
        return -1;
    return truth;
}

/* --- if, for ------------------------------------------------------------------------------- */

static void fold_block(struct block_builder *m, const struct block *b);

static struct block folded(struct fold *f, const struct block *b)
{
    struct block_builder m;
    builder_init(&m, f);
    fold_block(&m, b);
    return builder_end(&m);
}

/* Branches that are never taken go; one that always is ends the list, or replaces it. */
static void fold_if(struct block_builder *m, const struct stmt *s)
{
    struct fold *f = m->f;
    const struct choice *from = s->choice;
    uint32_t mark = f->env->n;
    struct choice *to = ARENA_NEW(f->arena, struct choice);
    to->list = ARENA_ARRAY(f->arena, struct branch, from->n);
    for (uint32_t i = 0; i < from->n; i++) {
        const struct branch *b = &from->list[i];
        int truth = truth_of(f, b->test);
        if (truth == 0)
            continue;
        if (truth == 1 && to->n == 0) {
            fold_block(m, &b->body);
            return;
        }
        uint32_t branch_mark = f->env->n;
        to->list[to->n++] =
            (struct branch){.test = truth == 1 ? NULL : b->test, .body = folded(f, &b->body)};
        const_env_restore(f->env, branch_mark);
        if (truth == 1)
            break;
    }
    const_env_forget(f->env, mark);
    struct stmt choice = *s;
    choice.choice = to;
    if (to->n)
        builder_keep(m, choice);
}

static void fold_frame(struct fold *f, struct frame *frame)
{
    uint32_t mark = f->env->n;
    const_env_enter(f->env, frame);
    frame->block = folded(f, &frame->block);
    const_env_leave(f->env, mark);
}

static bool is_over_nothing(struct fold *f, const struct loop *l)
{
    struct value v;
    if (!is_const_expr(f->env, l->iter))
        return false;
    fold_prepare(f, NULL);
    return run_eval(&f->run, l->iter, &v) && v.kind == VALUE_LIST && v.n == 0;
}

static void fold_for(struct block_builder *m, const struct stmt *s)
{
    struct stmt loop = *s;
    if (s->loop->otherwise.block.n == 0 && is_over_nothing(m->f, s->loop))
        return;
    loop.loop = ARENA_NEW(m->f->arena, struct loop);
    *loop.loop = *s->loop;
    fold_frame(m->f, &loop.loop->body);
    fold_frame(m->f, &loop.loop->otherwise);
    builder_keep(m, loop);
}

/* --- set ----------------------------------------------------------------------------------- */

static void change_targets(struct fold *f, const struct targets *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        const_env_change(f->env, t->list[i].slot);
}

static struct stmt copy_set(struct fold *f, const struct stmt *s)
{
    struct stmt set = *s;
    set.assign = ARENA_NEW(f->arena, struct assign);
    *set.assign = *s->assign;
    return set;
}

/* The statement may be run or not, since it only gives its names their values: it may stand before
 * the text that is gathered. */
static void keep_const_set(struct block_builder *m, const struct stmt *s, struct expr *value)
{
    struct stmt set = copy_set(m->f, s);
    set.assign->value = value;
    set.assign->is_const = true;
    for (uint32_t i = 0; i < s->assign->targets.n; i++)
        const_env_hold(m->f->env, s->assign->targets.list[i].slot);
    builder_keep_set(m, set);
}

static struct expr *constant(struct fold *f, uint32_t at, struct value v)
{
    struct expr *e = ARENA_NEW(&f->values, struct expr);
    *e = (struct expr){.kind = EXPR_CONST, .depth = 1, .at = at, .constant = v};
    return e;
}

/* False where the statement has to stay. Its value may read the name that it sets. */
static bool run_set(struct fold *f, const struct stmt *s)
{
    bool is_const = is_const_expr(f->env, s->assign->value);
    change_targets(f, &s->assign->targets);
    if (!is_const)
        return false;
    fold_prepare(f, NULL);
    f->run.arena = &f->values;
    bool ok = run_one(f, s);
    f->run.arena = &f->scratch;
    return ok;
}

static void fold_set_value(struct block_builder *m, const struct stmt *s)
{
    const struct assign *a = s->assign;
    if (!run_set(m->f, s)) {
        builder_keep(m, *s);
        return;
    }
    struct value v = m->f->run.now->slots[a->targets.list->slot];
    bool plain = !a->targets.unpack && fold_is_plain(v);
    keep_const_set(m, s, plain ? constant(m->f, a->value->at, v) : a->value);
}

/* The text of a block as a value; false where that is too much. */
static bool keep_text(struct fold *f, uint32_t at, struct str text, struct value *ret)
{
    f->run.arena = &f->values;
    bool ok = run_copy_text(&f->run, at, text, ret);
    f->run.arena = &f->scratch;
    return ok;
}

/* Whether each statement can be written in another way where it stands. */
static bool is_open(const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const struct stmt *s = &b->list[i];
        bool ok = true;
        if (s->kind == STMT_INCLUDE)
            ok = s->include->target && is_open(&s->include->target->body.block);
        else if (s->kind == STMT_FOR)
            ok = is_open(&s->loop->body.block) && is_open(&s->loop->otherwise.block);
        for (uint32_t k = 0; s->kind == STMT_IF && k < s->choice->n; k++)
            ok = ok && is_open(&s->choice->list[k].body);
        if (!ok)
            return false;
    }
    return true;
}

/* What a value holds is never sent by itself: no marks. */
static void fold_set_block(struct block_builder *m, const struct stmt *s)
{
    struct fold *f = m->f;
    const struct assign *a = s->assign;
    const struct template_marker *marker = f->marker;
    struct block_builder body;
    struct value v;
    uint32_t mark = f->env->n;
    f->marker = NULL;
    builder_init(&body, f);
    const_env_enter(f->env, &a->body);
    fold_block(&body, &a->body.block);
    const_env_leave(f->env, mark);
    change_targets(f, &a->targets);
    if (builder_is_text(&body) && keep_text(f, s->at, buf_view(&body.text), &v)) {
        buf_done(&body.text);
        f->run.now->slots[a->targets.list->slot] = v;
        f->marker = marker;
        keep_const_set(m, s, constant(f, s->at, v));
        return;
    }
    struct stmt *set = ARENA_NEW(f->arena, struct stmt);
    *set = copy_set(f, s);
    set->assign->body.block = builder_end(&body);
    f->marker = marker;
    if (a->body.inits_n == 0 && is_open(&set->assign->body.block))
        builder_hold(m, set);
    else
        builder_keep(m, *set);
}

/* --- Templates ----------------------------------------------------------------------------- */

static const struct template *made_template(struct block_builder *m, const struct template *t)
{
    struct template *ret = ARENA_NEW(m->f->arena, struct template);
    struct pruner p = {.used = MEM_ARRAY(bool, t->slots), .arena = m->f->arena};
    *ret = *t;
    ret->body.block = builder_end(m);
    prune_block(&p, &ret->body.block);
    free(p.used);
    return ret;
}

/* Leaves in `m` what the template writes, and the statements that stay. */
static void fold_template(struct block_builder *m, const struct template *t,
                          const struct include *inc, uint32_t at)
{
    struct fold *f = m->f;
    struct activation act;
    struct const_env env, *by = f->env;
    activation_init(&act, t, f->run.now, inc, at);
    activation_begin(&act, MEM_ARRAY(struct value, t->slots));
    const_env_init(&env, &act, by, f->scope);
    f->run.now = &act;
    f->env = &env;
    fold_block(m, &t->body.block);
    f->env = by;
    f->run.now = act.parent;
    const_env_done(&env);
    free(act.slots);
}

/* It may name a template that does not exist, and does; none is added to a set that is linked. */
static bool is_nothing(const struct include *inc)
{
    return !inc->target && inc->ignore_missing && inc->name->kind == EXPR_CONST &&
           inc->name->constant.kind == VALUE_STR;
}

static void fold_include(struct block_builder *m, const struct stmt *s)
{
    const struct include *inc = s->include;
    struct block_builder body;
    if (is_nothing(inc))
        return;
    if (!inc->target || m->f->run.now->depth >= DEPTH_MAX) {
        builder_keep(m, *s);
        return;
    }
    builder_init(&body, m->f);
    body.outer = m;
    fold_template(&body, inc->target, inc, s->at);
    struct str rest = arena_str(&m->f->values, buf_view(&body.text));
    if (builder_is_text(&body)) {
        buf_done(&body.text);
    } else {
        struct stmt include = *s;
        buf_clear(&body.text);
        include.include = ARENA_NEW(m->f->arena, struct include);
        *include.include = *inc;
        include.include->target = made_template(&body, inc->target);
        builder_keep(m, include);
    }
    builder_text(m, s->at, rest);
}

/* Templates may include others again and again: a statement costs a step each time. */
static void fold_stmt(struct block_builder *m, const struct stmt *s)
{
    uint64_t *steps = &m->f->run.steps_left;
    if (*steps == 0) {
        builder_keep(m, *s);
        return;
    }
    --*steps;
    if (m->text.n == 0)
        m->text_at = s->at;
    if (is_const_stmt(m->f->env, s) && write_out(m, s))
        return;
    switch (s->kind) {
    case STMT_TEXT: builder_keep(m, *s); break;
    case STMT_OUTPUT: fold_output(m, s); break;
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

static void fold_block(struct block_builder *m, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        fold_stmt(m, &b->list[i]);
}

const struct template *template_fold(const struct template *t, struct template_scope known,
                                     const struct template_marker *marker, struct arena *arena)
{
    struct fold f = {
        .scope = &known, .marker = marker, .arena = arena, .texts_left = TEXTS_MAX_BYTES};
    struct block_builder m;
    arena_init(&f.scratch, SCRATCH_ARENA_BYTES);
    arena_init(&f.values, SCRATCH_ARENA_BYTES);
    f.run = (struct run){.scope = known,
                         .arena = &f.scratch,
                         .fault = &f.fault,
                         .steps_left = STEPS_MAX,
                         .arena_max_bytes = MEMORY_MAX,
                         .output_max_bytes = TEXT_MAX_BYTES,
                         .depth_max = DEPTH_MAX};
    buf_init(&f.run.scratch, MEMORY_MAX);
    buf_init(&f.run.spare, MEMORY_MAX);
    builder_init(&m, &f);
    fold_template(&m, t, NULL, 0);
    const struct template *ret = made_template(&m, t);
    buf_done(&f.run.scratch);
    buf_done(&f.run.spare);
    arena_done(&f.scratch);
    arena_done(&f.values);
    return ret;
}
