/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/diff/diff.h"

static struct value names_value(const struct name_list *names, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, names->n);
    for (uint32_t i = 0; i < names->n; i++)
        items[i] = value_str(names->list[i]);
    return value_list(items, names->n);
}

static struct value map_value(struct arena *a, const struct value_pair *pairs, size_t n)
{
    return value_copy(a, value_map(pairs, n));
}

static struct value counts_value(const struct comparison *m, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, m->counts_n);
    for (uint32_t i = 0; i < m->counts_n; i++) {
        const struct value_pair pairs[] = {
            JSON_STR("document", m->counts[i].document),
            JSON_INT("nodes", m->counts[i].nodes),
        };
        items[i] = map_value(a, pairs, 2);
    }
    return value_list(items, m->counts_n);
}

static struct value instances_value(const struct comparison *m, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, m->instances_n);
    for (uint32_t i = 0; i < m->instances_n; i++) {
        const struct compare_instance *c = &m->instances[i];
        const struct value_pair pairs[] = {
            JSON_STR("node", c->node),
            JSON_VALUE("before", c->before.n ? value_str(c->before) : value_none()),
            JSON_VALUE("now", c->now.n ? value_str(c->now) : value_none()),
        };
        items[i] = map_value(a, pairs, 3);
    }
    return value_list(items, m->instances_n);
}

static struct value changes_value(const struct comparison *m, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, m->changes.n);
    for (uint32_t i = 0; i < m->changes.n; i++) {
        const struct doc_change *c = &m->changes.list[i];
        struct str head = diff_head(c, a);
        const struct value_pair pairs[] = {
            JSON_STR("document", c->document),
            JSON_STR("kind", str_from(doc_change_kind_names[c->kind])),
            JSON_VALUE("nodes", names_value(&c->nodes, a)),
            JSON_BOOL("identical", !c->alike),
            JSON_STR("diff", ARENA_JOIN(a, head, c->hunks)),
        };
        items[i] = map_value(a, pairs, 5);
    }
    return value_list(items, m->changes.n);
}

void diff_print_json(struct cli *c, const struct comparison *m)
{
    struct arena *a = &c->arena;
    const struct value_pair pairs[] = {
        JSON_STR("against", str_from(m->before.alias->name)),
        JSON_BOOL("differs", compare_differs(m)),
        JSON_VALUE("changed", names_value(&m->changed, a)),
        JSON_VALUE("added", names_value(&m->added, a)),
        JSON_VALUE("removed", names_value(&m->removed, a)),
        JSON_VALUE("new_seed_keys", names_value(&m->rekeyed, a)),
        JSON_VALUE("new_instances", instances_value(m, a)),
        JSON_VALUE("documents", counts_value(m, a)),
        JSON_VALUE("changes", changes_value(m, a)),
    };
    cli_print_json(value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}
