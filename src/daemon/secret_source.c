/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/secret.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS 100
/* Enough to see that a value is too long, after its line end was dropped. */
#define READ_MAX_BYTES (SECRET_MAX_BYTES + 2)

/* 1: there may be more, 0: end of file. */
static int read_some(int fd, struct secret_value *v)
{
    size_t room = READ_MAX_BYTES - v->n;
    ssize_t n = room ? read(fd, v->bytes + v->n, room) : -1;
    if (!room)
        return -EFBIG;
    if (n < 0)
        return errno == EINTR ? 1 : -errno;
    v->n += (size_t)n;
    return n > 0;
}

/* --- Files and variables -------------------------------------------------------------------- */

static int check_mode(const struct stat *st, const char *path, struct err *e)
{
    if (!S_ISREG(st->st_mode))
        return err_set(e, -EINVAL, "%s: not a regular file", path);
    if (st->st_mode & (S_IRWXO | S_IWGRP))
        return err_set(e, -EPERM,
                       "%s: others than its owner and group may use it; run: chmod g-w,o-rwx %s",
                       path, path);
    return 0;
}

static int check_file(int fd, const char *path, struct err *e)
{
    struct stat st;
    return fstat(fd, &st) < 0 ? err_errno(e, -errno, "%s", path) : check_mode(&st, path, e);
}

static int read_file(const char *path, struct secret_value *v, struct err *e)
{
    /* O_NONBLOCK: opening a named pipe must not block. */
    FS_CLOSED int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_errno(e, -errno, "%s", path);
    int r = check_file(fd, path, e);
    if (r < 0)
        return r;
    while ((r = read_some(fd, v)) > 0)
        continue;
    return r < 0 && r != -EFBIG ? err_errno(e, r, "%s", path) : r;
}

int secret_source_check(const struct config_secret *s, struct err *e)
{
    struct stat st;
    if (s->command_n && access(s->command[0].p, X_OK) < 0)
        return err_errno(e, -errno, "%s cannot be run", s->command[0].p);
    if (!s->file.n)
        return 0;
    if (stat(s->file.p, &st) < 0)
        return err_errno(e, -errno, "%s", s->file.p);
    return check_mode(&st, s->file.p, e);
}

static int read_env(const char *name, struct secret_value *v, struct err *e)
{
    const char *text = getenv(name);
    if (!text)
        return err_set(e, -ENOENT, "the daemon's environment has no %s", name);
    v->n = strnlen(text, READ_MAX_BYTES);
    memcpy(v->bytes, text, v->n);
    return v->n == READ_MAX_BYTES ? -EFBIG : 0;
}

/* --- Commands ------------------------------------------------------------------------------- */

#define HOME_SIZE (PATH_MAX + 8)

/* "HOME=…" of the user that we have become: the variable that we have is of the one that started
 * us. */
static void write_home(char ret[static HOME_SIZE])
{
    char texts[8192];
    struct passwd user, *found = NULL;
    if (getpwuid_r(geteuid(), &user, texts, sizeof(texts), &found) != 0)
        found = NULL;
    snprintf(ret, HOME_SIZE, "HOME=%s", found && *user.pw_dir ? user.pw_dir : "/");
}

/* Its standard error is dropped: it may contain the value, or a part of it. */
static int spawn(const struct config_secret *s, int out, pid_t *ret)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char home[HOME_SIZE];
    char *environment[] = {path, home, NULL}, **argv = MEM_ARRAY(char *, s->command_n + 1);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    write_home(home);
    for (uint32_t i = 0; i < s->command_n; i++)
        argv[i] = (char *)(uintptr_t)s->command[i].p;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int r = posix_spawn(ret, argv[0], &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(argv);
    return -r;
}

/* Reads until the command has ended and no process has its output open. */
static int read_output(int out, int process, uint64_t end_ms, const atomic_bool *stop,
                       struct secret_value *v)
{
    struct pollfd fds[] = {{.fd = out, .events = POLLIN}, {.fd = process, .events = POLLIN}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        if (stop && atomic_load(stop))
            return -EINTR;
        if (clock_boot_ms() >= end_ms)
            return -ETIMEDOUT;
        if (poll(fds, 2, POLL_MS) <= 0)
            continue;
        int r = fds[0].revents ? read_some(out, v) : 1;
        if (r < 0)
            return r;
        if (r == 0)
            fds[0].fd = -1;
        if (fds[1].revents)
            fds[1].fd = -1;
    }
    return 0;
}

static int command_error(int r, int how, const char *program, unsigned command_ms, struct err *e)
{
    if (r == -EFBIG)
        return r;
    if (r == -ETIMEDOUT)
        return err_set(e, r, "%s did not end within %u s", program, command_ms / 1000);
    if (r < 0)
        return err_errno(e, r, "%s", program);
    if (WIFSIGNALED(how))
        return err_set(e, -ECHILD, "%s was ended by signal %d", program, WTERMSIG(how));
    if (WEXITSTATUS(how))
        return err_set(e, -ECHILD,
                       "%s ended with status %d; run it as the daemon's user to see why", program,
                       WEXITSTATUS(how));
    return 0;
}

static int read_command(const struct config_secret *s, unsigned command_ms, const atomic_bool *stop,
                        struct secret_value *v, struct err *e)
{
    const char *program = s->command[0].p;
    int ends[2], how = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(e, -errno, "%s", program);
    FS_CLOSED int out = ends[0];
    int r = spawn(s, ends[1], &pid);
    close(ends[1]);
    if (r < 0)
        return err_errno(e, r, "%s cannot be run", program);
    FS_CLOSED int process = (int)syscall(SYS_pidfd_open, pid, 0);
    r = process < 0 ? -errno : read_output(out, process, clock_boot_ms() + command_ms, stop, v);
    kill(-pid, SIGKILL); /* its whole group, whose number is its own until waitpid() */
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    return command_error(r, how, program, command_ms, e);
}

/* --- Any source ----------------------------------------------------------------------------- */

static int finish(struct secret_value *v, struct err *e)
{
    size_t at;
    if (v->n && v->bytes[v->n - 1] == '\n')
        v->n -= v->n > 1 && v->bytes[v->n - 2] == '\r' ? 2 : 1;
    if (v->n == 0)
        return err_set(e, -EINVAL, "the value is empty");
    if (v->n > SECRET_MAX_BYTES)
        return -EFBIG;
    if (memchr(v->bytes, '\0', v->n) || !str_is_utf8((struct str){v->bytes, v->n}, &at))
        return err_set(e, -EINVAL, "the value is not UTF-8 text; encode binary data in base64");
    v->bytes[v->n] = '\0';
    return 0;
}

int secret_source_read(const struct config_secret *s, unsigned command_ms, const atomic_bool *stop,
                       struct secret_value *ret, struct err *e)
{
    int r;
    ret->n = 0;
    if (s->file.n)
        r = read_file(s->file.p, ret, e);
    else if (s->env.n)
        r = read_env(s->env.p, ret, e);
    else
        r = read_command(s, command_ms, stop, ret, e);
    if (r == 0)
        r = finish(ret, e);
    return r == -EFBIG ? err_set(e, r, "the value is longer than %zu bytes", SECRET_MAX_BYTES) : r;
}
