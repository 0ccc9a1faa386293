/* SPDX-License-Identifier: Apache-2.0 */
#include "template/known.h"

#include "template/ast.h"

#include <stdlib.h>

/* --- What templates set -------------------------------------------------------------------- */

void names_set_done(struct names_set *s)
{
    free(s->list);
    *s = (struct names_set){0};
}

static void add(struct names_set *s, struct str name)
{
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 16;
        s->list = realloc(s->list, s->room * sizeof(*s->list));
        if (!s->list)
            abort();
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

/* --- Expressions --------------------------------------------------------------------------- */

/* Asked of an expression, which may be NULL. */
typedef bool (*expr_fn)(void *cls, const struct expr *e);

static bool items_all(struct expr *const *items, uint32_t n, expr_fn fn, void *cls)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!fn(cls, items[i]))
            return false;
    }
    return true;
}

/* Whether all that the expression is made of passes. */
static bool parts_all(const struct expr *e, expr_fn fn, void *cls)
{
    switch ((enum expr_kind)e->kind) {
    case EXPR_CONST:
    case EXPR_NAME: return true;
    case EXPR_LIST:
    case EXPR_TUPLE:
    case EXPR_DICT:
    case EXPR_CONCAT:
    case EXPR_COMPARE: return items_all(e->items, e->n, fn, cls);
    case EXPR_ATTR: return fn(cls, e->of);
    case EXPR_INDEX:
    case EXPR_UNARY:
    case EXPR_BINARY:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
    case EXPR_COND: return fn(cls, e->a) && fn(cls, e->b) && fn(cls, e->c);
    case EXPR_CALL: return fn(cls, e->callee) && items_all(e->args, e->n, fn, cls);
    case EXPR_FILTER:
    case EXPR_TEST:
    case EXPR_METHOD: return fn(cls, e->on) && items_all(e->args, e->n, fn, cls);
    }
    return false;
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

static bool name_known(const struct known *k, const struct bound *b, struct str name)
{
    struct value unused;
    if (is_bound(b, name))
        return true;
    for (uint32_t i = 0; i < k->set.n; i++) {
        if (str_eq(k->set.list[i], name))
            return false;
    }
    return k->scope.lookup(k->scope.cls, name, &unused);
}

struct place_known {
    const struct known *known;
    const struct bound *bound;
};

static bool is_known(void *cls, const struct expr *e)
{
    struct place_known *p = cls;
    if (!e)
        return true;
    if (e->kind == EXPR_NAME)
        return name_known(p->known, p->bound, e->name);
    return e->kind != EXPR_CALL &&
           parts_all(e, is_known, p); /* a function's name is no variable's */
}

static bool expr_known(const struct known *k, const struct bound *b, const struct expr *e)
{
    struct place_known p = {k, b};
    return is_known(&p, e);
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

bool known_expr(const struct known *k, const struct expr *e)
{
    return expr_known(k, NULL, e);
}

bool known_stmt(const struct known *k, const struct stmt *s)
{
    return stmt_known(k, NULL, s);
}

/* --- What is read -------------------------------------------------------------------------- */

struct reads {
    struct str name;
    const struct str *attrs;
    unsigned n, found;
};

static bool is_name(const struct expr *e, struct str name)
{
    return e->kind == EXPR_NAME && str_eq(e->name, name);
}

static bool note_attr(struct reads *r, struct str attr)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (str_eq(r->attrs[i], attr)) {
            r->found |= 1u << i;
            return true;
        }
    }
    return false;
}

/* False where more may be read than can be told. */
static bool read_expr(void *cls, const struct expr *e)
{
    struct reads *r = cls;
    if (!e)
        return true;
    if (e->kind == EXPR_ATTR && is_name(e->of, r->name))
        return note_attr(r, e->attr);
    return !is_name(e, r->name) && parts_all(e, read_expr, r);
}

static bool read_block(struct reads *r, const struct block *b);

static bool read_choice(struct reads *r, const struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (!read_expr(r, c->list[i].test) || !read_block(r, &c->list[i].body))
            return false;
    }
    return true;
}

static bool read_loop(struct reads *r, const struct loop *l)
{
    return read_expr(r, l->iter) && read_expr(r, l->test) && read_block(r, &l->body) &&
           read_block(r, &l->otherwise);
}

static bool read_stmt(struct reads *r, const struct stmt *s)
{
    switch (s->kind) {
    case STMT_TEXT: return true;
    case STMT_OUTPUT: return read_expr(r, s->expr);
    case STMT_IF: return read_choice(r, s->choice);
    case STMT_FOR: return read_loop(r, s->loop);
    case STMT_SET: return read_expr(r, s->assign->value) && read_block(r, &s->assign->body);
    case STMT_INCLUDE: return s->include->target && read_block(r, &s->include->target->body);
    }
    return false;
}

static bool read_block(struct reads *r, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (!read_stmt(r, &b->list[i]))
            return false;
    }
    return true;
}

unsigned template_reads(const struct template *t, struct str name, const struct str *attrs,
                        unsigned n)
{
    struct reads r = {.name = name, .attrs = attrs, .n = n};
    return read_block(&r, &t->body) ? r.found : (1u << n) - 1;
}
