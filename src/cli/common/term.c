/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/term.h"

#include "template/text.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#define COLUMNS_MIN 20
#define REPLACEMENT 0xFFFD
#define TEXT_MAX_BYTES ((size_t)1 << 30)

bool term_is_capable(int fd)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0 && isatty(fd);
}

size_t term_columns(int fd)
{
    const char *text = getenv("COLUMNS");
    struct winsize size;
    uint64_t n;
    if (text && str_to_u64(str_from(text), UINT16_MAX, &n) && n >= COLUMNS_MIN)
        return n;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool term_when_valid(const char *when)
{
    return strcmp(when, "auto") == 0 || strcmp(when, "always") == 0 || strcmp(when, "never") == 0;
}

bool term_color(const char *when, int fd)
{
    if (when && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    const char *no = getenv("NO_COLOR");
    return !(no && *no) && term_is_capable(fd);
}

/* How many bytes of printable ASCII `s` begins with. */
static size_t ascii_head(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= ' ' && s.p[n] <= '~')
        n++;
    return n;
}

bool term_is_ascii(struct str s)
{
    return ascii_head(s) == s.n;
}

size_t term_width(struct str s)
{
    size_t width = 0, n;
    if (term_is_ascii(s))
        return s.n;
    for (; s.n; s = str_skip(s, n)) {
        int columns = wcwidth((wchar_t)str_decode(s, &n));
        width += columns < 0 ? 1 : (size_t)columns;
    }
    return width;
}

struct str term_head(struct str s, size_t columns)
{
    size_t at = 0, n;
    for (struct str rest = s; rest.n; rest = str_skip(rest, n)) {
        int width = wcwidth((wchar_t)str_decode(rest, &n));
        size_t taken = width < 0 ? 1 : (size_t)width;
        if (taken > columns)
            break;
        columns -= taken;
        at += n;
    }
    return (struct str){s.p, at};
}

struct str term_words(struct str s, size_t columns)
{
    struct str line = term_head(s, columns);
    if (line.n == s.n)
        return line;
    for (size_t n = line.n; n > 0; n--) {
        if (s.p[n] == ' ')
            return str_head(s, n);
    }
    return line.n ? line : s;
}

/* Invalid UTF-8 is decoded to U+FFFD, byte by byte. */
static bool is_printable(uint32_t c, size_t n)
{
    return text_is_printable(c) && !str_is_hidden(c) && !(c == REPLACEMENT && n == 1);
}

static void escape(struct buf *b, uint32_t c, size_t n, char byte)
{
    if (c == '\n')
        buf_str(b, STR("\\n"));
    else if (c == '\t')
        buf_str(b, STR("\\t"));
    else if (n == 1)
        buf_printf(b, "\\x%02x", (unsigned char)byte);
    else
        buf_printf(b, c > 0xFFFF ? "\\U%08x" : "\\u%04x", c);
}

void term_text(struct buf *b, struct str s)
{
    size_t n;
    for (; s.n; s = str_skip(s, n)) {
        uint32_t c = str_decode(s, &n);
        if (is_printable(c, n))
            buf_append(b, s.p, n);
        else
            escape(b, c, n, s.p[0]);
    }
}

struct str term_safe(struct str s, struct arena *a)
{
    struct buf b;
    buf_init(&b, TEXT_MAX_BYTES);
    term_text(&b, s);
    struct str safe = arena_str(a, buf_view(&b));
    buf_done(&b);
    return safe;
}

void term_line(struct buf *b, struct str s)
{
    size_t n;
    for (; s.n; s = str_skip(s, n)) {
        uint32_t c = str_decode(s, &n);
        if (is_printable(c, n) || c == '\t')
            buf_append(b, s.p, n);
        else
            buf_str(b, STR("\uFFFD"));
    }
}

void term_json(struct buf *b, struct str json)
{
    size_t n;
    for (; json.n; json = str_skip(json, n)) {
        n = ascii_head(json);
        buf_append(b, json.p, n);
        json = str_skip(json, n);
        if (!json.n)
            break;
        uint32_t c = str_decode(json, &n);
        if (c == '\n' || (text_is_printable(c) && !str_is_hidden(c)))
            buf_append(b, json.p, n);
        else if (c <= 0xFFFF)
            buf_printf(b, "\\u%04x", c);
        else
            buf_printf(b, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + (c & 0x3FF));
    }
}
