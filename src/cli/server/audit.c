/* SPDX-License-Identifier: Apache-2.0 */
/* Who asked the server for what. */
#include "cli/common/api.h"
#include "cli/common/table.h"
#include "wire/uri.h"

#include <stdio.h>

#define SHOWN_FIRST 50
#define ROWS_BYTES ((size_t)64 * 1024)

struct audit {
    struct api api;
    const char *node;
    bool json, wide;
    struct cli_list list; /* for --json */
    struct table table;   /* begins with the first entry */
    struct arena rows;    /* the table's */
    struct arena arena;   /* reset for each page */
};

/* "user-data of k8s-worker-2: 200, 3 times", "POST /v1/nodes/n1/arm: 403: this takes …" */
static struct str what_text(const struct audit *w, struct value entry, struct arena *a)
{
    struct str what = api_text(entry, "what"), node = api_text(entry, "node");
    struct str reason = api_text(entry, "reason"), agent = api_text(entry, "agent");
    int64_t status = api_number(entry, "status", 0), times = api_number(entry, "times", 1);
    struct str text = what;
    if (str_is(api_text(entry, "who"), "server"))
        return arena_printf(a, "%lld entries were %.*s", (long long)times, STR_ARG(what));
    if (node.n && !w->node && !memchr(what.p, '/', what.n))
        text = ARENA_JOIN(a, text, STR(" of "), node);
    if (status)
        text = arena_printf(a, "%.*s: %lld", STR_ARG(text), (long long)status);
    else
        text = ARENA_JOIN(a, text, STR(": left before the answer"));
    if (times > 1)
        text = arena_printf(a, "%.*s, %lld times", STR_ARG(text), (long long)times);
    if (reason.n)
        text = ARENA_JOIN(a, text, STR(": "), reason);
    return w->wide && agent.n ? ARENA_JOIN(a, text, STR(" ("), agent, STR(")")) : text;
}

static void begin_table(struct audit *w)
{
    static const char *const heads[] = {"TIME", "ID", "WHO", "FROM", "WHAT"};
    static const uint8_t gives[] = {3, 2}; /* FROM, WHO */
    table_init(&w->table, &w->rows, 5);
    table_flow(&w->table, stdout, w->api.cli->color_out);
    table_head(&w->table, heads);
    table_give(&w->table, gives, 2);
    table_wrap(&w->table);
    if (w->wide)
        table_wide(&w->table);
}

static void show(struct audit *w, struct value entry)
{
    char id[STR_U64_SIZE];
    struct table *t = &w->table;
    if (w->json) {
        cli_list_item(&w->list, entry);
        return;
    }
    if (!t->columns)
        begin_table(w);
    table_add(t, api_when(entry, "at", &w->arena));
    table_add(t, str_of_u64((uint64_t)api_number(entry, "id", 0), id));
    table_add(t, api_text(entry, "who"));
    table_add(t, api_text(entry, "from"));
    table_add(t, what_text(w, entry, &w->arena));
    if (str_is(api_text(entry, "kind"), "refused"))
        table_redden(t);
}

static struct str filters(struct audit *w)
{
    struct arena *a = &w->api.cli->arena;
    struct flags *flags = &w->api.cli->flags;
    const struct {
        const char *name, *value;
    } list[] = {{"node", w->node},
                {"kind", flags_value(flags, "kind")},
                {"who", flags_value(flags, "who")}};
    struct str text = STR("");
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i].value)
            text = ARENA_JOIN(a, text, STR("&"), str_from(list[i].name), STR("="),
                              uri_encode_segment(str_from(list[i].value), a));
    }
    return text;
}

static int get_page(struct audit *w, struct str query, struct value *ret, struct value *ret_list)
{
    arena_reset(&w->arena);
    struct str target =
        arena_printf(&w->arena, "/v1/audit?%.*s%.*s", STR_ARG(query), STR_ARG(filters(w)));
    int status = api_get(&w->api, target, ret);
    if (status == CLI_OK)
        *ret_list = value_get(*ret, STR("entries"));
    if (status == CLI_OK && ret_list->kind != VALUE_LIST)
        return cli_fail(w->api.cli, "%s: the answer has no entries", w->api.server.where);
    return status;
}

static int show_newest(struct audit *w)
{
    struct value page, list = {0};
    struct str query = arena_printf(&w->api.cli->arena, "order=newest&limit=%d", SHOWN_FIRST);
    int status = get_page(w, query, &page, &list);
    for (uint32_t i = status == CLI_OK ? list.n : 0; i > 0; i--)
        show(w, list.items[i - 1]);
    return status;
}

static int show_since(struct audit *w, const char *since)
{
    char text[STR_U64_SIZE], query[64];
    struct str after = str_from(since);
    bool more = true;
    while (more) {
        struct value page, list = {0};
        snprintf(query, sizeof(query), "limit=1000&after=%.*s", STR_ARG(after));
        int status = get_page(w, str_from(query), &page, &list);
        if (status != CLI_OK)
            return status;
        for (uint32_t i = 0; i < list.n; i++)
            show(w, list.items[i]);
        int64_t next = api_number(page, "next", 0);
        more = next > 0;
        after = str_of_u64((uint64_t)next, text);
    }
    return CLI_OK;
}

static int run(struct cli *c)
{
    const char *since = flags_value(&c->flags, "since");
    uint64_t id;
    struct audit w = {
        .node = c->operands_n ? c->operands[0] : NULL,
        .json = flags_given(&c->flags, "json"),
        .wide = flags_given(&c->flags, "wide"),
    };
    if (since && !str_to_u64(str_from(since), INT64_MAX, &id))
        return cli_misuse(c, "--since '%s': expected the id of an entry", since);
    int status = api_open(c, &w.api);
    if (status == CLI_OK) {
        arena_init(&w.arena, 64 * 1024);
        arena_init(&w.rows, ROWS_BYTES);
        w.api.arena = &w.arena;
        status = since ? show_since(&w, since) : show_newest(&w);
        if (w.json && status == CLI_OK)
            cli_list_end(&w.list);
        if (w.table.columns)
            table_flush(&w.table);
        arena_done(&w.rows);
        arena_done(&w.arena);
    }
    api_close(&w.api);
    return status;
}

const struct command command_audit = {
    .name = "audit",
    .operands = "[NODE]",
    .operands_max = 1,
    .flags = FLAGS({"who", "WHO", "only of this one, as 'token ci' or 'token'"},
                   {"kind", "CLASS", "only admin, node or refused"},
                   {"since", "ID", "entries after the one with this ID"}, FLAG_JSON, FLAG_WIDE),
    .summary = "print who asked the server for what",
    .help = "Prints the latest 50 entries of the audit, the newest last: what admins changed\n"
            "and which secrets they read (kind admin), what nodes fetched (node), and who\n"
            "was refused (refused), with the admin, or how the node was identified, and the\n"
            "address. 'events' prints what came of it. -o wide also prints the programs.\n"
            "--since takes an ID of the list, and prints all later entries that are kept. An\n"
            "entry is written about a second after the answer. This needs the role admin.\n"
            "\n"
            "Examples:\n"
            "  cloudseed audit k8s-worker-2\n"
            "  cloudseed audit --who 'token ci'\n"
            "  cloudseed audit --kind refused --json | jq -r '.[].from' | sort | uniq -c\n",
    .run = run,
};
