/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guess.h"
#include "template/filter.h"
#include "template/parser.h"

/* --- Calls --------------------------------------------------------------------------------- */

struct arguments {
    struct expr *list[FILTER_ARGS_MAX];
    struct str names[FILTER_ARGS_MAX]; /* n == 0: by position */
    uint32_t n;
};

static bool parse_argument(struct parser *p, struct arguments *args, const char *what)
{
    if (parser_is_operator(p, "*") || parser_is_operator(p, "**"))
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
        if (!parse_child(p, e, args->list[i]))
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
    return parse_child(p, e, on) && bind_arguments(p, e, &s, args);
}

/* Both "a.b.c" of filter and test names; we have none with dots. */
static struct expr *unknown(struct parser *p, const char *what, struct token name,
                            struct guess *guess)
{
    parser_fail(p, name.at, "there is no %s '%.*s'%s", what, STR_ARG(name.text), guess_text(guess));
    return NULL;
}

/* Filters that Jinja2 has and we lack: a guess among ours would mislead. NULL for any other name;
 * otherwise what to say behind it. */
static const char *lacking_filter(struct str name)
{
    static const char *const loops[] = {"batch",      "groupby", "map",        "reject",
                                        "rejectattr", "select",  "selectattr", "slice"};
    static const char *const others[] = {
        "attr",     "center",    "e",      "escape",    "filesizeformat", "forceescape",
        "format",   "pprint",    "random", "round",     "safe",           "striptags",
        "truncate", "urlencode", "urlize", "wordcount", "wordwrap",       "xmlattr"};
    for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
        if (str_is(name, loops[i]))
            return "; write a for loop";
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (str_is(name, others[i]))
            return "";
    }
    return NULL;
}

static struct expr *unknown_filter(struct parser *p, struct token name)
{
    const char *hint = lacking_filter(name.text);
    if (hint) {
        parser_fail(p, name.at, "Jinja2's filter '%.*s' is not supported here%s",
                    STR_ARG(name.text), hint);
        return NULL;
    }
    struct guess guess;
    guess_init(&guess, name.text);
    for (size_t i = 0; i < filter_count; i++)
        guess_offer(&guess, str_from(filter_table[i].name));
    return unknown(p, "filter", name, &guess);
}

struct expr *parse_filter(struct parser *p, struct expr *on)
{
    parser_next(p);
    struct token name = p->tok;
    if (name.kind != TOKEN_NAME) {
        parser_unexpected(p, "the name of a filter");
        return NULL;
    }
    parser_next(p);
    const struct filter *f = filter_find(name.text);
    if (!f)
        return unknown_filter(p, name);
    struct arguments args = {0};
    if (parser_is_operator(p, "(") && !parse_arguments(p, &args, f->name))
        return NULL;
    struct expr *e = parse_node(p, EXPR_FILTER, name.at);
    e->filter = f;
    struct signature s = {"filter", f->name, f->params, f->required};
    return bind(p, e, on, s, &args) ? e : NULL;
}

/* What may follow a test's name without parentheses: "is divisibleby 3". */
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

struct expr *parse_test(struct parser *p, struct expr *on)
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
    struct expr *e = parse_node(p, EXPR_TEST, name.at);
    e->test = t;
    if (!bind(p, e, on, (struct signature){"test", t->name, t->params, t->required}, &args))
        return NULL;
    return negated ? parse_join(p, EXPR_NOT, at, 0, e, NULL) : e;
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
    struct expr *e = parse_node(p, EXPR_METHOD, attr->at);
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
    return bind(p, e, NULL, (struct signature){"function", "range", params, 1}, &args) ? e : NULL;
}

struct expr *parse_call(struct parser *p, struct expr *e)
{
    if (e->kind == EXPR_ATTR)
        return parse_method_call(p, e);
    if (e->kind == EXPR_NAME)
        return parse_function_call(p, e);
    parser_fail(p, p->tok.at, "this cannot be called");
    return NULL;
}

/* --- Subscripts -------------------------------------------------------- */

static struct expr *parse_attribute(struct parser *p, struct expr *of)
{
    struct expr *e = parse_node(p, EXPR_ATTR, p->tok.at);
    parser_next(p);
    if (p->tok.kind == TOKEN_INTEGER) {
        struct expr *index = parse_number(p);
        return index ? parse_join(p, EXPR_INDEX, e->at, 0, of, index) : NULL;
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
    return parse_child(p, e, of) ? e : NULL;
}

static struct expr *parse_index(struct parser *p, struct expr *of)
{
    uint32_t at = p->tok.at;
    parser_next(p);
    if (parser_is_operator(p, "]")) { /* Jinja2 takes it for an empty tuple */
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

struct expr *parse_postfix(struct parser *p, struct expr *e)
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
