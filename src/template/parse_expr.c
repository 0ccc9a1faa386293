/* SPDX-License-Identifier: Apache-2.0 */
#include "template/ast.h"
#include "template/parser.h"

static struct expr *parse_unary(struct parser *p, bool with_filter);

static bool ends_tuple(const struct parser *p)
{
    return p->tok.kind == TOKEN_PRINT_END || p->tok.kind == TOKEN_BLOCK_END ||
           parser_is_operator(p, ")");
}

/* The rest of a tuple whose first item, `first`, is followed by a comma; or the empty one. */
static struct expr *parse_tuple_items(struct parser *p, uint32_t at, struct expr *first, bool cond)
{
    struct expr *e = parse_node(p, EXPR_TUPLE, at);
    if (first && !parse_item(p, e, first))
        return NULL;
    while (parser_is_operator(p, ",")) {
        parser_next(p);
        if (ends_tuple(p))
            break;
        if (!parse_item(p, e, cond ? parse_expression(p) : parse_or(p)))
            return NULL;
    }
    return e;
}

struct expr *parse_tuple(struct parser *p, bool cond)
{
    uint32_t at = p->tok.at;
    if (ends_tuple(p)) {
        parser_unexpected(p, "an expression");
        return NULL;
    }
    struct expr *first = cond ? parse_expression(p) : parse_or(p);
    if (!first || !parser_is_operator(p, ","))
        return first;
    return parse_tuple_items(p, at, first, cond);
}

/* --- Operators ------------------------------------------------------------------------------ */

static struct expr *parse_filters(struct parser *p, struct expr *e)
{
    while (e) {
        if (parser_is_operator(p, "|"))
            e = parse_filter(p, e);
        else if (parser_is_word(p, "is"))
            e = parse_test(p, e);
        else if (parser_is_operator(p, "("))
            e = parse_call(p, e);
        else
            break;
    }
    return e;
}

static struct expr *parse_unary(struct parser *p, bool with_filter)
{
    if (!parser_enter(p))
        return NULL;
    uint32_t at = p->tok.at;
    struct expr *e;
    if (parser_is_operator(p, "-") || parser_is_operator(p, "+")) {
        enum op op = parser_is_operator(p, "-") ? OP_NEG : OP_POS;
        parser_next(p);
        e = parse_unary(p, false);
        e = e ? parse_join(p, EXPR_UNARY, at, op, e, NULL) : NULL;
    } else {
        e = parse_primary(p);
    }
    e = parse_postfix(p, e);
    if (with_filter)
        e = parse_filters(p, e);
    parser_leave(p);
    return e;
}

struct level {
    const char *text;
    enum op op;
};

/* Which of the operators the token is; -1 for none. */
static int match_level(const struct parser *p, const struct level *levels, int n)
{
    for (int i = 0; i < n; i++) {
        if (parser_is_operator(p, levels[i].text))
            return i;
    }
    return -1;
}

/* Jinja2's ** binds to the left, as ours does. */
static struct expr *parse_pow(struct parser *p)
{
    struct expr *left = parse_unary(p, true);
    while (left && parser_is_operator(p, "**")) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = parse_unary(p, true);
        left = right ? parse_join(p, EXPR_BINARY, at, OP_POW, left, right) : NULL;
    }
    return left;
}

static struct expr *parse_product(struct parser *p)
{
    static const struct level levels[] = {
        {"*", OP_MUL}, {"/", OP_DIV}, {"//", OP_FLOORDIV}, {"%", OP_MOD}};
    struct expr *left = parse_pow(p);
    int i;
    while (left && (i = match_level(p, levels, 4)) >= 0) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = parse_pow(p);
        left = right ? parse_join(p, EXPR_BINARY, at, levels[i].op, left, right) : NULL;
    }
    return left;
}

/* "~" binds tighter than "+": that is how Jinja2 has it. */
static struct expr *parse_concat(struct parser *p)
{
    struct expr *first = parse_product(p);
    if (!first || !parser_is_operator(p, "~"))
        return first;
    struct expr *e = parse_node(p, EXPR_CONCAT, p->tok.at);
    if (!parse_item(p, e, first))
        return NULL;
    while (parser_skip(p, TOKEN_OPERATOR, "~")) {
        if (!parse_item(p, e, parse_product(p)))
            return NULL;
    }
    return e;
}

static struct expr *parse_sum(struct parser *p)
{
    static const struct level levels[] = {{"+", OP_ADD}, {"-", OP_SUB}};
    struct expr *left = parse_concat(p);
    int i;
    while (left && (i = match_level(p, levels, 2)) >= 0) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = parse_concat(p);
        left = right ? parse_join(p, EXPR_BINARY, at, levels[i].op, left, right) : NULL;
    }
    return left;
}

/* The comparison that stands here, skipped; -1 for none. */
static int take_comparison(struct parser *p)
{
    static const struct level levels[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<", OP_LT},
                                          {"<=", OP_LE}, {">", OP_GT},  {">=", OP_GE}};
    int i = match_level(p, levels, 6);
    if (i >= 0) {
        parser_next(p);
        return (int)levels[i].op;
    }
    if (parser_skip(p, TOKEN_NAME, "in"))
        return OP_IN;
    if (!parser_is_word(p, "not") || !token_is(parser_look(p), TOKEN_NAME, "in"))
        return -1;
    parser_next(p);
    parser_next(p);
    return OP_NOT_IN;
}

static struct expr *parse_compare(struct parser *p)
{
    struct expr *first = parse_sum(p);
    if (!first)
        return NULL;
    uint32_t at = p->tok.at;
    struct expr *e = NULL;
    uint8_t ops[AST_DEPTH_MAX];
    for (int op; (op = take_comparison(p)) >= 0;) {
        if (!e) {
            e = parse_node(p, EXPR_COMPARE, at);
            if (!parse_item(p, e, first))
                return NULL;
        }
        if (e->n == AST_DEPTH_MAX) {
            parser_fail(p, p->tok.at, "too many comparisons in a row");
            return NULL;
        }
        ops[e->n] = (uint8_t)op;
        if (!parse_item(p, e, parse_sum(p)))
            return NULL;
    }
    if (!e)
        return first;
    e->ops = arena_alloc(p->arena, e->n);
    e->ops[0] = 0;
    memcpy(e->ops + 1, ops + 1, e->n - 1);
    return e;
}

static struct expr *parse_not(struct parser *p)
{
    if (!parser_is_word(p, "not"))
        return parse_compare(p);
    if (!parser_enter(p))
        return NULL;
    uint32_t at = p->tok.at;
    parser_next(p);
    struct expr *e = parse_not(p);
    parser_leave(p);
    return e ? parse_join(p, EXPR_NOT, at, 0, e, NULL) : NULL;
}

static struct expr *parse_and(struct parser *p)
{
    struct expr *left = parse_not(p);
    while (left && parser_is_word(p, "and")) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = parse_not(p);
        left = right ? parse_join(p, EXPR_AND, at, 0, left, right) : NULL;
    }
    return left;
}

struct expr *parse_or(struct parser *p)
{
    struct expr *left = parse_and(p);
    while (left && parser_is_word(p, "or")) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = parse_and(p);
        left = right ? parse_join(p, EXPR_OR, at, 0, left, right) : NULL;
    }
    return left;
}

static struct expr *parse_cond(struct parser *p, struct expr *value)
{
    struct expr *e = parse_node(p, EXPR_COND, p->tok.at);
    parser_next(p);
    e->a = value;
    e->b = parse_or(p);
    if (!e->b)
        return NULL;
    if (parser_skip(p, TOKEN_NAME, "else")) {
        e->c = parse_expression(p);
        if (!e->c)
            return NULL;
    }
    return parse_child(p, e, e->a) && parse_child(p, e, e->b) && parse_child(p, e, e->c) ? e : NULL;
}

struct expr *parse_expression(struct parser *p)
{
    if (!parser_enter(p))
        return NULL;
    struct expr *e = parse_or(p);
    while (e && parser_is_word(p, "if"))
        e = parse_cond(p, e);
    parser_leave(p);
    return e;
}
