/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/crew.h"

#include "base/clock.h"
#include "cli/common/cli.h"
#include "cli/common/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"
#define SAID_MAX 65536
#define STEP_MARK '\x1e' /* begins a line of the pipe that names a step */

void crew_step(const char *what)
{
    printf("%c%s\n", STEP_MARK, what);
    fflush(stdout);
}

/* --- One job ---------------------------------------------------------------------------------- */

/* Does not return. */
static void work(const struct crew *c, const struct crew_job *job, int fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CLI_FAILED);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
    int status = c->work(c->cls, job);
    fflush(stdout);
    fflush(stderr);
    _exit(status);
}

static void report(const struct crew *c, struct crew_job *job)
{
    job->has_ended = true;
    if (c->shows)
        fputs(CLEAR_LINE, stderr);
    c->ended(c->cls, job);
}

static void begin(const struct crew *c, struct crew_job *job)
{
    pid_t parent = getpid();
    int ends[2];
    job->has_begun = true;
    buf_init(&job->said, SAID_MAX);
    fflush(stdout);
    fflush(stderr);
    if (pipe(ends) == 0) {
        job->pid = fork();
        if (job->pid == 0) {
            close(ends[0]);
            work(c, job, ends[1], parent);
        }
        close(ends[1]);
        job->fd = ends[0];
        if (job->pid > 0)
            return;
        close(ends[0]);
    }
    buf_printf(&job->said, "cloudseed: %s\n", strerror(errno));
    job->status = CLI_FAILED;
    report(c, job);
}

/* Takes the steps out of what it has printed, up to the last whole line. */
static void take_steps(struct crew_job *job)
{
    char *mark, *end;
    while ((mark = memchr(job->said.p, STEP_MARK, job->said.n)) &&
           (end = memchr(mark, '\n', (size_t)(job->said.p + job->said.n - mark)))) {
        *end++ = 0;
        snprintf(job->step, sizeof(job->step), "%s", mark + 1);
        memmove(mark, end, (size_t)(job->said.p + job->said.n - end));
        job->said.n -= (size_t)(end - mark);
    }
}

static void end(const struct crew *c, struct crew_job *job)
{
    int status;
    close(job->fd);
    while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
        ;
    job->status = WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
    report(c, job);
}

static void hear(const struct crew *c, struct crew_job *job)
{
    char some[4096];
    ssize_t n = read(job->fd, some, sizeof(some));
    if (n > 0) {
        buf_append(&job->said, some, (size_t)n);
        take_steps(job);
    } else if (n == 0 || errno != EINTR) {
        end(c, job);
    }
}

/* --- All of them ------------------------------------------------------------------------------ */

static bool is_running(const struct crew_job *job)
{
    return job->has_begun && !job->has_ended;
}

static bool has_room(const struct crew *c, const struct crew_job *job)
{
    size_t all = 0, of_group = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (!is_running(&c->jobs[i]))
            continue;
        all++;
        of_group += str_eq(c->jobs[i].group, job->group);
    }
    return all < CREW_MAX && of_group < CREW_OF_A_GROUP;
}

static void begin_some(struct crew *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!c->jobs[i].has_begun && has_room(c, &c->jobs[i]))
            begin(c, &c->jobs[i]);
    }
}

/* "1 of 3, 12 s: k8s-worker-2 clone, k8s-worker-3 start" as far as it fits. */
static void show(const struct crew *c, uint64_t since)
{
    char line[80];
    size_t ended = 0, at;
    for (size_t i = 0; i < c->n; i++)
        ended += c->jobs[i].has_ended;
    at = (size_t)snprintf(line, sizeof(line), "%zu of %zu, %d s", ended, c->n,
                          (int)((clock_boot_ms() - since) / 1000));
    for (size_t i = 0; i < c->n; i++) {
        const struct crew_job *job = &c->jobs[i];
        if (is_running(job) && at + strlen(job->name) + strlen(job->step) + 4 < sizeof(line))
            at += (size_t)snprintf(line + at, sizeof(line) - at, "; %s %s", job->name, job->step);
    }
    fprintf(stderr, CLEAR_LINE "%s", line);
}

/* Waits until one of them says something. */
static void wait_for_some(struct crew *c)
{
    struct pollfd polled[CREW_MAX];
    struct crew_job *jobs[CREW_MAX];
    nfds_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (!is_running(&c->jobs[i]))
            continue;
        polled[n] = (struct pollfd){.fd = c->jobs[i].fd, .events = POLLIN};
        jobs[n++] = &c->jobs[i];
    }
    if (poll(polled, n, 1000) <= 0)
        return;
    for (nfds_t i = 0; i < n; i++) {
        if (polled[i].revents)
            hear(c, jobs[i]);
    }
}

static bool is_over(const struct crew *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!c->jobs[i].has_ended)
            return false;
    }
    return true;
}

void crew_run(struct crew *c)
{
    c->shows = term_is_capable(STDERR_FILENO);
    uint64_t since = clock_boot_ms();
    for (begin_some(c); !is_over(c); begin_some(c)) {
        if (c->shows)
            show(c, since);
        wait_for_some(c);
    }
}

void crew_done(struct crew *c)
{
    for (size_t i = 0; i < c->n; i++)
        buf_done(&c->jobs[i].said);
}
