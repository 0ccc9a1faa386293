/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asset/asset.h"
#include "model/asset.h"

static int check_name(struct cli *c, struct str name)
{
    const char *refusal = asset_name_refusal(name);
    if (refusal)
        return cli_misuse(c, "'%.*s': %s", STR_ARG(name), refusal);
    if (str_ends(name, STR(ASSET_HASH_ENDING)))
        return cli_misuse(c, "'%.*s': such files hold the hashes of others", STR_ARG(name));
    return CLI_OK;
}

static struct str name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_from(slash ? slash + 1 : path);
}

static int run(struct cli *c)
{
    const char *file = c->operands[0];
    struct str wanted = str_from(flags_value(&c->flags, "sha256")), folder;
    if (wanted.n && !digest_text_valid(wanted))
        return cli_misuse(c, "--sha256: expected 64 hexadecimal digits");
    if (c->operands_n == 1 && strcmp(file, "-") == 0)
        return cli_misuse(c, "what comes from standard input needs a name");
    struct str name = c->operands_n == 2 ? str_from(c->operands[1]) : name_of(file);
    int status = check_name(c, name);
    if (status == CLI_OK)
        status = asset_folder_to_fill(c, &folder);
    return status == CLI_OK ? asset_put(c, folder, name, file, wanted) : status;
}

const struct command command_asset_add = {
    .name = "asset add",
    .operands = "FILE [NAME]",
    .operands_min = 1,
    .operands_max = 2,
    .flags = FLAGS({"sha256", "HASH", "what the file's SHA-256 must be"}),
    .summary = "copy a file to the assets folder",
    .help = "FILE is copied to the assets folder as NAME, which may have folders in it: the\n"
            "server serves it as /assets/NAME. FILE - is standard input. Clients get the old\n"
            "file or the new one, never a part of it. Its SHA-256 is printed, and kept in\n"
            "NAME.sha256 as sha256sum does; with --sha256 it must be that one.\n"
            "\n"
            "Examples:\n"
            "  cloudseed asset add debian-12.iso\n"
            "  cloudseed asset add ./linux debian/12/linux\n"
            "  curl -f https://example.org/vmlinuz | cloudseed asset add - debian/vmlinuz\n",
    .serverless = ASSET_SERVERLESS,
    .run = run,
};
