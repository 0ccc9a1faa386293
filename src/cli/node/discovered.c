/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

#include "base/guess.h"
#include "cli/common/table.h"

#include <stdio.h>

static int get(struct api *api, struct value *ret)
{
    struct value answer;
    int status = api_get(api, STR("/v1/discovered"), &answer);
    struct value list = status == CLI_OK ? value_get(answer, STR("machines")) : value_none();
    *ret = list.kind == VALUE_LIST ? list : value_list(NULL, 0);
    return status;
}

/* --- The list ------------------------------------------------------------------------------- */

/* Two members in one cell: "efi x86_64". */
static struct str both(struct value machine, const char *first, const char *second, struct arena *a)
{
    struct str one = api_text(machine, first), two = api_text(machine, second);
    return one.n && two.n ? ARENA_JOIN(a, one, STR(" "), two) : one.n ? one : two;
}

static void add_row(struct table *t, struct value machine, struct arena *a)
{
    table_add(t, api_text(machine, "mac"));
    table_add(t, api_text(machine, "address"));
    table_add(t, both(machine, "manufacturer", "product", a));
    table_add(t, both(machine, "platform", "arch", a));
    table_add(t, arena_printf(a, "%lld", (long long)api_number(machine, "times", 0)));
    table_add(t, api_age(machine, "last", a));
    table_add(t, api_text(machine, "uuid"));
}

static void print_table(struct cli *c, struct value machines)
{
    static const char *const heads[] = {"MAC",   "ADDRESS", "PRODUCT", "FIRMWARE",
                                        "TIMES", "AGO",     "UUID"};
    static const uint8_t gives[] = {6, 3, 2};
    struct table t;
    table_init(&t, &c->arena, 7);
    table_head(&t, heads);
    table_give(&t, gives, sizeof(gives));
    if (flags_given(&c->flags, "wide"))
        table_wide(&t);
    for (uint32_t i = 0; i < machines.n; i++)
        add_row(&t, machines.items[i], &c->arena);
    table_print(&t, stdout, c->color_out);
}

/* Prints only valid MACs, whatever the server sends. */
static void print_names(struct value machines)
{
    for (uint32_t i = 0; i < machines.n; i++) {
        char text[MAC_TEXT_SIZE];
        struct mac mac;
        if (mac_parse(api_text(machines.items[i], "mac"), &mac))
            puts(mac_text(mac, text));
    }
}

static int run(struct cli *c)
{
    struct value machines;
    struct api api;
    bool names = flags_given(&c->flags, "names"), json = flags_given(&c->flags, "json");
    if (names && json)
        return cli_misuse(c, "give either --json or --names");
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = get(&api, &machines);
    if (status == CLI_OK && json)
        cli_print_json(machines);
    else if (status == CLI_OK && names)
        print_names(machines);
    else if (status == CLI_OK)
        print_table(c, machines);
    api_close(&api);
    return status;
}

/* --- One of them ---------------------------------------------------------------------------- */

struct owner {
    struct arena *arena;  /* for the name */
    struct str mac, name; /* name.n == 0: not found */
};

static int is_owner(void *cls, struct value node)
{
    struct owner *o = cls;
    struct value macs = value_get(node, STR("macs"));
    for (uint32_t i = 0; macs.kind == VALUE_LIST && i < macs.n; i++) {
        if (macs.items[i].kind == VALUE_STR && str_eq(value_text(macs.items[i]), o->mac))
            o->name = arena_str(o->arena, api_text(node, "name"));
    }
    return 0;
}

/* If a node has the MAC already, the message says so. */
static int say_unknown(struct api *api, struct str mac, struct guess *g)
{
    struct owner o = {.arena = api->arena, .mac = mac};
    int status = api_each(api, STR("/v1/nodes?limit=1000"), "nodes", is_owner, &o);
    if (status != CLI_OK)
        return status;
    if (o.name.n)
        return cli_fail(api->cli, "%.*s is node '%.*s' already", STR_ARG(mac), STR_ARG(o.name));
    return cli_fail(api->cli,
                    "no machine with the MAC %.*s has asked for its boot script%s `cloudseed "
                    "node discovered` lists those that have",
                    STR_ARG(mac), g->best.n ? guess_text(g) : ":");
}

int node_discovered_find(struct api *api, struct mac mac, struct value *ret)
{
    char text[MAC_TEXT_SIZE];
    struct guess g;
    struct value machines;
    struct str wanted = str_from(mac_text(mac, text));
    int status = get(api, &machines);
    guess_init(&g, wanted);
    for (uint32_t i = 0; i < machines.n; i++) {
        struct str found = api_text(machines.items[i], "mac");
        if (str_eq(found, wanted)) {
            *ret = machines.items[i];
            return CLI_OK;
        }
        guess_offer(&g, found);
    }
    return status == CLI_OK ? say_unknown(api, wanted, &g) : status;
}

const struct command command_node_discovered = {
    .name = "node discovered",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, FLAG_WIDE, {"names", NULL, "print only the MACs, one per line"}),
    .summary = "list unregistered machines that tried to boot",
    .help =
        "Lists the machines that have asked for a boot script since the server started and\n"
        "are not registered, the most recent first: MAC, address, make and firmware as the\n"
        "machine reports them, how often it asked, how long ago, and its UUID. Anyone on the\n"
        "network can forge these. The server keeps 512 machines. --names prints only the MACs.\n"
        "\n"
        "Examples:\n"
        "  cloudseed node discovered\n"
        "  cloudseed node discovered --json | jq -r '.[].mac'\n",
    .run = run,
};
