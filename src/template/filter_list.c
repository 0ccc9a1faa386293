/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"
#include "template/run.h"
#include "template/text.h"

bool filter_join(struct run *r, const struct builtin_call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    struct str by;
    if (!run_items(r, c->at, c->on, &items, &n) || !builtin_arg_text(r, c, 0, &by) ||
        !run_charge(r, c->at, n))
        return false;
    struct buf b;
    builtin_begin(r, &b);
    bool ok = true;
    for (uint32_t i = 0; i < n && ok; i++) {
        if (i)
            buf_str(&b, by);
        ok = run_show(r, c->at, &b, items[i]);
    }
    return builtin_end(r, c, ok, &b, ret);
}

bool filter_length(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct value v = c->on;
    if (v.kind == VALUE_UNDEFINED) {
        *ret = value_int(0);
        return run_is_soft(v) || run_refuse(r, c->at, v);
    }
    bool sized = v.kind == VALUE_STR || v.kind == VALUE_MAP ||
                 (v.kind == VALUE_LIST && v.tag != RUN_GENERATOR);
    if (!sized)
        return run_fail(r, c->at, "%s has no length", run_kind(v));
    if (v.kind == VALUE_STR && !run_charge_chars(r, c->at, v.n))
        return false;
    *ret = value_int(v.kind == VALUE_STR ? (int64_t)text_length(value_text(v)) : (int64_t)v.n);
    return true;
}

static bool pick(struct run *r, const struct builtin_call *c, bool last, struct value *ret)
{
    static const char hint[] = "there is no such item: the sequence is empty";
    const struct value *items;
    uint32_t n;
    if (!run_items(r, c->at, c->on, &items, &n))
        return false;
    if (n == 0)
        return run_undefined(r, c->at, (struct undefined){.hint = hint}, ret);
    *ret = items[last ? n - 1 : 0];
    if (last && c->on.kind == VALUE_STR)
        ret->tag = c->on.tag;
    return true;
}

bool filter_first(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return pick(r, c, false, ret);
}

bool filter_last(struct run *r, const struct builtin_call *c, struct value *ret)
{
    if (c->on.kind == VALUE_LIST && c->on.tag == RUN_GENERATOR)
        return run_fail(r, c->at, "an iterator has no last item; use \"|list\"");
    return pick(r, c, true, ret);
}

bool filter_list(struct run *r, const struct builtin_call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    if (!run_items(r, c->at, c->on, &items, &n))
        return false;
    *ret = value_list(items, n);
    return true;
}

/* The pairs of a mapping as tuples. */
static bool pairs_of(struct run *r, const struct builtin_call *c, struct value *ret)
{
    uint32_t n = c->on.n;
    struct value *items = run_alloc(r, c->at, n * sizeof(*items));
    struct value *pairs = items ? run_alloc(r, c->at, n * 2 * sizeof(*pairs)) : NULL;
    if (!pairs)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        pairs[i * 2] = c->on.pairs[i].key;
        pairs[i * 2 + 1] = c->on.pairs[i].value;
        items[i] = value_list(&pairs[i * 2], 2);
        items[i].tag = RUN_TUPLE;
    }
    *ret = value_list(items, n);
    return true;
}

/* Unlike the method it accepts an undefined value, which has no items. */
bool filter_items(struct run *r, const struct builtin_call *c, struct value *ret)
{
    *ret = value_list(NULL, 0);
    if (!run_is_undefined(c->on)) {
        if (c->on.kind != VALUE_MAP)
            return run_fail(r, c->at, "'items' needs a mapping, not %s", run_kind(c->on));
        if (!pairs_of(r, c, ret))
            return false;
    }
    ret->tag = RUN_GENERATOR;
    return true;
}

static bool reverse_text(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s = value_text(c->on);
    char *p = run_alloc(r, c->at, s.n + 1);
    if (!p || !run_charge_chars(r, c->at, s.n))
        return false;
    char *to = p + s.n;
    *to = '\0';
    size_t n;
    for (; s.n; s = str_skip(s, n)) {
        str_decode(s, &n);
        to -= n;
        memcpy(to, s.p, n);
    }
    *ret = value_str((struct str){p, c->on.n});
    ret->tag = c->on.tag;
    return true;
}

bool filter_reverse(struct run *r, const struct builtin_call *c, struct value *ret)
{
    const struct value *from;
    uint32_t n;
    if (c->on.kind == VALUE_STR)
        return reverse_text(r, c, ret);
    if (!run_items(r, c->at, c->on, &from, &n))
        return false;
    struct value *items = run_alloc(r, c->at, n * sizeof(*items));
    if (!items)
        return false;
    for (uint32_t i = 0; i < n; i++)
        items[i] = from[n - 1 - i];
    *ret = value_list(items, n);
    ret->tag = RUN_GENERATOR;
    return true;
}

/* --- Methods of mappings ------------------------------------------------------------------- */

bool method_items(struct run *r, const struct builtin_call *c, struct value *ret)
{
    if (!pairs_of(r, c, ret))
        return false;
    ret->tag = RUN_ITEMS;
    return true;
}

bool method_keys(struct run *r, const struct builtin_call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    if (!run_items(r, c->at, c->on, &items, &n))
        return false;
    *ret = value_list(items, n);
    ret->tag = RUN_KEYS;
    return true;
}

bool method_values(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct value *items = run_alloc(r, c->at, c->on.n * sizeof(*items));
    if (!items)
        return false;
    for (uint32_t i = 0; i < c->on.n; i++)
        items[i] = c->on.pairs[i].value;
    *ret = value_list(items, c->on.n);
    ret->tag = RUN_VALUES;
    return true;
}

bool method_get(struct run *r, const struct builtin_call *c, struct value *ret)
{
    if (!run_map_get(r, c->at, c->on, c->args[0], ret))
        return false;
    if (run_is_absent(*ret))
        *ret = run_is_absent(c->args[1]) ? value_none() : c->args[1];
    return true;
}

/* An item and its sort key. */
struct sorted {
    struct value key, item;
};

/* The sort key of a value: a string in lower case unless case counts. */
static bool fold(struct run *r, uint32_t at, bool case_sensitive, struct value v, struct value *ret)
{
    *ret = v;
    if (case_sensitive || v.kind != VALUE_STR)
        return true;
    if (!run_charge_chars(r, at, v.n))
        return false;
    if (!text_is_ascii(value_text(v)))
        return run_fail(r, at, "without case_sensitive=true only ASCII can be ordered");
    if (!run_copy_text(r, at, value_text(v), ret))
        return false;
    char *p = (char *)(uintptr_t)ret->s; /* our copy */
    for (uint32_t i = 0; i < ret->n; i++)
        p[i] = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : p[i];
    return true;
}

/* Equal items keep their order, in reverse, too. */
static bool merge(struct run *r, uint32_t at, bool reverse, struct sorted *list, size_t half,
                  size_t n, struct sorted *spare)
{
    size_t a = 0, b = half;
    for (size_t i = 0; i < n; i++) {
        bool take_b = a == half;
        if (a < half && b < n) {
            int order;
            if (!run_order(r, at, list[b].key, list[a].key, &order))
                return false;
            take_b = reverse ? order > 0 : order < 0;
        }
        spare[i] = take_b ? list[b++] : list[a++];
    }
    memcpy(list, spare, n * sizeof(*list));
    return true;
}

static bool sort(struct run *r, uint32_t at, bool reverse, struct sorted *list, size_t n,
                 struct sorted *spare)
{
    if (n < 2)
        return true;
    size_t half = n / 2;
    return sort(r, at, reverse, list, half, spare) &&
           sort(r, at, reverse, list + half, n - half, spare) &&
           merge(r, at, reverse, list, half, n, spare);
}

/* Sorts by the keys in `list`; *ret is a plain list of the items in order. */
static bool sort_list(struct run *r, uint32_t at, bool reverse, struct sorted *list, uint32_t n,
                      struct value *ret)
{
    struct sorted *spare = run_alloc(r, at, n * sizeof(*spare));
    struct value *items = spare ? run_alloc(r, at, n * sizeof(*items)) : NULL;
    if (!items || !sort(r, at, reverse, list, n, spare))
        return false;
    for (uint32_t i = 0; i < n; i++)
        items[i] = list[i].item;
    *ret = value_list(items, n);
    return true;
}

static bool is_digits(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n > 0 && n == s.n;
}

/* "a.b.0": keys and positions, as in Jinja2's attribute arguments. */
static bool follow(struct run *r, uint32_t at, struct str path, struct value v, struct value *ret)
{
    while (path.p) {
        struct str part = str_cut(&path, '.');
        if (!run_charge(r, at, 1 + part.n))
            return false;
        uint64_t number;
        bool digits = is_digits(part);
        if (digits && !str_to_u64(part, INT64_MAX, &number))
            return run_fail(r, at, "this position is too large");
        struct value key = digits ? value_int((int64_t)number) : value_str(part);
        if (!run_index(r, at, v, key, &v))
            return false;
    }
    *ret = v;
    return true;
}

static bool sort_key(struct run *r, const struct builtin_call *c, struct value by,
                     bool case_sensitive, struct value item, struct value *ret)
{
    struct value key = item;
    bool ok = true;
    if (by.kind == VALUE_INT)
        ok = run_index(r, c->at, item, by, &key);
    else if (by.kind == VALUE_STR)
        ok = follow(r, c->at, value_text(by), item, &key);
    return ok && fold(r, c->at, case_sensitive, key, ret);
}

static bool check_attribute(struct run *r, const struct builtin_call *c, struct value *by)
{
    if (run_is_absent(*by))
        *by = value_none();
    if (by->kind == VALUE_UNDEFINED)
        return run_refuse(r, c->at, *by);
    if (by->kind != VALUE_NONE && by->kind != VALUE_INT && by->kind != VALUE_STR)
        return run_fail(r, c->at, "an attribute is a string or a number");
    if (by->kind == VALUE_STR && text_find(value_text(*by), STR(",")) != SIZE_MAX)
        return run_fail(r, c->at, "only one attribute can be named");
    return true;
}

bool filter_sort(struct run *r, const struct builtin_call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    bool reverse, case_sensitive;
    struct value by = c->args[2];
    if (!run_items(r, c->at, c->on, &items, &n) || !builtin_flag(r, c, 0, false, &reverse) ||
        !builtin_flag(r, c, 1, false, &case_sensitive) || !check_attribute(r, c, &by))
        return false;
    struct sorted *list = run_alloc(r, c->at, n * sizeof(*list));
    if (!list)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        list[i].item = items[i];
        if (!sort_key(r, c, by, case_sensitive, items[i], &list[i].key))
            return false;
    }
    return sort_list(r, c->at, reverse, list, n, ret);
}

static bool sorts_by_value(struct run *r, const struct builtin_call *c, bool *ret)
{
    struct value by = c->args[1];
    *ret = by.kind == VALUE_STR && str_is(value_text(by), "value");
    if (*ret || run_is_absent(by) || (by.kind == VALUE_STR && str_is(value_text(by), "key")))
        return true;
    return run_fail(r, c->at, "a mapping is sorted by \"key\" or by \"value\"");
}

bool filter_dictsort(struct run *r, const struct builtin_call *c, struct value *ret)
{
    bool case_sensitive, reverse, by_value;
    if (c->on.kind == VALUE_UNDEFINED)
        return run_refuse(r, c->at, c->on);
    if (c->on.kind != VALUE_MAP)
        return run_fail(r, c->at, "'dictsort' needs a mapping, not %s", run_kind(c->on));
    if (!builtin_flag(r, c, 0, false, &case_sensitive) || !builtin_flag(r, c, 2, false, &reverse) ||
        !sorts_by_value(r, c, &by_value))
        return false;
    uint32_t n = c->on.n;
    struct sorted *list = run_alloc(r, c->at, n * sizeof(*list));
    struct value *pairs = list ? run_alloc(r, c->at, n * 2 * sizeof(*pairs)) : NULL;
    if (!pairs)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct value *pair = &pairs[i * 2];
        pair[0] = c->on.pairs[i].key;
        pair[1] = c->on.pairs[i].value;
        list[i].item = value_list(pair, 2);
        list[i].item.tag = RUN_TUPLE;
        if (!fold(r, c->at, case_sensitive, pair[by_value], &list[i].key))
            return false;
    }
    return sort_list(r, c->at, reverse, list, n, ret);
}

/* --- unique, min, max, sum ----------------------------------------------------------------- */

static bool is_seen(struct run *r, uint32_t at, const struct value *seen, uint32_t n,
                    struct value key, bool *ret)
{
    *ret = false;
    for (uint32_t i = 0; i < n && !*ret; i++) {
        if (!run_equal(r, at, seen[i], key, ret))
            return false;
    }
    return true;
}

bool filter_unique(struct run *r, const struct builtin_call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n, kept = 0;
    bool case_sensitive, seen;
    if (!run_items(r, c->at, c->on, &items, &n) || !builtin_flag(r, c, 0, false, &case_sensitive))
        return false;
    struct value *out = run_alloc(r, c->at, n * sizeof(*out));
    struct value *keys = out ? run_alloc(r, c->at, n * sizeof(*keys)) : NULL;
    if (!keys)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!fold(r, c->at, case_sensitive, items[i], &keys[kept]) ||
            !run_hashable(r, c->at, keys[kept]) ||
            !is_seen(r, c->at, keys, kept, keys[kept], &seen))
            return false;
        if (!seen)
            out[kept++] = items[i];
    }
    *ret = value_list(out, kept);
    ret->tag = RUN_GENERATOR;
    return true;
}

static bool extreme(struct run *r, const struct builtin_call *c, int wanted, struct value *ret)
{
    static const char hint[] = "there is no such item: the sequence is empty";
    const struct value *items;
    uint32_t n;
    bool case_sensitive;
    struct value best, key;
    if (!run_items(r, c->at, c->on, &items, &n) || !builtin_flag(r, c, 0, false, &case_sensitive))
        return false;
    if (n == 0)
        return run_undefined(r, c->at, (struct undefined){.hint = hint}, ret);
    *ret = items[0];
    if (!fold(r, c->at, case_sensitive, items[0], &best))
        return false;
    for (uint32_t i = 1; i < n; i++) {
        int order;
        if (!fold(r, c->at, case_sensitive, items[i], &key) ||
            !run_order(r, c->at, key, best, &order))
            return false;
        if (order != wanted)
            continue;
        best = key;
        *ret = items[i];
    }
    return true;
}

bool filter_min(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return extreme(r, c, -1, ret);
}

bool filter_max(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return extreme(r, c, 1, ret);
}

bool filter_sum(struct run *r, const struct builtin_call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    struct value total = value_int(0);
    if (!run_items(r, c->at, c->on, &items, &n) || !run_charge(r, c->at, n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!run_binary(r, c->at, OP_ADD, total, items[i], &total))
            return false;
    }
    *ret = total;
    return true;
}
