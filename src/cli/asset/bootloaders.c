/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asset/asset.h"

#include <unistd.h>

#define IPXE_FOLDER "/usr/lib/ipxe"

/* Older Debian packages have ipxe.efi only in /boot. */
static const char *find_program(struct cli *c, const char *folder, const char *name)
{
    const char *path = arena_printf(&c->arena, "%s/%s", folder, name).p;
    if (access(path, R_OK) == 0 || strcmp(folder, IPXE_FOLDER) != 0)
        return path;
    return arena_printf(&c->arena, "/boot/%s", name).p;
}

static int run(struct cli *c)
{
    static const char *const programs[] = {"undionly.kpxe", "ipxe.efi", "snponly.efi"};
    const char *from = c->operands_n ? c->operands[0] : IPXE_FOLDER, *paths[3];
    struct str folder;
    for (size_t i = 0; i < 3; i++) {
        paths[i] = find_program(c, from, programs[i]);
        if (access(paths[i], R_OK) < 0)
            return cli_fail(c, "%s/%s is not there: apt install ipxe", from, programs[i]);
    }
    int status = asset_folder_to_fill(c, &folder);
    for (size_t i = 0; i < 3 && status == CLI_OK; i++)
        status = asset_put(c, folder, str_from(programs[i]), paths[i], STR(""));
    return status;
}

const struct command command_asset_bootloaders = {
    .name = "asset bootloaders",
    .operands = "[DIR]",
    .operands_max = 1,
    .summary = "add iPXE's boot programs",
    .help = "Adds undionly.kpxe (BIOS), ipxe.efi and snponly.efi (UEFI), which machines load\n"
            "by TFTP or UEFI's HTTP boot, from DIR: /usr/lib/ipxe of Debian's package ipxe.\n"
            "\n"
            "Examples:\n"
            "  cloudseed asset bootloaders\n",
    .run = run,
};
