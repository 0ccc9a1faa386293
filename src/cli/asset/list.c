/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/json.h"
#include "cli/asset/asset.h"
#include "cli/common/span.h"
#include "cli/common/table.h"
#include "model/asset.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

static int64_t changed_ms(const struct asset_entry *e)
{
    return (int64_t)e->changed.tv_sec * 1000 + e->changed.tv_nsec / 1000000;
}

static struct str changed_text(const struct asset_entry *e, struct arena *a)
{
    char text[CLOCK_TEXT_SIZE];
    return arena_str(a, str_from(clock_text(changed_ms(e), text)));
}

static void print_json(struct cli *c, const struct asset_entry *list, size_t n)
{
    struct cli_list out = {0};
    for (size_t i = 0; i < n; i++) {
        const struct asset_entry *e = &list[i];
        const struct value_pair pairs[] = {
            JSON_STR("name", e->name),
            JSON_INT("size", (int64_t)e->size),
            JSON_STR("changed", changed_text(e, &c->arena)),
            JSON_VALUE("sha256", e->sha256.n ? value_str(e->sha256) : value_none()),
            JSON_VALUE("missing", value_bool(e->is_missing)),
        };
        cli_list_item(&out, value_map(pairs, 5));
    }
    cli_list_end(&out);
}

static void print_names(const struct asset_entry *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cli_print_line("%.*s", STR_ARG(list[i].name));
}

static void print_table(struct cli *c, const struct asset_entry *list, size_t n)
{
    static const char *const heads[] = {"NAME", "SIZE", "CHANGED", "SHA256"};
    static const uint8_t gives[] = {3, 2};
    char when[SPAN_WHEN_SIZE];
    struct table table;
    table_init(&table, &c->arena, 4);
    table_head(&table, heads);
    table_give(&table, gives, sizeof(gives));
    if (flags_given(&c->flags, "wide"))
        table_wide(&table);
    for (size_t i = 0; i < n; i++) {
        const struct asset_entry *e = &list[i];
        table_add(&table, e->name);
        table_add(&table,
                  e->is_missing ? STR("missing") : arena_printf(&c->arena, "%" PRIu64, e->size));
        table_add(&table, str_from(span_when(changed_ms(e), when)));
        table_add(&table, e->sha256);
    }
    table_print(&table, stdout, c->color_out);
}

static int run(struct cli *c)
{
    struct str folder;
    struct asset_entry *list = NULL;
    size_t n = 0;
    bool json = flags_given(&c->flags, "json"), names = flags_given(&c->flags, "names");
    if (json && names)
        return cli_misuse(c, "give either --json or --names");
    int status = asset_folder(c, &folder);
    if (status == CLI_OK)
        status = asset_entries(c, folder, &list, &n);
    if (status != CLI_OK)
        return status;
    if (json)
        print_json(c, list, n);
    else if (names)
        print_names(list, n);
    else
        print_table(c, list, n);
    return CLI_OK;
}

const struct command command_asset_list = {
    .name = "asset list",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, FLAG_NAMES, FLAG_WIDE),
    .summary = "list the assets",
    .help = "Prints a line for each file in the assets folder: its size, when it was changed,\n"
            "and its SHA-256 as it was when it was added.\n"
            "\n"
            "Examples:\n"
            "  cloudseed asset list\n"
            "  cloudseed asset list --json | jq -r '.[].name'\n",
    .serverless = ASSET_SERVERLESS,
    .run = run,
};
