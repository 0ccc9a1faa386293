/* SPDX-License-Identifier: Apache-2.0 */
/* The servers that the tool knows, and the one that commands ask. */
#include "cli/common/context.h"
#include "base/json.h"
#include "cli/common/cli.h"
#include "cli/common/table.h"

#include <stdio.h>

/* --- All of them ----------------------------------------------------------------------------- */

static struct value context_value(const struct context *k, struct str current, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("name", k->name),
        JSON_STR("url", k->url),
        JSON_BOOL("current", str_eq(k->name, current)),
    };
    return value_copy(a, value_map(pairs, 3));
}

static void print_table(struct cli *c, const struct value *list, size_t n)
{
    static const char *const heads[] = {"NAME", "URL", "IN USE"};
    struct table t;
    table_init(&t, &c->arena, 3);
    table_head(&t, heads);
    for (size_t i = 0; i < n; i++) {
        table_add(&t, value_get_text(list[i], STR("name")));
        table_add(&t, value_get_text(list[i], STR("url")));
        table_add(&t, value_get(list[i], STR("current")).b ? STR("*") : STR(""));
    }
    table_print(&t, stdout, c->color_out);
}

static int run_list(struct cli *c)
{
    struct arena *a = &c->arena;
    const struct str *names;
    struct err e;
    size_t n = 0, shown = 0;
    a->secret = true;
    if (context_names(a, &names, &n, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    struct str current = context_current(a);
    struct value *list = ARENA_ARRAY(a, struct value, n);
    for (size_t i = 0; i < n; i++) {
        struct context k;
        if (context_load(names[i].p, a, &k, &e) < 0)
            cli_fail(c, "%s", e.msg);
        else
            list[shown++] = context_value(&k, current, a);
    }
    if (flags_given(&c->flags, "json"))
        cli_print_json(value_list(list, shown));
    else if (!flags_given(&c->flags, "names"))
        print_table(c, list, shown);
    else
        for (size_t i = 0; i < shown; i++)
            cli_print_line("%.*s", STR_ARG(value_get_text(list[i], STR("name"))));
    return shown == n ? CLI_OK : CLI_FAILED;
}

const struct command command_context_list = {
    .name = "context list",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, FLAG_NAMES),
    .summary = "list the servers that 'cloudseed login' has met",
    .help = "Each is a context: a URL, the CA that its certificate is checked by, and a token.\n"
            "Commands ask the one in use, unless --server or CLOUDSEED_SERVER names another\n"
            "context, a URL or a socket.\n"
            "\n"
            "Examples:\n"
            "  cloudseed context list\n"
            "  cloudseed context list --json | jq -r '.[] | select(.current).url'\n",
    .serverless = "contexts are kept in files of yours",
    .run = run_list,
};

/* --- The one in use -------------------------------------------------------------------------- */

static int run_use(struct cli *c)
{
    const char *name = c->operands_n ? c->operands[0] : NULL;
    struct context k;
    struct err e;
    c->arena.secret = true;
    if (name && context_load(name, &c->arena, &k, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    if (context_use(name, &c->arena, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    if (name)
        cli_print_line("commands ask %.*s", STR_ARG(k.url));
    else
        cli_print_line("commands ask the server on this machine");
    return CLI_OK;
}

const struct command command_context_use = {
    .name = "context use",
    .operands = "[CONTEXT]",
    .operands_max = 1,
    .summary = "choose the server that commands ask",
    .help = "Without CONTEXT, commands ask the server on this machine, at its socket.\n"
            "\n"
            "Examples:\n"
            "  cloudseed context use\n",
    .serverless = "contexts are kept in files of yours",
    .run = run_use,
};

/* --- Removing -------------------------------------------------------------------------------- */

static int run_remove(struct cli *c)
{
    int status = CLI_OK;
    for (size_t i = 0; i < c->operands_n; i++) {
        struct err e;
        if (context_remove(c->operands[i], &c->arena, &e) < 0)
            status = cli_fail(c, "%s", e.msg);
        else
            cli_print_line("%s is removed, with its token", c->operands[i]);
    }
    return status;
}

const struct command command_context_remove = {
    .name = "context remove",
    .operands = "CONTEXT...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .summary = "forget a server and its token",
    .help = "The token goes on to work: 'cloudseed token revoke' ends it.\n"
            "\n"
            "Examples:\n"
            "  cloudseed context remove lab\n",
    .serverless = "contexts are kept in files of yours",
    .run = run_remove,
};
