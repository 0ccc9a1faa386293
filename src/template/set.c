/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guess.h"
#include "base/mem.h"
#include "template/ast.h"
#include "template/excerpt.h"
#include "template/parser.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX_BYTES ((size_t)4 << 20)

struct template_set {
    struct arena arena;
    struct intern names;
    struct template **list;
    uint32_t n, room;
    struct map by_name;
    bool linked;
};

struct template_set *template_set_new(void)
{
    struct template_set *set = MEM_NEW(struct template_set);
    arena_init(&set->arena, 64 << 10);
    intern_init(&set->names, &set->arena);
    return set;
}

void template_set_free(struct template_set *set)
{
    if (!set)
        return;
    intern_done(&set->names);
    map_done(&set->by_name);
    free(set->list);
    arena_done(&set->arena);
    free(set);
}

static struct str key_of(const void *things, uint32_t item)
{
    return ((struct template *const *)things)[item]->name;
}

const struct template *template_set_find(const struct template_set *set, struct str name)
{
    uint32_t i = map_find(&set->by_name, key_of, set->list, name);
    return i == MAP_NONE ? NULL : set->list[i];
}

struct str template_name(const struct template *t)
{
    return t->name;
}

/* --- Adding -------------------------------------------------------------------------------- */

static void fault_at(struct faults *faults, const struct template *t, uint32_t at, const char *msg)
{
    char excerpt[512];
    excerpt_write(excerpt, sizeof(excerpt), t->source, at);
    fault_add_excerpt(faults, excerpt_place(t->file, t->source, at), excerpt, "%s", msg);
}

static int check_text(const char *file, struct str text, struct faults *faults)
{
    size_t bad;
    if (text.n > TEXT_MAX_BYTES) {
        fault_add(faults, (struct place){.file = file}, "this template is larger than %zu MiB",
                  TEXT_MAX_BYTES >> 20);
        return -EINVAL;
    }
    const char *nul = text.n ? memchr(text.p, '\0', text.n) : NULL;
    if (nul) {
        fault_add(faults, excerpt_place(file, text, (uint32_t)(nul - text.p)),
                  "this template holds the character 0");
        return -EINVAL;
    }
    if (!str_is_utf8(text, &bad)) {
        fault_add(faults, excerpt_place(file, text, (uint32_t)bad), "this is not UTF-8");
        return -EINVAL;
    }
    return 0;
}

/* Jinja2 makes every kind of line end a \n. */
static struct str normalise(struct arena *a, struct str text)
{
    char *p = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        bool cr = text.p[i] == '\r';
        p[n++] = cr ? '\n' : text.p[i];
        i += cr && i + 1 < text.n && text.p[i + 1] == '\n';
    }
    p[n] = '\0';
    return (struct str){p, n};
}

static void append(struct template_set *set, struct template *t)
{
    set->list = mem_grow(set->list, set->n, &set->room, sizeof(struct template *));
    set->list[set->n] = t;
    map_put(&set->by_name, key_of, set->list, set->n);
    set->n++;
}

int template_set_add(struct template_set *set, struct str name, const char *file, struct str text,
                     struct faults *faults)
{
    assert(!set->linked);
    if (template_set_find(set, name))
        return -EEXIST;
    int r = check_text(file, text, faults);
    if (r < 0)
        return r;
    struct template *t = ARENA_NEW(&set->arena, struct template);
    t->set = set;
    t->name = arena_str(&set->arena, name);
    t->file = arena_str(&set->arena, str_from(file)).p;
    t->source = normalise(&set->arena, text);
    if (!parser_run(t, &set->arena, &set->names, faults))
        return -EINVAL;
    if (!scope_resolve(t, &set->arena)) {
        fault_at(faults, t, 0, "this template has too many variables");
        return -EINVAL;
    }
    append(set, t);
    return 0;
}

/* --- Linking ------------------------------------------------------------------------------- */

static void link_include(struct template_set *set, struct template *t, struct include *inc,
                         struct faults *faults)
{
    if (inc->name->kind != EXPR_CONST)
        return;
    struct value name = inc->name->constant;
    if (name.kind != VALUE_STR) {
        fault_at(faults, t, inc->name->at, "the name of a template is a string");
        return;
    }
    inc->target = template_set_find(set, value_text(name));
    if (inc->target || inc->ignore_missing)
        return;
    struct guess guess;
    guess_init(&guess, value_text(name));
    for (uint32_t i = 0; i < set->n; i++)
        guess_offer(&guess, set->list[i]->name);
    char msg[512], text[EXCERPT_TEXT_SIZE];
    snprintf(msg, sizeof(msg), "there is no template '%s'%s", excerpt_text(text, value_text(name)),
             guess_text(&guess));
    fault_at(faults, t, inc->name->at, msg);
}

enum { MARK_NEW, MARK_OPEN, MARK_DONE };

#define CHAIN_MAX 64

static void find_cycles(struct template *t, unsigned depth, struct faults *faults)
{
    t->mark = MARK_OPEN;
    for (uint32_t i = 0; i < t->includes_n; i++) {
        const struct include *inc = t->includes[i];
        struct template *target = (struct template *)(uintptr_t)inc->target;
        if (!target || target->mark == MARK_DONE)
            continue;
        if (target->mark == MARK_OPEN)
            fault_at(faults, t, inc->name->at, "this template would include itself without end");
        else if (depth == CHAIN_MAX)
            fault_at(faults, t, inc->name->at, "templates include each other too deeply");
        else
            find_cycles(target, depth + 1, faults);
    }
    t->mark = MARK_DONE;
}

int template_set_link(struct template_set *set, struct faults *faults)
{
    size_t before = faults->errors;
    for (uint32_t i = 0; i < set->n; i++) {
        struct template *t = set->list[i];
        for (uint32_t k = 0; k < t->includes_n; k++)
            link_include(set, t, t->includes[k], faults);
    }
    for (uint32_t i = 0; i < set->n; i++) {
        if (set->list[i]->mark == MARK_NEW)
            find_cycles(set->list[i], 0, faults);
    }
    set->linked = true;
    return faults->errors == before ? 0 : -EINVAL;
}
