/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "template/ast.h"
#include "template/excerpt.h"
#include "template/walk.h"

#include <stdlib.h>

/* --- A template and what it includes ------------------------------------------------------- */

/* Each template is walked once, however often it is included. */
struct reader {
    walk_fn *on_expr;
    bool constant_only; /* what cannot be found ends the walk */
    const struct template *now;
    const struct template **seen;
    uint32_t n, room;
    struct str name;
    const struct str *attrs;
    unsigned attrs_n, found;
};

static bool first_time(struct reader *r, const struct template *t)
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->seen[i] == t)
            return false;
    }
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 8;
        r->seen = mem_resize(r->seen, r->room, sizeof(const struct template *));
    }
    r->seen[r->n++] = t;
    return true;
}

static bool read_template(struct reader *r, const struct template *t);

static bool read_include(void *cls, const struct include *inc)
{
    struct reader *r = cls;
    return inc->target ? read_template(r, inc->target) : !r->constant_only;
}

static bool read_template(struct reader *r, const struct template *t)
{
    const struct walk w = {.on_expr = r->on_expr, .on_include = read_include, .cls = r};
    const struct template *by = r->now;
    if (!first_time(r, t))
        return true;
    r->now = t;
    bool ok = walk_block(&t->body, &w);
    r->now = by;
    return ok;
}

/* --- What is read of a name ---------------------------------------------------------------- */

static bool is_name(const struct expr *e, struct str name)
{
    return e->kind == EXPR_NAME && str_eq(e->name, name);
}

static bool note_attr(struct reader *r, struct str attr)
{
    for (unsigned i = 0; i < r->attrs_n; i++) {
        if (str_eq(r->attrs[i], attr)) {
            r->found |= 1u << i;
            return true;
        }
    }
    return false;
}

/* False where more may be read than can be told. */
static bool read_attrs(void *cls, struct expr *e)
{
    struct reader *r = cls;
    if (e->kind == EXPR_ATTR && is_name(e->of, r->name))
        return note_attr(r, e->attr);
    return !is_name(e, r->name) && walk_parts(e, read_attrs, r);
}

unsigned template_reads(const struct template *t, struct str name, const struct str *attrs,
                        unsigned n)
{
    struct reader r = {
        .on_expr = read_attrs, .constant_only = true, .name = name, .attrs = attrs, .attrs_n = n};
    bool certain = read_template(&r, t);
    free(r.seen);
    return certain ? r.found : (1u << n) - 1;
}

/* --- One template's own words -------------------------------------------------------------- */

struct attributes {
    const struct template *t;
    struct str name;
    void (*on_attr)(void *cls, struct str attr, struct place at);
    void *cls;
};

static bool is_outer(const struct expr *e, struct str name)
{
    return is_name(e, name) && e->origin != ORIGIN_OWN;
}

static bool find_attributes(void *cls, struct expr *e)
{
    struct attributes *a = cls;
    const struct expr *of = NULL;
    struct str attr = {0};
    if (is_outer(e, a->name)) {
        of = e;
    } else if (e->kind == EXPR_ATTR && is_outer(e->of, a->name)) {
        of = e->of;
        attr = e->attr;
    } else if (e->kind == EXPR_INDEX && is_outer(e->a, a->name) && e->b->kind == EXPR_CONST &&
               e->b->constant.kind == VALUE_STR) {
        of = e->a;
        attr = value_text(e->b->constant);
    }
    if (!of)
        return walk_parts(e, find_attributes, a);
    a->on_attr(a->cls, attr, excerpt_place(a->t->file, a->t->source, of->at));
    return true;
}

static bool pass_include(void *cls, const struct include *inc)
{
    (void)cls;
    (void)inc;
    return true;
}

void template_attributes(const struct template *t, struct str name,
                         void (*on_attr)(void *cls, struct str attr, struct place at), void *cls)
{
    struct attributes a = {t, name, on_attr, cls};
    const struct walk w = {.on_expr = find_attributes, .on_include = pass_include, .cls = &a};
    walk_block(&t->body, &w);
}

struct names {
    void (*on_name)(void *cls, struct str name);
    void *cls;
};

static bool find_names(void *cls, struct expr *e)
{
    struct names *n = cls;
    if (e->kind == EXPR_NAME && e->origin != ORIGIN_OWN)
        n->on_name(n->cls, e->name);
    return walk_parts(e, find_names, n);
}

void template_names(const struct template *t, void (*on_name)(void *cls, struct str name),
                    void *cls)
{
    struct names n = {on_name, cls};
    const struct walk w = {.on_expr = find_names, .on_include = pass_include, .cls = &n};
    walk_block(&t->body, &w);
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
