/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asset/asset.h"
#include "model/asset.h"

#include <errno.h>
#include <unistd.h>

/* Removes folders that are now empty, except the assets folder itself. */
static void remove_folders(struct cli *c, struct str folder, struct str name)
{
    const char *slash;
    while ((slash = memrchr(name.p, '/', name.n)) != NULL) {
        name.n = (size_t)(slash - name.p);
        if (rmdir(ARENA_JOIN(&c->arena, folder, STR("/"), name).p) < 0)
            return;
    }
}

static int remove_one(struct cli *c, struct str folder, struct str name)
{
    struct str path = ARENA_JOIN(&c->arena, folder, STR("/"), name);
    struct str hash = ARENA_JOIN(&c->arena, path, STR(ASSET_HASH_ENDING));
    if (unlink(path.p) < 0 && errno != ENOENT)
        return cli_fail(c, "%s: %s", path.p, strerror(errno));
    if (unlink(hash.p) < 0 && errno != ENOENT)
        return cli_fail(c, "%s: %s", hash.p, strerror(errno));
    remove_folders(c, folder, name);
    return CLI_OK;
}

/* Checks all names first: a typo must not leave some of the assets removed. */
static int run(struct cli *c)
{
    struct str folder;
    struct asset_entry *list = NULL;
    size_t n = 0;
    int status = asset_folder(c, &folder);
    if (status == CLI_OK)
        status = asset_entries(c, folder, &list, &n);
    for (size_t i = 0; i < c->operands_n && status == CLI_OK; i++) {
        if (!asset_find(c, list, n, c->operands[i]))
            status = CLI_FAILED;
    }
    for (size_t i = 0; i < c->operands_n && status == CLI_OK; i++)
        status = remove_one(c, folder, str_from(c->operands[i]));
    return status;
}

const struct command command_asset_rm = {
    .name = "asset rm",
    .operands = "ASSET...",
    .operands_min = 1,
    .operands_max = UINT8_MAX,
    .summary = "remove assets",
    .help = "Removes the files and their hashes, and folders that become empty. A client that is\n"
            "fetching one gets the rest of it.\n"
            "\n"
            "Examples:\n"
            "  cloudseed asset rm debian/11/linux debian/11/initrd.gz\n",
    .serverless = ASSET_SERVERLESS,
    .run = run,
};
