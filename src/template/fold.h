/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: what the files of folding share: fold.c follows the statements, fold_output.c makes blocks
 * and takes outputs apart.
 */
#ifndef CLOUDSEED_TEMPLATE_FOLD_H
#define CLOUDSEED_TEMPLATE_FOLD_H

#include "template/const_env.h"

struct fold {
    struct run run;
    const struct template_scope *scope;
    struct const_env *env;                /* of the template at work */
    const struct template_marker *marker; /* NULL: none */
    struct arena *arena;                  /* of what stays */
    struct arena scratch;                 /* of what is computed */
    struct arena values;                  /* of what names are given */
    size_t texts_left;
    struct template_fault fault;
};

#define FOLD_TEXT_MAX_BYTES ((size_t)1 << 20) /* of one block */

/* Before something is computed. */
void fold_prepare(struct fold *f, struct buf *out);
/* A value that an expression can stand for without computing it. */
bool fold_is_plain(struct value v);

/* --- Blocks in the making ------------------------------------------------------------------ */

/* Text is gathered until something else follows. */
struct block_builder {
    struct fold *f;
    struct block_builder *outer; /* of the template that includes this one; NULL: none */
    struct block b;
    struct buf text;
    uint32_t text_at; /* of the first statement that wrote it */
    bool is_begun;    /* `b` writes something */
    /* A set with a block, whose place in `b` is still open: only text has followed. */
    const struct stmt *held;
};

void builder_init(struct block_builder *m, struct fold *f);
/* The finished block; ends the builder. */
struct block builder_end(struct block_builder *m);
/* Appends text. */
void builder_text(struct block_builder *m, uint32_t at, struct str text);
/* Appends behind the text that is gathered. */
void builder_keep(struct block_builder *m, struct stmt s);
/* Appends a set, which may stand before the text that is gathered: it only gives names their
 * values. With builder_hold it may also vanish, if what it sets is written at once. */
void builder_keep_set(struct block_builder *m, struct stmt s);
void builder_hold(struct block_builder *m, const struct stmt *s);
/* Whether only text came of it: nothing reads then what was given to names. */
bool builder_is_text(const struct block_builder *m);

/* --- Outputs ------------------------------------------------------------------------------- */

/* Appends an output, or what comes of it: text where something in it is constant. */
void fold_output(struct block_builder *m, const struct stmt *s);

#endif
