/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/remote.h"

#include "cli/common/seedtree.h"
#include "cli/common/table.h"

#include <stdio.h>

/* Whoever names a tree, or has it checked, is asking about files. */
#define ABOUT_FILES (FLAG_BIT(FLAG_SEED) | FLAG_BIT(FLAG_TEMPLATES) | FLAG_BIT(FLAG_CHECK))

static int probe(struct api *api)
{
    struct api_answer answer;
    struct err e;
    int r = api_try(api, "GET", STR("/v1/server"), (struct value){0}, STR(""), &answer, &e);
    if (r == 0)
        return CLI_OK;
    if (api->server.named)
        return cli_fail(api->cli, "%s", e.msg);
    cli_note(api->cli, "%s; the seed tree alone is shown", e.msg);
    return NODE_REMOTE_NONE;
}

int node_remote_open(struct cli *c, struct api *ret)
{
    bool files = c->flags.given & ABOUT_FILES, json = flags_given(&c->flags, FLAG_JSON);
    *ret = (struct api){.cli = c, .arena = &c->arena};
    int status = seedtree_configure(c, &ret->config);
    if (status == CLI_OK)
        status = server_find(c, &ret->config, &ret->server);
    if (status != CLI_OK)
        return status;
    if (!ret->server.where || files || (json && !ret->server.named))
        return NODE_REMOTE_NONE;
    ret->client = client_new(&ret->server);
    return probe(ret);
}

/* --- A list ------------------------------------------------------------------------------------
 */

struct listing {
    struct cli *cli;
    struct cli_list list;
    struct table table;
};

/* "failed in modules-final, locked" */
static struct str state_text(struct value node, struct arena *a)
{
    struct value locked = value_get(node, STR("locked"));
    struct str stage = api_text(value_get(node, STR("failure")), "stage");
    return arena_printf(a, "%.*s%s%.*s%s", STR_ARG(api_text(node, "state")), stage.n ? " in " : "",
                        STR_ARG(stage), locked.kind == VALUE_BOOL && locked.b ? ", locked" : "");
}

static int add_row(void *cls, struct value node)
{
    struct listing *l = cls;
    struct arena *a = &l->cli->arena;
    table_add(&l->table, api_text(node, "name"));
    table_add(&l->table, api_text(node, "role"));
    table_add(&l->table, api_text(node, "cluster"));
    table_add(&l->table, state_text(node, a));
    table_add(&l->table, api_age(node, "since", a));
    table_add(&l->table, api_list_text(node, "addresses", a));
    table_add(&l->table, api_list_text(node, "macs", a));
    table_add(&l->table, api_text(node, "check"));
    return 0;
}

static int add_name(void *cls, struct value node)
{
    (void)cls;
    printf("%.*s\n", STR_ARG(api_text(node, "name")));
    return 0;
}

static int add_item(void *cls, struct value node)
{
    cli_list_item(cls, node);
    return 0;
}

#define TARGET STR("/v1/nodes?limit=1000")

static int list_table(struct api *api)
{
    static const char *const heads[] = {"NAME", "ROLE",      "CLUSTER", "STATE",
                                        "FOR",  "ADDRESSES", "MACS",    "CHECK"};
    struct listing l = {.cli = api->cli};
    table_init(&l.table, &api->cli->arena, 8);
    for (size_t i = 0; i < 8; i++)
        table_add(&l.table, str_from(heads[i]));
    int status = api_each(api, TARGET, "nodes", add_row, &l);
    if (status == CLI_OK)
        table_print(&l.table, stdout, api->cli->color_out);
    return status;
}

int node_remote_list(struct api *api)
{
    struct cli_list list = {0};
    if (flags_given(&api->cli->flags, FLAG_NAMES))
        return api_each(api, TARGET, "nodes", add_name, NULL);
    if (!flags_given(&api->cli->flags, FLAG_JSON))
        return list_table(api);
    int status = api_each(api, TARGET, "nodes", add_item, &list);
    if (status == CLI_OK)
        cli_list_end(&list);
    return status;
}

/* --- One ---------------------------------------------------------------------------------------
 */

static void add(struct table *t, const char *name, struct str value)
{
    table_add(t, str_from(name));
    table_add(t, value);
}

static void add_time(struct table *t, const char *name, struct value map, const char *member,
                     struct arena *a)
{
    struct str at = api_text(map, member), age = api_age(map, member, a);
    if (at.n)
        add(t, name, arena_printf(a, "%.*s (%.*s ago)", STR_ARG(at), STR_ARG(age)));
}

static struct str boot_text(struct value boot, struct arena *a)
{
    struct value finished = value_get(boot, STR("finished"));
    if (!api_text(boot, "stage").n)
        return STR("");
    return arena_printf(a, "%.*s, %lld events, %lld warnings%s", STR_ARG(api_text(boot, "stage")),
                        (long long)api_number(boot, "events", 0),
                        (long long)api_number(boot, "warnings", 0),
                        finished.kind == VALUE_BOOL && finished.b ? ", finished" : "");
}

static struct str keys_text(struct value keys, struct arena *a)
{
    struct str text = STR("");
    for (uint32_t i = 0; keys.kind == VALUE_MAP && i < keys.n; i++)
        text = arena_printf(a, "%.*s%s%.*s", STR_ARG(text), i ? "," : "",
                            STR_ARG(value_text(keys.pairs[i].key)));
    return text;
}

static void add_alarm(struct table *t, struct value node, struct arena *a)
{
    int64_t alarms = api_number(node, "alarms", 0);
    if (alarms)
        add(t, "alarms",
            arena_printf(a, "%lld, the latest: %.*s", (long long)alarms,
                         STR_ARG(api_text(node, "alarm"))));
}

static void add_life(struct table *t, struct value node, struct arena *a)
{
    struct value boot = value_get(node, STR("boot")), identity = value_get(node, STR("identity")),
                 failure = value_get(node, STR("failure"));
    add(t, "state", state_text(node, a));
    add_time(t, "since", node, "since", a);
    if (failure.kind == VALUE_MAP)
        add(t, "failure", api_text(failure, "reason"));
    add(t, "window ends", api_text(value_get(node, STR("window")), "ends"));
    add(t, "instance-id", api_text(node, "instance_id"));
    add(t, "boot", boot_text(boot, a));
    add_time(t, "boot began", boot, "began", a);
    add(t, "hostname", api_text(identity, "hostname"));
    add(t, "ssh host keys", keys_text(value_get(identity, STR("host_keys")), a));
    add_alarm(t, node, a);
}

static void add_variables(struct table *t, struct value variables, struct arena *a)
{
    for (uint32_t i = 0; variables.kind == VALUE_MAP && i < variables.n; i++) {
        struct buf json;
        buf_init(&json, (size_t)1 << 20);
        json_write(&json, variables.pairs[i].value, false);
        table_add(t, arena_printf(a, "variable %.*s", STR_ARG(value_text(variables.pairs[i].key))));
        table_add(t, arena_str(a, buf_view(&json)));
        buf_done(&json);
    }
}

void node_remote_print_life(struct cli *c, struct value node)
{
    struct table t;
    table_init(&t, &c->arena, 2);
    add_life(&t, node, &c->arena);
    putchar('\n');
    table_print(&t, stdout, false);
}

void node_remote_print(struct cli *c, struct value node)
{
    static const char *const texts[] = {"name", "role", "bootstrap", "cluster", "uuid", "serial"};
    struct arena *a = &c->arena;
    struct table t;
    table_init(&t, a, 2);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        add(&t, texts[i], api_text(node, texts[i]));
    add(&t, "addresses", api_list_text(node, "addresses", a));
    add(&t, "macs", api_list_text(node, "macs", a));
    add(&t, "declared in", api_text(node, "declared"));
    add(&t, "check", api_text(node, "check"));
    add_variables(&t, value_get(node, STR("variables")), a);
    add_life(&t, node, a);
    table_print(&t, stdout, false);
}
