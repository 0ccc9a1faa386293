/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser: tokens to a tree, by the grammar of Jinja2's own parser.
 *
 * A fault does not end the parsing: it continues behind the tag. What Jinja2 has and this subset
 * lacks is refused by name. It resolves filters, tests and methods, but no variable: scope.c does.
 */
#ifndef CLOUDSEED_TEMPLATE_PARSER_H
#define CLOUDSEED_TEMPLATE_PARSER_H

#include "base/intern.h"
#include "template/ast.h"
#include "template/lexer.h"

struct parser {
    struct template *t;
    struct arena *arena;
    struct intern *names;
    struct faults *faults;
    struct lexer lx;
    struct token tok, ahead;
    bool has_ahead;
    unsigned depth;     /* of recursion */
    unsigned loop_uses; /* how often `loop` was mentioned */
    unsigned faults_n;
};

/* Parses t->source into t->body; false after faults. */
bool parser_run(struct template *t, struct arena *a, struct intern *names, struct faults *faults);

/* --- Between parser.c and parse_expr.c: all return false or NULL after a fault -------------- */

bool parser_fail(struct parser *p, uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Reports what was found in place of `expected`. */
bool parser_unexpected(struct parser *p, const char *expected);

void parser_next(struct parser *p);
const struct token *parser_look(struct parser *p);
bool parser_skip(struct parser *p, enum token_kind kind, const char *text);
bool parser_expect(struct parser *p, enum token_kind kind, const char *text);
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

/* Jinja2's parse_tuple: "a" or "a, b"; `cond`: an inline if is allowed at the top. */
struct expr *parse_tuple(struct parser *p, bool cond);
struct expr *parse_expression(struct parser *p);
/* A name that can be assigned to, or a constant's. */
bool parse_name(struct parser *p, struct str *ret);
/* Whether a name stands for a constant: true, True, none and so on. */
bool parse_is_constant(struct str name, struct value *ret);

#endif
