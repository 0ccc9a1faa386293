/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser: tokens to a tree, by the grammar of Jinja2's own parser.
 *
 * A fault does not end the parsing: it goes on behind the tag. What Jinja2 has and we lack is
 * refused by name. It resolves filters, tests and methods, but no variable: scope.h does.
 */
#ifndef CLOUDSEED_TEMPLATE_PARSER_H
#define CLOUDSEED_TEMPLATE_PARSER_H

#include "base/intern.h"
#include "template/lexer.h"
#include "template/stmt.h"

struct template;

struct parser {
    struct template *t;
    struct arena *arena;
    struct intern *names;
    struct faults *faults;
    struct lexer lx;
    struct token tok, ahead;
    bool has_ahead;
    unsigned depth;     /* of recursion */
    unsigned loop_uses; /* times that `loop` was spoken of */
    unsigned faults_n;
};

/* Parses t->source into t->body; false after faults. */
bool parser_run(struct template *t, struct arena *a, struct intern *names, struct faults *faults);

/* --- Between the files parser.c and parse_*.c: all return false or NULL after a fault. ------- */

bool parser_fail(struct parser *p, uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Says what was found in place of `expected`. */
bool parser_unexpected(struct parser *p, const char *expected);
void parser_next(struct parser *p);
const struct token *parser_look(struct parser *p);
bool parser_skip(struct parser *p, enum token_kind kind, const char *text);
bool parser_expect(struct parser *p, enum token_kind kind, const char *text);
/* The end of a tag: TOKEN_BLOCK_END or TOKEN_PRINT_END. */
bool parser_expect_end(struct parser *p, enum token_kind kind);
/* After a fault: goes on behind the tag. */
void parser_recover(struct parser *p);
/* Counts one more level of recursion; each success needs a parser_leave. */
bool parser_enter(struct parser *p);
void parser_leave(struct parser *p);

static inline bool parser_is_word(const struct parser *p, const char *word)
{
    return token_is(&p->tok, TOKEN_NAME, word);
}

static inline bool parser_is_operator(const struct parser *p, const char *op)
{
    return token_is(&p->tok, TOKEN_OPERATOR, op);
}

/* parser.c: up to a tag whose name is one of `ends` (it is then the current token), or to the
 * template's end where there are none. False where the end came too early. */
bool parse_block(struct parser *p, struct block *body, const char *const *ends, uint32_t opened_at);

/* parse_stmt.c: a tag, from its name on, with all that belongs to it. */
bool parse_statement(struct parser *p, struct stmt *s);

/* parse_expr.c: Jinja2's parse_tuple: "a" or "a, b"; `cond`: inline if is allowed at the top. */
struct expr *parse_tuple(struct parser *p, bool cond);
struct expr *parse_expression(struct parser *p);
struct expr *parse_or(struct parser *p);

/* parse_primary.c: literals, names, lists, mappings and what is in parentheses. */
struct expr *parse_primary(struct parser *p);
/* A name that can be assigned to. */
bool parse_name(struct parser *p, struct str *ret);
struct expr *parse_number(struct parser *p);
struct expr *parse_node(struct parser *p, enum expr_kind kind, uint32_t at);
/* Evaluation recurses as deep as the tree: false where it is too deep with this child. */
bool parse_child(struct parser *p, struct expr *e, const struct expr *child);
/* An expression of two others, or of one. */
struct expr *parse_join(struct parser *p, enum expr_kind kind, uint32_t at, enum op op,
                        struct expr *a, struct expr *b);
/* Appends to e->items. */
bool parse_item(struct parser *p, struct expr *e, struct expr *item);

/* parse_call.c: from the "|", the "is", the "(" on. */
struct expr *parse_filter(struct parser *p, struct expr *on);
struct expr *parse_test(struct parser *p, struct expr *on);
struct expr *parse_call(struct parser *p, struct expr *e);
/* "a.b", "a[b]" and "a(b)", any number of them. */
struct expr *parse_postfix(struct parser *p, struct expr *e);

#endif
