/* SPDX-License-Identifier: Apache-2.0 */
/* screen: the terminal while something is drawn on it over and over. */
#ifndef CLOUDSEED_CLI_WATCH_SCREEN_H
#define CLOUDSEED_CLI_WATCH_SCREEN_H

#include "base/str.h"

/* Whether standard output is a terminal that can be drawn on. */
bool screen_can(void);

/* Takes the whole terminal: another page, no cursor, keys one by one. Signals that end us are held
 * (cli/interrupt.h). */
void screen_begin(void);
/* Gives it back as it was. */
void screen_end(void);

void screen_size(uint32_t *ret_rows, uint32_t *ret_columns);
/* Puts the frame (lines with "\n" between them) in place of what is there. */
void screen_draw(struct str frame);
/* What keys were pressed since; never waits. False where there will be none any more. */
bool screen_keys(char *to, size_t size, size_t *ret_n);

#endif
