/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"
#include "template/run_ops.h"
#include "template/text.h"

/* --- Common -------------------------------------------------------------------------------- */

bool builtin_text(struct run *r, const struct call *c, struct str *ret)
{
    return run_text(r, c->at, c->on, ret);
}

bool builtin_int(struct run *r, const struct call *c, unsigned i, int64_t otherwise, int64_t *ret)
{
    struct value v = c->args[i];
    *ret = otherwise;
    if (run_is_absent(v))
        return true;
    if (v.kind == VALUE_UNDEFINED)
        return run_refuse(r, c->at, v);
    if (!run_is_integer(v))
        return run_fail(r, c->at, "an integer is needed here, not %s", run_kind(v));
    *ret = run_integer(v);
    return true;
}

bool builtin_flag(struct run *r, const struct call *c, unsigned i, bool otherwise, bool *ret)
{
    *ret = otherwise;
    return run_is_absent(c->args[i]) || run_truth(r, c->at, c->args[i], ret);
}

bool builtin_arg_text(struct run *r, const struct call *c, unsigned i, struct str otherwise,
                      struct str *ret)
{
    *ret = otherwise;
    return run_is_absent(c->args[i]) || run_text(r, c->at, c->args[i], ret);
}

void builtin_begin(struct run *r, struct buf *b)
{
    *b = r->spare;
    buf_init(&r->spare, r->scratch.max_bytes);
    buf_clear(b);
}

void builtin_drop(struct run *r, struct buf *b)
{
    buf_done(&r->spare);
    r->spare = *b;
}

bool builtin_end(struct run *r, uint32_t at, struct buf *b, struct value *ret)
{
    bool ok =
        b->full ? run_fail(r, at, "this text is too long") : run_copy_text(r, at, buf_view(b), ret);
    builtin_drop(r, b);
    return ok;
}

/* --- Case: beyond ASCII it depends on tables that change with every Unicode ---------------- */

static bool copy_ascii(struct run *r, const struct call *c, const char *what, char **ret,
                       struct value *ret_value)
{
    struct str s;
    if (!builtin_text(r, c, &s))
        return false;
    if (!text_is_ascii(s))
        return run_fail(r, c->at, "'%s' is limited to ASCII", what);
    if (!run_copy_text(r, c->at, s, ret_value))
        return false;
    ret_value->tag = c->on.kind == VALUE_STR ? c->on.tag : RUN_PLAIN;
    *ret = (char *)(uintptr_t)ret_value->s; /* our own copy */
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

bool filter_lower(struct run *r, const struct call *c, struct value *ret)
{
    char *p;
    if (!copy_ascii(r, c, "lower", &p, ret))
        return false;
    for (uint32_t i = 0; i < ret->n; i++)
        p[i] = to_lower(p[i]);
    return true;
}

bool filter_upper(struct run *r, const struct call *c, struct value *ret)
{
    char *p;
    if (!copy_ascii(r, c, "upper", &p, ret))
        return false;
    for (uint32_t i = 0; i < ret->n; i++)
        p[i] = to_upper(p[i]);
    return true;
}

bool filter_capitalize(struct run *r, const struct call *c, struct value *ret)
{
    char *p;
    if (!copy_ascii(r, c, "capitalize", &p, ret))
        return false;
    for (uint32_t i = 0; i < ret->n; i++)
        p[i] = i ? to_lower(p[i]) : to_upper(p[i]);
    return true;
}

/* A word begins behind white space and any of -({[< . */
bool filter_title(struct run *r, const struct call *c, struct value *ret)
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

/* --- The rest ------------------------------------------------------------------------------ */

bool filter_trim(struct run *r, const struct call *c, struct value *ret)
{
    struct str s, chars = {NULL, 0};
    if (!builtin_text(r, c, &s))
        return false;
    if (!run_is_absent(c->args[0]) && c->args[0].kind != VALUE_NONE) {
        if (c->args[0].kind == VALUE_UNDEFINED)
            return run_refuse(r, c->at, c->args[0]);
        if (c->args[0].kind != VALUE_STR)
            return run_fail(r, c->at, "what to trim is a string of characters");
        if (c->on.kind == VALUE_STR && c->on.tag == RUN_MARKUP)
            return run_fail(r, c->at, "what tojson gives can only be trimmed of white space");
        chars = value_text(c->args[0]);
        chars.p = chars.p ? chars.p : "";
    }
    if (!run_charge(r, c->at, s.n / 64 * (chars.n / 16 + 1)))
        return false;
    *ret = value_str(text_strip_right(text_strip_left(s, chars), chars));
    ret->tag = c->on.kind == VALUE_STR ? c->on.tag : RUN_PLAIN;
    return true;
}

/* An empty `old` stands before each character and at the end. */
static void replace_empty(struct buf *b, struct str s, struct str with, int64_t count)
{
    size_t n;
    for (; s.n && count != 0; count--, s = str_skip(s, n)) {
        buf_str(b, with);
        text_decode(s, &n);
        buf_append(b, s.p, n);
    }
    buf_str(b, s);
    if (s.n == 0 && count != 0)
        buf_str(b, with);
}

static void replace(struct buf *b, struct str s, struct str old, struct str with, int64_t count)
{
    for (; count != 0; count--) {
        size_t at = text_find(s, old);
        if (at == SIZE_MAX)
            break;
        buf_append(b, s.p, at);
        buf_str(b, with);
        s = str_skip(s, at + old.n);
    }
    buf_str(b, s);
}

bool filter_replace(struct run *r, const struct call *c, struct value *ret)
{
    struct str s, old, with;
    int64_t count = -1;
    bool counted = !run_is_absent(c->args[2]) && c->args[2].kind != VALUE_NONE;
    if (!builtin_text(r, c, &s) || !builtin_arg_text(r, c, 0, STR(""), &old) ||
        !builtin_arg_text(r, c, 1, STR(""), &with))
        return false;
    if (counted && !builtin_int(r, c, 2, -1, &count))
        return false;
    if (!run_charge(r, c->at, s.n / 16))
        return false;
    struct buf b;
    builtin_begin(r, &b);
    if (old.n == 0)
        replace_empty(&b, s, with, count);
    else
        replace(&b, s, old, with, count);
    return builtin_end(r, c->at, &b, ret);
}

/* How far to indent: a number of spaces, or the very text. */
static bool indention(struct run *r, const struct call *c, struct buf *b)
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

/* Jinja2 appends one \n and then splits: a text that ends a line has an empty one behind it, but a
 * \r at its end is made a \r\n by that. */
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

bool filter_indent(struct run *r, const struct call *c, struct value *ret)
{
    bool first, blank;
    struct buf by, b;
    if (c->on.kind == VALUE_UNDEFINED)
        return run_refuse(r, c->at, c->on);
    if (c->on.kind != VALUE_STR)
        return run_fail(r, c->at, "'indent' needs a string, not %s", run_kind(c->on));
    if (!builtin_flag(r, c, 1, false, &first) || !builtin_flag(r, c, 2, false, &blank) ||
        !run_charge(r, c->at, c->on.n / 16))
        return false;
    builtin_begin(r, &by);
    builtin_begin(r, &b);
    bool ok = indention(r, c, &by);
    if (ok)
        indent_lines(&b, value_text(c->on), buf_view(&by), first, blank);
    buf_done(&by);
    ok = builtin_end(r, c->at, &b, ret) && ok;
    ret->tag = c->on.tag;
    return ok;
}

bool filter_string(struct run *r, const struct call *c, struct value *ret)
{
    struct str s;
    if (!builtin_text(r, c, &s))
        return false;
    *ret = value_str(s);
    ret->tag = c->on.kind == VALUE_STR ? c->on.tag : RUN_PLAIN;
    return true;
}
