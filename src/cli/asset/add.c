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

int asset_add_run(struct cli *c)
{
    const char *file = c->operands[0];
    struct str wanted = {c->flags.value[FLAG_SHA256], 0}, folder;
    if (wanted.p)
        wanted = str_from(wanted.p);
    if (wanted.p && !digest_text_valid(wanted))
        return cli_misuse(c, "--sha256: expected 64 hexadecimal digits");
    if (c->operands_n == 1 && strcmp(file, "-") == 0)
        return cli_misuse(c, "what comes from standard input needs a name");
    struct str name = c->operands_n == 2 ? str_from(c->operands[1]) : name_of(file);
    int status = check_name(c, name);
    if (status == CLI_OK)
        status = asset_folder(c, &folder);
    return status == CLI_OK ? asset_put(c, folder, name, file, wanted) : status;
}
