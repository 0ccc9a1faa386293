/* SPDX-License-Identifier: Apache-2.0 */
#include "template/scope.h"

#include "template/ast.h"
#include "template/symbols.h"
#include "template/walk.h"

#include <stdlib.h>

struct resolver {
    struct template *t;
    struct arena *arena;
    struct symbols shared; /* names that only the context knows: one slot for all frames */
};

static uint32_t new_slot(struct resolver *r)
{
    return r->t->slots++;
}

static uint32_t shared_slot(struct resolver *r, struct str name)
{
    struct symbol *found = symbols_own(&r->shared, name);
    if (!found) {
        found = symbols_define(&r->shared, name, LOAD_RESOLVE);
        found->slot = new_slot(r);
    }
    return found->slot;
}

static struct entry entry_of(const struct symbol *s)
{
    struct entry e = {.slot = s->slot, .from = s->from};
    e.action = s->load == LOAD_ALIAS     ? ENTRY_ALIAS
               : s->load == LOAD_RESOLVE ? ENTRY_RESOLVE
                                         : ENTRY_MISSING;
    return e;
}

static void finish_frame(struct resolver *r, struct symbols *s, struct entries *ret)
{
    *ret = (struct entries){.list = ARENA_ARRAY(r->arena, struct entry, s->n)};
    for (uint32_t i = 0; i < s->n; i++) {
        struct symbol *sym = &s->list[i];
        if (sym->load == LOAD_RESOLVE && !sym->stored) {
            sym->slot = shared_slot(r, sym->name);
            continue;
        }
        sym->slot = new_slot(r);
        if (sym->load != LOAD_PARAMETER)
            ret->list[ret->n++] = entry_of(sym);
    }
}

/* Follows a name to the frame that gives it its beginning. */
static enum origin origin_of(const struct symbols *s, struct str name)
{
    bool stored = false;
    for (; s; s = s->parent) {
        const struct symbol *own = symbols_own(s, name);
        if (!own)
            continue;
        stored |= own->stored;
        if (own->load == LOAD_RESOLVE)
            return stored ? ORIGIN_MIXED : ORIGIN_OUTER;
        if (own->load != LOAD_ALIAS)
            break;
    }
    return ORIGIN_OWN;
}

static bool place_part(void *cls, struct expr *e)
{
    struct symbols *s = cls;
    if (e->kind == EXPR_NAME) {
        e->slot = symbols_find(s, e->name)->slot;
        e->origin = (uint8_t)origin_of(s, e->name);
    }
    walk_parts(e, place_part, cls);
    if (e->kind == EXPR_CALL) /* of a function: of a variable it would fail */
        e->callee->origin = ORIGIN_OWN;
    return true;
}

static void place_expr(struct symbols *s, struct expr *e)
{
    if (e)
        place_part(s, e);
}

static void place_targets(struct symbols *s, struct targets *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        t->list[i].slot = symbols_find(s, t->list[i].name)->slot;
}

static void place_block(struct resolver *r, struct symbols *s, struct block *b);

/* A frame of its own around a block; `parameters` are names that it begins with. */
static void place_frame(struct resolver *r, struct symbols *s, struct block *b,
                        struct entries *ret_entry)
{
    symbols_block(s, b);
    finish_frame(r, s, ret_entry);
    place_block(r, s, b);
}

static void place_test(struct resolver *r, struct symbols *parent, struct loop *l)
{
    struct symbols s = {.parent = parent};
    symbols_targets(&s, &l->targets, true);
    symbols_expr(&s, l->test);
    finish_frame(r, &s, &l->test_entry);
    place_expr(&s, l->test);
    for (uint32_t i = 0; i < l->targets.n; i++)
        l->targets.list[i].test_slot = symbols_find(&s, l->targets.list[i].name)->slot;
    free(s.list);
}

static void place_for(struct resolver *r, struct symbols *parent, struct loop *l)
{
    place_expr(parent, l->iter);
    if (l->test)
        place_test(r, parent, l);
    struct symbols body = {.parent = parent}, otherwise = {.parent = parent};
    struct str loop_name = l->loop_name;
    if (l->uses_loop)
        symbols_parameter(&body, loop_name);
    symbols_targets(&body, &l->targets, true);
    place_frame(r, &body, &l->body, &l->body_entry);
    place_targets(&body, &l->targets);
    l->loop_slot = l->uses_loop ? symbols_find(&body, loop_name)->slot : AST_NO_SLOT;
    place_frame(r, &otherwise, &l->otherwise, &l->otherwise_entry);
    free(body.list);
    free(otherwise.list);
}

static void place_set(struct resolver *r, struct symbols *s, struct assign *a)
{
    place_expr(s, a->value);
    place_targets(s, &a->targets);
    if (a->value)
        return;
    struct symbols body = {.parent = s};
    place_frame(r, &body, &a->body, &a->body_entry);
    free(body.list);
}

static bool is_visible(const struct include *inc, struct str name)
{
    for (uint32_t i = 0; i < inc->n; i++) {
        if (inc->visible[i].name.p == name.p)
            return true;
    }
    return false;
}

/* All names that were set in this frame or around it; the innermost wins. */
static void place_include(struct resolver *r, struct symbols *s, struct include *inc)
{
    place_expr(s, inc->name);
    size_t most = 0;
    for (const struct symbols *f = s; f; f = f->parent)
        most += f->n;
    inc->visible = ARENA_ARRAY(r->arena, struct visible, most);
    for (const struct symbols *f = s; f; f = f->parent) {
        for (uint32_t i = 0; i < f->n; i++) {
            struct str name = f->list[i].name;
            if (f->list[i].stored && !is_visible(inc, name))
                inc->visible[inc->n++] = (struct visible){name, symbols_find(s, name)->slot};
        }
    }
}

static void place_block(struct resolver *r, struct symbols *s, struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        struct stmt *stmt = &b->list[i];
        switch (stmt->kind) {
        case STMT_TEXT: break;
        case STMT_OUTPUT: place_expr(s, stmt->expr); break;
        case STMT_IF:
            for (uint32_t k = 0; k < stmt->choice->n; k++) {
                place_expr(s, stmt->choice->list[k].test);
                place_block(r, s, &stmt->choice->list[k].body);
            }
            break;
        case STMT_FOR: place_for(r, s, stmt->loop); break;
        case STMT_SET: place_set(r, s, stmt->assign); break;
        case STMT_INCLUDE: place_include(r, s, stmt->include); break;
        }
    }
}

bool scope_resolve(struct template *t, struct arena *a)
{
    struct resolver r = {.t = t, .arena = a};
    struct symbols root = {0};
    place_frame(&r, &root, &t->body, &t->entry);
    free(root.list);
    free(r.shared.list);
    return t->slots <= SCOPE_SLOTS_MAX;
}
