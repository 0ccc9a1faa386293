/* SPDX-License-Identifier: Apache-2.0 */
/* frame: the table that `watch` shows, made to fit a terminal. Pure: it asks for no time or size.
 */
#ifndef CLOUDSEED_CLI_WATCH_FRAME_H
#define CLOUDSEED_CLI_WATCH_FRAME_H

#include "cli/watch/tracker.h"

struct frame {
    uint32_t rows, columns; /* of the terminal */
    int64_t now_ms;
    bool color;
    bool last;           /* nothing follows: all nodes, whatever the rows */
    const char *trouble; /* why the server is not heard just now; NULL: it is */
};

/* Appends the lines, each with what clears the rest of it, and "\n" between them. They are never
 * more than the rows, and never wider than the columns. */
void frame_write(const struct frame *f, const struct tracker *t, struct buf *out);

#endif
