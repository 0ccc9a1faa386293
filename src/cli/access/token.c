/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens by which admins ask the server from elsewhere. */
#include "cli/common/api.h"
#include "cli/common/table.h"
#include "wire/uri.h"

#include <stdio.h>

#define DAYS_MAX 3650

/* --- Making one ------------------------------------------------------------------------------ */

static int read_days(struct cli *c, struct value *ret)
{
    const char *days = flags_value(&c->flags, "days");
    bool endless = flags_given(&c->flags, "no-end");
    uint64_t n;
    *ret = endless ? value_none() : (struct value){0};
    if (!days)
        return CLI_OK;
    if (endless)
        return cli_misuse(c, "give either --days or --no-end");
    if (!str_to_u64(str_from(days), DAYS_MAX, &n) || n == 0)
        return cli_misuse(c, "--days '%s': expected a whole number from 1 to %d", days, DAYS_MAX);
    *ret = value_int((int64_t)n);
    return CLI_OK;
}

/* The token only, so that it can be written to a file; all about it goes to standard error. */
static void print_created(struct cli *c, struct value made)
{
    struct str name = api_text(made, "name"), ends = api_when(made, "ends", &c->arena);
    cli_print_line("%.*s", STR_ARG(api_text(made, "token")));
    cli_note(c, "%.*s is %.*s %s%.*s; the token is shown only now: 'cloudseed login' takes it",
             STR_ARG(name), STR_ARG(api_text(made, "role")), ends.n ? "until " : "without an end",
             STR_ARG(ends));
}

static int run_create(struct cli *c)
{
    const char *role = flags_value(&c->flags, "role");
    struct value days;
    struct api api;
    struct api_answer answer;
    if (!role)
        return cli_misuse(c, "--role is missing: viewer, operator or admin");
    int status = read_days(c, &days);
    if (status != CLI_OK)
        return status;
    const struct value_pair body[] = {
        JSON_STR("name", str_from(c->operands[0])),
        JSON_STR("role", str_from(role)),
        JSON_VALUE("days", days),
    };
    size_t n = days.kind == VALUE_UNDEFINED ? 2 : 3;
    c->arena.secret = true;
    status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_ask(&api, "POST", STR("/v1/tokens"), value_map(body, n), STR(""), &answer);
    if (status == CLI_OK && flags_given(&c->flags, "json"))
        cli_print_json(answer.value);
    else if (status == CLI_OK)
        print_created(c, answer.value);
    api_close(&api);
    return status;
}

const struct command command_token_create = {
    .name = "token create",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"role", "LEVEL", "viewer, operator (builds nodes) or admin (everything)"},
                   {"days", "DAYS", "how long it is valid (default: 90)"},
                   {"no-end", NULL, "until it is revoked"}, FLAG_JSON),
    .summary = "create a token for an admin on another machine",
    .help =
        "Prints a token that opens the server's 'admin' addresses. The server keeps only a\n"
        "digest of it: it is shown this once. A viewer looks at everything but keys; an operator\n"
        "also registers, arms and disarms nodes, and gets their keys; an admin does all that is\n"
        "done at the server's socket.\n"
        "\n"
        "Examples:\n"
        "  cloudseed token create laptop --role admin\n"
        "  cloudseed token create ci --role operator --days 365 --json | jq -r .token\n",
    .run = run_create,
};

/* --- All of them ----------------------------------------------------------------------------- */

static struct str ends_text(struct value token, struct arena *a)
{
    struct str ends = api_when(token, "ends", a);
    if (!ends.n)
        return STR("never");
    return api_is(token, "valid") ? ends : STR("has ended");
}

static struct str used_text(struct value token, struct arena *a)
{
    struct str age = api_age(token, "used", a);
    return age.n ? ARENA_JOIN(a, age, STR(" ago from "), api_text(token, "used_from")) : age;
}

static void print_table(struct cli *c, struct value tokens)
{
    static const char *const heads[] = {"NAME", "ROLE", "ENDS", "LAST USE", "CREATED", "BY"};
    static const uint8_t gives[] = {5, 4, 3};
    struct table t;
    table_init(&t, &c->arena, 6);
    table_head(&t, heads);
    table_give(&t, gives, sizeof(gives));
    if (flags_given(&c->flags, "wide"))
        table_wide(&t);
    for (uint32_t i = 0; i < tokens.n; i++) {
        struct value token = tokens.items[i];
        table_add(&t, api_text(token, "name"));
        table_add(&t, api_text(token, "role"));
        table_add(&t, ends_text(token, &c->arena));
        table_add(&t, used_text(token, &c->arena));
        table_add(&t, api_when(token, "created", &c->arena));
        table_add(&t, api_text(token, "by"));
    }
    table_print(&t, stdout, c->color_out);
}

static int run_list(struct cli *c)
{
    return api_print_list(c, STR("/v1/tokens"), "tokens", print_table);
}

const struct command command_token_list = {
    .name = "token list",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, FLAG_NAMES, FLAG_WIDE),
    .summary = "list the tokens of admins",
    .help = "The last use is noted every five minutes at most.\n"
            "\n"
            "Examples:\n"
            "  cloudseed token list\n"
            "  cloudseed token list --json | jq -r '.[] | select(.used == null).name'\n",
    .run = run_list,
};

/* --- Revoking -------------------------------------------------------------------------------- */

static int revoke(struct api *api, const char *name)
{
    struct arena *a = api->arena;
    struct api_answer answer;
    struct str target = ARENA_JOIN(a, STR("/v1/tokens/"), uri_encode_segment(str_from(name), a));
    int status = api_ask(api, "DELETE", target, (struct value){0}, STR(""), &answer);
    if (status == CLI_OK)
        cli_print_line("%s is revoked", name);
    return status;
}

static int run_revoke(struct cli *c)
{
    struct api api;
    int status = api_open(c, &api), worst = status;
    for (size_t i = 0; status == CLI_OK && i < c->operands_n; i++) {
        int one = revoke(&api, c->operands[i]);
        worst = one == CLI_OK ? worst : one;
    }
    api_close(&api);
    return worst;
}

const struct command command_token_revoke = {
    .name = "token revoke",
    .operands = "TOKEN...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .summary = "end tokens of admins at once",
    .help = "TOKEN is the name of one. It opens nothing from now on, and what it has under way,\n"
            "like a stream of events, ends.\n"
            "\n"
            "Examples:\n"
            "  cloudseed token revoke laptop\n",
    .run = run_revoke,
};
