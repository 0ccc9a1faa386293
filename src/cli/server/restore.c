/* SPDX-License-Identifier: Apache-2.0 */

#include "cli/common/cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 10

/* Installed programs lie in bin and sbin beside each other, those of a build in one folder. */
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

int restore_command_run(struct cli *c)
{
    static const enum flag_id passed[] = {FLAG_CONFIG, FLAG_STATE, FLAG_SEALING_KEY};
    static const char *const options[] = {"--config", "--state", "--sealing-key"};
    const char *words[WORDS_MAX] = {"cloudseedd", "--restore", c->operands[0]};
    char program[PATH_MAX + 32];
    size_t n = 3;
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        if (!flags_given(&c->flags, passed[i]))
            continue;
        words[n++] = options[i];
        words[n++] = c->flags.value[passed[i]];
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
