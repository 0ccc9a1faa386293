/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#define DEPTH_MAX 64

/* --- Writing ----------------------------------------------------------------------------------
 */

/* Straight into the buffer, and not by way of jansson: each report and event is written so. */
static void write_utf8(struct buf *b, struct str s)
{
    static const char short_escapes[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                         ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_append(b, s.p + from, i - from);
        from = i + 1;
        if (short_escapes[c])
            buf_append(b, (const char[]){'\\', short_escapes[c]}, 2);
        else
            buf_printf(b, "\\u%04X", c);
    }
    buf_append(b, s.p + from, s.n - from);
}

/* Bytes that are not UTF-8 are replaced one by one. */
static void write_text(struct buf *b, struct str s)
{
    size_t bad;
    buf_char(b, '"');
    while (!str_is_utf8(s, &bad)) {
        write_utf8(b, (struct str){s.p, bad});
        buf_str(b, STR("\xEF\xBF\xBD"));
        s = str_skip(s, bad + 1);
    }
    write_utf8(b, s);
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
    char text[32];
    switch (v.kind) {
    case VALUE_BOOL: buf_str(b, v.b ? STR("true") : STR("false")); break;
    case VALUE_INT:
        snprintf(text, sizeof(text), "%" PRId64, v.i);
        buf_str(b, str_from(text));
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

/* --- Reading ----------------------------------------------------------------------------------
 */

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

int json_read(struct str text, struct arena *a, struct value *ret, struct err *e)
{
    json_error_t je;
    json_t *j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
    if (!j)
        return err_set(e, -EINVAL, "line %d column %d: %s", je.line, je.column, je.text);
    bool ok = from_jansson(j, a, 1, ret);
    json_decref(j);
    return ok ? 0 : err_set(e, -EINVAL, "nested deeper than %d levels", DEPTH_MAX);
}
