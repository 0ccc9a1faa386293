/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asset/asset.h"
#include "model/asset.h"

#include <unistd.h>

#define IPXE_FOLDER "/usr/lib/ipxe"

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

/* Debian has ipxe.efi in /boot as well, where older packages have it alone. */
static const char *find_program(struct cli *c, const char *folder, const char *name)
{
    const char *path = arena_printf(&c->arena, "%s/%s", folder, name).p;
    if (access(path, R_OK) == 0 || strcmp(folder, IPXE_FOLDER) != 0)
        return path;
    return arena_printf(&c->arena, "/boot/%s", name).p;
}

int asset_bootloaders_run(struct cli *c)
{
    static const char *const programs[] = {"undionly.kpxe", "ipxe.efi", "snponly.efi"};
    const char *from = c->operands_n ? c->operands[0] : IPXE_FOLDER, *paths[3];
    struct str folder;
    for (size_t i = 0; i < 3; i++) {
        paths[i] = find_program(c, from, programs[i]);
        if (access(paths[i], R_OK) < 0)
            return cli_fail(c, "%s/%s is not there: apt install ipxe", from, programs[i]);
    }
    int status = asset_folder(c, &folder);
    for (size_t i = 0; i < 3 && status == CLI_OK; i++)
        status = asset_put(c, folder, str_from(programs[i]), paths[i], (struct str){NULL, 0});
    return status;
}
