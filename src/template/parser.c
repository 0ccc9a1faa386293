/* SPDX-License-Identifier: Apache-2.0 */
#include "template/parser.h"

#include "base/guess.h"
#include "template/excerpt.h"

#include <stdarg.h>
#include <stdio.h>

#define FAULTS_MAX 50 /* of one template: more would hardly help */

/* --- Faults and tokens --------------------------------------------------------------------- */

bool parser_fail(struct parser *p, uint32_t at, const char *fmt, ...)
{
    if (p->faults_n++ >= FAULTS_MAX)
        return false;
    char msg[512], excerpt[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    excerpt_write(excerpt, sizeof(excerpt), p->t->source, at);
    fault_add_excerpt(p->faults, excerpt_place(p->t->file, p->t->source, at), excerpt, "%s", msg);
    return false;
}

bool parser_unexpected(struct parser *p, const char *expected)
{
    char text[EXCERPT_TEXT_SIZE];
    switch (p->tok.kind) {
    case TOKEN_ERROR: return parser_fail(p, p->lx.error_at, "%s", p->lx.error);
    case TOKEN_END:
        return parser_fail(p, p->tok.at, "%s expected before the template ends", expected);
    case TOKEN_PRINT_END:
    case TOKEN_BLOCK_END:
        return parser_fail(p, p->tok.at, "%s expected before the tag ends", expected);
    default:
        return parser_fail(p, p->tok.at, "%s expected, not '%s'", expected,
                           excerpt_text(text, p->tok.text));
    }
}

void parser_next(struct parser *p)
{
    if (p->tok.kind == TOKEN_ERROR) /* it stays until recover() */
        return;
    if (p->has_ahead)
        p->tok = p->ahead;
    else
        lexer_next(&p->lx, &p->tok);
    p->has_ahead = false;
}

const struct token *parser_look(struct parser *p)
{
    if (!p->has_ahead)
        lexer_next(&p->lx, &p->ahead);
    p->has_ahead = true;
    return &p->ahead;
}

bool parser_skip(struct parser *p, enum token_kind kind, const char *text)
{
    if (!token_is(&p->tok, kind, text))
        return false;
    parser_next(p);
    return true;
}

bool parser_expect(struct parser *p, enum token_kind kind, const char *text)
{
    char quoted[32];
    snprintf(quoted, sizeof(quoted), "'%s'", text);
    return parser_skip(p, kind, text) || parser_unexpected(p, quoted);
}

bool parser_enter(struct parser *p)
{
    if (p->depth == AST_DEPTH_MAX)
        return parser_fail(p, p->tok.at, "this is nested too deeply");
    p->depth++;
    return true;
}

void parser_leave(struct parser *p)
{
    p->depth--;
}

/* The end of a tag: TOKEN_BLOCK_END or TOKEN_PRINT_END. */
static bool expect_end(struct parser *p, enum token_kind kind)
{
    if (p->tok.kind != kind)
        return parser_unexpected(p, kind == TOKEN_BLOCK_END ? "'%}'" : "'}}'");
    parser_next(p);
    return true;
}

/* After a fault: skips to behind the tag. */
static void recover(struct parser *p)
{
    bool in_tag = p->tok.kind != TOKEN_DATA && p->tok.kind != TOKEN_BLOCK_BEGIN &&
                  p->tok.kind != TOKEN_PRINT_BEGIN;
    while (in_tag && p->tok.kind != TOKEN_PRINT_END && p->tok.kind != TOKEN_BLOCK_END &&
           p->tok.kind != TOKEN_END) {
        if (p->tok.kind == TOKEN_ERROR || (p->has_ahead && p->ahead.kind == TOKEN_ERROR)) {
            lexer_recover(&p->lx);
            p->has_ahead = false;
            p->tok.kind = TOKEN_BLOCK_END;
            break;
        }
        parser_next(p);
    }
    if (p->tok.kind == TOKEN_PRINT_END || p->tok.kind == TOKEN_BLOCK_END)
        parser_next(p);
}

/* --- Parts of tags ------------------------------------------------------------------------- */

/* Up to a tag whose name is one of `ends` (it is then the current token), or to the template's end
 * where `ends` is NULL. False where the end came too early. */
static bool parse_block(struct parser *p, struct block *body, const char *const *ends,
                        uint32_t opened_at);

static bool push_target(struct parser *p, struct targets *targets)
{
    uint32_t at = p->tok.at;
    struct str name;
    struct value unused;
    if (targets->n == AST_TARGETS_MAX)
        return parser_fail(p, at, "more than %d names", AST_TARGETS_MAX);
    if (parser_is_operator(p, "("))
        return parser_fail(p, at, "write the names without parentheses: a, b");
    if (!parse_name(p, &name))
        return false;
    if (str_is(name, "loop"))
        return parser_fail(p, at, "'loop' is the loop's own name and cannot be assigned");
    if (parse_is_constant(name, &unused))
        return parser_fail(p, at, "a constant cannot be assigned");
    targets->list[targets->n++] = (struct target){.name = name};
    return true;
}

static bool parse_targets(struct parser *p, struct targets *targets)
{
    targets->list = ARENA_ARRAY(p->arena, struct target, AST_TARGETS_MAX);
    do {
        if (targets->n && p->tok.kind != TOKEN_NAME)
            return parser_unexpected(p, "a name after ','");
        if (!push_target(p, targets))
            return false;
    } while (parser_skip(p, TOKEN_OPERATOR, ","));
    targets->unpack = targets->n > 1;
    return true;
}

/* Skips the colon that Jinja2 accepts behind a tag's head, and the tag's end. After a fault in the
 * head it skips to behind the tag, so that the body is still checked. */
static void end_head(struct parser *p, bool ok)
{
    if (ok) {
        parser_skip(p, TOKEN_OPERATOR, ":");
        ok = expect_end(p, TOKEN_BLOCK_END);
    }
    if (!ok)
        recover(p);
}

/* "{% name %}" at the end of a block. */
static void end_block(struct parser *p)
{
    parser_next(p);
    if (!expect_end(p, TOKEN_BLOCK_END))
        recover(p);
}

static struct branch *push_branch(struct parser *p, struct choice *c)
{
    c->list = arena_grow(p->arena, c->list, c->n, &c->room, sizeof(*c->list));
    struct branch *b = &c->list[c->n++];
    *b = (struct branch){0};
    return b;
}

/* --- if, for, set, include ----------------------------------------------------------------- */

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
    if (!parse_block(p, &l->body.block, ends, s->at))
        return false;
    l->uses_loop = p->loop_uses != before;
    if (parser_is_word(p, "else")) {
        parser_next(p);
        end_head(p, true);
        if (!parse_block(p, &l->otherwise.block, last, s->at))
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
    if (parser_is_operator(p, "."))
        return parser_fail(p, p->tok.at, "attributes cannot be assigned: set a name of its own");
    if (parser_skip(p, TOKEN_OPERATOR, "=")) {
        a->value = parse_tuple(p, true);
        return a->value && expect_end(p, TOKEN_BLOCK_END);
    }
    if (parser_is_operator(p, "|"))
        return parser_fail(p, p->tok.at, "filters on a set block are not supported");
    end_head(p, true);
    if (!parse_block(p, &a->body.block, ends, s->at))
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
    t->includes = arena_grow(p->arena, t->includes, t->includes_n, &t->includes_room,
                             sizeof(struct include *));
    t->includes[t->includes_n++] = inc;
    return expect_end(p, TOKEN_BLOCK_END);
}

/* --- What is not supported
 * -------------------------------------------------------------------------- */

struct unsupported {
    const char *tag, *end, *hint;
};

static const struct unsupported unsupported[] = {
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
    {"raw", NULL, "write {% raw %} or {% raw -%}"},
};

/* Skips a block that is not supported, so that its body causes no more faults. */
static void skip_block(struct parser *p, const struct unsupported *tag)
{
    for (unsigned depth = 1; depth && p->tok.kind != TOKEN_END;) {
        if (p->tok.kind != TOKEN_BLOCK_BEGIN) {
            if (p->tok.kind == TOKEN_ERROR)
                recover(p);
            else
                parser_next(p);
            continue;
        }
        parser_next(p);
        depth += parser_is_word(p, tag->tag);
        depth -= parser_is_word(p, tag->end);
        recover(p);
    }
}

static bool refuse_tag(struct parser *p)
{
    struct token tag = p->tok;
    for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
        const struct unsupported *l = &unsupported[i];
        if (!str_is(tag.text, l->tag))
            continue;
        parser_fail(p, tag.at, "'%s' is not supported%s%s", l->tag, l->hint ? "; " : "",
                    l->hint ? l->hint : "");
        recover(p);
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
            return parser_fail(p, tag.at, "'%s' has no matching beginning", known[i]);
        guess_offer(&guess, str_from(known[i]));
    }
    return parser_fail(p, tag.at, "there is no tag '%.*s'%s", STR_ARG(tag.text),
                       guess_text(&guess));
}

/* --- Blocks -------------------------------------------------------------------------------- */

void block_append(struct block *b, struct arena *a, struct stmt s)
{
    b->list = arena_grow(a, b->list, b->n, &b->room, sizeof(*b->list));
    b->list[b->n++] = s;
}

/* A tag from its name on, with its body and its end. */
static bool parse_statement(struct parser *p, struct stmt *s)
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

static bool parse_output(struct parser *p, struct block *body)
{
    struct stmt s = {.kind = STMT_OUTPUT, .at = p->tok.at};
    parser_next(p);
    s.expr = parse_tuple(p, true);
    if (!s.expr || !expect_end(p, TOKEN_PRINT_END))
        return false;
    block_append(body, p->arena, s);
    return true;
}

static bool parse_block(struct parser *p, struct block *body, const char *const *ends,
                        uint32_t opened_at)
{
    while (p->tok.kind != TOKEN_END) {
        bool ok = true;
        if (p->tok.kind == TOKEN_DATA) {
            block_append(body, p->arena,
                         (struct stmt){.kind = STMT_TEXT, .at = p->tok.at, .text = p->tok.text});
            parser_next(p);
        } else if (p->tok.kind == TOKEN_PRINT_BEGIN) {
            ok = parse_output(p, body);
        } else if (p->tok.kind == TOKEN_BLOCK_BEGIN) {
            parser_next(p);
            if (ends && p->tok.kind == TOKEN_NAME && str_in(p->tok.text, ends))
                return true;
            struct stmt s = {.at = p->tok.at};
            ok = parse_statement(p, &s);
            block_append(body, p->arena, s);
        } else {
            ok = parser_unexpected(p, "text or a tag");
        }
        if (!ok)
            recover(p);
    }
    return !ends || parser_fail(p, opened_at, "this block has no end: \"{%% %s %%}\" is missing",
                                ends[1] ? ends[2] ? ends[2] : ends[1] : ends[0]);
}

bool parser_run(struct template *t, struct arena *a, struct intern *names, struct faults *faults)
{
    struct parser p = {.t = t, .arena = a, .names = names, .faults = faults};
    lexer_init(&p.lx, t->source);
    parser_next(&p);
    parse_block(&p, &t->body.block, NULL, 0);
    return p.faults_n == 0;
}
