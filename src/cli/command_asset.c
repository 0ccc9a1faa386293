/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asset/asset.h"

const struct command command_asset_table[] = {
    {
        .name = "asset add",
        .operands = "FILE [NAME]",
        .operands_min = 1,
        .operands_max = 2,
        .flags = FLAG_BIT(FLAG_SHA256),
        .summary = "copy a file to the assets folder",
        .help = "FILE is copied to the assets folder as NAME, which may have folders in it: the\n"
                "server serves it as /assets/NAME. FILE - is standard input. Whoever fetches gets\n"
                "the old file or the new one, never a part. Its SHA-256 is printed, and kept in\n"
                "NAME.sha256 as sha256sum does; with --sha256 it must be that one.\n"
                "\n"
                "Examples:\n"
                "  cloudseed asset add debian-12.iso\n"
                "  cloudseed asset add ./linux debian/12/linux\n"
                "  curl -f https://example.org/vmlinuz | cloudseed asset add - debian/vmlinuz\n",
        .run = asset_add_run,
    },
    {
        .name = "asset list",
        .operands = "",
        .flags = FLAG_BIT(FLAG_JSON) | FLAG_BIT(FLAG_NAMES),
        .summary = "list the assets",
        .help = "Prints a line for each file in the assets folder: its size, when it was changed,\n"
                "and its SHA-256 as it was when it was added.\n"
                "\n"
                "Examples:\n"
                "  cloudseed asset list\n"
                "  cloudseed asset list --json | jq -r '.[].name'\n",
        .run = asset_list_run,
    },
    {
        .name = "asset verify",
        .operands = "[NAME...]",
        .operands_max = UINT8_MAX,
        .flags = FLAG_BIT(FLAG_JSON),
        .summary = "read assets and compare their hashes",
        .help =
            "Reads the assets of these names, or all, and compares each with the SHA-256 that\n"
            "was kept when it was added.\n"
            "\n"
            "Exit status: 0 none differs, 1 one differs, is missing or cannot be read, 64 wrong\n"
            "usage.\n"
            "\n"
            "Examples:\n"
            "  cloudseed asset verify\n"
            "  cloudseed asset verify debian/12/linux\n",
        .run = asset_verify_run,
    },
    {
        .name = "asset rm",
        .operands = "NAME...",
        .operands_min = 1,
        .operands_max = UINT8_MAX,
        .summary = "remove assets",
        .help = "Removes the files and their hashes, and folders that are empty then. Who is\n"
                "fetching one gets the rest of it.\n"
                "\n"
                "Examples:\n"
                "  cloudseed asset rm debian/11/linux debian/11/initrd.gz\n",
        .run = asset_rm_run,
    },
    {
        .name = "asset bootloaders",
        .operands = "[DIR]",
        .operands_max = 1,
        .summary = "add iPXE's boot programs",
        .help = "Adds undionly.kpxe (BIOS), ipxe.efi and snponly.efi (UEFI), which machines load\n"
                "by TFTP or UEFI's HTTP boot, from DIR: /usr/lib/ipxe of Debian's package ipxe.\n"
                "\n"
                "Examples:\n"
                "  cloudseed asset bootloaders\n",
        .run = asset_bootloaders_run,
    },
};

const size_t command_asset_count = sizeof(command_asset_table) / sizeof(command_asset_table[0]);
