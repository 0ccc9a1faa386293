/* SPDX-License-Identifier: Apache-2.0 */
/* hunks: what diff(1) says of many pairs of texts, asked at once. */
#ifndef CLOUDSEED_CLI_DIFF_HUNKS_H
#define CLOUDSEED_CLI_DIFF_HUNKS_H

#include "base/err.h"
#include "base/str.h"

struct hunks {
    const char *folder; /* ours to write in */
    uint32_t n;         /* pairs that wait */
    size_t bytes;       /* in them */
};

/* Lets a pair wait; its number is what `n` was. A text whose p is NULL is none, as diff's
 * --new-file takes it. */
int hunks_add(struct hunks *h, struct str before, struct str now, struct err *e);

/* Asks diff of all that wait: on_hunks gets each one's hunks in the unified format, from the first
 * "@@" on. Nothing waits afterwards. */
int hunks_take(struct hunks *h, void (*on_hunks)(void *cls, uint32_t number, struct str hunks),
               void *cls, struct err *e);

#endif
