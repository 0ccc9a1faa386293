/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call: one call of the tool: what was asked, and how it ends.
 *
 * Everything that a command needs of the outside comes to it through this. Its result goes to
 * standard output, everything else to standard error.
 */
#ifndef CLOUDSEED_CLI_COMMON_CALL_H
#define CLOUDSEED_CLI_COMMON_CALL_H

#include "base/arena.h"
#include "base/value.h"
#include "cli/command.h"

/* The exit status. */
enum call_status {
    CALL_OK = 0,
    CALL_FAILED = 1,  /* what was asked for could not be done, or `check` found errors */
    CALL_DIFFERS = 2, /* `diff` found changes */
    CALL_LATE = 3,    /* `wait`: it did not come in time */
    CALL_MISUSED = 64 /* the command line is wrong: nothing was tried (EX_USAGE) */
};

struct call {
    const struct command *command; /* NULL until it is known */
    struct flags flags;
    const char *const *words; /* of the command line, without options */
    const char *const *operands;
    size_t operands_n;
    bool color_out, color_err;
    struct arena arena; /* lives as long as the call */
};

/* Says why on standard error, as one line "cloudseed: …"; returns CALL_FAILED. */
int call_fail(const struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with a line that points to the help; returns CALL_MISUSED. */
int call_misuse(const struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "cloudseed: note: …"; what was asked is done all the same. */
void call_note(const struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints a value as JSON, safe for a terminal. */
void call_print_json(struct value v);
/* The same on one line. */
void call_print_json_line(struct value v);

/* The same for a list that is too long to be made as one value. All zero it is ready. */
struct call_list {
    size_t n; /* items so far */
};
void call_list_item(struct call_list *l, struct value v);
void call_list_end(const struct call_list *l);

#endif
