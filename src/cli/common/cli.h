/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: one call of the tool: what was asked, and how it ends.
 *
 * Everything that a command needs of the outside comes to it through this. Its result goes to
 * standard output, everything else to standard error.
 */
#ifndef CLOUDSEED_CLI_COMMON_CLI_H
#define CLOUDSEED_CLI_COMMON_CLI_H

#include "base/arena.h"
#include "base/value.h"
#include "cli/command.h"

/* The exit status. */
enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,  /* what was asked for could not be done, or `check` found errors */
    CLI_DIFFERS = 2, /* `diff` found changes */
    CLI_LATE = 3,    /* `wait`: it did not come in time */
    CLI_MISUSED = 64 /* the command line is wrong: nothing was tried (EX_USAGE) */
};

struct cli {
    const struct command *command; /* NULL until it is known */
    struct flags flags;
    const char *const *words; /* of the command line, without options */
    const char *const *operands;
    size_t operands_n;
    bool color_out, color_err;
    struct arena arena; /* lives as long as the call */
};

/* Says why on standard error, as one line "cloudseed: …"; returns CLI_FAILED. */
int cli_fail(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with a line that points to the help; returns CLI_MISUSED. */
int cli_misuse(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "cloudseed: note: …"; what was asked is done all the same. */
void cli_note(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints a value as JSON, safe for a terminal. */
void cli_print_json(struct value v);
/* The same on one line. */
void cli_print_json_line(struct value v);

/* The same for a list that is too long to be made as one value. All zero it is ready. */
struct cli_list {
    size_t n; /* items so far */
};
void cli_list_item(struct cli_list *l, struct value v);
void cli_list_end(const struct cli_list *l);

/* --- Interrupts --------------------------------------------------------------------------------
 */

/* From now on SIGINT, SIGTERM and SIGHUP are only noted; those that were ignored still are. */
void interrupt_hold(void);
/* Whether one came: whoever works for long asks, and gives up. */
bool interrupt_came(void);
/* They have their meaning back: the one that came ends the process. */
void interrupt_release(void);

#endif
