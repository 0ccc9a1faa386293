/* SPDX-License-Identifier: Apache-2.0 */

#include "cli/common/cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 10

/* Relative to cloudseed: in a build tree, and installed (bin and sbin). */
static const char *const places[] = {"cloudseedd", "../sbin/cloudseedd"};

static bool find(char ret[static PATH_MAX + 32])
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0)
        return false;
    self[n] = '\0';
    const char *folder = dirname(self);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(ret, PATH_MAX + 32, "%s/%s", folder, places[i]);
        if (access(ret, X_OK) == 0)
            return true;
    }
    return false;
}

static int run(struct cli *c)
{
    static const char *const passed[] = {"config", "state", "sealing-key"};
    const char *words[WORDS_MAX] = {"cloudseedd", "--restore", c->operands[0]};
    char program[PATH_MAX + 32];
    size_t n = 3;
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        if (!flags_given(&c->flags, passed[i]))
            continue;
        words[n++] = arena_printf(&c->arena, "--%s", passed[i]).p;
        words[n++] = flags_value(&c->flags, passed[i]);
    }
    fflush(stdout);
    if (find(program))
        execv(program, (char *const *)words);
    else
        execvp(words[0], (char *const *)words);
    return cli_fail(c,
                    "cloudseedd, which restores backups, cannot be run: %s; call it with "
                    "--restore on the server's machine",
                    strerror(errno));
}

const struct command command_restore = {
    .name = "restore",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"sealing-key", "FILE", "the key that the backup was sealed with"}),
    .summary = "make the server's state folder from a backup",
    .help =
        "On the server's machine, as root or the server's user, while no server uses the\n"
        "folder: `cloudseedd --restore`, which this calls, refuses it otherwise. It needs the\n"
        "sealing key that the server had, in place or by --sealing-key, or else asks for the\n"
        "recovery passphrase, which cloudseedd --recovery has made.\n"
        "\n"
        "It closes all build windows. A state that is there is kept as state.db.replaced, and\n"
        "compared: nodes whose keys differ, that exist again or are lost are printed, each with\n"
        "the command that corrects it.\n"
        "\n"
        "Examples:\n"
        "  cloudseed restore /srv/backup/cloudseed.db\n"
        "  cloudseed restore /srv/backup/cloudseed.db --sealing-key /root/sealing-key\n",
    .serverless = "it fills the state folder of a server that does not run yet",
    .run = run,
};
