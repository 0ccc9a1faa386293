/* SPDX-License-Identifier: Apache-2.0 */
#include "render/segments.h"

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
        s->list = reallocarray(s->list, s->room, sizeof(*s->list));
        if (!s->list)
            abort();
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

/* JSON's texts within a value, each by itself. */
static void put_quoted(struct segments *s, struct str text, uint32_t begin, uint32_t end)
{
    bool inside = false;
    for (uint32_t i = begin, from = begin; i <= end; i++) {
        if (i < end && text.p[i] != '"')
            continue;
        if (inside && i < end)
            put_value(s, text, from, i);
        else
            put(s, (struct segment){.begin = from, .end = i});
        if (i < end)
            put(s, (struct segment){.begin = i, .end = i + 1});
        inside = !inside;
        from = i + 1;
    }
}

static void cut_value(struct segments *s, struct str text, uint32_t begin, uint32_t end)
{
    const char *p = text.p + begin;
    size_t n = end - begin;
    if (memchr(p, '\\', n) || memchr(p, '\n', n))
        put(s, (struct segment){.begin = begin, .end = end});
    else if (memchr(p, '"', n))
        put_quoted(s, text, begin, end);
    else
        put_value(s, text, begin, end);
}

/* Line ends that YAML 1.1 knows beside "\n". */
static bool is_doubtful(struct str text)
{
    return memchr(text.p, '\0', text.n) || memchr(text.p, '\r', text.n) ||
           memmem(text.p, text.n, "\xC2\x85", 2) || memmem(text.p, text.n, "\xE2\x80\xA8", 3) ||
           memmem(text.p, text.n, "\xE2\x80\xA9", 3);
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
