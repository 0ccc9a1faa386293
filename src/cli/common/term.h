/* SPDX-License-Identifier: Apache-2.0 */
/* term: what may be shown on a terminal: colours, and text of strangers. */
#ifndef CLOUDSEED_CLI_COMMON_TERM_H
#define CLOUDSEED_CLI_COMMON_TERM_H

#include "base/buf.h"

#define TERM_BOLD "\033[1m"
#define TERM_RED "\033[1;31m"
#define TERM_YELLOW "\033[1;33m"
#define TERM_CARET "\033[32m"
#define TERM_DIM "\033[2m"
#define TERM_GONE "\033[31m"
#define TERM_COME "\033[32m"
#define TERM_PLACE "\033[36m"
#define TERM_PLAIN "\033[0m"

/* "auto", "always", "never". */
bool term_when_valid(const char *when);
/* Whether to use colours on `fd`. `when` NULL means auto: on a terminal that knows them, unless
 * NO_COLOR is set (no-color.org). */
bool term_color(const char *when, int fd);

/* The columns that `s` takes. */
size_t term_width(struct str s);
/* The beginning of `s` that takes no more of them. */
struct str term_head(struct str s, size_t columns);

/* Appends text for a terminal: whatever is no printable character comes as \n, \x1b, \u202e; one
 * that is no UTF-8 as \xNN. Other than buf_escaped it leaves quotes and backslashes alone. */
void term_text(struct buf *b, struct str s);
/* The same in the same number of columns, tabs as they are: each such character comes as U+FFFD. */
void term_line(struct buf *b, struct str s);
/* JSON that says the same, with what is no printable character in its strings as \uXXXX. */
void term_json(struct buf *b, struct str json);

#endif
