/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/mem.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

#define DEPTH_MAX 64

/* jansson accepts only UTF-8: other bytes are replaced one by one. */
static json_t *text_to_jansson(struct str s)
{
    size_t bad;
    if (str_is_utf8(s, &bad))
        return mem_need(json_stringn(s.p, s.n));
    struct buf b;
    buf_init(&b, s.n * 3);
    while (!str_is_utf8(s, &bad)) {
        buf_append(&b, s.p, bad);
        buf_str(&b, STR("\xEF\xBF\xBD"));
        s = str_skip(s, bad + 1);
    }
    buf_str(&b, s);
    json_t *j = mem_need(json_stringn(b.p, b.n));
    buf_done(&b);
    return j;
}

static json_t *to_jansson(struct value v);

static json_t *list_to_jansson(struct value v)
{
    json_t *list = mem_need(json_array());
    for (uint32_t i = 0; i < v.n; i++)
        json_array_append_new(list, to_jansson(v.items[i]));
    return list;
}

static json_t *map_to_jansson(struct value v)
{
    json_t *map = mem_need(json_object());
    for (uint32_t i = 0; i < v.n; i++) {
        json_t *key = text_to_jansson(value_text(v.pairs[i].key));
        json_object_setn_new(map, json_string_value(key), json_string_length(key),
                             to_jansson(v.pairs[i].value));
        json_decref(key);
    }
    return map;
}

static json_t *to_jansson(struct value v)
{
    switch (v.kind) {
    case VALUE_BOOL: return json_boolean(v.b);
    case VALUE_INT: return mem_need(json_integer(v.i));
    case VALUE_FLOAT: return isfinite(v.f) ? mem_need(json_real(v.f)) : json_null();
    case VALUE_STR: return text_to_jansson(value_text(v));
    case VALUE_LIST: return list_to_jansson(v);
    case VALUE_MAP: return map_to_jansson(v);
    default: return json_null();
    }
}

static int append(const char *p, size_t n, void *b)
{
    return buf_append(b, p, n) ? 0 : -1;
}

bool json_write(struct buf *b, struct value v, bool pretty)
{
    json_t *j = to_jansson(v);
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(17);
    flags |= pretty ? JSON_INDENT(2) : JSON_COMPACT;
    int r = json_dump_callback(j, append, b, flags);
    json_decref(j);
    return r == 0;
}

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
