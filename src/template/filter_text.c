/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"
#include "template/run.h"
#include "template/text.h"

/* --- Case, of ASCII only: the rest would depend on the version of Unicode ------------------ */

static bool copy_ascii(struct run *r, const struct builtin_call *c, const char *what, char **ret,
                       struct value *ret_value)
{
    struct str s;
    if (!run_text(r, c->at, c->on, &s))
        return false;
    if (!run_charge_chars(r, c->at, s.n))
        return false;
    if (!text_is_ascii(s))
        return run_fail(r, c->at, "'%s' is limited to ASCII", what);
    if (!run_copy_text(r, c->at, s, ret_value))
        return false;
    *ret_value = builtin_same(c, value_text(*ret_value));
    *ret = (char *)(uintptr_t)ret_value->s; /* our copy */
    return true;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static char to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

bool filter_lower(struct run *r, const struct builtin_call *c, struct value *ret)
{
    char *p;
    if (!copy_ascii(r, c, "lower", &p, ret))
        return false;
    for (uint32_t i = 0; i < ret->n; i++)
        p[i] = to_lower(p[i]);
    return true;
}

bool filter_upper(struct run *r, const struct builtin_call *c, struct value *ret)
{
    char *p;
    if (!copy_ascii(r, c, "upper", &p, ret))
        return false;
    for (uint32_t i = 0; i < ret->n; i++)
        p[i] = to_upper(p[i]);
    return true;
}

bool filter_capitalize(struct run *r, const struct builtin_call *c, struct value *ret)
{
    char *p;
    if (!copy_ascii(r, c, "capitalize", &p, ret))
        return false;
    for (uint32_t i = 0; i < ret->n; i++)
        p[i] = i ? to_lower(p[i]) : to_upper(p[i]);
    return true;
}

/* A word begins after white space and after any of -({[< . */
bool filter_title(struct run *r, const struct builtin_call *c, struct value *ret)
{
    char *p;
    if (!copy_ascii(r, c, "title", &p, ret))
        return false;
    bool begins = true;
    for (uint32_t i = 0; i < ret->n; i++) {
        p[i] = begins ? to_upper(p[i]) : to_lower(p[i]);
        begins = text_is_space((unsigned char)p[i]) || memchr("-({[<", p[i], 5);
    }
    ret->tag = RUN_PLAIN;
    return true;
}

/* --- Other filters ------------------------------------------------------------------------- */

/* Each character may be compared with all of `chars`, each of which is decoded. */
static bool charge_strip(struct run *r, uint32_t at, struct str s, struct str chars)
{
    return run_charge_chars(r, at, (uint64_t)s.n * (1 + chars.n));
}

bool filter_trim(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s, chars = {NULL, 0};
    if (!run_text(r, c->at, c->on, &s))
        return false;
    if (builtin_has_arg(c, 0)) {
        if (c->args[0].kind == VALUE_UNDEFINED)
            return run_refuse(r, c->at, c->args[0]);
        if (c->args[0].kind != VALUE_STR)
            return run_fail(r, c->at, "what to trim is a string of characters");
        if (c->on.kind == VALUE_STR && c->on.tag == RUN_MARKUP)
            return run_fail(r, c->at, "what tojson gives can only be trimmed of white space");
        chars = value_text(c->args[0]);
        chars.p = chars.p ? chars.p : "";
    }
    if (!charge_strip(r, c->at, s, chars))
        return false;
    *ret = builtin_same(c, text_strip_right(text_strip_left(s, chars), chars));
    return true;
}

#define SEARCH_STEPS 4

/* An empty `old` matches before each character and at the end. */
static void replace_empty(struct buf *b, struct str s, struct str with, int64_t count)
{
    size_t n;
    for (; s.n && count != 0; count--, s = str_skip(s, n)) {
        buf_str(b, with);
        str_decode(s, &n);
        buf_append(b, s.p, n);
    }
    buf_str(b, s);
    if (s.n == 0 && count != 0)
        buf_str(b, with);
}

/* Each search begins with a table of `old`. */
static bool replace(struct run *r, uint32_t at, struct buf *b, struct str s, struct str old,
                    struct str with, int64_t count)
{
    for (; count != 0 && !b->full; count--) {
        if (!run_charge(r, at, SEARCH_STEPS + old.n / 4))
            return false;
        size_t found = text_find(s, old);
        if (found == SIZE_MAX)
            break;
        buf_append(b, s.p, found);
        buf_str(b, with);
        s = str_skip(s, found + old.n);
    }
    buf_str(b, s);
    return true;
}

bool filter_replace(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s, old, with;
    int64_t count = -1;
    bool counted = builtin_has_arg(c, 2);
    if (!run_text(r, c->at, c->on, &s) || !builtin_arg_text(r, c, 0, &old) ||
        !builtin_arg_text(r, c, 1, &with))
        return false;
    if (counted && !builtin_int(r, c, 2, -1, &count))
        return false;
    if (!run_charge_chars(r, c->at, s.n))
        return false;
    struct buf b;
    bool ok = true;
    builtin_begin(r, &b);
    if (old.n == 0)
        replace_empty(&b, s, with, count);
    else
        ok = replace(r, c->at, &b, s, old, with, count);
    return builtin_end(r, c, ok, &b, ret);
}

/* The indentation: a number of spaces, or a text. */
static bool indentation(struct run *r, const struct builtin_call *c, struct buf *b)
{
    struct value v = c->args[0];
    if (v.kind == VALUE_STR && v.tag == RUN_MARKUP)
        return run_fail(r, c->at, "what tojson gives cannot be used to indent");
    if (v.kind == VALUE_STR) {
        buf_str(b, value_text(v));
        return true;
    }
    int64_t width;
    if (!builtin_int(r, c, 0, 4, &width))
        return false;
    if (width > 10000)
        return run_fail(r, c->at, "this indents too far");
    for (int64_t i = 0; i < width; i++)
        buf_char(b, ' ');
    return true;
}

/* Jinja2 appends a \n and then splits: a text with a line end at its end has an empty last line,
 * but a \r at its end becomes a \r\n. */
static void indent_lines(struct buf *b, struct str s, struct str by, bool first, bool blank)
{
    bool is_first = true, more;
    do {
        struct str before = s, line = text_cut_line(&s);
        more = line.n < before.n && (s.n || before.p[before.n - 1] != '\r');
        if (!is_first)
            buf_char(b, '\n');
        if (is_first ? first : blank || line.n)
            buf_str(b, by);
        buf_str(b, line);
        is_first = false;
    } while (more && !b->full);
}

bool filter_indent(struct run *r, const struct builtin_call *c, struct value *ret)
{
    bool first, blank;
    struct buf by, b;
    if (c->on.kind == VALUE_UNDEFINED)
        return run_refuse(r, c->at, c->on);
    if (c->on.kind != VALUE_STR)
        return run_fail(r, c->at, "'indent' needs a string, not %s", run_kind(c->on));
    if (!builtin_flag(r, c, 1, false, &first) || !builtin_flag(r, c, 2, false, &blank) ||
        !run_charge_chars(r, c->at, c->on.n))
        return false;
    builtin_begin(r, &by);
    builtin_begin(r, &b);
    bool ok = indentation(r, c, &by);
    if (ok)
        indent_lines(&b, value_text(c->on), buf_view(&by), first, blank);
    buf_done(&by);
    ok = builtin_end(r, c, ok, &b, ret);
    ret->tag = c->on.tag;
    return ok;
}

bool filter_string(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s;
    if (!run_text(r, c->at, c->on, &s))
        return false;
    *ret = builtin_same(c, s);
    return true;
}

/* --- Methods ------------------------------------------------------------------------------- */

/* Argument number `i`, which must be a string. */
static bool need_text(struct run *r, const struct builtin_call *c, unsigned i, struct str *ret)
{
    if (c->args[i].kind == VALUE_UNDEFINED)
        return run_refuse(r, c->at, c->args[i]);
    if (c->args[i].kind != VALUE_STR)
        return run_fail(r, c->at, "a string is needed here, not %s", run_kind(c->args[i]));
    *ret = value_text(c->args[i]);
    return true;
}

bool method_startswith(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str with = {0};
    if (!need_text(r, c, 0, &with))
        return false;
    *ret = value_bool(str_starts(value_text(c->on), with));
    return run_charge_bytes(r, c->at, with.n);
}

bool method_endswith(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str with = {0};
    if (!need_text(r, c, 0, &with))
        return false;
    *ret = value_bool(str_ends(value_text(c->on), with));
    return run_charge_bytes(r, c->at, with.n);
}

static bool strip(struct run *r, const struct builtin_call *c, bool left, bool right,
                  struct value *ret)
{
    struct str s = value_text(c->on), chars = {NULL, 0};
    bool given = builtin_has_arg(c, 0);
    if (given && !need_text(r, c, 0, &chars))
        return false;
    if (given && !chars.p)
        chars.p = "";
    if (!charge_strip(r, c->at, s, chars))
        return false;
    if (left)
        s = text_strip_left(s, chars);
    if (right)
        s = text_strip_right(s, chars);
    *ret = value_str(s);
    return true;
}

bool method_strip(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return strip(r, c, true, true, ret);
}

bool method_lstrip(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return strip(r, c, true, false, ret);
}

bool method_rstrip(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return strip(r, c, false, true, ret);
}

bool method_replace(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s;
    if (!need_text(r, c, 0, &s) || !need_text(r, c, 1, &s))
        return false;
    if (!run_is_absent(c->args[2]) && c->args[2].kind == VALUE_NONE)
        return run_fail(r, c->at, "an integer is needed here, not none");
    return filter_replace(r, c, ret);
}

bool method_join(struct run *r, const struct builtin_call *c, struct value *ret)
{
    const struct value *items;
    uint32_t n;
    if (!run_items(r, c->at, c->args[0], &items, &n) || !run_charge(r, c->at, n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind != VALUE_STR)
            return run_fail(r, c->at, "item %u is not a string; use the filter \"join\"", i);
    }
    struct buf b;
    builtin_begin(r, &b);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_str(&b, value_text(c->on));
        buf_str(&b, value_text(items[i]));
    }
    return builtin_end(r, c, true, &b, ret);
}

/* --- split --------------------------------------------------------------------------------- */

struct splitter {
    struct str rest;
    struct str by; /* p == NULL: white space */
    int64_t left;  /* how often it may still split; < 0: no limit */
    bool done;
};

static size_t word_end(struct str s)
{
    size_t i = 0, n;
    for (; i < s.n; i += n) {
        if (text_is_space(str_decode(str_skip(s, i), &n)))
            break;
    }
    return i;
}

/* Runs of white space separate words and are dropped at both ends. Once no split is left, the rest
 * is kept as it is. */
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

static bool split_list(struct run *r, const struct builtin_call *c, struct splitter s,
                       struct value *ret)
{
    struct splitter again = s;
    struct str part;
    size_t n = 0;
    for (; next_part(&again, &part); n++) {
        if (!run_charge(r, c->at, 2 * (SEARCH_STEPS + s.by.n / 4)))
            return false;
    }
    struct value *items = run_alloc(r, c->at, n * sizeof(*items));
    if (!items)
        return false;
    for (size_t i = 0; next_part(&s, &part); i++)
        items[i] = value_str(part);
    *ret = value_list(items, n);
    return true;
}

bool method_split(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct splitter s = {.rest = value_text(c->on)};
    bool given = builtin_has_arg(c, 0);
    if (given && !need_text(r, c, 0, &s.by))
        return false;
    if (given && s.by.n == 0)
        return run_fail(r, c->at, "an empty string cannot separate");
    if (!builtin_int(r, c, 1, -1, &s.left) || !run_charge_chars(r, c->at, 2 * (uint64_t)s.rest.n))
        return false;
    return split_list(r, c, s, ret);
}

bool method_splitlines(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s = value_text(c->on), again = s;
    size_t n = 0;
    if (!run_charge_chars(r, c->at, 2 * (uint64_t)s.n))
        return false;
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
