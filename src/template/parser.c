/* SPDX-License-Identifier: Apache-2.0 */
#include "template/parser.h"

#include "template/ast.h"
#include "template/excerpt.h"

#include <stdarg.h>
#include <stdio.h>

#define FAULTS_MAX 50 /* of one template: the rest is hardly of use */

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
    if (p->tok.kind == TOKEN_ERROR) /* stays until parser_recover */
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

bool parser_expect_end(struct parser *p, enum token_kind kind)
{
    if (p->tok.kind != kind)
        return parser_unexpected(p, kind == TOKEN_BLOCK_END ? "'%}'" : "'}}'");
    parser_next(p);
    return true;
}

void parser_recover(struct parser *p)
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

/* --- Blocks -------------------------------------------------------------------------------- */

static void push_stmt(struct parser *p, struct block *b, struct stmt s)
{
    if (b->n == b->room) {
        b->room = b->room ? b->room * 2 : 4;
        struct stmt *list = ARENA_ARRAY(p->arena, struct stmt, b->room);
        if (b->n)
            memcpy(list, b->list, b->n * sizeof(*list));
        b->list = list;
    }
    b->list[b->n++] = s;
}

static bool parse_output(struct parser *p, struct block *body)
{
    struct stmt s = {.kind = STMT_OUTPUT, .at = p->tok.at};
    parser_next(p);
    s.expr = parse_tuple(p, true);
    if (!s.expr || !parser_expect_end(p, TOKEN_PRINT_END))
        return false;
    push_stmt(p, body, s);
    return true;
}

static bool is_one_of(const struct parser *p, const char *const *words)
{
    for (; words && *words; words++) {
        if (parser_is_word(p, *words))
            return true;
    }
    return false;
}

bool parse_block(struct parser *p, struct block *body, const char *const *ends, uint32_t opened_at)
{
    while (p->tok.kind != TOKEN_END) {
        bool ok = true;
        if (p->tok.kind == TOKEN_DATA) {
            push_stmt(p, body,
                      (struct stmt){.kind = STMT_TEXT, .at = p->tok.at, .text = p->tok.text});
            parser_next(p);
        } else if (p->tok.kind == TOKEN_PRINT_BEGIN) {
            ok = parse_output(p, body);
        } else if (p->tok.kind == TOKEN_BLOCK_BEGIN) {
            parser_next(p);
            if (is_one_of(p, ends))
                return true;
            struct stmt s = {.at = p->tok.at};
            ok = parse_statement(p, &s);
            push_stmt(p, body, s);
        } else {
            ok = parser_unexpected(p, "text or a tag");
        }
        if (!ok)
            parser_recover(p);
    }
    return !ends || parser_fail(p, opened_at, "this block has no end: \"{%% %s %%}\" is missing",
                                ends[1] ? ends[2] ? ends[2] : ends[1] : ends[0]);
}

bool parser_run(struct template *t, struct arena *a, struct intern *names, struct faults *faults)
{
    struct parser p = {.t = t, .arena = a, .names = names, .faults = faults};
    lexer_init(&p.lx, t->source);
    parser_next(&p);
    parse_block(&p, &t->body, NULL, 0);
    return p.faults_n == 0;
}
