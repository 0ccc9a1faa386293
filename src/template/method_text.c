/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"
#include "template/run_ops.h"
#include "template/text.h"

/* Argument number `i`, which must be a string. */
static bool need_text(struct run *r, const struct call *c, unsigned i, struct str *ret)
{
    if (c->args[i].kind == VALUE_UNDEFINED)
        return run_refuse(r, c->at, c->args[i]);
    if (c->args[i].kind != VALUE_STR)
        return run_fail(r, c->at, "a string is needed here, not %s", run_kind(c->args[i]));
    *ret = value_text(c->args[i]);
    return true;
}

bool method_startswith(struct run *r, const struct call *c, struct value *ret)
{
    struct str with = {0};
    if (!need_text(r, c, 0, &with))
        return false;
    *ret = value_bool(str_starts(value_text(c->on), with));
    return true;
}

bool method_endswith(struct run *r, const struct call *c, struct value *ret)
{
    struct str with = {0};
    if (!need_text(r, c, 0, &with))
        return false;
    *ret = value_bool(str_ends(value_text(c->on), with));
    return true;
}

static bool strip(struct run *r, const struct call *c, bool left, bool right, struct value *ret)
{
    struct str s = value_text(c->on), chars = {NULL, 0};
    bool given = !run_is_absent(c->args[0]) && c->args[0].kind != VALUE_NONE;
    if (given && !need_text(r, c, 0, &chars))
        return false;
    if (given && !chars.p)
        chars.p = "";
    if (!run_charge(r, c->at, s.n / 64 * (chars.n / 16 + 1)))
        return false;
    if (left)
        s = text_strip_left(s, chars);
    if (right)
        s = text_strip_right(s, chars);
    *ret = value_str(s);
    return true;
}

bool method_strip(struct run *r, const struct call *c, struct value *ret)
{
    return strip(r, c, true, true, ret);
}

bool method_lstrip(struct run *r, const struct call *c, struct value *ret)
{
    return strip(r, c, true, false, ret);
}

bool method_rstrip(struct run *r, const struct call *c, struct value *ret)
{
    return strip(r, c, false, true, ret);
}

bool method_replace(struct run *r, const struct call *c, struct value *ret)
{
    struct str s;
    if (!need_text(r, c, 0, &s) || !need_text(r, c, 1, &s))
        return false;
    if (!run_is_absent(c->args[2]) && c->args[2].kind == VALUE_NONE)
        return run_fail(r, c->at, "an integer is needed here, not none");
    return filter_replace(r, c, ret);
}

bool method_join(struct run *r, const struct call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    if (!run_items(r, c->at, c->args[0], &items, &n) || !run_charge(r, c->at, n))
        return false;
    struct buf b;
    builtin_begin(r, &b);
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind != VALUE_STR) {
            builtin_drop(r, &b);
            return run_fail(r, c->at, "item %u is no string; use the filter \"join\"", i);
        }
        if (i)
            buf_str(&b, value_text(c->on));
        buf_str(&b, value_text(items[i]));
    }
    return builtin_end(r, c->at, &b, ret);
}

/* --- split --------------------------------------------------------------------------------- */

struct splitter {
    struct str rest;
    struct str by; /* p == NULL: white space */
    int64_t left;  /* how often it may split; < 0 without end */
    bool done;
};

static size_t word_end(struct str s)
{
    size_t i = 0, n;
    for (; i < s.n; i += n) {
        if (text_is_space(text_decode(str_skip(s, i), &n)))
            break;
    }
    return i;
}

/* Runs of white space split, and count for nothing at either end; once it may split no more, the
 * rest is kept as it is. */
static bool next_word(struct splitter *s, struct str *ret)
{
    struct str space = {NULL, 0};
    s->rest = text_strip_left(s->rest, space);
    if (s->rest.n == 0)
        return false;
    size_t end = s->left == 0 ? s->rest.n : word_end(s->rest);
    if (s->left == 0)
        s->done = true;
    *ret = (struct str){s->rest.p, end};
    s->rest = str_skip(s->rest, end);
    s->left -= s->left > 0;
    return true;
}

static bool next_part(struct splitter *s, struct str *ret)
{
    if (s->done)
        return false;
    if (!s->by.p)
        return next_word(s, ret);
    size_t at = s->left == 0 ? SIZE_MAX : text_find(s->rest, s->by);
    s->done = at == SIZE_MAX;
    *ret = (struct str){s->rest.p, s->done ? s->rest.n : at};
    s->rest = s->done ? s->rest : str_skip(s->rest, at + s->by.n);
    s->left -= s->left > 0;
    return true;
}

static bool split_list(struct run *r, const struct call *c, struct splitter s, struct value *ret)
{
    struct splitter again = s;
    struct str part;
    size_t n = 0;
    while (next_part(&again, &part))
        n++;
    struct value *items = run_alloc(r, c->at, n * sizeof(*items));
    if (!items)
        return false;
    for (size_t i = 0; next_part(&s, &part); i++)
        items[i] = value_str(part);
    *ret = value_list(items, n);
    return true;
}

bool method_split(struct run *r, const struct call *c, struct value *ret)
{
    struct splitter s = {.rest = value_text(c->on)};
    bool given = !run_is_absent(c->args[0]) && c->args[0].kind != VALUE_NONE;
    if (given && !need_text(r, c, 0, &s.by))
        return false;
    if (given && s.by.n == 0)
        return run_fail(r, c->at, "an empty string cannot separate");
    if (!builtin_int(r, c, 1, -1, &s.left) || !run_charge(r, c->at, s.rest.n / 16))
        return false;
    return split_list(r, c, s, ret);
}

bool method_splitlines(struct run *r, const struct call *c, struct value *ret)
{
    struct str s = value_text(c->on), again = s;
    size_t n = 0;
    for (; again.n; n++)
        text_cut_line(&again);
    struct value *items = run_alloc(r, c->at, n * sizeof(*items));
    if (!items)
        return false;
    for (size_t i = 0; i < n; i++)
        items[i] = value_str(text_cut_line(&s));
    *ret = value_list(items, n);
    return true;
}
