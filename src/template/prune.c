/* SPDX-License-Identifier: Apache-2.0 */
#include "template/prune.h"

#include "base/mem.h"
#include "template/walk.h"

#include <stdlib.h>

/* From the end to the beginning: whoever reads a name stands behind what sets it. */
struct pruner {
    bool *used; /* by slot */
    struct arena *arena;
};

static void prune(struct pruner *p, struct block *b);

static bool note_expr(void *cls, struct expr *e)
{
    struct pruner *p = cls;
    if (e->kind == EXPR_NAME)
        p->used[e->slot] = true;
    return walk_parts(e, note_expr, p);
}

static void note(struct pruner *p, struct expr *e)
{
    if (e)
        note_expr(p, e);
}

/* Names that begin as what they are outside the frame read that. */
static void note_entries(struct pruner *p, const struct entries *entry)
{
    for (uint32_t i = 0; i < entry->n; i++) {
        if (entry->list[i].action == ENTRY_ALIAS)
            p->used[entry->list[i].from] = true;
    }
}

static void prune_choice(struct pruner *p, struct choice *c)
{
    for (uint32_t i = c->n; i > 0; i--) {
        prune(p, &c->list[i - 1].body);
        note(p, c->list[i - 1].test);
    }
}

static void prune_loop(struct pruner *p, struct loop *l)
{
    prune(p, &l->otherwise);
    note_entries(p, &l->otherwise_entry);
    prune(p, &l->body);
    note_entries(p, &l->body_entry);
    note(p, l->test);
    note_entries(p, &l->test_entry);
    note(p, l->iter);
}

/* What a template might read that is included here. */
static void note_include(struct pruner *p, const struct include *inc)
{
    for (uint32_t i = 0; i < inc->n; i++)
        p->used[inc->visible[i].slot] = true;
    note(p, inc->name);
}

static bool is_used(const struct pruner *p, const struct targets *t)
{
    bool used = false;
    for (uint32_t i = 0; i < t->n; i++)
        used |= p->used[t->list[i].slot];
    return used;
}

/* What was computed lives no longer than the folding. */
static void move(struct pruner *p, struct assign *a)
{
    if (a->value->kind != EXPR_CONST)
        return;
    struct expr *copy = ARENA_NEW(p->arena, struct expr);
    *copy = *a->value;
    if (copy->constant.kind == VALUE_STR)
        copy->constant.s = arena_str(p->arena, value_text(copy->constant)).p;
    a->value = copy;
}

/* False where the statement goes. */
static bool prune_set(struct pruner *p, struct assign *a)
{
    if (a->settled && !is_used(p, &a->targets))
        return false;
    if (a->settled)
        move(p, a);
    if (!a->value) {
        prune(p, &a->body);
        note_entries(p, &a->body_entry);
    }
    note(p, a->value);
    return true;
}

static bool prune_stmt(struct pruner *p, struct stmt *s)
{
    switch (s->kind) {
    case STMT_TEXT: break;
    case STMT_OUTPUT: note(p, s->expr); break;
    case STMT_IF: prune_choice(p, s->choice); break;
    case STMT_FOR: prune_loop(p, s->loop); break;
    case STMT_SET: return prune_set(p, s->assign);
    case STMT_INCLUDE: note_include(p, s->include); break;
    }
    return true;
}

/* A block that loses nothing is not written to: it may be one of the template that was folded. */
static void prune(struct pruner *p, struct block *b)
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

void prune_block(struct block *b, uint32_t slots, struct arena *arena)
{
    struct pruner p = {.used = mem_zalloc(slots, sizeof(*p.used)), .arena = arena};
    prune(&p, b);
    free(p.used);
}
