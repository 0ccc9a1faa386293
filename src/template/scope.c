/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jinja2 decides which variable a name means when it compiles a template, and its rules have
 * corners: a name set inside an if may or may not be the one of the context. So this follows its
 * algorithm (idtracking.py) step by step. A frame is the template, the body, condition or else of a
 * loop, or a set block; what a name is when its frame begins follows from the order in which the
 * frame reads and sets it. The result are slots, and what each holds when a frame is entered.
 */
#include "base/mem.h"
#include "template/ast.h"

#include <stdlib.h>

/* --- The names that one frame mentions ----------------------------------------------------- */

/* What a name is when the frame begins. */
enum load {
    LOAD_PARAMETER, /* a loop's variable */
    LOAD_RESOLVE,   /* what the context has */
    LOAD_ALIAS,     /* what it is in the frame around */
    LOAD_MISSING,   /* nothing yet */
};

struct symbol {
    struct str name;
    enum load load;
    bool stored;
    uint32_t from; /* of LOAD_ALIAS: the outer slot */
    uint32_t slot; /* once the frame is finished */
};

/* All zero is an empty frame; free `list` in the end. */
struct symbols {
    struct symbols *parent; /* finished already */
    struct symbol *list;
    uint32_t n, room;
};

/* In this frame only. */
static struct symbol *find_own(const struct symbols *s, struct str name)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->list[i].name.p == name.p)
            return &s->list[i];
    }
    return NULL;
}

static struct symbol *find(const struct symbols *s, struct str name)
{
    struct symbol *found = NULL;
    for (; s && !found; s = s->parent)
        found = find_own(s, name);
    return found;
}

/* Adds the name, or gives it another beginning. */
static struct symbol *define(struct symbols *s, struct str name, enum load load)
{
    struct symbol *found = find_own(s, name);
    if (!found) {
        s->list = mem_grow(s->list, s->n, &s->room, sizeof(*s->list));
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

static void note_parameter(struct symbols *s, struct str name)
{
    define(s, name, LOAD_PARAMETER)->stored = true;
}

static void note_parameters(struct symbols *s, const struct targets *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        note_parameter(s, t->list[i].name);
}

static void note_stored(struct symbols *s, const struct targets *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        struct str name = t->list[i].name;
        if (!find_own(s, name))
            define_alias_or(s, name, LOAD_MISSING);
        find_own(s, name)->stored = true;
    }
}

static bool note_name(void *cls, struct expr *e)
{
    if (!find(cls, e->name))
        define(cls, e->name, LOAD_RESOLVE);
    return true;
}

static void note_expr(struct symbols *s, struct expr *e)
{
    walk_names(e, note_name, s);
}

static void copy(struct symbols *to, const struct symbols *from)
{
    *to = (struct symbols){.parent = from->parent, .n = from->n, .room = from->n};
    if (from->n == 0)
        return;
    to->list = mem_alloc(from->n * sizeof(*to->list));
    memcpy(to->list, from->list, from->n * sizeof(*to->list));
}

#define BRANCHES 3 /* if, all elifs, else: as Jinja2 groups them */

static bool stores(const struct symbols *s, struct str name)
{
    const struct symbol *found = find_own(s, name);
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

static void note_block(struct symbols *s, const struct block *b);

/* The branches from number `i` on, as an "if" of their own. */
static void note_if(struct symbols *s, const struct choice *c, uint32_t i)
{
    struct symbols branches[BRANCHES];
    note_expr(s, c->list[i].test);
    for (unsigned k = 0; k < BRANCHES; k++)
        copy(&branches[k], s);
    note_block(&branches[0], &c->list[i].body);
    if (i == 0) { /* an elif has no elif or else of its own */
        uint32_t next = 1;
        for (; next < c->n && c->list[next].test; next++)
            note_if(&branches[1], c, next);
        if (next < c->n)
            note_block(&branches[2], &c->list[next].body);
    }
    merge(s, branches);
    for (unsigned k = 0; k < BRANCHES; k++)
        free(branches[k].list);
}

static void note_block(struct symbols *s, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const struct stmt *stmt = &b->list[i];
        switch (stmt->kind) {
        case STMT_TEXT: break;
        case STMT_OUTPUT: note_expr(s, stmt->expr); break;
        case STMT_IF: note_if(s, stmt->choice, 0); break;
        case STMT_FOR: note_expr(s, stmt->loop->iter); break;
        case STMT_SET:
            note_expr(s, stmt->assign->value);
            note_stored(s, &stmt->assign->targets);
            break;
        case STMT_INCLUDE: note_expr(s, stmt->include->name); break;
        }
    }
}

/* --- Slots --------------------------------------------------------------------------------- */

struct resolver {
    struct template *t;
    struct arena *arena;
    struct symbols shared; /* names that only the context knows: one slot for all frames */
};

static uint32_t shared_slot(struct resolver *r, struct str name)
{
    struct symbol *found = find_own(&r->shared, name);
    if (!found) {
        found = define(&r->shared, name, LOAD_RESOLVE);
        found->slot = r->t->slots++;
    }
    return found->slot;
}

static void finish_frame(struct resolver *r, struct symbols *s, struct frame *f)
{
    f->inits = ARENA_ARRAY(r->arena, struct slot_init, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        struct symbol *sym = &s->list[i];
        if (sym->load == LOAD_RESOLVE && !sym->stored) {
            sym->slot = shared_slot(r, sym->name);
            continue;
        }
        sym->slot = r->t->slots++;
        if (sym->load == LOAD_PARAMETER)
            continue;
        f->inits[f->inits_n++] =
            (struct slot_init){.kind = sym->load == LOAD_ALIAS     ? SLOT_ALIAS
                                       : sym->load == LOAD_RESOLVE ? SLOT_RESOLVE
                                                                   : SLOT_MISSING,
                               .slot = sym->slot,
                               .from = sym->from};
    }
}

/* Follows a name to the frame that gives it its beginning. */
static enum origin origin_of(const struct symbols *s, struct str name)
{
    bool stored = false;
    for (; s; s = s->parent) {
        const struct symbol *own = find_own(s, name);
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
        e->slot = find(s, e->name)->slot;
        e->origin = (uint8_t)origin_of(s, e->name);
    }
    walk_parts(e, place_part, cls);
    if (e->kind == EXPR_CALL) /* of a function: calling a variable fails */
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
        t->list[i].slot = find(s, t->list[i].name)->slot;
}

static void place_block(struct resolver *r, struct symbols *s, struct block *b);

/* A frame around a block; `s` holds the parameters that it begins with. */
static void place_frame(struct resolver *r, struct symbols *s, struct frame *f)
{
    note_block(s, &f->block);
    finish_frame(r, s, f);
    place_block(r, s, &f->block);
}

static void place_test(struct resolver *r, struct symbols *parent, struct loop *l)
{
    struct symbols s = {.parent = parent};
    note_parameters(&s, &l->targets);
    note_expr(&s, l->test);
    finish_frame(r, &s, &l->tests);
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
    if (l->uses_loop)
        note_parameter(&body, l->loop_name);
    note_parameters(&body, &l->targets);
    place_frame(r, &body, &l->body);
    place_targets(&body, &l->targets);
    l->loop_slot = l->uses_loop ? find(&body, l->loop_name)->slot : AST_NO_SLOT;
    place_frame(r, &otherwise, &l->otherwise);
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
    place_frame(r, &body, &a->body);
    free(body.list);
}

const struct visible *include_find(const struct include *inc, struct str name)
{
    for (uint32_t i = 0; i < inc->n; i++) {
        if (inc->visible[i].name.p == name.p)
            return &inc->visible[i];
    }
    return NULL;
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
            if (f->list[i].stored && !include_find(inc, name))
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
    place_frame(&r, &root, &t->body);
    free(root.list);
    free(r.shared.list);
    return t->slots <= AST_SLOTS_MAX;
}
