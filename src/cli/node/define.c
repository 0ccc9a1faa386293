/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

#include <stdio.h>

/* clang-format off */
#define FLAGS_ROLE {"role", "ROLE", "the node's role"}, {"cluster", "CLUSTER", "the node's cluster"}
#define FLAGS_MACHINE \
    {"mac", "MAC", "a MAC address of the node; may be repeated"}, \
    {"uuid", "UUID", "its SMBIOS UUID"}, \
    {"serial", "SERIAL", "its SMBIOS serial, by which it is identified"}
#define FLAG_ADDRESS {"address", "ADDRESS", "an address of the node; may be repeated"}
#define FLAG_VAR \
    {"var", "KEY=VALUE", "a variable, its value as JSON or as text; may be repeated"}
#define FLAGS_ARM {"arm", NULL, "open a build window at once"}, FLAG_WINDOW
/* clang-format on */

#define MEMBERS 8 /* at most one of each, besides those of --unset */

struct definition {
    struct value_pair *list;
    size_t n;
};

static struct definition members_new(struct cli *c)
{
    return (struct definition){ARENA_ARRAY(&c->arena, struct value_pair, MEMBERS + c->flags.n), 0};
}

static void put(struct definition *m, const char *name, struct value v)
{
    m->list[m->n++] = (struct value_pair){value_str(str_from(name)), v};
}

static void put_text(struct definition *m, const struct cli *c, const char *flag)
{
    const char *value = flags_value(&c->flags, flag);
    if (value)
        put(m, flag, value_str(str_from(value)));
}

static void put_list(struct definition *m, struct cli *c, const char *flag, const char *name)
{
    struct value *items = ARENA_ARRAY(&c->arena, struct value, c->flags.n);
    size_t n = 0;
    for (size_t i = 0; i < c->flags.n; i++) {
        if (strcmp(c->flags.uses[i].flag->name, flag) == 0)
            items[n++] = value_str(str_from(c->flags.uses[i].value));
    }
    if (n)
        put(m, name, value_list(items, n));
}

/* A value that is not JSON is text, so that it need not be quoted twice. */
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

/* A member of the definition, otherwise a variable. In a merge patch, null removes it. */
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
    struct value_pair *list = ARENA_ARRAY(&c->arena, struct value_pair, c->flags.n);
    size_t n = 0;
    int status = CLI_OK;
    for (size_t i = 0; i < c->flags.n && status == CLI_OK; i++) {
        const struct flag_use *use = &c->flags.uses[i];
        if (strcmp(use->flag->name, "var") == 0)
            status = put_variable(c, str_from(use->value), list, &n);
        else if (strcmp(use->flag->name, "unset") == 0)
            unset(m, str_from(use->value), list, &n);
    }
    if (n)
        put(m, "variables", value_map(list, n));
    return status;
}

/* Reads the members from the options. */
static int read_definition(struct cli *c, struct definition *m)
{
    put_text(m, c, "role");
    put_text(m, c, "cluster");
    put_list(m, c, "mac", "macs");
    put_list(m, c, "address", "addresses");
    put_text(m, c, "uuid");
    put_text(m, c, "serial");
    return put_variables(m, c);
}

static void show(struct api *api, const char *what, struct value node)
{
    if (flags_given(&api->cli->flags, "json"))
        cli_print_json(node);
    else
        cli_print_line("%.*s is %s: role %.*s", STR_ARG(api_text(node, "name")), what,
                       STR_ARG(api_text(node, "role")));
}

/* Arms only the node that was just created, even if others change it meanwhile (If-Match). */
static int arm(struct api *api, const char *node, struct value window, struct str etag)
{
    struct api_answer armed;
    int status = api_ask(api, "POST", api_node(api, node, "arm"), window, etag, &armed);
    if (status != CLI_OK)
        return status;
    if (flags_given(&api->cli->flags, "json"))
        cli_print_json(armed.value);
    else
        node_act_print_armed(api, armed.value);
    return CLI_OK;
}

static int add(struct api *api, const char *node, const struct definition *m, struct value window)
{
    struct api_answer made;
    bool arms = flags_given(&api->cli->flags, "arm");
    struct value definition = value_map(m->list, m->n);
    int status = api_ask(api, "POST", STR("/v1/nodes"), definition, STR(""), &made);
    if (status != CLI_OK)
        return status;
    if (!arms || !flags_given(&api->cli->flags, "json"))
        show(api, "registered", made.value);
    return arms ? arm(api, node, window, made.etag) : CLI_OK;
}

/* Reads a new node's definition and the body of "arm" from the command line. */
static int read_new(struct cli *c, const char *node, struct definition *m, struct value *ret_window)
{
    int status = node_act_window(c, ret_window);
    if (status != CLI_OK)
        return status;
    if (!flags_given(&c->flags, "role"))
        return cli_misuse(c, "a node needs a role: --role ROLE");
    if (flags_given(&c->flags, "for") && !flags_given(&c->flags, "arm"))
        return cli_misuse(c, "--for is how long --arm opens the build window");
    put(m, "name", value_str(str_from(node)));
    return read_definition(c, m);
}

static int run_add(struct cli *c)
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

const struct command command_node_add = {
    .name = "node add",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAGS_ROLE, FLAGS_MACHINE, FLAG_ADDRESS, FLAG_VAR, FLAG_JSON, FLAGS_ARM),
    .summary = "register a node with the server",
    .help = "The node is kept in the server's state, beside those that the seed tree declares.\n"
            "--arm opens its build window at once, as `node arm` does. The value of --var is "
            "JSON,\n"
            "or text if it is not JSON: --var rack=2 --var 'disks=[\"sda\"]' --var zone=north.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node add k8s-worker-4 --role worker --cluster homelab \\\n"
            "    --mac bc:24:11:00:20:0e --address 10.0.20.14 --arm\n"
            "  cloudseed node add lab-1 --role plain --uuid 6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1\n",
    .run = run_add,
};

/* The node is identified by what the machine reported. */
static void put_machine(struct definition *m, struct cli *c, struct value machine)
{
    struct value *mac = ARENA_NEW(&c->arena, struct value);
    struct value uuid = value_get(machine, STR("uuid"));
    *mac = value_get(machine, STR("mac"));
    put(m, "macs", value_list(mac, 1));
    if (uuid.kind == VALUE_STR && !flags_given(&c->flags, "no-uuid"))
        put(m, "uuid", uuid);
}

static int run_adopt(struct cli *c)
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

const struct command command_node_adopt = {
    .name = "node adopt",
    .operands = "MAC NAME",
    .operands_min = 2,
    .operands_max = 2,
    .flags = FLAGS(FLAGS_ROLE, {"no-uuid", NULL, "know the machine by its MAC only"}, FLAG_ADDRESS,
                   FLAG_VAR, FLAG_JSON, FLAGS_ARM),
    .summary = "register a node for a machine that was discovered",
    .help =
        "Registers a node like `node add`, with the MAC and UUID that the machine reported: the\n"
        "next time it asks, it gets this node's files. MAC is one that `node discovered`\n"
        "lists, written with colons, with dashes or without. A UUID that many boards share is\n"
        "left out, and any UUID with --no-uuid. `node set` changes what identifies the machine,\n"
        "as in `node set NODE --unset uuid`.\n"
        "\n"
        "Examples:\n"
        "  cloudseed node adopt bc:24:11:00:20:0e k8s-worker-4 --role worker \\\n"
        "    --cluster homelab --address 10.0.20.14 --arm\n",
    .run = run_adopt,
};

static int run_set(struct cli *c)
{
    struct definition m = members_new(c);
    struct api_answer changed;
    struct api api;
    int status = read_definition(c, &m);
    if (status != CLI_OK)
        return status;
    if (m.n == 0)
        return cli_misuse(c, "name what to change: --role, --mac, --var …");
    status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_ask(&api, "PATCH", api_node(&api, c->operands[0], ""), value_map(m.list, m.n),
                         STR(""), &changed);
    if (status == CLI_OK)
        show(&api, "changed", changed.value);
    api_close(&api);
    return status;
}

const struct command command_node_set = {
    .name = "node set",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAGS_ROLE, FLAGS_MACHINE, FLAG_ADDRESS, FLAG_VAR, FLAG_JSON,
                   {"unset", "KEY", "drop a variable or a member; may be repeated"}),
    .summary = "change a node that is registered with the server",
    .help = "What is not named stays. --mac and --address replace the whole list. --unset drops\n"
            "macs, addresses, cluster, uuid, serial, or the variable of that name. Nodes of the\n"
            "seed tree are changed in their files.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node set k8s-worker-4 --var rack=3 --unset zone\n"
            "  cloudseed node set k8s-worker-4 --mac bc:24:11:00:20:0e --mac bc:24:11:00:20:0f\n",
    .run = run_set,
};
