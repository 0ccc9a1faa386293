/* SPDX-License-Identifier: Apache-2.0 */
#include "template/scope.h"

#include <stdlib.h>

enum load { LOAD_PARAMETER, LOAD_RESOLVE, LOAD_ALIAS, LOAD_MISSING };

struct symbol {
    struct str name;
    enum load load;
    bool stored;
    uint32_t from; /* of LOAD_ALIAS: the outer slot */
    uint32_t slot; /* once the frame is finished */
};

/* The names of one frame: the template, a loop's body, its condition, its else, a set block. */
struct symbols {
    struct symbols *parent;
    struct symbol *list;
    uint32_t n, room;
};

struct resolver {
    struct template *t;
    struct arena *arena;
    struct symbols shared; /* names that only the context knows: one slot for all frames */
};

static struct symbol *own(const struct symbols *s, struct str name)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->list[i].name.p == name.p)
            return &s->list[i];
    }
    return NULL;
}

static struct symbol *find(const struct symbols *s, struct str name)
{
    for (; s; s = s->parent) {
        struct symbol *found = own(s, name);
        if (found)
            return found;
    }
    return NULL;
}

static struct symbol *define(struct symbols *s, struct str name, enum load load)
{
    struct symbol *found = own(s, name);
    if (!found) {
        if (s->n == s->room) {
            s->room = s->room ? s->room * 2 : 16;
            s->list = realloc(s->list, s->room * sizeof(*s->list));
            if (!s->list)
                abort();
        }
        found = &s->list[s->n++];
        *found = (struct symbol){.name = name};
    }
    found->load = load;
    return found;
}

static void define_alias_or(struct symbols *s, struct str name, enum load otherwise)
{
    const struct symbol *outer = s->parent ? find(s->parent, name) : NULL;
    uint32_t from = outer ? outer->slot : 0;
    define(s, name, outer ? LOAD_ALIAS : otherwise)->from = from;
}

static void store(struct symbols *s, struct str name)
{
    if (!own(s, name))
        define_alias_or(s, name, LOAD_MISSING);
    own(s, name)->stored = true;
}

static void declare_parameter(struct symbols *s, struct str name)
{
    define(s, name, LOAD_PARAMETER)->stored = true;
}

static void load(struct symbols *s, struct str name)
{
    if (!find(s, name))
        define(s, name, LOAD_RESOLVE);
}

static void copy(struct symbols *to, const struct symbols *from)
{
    *to = (struct symbols){.parent = from->parent, .n = from->n, .room = from->n};
    if (from->n == 0)
        return;
    to->list = malloc(from->n * sizeof(*to->list));
    if (!to->list)
        abort();
    memcpy(to->list, from->list, from->n * sizeof(*to->list));
}

/* --- First: what the names of a frame are, from all its statements ------------------------- */

static void visit_expr(struct symbols *s, const struct expr *e);

static void visit_items(struct symbols *s, struct expr *const *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        visit_expr(s, items[i]);
}

static void visit_expr(struct symbols *s, const struct expr *e)
{
    if (!e)
        return;
    switch ((enum expr_kind)e->kind) {
    case EXPR_CONST: return;
    case EXPR_NAME: load(s, e->name); return;
    case EXPR_LIST:
    case EXPR_TUPLE:
    case EXPR_DICT:
    case EXPR_CONCAT:
    case EXPR_COMPARE: visit_items(s, e->items, e->n); return;
    case EXPR_ATTR: visit_expr(s, e->of); return;
    case EXPR_INDEX:
    case EXPR_UNARY:
    case EXPR_BINARY:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
    case EXPR_COND:
        visit_expr(s, e->a);
        visit_expr(s, e->b);
        visit_expr(s, e->c);
        return;
    case EXPR_CALL: visit_expr(s, e->callee); break;
    case EXPR_FILTER:
    case EXPR_TEST:
    case EXPR_METHOD: visit_expr(s, e->on); break;
    }
    visit_items(s, e->args, e->n);
}

static void visit_targets(struct symbols *s, const struct targets *t, bool parameter)
{
    for (uint32_t i = 0; i < t->n; i++) {
        if (parameter)
            declare_parameter(s, t->list[i].name);
        else
            store(s, t->list[i].name);
    }
}

static void visit_block(struct symbols *s, const struct block *b);

#define BRANCHES 3 /* if, all elifs, else: as Jinja2 groups them */

static bool stores(const struct symbols *s, struct str name)
{
    const struct symbol *found = own(s, name);
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
            struct symbol *ours = define(s, theirs->name, theirs->load);
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
    visit_expr(s, c->list[i].test);
    for (unsigned k = 0; k < BRANCHES; k++)
        copy(&branches[k], s);
    visit_block(&branches[0], &c->list[i].body);
    if (i == 0) { /* an elif has no elif or else of its own */
        uint32_t next = 1;
        for (; next < c->n && c->list[next].test; next++)
            visit_if(&branches[1], c, next);
        if (next < c->n)
            visit_block(&branches[2], &c->list[next].body);
    }
    merge(s, branches);
    for (unsigned k = 0; k < BRANCHES; k++)
        free(branches[k].list);
}

static void visit_block(struct symbols *s, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const struct stmt *stmt = &b->list[i];
        switch (stmt->kind) {
        case STMT_TEXT: break;
        case STMT_OUTPUT: visit_expr(s, stmt->expr); break;
        case STMT_IF: visit_if(s, stmt->choice, 0); break;
        case STMT_FOR: visit_expr(s, stmt->loop->iter); break;
        case STMT_SET:
            visit_expr(s, stmt->assign->value);
            visit_targets(s, &stmt->assign->targets, false);
            break;
        case STMT_INCLUDE: visit_expr(s, stmt->include->name); break;
        }
    }
}

/* --- Then: slots --------------------------------------------------------------------------- */

static uint32_t new_slot(struct resolver *r)
{
    return r->t->slots++;
}

static uint32_t shared_slot(struct resolver *r, struct str name)
{
    struct symbol *found = own(&r->shared, name);
    if (!found) {
        found = define(&r->shared, name, LOAD_RESOLVE);
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

static void place_expr(struct symbols *s, struct expr *e);

static void place_items(struct symbols *s, struct expr **items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        place_expr(s, items[i]);
}

static void place_expr(struct symbols *s, struct expr *e)
{
    if (!e)
        return;
    switch ((enum expr_kind)e->kind) {
    case EXPR_CONST: return;
    case EXPR_NAME: e->slot = find(s, e->name)->slot; return;
    case EXPR_LIST:
    case EXPR_TUPLE:
    case EXPR_DICT:
    case EXPR_CONCAT:
    case EXPR_COMPARE: place_items(s, e->items, e->n); return;
    case EXPR_ATTR: place_expr(s, e->of); return;
    case EXPR_INDEX:
    case EXPR_UNARY:
    case EXPR_BINARY:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT:
    case EXPR_COND:
        place_expr(s, e->a);
        place_expr(s, e->b);
        place_expr(s, e->c);
        return;
    case EXPR_CALL: place_expr(s, e->callee); break;
    case EXPR_FILTER:
    case EXPR_TEST:
    case EXPR_METHOD: place_expr(s, e->on); break;
    }
    place_items(s, e->args, e->n);
}

static void place_targets(struct symbols *s, struct targets *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        t->list[i].slot = find(s, t->list[i].name)->slot;
}

static void place_block(struct resolver *r, struct symbols *s, struct block *b);

/* A frame of its own around a block; `parameters` are names that it begins with. */
static void place_frame(struct resolver *r, struct symbols *s, struct block *b,
                        struct entries *ret_entry)
{
    visit_block(s, b);
    finish_frame(r, s, ret_entry);
    place_block(r, s, b);
}

static void place_test(struct resolver *r, struct symbols *parent, struct loop *l)
{
    struct symbols s = {.parent = parent};
    visit_targets(&s, &l->targets, true);
    visit_expr(&s, l->test);
    finish_frame(r, &s, &l->test_entry);
    place_expr(&s, l->test);
    for (uint32_t i = 0; i < l->targets.n; i++)
        l->targets.list[i].test_slot = find(&s, l->targets.list[i].name)->slot;
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
        declare_parameter(&body, loop_name);
    visit_targets(&body, &l->targets, true);
    place_frame(r, &body, &l->body, &l->body_entry);
    place_targets(&body, &l->targets);
    l->loop_slot = l->uses_loop ? find(&body, loop_name)->slot : AST_NO_SLOT;
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
                inc->visible[inc->n++] = (struct visible){name, find(s, name)->slot};
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
