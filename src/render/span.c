/* SPDX-License-Identifier: Apache-2.0 */
#include "render/span.h"

#include "base/mem.h"

#include <stdlib.h>

void span_lines_init(struct span_lines *lines, struct str text)
{
    uint32_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    *lines = (struct span_lines){.text = text, .n = n, .begin = MEM_ARRAY(uint32_t, n)};
    for (uint32_t i = 0, line = 1; i < text.n; i++) {
        if (text.p[i] == '\n')
            lines->begin[line++] = i + 1;
    }
}

void span_lines_done(struct span_lines *lines)
{
    free(lines->begin);
    lines->begin = NULL;
}

uint32_t span_offset(const struct span_lines *lines, uint32_t line, uint32_t column)
{
    if (line == 0 || line > lines->n)
        return (uint32_t)lines->text.n;
    uint32_t at = lines->begin[line - 1];
    for (uint32_t c = 1; c < column && at < lines->text.n; c++) {
        at++;
        while (at < lines->text.n && (lines->text.p[at] & 0xC0) == 0x80)
            at++;
    }
    return at;
}

uint32_t span_line_begin(const struct span_lines *lines, uint32_t offset)
{
    while (offset > 0 && lines->text.p[offset - 1] != '\n')
        offset--;
    return offset;
}

static bool is_exact(const struct span_lines *lines, const struct span *s,
                     const struct yaml_node *scalar)
{
    return str_eq((struct str){lines->text.p + s->begin, s->end - s->begin}, yaml_text(scalar));
}

static struct span quoted(const struct span_lines *lines, const struct yaml_node *scalar,
                          uint32_t at)
{
    char quote = lines->text.p[at];
    struct span s = {.kind = SPAN_QUOTED, .begin = at + 1};
    for (uint32_t i = at + 1; i < lines->text.n; i++) {
        char c = lines->text.p[i];
        bool twice = quote == '\'' && i + 1 < lines->text.n && lines->text.p[i + 1] == '\'';
        if (c == quote && !twice) {
            s.end = i;
            s.exact = is_exact(lines, &s, scalar);
            return s;
        }
        if (c == quote || (quote == '"' && c == '\\'))
            i++;
    }
    return (struct span){0};
}

static uint32_t indent_of(struct str line)
{
    uint32_t n = 0;
    while (n < line.n && line.p[n] == ' ')
        n++;
    return n;
}

/* As far as lines are indented like the first one that is not blank. An indentation that the
 * header states is not followed. */
static struct span block(const struct span_lines *lines, uint32_t at)
{
    struct str rest = str_skip(lines->text, at);
    struct str head = str_cut(&rest, '\n');
    struct span s = {.kind = SPAN_BLOCK, .begin = at + (uint32_t)head.n + 1};
    uint32_t indent = 0;
    for (size_t i = 1; i < head.n && head.p[i] != ' '; i++) {
        if (head.p[i] != '-' && head.p[i] != '+')
            return (struct span){0};
    }
    s.end = s.begin;
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        bool blank = indent_of(line) == line.n;
        if (!blank && indent == 0)
            indent = indent_of(line);
        if (!blank && (indent == 0 || indent_of(line) < indent))
            break;
        s.end += (uint32_t)line.n + (rest.p != NULL);
    }
    return s;
}

struct span span_of(const struct span_lines *lines, const struct yaml_node *scalar)
{
    uint32_t at = span_offset(lines, scalar->line, scalar->column);
    if (at >= lines->text.n)
        return (struct span){0};
    char c = lines->text.p[at];
    if (scalar->plain) {
        struct span s = {.kind = SPAN_PLAIN, .begin = at, .end = at + scalar->n};
        s.exact = s.end <= lines->text.n && is_exact(lines, &s, scalar);
        return s.exact ? s : (struct span){0};
    }
    if (c == '"' || c == '\'')
        return quoted(lines, scalar, at);
    return c == '|' || c == '>' ? block(lines, at) : (struct span){0};
}
