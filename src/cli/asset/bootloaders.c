/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asset/asset.h"

#include <unistd.h>

#define IPXE_FOLDER "/usr/lib/ipxe"
#define PROGRAMS 4
#define PROGRAMS_NEEDED 3

/* Older Debian packages have ipxe.efi only in /boot, newer ones call it ipxe-amd64.efi. */
static const char *find_program(struct cli *c, const char *folder, const char *name)
{
    const char *path = arena_printf(&c->arena, "%s/%s", folder, name).p;
    const char *newer = arena_printf(&c->arena, "%s/ipxe-amd64.efi", folder).p;
    if (strcmp(name, "ipxe.efi") == 0 && access(path, R_OK) < 0 && access(newer, R_OK) == 0)
        return newer;
    if (access(path, R_OK) == 0 || strcmp(folder, IPXE_FOLDER) != 0)
        return path;
    return arena_printf(&c->arena, "/boot/%s", name).p;
}

static int run(struct cli *c)
{
    static const char *const programs[PROGRAMS] = {"undionly.kpxe", "ipxe.efi", "snponly.efi",
                                                   /* Debian 12 has no other */ "ipxe-arm64.efi"};
    const char *from = c->operands_n ? c->operands[0] : IPXE_FOLDER, *paths[PROGRAMS];
    struct str folder;
    for (size_t i = 0; i < PROGRAMS; i++) {
        paths[i] = find_program(c, from, programs[i]);
        if (access(paths[i], R_OK) == 0)
            continue;
        if (i < PROGRAMS_NEEDED)
            return cli_fail(c, "%s/%s is not there: apt install ipxe", from, programs[i]);
        paths[i] = NULL;
    }
    int status = asset_folder_to_fill(c, &folder);
    for (size_t i = 0; i < PROGRAMS && status == CLI_OK; i++) {
        if (paths[i])
            status = asset_put(c, folder, str_from(programs[i]), paths[i], STR(""));
    }
    return status;
}

const struct command command_asset_bootloaders = {
    .name = "asset bootloaders",
    .operands = "[DIR]",
    .operands_max = 1,
    .summary = "add iPXE's boot programs",
    .help = "Adds undionly.kpxe (BIOS), ipxe.efi and snponly.efi (UEFI) and, where it is there,\n"
            "ipxe-arm64.efi (UEFI of arm64), which machines load by TFTP or UEFI's HTTP boot,\n"
            "from DIR: /usr/lib/ipxe of Debian's package ipxe; for arm64 that of Debian 13.\n"
            "\n"
            "Examples:\n"
            "  cloudseed asset bootloaders\n",
    .serverless = ASSET_SERVERLESS,
    .run = run,
};
