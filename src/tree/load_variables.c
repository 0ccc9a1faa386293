/* SPDX-License-Identifier: Apache-2.0 */
/* The last step: variables that no template reads, where another name may have been meant, and
 * fingerprints that were copied without their end. */
#include "tree/load.h"

#include "base/guess.h"
#include "base/mem.h"
#include "tree/variables.h"

#include <stdlib.h>

/* Leaves room for errors among the faults that are kept. */
#define TOLD_MAX 10

/* A name that no template reads. */
struct unread {
    struct str name;
    struct str best; /* the most similar name that is read; n == 0: none */
    unsigned told;
};

struct reads {
    struct load *l;
    struct intern names; /* that templates read */
    struct unread *list;
    uint32_t n, room;
    struct map unread;
};

static struct str read_name(const void *names, uint32_t i)
{
    return ((const struct str *)names)[i];
}

static struct str unread_name(const void *list, uint32_t i)
{
    return ((const struct unread *)list)[i].name;
}

static void on_name(void *cls, struct str name)
{
    struct reads *r = cls;
    if (!variables_is_taken(name))
        intern_str(&r->names, name);
}

static size_t without_digits(struct str s, char *to)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            to[n++] = s.p[i];
    }
    return n;
}

/* "dns1" and "dns2" are two names, not one misspelt; so are short words. */
static bool is_slip(const struct guess *g)
{
    char a[128], b[128];
    if (g->word.n < 4 || g->word.n > sizeof(a) || g->best.n > sizeof(b) ||
        g->distance > (g->word.n < 8 ? 1 : 2))
        return false;
    struct str left = {a, without_digits(g->word, a)}, right = {b, without_digits(g->best, b)};
    return !str_eq(left, right);
}

/* Thousands of nodes set the same few names: each name is looked at once. */
static struct unread *find_unread(struct reads *r, struct str name)
{
    uint32_t i = map_find(&r->unread, unread_name, r->list, name);
    if (i != MAP_NONE)
        return &r->list[i];
    struct guess g;
    guess_init(&g, name);
    for (uint32_t k = 0; k < r->names.n; k++)
        guess_offer(&g, r->names.list[k]);
    r->list = mem_grow(r->list, r->n, &r->room, sizeof(*r->list));
    r->list[r->n] = (struct unread){.name = name};
    if (g.best.n && is_slip(&g))
        r->list[r->n].best = g.best;
    map_put(&r->unread, unread_name, r->list, r->n);
    return &r->list[r->n++];
}

/* A role also has its parent's variables, with their own places. */
static bool is_inherited(const struct variable *v, struct variables from)
{
    const struct variable *theirs = variables_find(from, v->name);
    return theirs && theirs->at.file == v->at.file && theirs->at.line == v->at.line &&
           theirs->at.column == v->at.column;
}

/* If both are set together, one is not a misspelling of the other. */
static bool has_own(struct variables vars, struct variables inherited, struct str name)
{
    const struct variable *v = variables_find(vars, name);
    return v && !is_inherited(v, inherited);
}

static void check(struct reads *r, struct variables vars, struct variables inherited)
{
    for (uint32_t i = 0; i < vars.n; i++) {
        const struct variable *v = &vars.list[i];
        if (map_find(&r->names.map, read_name, r->names.list, v->name) != MAP_NONE ||
            is_inherited(v, inherited))
            continue;
        struct unread *u = find_unread(r, v->name);
        if (u->best.n && u->told < TOLD_MAX && !has_own(vars, inherited, u->best)) {
            u->told++;
            fault_warn(r->l->faults, v->at, "no template reads '%s'; did you mean '%s'?", v->name.p,
                       u->best.p);
        }
    }
}

static void check_all(struct reads *r)
{
    const struct variables none = {0};
    const struct tree *t = r->l->tree;
    check(r, t->site.variables, none);
    for (uint32_t i = 0; i < t->clusters_n; i++)
        check(r, t->clusters[i].variables, none);
    for (uint32_t i = 0; i < t->roles_n; i++) {
        const struct role *parent = t->roles[i].extends;
        check(r, t->roles[i].variables, parent ? parent->variables : none);
    }
    for (uint32_t i = 0; i < t->nodes_n; i++)
        check(r, t->nodes[i].variables, none);
}

/* --- Fingerprints ---------------------------------------------------------------------------- */

#define FINGERPRINT STR("fingerprint")

/* Of an OpenPGP key, or a SHA-256. What has other characters is of another kind. */
static void check_fingerprint(struct load *l, const struct variable *v, struct value text)
{
    struct place at = v->at;
    size_t digits = 0;
    for (uint32_t i = 0; i < text.n; i++) {
        char c = text.s[i], lower = (char)(c | 0x20);
        bool digit = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
        if (!digit && c != ' ')
            return;
        digits += digit;
    }
    variable_place(v, text, &at);
    if (digits != 40 && digits != 64 && digits)
        fault_warn(l->faults, at,
                   "fingerprint: it has %zu hexadecimal digits; that of an OpenPGP key has 40",
                   digits);
}

static void find_fingerprints(struct load *l, const struct variable *v, struct str name,
                              struct value value)
{
    if (value.kind == VALUE_STR && str_eq(name, FINGERPRINT))
        check_fingerprint(l, v, value);
    for (uint32_t i = 0; value.kind == VALUE_LIST && i < value.n; i++)
        find_fingerprints(l, v, name, value.items[i]);
    for (uint32_t i = 0; value.kind == VALUE_MAP && i < value.n; i++)
        find_fingerprints(l, v, value_text(value.pairs[i].key), value.pairs[i].value);
}

static void check_fingerprints(struct load *l, struct variables vars, struct variables inherited)
{
    for (uint32_t i = 0; i < vars.n; i++) {
        if (!is_inherited(&vars.list[i], inherited))
            find_fingerprints(l, &vars.list[i], vars.list[i].name, vars.list[i].value);
    }
}

static void check_all_fingerprints(struct load *l)
{
    const struct variables none = {0};
    const struct tree *t = l->tree;
    check_fingerprints(l, t->site.variables, none);
    for (uint32_t i = 0; i < t->clusters_n; i++)
        check_fingerprints(l, t->clusters[i].variables, none);
    for (uint32_t i = 0; i < t->roles_n; i++) {
        const struct role *parent = t->roles[i].extends;
        check_fingerprints(l, t->roles[i].variables, parent ? parent->variables : none);
    }
    for (uint32_t i = 0; i < t->nodes_n; i++)
        check_fingerprints(l, t->nodes[i].variables, none);
}

void load_check_variables(struct load *l)
{
    struct reads r = {.l = l};
    check_all_fingerprints(l);
    if (!l->templates_whole)
        return;
    intern_init(&r.names, &l->file);
    for (size_t i = 0; i < l->overlay.files.n; i++)
        template_names(template_set_find(l->tree->templates, l->overlay.files.list[i].name),
                       on_name, &r);
    check_all(&r);
    intern_done(&r.names);
    map_done(&r.unread);
    free(r.list);
}
