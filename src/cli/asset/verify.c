/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/asset/asset.h"
#include "cli/common/cli.h"
#include "cli/common/term.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct verifying {
    struct cli *cli;
    struct str folder;
    struct cli_list json;
    bool is_bad;
};

static void print_one(struct verifying *v, const struct asset_entry *e, enum asset_verdict verdict,
                      const char *sha256)
{
    if (!flags_given(&v->cli->flags, "json")) {
        cli_print_line("%.*s: %s", STR_ARG(e->name), asset_verdict_names[verdict]);
        return;
    }
    const struct value_pair pairs[] = {
        JSON_STR("name", e->name),
        JSON_STR("verdict", str_from(asset_verdict_names[verdict])),
        JSON_VALUE("recorded", e->sha256.n ? value_str(e->sha256) : value_none()),
        JSON_VALUE("sha256", *sha256 ? value_str(str_from(sha256)) : value_none()),
    };
    cli_list_item(&v->json, value_map(pairs, 4));
}

static void verify(struct verifying *v, const struct asset_entry *e)
{
    char sha256[DIGEST_TEXT_SIZE] = "";
    enum asset_verdict verdict = asset_judge(v->cli, v->folder, e, sha256);
    if (cli_interrupted())
        return;
    v->is_bad |= verdict > ASSET_UNKNOWN;
    print_one(v, e, verdict, verdict == ASSET_UNREADABLE ? "" : sha256);
}

static int verify_all(struct verifying *v, struct asset_entry *list, size_t n)
{
    struct cli *c = v->cli;
    for (size_t i = 0; i < c->operands_n; i++) {
        if (!asset_find(c, list, n, c->operands[i]))
            return CLI_FAILED;
    }
    cli_signals_hold();
    for (size_t i = 0; i < c->operands_n && !cli_interrupted(); i++)
        verify(v, asset_find(c, list, n, c->operands[i]));
    for (size_t i = 0; i < n && c->operands_n == 0 && !cli_interrupted(); i++)
        verify(v, &list[i]);
    if (flags_given(&c->flags, "json"))
        cli_list_end(&v->json);
    cli_signals_release();
    return v->is_bad ? CLI_FAILED : CLI_OK;
}

static int run(struct cli *c)
{
    struct verifying v = {.cli = c};
    struct asset_entry *list = NULL;
    size_t n = 0;
    int status = asset_folder(c, &v.folder);
    if (status == CLI_OK)
        status = asset_entries(c, v.folder, &list, &n);
    return status == CLI_OK ? verify_all(&v, list, n) : status;
}

const struct command command_asset_verify = {
    .name = "asset verify",
    .operands = "[ASSET...]",
    .operands_max = UINT8_MAX,
    .flags = FLAGS(FLAG_JSON),
    .summary = "read assets and compare their hashes",
    .help = "Reads the assets of these names, or all, and compares each with the SHA-256 that\n"
            "was kept when it was added.\n"
            "\n"
            "Exit status: 0 none differs, 1 one differs, is missing or cannot be read, 64 wrong\n"
            "usage.\n"
            "\n"
            "Examples:\n"
            "  cloudseed asset verify\n"
            "  cloudseed asset verify debian/12/linux\n",
    .serverless = ASSET_SERVERLESS,
    .run = run,
};
