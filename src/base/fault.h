/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault: what is wrong in a file, and where.
 *
 * A loader reports every fault that it finds and continues; its caller shows them all, in the order
 * of their places. A fault says what to do, not only what is wrong.
 */
#ifndef CLOUDSEED_BASE_FAULT_H
#define CLOUDSEED_BASE_FAULT_H

#include "base/arena.h"

/* Line and column count from 1, columns in characters; line 0 means the file as a whole. */
struct place {
    const char *file; /* as the user would open it; lives as long as the place */
    uint32_t line;
    uint32_t column;
};

struct fault {
    struct place at;
    const char *msg;     /* one line */
    const char *excerpt; /* the source line and a caret below it, or NULL */
    const char *owner; /* the name of what it belongs to, where the place does not tell; or NULL */
    const char *part;  /* the part of the owner, or NULL */
    bool warning;      /* does not stop the loading */
};

#define FAULTS_KEPT_MAX 1000

struct faults {
    struct arena arena;
    struct fault *list; /* at most FAULTS_KEPT_MAX */
    size_t kept;
    size_t errors; /* all that were reported, even if not kept */
    size_t warnings;
    const char *owner, *part; /* of the faults that are reported next; copied into each */
};

void faults_init(struct faults *fs);
void faults_done(struct faults *fs);

/* Reports an error; text and place are copied. `file` may be NULL for an error of no file. */
void fault_add(struct faults *fs, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void fault_warn(struct faults *fs, struct place at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with the source line: `excerpt` is printed below the message, as it is. */
void fault_add_excerpt(struct faults *fs, struct place at, const char *excerpt, const char *fmt,
                       ...) __attribute__((format(printf, 4, 5)));
void fault_warn_excerpt(struct faults *fs, struct place at, const char *excerpt, const char *fmt,
                        ...) __attribute__((format(printf, 4, 5)));

/* By file, line and column; faults at the same place keep their order. */
void faults_sort(struct faults *fs);

#endif
