/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guess.h"
#include "template/filter.h"
#include "template/literal.h"
#include "template/parser.h"

#define ITEMS_MAX 100000

static struct expr *parse_or(struct parser *p);
static struct expr *parse_unary(struct parser *p, bool with_filter);
static struct expr *parse_primary(struct parser *p);
static struct expr *parse_postfix(struct parser *p, struct expr *e);

/* --- Nodes --------------------------------------------------------------------------------- */

static struct expr *node(struct parser *p, enum expr_kind kind, uint32_t at)
{
    struct expr *e = ARENA_NEW(p->arena, struct expr);
    e->kind = (uint8_t)kind;
    e->at = at;
    e->depth = 1;
    return e;
}

/* Evaluation recurses as deep as the tree: chains such as "a + b + c …" must end somewhere. */
static bool add_child(struct parser *p, struct expr *e, const struct expr *child)
{
    if (child && child->depth >= e->depth)
        e->depth = (uint16_t)(child->depth + 1);
    return e->depth <= AST_DEPTH_MAX ||
           parser_fail(p, e->at, "this expression is nested too deeply");
}

static struct expr *join(struct parser *p, enum expr_kind kind, uint32_t at, enum op op,
                         struct expr *a, struct expr *b)
{
    struct expr *e = node(p, kind, at);
    e->op = (uint8_t)op;
    e->a = a;
    e->b = b;
    return add_child(p, e, a) && add_child(p, e, b) ? e : NULL;
}

/* Appends to e->items; room doubles at powers of two. */
static bool push_item(struct parser *p, struct expr *e, struct expr *item)
{
    if (!item || !add_child(p, e, item))
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

static bool is_word(const struct parser *p, const char *word)
{
    return token_is(&p->tok, TOKEN_NAME, word);
}

static bool is_operator(const struct parser *p, const char *op)
{
    return token_is(&p->tok, TOKEN_OPERATOR, op);
}

/* --- Literals ------------------------------------------------------------------------------ */

static struct expr *constant(struct parser *p, uint32_t at, struct value v)
{
    struct expr *e = node(p, EXPR_CONST, at);
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
    struct expr *e = node(p, EXPR_NAME, at);
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

static struct expr *parse_number(struct parser *p)
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
    struct expr *e = node(p, EXPR_LIST, p->tok.at);
    parser_next(p);
    while (!is_operator(p, "]")) {
        if (e->n && !parser_expect(p, TOKEN_OPERATOR, ","))
            return NULL;
        if (is_operator(p, "]"))
            break;
        if (!push_item(p, e, parse_expression(p)))
            return NULL;
    }
    parser_next(p);
    return e;
}

static struct expr *parse_dict(struct parser *p)
{
    struct expr *e = node(p, EXPR_DICT, p->tok.at);
    parser_next(p);
    while (!is_operator(p, "}")) {
        if (e->n && !parser_expect(p, TOKEN_OPERATOR, ","))
            return NULL;
        if (is_operator(p, "}"))
            break;
        if (!push_item(p, e, parse_expression(p)) || !parser_expect(p, TOKEN_OPERATOR, ":") ||
            !push_item(p, e, parse_expression(p)))
            return NULL;
    }
    parser_next(p);
    return e;
}

static bool ends_tuple(const struct parser *p)
{
    return p->tok.kind == TOKEN_PRINT_END || p->tok.kind == TOKEN_BLOCK_END || is_operator(p, ")");
}

/* The rest of a tuple whose first item, `first`, is followed by a comma; or the empty one. */
static struct expr *parse_tuple_items(struct parser *p, uint32_t at, struct expr *first, bool cond)
{
    struct expr *e = node(p, EXPR_TUPLE, at);
    if (first && !push_item(p, e, first))
        return NULL;
    while (is_operator(p, ",")) {
        parser_next(p);
        if (ends_tuple(p))
            break;
        if (!push_item(p, e, cond ? parse_expression(p) : parse_or(p)))
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
    if (!first || !is_operator(p, ","))
        return first;
    return parse_tuple_items(p, at, first, cond);
}

static struct expr *parse_parentheses(struct parser *p)
{
    uint32_t at = p->tok.at;
    parser_next(p);
    struct expr *e = is_operator(p, ")") ? node(p, EXPR_TUPLE, at) : parse_tuple(p, true);
    return e && parser_expect(p, TOKEN_OPERATOR, ")") ? e : NULL;
}

static struct expr *parse_primary(struct parser *p)
{
    switch (p->tok.kind) {
    case TOKEN_NAME: return parse_name_or_constant(p);
    case TOKEN_STRING: return parse_strings(p);
    case TOKEN_INTEGER:
    case TOKEN_FLOAT: return parse_number(p);
    default: break;
    }
    if (is_operator(p, "("))
        return parse_parentheses(p);
    if (is_operator(p, "["))
        return parse_list(p);
    if (is_operator(p, "{"))
        return parse_dict(p);
    parser_unexpected(p, "an expression");
    return NULL;
}

/* --- Calls --------------------------------------------------------------------------------- */

struct arguments {
    struct expr *list[FILTER_ARGS_MAX];
    struct str names[FILTER_ARGS_MAX]; /* n == 0: by position */
    uint32_t n;
};

static bool parse_argument(struct parser *p, struct arguments *args, const char *what)
{
    if (is_operator(p, "*") || is_operator(p, "**"))
        return parser_fail(p, p->tok.at, "'*' and '**' arguments are not supported");
    if (args->n == FILTER_ARGS_MAX)
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
    while (!is_operator(p, ")")) {
        if (args->n && !parser_expect(p, TOKEN_OPERATOR, ","))
            return false;
        if (is_operator(p, ")"))
            break;
        if (!parse_argument(p, args, what))
            return false;
    }
    parser_next(p);
    return true;
}

struct signature {
    const char *what, *name; /* "filter", "indent" */
    const char *const *params;
    uint8_t required;
};

static size_t param_of(const struct signature *s, struct str name)
{
    size_t i = 0;
    while (i < FILTER_ARGS_MAX && s->params[i] && !str_is(name, s->params[i]))
        i++;
    return i < FILTER_ARGS_MAX && s->params[i] ? i : SIZE_MAX;
}

/* Puts each argument where the function expects it. */
static bool bind_arguments(struct parser *p, struct expr *e, const struct signature *s,
                           const struct arguments *args)
{
    e->n = FILTER_ARGS_MAX;
    e->args = ARENA_ARRAY(p->arena, struct expr *, FILTER_ARGS_MAX);
    for (uint32_t i = 0; i < args->n; i++) {
        size_t to = args->names[i].n ? param_of(s, args->names[i]) : i;
        if (to == SIZE_MAX)
            return parser_fail(p, args->list[i]->at, "%s '%s' has no argument '%.*s'", s->what,
                               s->name, STR_ARG(args->names[i]));
        if (!s->params[to])
            return parser_fail(p, args->list[i]->at, "%s '%s' takes fewer arguments", s->what,
                               s->name);
        if (e->args[to])
            return parser_fail(p, args->list[i]->at, "this argument of '%s' is given twice",
                               s->name);
        e->args[to] = args->list[i];
        if (!add_child(p, e, args->list[i]))
            return false;
    }
    for (size_t i = 0; i < s->required; i++) {
        if (!e->args[i])
            return parser_fail(p, e->at, "%s '%s' needs its argument '%s'", s->what, s->name,
                               s->params[i]);
    }
    return true;
}

static bool bind(struct parser *p, struct expr *e, struct expr *on, struct signature s,
                 const struct arguments *args)
{
    e->on = on;
    return add_child(p, e, on) && bind_arguments(p, e, &s, args);
}

/* Both "a.b.c" of filter and test names; we have none with dots. */
static struct expr *unknown(struct parser *p, const char *what, struct token name,
                            struct guess *guess)
{
    parser_fail(p, name.at, "there is no %s '%.*s'%s", what, STR_ARG(name.text), guess_text(guess));
    return NULL;
}

static struct expr *parse_filter(struct parser *p, struct expr *on)
{
    parser_next(p);
    struct token name = p->tok;
    if (name.kind != TOKEN_NAME) {
        parser_unexpected(p, "the name of a filter");
        return NULL;
    }
    parser_next(p);
    const struct filter *f = filter_find(name.text);
    if (!f) {
        struct guess guess;
        guess_init(&guess, name.text);
        for (size_t i = 0; i < filter_count; i++)
            guess_offer(&guess, str_from(filter_table[i].name));
        return unknown(p, "filter", name, &guess);
    }
    struct arguments args = {0};
    if (is_operator(p, "(") && !parse_arguments(p, &args, f->name))
        return NULL;
    struct expr *e = node(p, EXPR_FILTER, name.at);
    e->filter = f;
    struct signature s = {"filter", f->name, f->params, f->required};
    return bind(p, e, on, s, &args) ? e : NULL;
}

/* What may follow a test's name without parentheses: "is divisibleby 3". */
static bool begins_test_argument(const struct parser *p)
{
    switch (p->tok.kind) {
    case TOKEN_NAME: return !is_word(p, "else") && !is_word(p, "or") && !is_word(p, "and");
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_FLOAT: return true;
    default: return is_operator(p, "[") || is_operator(p, "{");
    }
}

static bool parse_test_arguments(struct parser *p, struct arguments *args, const char *name)
{
    if (is_operator(p, "("))
        return parse_arguments(p, args, name);
    if (!begins_test_argument(p))
        return true;
    if (is_word(p, "is"))
        return parser_fail(p, p->tok.at, "tests with \"is\" cannot be chained");
    struct expr *arg = parse_primary(p);
    arg = arg ? parse_postfix(p, arg) : NULL;
    args->list[args->n++] = arg;
    return arg;
}

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
    const struct test *t = test_find(name.text);
    if (!t) {
        struct guess guess;
        guess_init(&guess, name.text);
        for (size_t i = 0; i < test_count; i++)
            guess_offer(&guess, str_from(test_table[i].name));
        return unknown(p, "test", name, &guess);
    }
    struct arguments args = {0};
    if (!parse_test_arguments(p, &args, t->name))
        return NULL;
    struct expr *e = node(p, EXPR_TEST, name.at);
    e->test = t;
    if (!bind(p, e, on, (struct signature){"test", t->name, t->params, t->required}, &args))
        return NULL;
    return negated ? join(p, EXPR_NOT, at, 0, e, NULL) : e;
}

static struct expr *parse_method_call(struct parser *p, const struct expr *attr)
{
    const struct method *m = method_find(attr->attr);
    if (!m) {
        struct guess guess;
        guess_init(&guess, attr->attr);
        for (size_t i = 0; i < method_count; i++)
            guess_offer(&guess, str_from(method_table[i].name));
        struct token name = {.at = attr->at, .text = attr->attr};
        return unknown(p, "method", name, &guess);
    }
    struct arguments args = {0};
    struct expr *e = node(p, EXPR_METHOD, attr->at);
    e->method = m;
    struct signature s = {"method", m->name, m->params, m->required};
    return parse_arguments(p, &args, m->name) && bind(p, e, attr->of, s, &args) ? e : NULL;
}

static struct expr *parse_function_call(struct parser *p, struct expr *name)
{
    static const char *const params[FILTER_ARGS_MAX] = {"start", "stop", "step"};
    if (!str_is(name->name, "range")) {
        parser_fail(p, name->at, "there is no function '%.*s': only range() can be called",
                    STR_ARG(name->name));
        return NULL;
    }
    struct arguments args = {0};
    struct expr *e = node(p, EXPR_CALL, name->at);
    e->callee = name;
    if (!parse_arguments(p, &args, "range()"))
        return NULL;
    for (uint32_t i = 0; i < args.n; i++) {
        if (args.names[i].n) {
            parser_fail(p, args.list[i]->at, "range() takes no arguments by name");
            return NULL;
        }
    }
    return bind(p, e, NULL, (struct signature){"function", "range", params, 1}, &args) ? e : NULL;
}

static struct expr *parse_call(struct parser *p, struct expr *e)
{
    if (e->kind == EXPR_ATTR)
        return parse_method_call(p, e);
    if (e->kind == EXPR_NAME)
        return parse_function_call(p, e);
    parser_fail(p, p->tok.at, "this cannot be called");
    return NULL;
}

/* --- Subscripts, filters, operators -------------------------------------------------------- */

static struct expr *parse_attribute(struct parser *p, struct expr *of)
{
    struct expr *e = node(p, EXPR_ATTR, p->tok.at);
    parser_next(p);
    if (p->tok.kind == TOKEN_INTEGER) {
        struct expr *index = parse_number(p);
        return index ? join(p, EXPR_INDEX, e->at, 0, of, index) : NULL;
    }
    if (p->tok.kind != TOKEN_NAME) {
        parser_unexpected(p, "a name or a number behind '.'");
        return NULL;
    }
    if (str_starts(p->tok.text, STR("__"))) {
        parser_fail(p, p->tok.at, "names that begin with \"__\" are out of reach here");
        return NULL;
    }
    e->at = p->tok.at;
    e->of = of;
    e->attr = intern_str(p->names, p->tok.text);
    parser_next(p);
    return add_child(p, e, of) ? e : NULL;
}

static struct expr *parse_index(struct parser *p, struct expr *of)
{
    uint32_t at = p->tok.at;
    parser_next(p);
    struct expr *index = is_operator(p, ":") ? NULL : parse_expression(p);
    if (is_operator(p, ":") || is_operator(p, ",")) {
        parser_fail(p, p->tok.at, "slices such as [1:3] are not supported");
        return NULL;
    }
    if (!index || !parser_expect(p, TOKEN_OPERATOR, "]"))
        return NULL;
    return join(p, EXPR_INDEX, at, 0, of, index);
}

static struct expr *parse_postfix(struct parser *p, struct expr *e)
{
    while (e) {
        if (is_operator(p, "."))
            e = parse_attribute(p, e);
        else if (is_operator(p, "["))
            e = parse_index(p, e);
        else if (is_operator(p, "("))
            e = parse_call(p, e);
        else
            break;
    }
    return e;
}

static struct expr *parse_filters(struct parser *p, struct expr *e)
{
    while (e) {
        if (is_operator(p, "|"))
            e = parse_filter(p, e);
        else if (is_word(p, "is"))
            e = parse_test(p, e);
        else if (is_operator(p, "("))
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
    if (is_operator(p, "-") || is_operator(p, "+")) {
        enum op op = is_operator(p, "-") ? OP_NEG : OP_POS;
        parser_next(p);
        e = parse_unary(p, false);
        e = e ? join(p, EXPR_UNARY, at, op, e, NULL) : NULL;
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
        if (is_operator(p, levels[i].text))
            return i;
    }
    return -1;
}

/* Jinja2's ** binds to the left, as ours does. */
static struct expr *parse_pow(struct parser *p)
{
    struct expr *left = parse_unary(p, true);
    while (left && is_operator(p, "**")) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = parse_unary(p, true);
        left = right ? join(p, EXPR_BINARY, at, OP_POW, left, right) : NULL;
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
        left = right ? join(p, EXPR_BINARY, at, levels[i].op, left, right) : NULL;
    }
    return left;
}

/* "~" binds tighter than "+": that is how Jinja2 has it. */
static struct expr *parse_concat(struct parser *p)
{
    struct expr *first = parse_product(p);
    if (!first || !is_operator(p, "~"))
        return first;
    struct expr *e = node(p, EXPR_CONCAT, p->tok.at);
    if (!push_item(p, e, first))
        return NULL;
    while (parser_skip(p, TOKEN_OPERATOR, "~")) {
        if (!push_item(p, e, parse_product(p)))
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
        left = right ? join(p, EXPR_BINARY, at, levels[i].op, left, right) : NULL;
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
    if (!is_word(p, "not") || !token_is(parser_look(p), TOKEN_NAME, "in"))
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
            e = node(p, EXPR_COMPARE, at);
            if (!push_item(p, e, first))
                return NULL;
        }
        if (e->n == AST_DEPTH_MAX) {
            parser_fail(p, p->tok.at, "too many comparisons in a row");
            return NULL;
        }
        ops[e->n] = (uint8_t)op;
        if (!push_item(p, e, parse_sum(p)))
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
    if (!is_word(p, "not"))
        return parse_compare(p);
    if (!parser_enter(p))
        return NULL;
    uint32_t at = p->tok.at;
    parser_next(p);
    struct expr *e = parse_not(p);
    parser_leave(p);
    return e ? join(p, EXPR_NOT, at, 0, e, NULL) : NULL;
}

static struct expr *parse_and(struct parser *p)
{
    struct expr *left = parse_not(p);
    while (left && is_word(p, "and")) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = parse_not(p);
        left = right ? join(p, EXPR_AND, at, 0, left, right) : NULL;
    }
    return left;
}

static struct expr *parse_or(struct parser *p)
{
    struct expr *left = parse_and(p);
    while (left && is_word(p, "or")) {
        uint32_t at = p->tok.at;
        parser_next(p);
        struct expr *right = parse_and(p);
        left = right ? join(p, EXPR_OR, at, 0, left, right) : NULL;
    }
    return left;
}

static struct expr *parse_cond(struct parser *p, struct expr *value)
{
    struct expr *e = node(p, EXPR_COND, p->tok.at);
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
    return add_child(p, e, e->a) && add_child(p, e, e->b) && add_child(p, e, e->c) ? e : NULL;
}

struct expr *parse_expression(struct parser *p)
{
    if (!parser_enter(p))
        return NULL;
    struct expr *e = parse_or(p);
    while (e && is_word(p, "if"))
        e = parse_cond(p, e);
    parser_leave(p);
    return e;
}
