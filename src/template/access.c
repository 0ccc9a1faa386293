/* SPDX-License-Identifier: Apache-2.0 */
#include "template/excerpt.h"
#include "template/run.h"
#include "template/text.h"

/* --- Iteration ----------------------------------------------------------------------------- */

static bool items_of_text(struct run *r, uint32_t at, struct str s, const struct value **ret,
                          uint32_t *n)
{
    if (!run_charge_chars(r, at, s.n))
        return false;
    size_t length = text_length(s), step;
    struct value *items = run_alloc(r, at, length * sizeof(*items));
    if (!items)
        return false;
    for (size_t i = 0; i < length; i++, s = str_skip(s, step)) {
        str_decode(s, &step);
        items[i] = value_str((struct str){s.p, step});
    }
    *ret = items;
    *n = (uint32_t)length;
    return true;
}

static bool items_of_map(struct run *r, uint32_t at, struct value map, const struct value **ret,
                         uint32_t *n)
{
    struct value *items = run_alloc(r, at, map.n * sizeof(*items));
    if (!items)
        return false;
    for (uint32_t i = 0; i < map.n; i++)
        items[i] = map.pairs[i].key;
    *ret = items;
    *n = map.n;
    return true;
}

bool run_items(struct run *r, uint32_t at, struct value v, const struct value **ret, uint32_t *n)
{
    switch ((enum value_kind)v.kind) {
    case VALUE_UNDEFINED:
        *ret = NULL;
        *n = 0;
        return run_is_soft(v) || run_refuse(r, at, v);
    case VALUE_STR: return items_of_text(r, at, value_text(v), ret, n);
    case VALUE_MAP: return items_of_map(r, at, v, ret, n);
    case VALUE_LIST:
        *ret = v.items;
        *n = v.n;
        return true;
    default: return run_fail(r, at, "%s cannot be iterated over", run_kind(v));
    }
}

/* --- Mappings ------------------------------------------------------------------------------ */

bool run_hashable(struct run *r, uint32_t at, struct value v)
{
    if (run_is_soft(v))
        return run_fail(r, at, "an undefined value cannot be a key");
    if (v.kind == VALUE_UNDEFINED)
        return run_refuse(r, at, v);
    if (v.kind == VALUE_MAP || (v.kind == VALUE_LIST && v.tag != RUN_TUPLE))
        return run_fail(r, at, "%s cannot be a key", run_kind(v));
    if (v.kind != VALUE_LIST)
        return true;
    if (!run_charge(r, at, 1 + v.n) || !run_enter(r, at)) /* items may be the same tuple, again */
        return false;
    bool ok = true;
    for (uint32_t i = 0; i < v.n && ok; i++)
        ok = run_hashable(r, at, v.items[i]);
    run_leave(r);
    return ok;
}

bool run_map_get(struct run *r, uint32_t at, struct value map, struct value key, struct value *ret)
{
    *ret = run_tagged(RUN_ABSENT);
    if (!run_hashable(r, at, key) || !run_charge_lookup(r, at, map, key))
        return false;
    for (uint32_t i = 0; i < map.n; i++) {
        bool same;
        if (map.pairs[i].key.kind == VALUE_STR || key.kind == VALUE_STR)
            same = map.pairs[i].key.kind == key.kind &&
                   str_eq(value_text(map.pairs[i].key), value_text(key));
        else if (!run_equal(r, at, map.pairs[i].key, key, &same))
            return false;
        if (same) {
            *ret = map.pairs[i].value;
            break;
        }
    }
    return true;
}

/* --- Attributes that values have in Python ----------- */

static const char *const of_integer[] = {
    "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "imag",
    "numerator",        "real",      "to_bytes",   NULL};
static const char *const of_float[] = {"as_integer_ratio", "conjugate", "fromhex", "hex", "imag",
                                       "is_integer",       "real",      NULL};
static const char *const of_text[] = {
    "capitalize",   "casefold",    "center",    "count",      "encode",       "endswith",
    "expandtabs",   "find",        "format",    "format_map", "index",        "isalnum",
    "isalpha",      "isascii",     "isdecimal", "isdigit",    "isidentifier", "islower",
    "isnumeric",    "isprintable", "isspace",   "istitle",    "isupper",      "join",
    "ljust",        "lower",       "lstrip",    "maketrans",  "partition",    "removeprefix",
    "removesuffix", "replace",     "rfind",     "rindex",     "rjust",        "rpartition",
    "rsplit",       "rstrip",      "split",     "splitlines", "startswith",   "strip",
    "swapcase",     "title",       "translate", "upper",      "zfill",        NULL};
static const char *const of_markup[] = {"escape", "striptags", "unescape", NULL};
static const char *const of_list[] = {"append", "clear", "copy",   "count",   "extend", "index",
                                      "insert", "pop",   "remove", "reverse", "sort",   NULL};
static const char *const of_mapping[] = {"clear",      "copy",   "fromkeys", "get",
                                         "items",      "keys",   "pop",      "popitem",
                                         "setdefault", "update", "values",   NULL};
static const char *const of_tuple[] = {"count", "index", NULL};
static const char *const of_range[] = {"count", "index", "start", "step", "stop", NULL};
static const char *const of_view[] = {"isdisjoint", "mapping", NULL};
static const char *const of_generator[] = {"close",      "gi_code",      "gi_frame",
                                           "gi_running", "gi_suspended", "gi_yieldfrom",
                                           "send",       "throw",        NULL};

static bool is_in(const char *const *list, struct str name)
{
    for (; name.n && *list; list++) {
        if (name.p[0] == **list && str_is(name, *list)) /* the first letter usually decides */
            return true;
    }
    return false;
}

static const char *const *of_sequence(struct value v)
{
    switch ((enum run_tag)v.tag) {
    case RUN_TUPLE: return of_tuple;
    case RUN_RANGE: return of_range;
    case RUN_KEYS:
    case RUN_VALUES:
    case RUN_ITEMS: return of_view;
    case RUN_GENERATOR: return of_generator;
    default: return of_list;
    }
}

static bool has_attr(struct value v, struct str name)
{
    if (str_starts(name, STR("__")))
        return true;
    switch ((enum value_kind)v.kind) {
    case VALUE_BOOL:
    case VALUE_INT: return is_in(of_integer, name);
    case VALUE_FLOAT: return is_in(of_float, name);
    case VALUE_STR: return is_in(of_text, name) || (v.tag == RUN_MARKUP && is_in(of_markup, name));
    case VALUE_LIST: return is_in(of_sequence(v), name);
    case VALUE_MAP: return is_in(of_mapping, name);
    default: return false;
    }
}

bool access_is_of_mappings(struct str name)
{
    return has_attr((struct value){.kind = VALUE_MAP}, name);
}

/* --- a.name and a[key] --------------------------------------------------------------------- */

static bool no_member(struct run *r, uint32_t at, struct value of, struct value key,
                      struct value *ret)
{
    return run_undefined(r, at, (struct undefined){.of = of, .key = key}, ret);
}

static bool loop_attr(struct run *r, uint32_t at, struct value of, struct str name,
                      struct value *ret)
{
    const struct loop_state *l = (const struct loop_state *)of.s;
    char text[EXCERPT_TEXT_SIZE];
    if (str_is(name, "index"))
        *ret = value_int((int64_t)l->i + 1);
    else if (str_is(name, "index0"))
        *ret = value_int(l->i);
    else if (str_is(name, "revindex"))
        *ret = value_int((int64_t)l->n - l->i);
    else if (str_is(name, "revindex0"))
        *ret = value_int((int64_t)l->n - l->i - 1);
    else if (str_is(name, "first"))
        *ret = value_bool(l->i == 0);
    else if (str_is(name, "last"))
        *ret = value_bool(l->i + 1 == l->n);
    else if (str_is(name, "length"))
        *ret = value_int(l->n);
    else if (str_is(name, "depth") || str_is(name, "depth0"))
        *ret = value_int(str_is(name, "depth"));
    else if (str_is(name, "previtem") && l->i > 0)
        *ret = l->items[l->i - 1];
    else if (str_is(name, "nextitem") && l->i + 1 < l->n)
        *ret = l->items[l->i + 1];
    else if (str_is(name, "previtem") || str_is(name, "nextitem"))
        return run_undefined(
            r, at, (struct undefined){.hint = "there is no previous or next item here"}, ret);
    else
        return run_fail(r, at, "the loop has no '%s' here", excerpt_text(text, name));
    return true;
}

/* In Jinja2 a name may be an attribute of the Python object: with a dot before any key, with
 * brackets where there is no such key. That gives methods, which are useless unless called. */
static bool refuse_python(struct run *r, uint32_t at, struct value of, struct str name)
{
    char text[EXCERPT_TEXT_SIZE];
    excerpt_text(text, name);
    if (of.kind == VALUE_MAP)
        return run_fail(r, at, "'%s' is a method of mappings: write ['%s'] for a key", text, text);
    return run_fail(r, at, "'%s' is an attribute that Python has, out of reach here", text);
}

bool run_attr(struct run *r, const struct expr *e, struct value of, struct value *ret)
{
    if (of.kind == VALUE_UNDEFINED && of.tag == RUN_LOOP)
        return loop_attr(r, e->at, of, e->attr, ret);
    if (of.kind == VALUE_UNDEFINED)
        return run_refuse(r, e->at, of);
    if (of.kind == VALUE_MAP ? e->op != 0 : has_attr(of, e->attr))
        return refuse_python(r, e->at, of, e->attr);
    if (of.kind == VALUE_MAP) {
        if (!run_charge_lookup(r, e->at, of, value_str(e->attr)))
            return false;
        *ret = value_get(of, e->attr);
        if (ret->kind != VALUE_UNDEFINED || ret->tag || ret->s)
            return true;
    }
    return no_member(r, e->at, of, value_str(e->attr), ret);
}

static bool index_sequence(struct run *r, uint32_t at, struct value of, struct value key,
                           struct value *ret)
{
    if (of.kind == VALUE_STR && !run_charge_chars(r, at, of.n))
        return false;
    int64_t length = of.kind == VALUE_STR ? (int64_t)text_length(value_text(of)) : (int64_t)of.n;
    int64_t i = run_integer(key);
    if (i < 0)
        i += length;
    if (i < 0 || i >= length)
        return no_member(r, at, of, key, ret);
    if (of.kind == VALUE_STR) {
        *ret = value_str(text_char_at(value_text(of), (size_t)i));
        ret->tag = of.tag;
    } else {
        *ret = of.items[i];
    }
    return true;
}

/* In Jinja2 the key may then name an attribute. */
static bool index_missing(struct run *r, uint32_t at, struct value of, struct value key,
                          struct value *ret)
{
    if (key.kind == VALUE_STR && has_attr(of, value_text(key)))
        return refuse_python(r, at, of, value_text(key));
    return no_member(r, at, of, key, ret);
}

bool run_index(struct run *r, uint32_t at, struct value of, struct value key, struct value *ret)
{
    if (of.kind == VALUE_UNDEFINED && of.tag == RUN_LOOP && key.kind == VALUE_STR)
        return loop_attr(r, at, of, value_text(key), ret);
    if (of.kind == VALUE_UNDEFINED)
        return run_refuse(r, at, of);
    if ((run_is_sequence(of) || of.kind == VALUE_STR) && run_is_integer(key))
        return index_sequence(r, at, of, key, ret);
    if (of.kind != VALUE_MAP)
        return index_missing(r, at, of, key, ret);
    bool is_key = key.kind != VALUE_MAP && (key.kind != VALUE_LIST || key.tag == RUN_TUPLE);
    if (!is_key)
        return no_member(r, at, of, key, ret);
    if (!run_map_get(r, at, of, key, ret))
        return false;
    return run_is_absent(*ret) ? index_missing(r, at, of, key, ret) : true;
}
