/* SPDX-License-Identifier: Apache-2.0 */
/* term: text for a terminal: colours, widths, and escaping of untrusted text. */
#ifndef CLOUDSEED_CLI_COMMON_TERM_H
#define CLOUDSEED_CLI_COMMON_TERM_H

#include "base/arena.h"
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

/* Whether `fd` is a terminal that understands escape sequences. */
bool term_is_capable(int fd);

/* The columns of a line: what COLUMNS says, else those of the terminal; 0 if `fd` is none. */
size_t term_columns(int fd);

/* "auto", "always", "never". */
bool term_when_valid(const char *when);
/* Whether to use colours on `fd`. `when` NULL means auto: if it is a terminal that supports them
 * and NO_COLOR is unset (no-color.org). */
bool term_color(const char *when, int fd);

/* Whether `s` consists of printable ASCII: it needs no escaping, and each byte fills a column. */
bool term_is_ascii(struct str s);
/* The number of columns that `s` occupies. */
size_t term_width(struct str s);
/* The longest beginning of `s` that fits in that many columns. */
struct str term_head(struct str s, size_t columns);
/* The same, but if it is cut, whole words if one fits; not empty unless `s` is. */
struct str term_words(struct str s, size_t columns);

/* Appends text with unprintable characters as \n, \x1b, \u202e, and invalid UTF-8 as \xNN. Unlike
 * buf_escaped it leaves quotes and backslashes alone. */
void term_text(struct buf *b, struct str s);
/* The same, in the arena. */
struct str term_safe(struct str s, struct arena *a);
/* Appends text with the same width, tabs unchanged, unprintable characters as U+FFFD. */
void term_line(struct buf *b, struct str s);
/* Appends equivalent JSON with unprintable characters in strings as \uXXXX. */
void term_json(struct buf *b, struct str json);

#endif
