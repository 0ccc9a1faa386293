/* SPDX-License-Identifier: Apache-2.0 */
#include "template/parser.h"

#include "base/guess.h"
#include "template/builtin.h"

#define ITEMS_MAX 100000

static struct expr *parse_or(struct parser *p);
static struct expr *parse_postfix(struct parser *p, struct expr *e);

/* --- Nodes --------------------------------------------------------------------------------- */

static struct expr *parse_node(struct parser *p, enum expr_kind kind, uint32_t at)
{
    struct expr *e = ARENA_NEW(p->arena, struct expr);
    e->kind = (uint8_t)kind;
    e->at = at;
    e->depth = 1;
    return e;
}

/* Evaluation recurses as deep as the tree, so chains such as "a + b + c …" have a limit. */
static bool parse_child(struct parser *p, struct expr *e, const struct expr *child)
{
    if (child && child->depth >= e->depth)
        e->depth = (uint16_t)(child->depth + 1);
    return e->depth <= AST_DEPTH_MAX ||
           parser_fail(p, e->at, "this expression is nested too deeply");
}

static struct expr *parse_join(struct parser *p, enum expr_kind kind, uint32_t at, enum op op,
                               struct expr *a, struct expr *b)
{
    struct expr *e = parse_node(p, kind, at);
    e->op = (uint8_t)op;
    e->a = a;
    e->b = b;
    return parse_child(p, e, a) && parse_child(p, e, b) ? e : NULL;
}

/* Appends to e->items, whose room doubles at powers of two. */
static bool parse_item(struct parser *p, struct expr *e, struct expr *item)
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
    static const char *const words[] = {"if",  "else", "elif", "endif",  "in",        "is", "or",
                                        "and", "not",  "for",  "endfor", "recursive", NULL};
    return str_in(name, words);
}

bool parse_is_constant(struct str name, struct value *ret)
{
    bool yes = str_is(name, "true") || str_is(name, "True");
    bool none = str_is(name, "none") || str_is(name, "None");
    *ret = none ? value_none() : value_bool(yes);
    return yes || none || str_is(name, "false") || str_is(name, "False");
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
    struct value v;
    if (parse_is_constant(word, &v)) {
        parser_next(p);
        return constant(p, at, v);
    }
    struct expr *e = parse_node(p, EXPR_NAME, at);
    if (!parse_name(p, &e->name))
        return NULL;
    e->slot = AST_NO_SLOT;
    p->loop_uses += str_is(word, "loop");
    return e;
}

/* Adjacent strings are joined. */
static struct expr *parse_strings(struct parser *p)
{
    uint32_t at = p->tok.at;
    struct str whole = {"", 0};
    while (p->tok.kind == TOKEN_STRING) {
        struct str part;
        const char *error = lexer_read_string(p->tok.text, p->arena, &part);
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

static struct expr *parse_number(struct parser *p)
{
    struct token tok = p->tok;
    struct value v;
    const char *error;
    if (tok.kind == TOKEN_INTEGER) {
        v = value_int(0);
        error = lexer_read_integer(tok.text, &v.i);
    } else {
        v = value_float(0);
        error = lexer_read_float(tok.text, &v.f);
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

/* Literals, names, lists, mappings and parentheses. */
static struct expr *parse_primary(struct parser *p)
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

/* --- Calls --------------------------------------------------------------------------------- */

struct arguments {
    struct expr *list[RUN_ARGS_MAX];
    struct str names[RUN_ARGS_MAX]; /* n == 0: by position */
    uint32_t n;
};

static bool parse_argument(struct parser *p, struct arguments *args, const char *what)
{
    if (parser_is_operator(p, "*") || parser_is_operator(p, "**"))
        return parser_fail(p, p->tok.at, "'*' and '**' arguments are not supported");
    if (args->n == RUN_ARGS_MAX)
        return parser_fail(p, p->tok.at, "%s takes fewer arguments", what);
    struct str name = {0};
    if (p->tok.kind == TOKEN_NAME && token_is(parser_look(p), TOKEN_OPERATOR, "=")) {
        name = p->tok.text;
        parser_next(p);
        parser_next(p);
    } else if (args->n && args->names[args->n - 1].n) {
        return parser_fail(p, p->tok.at, "an argument without a name follows one with a name");
    }
    struct expr *e = parse_expression(p);
    args->list[args->n] = e;
    args->names[args->n++] = name;
    return e;
}

static bool parse_arguments(struct parser *p, struct arguments *args, const char *what)
{
    if (!parser_expect(p, TOKEN_OPERATOR, "("))
        return false;
    while (!parser_is_operator(p, ")")) {
        if (args->n && !parser_expect(p, TOKEN_OPERATOR, ","))
            return false;
        if (parser_is_operator(p, ")"))
            break;
        if (!parse_argument(p, args, what))
            return false;
    }
    parser_next(p);
    return true;
}

static size_t param_of(const struct builtin *b, struct str name)
{
    size_t i = 0;
    while (i < RUN_ARGS_MAX && b->params[i] && !str_is(name, b->params[i]))
        i++;
    return i < RUN_ARGS_MAX && b->params[i] ? i : SIZE_MAX;
}

/* Puts each argument where the function expects it. */
static bool bind_arguments(struct parser *p, struct expr *e, const char *kind,
                           const struct builtin *b, const struct arguments *args)
{
    e->n = RUN_ARGS_MAX;
    e->args = ARENA_ARRAY(p->arena, struct expr *, RUN_ARGS_MAX);
    for (uint32_t i = 0; i < args->n; i++) {
        size_t to = args->names[i].n ? param_of(b, args->names[i]) : i;
        if (to == SIZE_MAX)
            return parser_fail(p, args->list[i]->at, "%s '%s' has no argument '%.*s'", kind,
                               b->name, STR_ARG(args->names[i]));
        if (!b->params[to])
            return parser_fail(p, args->list[i]->at, "%s '%s' takes fewer arguments", kind,
                               b->name);
        if (e->args[to])
            return parser_fail(p, args->list[i]->at, "this argument of '%s' is given twice",
                               b->name);
        e->args[to] = args->list[i];
        if (!parse_child(p, e, args->list[i]))
            return false;
    }
    for (size_t i = 0; i < b->required; i++) {
        if (!e->args[i])
            return parser_fail(p, e->at, "%s '%s' needs its argument '%s'", kind, b->name,
                               b->params[i]);
    }
    return true;
}

static struct expr *parse_builtin(struct parser *p, enum expr_kind kind, uint32_t at,
                                  struct expr *on, const struct builtin *b, const char *kind_name,
                                  const struct arguments *args)
{
    struct expr *e = parse_node(p, kind, at);
    e->builtin = b;
    e->on = on;
    return parse_child(p, e, on) && bind_arguments(p, e, kind_name, b, args) ? e : NULL;
}

static struct expr *unknown(struct parser *p, const struct builtins *in, uint32_t at,
                            struct str name)
{
    struct guess guess;
    guess_init(&guess, name);
    for (size_t i = 0; i < in->n; i++)
        guess_offer(&guess, str_from(in->list[i].name));
    parser_fail(p, at, "there is no %s '%.*s'%s", in->kind, STR_ARG(name), guess_text(&guess));
    return NULL;
}

/* What to add to the message about a filter of Jinja2 that is not supported, where a guess among
 * those that are would mislead; NULL for any other name. */
static const char *unsupported_filter(struct str name)
{
    static const char *const loops[] = {"batch",  "groupby",    "map",   "reject", "rejectattr",
                                        "select", "selectattr", "slice", NULL};
    static const char *const others[] = {"attr",           "center",      "e",      "escape",
                                         "filesizeformat", "forceescape", "format", "pprint",
                                         "random",         "round",       "safe",   "striptags",
                                         "truncate",       "urlencode",   "urlize", "wordcount",
                                         "wordwrap",       "xmlattr",     NULL};
    return str_in(name, loops) ? "; write a for loop" : str_in(name, others) ? "" : NULL;
}

/* From the "|" on. */
static struct expr *parse_filter(struct parser *p, struct expr *on)
{
    parser_next(p);
    struct token name = p->tok;
    if (name.kind != TOKEN_NAME) {
        parser_unexpected(p, "the name of a filter");
        return NULL;
    }
    parser_next(p);
    const struct builtin *b = builtin_find(&builtin_filters, name.text);
    const char *hint = b ? NULL : unsupported_filter(name.text);
    struct arguments args = {0};
    if (hint) {
        parser_fail(p, name.at, "Jinja2's filter '%.*s' is not supported here%s",
                    STR_ARG(name.text), hint);
        return NULL;
    }
    if (!b)
        return unknown(p, &builtin_filters, name.at, name.text);
    if (parser_is_operator(p, "(") && !parse_arguments(p, &args, b->name))
        return NULL;
    return parse_builtin(p, EXPR_FILTER, name.at, on, b, "filter", &args);
}

/* An argument may follow a test's name without parentheses: "is divisibleby 3". */
static bool begins_test_argument(const struct parser *p)
{
    switch (p->tok.kind) {
    case TOKEN_NAME:
        return !parser_is_word(p, "else") && !parser_is_word(p, "or") && !parser_is_word(p, "and");
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_FLOAT: return true;
    default: return parser_is_operator(p, "[") || parser_is_operator(p, "{");
    }
}

static bool parse_test_arguments(struct parser *p, struct arguments *args, const char *name)
{
    if (parser_is_operator(p, "("))
        return parse_arguments(p, args, name);
    if (!begins_test_argument(p))
        return true;
    if (parser_is_word(p, "is"))
        return parser_fail(p, p->tok.at, "tests with \"is\" cannot be chained");
    struct expr *arg = parse_primary(p);
    arg = arg ? parse_postfix(p, arg) : NULL;
    args->list[args->n++] = arg;
    return arg;
}

/* From the "is" on. */
static struct expr *parse_test(struct parser *p, struct expr *on)
{
    uint32_t at = p->tok.at;
    parser_next(p);
    bool negated = parser_skip(p, TOKEN_NAME, "not");
    struct token name = p->tok;
    if (name.kind != TOKEN_NAME) {
        parser_unexpected(p, "the name of a test");
        return NULL;
    }
    parser_next(p);
    const struct builtin *b = builtin_find(&builtin_tests, name.text);
    struct arguments args = {0};
    if (!b)
        return unknown(p, &builtin_tests, name.at, name.text);
    if (!parse_test_arguments(p, &args, b->name))
        return NULL;
    struct expr *e = parse_builtin(p, EXPR_TEST, name.at, on, b, "test", &args);
    return e && negated ? parse_join(p, EXPR_NOT, at, 0, e, NULL) : e;
}

static struct expr *parse_method_call(struct parser *p, const struct expr *attr)
{
    const struct builtin *b = builtin_find(&builtin_methods, attr->attr);
    struct arguments args = {0};
    if (!b)
        return unknown(p, &builtin_methods, attr->at, attr->attr);
    if (!parse_arguments(p, &args, b->name))
        return NULL;
    return parse_builtin(p, EXPR_METHOD, attr->at, attr->of, b, "method", &args);
}

static struct expr *parse_function_call(struct parser *p, struct expr *name)
{
    static const struct builtin range = {.name = "range", ARGS(1, "start", "stop", "step")};
    if (!str_is(name->name, "range")) {
        parser_fail(p, name->at, "there is no function '%.*s': only range() can be called",
                    STR_ARG(name->name));
        return NULL;
    }
    struct arguments args = {0};
    struct expr *e = parse_node(p, EXPR_CALL, name->at);
    e->callee = name;
    if (!parse_arguments(p, &args, "range()"))
        return NULL;
    for (uint32_t i = 0; i < args.n; i++) {
        if (args.names[i].n) {
            parser_fail(p, args.list[i]->at, "range() takes no arguments by name");
            return NULL;
        }
    }
    return bind_arguments(p, e, "function", &range, &args) ? e : NULL;
}

/* From the "(" on. */
static struct expr *parse_call(struct parser *p, struct expr *e)
{
    if (e->kind == EXPR_ATTR)
        return parse_method_call(p, e);
    if (e->kind == EXPR_NAME)
        return parse_function_call(p, e);
    parser_fail(p, p->tok.at, "this cannot be called");
    return NULL;
}

/* --- Subscripts ----------------------------------------------------------------------------- */

static struct expr *parse_attribute(struct parser *p, struct expr *of)
{
    struct expr *e = parse_node(p, EXPR_ATTR, p->tok.at);
    parser_next(p);
    if (p->tok.kind == TOKEN_INTEGER) {
        struct expr *index = parse_number(p);
        return index ? parse_join(p, EXPR_INDEX, e->at, 0, of, index) : NULL;
    }
    if (p->tok.kind != TOKEN_NAME) {
        parser_unexpected(p, "a name or a number after '.'");
        return NULL;
    }
    if (str_starts(p->tok.text, STR("__"))) {
        parser_fail(p, p->tok.at, "names that begin with \"__\" are out of reach here");
        return NULL;
    }
    e->at = p->tok.at;
    e->of = of;
    e->attr = intern_str(p->names, p->tok.text);
    e->op = access_is_of_mappings(e->attr);
    parser_next(p);
    return parse_child(p, e, of) ? e : NULL;
}

static struct expr *parse_index(struct parser *p, struct expr *of)
{
    uint32_t at = p->tok.at;
    parser_next(p);
    if (parser_is_operator(p, "]")) { /* Jinja2 reads it as an empty tuple */
        parser_fail(p, p->tok.at, "an empty subscript is not supported");
        return NULL;
    }
    struct expr *index = parser_is_operator(p, ":") ? NULL : parse_expression(p);
    if (parser_is_operator(p, ":") || parser_is_operator(p, ",")) {
        parser_fail(p, p->tok.at, "slices such as [1:3] are not supported");
        return NULL;
    }
    if (!index || !parser_expect(p, TOKEN_OPERATOR, "]"))
        return NULL;
    return parse_join(p, EXPR_INDEX, at, 0, of, index);
}

/* ".b", "[b]" and "(b)", any number of them. */
static struct expr *parse_postfix(struct parser *p, struct expr *e)
{
    while (e) {
        if (parser_is_operator(p, "."))
            e = parse_attribute(p, e);
        else if (parser_is_operator(p, "["))
            e = parse_index(p, e);
        else if (parser_is_operator(p, "("))
            e = parse_call(p, e);
        else
            break;
    }
    return e;
}

/* --- Operators ----------------------------------------------------------------------------- */

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

struct infix {
    const char *text;
    uint8_t kind; /* enum expr_kind of what it makes */
    uint8_t op;
};

/* Which of the operators the token is, or NULL. */
static const struct infix *match(const struct parser *p, const struct infix *o)
{
    if (p->tok.kind != TOKEN_NAME && p->tok.kind != TOKEN_OPERATOR)
        return NULL;
    while (o->text && !str_is(p->tok.text, o->text))
        o++;
    return o->text ? o : NULL;
}

/* Operands with any of these operators between them; all bind to the left. */
static struct expr *parse_left(struct parser *p, struct expr *(*operand)(struct parser *p),
                               const struct infix *operators)
{
    struct expr *left = operand(p);
    const struct infix *o;
    while (left && (o = match(p, operators))) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = operand(p);
        left = right ? parse_join(p, o->kind, at, o->op, left, right) : NULL;
    }
    return left;
}

static struct expr *parse_operand(struct parser *p)
{
    return parse_unary(p, true);
}

/* Jinja2's ** binds to the left, too. */
static struct expr *parse_pow(struct parser *p)
{
    static const struct infix operators[] = {{"**", EXPR_BINARY, OP_POW}, {NULL}};
    return parse_left(p, parse_operand, operators);
}

static struct expr *parse_product(struct parser *p)
{
    static const struct infix operators[] = {{"*", EXPR_BINARY, OP_MUL},
                                             {"/", EXPR_BINARY, OP_DIV},
                                             {"//", EXPR_BINARY, OP_FLOORDIV},
                                             {"%", EXPR_BINARY, OP_MOD},
                                             {NULL}};
    return parse_left(p, parse_pow, operators);
}

/* "~" binds tighter than "+", as in Jinja2. */
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
    static const struct infix operators[] = {
        {"+", EXPR_BINARY, OP_ADD}, {"-", EXPR_BINARY, OP_SUB}, {NULL}};
    return parse_left(p, parse_concat, operators);
}

/* Skips a comparison and returns its operator; -1 where there is none. */
static int take_comparison(struct parser *p)
{
    static const struct infix operators[] = {{"==", .op = OP_EQ},
                                             {"!=", .op = OP_NE},
                                             {"<", .op = OP_LT},
                                             {"<=", .op = OP_LE},
                                             {">", .op = OP_GT},
                                             {">=", .op = OP_GE},
                                             {NULL}};
    const struct infix *o = match(p, operators);
    if (o) {
        parser_next(p);
        return o->op;
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
    static const struct infix operators[] = {{"and", EXPR_AND, 0}, {NULL}};
    return parse_left(p, parse_not, operators);
}

static struct expr *parse_or(struct parser *p)
{
    static const struct infix operators[] = {{"or", EXPR_OR, 0}, {NULL}};
    return parse_left(p, parse_and, operators);
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

/* --- Tuples -------------------------------------------------------------------------------- */

static bool ends_tuple(const struct parser *p)
{
    return p->tok.kind == TOKEN_PRINT_END || p->tok.kind == TOKEN_BLOCK_END ||
           parser_is_operator(p, ")");
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
    struct expr *e = parse_node(p, EXPR_TUPLE, at);
    if (!parse_item(p, e, first))
        return NULL;
    while (parser_skip(p, TOKEN_OPERATOR, ",") && !ends_tuple(p)) {
        if (!parse_item(p, e, cond ? parse_expression(p) : parse_or(p)))
            return NULL;
    }
    return e;
}
