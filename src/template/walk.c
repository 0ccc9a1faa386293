/* SPDX-License-Identifier: Apache-2.0 */
#include "template/walk.h"

/* --- Expressions --------------------------------------------------------------------------- */

static bool visit(struct expr *e, walk_fn *fn, void *cls)
{
    return !e || fn(cls, e);
}

static bool visit_items(struct expr *const *items, uint32_t n, walk_fn *fn, void *cls)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!visit(items[i], fn, cls))
            return false;
    }
    return true;
}

bool walk_parts(const struct expr *e, walk_fn *fn, void *cls)
{
    switch ((enum expr_kind)e->kind) {
    case EXPR_CONST:
    case EXPR_NAME: return true;
    case EXPR_LIST:
    case EXPR_TUPLE:
    case EXPR_DICT:
    case EXPR_CONCAT:
    case EXPR_COMPARE: return visit_items(e->items, e->n, fn, cls);
    case EXPR_ATTR: return visit(e->of, fn, cls);
    case EXPR_INDEX:
    case EXPR_UNARY:
    case EXPR_BINARY:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
    case EXPR_COND: return visit(e->a, fn, cls) && visit(e->b, fn, cls) && visit(e->c, fn, cls);
    case EXPR_CALL: return visit(e->callee, fn, cls) && visit_items(e->args, e->n, fn, cls);
    case EXPR_FILTER:
    case EXPR_TEST:
    case EXPR_METHOD: return visit(e->on, fn, cls) && visit_items(e->args, e->n, fn, cls);
    }
    return false;
}

/* --- Statements ---------------------------------------------------------------------------- */

static bool walk_choice(const struct choice *c, const struct walk *w)
{
    for (uint32_t i = 0; i < c->n; i++) {
        const struct branch *b = &c->list[i];
        if (!visit(b->test, w->on_expr, w->cls) || !walk_block(&b->body, w))
            return false;
    }
    return true;
}

static bool walk_loop(const struct loop *l, const struct walk *w)
{
    return visit(l->iter, w->on_expr, w->cls) && visit(l->test, w->on_expr, w->cls) &&
           walk_block(&l->body, w) && walk_block(&l->otherwise, w);
}

static bool walk_stmt(const struct stmt *s, const struct walk *w)
{
    switch (s->kind) {
    case STMT_TEXT: return true;
    case STMT_OUTPUT: return visit(s->expr, w->on_expr, w->cls);
    case STMT_IF: return walk_choice(s->choice, w);
    case STMT_FOR: return walk_loop(s->loop, w);
    case STMT_SET:
        return visit(s->assign->value, w->on_expr, w->cls) && walk_block(&s->assign->body, w);
    case STMT_INCLUDE:
        return visit(s->include->name, w->on_expr, w->cls) && w->on_include(w->cls, s->include);
    }
    return false;
}

bool walk_block(const struct block *b, const struct walk *w)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (!walk_stmt(&b->list[i], w))
            return false;
    }
    return true;
}
