/* SPDX-License-Identifier: Apache-2.0 */
#include "template/ast.h"
#include "template/literal.h"
#include "template/parser.h"

#define ITEMS_MAX 100000

/* --- Nodes --------------------------------------------------------------------------------- */

struct expr *parse_node(struct parser *p, enum expr_kind kind, uint32_t at)
{
    struct expr *e = ARENA_NEW(p->arena, struct expr);
    e->kind = (uint8_t)kind;
    e->at = at;
    e->depth = 1;
    return e;
}

/* Evaluation recurses as deep as the tree: chains such as "a + b + c …" must end somewhere. */
bool parse_child(struct parser *p, struct expr *e, const struct expr *child)
{
    if (child && child->depth >= e->depth)
        e->depth = (uint16_t)(child->depth + 1);
    return e->depth <= AST_DEPTH_MAX ||
           parser_fail(p, e->at, "this expression is nested too deeply");
}

struct expr *parse_join(struct parser *p, enum expr_kind kind, uint32_t at, enum op op,
                        struct expr *a, struct expr *b)
{
    struct expr *e = parse_node(p, kind, at);
    e->op = (uint8_t)op;
    e->a = a;
    e->b = b;
    return parse_child(p, e, a) && parse_child(p, e, b) ? e : NULL;
}

/* Appends to e->items; room doubles at powers of two. */
bool parse_item(struct parser *p, struct expr *e, struct expr *item)
{
    if (!item || !parse_child(p, e, item))
        return false;
    if (e->n == ITEMS_MAX)
        return parser_fail(p, item->at, "more than %d items", ITEMS_MAX);
    if ((e->n & (e->n - 1)) == 0) {
        size_t room = e->n ? (size_t)e->n * 2 : 1;
        struct expr **items = ARENA_ARRAY(p->arena, struct expr *, room);
        if (e->n)
            memcpy(items, e->items, e->n * sizeof(struct expr *));
        e->items = items;
    }
    e->items[e->n++] = item;
    return true;
}

/* --- Literals ------------------------------------------------------------------------------ */

static struct expr *constant(struct parser *p, uint32_t at, struct value v)
{
    struct expr *e = parse_node(p, EXPR_CONST, at);
    e->constant = v;
    return e;
}

static bool is_reserved(struct str name)
{
    static const char *const words[] = {"if", "else", "elif",  "in",       "is",
                                        "or", "and",  "endif", "recursive"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_is(name, words[i]))
            return true;
    }
    return str_is(name, "not") || str_is(name, "for") || str_is(name, "endfor");
}

bool parse_name(struct parser *p, struct str *ret)
{
    if (p->tok.kind != TOKEN_NAME)
        return parser_unexpected(p, "a name");
    struct str name = p->tok.text;
    if (is_reserved(name))
        return parser_fail(p, p->tok.at, "'%.*s' is a word of the language, not a name",
                           STR_ARG(name));
    *ret = intern_str(p->names, name);
    parser_next(p);
    return true;
}

static struct expr *parse_name_or_constant(struct parser *p)
{
    struct str word = p->tok.text;
    uint32_t at = p->tok.at;
    bool yes = str_is(word, "true") || str_is(word, "True");
    bool no = str_is(word, "false") || str_is(word, "False");
    bool none = str_is(word, "none") || str_is(word, "None");
    if (yes || no || none) {
        parser_next(p);
        return constant(p, at, none ? value_none() : value_bool(yes));
    }
    struct expr *e = parse_node(p, EXPR_NAME, at);
    if (!parse_name(p, &e->name))
        return NULL;
    e->slot = AST_NO_SLOT;
    p->loop_uses += str_is(word, "loop");
    return e;
}

/* Strings that stand side by side are one. */
static struct expr *parse_strings(struct parser *p)
{
    uint32_t at = p->tok.at;
    struct str whole = {"", 0};
    while (p->tok.kind == TOKEN_STRING) {
        struct str part;
        const char *error = literal_string(p->tok.text, p->arena, &part);
        if (error) {
            parser_fail(p, p->tok.at, "%s", error);
            return NULL;
        }
        if (whole.n) {
            char *both = arena_alloc(p->arena, whole.n + part.n + 1);
            memcpy(both, whole.p, whole.n);
            memcpy(both + whole.n, part.p, part.n);
            part = (struct str){both, whole.n + part.n};
        }
        whole = part;
        parser_next(p);
    }
    return constant(p, at, value_str(whole));
}

struct expr *parse_number(struct parser *p)
{
    struct token tok = p->tok;
    struct value v;
    const char *error;
    if (tok.kind == TOKEN_INTEGER) {
        v = value_int(0);
        error = literal_integer(tok.text, &v.i);
    } else {
        v = value_float(0);
        error = literal_float(tok.text, &v.f);
    }
    if (error) {
        parser_fail(p, tok.at, "%s", error);
        return NULL;
    }
    parser_next(p);
    return constant(p, tok.at, v);
}

static struct expr *parse_list(struct parser *p)
{
    struct expr *e = parse_node(p, EXPR_LIST, p->tok.at);
    parser_next(p);
    while (!parser_is_operator(p, "]")) {
        if (e->n && !parser_expect(p, TOKEN_OPERATOR, ","))
            return NULL;
        if (parser_is_operator(p, "]"))
            break;
        if (!parse_item(p, e, parse_expression(p)))
            return NULL;
    }
    parser_next(p);
    return e;
}

static struct expr *parse_dict(struct parser *p)
{
    struct expr *e = parse_node(p, EXPR_DICT, p->tok.at);
    parser_next(p);
    while (!parser_is_operator(p, "}")) {
        if (e->n && !parser_expect(p, TOKEN_OPERATOR, ","))
            return NULL;
        if (parser_is_operator(p, "}"))
            break;
        if (!parse_item(p, e, parse_expression(p)) || !parser_expect(p, TOKEN_OPERATOR, ":") ||
            !parse_item(p, e, parse_expression(p)))
            return NULL;
    }
    parser_next(p);
    return e;
}

static struct expr *parse_parentheses(struct parser *p)
{
    uint32_t at = p->tok.at;
    parser_next(p);
    struct expr *e =
        parser_is_operator(p, ")") ? parse_node(p, EXPR_TUPLE, at) : parse_tuple(p, true);
    return e && parser_expect(p, TOKEN_OPERATOR, ")") ? e : NULL;
}

struct expr *parse_primary(struct parser *p)
{
    switch (p->tok.kind) {
    case TOKEN_NAME: return parse_name_or_constant(p);
    case TOKEN_STRING: return parse_strings(p);
    case TOKEN_INTEGER:
    case TOKEN_FLOAT: return parse_number(p);
    default: break;
    }
    if (parser_is_operator(p, "("))
        return parse_parentheses(p);
    if (parser_is_operator(p, "["))
        return parse_list(p);
    if (parser_is_operator(p, "{"))
        return parse_dict(p);
    parser_unexpected(p, "an expression");
    return NULL;
}
