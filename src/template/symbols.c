/* SPDX-License-Identifier: Apache-2.0 */
#include "template/symbols.h"

#include "base/mem.h"

#include "template/walk.h"

#include <stdlib.h>

struct symbol *symbols_own(const struct symbols *s, struct str name)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->list[i].name.p == name.p)
            return &s->list[i];
    }
    return NULL;
}

struct symbol *symbols_find(const struct symbols *s, struct str name)
{
    for (; s; s = s->parent) {
        struct symbol *found = symbols_own(s, name);
        if (found)
            return found;
    }
    return NULL;
}

struct symbol *symbols_define(struct symbols *s, struct str name, enum load load)
{
    struct symbol *found = symbols_own(s, name);
    if (!found) {
        if (s->n == s->room) {
            s->room = s->room ? s->room * 2 : 16;
            s->list = mem_resize(s->list, s->room, sizeof(*s->list));
        }
        found = &s->list[s->n++];
        *found = (struct symbol){.name = name};
    }
    found->load = load;
    return found;
}

static void define_alias_or(struct symbols *s, struct str name, enum load otherwise)
{
    const struct symbol *outer = s->parent ? symbols_find(s->parent, name) : NULL;
    uint32_t from = outer ? outer->slot : 0;
    symbols_define(s, name, outer ? LOAD_ALIAS : otherwise)->from = from;
}

static void symbols_store(struct symbols *s, struct str name)
{
    if (!symbols_own(s, name))
        define_alias_or(s, name, LOAD_MISSING);
    symbols_own(s, name)->stored = true;
}

void symbols_parameter(struct symbols *s, struct str name)
{
    symbols_define(s, name, LOAD_PARAMETER)->stored = true;
}

static void load(struct symbols *s, struct str name)
{
    if (!symbols_find(s, name))
        symbols_define(s, name, LOAD_RESOLVE);
}

static void copy(struct symbols *to, const struct symbols *from)
{
    *to = (struct symbols){.parent = from->parent, .n = from->n, .room = from->n};
    if (from->n == 0)
        return;
    to->list = mem_alloc(from->n * sizeof(*to->list));
    memcpy(to->list, from->list, from->n * sizeof(*to->list));
}

static bool note_part(void *cls, struct expr *e)
{
    if (e->kind == EXPR_NAME)
        load(cls, e->name);
    return walk_parts(e, note_part, cls);
}

void symbols_expr(struct symbols *s, const struct expr *e)
{
    if (!e)
        return;
    if (e->kind == EXPR_NAME)
        load(s, e->name);
    walk_parts(e, note_part, s);
}

void symbols_targets(struct symbols *s, const struct targets *t, bool parameter)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (parameter)
            symbols_parameter(s, t->list[i].name);
        else
            symbols_store(s, t->list[i].name);
    }
}

#define BRANCHES 3 /* if, all elifs, else: as Jinja2 groups them */

static bool stores(const struct symbols *s, struct str name)
{
    const struct symbol *found = symbols_own(s, name);
    return found && found->stored;
}

/* A name that some branches set and others do not has to be the outer one to begin with. */
static void merge_partial(struct symbols *s, const struct symbols *branches, struct str name,
                          bool stored_before)
{
    unsigned count = 0;
    for (unsigned i = 0; i < BRANCHES; i++)
        count += stores(&branches[i], name);
    if (!stored_before && count > 0 && count < BRANCHES)
        define_alias_or(s, name, LOAD_RESOLVE);
}

static void merge(struct symbols *s, const struct symbols *branches)
{
    struct symbols before;
    copy(&before, s);
    for (unsigned i = 0; i < BRANCHES; i++) {
        for (uint32_t j = 0; j < branches[i].n; j++) {
            const struct symbol *theirs = &branches[i].list[j];
            struct symbol *ours = symbols_define(s, theirs->name, theirs->load);
            ours->from = theirs->from;
            ours->stored |= theirs->stored;
        }
    }
    for (uint32_t i = 0; i < s->n; i++)
        merge_partial(s, branches, s->list[i].name, stores(&before, s->list[i].name));
    free(before.list);
}

/* The branches from number `i` on, as an "if" of their own. */
static void visit_if(struct symbols *s, const struct choice *c, uint32_t i)
{
    struct symbols branches[BRANCHES];
    symbols_expr(s, c->list[i].test);
    for (unsigned k = 0; k < BRANCHES; k++)
        copy(&branches[k], s);
    symbols_block(&branches[0], &c->list[i].body);
    if (i == 0) { /* an elif has no elif or else of its own */
        uint32_t next = 1;
        for (; next < c->n && c->list[next].test; next++)
            visit_if(&branches[1], c, next);
        if (next < c->n)
            symbols_block(&branches[2], &c->list[next].body);
    }
    merge(s, branches);
    for (unsigned k = 0; k < BRANCHES; k++)
        free(branches[k].list);
}

void symbols_block(struct symbols *s, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const struct stmt *stmt = &b->list[i];
        switch (stmt->kind) {
        case STMT_TEXT: break;
        case STMT_OUTPUT: symbols_expr(s, stmt->expr); break;
        case STMT_IF: visit_if(s, stmt->choice, 0); break;
        case STMT_FOR: symbols_expr(s, stmt->loop->iter); break;
        case STMT_SET:
            symbols_expr(s, stmt->assign->value);
            symbols_targets(s, &stmt->assign->targets, false);
            break;
        case STMT_INCLUDE: symbols_expr(s, stmt->include->name); break;
        }
    }
}
