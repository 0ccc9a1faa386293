/* SPDX-License-Identifier: Apache-2.0 */
#include "template/known.h"

#include "base/mem.h"
#include "template/ast.h"
#include "template/settled.h"
#include "template/walk.h"

#include <stdlib.h>

/* --- What templates set -------------------------------------------------------------------- */

void names_set_done(struct names_set *s)
{
    free(s->list);
    *s = (struct names_set){0};
}

static bool contains(const struct names_set *s, struct str name)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (str_eq(s->list[i], name))
            return true;
    }
    return false;
}

static void add(struct names_set *s, struct str name)
{
    if (contains(s, name))
        return;
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 16;
        s->list = mem_resize(s->list, s->room, sizeof(*s->list));
    }
    s->list[s->n++] = name;
}

static void add_targets(struct names_set *s, const struct targets *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        add(s, t->list[i].name);
}

static void add_loop(struct names_set *s, const struct loop *l)
{
    add(s, l->loop_name);
    add_targets(s, &l->targets);
    names_set_add_block(s, &l->body);
    names_set_add_block(s, &l->otherwise);
}

static void add_choice(struct names_set *s, const struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        names_set_add_block(s, &c->list[i].body);
}

void names_set_add_block(struct names_set *s, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const struct stmt *stmt = &b->list[i];
        switch (stmt->kind) {
        case STMT_TEXT:
        case STMT_OUTPUT:
        case STMT_INCLUDE: break;
        case STMT_IF: add_choice(s, stmt->choice); break;
        case STMT_FOR: add_loop(s, stmt->loop); break;
        case STMT_SET:
            add_targets(s, &stmt->assign->targets);
            names_set_add_block(s, &stmt->assign->body);
            break;
        }
    }
}

/* --- What is known ------------------------------------------------------------------------- */

/* Names that loops around the place give a value to. */
struct bound {
    const struct bound *outer;
    const struct loop *loop;
};

/* Names are interned, but each set of templates has its own: texts are compared. */
static bool is_bound(const struct bound *b, struct str name)
{
    for (; b; b = b->outer) {
        if (str_eq(b->loop->loop_name, name))
            return true;
        for (uint32_t i = 0; i < b->loop->targets.n; i++) {
            if (str_eq(b->loop->targets.list[i].name, name))
                return true;
        }
    }
    return false;
}

static bool name_known(const struct known *k, const struct bound *b, const struct expr *e)
{
    struct value unused;
    return is_bound(b, e->name) || settled_name(k->settled, e) ||
           (!contains(&k->set, e->name) && k->scope.lookup(k->scope.cls, e->name, &unused));
}

struct place_known {
    const struct known *known;
    const struct bound *bound;
};

static bool is_known(void *cls, struct expr *e)
{
    struct place_known *p = cls;
    if (e->kind == EXPR_NAME)
        return name_known(p->known, p->bound, e);
    return e->kind != EXPR_CALL && /* a function's name is no variable's */
           walk_parts(e, is_known, p);
}

static bool expr_known(const struct known *k, const struct bound *b, struct expr *e)
{
    struct place_known p = {k, b};
    return !e || is_known(&p, e);
}

static bool stmt_known(const struct known *k, const struct bound *b, const struct stmt *s);

static bool block_known(const struct known *k, const struct bound *b, const struct block *block)
{
    for (uint32_t i = 0; i < block->n; i++) {
        if (!stmt_known(k, b, &block->list[i]))
            return false;
    }
    return true;
}

static bool choice_known(const struct known *k, const struct bound *b, const struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (!expr_known(k, b, c->list[i].test) || !block_known(k, b, &c->list[i].body))
            return false;
    }
    return true;
}

static bool loop_known(const struct known *k, const struct bound *b, const struct loop *l)
{
    struct bound within = {.outer = b, .loop = l};
    return expr_known(k, b, l->iter) && expr_known(k, &within, l->test) &&
           block_known(k, &within, &l->body) && block_known(k, b, &l->otherwise);
}

static bool stmt_known(const struct known *k, const struct bound *b, const struct stmt *s)
{
    switch (s->kind) {
    case STMT_TEXT: return true;
    case STMT_OUTPUT: return expr_known(k, b, s->expr);
    case STMT_IF: return choice_known(k, b, s->choice);
    case STMT_FOR: return loop_known(k, b, s->loop);
    case STMT_SET:
    case STMT_INCLUDE: return false;
    }
    return false;
}

bool known_expr(const struct known *k, struct expr *e)
{
    return expr_known(k, NULL, e);
}

bool known_stmt(const struct known *k, const struct stmt *s)
{
    return stmt_known(k, NULL, s);
}
