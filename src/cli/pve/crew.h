/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew: several jobs at once, each in a process of its own, so that a job may wait for its host as
 * long as it must, and say what it says as if it were the only one.
 *
 * A job dies with the process that began it.
 */
#ifndef CLOUDSEED_CLI_PVE_CREW_H
#define CLOUDSEED_CLI_PVE_CREW_H

#include "base/buf.h"

#include <sys/types.h>

#define CREW_OF_A_GROUP 2 /* jobs at once that burden the same host and storage */
#define CREW_MAX 16       /* jobs at once in all */

struct crew_job {
    const char *name;
    struct str group; /* "home/pve1/local-lvm" */
    size_t index;     /* for work() */
    int status;       /* what work() has returned; set at the job's end */
    struct buf said;  /* what it has printed */
    /* The crew's own. */
    pid_t pid;
    int fd;
    bool has_begun, has_ended;
    char step[32];
};

struct crew {
    struct crew_job *jobs; /* the caller's */
    size_t n;
    /* Runs in the job's own process, whose standard output and error go to `said`. */
    int (*work)(void *cls, const struct crew_job *job);
    /* Called in this process at each job's end. */
    void (*ended)(void *cls, const struct crew_job *job);
    void *cls;
    bool shows; /* the crew's own: there is a terminal */
};

/* Runs all of them, in their order as far as groups allow, and shows on the terminal what they are
 * at. A job that cannot be begun ends with CLI_FAILED. Call crew_done in any case. */
void crew_run(struct crew *c);
void crew_done(struct crew *c);

/* Within a job: what it is at now, "clone". */
void crew_step(const char *what);

#endif
