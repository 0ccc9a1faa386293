/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/roster.h"

/* --- Hosts ---------------------------------------------------------------------------------- */

#define VARS_MAX 10

static void put(struct value_pair *pairs, size_t *n, struct str key, struct value v)
{
    bool empty = v.kind == VALUE_UNDEFINED || (v.kind == VALUE_STR && value_text(v).n == 0);
    if (!empty)
        pairs[(*n)++] = (struct value_pair){value_str(key), v};
}

/* Ansible names: what begins with "ansible_" it uses itself. */
static struct value host_vars(const struct roster_node *h, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, VARS_MAX);
    size_t n = 0;
    put(pairs, &n, STR("ansible_host"), value_str(roster_address(h)));
    put(pairs, &n, STR("ansible_user"), value_str(h->user));
    put(pairs, &n, STR("cloudseed_addresses"), h->addresses);
    put(pairs, &n, STR("cloudseed_cluster"), value_str(h->cluster));
    put(pairs, &n, STR("cloudseed_fqdn"), value_str(h->fqdn));
    put(pairs, &n, STR("cloudseed_labels"), h->labels);
    put(pairs, &n, STR("cloudseed_macs"), h->macs);
    put(pairs, &n, STR("cloudseed_role"), value_str(h->role));
    put(pairs, &n, STR("cloudseed_state"), value_str(h->state));
    return value_map(pairs, n);
}

static struct value all_vars(const struct roster *r, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, r->n);
    for (size_t i = 0; i < r->n; i++)
        pairs[i] = (struct value_pair){value_str(r->list[i].name), host_vars(&r->list[i], a)};
    return value_map(pairs, r->n);
}

/* --- Groups --------------------------------------------------------------------------------- */

enum kind { KIND_ROLE, KIND_CLUSTER, KIND_STATE, KINDS };

static const char *const prefixes[KINDS] = {"role_", "cluster_", "state_"};

static struct str text_of(const struct roster_node *h, enum kind kind)
{
    const struct str texts[KINDS] = {
        [KIND_ROLE] = h->role, [KIND_CLUSTER] = h->cluster, [KIND_STATE] = h->state};
    return texts[kind];
}

/* Ansible wants group names that are names of Python: "role_k8s_master". */
static struct str group_name(enum kind kind, struct str text, struct arena *a)
{
    char *name = arena_alloc(a, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        name[i] = plain ? c : '_';
    }
    return ARENA_JOIN(a, str_from(prefixes[kind]), (struct str){name, text.n});
}

struct group {
    struct str name;
    struct value *hosts;
    uint32_t n, room;
};

struct groups {
    struct group *list;
    uint32_t n, room;
    struct arena *arena;
};

/* There are few: one for each role, cluster and state. */
static struct group *group_of(struct groups *g, struct str name)
{
    for (uint32_t i = 0; i < g->n; i++) {
        if (str_eq(g->list[i].name, name))
            return &g->list[i];
    }
    g->list = arena_grow(g->arena, g->list, g->n, &g->room, sizeof(*g->list));
    g->list[g->n] = (struct group){.name = name};
    return &g->list[g->n++];
}

static void group_add(struct groups *g, struct str name, struct str host)
{
    struct group *group = group_of(g, name);
    group->hosts =
        arena_grow(g->arena, group->hosts, group->n, &group->room, sizeof(*group->hosts));
    group->hosts[group->n++] = value_str(host);
}

static void gather_groups(const struct roster *r, struct groups *g)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < r->n; i++) {
            struct str text = text_of(&r->list[i], kind);
            if (text.n)
                group_add(g, group_name(kind, text, g->arena), r->list[i].name);
        }
    }
    for (size_t i = 0; i < r->n; i++)
        group_add(g, STR("cloudseed"), r->list[i].name);
}

static struct value group_value(const struct group *group, struct arena *a)
{
    const struct value_pair pairs[] = {JSON_VALUE("hosts", value_list(group->hosts, group->n))};
    return value_copy(a, value_map(pairs, 1));
}

/* "_meta" spares Ansible one call for each host. */
static void print_list(const struct roster *r, struct arena *a)
{
    struct groups g = {.arena = a};
    gather_groups(r, &g);
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, g.n + 1);
    const struct value_pair meta[] = {JSON_VALUE("hostvars", all_vars(r, a))};
    pairs[0] = (struct value_pair)JSON_VALUE("_meta", value_map(meta, 1));
    for (uint32_t i = 0; i < g.n; i++)
        pairs[i + 1] = (struct value_pair){value_str(g.list[i].name), group_value(&g.list[i], a)};
    cli_print_json(value_map(pairs, g.n + 1));
}

/* --- The command ---------------------------------------------------------------------------- */

static int run(struct cli *c)
{
    struct roster roster;
    const char *name = flags_value(&c->flags, "host");
    if (name && flags_given(&c->flags, "list"))
        return cli_misuse(c, "give either --list or --host");
    int status = roster_gather(c, name, &roster);
    if (status != CLI_OK)
        return status;
    if (!name) {
        print_list(&roster, &c->arena);
        return CLI_OK;
    }
    const struct roster_node *one = roster_find(&roster, name);
    cli_print_json(host_vars(one, &c->arena));
    return CLI_OK;
}

const struct command command_inventory = {
    .name = "inventory",
    .operands = "",
    .flags = FLAGS({"list", NULL, "print all hosts and groups (the default)"},
                   {"host", "NODE", "print one host's variables"}),
    .summary = "print the nodes as a dynamic inventory of Ansible",
    .help =
        "Groups are role_ROLE, cluster_CLUSTER and state_STATE, where what Ansible does not\n"
        "take in a group's name becomes '_', and cloudseed, of all. A host's variables are\n"
        "ansible_host, its first address; ansible_user, the variable admin_user of the seed\n"
        "tree; and cloudseed_ with addresses, cluster, fqdn, labels, macs, role and state.\n"
        "What is not known is left out: the seed tree knows no states, and a server on another\n"
        "machine only the variables of the node itself. Which of them is asked is decided as\n"
        "for 'node list'. Ansible runs an inventory without arguments of yours: give it a\n"
        "script, such as contrib/ansible/inventory.\n"
        "\n"
        "Examples:\n"
        "  cloudseed inventory --list | jq '.role_worker.hosts'\n"
        "  cloudseed inventory --host k8s-worker-2\n",
    .run = run,
};
