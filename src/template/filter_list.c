/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"
#include "template/run_ops.h"
#include "template/text.h"

bool filter_join(struct run *r, const struct call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    struct str by;
    if (!run_items(r, c->at, c->on, &items, &n) || !builtin_arg_text(r, c, 0, STR(""), &by) ||
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
    return builtin_end(r, c->at, &b, ret) && ok;
}

bool filter_length(struct run *r, const struct call *c, struct value *ret)
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
    if (v.kind == VALUE_STR && !run_charge(r, c->at, v.n / 64))
        return false;
    *ret = value_int(v.kind == VALUE_STR ? (int64_t)text_length(value_text(v)) : (int64_t)v.n);
    return true;
}

static bool pick(struct run *r, const struct call *c, bool last, struct value *ret)
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

bool filter_first(struct run *r, const struct call *c, struct value *ret)
{
    return pick(r, c, false, ret);
}

bool filter_last(struct run *r, const struct call *c, struct value *ret)
{
    if (c->on.kind == VALUE_LIST && c->on.tag == RUN_GENERATOR)
        return run_fail(r, c->at, "an iterator has no last item; use \"|list\"");
    return pick(r, c, true, ret);
}

bool filter_list(struct run *r, const struct call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    if (!run_items(r, c->at, c->on, &items, &n))
        return false;
    *ret = value_list(items, n);
    return true;
}

/* The pairs of a mapping as tuples. */
static bool pairs_of(struct run *r, const struct call *c, struct value *ret)
{
    uint32_t n = c->on.n;
    struct value *items = run_alloc(r, c->at, n * sizeof(*items));
    struct value *pairs = items ? run_alloc(r, c->at, n * 2 * sizeof(*pairs)) : NULL;
    if (!pairs || !run_charge(r, c->at, n / 4))
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

/* Unlike the method it takes an undefined value, for which it gives nothing. */
bool filter_items(struct run *r, const struct call *c, struct value *ret)
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

static bool reverse_text(struct run *r, const struct call *c, struct value *ret)
{
    struct str s = value_text(c->on);
    char *p = run_alloc(r, c->at, s.n + 1);
    if (!p)
        return false;
    char *to = p + s.n;
    *to = '\0';
    size_t n;
    for (; s.n; s = str_skip(s, n)) {
        text_decode(s, &n);
        to -= n;
        memcpy(to, s.p, n);
    }
    *ret = value_str((struct str){p, c->on.n});
    ret->tag = c->on.tag;
    return true;
}

bool filter_reverse(struct run *r, const struct call *c, struct value *ret)
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

bool method_items(struct run *r, const struct call *c, struct value *ret)
{
    if (!pairs_of(r, c, ret))
        return false;
    ret->tag = RUN_ITEMS;
    return true;
}

bool method_keys(struct run *r, const struct call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    if (!run_items(r, c->at, c->on, &items, &n))
        return false;
    *ret = value_list(items, n);
    ret->tag = RUN_KEYS;
    return true;
}

bool method_values(struct run *r, const struct call *c, struct value *ret)
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

bool method_get(struct run *r, const struct call *c, struct value *ret)
{
    if (!run_map_get(r, c->at, c->on, c->args[0], ret))
        return false;
    if (run_is_absent(*ret))
        *ret = run_is_absent(c->args[1]) ? value_none() : c->args[1];
    return true;
}
