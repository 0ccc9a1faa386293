/* SPDX-License-Identifier: Apache-2.0 */
#include "render/segments.h"

#include "base/mem.h"

#include <stdlib.h>

#define TEXT_MAX_BYTES (1024 * 1024)
#define VALUE_MAX_BYTES 512

void segments_done(struct segments *s)
{
    free(s->list);
    *s = (struct segments){0};
}

static void put(struct segments *s, struct segment segment)
{
    struct segment *last = s->n ? &s->list[s->n - 1] : NULL;
    if (segment.begin == segment.end)
        return;
    if (last && !last->harmless && !segment.harmless) {
        last->end = segment.end;
        return;
    }
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 64;
        s->list = mem_resize(s->list, s->room, sizeof(*s->list));
    }
    s->list[s->n++] = segment;
}

enum { BYTE_QUOTED = 1, BYTE_PLAIN = 2, BYTE_START = 4 };

static unsigned byte_class(char c)
{
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word || c == '/' || c == '_')
        return BYTE_QUOTED | BYTE_PLAIN | BYTE_START;
    if (c == '.' || c == ':' || c == '@' || c == '+' || c == '-' || c == '=')
        return BYTE_QUOTED | BYTE_PLAIN;
    return c >= ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\' ? BYTE_QUOTED : 0;
}

/* Spaces at an end would be folded, or indent; at a line's beginning "---" has a meaning. */
static bool is_harmless(struct str text, uint32_t begin, uint32_t end, uint8_t *ret_class)
{
    struct str s = {text.p + begin, end - begin};
    if (s.n == 0 || s.n > VALUE_MAX_BYTES || begin == 0 || s.p[-1] == '\n' || s.p[0] == ' ' ||
        s.p[s.n - 1] == ' ')
        return false;
    unsigned common = BYTE_QUOTED | BYTE_PLAIN;
    bool colon = false;
    for (size_t i = 0; i < s.n; i++) {
        common &= byte_class(s.p[i]);
        colon = colon || s.p[i] == ':';
    }
    bool plain = common & BYTE_PLAIN && s.p[s.n - 1] != ':';
    bool start = plain && byte_class(s.p[0]) & BYTE_START;
    *ret_class = (uint8_t)((plain ? SEGMENT_PLAIN : 0) | (start ? SEGMENT_PLAIN_START : 0) |
                           (colon ? SEGMENT_COLON : 0));
    return common & BYTE_QUOTED;
}

static void put_value(struct segments *s, struct str text, uint32_t begin, uint32_t end)
{
    struct segment segment = {.begin = begin, .end = end};
    segment.harmless = is_harmless(text, begin, end, &segment.class);
    put(s, segment);
}

/* Escapes of two bytes alone: those that say a character by its number go on behind them. */
static bool has_odd_escape(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] != '\\')
            continue;
        if (++i == value.n || !memchr("nt\"\\/rbf", value.p[i], 8))
            return true;
    }
    return false;
}

static void put_fixed(struct segments *s, uint32_t begin, uint32_t end)
{
    put(s, (struct segment){.begin = begin, .end = end});
}

/* JSON's texts within a value, each by itself, and each cut at its escapes. */
static void put_quoted(struct segments *s, struct str text, uint32_t begin, uint32_t end)
{
    bool inside = false;
    uint32_t from = begin;
    for (uint32_t i = begin; i < end; i++) {
        char c = text.p[i];
        if (c != '"' && c != '\\')
            continue;
        if (inside)
            put_value(s, text, from, i);
        else
            put_fixed(s, from, i);
        put_fixed(s, i, i + (c == '"' ? 1 : 2));
        inside ^= c == '"';
        i += c != '"';
        from = i + 1;
    }
    put_fixed(s, from, end);
}

static void cut_value(struct segments *s, struct str text, uint32_t begin, uint32_t end)
{
    struct str value = {text.p + begin, end - begin};
    bool quotes = memchr(value.p, '"', value.n), escapes = memchr(value.p, '\\', value.n);
    if (memchr(value.p, '\n', value.n) || (escapes && (!quotes || has_odd_escape(value))))
        put_fixed(s, begin, end);
    else if (quotes)
        put_quoted(s, text, begin, end);
    else
        put_value(s, text, begin, end);
}

/* memchr and a look beat memmem, where the first byte is rare. */
static bool has(struct str text, struct str what)
{
    const char *at;
    for (; text.n && (at = memchr(text.p, what.p[0], text.n)); text = str_skip(text, 1)) {
        text = str_skip(text, (size_t)(at - text.p));
        if (str_starts(text, what))
            return true;
    }
    return false;
}

/* Line ends that YAML 1.1 knows beside "\n". */
static bool is_doubtful(struct str text)
{
    return memchr(text.p, '\0', text.n) || memchr(text.p, '\r', text.n) ||
           has(text, STR("\xC2\x85")) || has(text, STR("\xE2\x80\xA8")) ||
           has(text, STR("\xE2\x80\xA9"));
}

bool segments_cut(struct segments *s, struct str text, const struct template_trace *trace)
{
    s->n = 0;
    if (text.n == 0 || text.n > TEXT_MAX_BYTES || trace->n == 0 || trace->begin != 0 ||
        trace->list[trace->n - 1].end != text.n || is_doubtful(text))
        return false;
    for (uint32_t i = 0; i < trace->n; i++) {
        const struct template_piece *piece = &trace->list[i];
        uint32_t begin = (uint32_t)template_piece_begin(trace, piece), end = (uint32_t)piece->end;
        if (template_piece_is_value(piece))
            cut_value(s, text, begin, end);
        else
            put(s, (struct segment){.begin = begin, .end = end});
    }
    return true;
}

void segments_skeleton(const struct segments *s, struct str text, struct buf *out)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const struct segment *segment = &s->list[i];
        if (!segment->harmless) {
            buf_append(out, text.p + segment->begin, segment->end - segment->begin);
        } else { /* no text holds a NUL */
            buf_append(out, "\0", 1);
            buf_char(out, (char)('0' + segment->class));
        }
    }
}

uint32_t segments_at(const struct segments *s, uint32_t offset)
{
    uint32_t low = 0, high = s->n;
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        if (s->list[middle].begin <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool segments_stand_plain(const struct segments *s, uint32_t begin, uint32_t end)
{
    for (uint32_t i = segments_at(s, begin); i < s->n && s->list[i].begin < end; i++) {
        const struct segment *segment = &s->list[i];
        unsigned needed =
            segment->begin == begin ? SEGMENT_PLAIN | SEGMENT_PLAIN_START : SEGMENT_PLAIN;
        if (segment->harmless && (segment->class & needed) != needed)
            return false;
    }
    return true;
}

bool segments_stand_quoted(const struct segments *s, struct str text, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; text.p[begin - 1] == '"' && i + 1 < end; i++) {
        if (text.p[i] != '\\')
            continue;
        if (s->list[segments_at(s, ++i)].harmless || memchr("xuU", text.p[i], 3))
            return false;
    }
    return true;
}

static bool may_join_head(char c)
{
    return (c >= 'A' && c <= 'Z') || c == '-' || c == ' ';
}

bool segments_complete_head(const struct segments *s, struct str text)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const char *p = text.p + s->list[i].begin;
        size_t n = s->list[i].end - s->list[i].begin;
        if (s->list[i].harmless &&
            (may_join_head(p[0]) || may_join_head(p[n - 1]) || memmem(p, n, "PGP", 3)))
            return true;
    }
    return false;
}
