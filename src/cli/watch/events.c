/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch/watch.h"

#include "cli/common/api.h"
#include "cli/common/table.h"
#include "wire/uri.h"

#include <stdio.h>

#define SHOWN_FIRST 50
#define POLL_MS 60000
#define ROWS_BYTES ((size_t)64 * 1024)
#define TEXT_SHOWN_BYTES ((size_t)4096)

struct events {
    struct api api;
    const char *node, *kind; /* NULL: all */
    struct cli_list list;    /* for --json without --follow */
    bool json, follow;
    struct table table; /* begins with the first event */
    struct arena rows;  /* the table's */
    struct arena arena; /* reset for each page or event */
    struct str last;    /* the id of the last event, in `last_text` */
    char last_text[STR_U64_SIZE];
    int status;
};

/* The node has a column if there may be several. */
static void begin_table(struct events *w)
{
    static const char *const heads[] = {"TIME", "ID", "KIND", "NODE", "WHAT"};
    static const char *const heads_of_one[] = {"TIME", "ID", "KIND", "WHAT"};
    static const uint8_t gives[] = {3}; /* NODE */
    table_init(&w->table, &w->rows, w->node ? 4 : 5);
    table_flow(&w->table, stdout, w->api.cli->color_out);
    table_head(&w->table, w->node ? heads_of_one : heads);
    table_give(&w->table, gives, w->node ? 0 : 1);
    table_wrap(&w->table);
    if (flags_given(&w->api.cli->flags, "wide"))
        table_wide(&w->table);
}

static void add_row(struct events *w, struct value event)
{
    struct table *t = &w->table;
    if (!t->columns)
        begin_table(w);
    table_add(t, api_when(event, "at", &w->arena));
    table_add(t, w->last);
    table_add(t, api_text(event, "kind"));
    if (!w->node)
        table_add(t, api_text(event, "node"));
    table_add(t, str_head(event_text(event, &w->arena), TEXT_SHOWN_BYTES));
    if (event_is_bad(event))
        table_redden(t);
}

static void print_table(struct events *w)
{
    if (w->table.columns)
        table_flush(&w->table);
}

static void show(struct events *w, struct value event)
{
    w->last = str_of_u64((uint64_t)api_number(event, "id", 0), w->last_text);
    if (w->json && w->follow)
        cli_print_json_line(event);
    else if (w->json)
        cli_list_item(&w->list, event);
    else
        add_row(w, event);
}

static struct str filters(struct events *w)
{
    struct arena *a = &w->api.cli->arena;
    struct str node = uri_encode_segment(str_from(w->node), a),
               kind = uri_encode_segment(str_from(w->kind), a);
    return arena_printf(a, "%s%.*s%s%.*s", w->node ? "&node=" : "", STR_ARG(node),
                        w->kind ? "&kind=" : "", STR_ARG(kind));
}

static int get_page(struct events *w, struct str query, struct value *ret)
{
    arena_reset(&w->arena);
    struct str target =
        arena_printf(&w->arena, "/v1/events?%.*s%.*s", STR_ARG(query), STR_ARG(filters(w)));
    int status = api_get(&w->api, target, ret);
    if (status == CLI_OK && value_get(*ret, STR("events")).kind != VALUE_LIST)
        return cli_fail(w->api.cli, "%s: the answer has no events", w->api.server.where);
    return status;
}

static int show_newest(struct events *w)
{
    struct value page;
    struct str query = arena_printf(&w->api.cli->arena, "order=newest&limit=%d", SHOWN_FIRST);
    int status = get_page(w, query, &page);
    struct value list = status == CLI_OK ? value_get(page, STR("events")) : (struct value){0};
    for (uint32_t i = list.n; i > 0; i--)
        show(w, list.items[i - 1]);
    return status;
}

/* Without a single event it may be that nobody has, or had, that name or uid. */
static int check_node(struct events *w)
{
    struct value node;
    if (w->last.n || !w->node)
        return CLI_OK;
    return api_get(&w->api, api_node(&w->api, w->node, ""), &node);
}

/* Of the first page: retention removes the oldest. */
static void note_removed(struct events *w, const char *since, struct value page)
{
    int64_t removed = api_number(page, "removed", 0);
    uint64_t id;
    if (str_to_u64(str_from(since), INT64_MAX, &id) && removed > (int64_t)id)
        cli_note(w->api.cli, "some events up to %lld are not kept any more: see history in %s",
                 (long long)removed, "cloudseedd.yaml(5)");
}

static int show_since(struct events *w, const char *since)
{
    int64_t next = 0;
    w->last = str_from(since);
    do {
        struct value page;
        char query[64];
        snprintf(query, sizeof(query), "limit=1000&after=%.*s", STR_ARG(w->last));
        int status = get_page(w, str_from(query), &page);
        if (status != CLI_OK)
            return status;
        if (!next)
            note_removed(w, since, page);
        struct value list = value_get(page, STR("events"));
        for (uint32_t i = 0; i < list.n; i++)
            show(w, list.items[i]);
        next = api_number(page, "next", 0);
        if (next)
            w->last = str_of_u64((uint64_t)next, w->last_text);
    } while (next);
    return CLI_OK;
}

static void on_event(void *cls, const struct sse_event *event)
{
    struct events *w = cls;
    struct value v;
    arena_reset(&w->arena);
    if (json_read(event->data, &w->arena, &v, NULL) < 0)
        return;
    if (str_is(event->kind, "lost"))
        cli_note(w->api.cli, "events %lld to %lld are lost", (long long)api_number(v, "from", 0),
                 (long long)api_number(v, "to", 0));
    else if ((!w->node || str_is(api_text(v, "node"), w->node)) &&
             (!w->kind || str_is(api_text(v, "kind"), w->kind)))
        show(w, v);
}

/* Runs until the program is ended, or nobody reads its output. `newest` was the last event before
 * anything was printed: up to it, or to the last that was printed, all that was asked for is there.
 */
static int follow(struct events *w, struct str newest)
{
    struct err e;
    uint64_t a = 0, b = 0;
    int r = 0;
    str_to_u64(newest, INT64_MAX, &a);
    str_to_u64(w->last, INT64_MAX, &b);
    struct client_stream *s =
        client_stream_new(w->api.client, STR("/v1/events"), a > b ? newest : w->last, on_event, w);
    bool noted = false;
    fflush(stdout);
    while (r == 0 && !ferror(stdout)) {
        r = client_stream_wait(s, POLL_MS, -1, &e);
        api_note_trouble(&w->api, s, &noted);
        print_table(w);
        fflush(stdout);
    }
    client_stream_free(s);
    return r < 0 ? cli_fail(w->api.cli, "%s", e.msg) : CLI_FAILED;
}

static int run(struct cli *c)
{
    const char *since = flags_value(&c->flags, "since");
    uint64_t id;
    char newest_text[STR_U64_SIZE];
    struct str newest = STR("");
    struct events w = {
        .node = c->operands_n ? c->operands[0] : NULL,
        .kind = flags_value(&c->flags, "kind"),
        .json = flags_given(&c->flags, "json"),
        .follow = flags_given(&c->flags, "follow"),
        .last = STR(""),
    };
    if (since && !str_to_u64(str_from(since), INT64_MAX, &id))
        return cli_misuse(c, "--since '%s': expected the id of an event", since);
    int status = api_open(c, &w.api);
    if (status == CLI_OK) {
        arena_init(&w.arena, 64 * 1024);
        arena_init(&w.rows, ROWS_BYTES);
        w.api.arena = &w.arena;
        if (w.follow) /* before the page is printed: none after it is missed */
            status = api_last_event(&w.api, newest_text, &newest);
        if (status == CLI_OK)
            status = since ? show_since(&w, since) : show_newest(&w);
        if (status == CLI_OK && !since)
            status = check_node(&w);
        if (w.json && !w.follow && status == CLI_OK)
            cli_list_end(&w.list);
        print_table(&w);
        if (status == CLI_OK && w.follow)
            status = follow(&w, newest);
        arena_done(&w.rows);
        arena_done(&w.arena);
    }
    api_close(&w.api);
    return status;
}

const struct command command_events = {
    .name = "events",
    .operands = "[NODE]",
    .operands_max = 1,
    .flags = FLAGS({"kind", "KIND", "only events of this kind"},
                   {"follow", NULL, "print new events as they happen"},
                   {"since", "ID", "events after the one with this ID"}, FLAG_JSON, FLAG_WIDE),
    .summary = "print what happened, from the server's journal",
    .help = "Prints the latest 50 events, the newest last: time, ID, kind, node and details.\n"
            "On a terminal long texts go on in further lines; -o wide leaves them in one.\n"
            "--since takes an ID of the list, and prints all later events that are kept.\n"
            "--follow prints new events until it is interrupted, also across restarts of the\n"
            "server; with --json it prints one event a line.\n"
            "\n"
            "Examples:\n"
            "  cloudseed events k8s-worker-2\n"
            "  cloudseed events --kind failed\n"
            "  cloudseed events --follow --kind ready --json | jq --unbuffered -r .node\n",
    .run = run,
};
