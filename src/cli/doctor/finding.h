/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: what a step of `cloudseed doctor` found, and how findings are printed.
 */
#ifndef CLOUDSEED_CLI_DOCTOR_FINDING_H
#define CLOUDSEED_CLI_DOCTOR_FINDING_H

#include "base/json.h"
#include "cli/common/cli.h"

enum verdict { FINDING_OK, FINDING_WRONG, FINDING_UNSEEN };

/* Texts live in the arena of the step that made them. */
struct finding {
    enum verdict verdict;
    struct str what; /* what is so; why it was not looked at */
    struct str how;  /* what fixes it, in the imperative; empty unless it is wrong */
};

struct finding finding_ok(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct finding finding_wrong(struct arena *a, struct str how, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct finding finding_unseen(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

struct finding_list {
    const char **steps; /* their names */
    struct finding *list;
    size_t n, room;
    struct arena *arena;
};

void finding_add(struct finding_list *l, const char *step, struct finding f);

/* Prints them in their order, the first that is wrong once more at the end; or as JSON, with
 * `about` first. CLI_FAILED if any is wrong. */
int finding_print(struct cli *c, const struct finding_list *l, const struct value_pair *about,
                  size_t about_n);

#endif
