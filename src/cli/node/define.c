/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

#include <stdio.h>

#define MEMBERS 8 /* at most one of each, and what --unset names */

struct definition {
    struct value_pair *list;
    size_t n;
};

static struct definition members_new(struct cli *c)
{
    return (struct definition){ARENA_ARRAY(&c->arena, struct value_pair, MEMBERS + c->flags.uses_n),
                               0};
}

static void put(struct definition *m, const char *name, struct value v)
{
    m->list[m->n++] = (struct value_pair){value_str(str_from(name)), v};
}

static void put_text(struct definition *m, const struct cli *c, enum flag_id id)
{
    if (c->flags.value[id])
        put(m, flag_table[id].name, value_str(str_from(c->flags.value[id])));
}

static void put_list(struct definition *m, struct cli *c, enum flag_id id, const char *name)
{
    struct value *items = ARENA_ARRAY(&c->arena, struct value, c->flags.uses_n);
    size_t n = 0;
    for (size_t i = 0; i < c->flags.uses_n; i++) {
        if (c->flags.uses[i].id == id)
            items[n++] = value_str(str_from(c->flags.uses[i].value));
    }
    if (n)
        put(m, name, value_list(items, n));
}

/* What is no JSON is text: nobody wants to quote twice. */
static struct value read_value(struct str text, struct arena *a)
{
    struct value v;
    return json_read(text, a, &v, NULL) == 0 ? v : value_str(text);
}

static int put_variable(struct cli *c, struct str text, struct value_pair *list, size_t *n)
{
    struct str rest = text, key = str_cut(&rest, '=');
    if (!rest.p || !key.n)
        return cli_misuse(c, "--var '%.*s': expected KEY=VALUE", STR_ARG(text));
    for (size_t i = 0; i < *n; i++) {
        if (str_eq(value_text(list[i].key), key))
            return cli_misuse(c, "--var '%.*s' is given twice", STR_ARG(key));
    }
    list[(*n)++] = (struct value_pair){value_str(key), read_value(rest, &c->arena)};
    return CLI_OK;
}

static const char *const members_unset[] = {"cluster", "macs", "addresses", "uuid", "serial", NULL};

/* A member of the definition, else a variable. In a merge patch null takes it away. */
static void unset(struct definition *m, struct str key, struct value_pair *variables, size_t *n)
{
    for (size_t i = 0; members_unset[i]; i++) {
        if (str_is(key, members_unset[i])) {
            put(m, members_unset[i], value_none());
            return;
        }
    }
    variables[(*n)++] = (struct value_pair){value_str(key), value_none()};
}

static int put_variables(struct definition *m, struct cli *c)
{
    struct value_pair *list = ARENA_ARRAY(&c->arena, struct value_pair, c->flags.uses_n);
    size_t n = 0;
    int status = CLI_OK;
    for (size_t i = 0; i < c->flags.uses_n && status == CLI_OK; i++) {
        const struct flag_use *use = &c->flags.uses[i];
        if (use->id == FLAG_VAR)
            status = put_variable(c, str_from(use->value), list, &n);
        else if (use->id == FLAG_UNSET)
            unset(m, str_from(use->value), list, &n);
    }
    if (n)
        put(m, "variables", value_map(list, n));
    return status;
}

/* The members that the options name. */
static int read_definition(struct cli *c, struct definition *m)
{
    put_text(m, c, FLAG_ROLE);
    put_text(m, c, FLAG_CLUSTER);
    put_list(m, c, FLAG_MAC, "macs");
    put_list(m, c, FLAG_ADDRESS, "addresses");
    put_text(m, c, FLAG_UUID);
    put_text(m, c, FLAG_SERIAL);
    return put_variables(m, c);
}

static void show(struct api *api, const char *what, struct value node)
{
    if (flags_given(&api->cli->flags, FLAG_JSON))
        cli_print_json(node);
    else
        printf("%.*s is %s: role %.*s\n", STR_ARG(api_text(node, "name")), what,
               STR_ARG(api_text(node, "role")));
}

/* Only what was just made, whoever else may be at work. */
static int arm(struct api *api, const char *node, struct value window, struct str etag)
{
    struct api_answer armed;
    int status = api_ask(api, "POST", api_node(api, node, "arm"), window, etag, &armed);
    if (status != CLI_OK)
        return status;
    if (flags_given(&api->cli->flags, FLAG_JSON))
        cli_print_json(armed.value);
    else
        node_act_print_armed(api, armed.value);
    return CLI_OK;
}

static int add(struct api *api, const char *node, const struct definition *m, struct value window)
{
    struct api_answer made;
    bool arms = flags_given(&api->cli->flags, FLAG_ARM);
    struct value definition = value_map(m->list, m->n);
    int status = api_ask(api, "POST", STR("/v1/nodes"), definition, STR(""), &made);
    if (status != CLI_OK)
        return status;
    if (!arms || !flags_given(&api->cli->flags, FLAG_JSON))
        show(api, "registered", made.value);
    return arms ? arm(api, node, window, made.etag) : CLI_OK;
}

/* The definition of a new node, by name and options, and the body of "arm". */
static int read_new(struct cli *c, const char *node, struct definition *m, struct value *ret_window)
{
    int status = node_act_window(c, ret_window);
    if (status != CLI_OK)
        return status;
    if (!flags_given(&c->flags, FLAG_ROLE))
        return cli_misuse(c, "a node needs a role: --role ROLE");
    if (flags_given(&c->flags, FLAG_FOR) && !flags_given(&c->flags, FLAG_ARM))
        return cli_misuse(c, "--for is how long --arm opens the build window");
    put(m, "name", value_str(str_from(node)));
    return read_definition(c, m);
}

int node_add_run(struct cli *c)
{
    struct definition m = members_new(c);
    struct value window;
    struct api api;
    int status = read_new(c, c->operands[0], &m, &window);
    if (status != CLI_OK)
        return status;
    status = api_open(c, &api);
    if (status == CLI_OK)
        status = add(&api, c->operands[0], &m, window);
    api_close(&api);
    return status;
}

/* What the machine said of itself is what the node will be known by. */
static void put_machine(struct definition *m, struct cli *c, struct value machine)
{
    struct value *mac = ARENA_NEW(&c->arena, struct value);
    struct value uuid = value_get(machine, STR("uuid"));
    *mac = value_get(machine, STR("mac"));
    put(m, "macs", value_list(mac, 1));
    if (uuid.kind == VALUE_STR)
        put(m, "uuid", uuid);
}

int node_adopt_run(struct cli *c)
{
    struct definition m = members_new(c);
    struct value window, machine;
    struct api api;
    struct mac mac;
    if (!mac_parse(str_from(c->operands[0]), &mac))
        return cli_misuse(c, "'%s' is not the MAC address of one card, like bc:24:11:0a:14:0b",
                          c->operands[0]);
    int status = read_new(c, c->operands[1], &m, &window);
    if (status != CLI_OK)
        return status;
    status = api_open(c, &api);
    if (status == CLI_OK)
        status = node_discovered_find(&api, mac, &machine);
    if (status == CLI_OK) {
        put_machine(&m, c, machine);
        status = add(&api, c->operands[1], &m, window);
    }
    api_close(&api);
    return status;
}

int node_set_run(struct cli *c)
{
    struct definition m = members_new(c);
    struct api_answer changed;
    struct api api;
    int status = read_definition(c, &m);
    if (status != CLI_OK)
        return status;
    if (m.n == 0)
        return cli_misuse(c, "say what is to be set");
    status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_ask(&api, "PATCH", api_node(&api, c->operands[0], ""), value_map(m.list, m.n),
                         STR(""), &changed);
    if (status == CLI_OK)
        show(&api, "changed", changed.value);
    api_close(&api);
    return status;
}
