/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey: looks through a whole state file that nobody uses: whether it can be used, and what is in
 * it.
 *
 * The file is opened as a server would open it: an older layout is brought up to date, so that it
 * is known that it can be.
 */
#ifndef CLOUDSEED_STORE_SQLITE_SURVEY_H
#define CLOUDSEED_STORE_SQLITE_SURVEY_H

#include "port/store.h"

struct survey {
    uint64_t revision;
    uint64_t events;
    uint64_t newest_ms; /* when the newest event was; 0: there is none */
};

/* Calls `on_record` for each record. What is not ours, empty, damaged or newer is refused. */
int sqlite_survey(const char *path, store_on_record on_record, void *cls, struct survey *ret,
                  struct err *e);

#endif
