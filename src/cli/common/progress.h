/* SPDX-License-Identifier: Apache-2.0 */
/* progress: shows on the terminal how far work is that takes longer than a second. */
#ifndef CLOUDSEED_CLI_COMMON_PROGRESS_H
#define CLOUDSEED_CLI_COMMON_PROGRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "loading the seed tree" */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended_cond;
    bool ended, running, mebibytes;
    atomic_uint_least32_t done, total; /* total 0: unknown */
};

/* Shows nothing if standard error is not a terminal that can clear a line. Call progress_end before
 * printing anything else. */
void progress_begin(struct progress *p, const char *what);
/* The same for work counted in MiB, shown as a bar. */
void progress_begin_bytes(struct progress *p, const char *what);
/* The amount of work, and how much of it is done. */
void progress_total(struct progress *p, uint32_t total);
void progress_count(struct progress *p, uint32_t done);
void progress_end(struct progress *p);

#endif
