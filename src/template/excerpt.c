/* SPDX-License-Identifier: Apache-2.0 */
#include "template/excerpt.h"

#include "base/buf.h"
#include "template/text.h"

#include <stdio.h>

#define BEFORE_MAX 100 /* characters shown before the caret */
#define AFTER_MAX 60

static size_t line_start(struct str source, size_t at)
{
    while (at > 0 && source.p[at - 1] != '\n')
        at--;
    return at;
}

struct place excerpt_place(const char *file, struct str source, uint32_t at)
{
    size_t end = at < source.n ? at : source.n;
    struct place place = {.file = file, .line = 1};
    for (size_t i = 0; i < end; i++)
        place.line += source.p[i] == '\n';
    size_t start = line_start(source, end);
    place.column = (uint32_t)text_length((struct str){source.p + start, end - start}) + 1;
    return place;
}

bool excerpt_offset(struct str source, struct place at, size_t *ret)
{
    struct str rest = source, line = str_cut(&rest, '\n');
    for (uint32_t i = 1; i < at.line; i++) {
        if (line.p + line.n == source.p + source.n)
            return false;
        line = str_cut(&rest, '\n');
    }
    if (at.line == 0 || at.column == 0)
        return false;
    struct str here = text_char_at(line, at.column - 1);
    *ret = (size_t)((here.p ? here.p : line.p + line.n) - source.p);
    return true;
}

/* Whole characters only; control characters would confuse a terminal. */
static void put(struct buf *b, struct str text, bool blank)
{
    size_t n;
    for (; text.n; text = str_skip(text, n)) {
        uint32_t c = str_decode(text, &n);
        if (c == '\t')
            buf_char(b, '\t');
        else if (blank || c < 0x20 || c == 0x7F)
            buf_char(b, ' ');
        else
            buf_append(b, text.p, n);
    }
}

static struct str last_characters(struct str s, size_t max)
{
    size_t n = s.n, step, count = 0;
    while (n && count < max) {
        text_decode_last((struct str){s.p, n}, &step);
        n -= step;
        count++;
    }
    return str_skip(s, n);
}

static struct str first_characters(struct str s, size_t max)
{
    size_t n = 0, step;
    for (size_t count = 0; n < s.n && count < max; count++, n += step)
        str_decode(str_skip(s, n), &step);
    return (struct str){s.p, n};
}

void excerpt_write(char *out, size_t size, struct str source, uint32_t at)
{
    size_t here = at < source.n ? at : source.n, start = line_start(source, here);
    struct str before = {source.p + start, here - start};
    struct str after = str_skip(source, here);
    after = str_cut(&after, '\n');
    before = last_characters(before, BEFORE_MAX);
    after = first_characters(after, AFTER_MAX);
    struct buf b;
    buf_init(&b, size - 1);
    put(&b, before, false);
    put(&b, after, false);
    buf_char(&b, '\n');
    put(&b, before, true);
    buf_char(&b, '^');
    snprintf(out, size, "%s", b.full ? "" : b.p);
    buf_done(&b);
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
}

struct str excerpt_owner(struct str source, uint32_t at)
{
    size_t end = at < source.n ? at : source.n;
    if (end && source.p[end - 1] == '.')
        end--;
    else if (end == source.n || (source.p[end] != '[' && source.p[end] != '.'))
        end = 0;
    size_t start = end;
    while (start && (is_word(source.p[start - 1]) || source.p[start - 1] == '.'))
        start--;
    bool named = start < end && is_word(source.p[start]) && source.p[start] > '9';
    return (struct str){source.p + start, named ? end - start : 0};
}

const char *excerpt_text(char out[static EXCERPT_TEXT_SIZE], struct str s)
{
    struct buf b;
    buf_init(&b, EXCERPT_TEXT_SIZE - 1); /* \xNN is the longest that a byte becomes */
    buf_escaped(&b, s, 60);
    snprintf(out, EXCERPT_TEXT_SIZE, "%s", buf_view(&b).p);
    buf_done(&b);
    return out;
}
