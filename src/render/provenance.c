/* SPDX-License-Identifier: Apache-2.0 */
#include "render/provenance.h"

#include "base/json.h"
#include "render/scope.h"

static void add_name(struct provenance_names *seen, struct str name, struct place at)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (str_eq(seen->list[i], name) && seen->at[i].line == at.line)
            return;
    }
    if (seen->n == PROVENANCE_NAMES_MAX)
        return;
    seen->at[seen->n] = at;
    seen->list[seen->n++] = name;
}

static void on_name(void *cls, struct str name)
{
    add_name(cls, name, (struct place){0});
}

/* A part of a variable's value keeps its own place, through loops and sets. */
void provenance_add(const struct site *site, const struct node *n, const struct template_piece *p,
                    struct provenance_names *seen)
{
    struct place at;
    const struct variable *v = scope_source(site, n, p->source, &at);
    if (v && p->source.at != v->first)
        add_name(seen, v->name, at);
    else
        template_piece_names(p, on_name, seen);
}

bool provenance_is_of_server(struct str name)
{
    return str_is(name, "seed") || str_is(name, "bootstrap") || str_is(name, "secrets") ||
           str_is(name, "boot");
}

/* Where `name` was declared; file is NULL if in no file. In the order of scope_lookup: built-in
 * names win over variables. */
static struct place declared_at(const struct site *site, const struct node *n, struct str name)
{
    if (provenance_is_of_server(name))
        return (struct place){0};
    if (str_is(name, "node"))
        return n->at;
    if (str_is(name, "networks") && site->networks_n)
        return site->networks[0].at;
    if (str_is(name, "site"))
        return site->at;
    if (str_is(name, "role"))
        return n->role->at;
    if (str_is(name, "cluster"))
        return n->cluster ? n->cluster->at : (struct place){0};
    const struct variable *v = scope_variable(site, n, name);
    return v ? v->at : (struct place){0};
}

struct place provenance_place(const struct site *site, const struct node *n,
                              const struct provenance_names *seen, size_t i)
{
    return seen->at[i].file ? seen->at[i] : declared_at(site, n, seen->list[i]);
}

/* --- For programs ---------------------------------------------------------------------------- */

struct value provenance_place_value(struct place at, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("file", str_from(at.file)),
        JSON_INT("line", at.line),
        JSON_INT("column", at.column),
    };
    return value_copy(a, value_map(pairs, 3));
}

static struct value names_value(const struct site *site, const struct node *n,
                                const struct provenance_names *seen, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, seen->n);
    for (size_t i = 0; i < seen->n; i++) {
        struct place at = provenance_place(site, n, seen, i);
        const struct value_pair pairs[] = {
            JSON_STR("name", seen->list[i]),
            JSON_VALUE("set", at.file ? provenance_place_value(at, a) : value_none()),
        };
        items[i] = value_copy(a, value_map(pairs, 2));
    }
    return value_list(items, seen->n);
}

static struct value piece_value(const struct site *site, const struct node *n, struct str text,
                                const struct template_trace *trace, const struct template_piece *p,
                                struct arena *a)
{
    struct provenance_names seen = {.n = 0};
    size_t begin = template_piece_begin(trace, p);
    bool is_value = template_piece_is_value(p);
    if (is_value)
        provenance_add(site, n, p, &seen);
    const struct value_pair pairs[] = {
        JSON_STR("text", ((struct str){text.p + begin, p->end - begin})),
        JSON_STR("template", template_name(p->t)),
        JSON_VALUE("at", provenance_place_value(template_piece_place(trace, p, begin), a)),
        JSON_BOOL("value", is_value),
        JSON_VALUE("names", names_value(site, n, &seen, a)),
    };
    return value_copy(a, value_map(pairs, 5));
}

struct value provenance_value(const struct site *site, const struct node *n, struct str text,
                              const struct template_trace *trace, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, trace->n);
    for (uint32_t i = 0; i < trace->n; i++)
        items[i] = piece_value(site, n, text, trace, &trace->list[i], a);
    return value_list(items, trace->n);
}
