/* SPDX-License-Identifier: Apache-2.0 */
/* seen: places that were reported, so that a thousand nodes with one mistake make one line. */
#ifndef CLOUDSEED_RENDER_SEEN_H
#define CLOUDSEED_RENDER_SEEN_H

#include "base/fault.h"
#include "base/map.h"

struct seen {
    struct arena arena;
    struct seen_place *list;
    uint32_t n, room;
    uint32_t round;
    struct map map;
};

void seen_init(struct seen *s);
void seen_done(struct seen *s);

/* Whether something may be reported there: not where an earlier round reported something. */
bool seen_put(struct seen *s, struct place at);
/* The next document is another round. */
void seen_next(struct seen *s);

#endif
