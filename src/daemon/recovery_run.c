/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/recovery_run.h"

#include "crypto/recovery.h"
#include "daemon/privileges.h"
#include "daemon/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

int recovery_run(const struct config *c, struct err *e)
{
    char key[STATE_PATH_SIZE], path[STATE_PATH_SIZE], passphrase[RECOVERY_PASSPHRASE_SIZE];
    struct sealer *sealer = NULL;
    state_key_path(c, key);
    state_path(c, "recovery", path);
    if (!key[0] || !path[0])
        return err_set(e, -ENAMETOOLONG, "the state folder's path is too long");
    umask(S_IRWXG | S_IRWXO);
    int r = privileges_make_folder(c->state_dir.p, 0700, c->user, c->group, e);
    if (r == 0)
        r = privileges_drop(c->user, c->group, e);
    privileges_hide_memory();
    if (r == 0)
        r = sealer_new(key, &sealer, e);
    recovery_passphrase(passphrase);
    if (r == 0)
        r = recovery_save(sealer, str_from(passphrase), path, e);
    if (r == 0)
        printf("The recovery passphrase, which is shown only now. Write it down:\n\n    %s\n\n"
               "Each backup that the server makes after its next start or reload (cloudseed\n"
               "reload) can be restored with it, on a machine that has nothing else.\n",
               passphrase);
    explicit_bzero(passphrase, sizeof(passphrase));
    sealer_free(sealer);
    return r;
}

/* Without an echo, where it is a terminal. */
static bool read_line(char *line, int size)
{
    struct termios was, silent;
    bool terminal = tcgetattr(STDIN_FILENO, &was) == 0;
    if (terminal) {
        silent = was;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fputs("Recovery passphrase: ", stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool got = fgets(line, size, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputc('\n', stderr);
    }
    return got;
}

int recovery_ask(const struct recovery *recovery, struct sealer **ret, struct err *e)
{
    char line[128];
    setvbuf(stdin, NULL, _IONBF, 0); /* no copy of it stays in a buffer */
    int r = read_line(line, sizeof(line))
                ? recovery_open(recovery, str_trim(str_from(line)), ret, e)
                : err_set(e, -EACCES, "it needs the recovery passphrase, on standard input");
    explicit_bzero(line, sizeof(line));
    return r;
}
