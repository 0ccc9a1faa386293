/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexer: the text of a template as tokens, by the rules of Jinja2's own lexer with trim_blocks,
 * lstrip_blocks and keep_trailing_newline.
 *
 * It decides what is text and what is a tag, and which white space around tags goes. It knows no
 * grammar. Tokens point into the source.
 */
#ifndef CLOUDSEED_TEMPLATE_LEXER_H
#define CLOUDSEED_TEMPLATE_LEXER_H

#include "base/arena.h"

enum token_kind {
    TOKEN_END,   /* of the template */
    TOKEN_ERROR, /* lexer.error says what; call lexer_recover before the next one */
    TOKEN_DATA,
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_PRINT_BEGIN,
    TOKEN_PRINT_END,
    TOKEN_NAME,
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_STRING, /* text is with its quotes */
    TOKEN_OPERATOR,
};

struct token {
    enum token_kind kind;
    uint32_t at; /* offset in the source */
    struct str text;
};

#define LEXER_BALANCE_MAX 200

struct lexer {
    struct str src; /* newlines are \n already */
    size_t pos;
    enum { LEXER_ROOT, LEXER_BLOCK, LEXER_PRINT } state;
    struct token queue[2]; /* what one step found beyond its first token */
    unsigned queued;
    uint32_t tag_at; /* where the current tag begins */
    unsigned balance;
    char open[LEXER_BALANCE_MAX]; /* closing brackets that are due */
    const char *error;            /* one line */
    uint32_t error_at;
};

void lexer_init(struct lexer *lx, struct str src);
void lexer_next(struct lexer *lx, struct token *ret);
/* Skips the rest of the current tag, whatever is in it. */
void lexer_recover(struct lexer *lx);

static inline bool token_is(const struct token *t, enum token_kind kind, const char *text)
{
    return t->kind == kind && str_is(t->text, text);
}

/* What a token's text means, by Python's rules. Each returns NULL, or what is wrong in one line. */

/* Decimal, 0x, 0o and 0b, with underscores. */
const char *lexer_read_integer(struct str text, int64_t *ret);
const char *lexer_read_float(struct str text, double *ret);
/* `text` is with its quotes; Python's escapes but \N{…}. */
const char *lexer_read_string(struct str text, struct arena *a, struct str *ret);

#endif
