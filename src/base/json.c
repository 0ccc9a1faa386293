/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/mem.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

/* --- Writing ----------------------------------------------------------------------------------
 */

/* How many bytes of printable ASCII that need no escape `s` begins with. */
static size_t plain_head(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= ' ' && s.p[n] <= '~' && s.p[n] != '"' && s.p[n] != '\\')
        n++;
    return n;
}

static void write_code_point(struct buf *b, uint32_t c)
{
    switch (c) {
    case '"': buf_str(b, STR("\\\"")); break;
    case '\\': buf_str(b, STR("\\\\")); break;
    case '\b': buf_str(b, STR("\\b")); break;
    case '\f': buf_str(b, STR("\\f")); break;
    case '\n': buf_str(b, STR("\\n")); break;
    case '\r': buf_str(b, STR("\\r")); break;
    case '\t': buf_str(b, STR("\\t")); break;
    default:
        if (c > 0xFFFF)
            buf_printf(b, "\\u%04X\\u%04X", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + (c & 0x3FF));
        else
            buf_printf(b, "\\u%04X", c);
    }
}

/* Straight into the buffer, and not by way of jansson: each report and event is written so. */
static void write_text(struct buf *b, struct str s)
{
    buf_char(b, '"');
    while (s.n) {
        size_t n = plain_head(s);
        buf_append(b, s.p, n);
        s = str_skip(s, n);
        if (!s.n)
            break;
        uint32_t c = str_decode(s, &n);
        if (n == 1 && c > 0x7F)
            buf_str(b, STR("\xEF\xBF\xBD"));
        else if (n == 1 || str_is_hidden(c))
            write_code_point(b, c);
        else
            buf_append(b, s.p, n);
        s = str_skip(s, n);
    }
    buf_char(b, '"');
}

/* 17 digits give each double back. "1e+05" is 1e5, and a whole number gets a ".0". */
static void write_float(struct buf *b, double f)
{
    char text[64];
    snprintf(text, sizeof(text), "%.17g", f);
    struct str rest = str_from(text), mantissa = str_cut(&rest, 'e');
    buf_str(b, mantissa);
    if (!rest.p) {
        if (!memchr(mantissa.p, '.', mantissa.n))
            buf_str(b, STR(".0"));
        return;
    }
    buf_str(b, rest.p[0] == '-' ? STR("e-") : STR("e"));
    for (rest = str_skip(rest, 1); rest.n > 1 && rest.p[0] == '0';)
        rest = str_skip(rest, 1);
    buf_str(b, rest);
}

/* A line end and the indent of what comes next; `depth` < 0: all is on one line. */
static void write_break(struct buf *b, int depth)
{
    for (int i = 0; i <= depth; i++)
        buf_str(b, i ? STR("  ") : STR("\n"));
}

static void write_value(struct buf *b, struct value v, int depth);

static void write_items(struct buf *b, struct value v, int depth)
{
    int inner = depth < 0 ? depth : depth + 1;
    buf_char(b, v.kind == VALUE_MAP ? '{' : '[');
    for (uint32_t i = 0; i < v.n; i++) {
        if (i)
            buf_char(b, ',');
        write_break(b, inner);
        if (v.kind == VALUE_MAP) {
            write_text(b, value_text(v.pairs[i].key));
            buf_str(b, depth < 0 ? STR(":") : STR(": "));
        }
        write_value(b, v.kind == VALUE_MAP ? v.pairs[i].value : v.items[i], inner);
    }
    if (v.n)
        write_break(b, depth);
    buf_char(b, v.kind == VALUE_MAP ? '}' : ']');
}

static void write_value(struct buf *b, struct value v, int depth)
{
    char digits[STR_U64_SIZE];
    switch (v.kind) {
    case VALUE_BOOL: buf_str(b, v.b ? STR("true") : STR("false")); break;
    case VALUE_INT:
        if (v.i < 0)
            buf_char(b, '-');
        buf_str(b, str_of_u64(v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i, digits));
        break;
    case VALUE_FLOAT:
        if (isfinite(v.f))
            write_float(b, v.f);
        else
            buf_str(b, STR("null"));
        break;
    case VALUE_STR: write_text(b, value_text(v)); break;
    case VALUE_LIST:
    case VALUE_MAP: write_items(b, v, depth); break;
    default: buf_str(b, STR("null")); break;
    }
}

bool json_write(struct buf *b, struct value v, bool pretty)
{
    write_value(b, v, pretty ? 0 : -1);
    return !b->full;
}

/* --- Reading, by jansson ---------------------------------------------------------------------- */

static bool from_jansson(json_t *j, struct arena *a, unsigned depth, struct value *ret);

static bool list_from_jansson(json_t *j, struct arena *a, unsigned depth, struct value *ret)
{
    size_t n = json_array_size(j);
    struct value *items = ARENA_ARRAY(a, struct value, n);
    for (size_t i = 0; i < n; i++) {
        if (!from_jansson(json_array_get(j, i), a, depth + 1, &items[i]))
            return false;
    }
    *ret = value_list(items, n);
    return true;
}

static bool map_from_jansson(json_t *j, struct arena *a, unsigned depth, struct value *ret)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, json_object_size(j));
    size_t n = 0;
    const char *key;
    json_t *item;
    json_object_foreach(j, key, item)
    {
        pairs[n].key = value_str(arena_str(a, str_from(key)));
        if (!from_jansson(item, a, depth + 1, &pairs[n++].value))
            return false;
    }
    *ret = value_map(pairs, n);
    return true;
}

static bool from_jansson(json_t *j, struct arena *a, unsigned depth, struct value *ret)
{
    if (depth > DEPTH_MAX)
        return false;
    switch (json_typeof(j)) {
    case JSON_OBJECT: return map_from_jansson(j, a, depth, ret);
    case JSON_ARRAY: return list_from_jansson(j, a, depth, ret);
    case JSON_STRING: {
        struct str s = {json_string_value(j), json_string_length(j)};
        *ret = value_str(arena_str(a, s));
        return true;
    }
    case JSON_INTEGER: *ret = value_int(json_integer_value(j)); return true;
    case JSON_REAL: *ret = value_float(json_real_value(j)); return true;
    case JSON_TRUE: *ret = value_bool(true); return true;
    case JSON_FALSE: *ret = value_bool(false); return true;
    default: *ret = value_none(); return true;
    }
}

/* What it read may be a secret. It never calls realloc, which could leave a copy behind. */
static void wipe_and_free(void *p)
{
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void set_up_jansson(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
}

static int read_by_jansson(struct str text, struct arena *a, struct value *ret, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    json_error_t je;
    pthread_once(&once, set_up_jansson);
    json_t *j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
    if (!j)
        return err_set(e, -EINVAL, "line %d column %d: %s", je.line, je.column, je.text);
    bool is_cut =
        memchr(text.p, '\0', text.n); /* jansson takes it for white space behind a number */
    bool ok = !is_cut && from_jansson(j, a, 1, ret);
    json_decref(j);
    if (is_cut)
        return err_set(e, -EINVAL, "a NUL byte between the values");
    return ok ? 0 : err_set(e, -EINVAL, "nested deeper than %d levels", DEPTH_MAX);
}

/* --- Reading ------------------------------------------------------------------------------------
 *
 * Lists of 100,000 nodes are read here, so what most texts consist of goes straight to the arena.
 * The functions return false for what jansson must refuse or read: it has the messages. */

#define DIGITS_MAX 18 /* of an integer that 64 bits hold whatever its digits */
#define KEYS_COMPARED 32

struct reader {
    struct str rest;
    struct arena *arena;
    struct value *open; /* items of the lists and maps that have not ended yet */
    size_t n, room;
};

static void push(struct reader *r, struct value v)
{
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 256;
        r->open = mem_resize(r->open, r->room, sizeof(*r->open));
    }
    r->open[r->n++] = v;
}

/* The next byte that is not white space, 0 at the end; it is not taken. */
static char next(struct reader *r)
{
    size_t n = 0;
    const char *p = r->rest.p;
    while (n < r->rest.n && (p[n] == ' ' || p[n] == '\n' || p[n] == '\r' || p[n] == '\t'))
        n++;
    r->rest = str_skip(r->rest, n);
    return r->rest.n ? r->rest.p[0] : '\0';
}

static bool take(struct reader *r, char c)
{
    if (next(r) != c || !r->rest.n)
        return false;
    r->rest = str_skip(r->rest, 1);
    return true;
}

static bool read_word(struct reader *r, struct str word, struct value v, struct value *ret)
{
    if (!str_starts(r->rest, word))
        return false;
    r->rest = str_skip(r->rest, word.n);
    *ret = v;
    return true;
}

static bool read_token_by_jansson(struct reader *r, size_t n, struct value *ret)
{
    struct str token = {r->rest.p, n};
    r->rest = str_skip(r->rest, n);
    return read_by_jansson(token, r->arena, ret, NULL) == 0;
}

static bool read_text(struct reader *r, struct value *ret)
{
    const char *p = r->rest.p;
    size_t n = 1, bad;
    bool escapes = false;
    unsigned char seen = 0;
    while (n < r->rest.n && p[n] != '"' && (unsigned char)p[n] >= 0x20) {
        seen |= (unsigned char)p[n];
        escapes = escapes || p[n] == '\\';
        n += p[n] == '\\' ? 2 : 1;
    }
    if (n >= r->rest.n || p[n] != '"')
        return false;
    if (escapes)
        return read_token_by_jansson(r, n + 1, ret);
    struct str text = {p + 1, n - 1};
    if (seen > 0x7F && !str_is_utf8(text, &bad))
        return false;
    *ret = value_str(arena_str(r->arena, text));
    r->rest = str_skip(r->rest, n + 1);
    return true;
}

static bool read_number(struct reader *r, struct value *ret)
{
    struct str s = r->rest;
    size_t sign = str_starts(s, STR("-")), n = sign;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    bool is_whole = n == s.n || !strchr(".eE+-", s.p[n]);
    uint64_t number;
    if (is_whole && n - sign <= DIGITS_MAX) {
        if (!str_to_u64((struct str){s.p + sign, n - sign}, INT64_MAX, &number))
            return false;
        *ret = value_int(sign ? -(int64_t)number : (int64_t)number);
        r->rest = str_skip(s, n);
        return true;
    }
    while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || strchr(".eE+-", s.p[n])))
        n++;
    return read_token_by_jansson(r, n, ret);
}

static bool read_value(struct reader *r, unsigned depth, struct value *ret);

/* The items behind `from` leave the open ones and become an array in the arena. */
static const void *close_items(struct reader *r, size_t from)
{
    size_t n = r->n - from;
    struct value *items = arena_alloc(r->arena, n * sizeof(*items));
    if (n)
        memcpy(items, r->open + from, n * sizeof(*items));
    r->n = from;
    return items;
}

static bool read_list(struct reader *r, unsigned depth, struct value *ret)
{
    size_t from = r->n;
    struct value item;
    r->rest = str_skip(r->rest, 1);
    if (!take(r, ']')) {
        do {
            if (!read_value(r, depth + 1, &item))
                return false;
            push(r, item);
        } while (take(r, ','));
        if (!take(r, ']'))
            return false;
    }
    size_t n = r->n - from;
    *ret = value_list(close_items(r, from), n);
    return true;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(value_text(((const struct value_pair *)a)->key),
                   value_text(((const struct value_pair *)b)->key));
}

static bool has_duplicates(const struct value_pair *pairs, size_t n)
{
    bool found = false;
    if (n <= KEYS_COMPARED) {
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < i; k++)
                found = found || (pairs[i].key.n == pairs[k].key.n &&
                                  pairs[i].key.s[0] == pairs[k].key.s[0] &&
                                  str_eq(value_text(pairs[i].key), value_text(pairs[k].key)));
        }
        return found;
    }
    struct value_pair *sorted = mem_alloc(n * sizeof(*sorted));
    memcpy(sorted, pairs, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_key);
    for (size_t i = 1; i < n; i++)
        found = found || by_key(&sorted[i - 1], &sorted[i]) == 0;
    free(sorted);
    return found;
}

static bool read_map(struct reader *r, unsigned depth, struct value *ret)
{
    size_t from = r->n;
    struct value key, item;
    r->rest = str_skip(r->rest, 1);
    if (!take(r, '}')) {
        do {
            if (next(r) != '"' || !read_text(r, &key) || !take(r, ':') ||
                !read_value(r, depth + 1, &item))
                return false;
            push(r, key);
            push(r, item);
        } while (take(r, ','));
        if (!take(r, '}'))
            return false;
    }
    size_t n = (r->n - from) / 2;
    const struct value_pair *pairs = close_items(r, from);
    *ret = value_map(pairs, n);
    return !has_duplicates(pairs, n);
}

static bool read_value(struct reader *r, unsigned depth, struct value *ret)
{
    if (depth > DEPTH_MAX)
        return false;
    switch (next(r)) {
    case '{': return read_map(r, depth, ret);
    case '[': return read_list(r, depth, ret);
    case '"': return read_text(r, ret);
    case 't': return read_word(r, STR("true"), value_bool(true), ret);
    case 'f': return read_word(r, STR("false"), value_bool(false), ret);
    case 'n': return read_word(r, STR("null"), value_none(), ret);
    default: return read_number(r, ret);
    }
}

int json_read(struct str text, struct arena *a, struct value *ret, struct err *e)
{
    struct reader r = {.rest = text, .arena = a};
    struct value v;
    bool whole = read_value(&r, 1, &v) && next(&r) == '\0' && !r.rest.n;
    free(r.open);
    if (!whole)
        return read_by_jansson(text, a, ret, e);
    *ret = v;
    return 0;
}
