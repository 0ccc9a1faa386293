/* SPDX-License-Identifier: Apache-2.0 */
#include "template/ast.h"
#include "template/known.h"
#include "template/run.h"
#include "template/run_eval.h"
#include "template/run_ops.h"

#include <stdlib.h>

#define STEPS_MAX 1000000 /* of all that is run; what comes then stays as it is */
#define DEPTH_MAX 16
#define MEMORY_MAX ((size_t)16 << 20)
#define TEXT_MAX_BYTES ((size_t)1 << 20)
#define SCRATCH_ARENA_BYTES (16 << 10)

/*
 * Statements whose names are all known are run once, and the text that they write takes their
 * place. Nothing else is computed: what a name stands for is either known throughout or left to
 * the rendering. A statement that fails stays as it is, to fail again where somebody hears of it.
 */
struct fold {
    struct run run;
    struct known known;
    struct arena *arena;  /* of what stays */
    struct arena scratch; /* of what is computed */
    struct template_fault fault;
};

/* A block in the making; text is gathered until something else follows. */
struct maker {
    struct fold *f;
    struct block b;
    struct buf text;
    uint32_t text_at; /* of the first statement that wrote it */
};

static void fold_block(struct maker *m, const struct block *b);

static void append(struct maker *m, struct stmt s)
{
    struct block *b = &m->b;
    if (b->n == b->room) {
        uint32_t room = b->room ? b->room * 2 : 8;
        struct stmt *list = ARENA_ARRAY(m->f->arena, struct stmt, room);
        if (b->n)
            memcpy(list, b->list, b->n * sizeof(*list));
        b->list = list;
        b->room = room;
    }
    b->list[b->n++] = s;
}

static void flush(struct maker *m)
{
    if (m->text.n == 0)
        return;
    struct str text = arena_str(m->f->arena, buf_view(&m->text));
    append(m, (struct stmt){.kind = STMT_TEXT, .at = m->text_at, .text = text});
    buf_clear(&m->text);
}

static void keep(struct maker *m, struct stmt s)
{
    flush(m);
    append(m, s);
}

static void maker_init(struct maker *m, struct fold *f)
{
    *m = (struct maker){.f = f};
    buf_init(&m->text, TEXT_MAX_BYTES);
}

static struct block maker_end(struct maker *m)
{
    flush(m);
    buf_done(&m->text);
    return m->b;
}

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
    if (run_block(&m->f->run, &one) && !m->text.full)
        return true;
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
    maker_init(&m, f);
    fold_block(&m, b);
    return maker_end(&m);
}

/* Branches that are never taken go; one that always is ends the list, or replaces it. */
static void fold_if(struct maker *m, const struct stmt *s)
{
    const struct choice *from = s->choice;
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
        to->list[to->n++] =
            (struct branch){.test = truth == 1 ? NULL : b->test, .body = folded(m->f, &b->body)};
        if (truth == 1)
            break;
    }
    struct stmt choice = *s;
    choice.choice = to;
    if (to->n)
        keep(m, choice);
}

static const struct template *fold_template(struct fold *f, const struct template *t,
                                            const struct include *inc, uint32_t at);

static void fold_include(struct maker *m, const struct stmt *s)
{
    const struct include *inc = s->include;
    if (!inc->target || m->f->run.now->depth >= DEPTH_MAX) {
        keep(m, *s);
        return;
    }
    const struct template *target = fold_template(m->f, inc->target, inc, s->at);
    const struct block *b = &target->body;
    if (b->n == 0)
        return;
    if (b->n == 1 && b->list[0].kind == STMT_TEXT && buf_str(&m->text, b->list[0].text))
        return;
    m->text.full = false;
    struct include *copy = ARENA_NEW(m->f->arena, struct include);
    *copy = *inc;
    copy->target = target;
    struct stmt include = *s;
    include.include = copy;
    keep(m, include);
}

static void fold_for(struct maker *m, const struct stmt *s)
{
    struct loop *copy = ARENA_NEW(m->f->arena, struct loop);
    struct stmt loop = *s;
    *copy = *s->loop;
    copy->body = folded(m->f, &s->loop->body);
    copy->otherwise = folded(m->f, &s->loop->otherwise);
    loop.loop = copy;
    keep(m, loop);
}

/* Templates may include others again and again: a statement costs a step each time. */
static void fold_stmt(struct maker *m, const struct stmt *s)
{
    uint64_t *steps = &m->f->run.steps_left;
    if (*steps == 0) {
        keep(m, *s);
        return;
    }
    --*steps;
    if (m->text.n == 0)
        m->text_at = s->at;
    if (known_stmt(&m->f->known, s) && write_out(m, s))
        return;
    switch (s->kind) {
    case STMT_TEXT:
    case STMT_OUTPUT:
    case STMT_SET: keep(m, *s); break;
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
    struct value *slots = malloc((n ? n : 1) * sizeof(*slots));
    if (!slots)
        abort();
    for (uint32_t i = 0; i < n; i++)
        slots[i] = (struct value){.kind = VALUE_UNDEFINED, .tag = RUN_UNRESOLVED};
    return slots;
}

static const struct template *fold_template(struct fold *f, const struct template *t,
                                            const struct include *inc, uint32_t at)
{
    struct activation *parent = f->run.now;
    struct activation act = {.t = t,
                             .parent = parent,
                             .include = inc,
                             .include_at = at,
                             .depth = parent ? parent->depth + 1 : 0};
    uint32_t set_before = f->known.set.n;
    struct template *ret = ARENA_NEW(f->arena, struct template);
    *ret = *t;
    act.slots = new_slots(t->slots);
    f->run.now = &act;
    names_set_add_block(&f->known.set, &t->body);
    ret->body = folded(f, &t->body);
    f->known.set.n = set_before;
    f->run.now = parent;
    free(act.slots);
    return ret;
}

const struct template *template_fold(const struct template *t, struct template_scope known,
                                     struct arena *arena)
{
    struct fold f = {.known = {.scope = known}, .arena = arena};
    arena_init(&f.scratch, SCRATCH_ARENA_BYTES);
    f.run = (struct run){.scope = known,
                         .arena = &f.scratch,
                         .fault = &f.fault,
                         .steps_left = STEPS_MAX,
                         .arena_max_bytes = MEMORY_MAX,
                         .output_max_bytes = TEXT_MAX_BYTES,
                         .depth_max = DEPTH_MAX};
    buf_init(&f.run.scratch, MEMORY_MAX);
    buf_init(&f.run.spare, MEMORY_MAX);
    const struct template *ret = fold_template(&f, t, NULL, 0);
    names_set_done(&f.known.set);
    buf_done(&f.run.scratch);
    buf_done(&f.run.spare);
    arena_done(&f.scratch);
    return ret;
}
