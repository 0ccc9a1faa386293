/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "template/ast.h"
#include "template/excerpt.h"

#include <stdlib.h>

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

struct name_walk {
    walk_fn *on_name;
    void *cls;
};

static bool names_of(void *cls, struct expr *e)
{
    const struct name_walk *w = cls;
    return e->kind == EXPR_NAME ? w->on_name(w->cls, e) : walk_parts(e, names_of, cls);
}

bool walk_names(struct expr *e, walk_fn *fn, void *cls)
{
    struct name_walk w = {fn, cls};
    return visit(e, names_of, &w);
}

/* --- A template and what it includes ------------------------------------------------------- */

/* Visits every expression that stands in a statement, as a whole; false ends it. */
struct template_walk {
    walk_fn *on_expr;
    /* Called with each include, after the expression of its name; NULL: nothing is done. */
    bool (*on_include)(struct template_walk *w, const struct include *inc);
    /* Called with each frame before its block; NULL: nothing is done. */
    void (*on_frame)(struct template_walk *w, const struct frame *f);
    const struct template *t;
};

static bool walk_block(struct template_walk *w, const struct block *b);

static bool walk_frame(struct template_walk *w, const struct frame *f)
{
    if (w->on_frame)
        w->on_frame(w, f);
    return walk_block(w, &f->block);
}

static bool walk_choice(struct template_walk *w, const struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (!visit(c->list[i].test, w->on_expr, w) || !walk_block(w, &c->list[i].body))
            return false;
    }
    return true;
}

static bool walk_stmt(struct template_walk *w, const struct stmt *s)
{
    const struct loop *l = s->loop;
    switch (s->kind) {
    case STMT_TEXT: return true;
    case STMT_OUTPUT: return visit(s->expr, w->on_expr, w);
    case STMT_IF: return walk_choice(w, s->choice);
    case STMT_FOR:
        return visit(l->iter, w->on_expr, w) && visit(l->test, w->on_expr, w) &&
               walk_frame(w, &l->tests) && walk_frame(w, &l->body) && walk_frame(w, &l->otherwise);
    case STMT_SET: return visit(s->assign->value, w->on_expr, w) && walk_frame(w, &s->assign->body);
    case STMT_INCLUDE:
        return visit(s->include->name, w->on_expr, w) &&
               (!w->on_include || w->on_include(w, s->include));
    }
    return false;
}

static bool walk_block(struct template_walk *w, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (!walk_stmt(w, &b->list[i]))
            return false;
    }
    return true;
}

/* --- template_reads ------------------------------------------------------------------------ */

static bool is_name(const struct expr *e, struct str name)
{
    return e->kind == EXPR_NAME && str_eq(e->name, name);
}

struct attr_walk {
    struct template_walk walk;
    const struct template **seen; /* each is walked once, however often it is included */
    uint32_t n, room;
    struct str name;
    const struct str *attrs;
    unsigned attrs_n, found;
};

static bool note_attr(struct attr_walk *a, struct str attr)
{
    for (unsigned i = 0; i < a->attrs_n; i++) {
        if (str_eq(a->attrs[i], attr)) {
            a->found |= 1u << i;
            return true;
        }
    }
    return false;
}

/* False where more may be read than can be listed. */
static bool read_attrs(void *cls, struct expr *e)
{
    struct attr_walk *a = cls;
    if (e->kind == EXPR_ATTR && is_name(e->of, a->name))
        return note_attr(a, e->attr);
    return !is_name(e, a->name) && walk_parts(e, read_attrs, a);
}

static bool read_include(struct template_walk *w, const struct include *inc)
{
    struct attr_walk *a = (struct attr_walk *)w;
    if (!inc->target)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->seen[i] == inc->target)
            return true;
    }
    a->seen = mem_grow(a->seen, a->n, &a->room, sizeof(const struct template *));
    a->seen[a->n++] = inc->target;
    return walk_block(w, &inc->target->body.block);
}

unsigned template_reads(const struct template *t, struct str name, const struct str *attrs,
                        unsigned n)
{
    const struct include root = {.target = t};
    struct attr_walk a = {.walk = {.on_expr = read_attrs, .on_include = read_include},
                          .name = name,
                          .attrs = attrs,
                          .attrs_n = n};
    bool certain = read_include(&a.walk, &root);
    free(a.seen);
    return certain ? a.found : (1u << n) - 1;
}

/* --- walk_reads ---------------------------------------------------------------------------- */

struct read_count {
    struct template_walk walk;
    struct str name;
    uint32_t slot, n;
};

static bool count_read(void *cls, struct expr *e)
{
    struct read_count *c = cls;
    c->n += e->kind == EXPR_NAME && e->slot == c->slot;
    return walk_parts(e, count_read, c);
}

static bool count_include(struct template_walk *w, const struct include *inc)
{
    struct read_count *c = (struct read_count *)w;
    static const struct str none = {"", 0};
    for (uint32_t i = 0; i < inc->n; i++) {
        if (inc->visible[i].slot == c->slot)
            c->n += !inc->target || template_reads(inc->target, c->name, &none, 1);
    }
    return true;
}

static void count_frame(struct template_walk *w, const struct frame *f)
{
    struct read_count *c = (struct read_count *)w;
    for (uint32_t i = 0; i < f->inits_n; i++)
        c->n += f->inits[i].kind == SLOT_ALIAS && f->inits[i].from == c->slot;
}

uint32_t walk_reads(const struct template *t, uint32_t slot, struct str name)
{
    struct read_count c = {
        .walk = {.on_expr = count_read, .on_include = count_include, .on_frame = count_frame},
        .name = name,
        .slot = slot};
    walk_block(&c.walk, &t->body.block);
    return c.n;
}

/* --- One template's own names -------------------------------------------------------------- */

struct outer_walk {
    struct template_walk walk;
    struct str name;
    void (*on_attr)(void *cls, struct str attr, struct place at);
    void (*on_name)(void *cls, struct str name);
    void *cls;
};

static bool is_outer(const struct expr *e, struct str name)
{
    return is_name(e, name) && e->origin != ORIGIN_OWN;
}

static bool find_attributes(void *cls, struct expr *e)
{
    struct outer_walk *o = cls;
    const struct template *t = o->walk.t;
    const struct expr *of = NULL;
    struct str attr = {0};
    if (is_outer(e, o->name)) {
        of = e;
    } else if (e->kind == EXPR_ATTR && is_outer(e->of, o->name)) {
        of = e->of;
        attr = e->attr;
    } else if (e->kind == EXPR_INDEX && is_outer(e->a, o->name) && e->b->kind == EXPR_CONST &&
               e->b->constant.kind == VALUE_STR) {
        of = e->a;
        attr = value_text(e->b->constant);
    }
    if (!of)
        return walk_parts(e, find_attributes, o);
    o->on_attr(o->cls, attr, excerpt_place(t->file, t->source, of->at));
    return true;
}

void template_attributes(const struct template *t, struct str name,
                         void (*on_attr)(void *cls, struct str attr, struct place at), void *cls)
{
    struct outer_walk o = {
        .walk = {.on_expr = find_attributes, .t = t}, .name = name, .on_attr = on_attr, .cls = cls};
    walk_block(&o.walk, &t->body.block);
}

static bool find_names(void *cls, struct expr *e)
{
    struct outer_walk *o = cls;
    if (e->kind == EXPR_NAME && e->origin != ORIGIN_OWN)
        o->on_name(o->cls, e->name);
    return walk_parts(e, find_names, o);
}

void template_names(const struct template *t, void (*on_name)(void *cls, struct str name),
                    void *cls)
{
    struct outer_walk o = {.walk = {.on_expr = find_names}, .on_name = on_name, .cls = cls};
    walk_block(&o.walk, &t->body.block);
}

void template_includes(const struct template *t,
                       void (*on_include)(void *cls, const struct template *target,
                                          struct place at),
                       void *cls)
{
    for (uint32_t i = 0; i < t->includes_n; i++) {
        const struct include *inc = t->includes[i];
        if (inc->target)
            on_include(cls, inc->target, excerpt_place(t->file, t->source, inc->name->at));
    }
}
