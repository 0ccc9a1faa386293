/* SPDX-License-Identifier: Apache-2.0 */
/* maker: a block of a folded template in the making. What is folded, and why, is not known here. */
#ifndef CLOUDSEED_TEMPLATE_MAKER_H
#define CLOUDSEED_TEMPLATE_MAKER_H

#include "base/arena.h"
#include "base/buf.h"
#include "template/stmt.h"

#define MAKER_TEXT_MAX_BYTES ((size_t)1 << 20)

struct fold;

/* Text is gathered until something else follows. */
struct maker {
    struct fold *f;
    struct arena *arena;
    struct block b;
    struct buf text;
    uint32_t text_at; /* of the first statement that wrote it */
};

void maker_init(struct maker *m, struct fold *f, struct arena *arena);
/* What came of it; ends the maker. */
struct block maker_end(struct maker *m);

/* Before the text that is gathered, or behind it. */
void maker_append(struct maker *m, struct stmt s);
void maker_keep(struct maker *m, struct stmt s);

/* Whether it has come to nothing but text: what is given to names then, nobody reads. */
bool maker_is_text(const struct maker *m);

#endif
