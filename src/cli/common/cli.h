/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: one run of the tool: its command line, its messages and its exit status.
 *
 * Commands print their result to standard output, everything else to standard error.
 */
#ifndef CLOUDSEED_CLI_COMMON_CLI_H
#define CLOUDSEED_CLI_COMMON_CLI_H

#include "base/arena.h"
#include "base/value.h"
#include "cli/command.h"

/* The exit status. */
enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,  /* the command failed, or `check` found errors */
    CLI_DIFFERS = 2, /* `diff` found changes */
    CLI_LATE = 3,    /* `wait`: --timeout has passed */
    CLI_MISUSED = 64 /* wrong command line: nothing was done (EX_USAGE) */
};

struct cli {
    const struct command *command; /* NULL until it is known */
    struct flags flags;
    const char *const *words; /* the arguments that are not options */
    const char *const *operands;
    size_t operands_n;
    bool color_out, color_err;
    struct arena arena; /* freed at the end of the run */
};

/* Prints the reason to standard error, as one line "cloudseed: …"; returns CLI_FAILED. */
int cli_fail(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, followed by a line that points to the help; returns CLI_MISUSED. */
int cli_misuse(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints "cloudseed: note: …" to standard error. */
void cli_note(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints a line, with characters that are unsafe for a terminal escaped as term_text does. */
void cli_print_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* All of standard input. -EFBIG beyond max_bytes. */
int cli_read_input(size_t max_bytes, struct arena *a, struct str *ret, struct err *e);

/* Prints a value as JSON, with characters that are unsafe for a terminal escaped. */
void cli_print_json(struct value v);
/* The same on one line. */
void cli_print_json_line(struct value v);

/* The same for a list, item by item, so that it need not fit in memory. Initialize with zeros. */
struct cli_list {
    size_t n; /* items so far */
};
void cli_list_item(struct cli_list *l, struct value v);
void cli_list_end(const struct cli_list *l);

/* --- Interrupts ----------------------------------------------------------------------------- */

/* Postpones SIGINT, SIGTERM and SIGHUP, except those that were ignored, until cli_signals_release.
 */
void cli_signals_hold(void);
/* Whether one has arrived: long work checks this and stops. */
bool cli_interrupted(void);
/* Restores the signals' effect; one that has arrived ends the process here. */
void cli_signals_release(void);

#endif
