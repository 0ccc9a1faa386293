/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guess.h"
#include "template/ast.h"
#include "template/parser.h"

/* --- Targets and heads
 * ---------------------------------------------------------------------------- */

static bool push_target(struct parser *p, struct targets *targets)
{
    uint32_t at = p->tok.at;
    struct str name;
    if (targets->n == TARGETS_MAX)
        return parser_fail(p, at, "more than %d names", TARGETS_MAX);
    if (token_is(&p->tok, TOKEN_OPERATOR, "("))
        return parser_fail(p, at, "write the names without parentheses: a, b");
    if (!parse_name(p, &name))
        return false;
    if (str_is(name, "loop"))
        return parser_fail(p, at, "'loop' is the loop's own name and cannot be assigned");
    if (str_is(name, "true") || str_is(name, "false") || str_is(name, "none") ||
        str_is(name, "True") || str_is(name, "False") || str_is(name, "None"))
        return parser_fail(p, at, "a constant cannot be assigned");
    targets->list[targets->n++] = (struct target){.name = name};
    return true;
}

static bool parse_targets(struct parser *p, struct targets *targets)
{
    targets->list = ARENA_ARRAY(p->arena, struct target, TARGETS_MAX);
    do {
        if (targets->n && p->tok.kind != TOKEN_NAME)
            return parser_unexpected(p, "a name behind ','");
        if (!push_target(p, targets))
            return false;
    } while (parser_skip(p, TOKEN_OPERATOR, ","));
    targets->unpack = targets->n > 1;
    return true;
}

/* Skips the colon that Jinja2 takes behind a tag's head, and the tag's end; after a fault in the
 * head it goes on behind the tag, so that the body is still checked. */
static void end_head(struct parser *p, bool ok)
{
    if (ok) {
        parser_skip(p, TOKEN_OPERATOR, ":");
        ok = parser_expect_end(p, TOKEN_BLOCK_END);
    }
    if (!ok)
        parser_recover(p);
}

/* "{% name %}" at the end of a block, whose head is not looked at any more. */
static void end_block(struct parser *p)
{
    parser_next(p);
    if (!parser_expect_end(p, TOKEN_BLOCK_END))
        parser_recover(p);
}

static struct branch *push_branch(struct parser *p, struct choice *c)
{
    if (c->n == c->room) {
        c->room = c->room ? c->room * 2 : 2;
        struct branch *list = ARENA_ARRAY(p->arena, struct branch, c->room);
        if (c->n)
            memcpy(list, c->list, c->n * sizeof(*list));
        c->list = list;
    }
    struct branch *b = &c->list[c->n++];
    *b = (struct branch){0};
    return b;
}

static bool parse_if(struct parser *p, struct stmt *s)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL}, *const last[] = {"endif",
                                                                                        NULL};
    s->kind = STMT_IF;
    s->choice = ARENA_NEW(p->arena, struct choice);
    do {
        parser_next(p);
        struct expr *test = parse_tuple(p, false);
        struct branch *b = push_branch(p, s->choice);
        b->test = test;
        end_head(p, test);
        struct block body = {0};
        if (!parse_block(p, &body, ends, s->at))
            return false;
        b->body = body;
    } while (parser_is_word(p, "elif"));
    if (parser_is_word(p, "else")) {
        parser_next(p);
        end_head(p, true);
        struct block body = {0};
        if (!parse_block(p, &body, last, s->at))
            return false;
        push_branch(p, s->choice)->body = body;
    }
    end_block(p);
    return true;
}

static bool parse_for_head(struct parser *p, struct loop *l)
{
    parser_next(p);
    if (!parse_targets(p, &l->targets) || !parser_expect(p, TOKEN_NAME, "in"))
        return false;
    l->iter = parse_tuple(p, false);
    if (!l->iter)
        return false;
    if (parser_skip(p, TOKEN_NAME, "if") && !(l->test = parse_expression(p)))
        return false;
    if (parser_is_word(p, "recursive"))
        return parser_fail(p, p->tok.at, "recursive loops are not supported");
    return true;
}

static bool parse_for(struct parser *p, struct stmt *s)
{
    static const char *const ends[] = {"else", "endfor", NULL}, *const last[] = {"endfor", NULL};
    struct loop *l = ARENA_NEW(p->arena, struct loop);
    s->kind = STMT_FOR;
    s->loop = l;
    l->loop_name = intern_str(p->names, STR("loop"));
    end_head(p, parse_for_head(p, l));
    unsigned before = p->loop_uses;
    if (!parse_block(p, &l->body, ends, s->at))
        return false;
    l->uses_loop = p->loop_uses != before;
    if (parser_is_word(p, "else")) {
        parser_next(p);
        end_head(p, true);
        if (!parse_block(p, &l->otherwise, last, s->at))
            return false;
    }
    end_block(p);
    return true;
}

static bool parse_set(struct parser *p, struct stmt *s)
{
    static const char *const ends[] = {"endset", NULL};
    struct assign *a = ARENA_NEW(p->arena, struct assign);
    s->kind = STMT_SET;
    s->assign = a;
    parser_next(p);
    if (!parse_targets(p, &a->targets))
        return false;
    if (token_is(&p->tok, TOKEN_OPERATOR, "."))
        return parser_fail(p, p->tok.at, "attributes cannot be assigned: set a name of its own");
    if (parser_skip(p, TOKEN_OPERATOR, "=")) {
        a->value = parse_tuple(p, true);
        return a->value && parser_expect_end(p, TOKEN_BLOCK_END);
    }
    if (token_is(&p->tok, TOKEN_OPERATOR, "|"))
        return parser_fail(p, p->tok.at, "filters on a set block are not supported");
    end_head(p, true);
    if (!parse_block(p, &a->body, ends, s->at))
        return false;
    end_block(p);
    return true;
}

static bool parse_include(struct parser *p, struct stmt *s)
{
    struct template *t = p->t;
    struct include *inc = ARENA_NEW(p->arena, struct include);
    s->kind = STMT_INCLUDE;
    s->include = inc;
    parser_next(p);
    inc->name = parse_expression(p);
    if (!inc->name)
        return false;
    if (inc->name->kind == EXPR_LIST || inc->name->kind == EXPR_TUPLE)
        return parser_fail(p, inc->name->at, "only one template can be named");
    if (parser_is_word(p, "ignore") && token_is(parser_look(p), TOKEN_NAME, "missing")) {
        parser_next(p);
        parser_next(p);
        inc->ignore_missing = true;
    }
    if (parser_is_word(p, "without"))
        return parser_fail(p, p->tok.at, "an included template always sees the context");
    if (parser_skip(p, TOKEN_NAME, "with") && !parser_expect(p, TOKEN_NAME, "context"))
        return false;
    if (t->includes_n == t->includes_room) {
        t->includes_room = t->includes_room ? t->includes_room * 2 : 4;
        struct include **list = ARENA_ARRAY(p->arena, struct include *, t->includes_room);
        if (t->includes_n)
            memcpy(list, t->includes, t->includes_n * sizeof(struct include *));
        t->includes = list;
    }
    t->includes[t->includes_n++] = inc;
    return parser_expect_end(p, TOKEN_BLOCK_END);
}

/* --- What we lack -------------------------------------------------------------------------- */

struct lacking {
    const char *tag, *end, *hint;
};

static const struct lacking lacking[] = {
    {"macro", "endmacro", "put the text into a template of its own and include it"},
    {"call", "endcall", "include a template"},
    {"filter", "endfilter", "set a name to the text, then filter that"},
    {"block", "endblock", "include a template"},
    {"extends", NULL, "include a template"},
    {"import", NULL, "include a template"},
    {"from", NULL, "include a template"},
    {"with", "endwith", "use set"},
    {"autoescape", "endautoescape", "nothing is escaped here"},
    {"trans", "endtrans", NULL},
    {"do", NULL, "use set"},
    {"print", NULL, "write {{ … }}"},
    {"break", NULL, "use a condition: for … if …"},
    {"continue", NULL, "use a condition: for … if …"},
    {"debug", NULL, NULL},
    {"raw", NULL, "this form of raw is none: {% raw %} and {% raw -%} are"},
};

/* Skips to behind the end of a block that we cannot read, so that it causes no more faults. */
static void skip_block(struct parser *p, const struct lacking *tag)
{
    for (unsigned depth = 1; depth && p->tok.kind != TOKEN_END;) {
        if (p->tok.kind != TOKEN_BLOCK_BEGIN) {
            if (p->tok.kind == TOKEN_ERROR)
                parser_recover(p);
            else
                parser_next(p);
            continue;
        }
        parser_next(p);
        depth += parser_is_word(p, tag->tag);
        depth -= parser_is_word(p, tag->end);
        parser_recover(p);
    }
}

static bool refuse_tag(struct parser *p)
{
    struct token tag = p->tok;
    for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
        const struct lacking *l = &lacking[i];
        if (!str_is(tag.text, l->tag))
            continue;
        parser_fail(p, tag.at, "'%s' is not supported%s%s", l->tag, l->hint ? "; " : "",
                    l->hint ? l->hint : "");
        parser_recover(p);
        if (l->end)
            skip_block(p, l);
        return true;
    }
    static const char *const known[] = {"if",     "elif", "else",   "endif",   "for",
                                        "endfor", "set",  "endset", "include", "raw"};
    struct guess guess;
    guess_init(&guess, tag.text);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (str_is(tag.text, known[i]))
            return parser_fail(p, tag.at, "'%s' stands here without its beginning", known[i]);
        guess_offer(&guess, str_from(known[i]));
    }
    return parser_fail(p, tag.at, "there is no tag '%.*s'%s", STR_ARG(tag.text),
                       guess_text(&guess));
}

/* --- Which one it is ----------------------------------------------------------------------- */

bool parse_statement(struct parser *p, struct stmt *s)
{
    if (p->tok.kind != TOKEN_NAME)
        return parser_unexpected(p, "the name of a tag");
    if (!parser_enter(p))
        return false;
    bool ok = parser_is_word(p, "if")        ? parse_if(p, s)
              : parser_is_word(p, "for")     ? parse_for(p, s)
              : parser_is_word(p, "set")     ? parse_set(p, s)
              : parser_is_word(p, "include") ? parse_include(p, s)
                                             : refuse_tag(p);
    parser_leave(p);
    return ok;
}
