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
    unsigned loop_uses; /* times that `loop` was spoken of */
    unsigned faults_n;
};

/* Parses t->source into t->body; false after faults. */
bool parser_run(struct template *t, struct arena *a, struct intern *names, struct faults *faults);

/* --- Between parser.c and parse_expr.c: all return false or NULL after a fault. ------------- */

bool parser_fail(struct parser *p, uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Says what was found in place of `expected`. */
bool parser_unexpected(struct parser *p, const char *expected);
void parser_next(struct parser *p);
const struct token *parser_look(struct parser *p);
bool parser_skip(struct parser *p, enum token_kind kind, const char *text);
bool parser_expect(struct parser *p, enum token_kind kind, const char *text);
/* Counts one more level of recursion; each success needs a parser_leave. */
bool parser_enter(struct parser *p);
void parser_leave(struct parser *p);

/* Jinja2's parse_tuple: "a" or "a, b"; `cond`: inline if is allowed at the top. */
struct expr *parse_tuple(struct parser *p, bool cond);
struct expr *parse_expression(struct parser *p);
/* A name that can be assigned to. */
bool parse_name(struct parser *p, struct str *ret);

#endif
