/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run.h"
#include "template/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool show_repr(struct run *r, uint32_t at, struct buf *b, struct value v);

/* --- Floats -------------------------------------------------------------------------------- */

/* Digits and exponent as repr() writes them: without an exponent from 1e-4 up to 1e16. */
static void lay_out(char *out, const char *digits, int n, int exponent)
{
    if (exponent < -4 || exponent >= 16) {
        out += sprintf(out, "%c", digits[0]);
        if (n > 1)
            out += sprintf(out, ".%.*s", n - 1, digits + 1);
        sprintf(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        sprintf(out, "0.%.*s%.*s", -exponent - 1, "000", n, digits);
    } else if (n <= exponent + 1) {
        sprintf(out, "%.*s%.*s.0", n, digits, exponent + 1 - n, "0000000000000000");
    } else {
        sprintf(out, "%.*s.%.*s", exponent + 1, digits, n - exponent - 1, digits + exponent + 1);
    }
}

const char *run_float_text(double f, char text[static RUN_FLOAT_SIZE])
{
    if (!isfinite(f)) {
        snprintf(text, RUN_FLOAT_SIZE, "%s", isnan(f) ? "nan" : f < 0 ? "-inf" : "inf");
        return text;
    }
    char *out = text;
    if (signbit(f))
        *out++ = '-';
    char e[40];
    for (int precision = 0; precision < 17;
         precision++) { /* the shortest that reads back the same */
        snprintf(e, sizeof(e), "%.*e", precision, fabs(f));
        if (strtod(e, NULL) == fabs(f))
            break;
    }
    char digits[20] = "0";
    int n = 0;
    for (const char *p = e; *p != 'e'; p++) {
        if (*p != '.')
            digits[n++] = *p;
    }
    lay_out(out, digits, n, (int)strtol(strchr(e, 'e') + 1, NULL, 10));
    return text;
}

/* --- Strings ------------------------------------------------------------------------------- */

void run_show_code(struct buf *b, char letter, unsigned digits, uint32_t c)
{
    char text[2 + 8] = {'\\', letter};
    for (unsigned i = 0; i < digits; i++, c >>= 4)
        text[1 + digits - i] = "0123456789abcdef"[c & 0xF];
    buf_append(b, text, 2 + digits);
}

static void escape_code(struct buf *b, uint32_t c)
{
    if (c == '\n' || c == '\r' || c == '\t')
        run_show_code(b, c == '\n' ? 'n' : c == '\r' ? 'r' : 't', 0, c);
    else if (c < 0x100)
        run_show_code(b, 'x', 2, c);
    else if (c < 0x10000)
        run_show_code(b, 'u', 4, c);
    else
        run_show_code(b, 'U', 8, c);
}

static void show_string(struct buf *b, struct str s)
{
    bool both = memchr(s.p, '"', s.n) != NULL;
    char quote = s.n && memchr(s.p, '\'', s.n) && !both ? '"' : '\'';
    buf_char(b, quote);
    size_t n;
    for (; s.n; s = str_skip(s, n)) {
        uint32_t c = str_decode(s, &n);
        if (c == '\\' || c == (uint32_t)quote)
            buf_char(b, '\\');
        if (text_is_printable(c))
            buf_append(b, s.p, n);
        else
            escape_code(b, c);
    }
    buf_char(b, quote);
}

/* --- Lists and mappings -------------------------------------------------------------------- */

static bool show_items(struct run *r, uint32_t at, struct buf *b, struct value v)
{
    for (uint32_t i = 0; i < v.n; i++) {
        if (i)
            buf_str(b, STR(", "));
        if (!show_repr(r, at, b, v.items[i]))
            return false;
    }
    return true;
}

static bool show_list(struct run *r, uint32_t at, struct buf *b, struct value v)
{
    static const struct {
        const char *open, *close;
    } around[] = {[RUN_PLAIN] = {"[", "]"},
                  [RUN_TUPLE] = {"(", ")"},
                  [RUN_KEYS] = {"dict_keys([", "])"},
                  [RUN_VALUES] = {"dict_values([", "])"},
                  [RUN_ITEMS] = {"dict_items([", "])"}};
    if (v.tag == RUN_RANGE)
        return run_fail(r, at, "a range has no text of its own; use \"|list\"");
    if (v.tag == RUN_GENERATOR)
        return run_fail(r, at, "an iterator has no text of its own; use \"|list\"");
    buf_str(b, str_from(around[v.tag].open));
    if (!show_items(r, at, b, v))
        return false;
    buf_str(b, str_from(v.tag == RUN_TUPLE && v.n == 1 ? ",)" : around[v.tag].close));
    return true;
}

static bool show_map(struct run *r, uint32_t at, struct buf *b, struct value v)
{
    buf_char(b, '{');
    for (uint32_t i = 0; i < v.n; i++) {
        if (i)
            buf_str(b, STR(", "));
        if (!show_repr(r, at, b, v.pairs[i].key))
            return false;
        buf_str(b, STR(": "));
        if (!show_repr(r, at, b, v.pairs[i].value))
            return false;
    }
    buf_char(b, '}');
    return true;
}

static bool show_nested(struct run *r, uint32_t at, struct buf *b, struct value v)
{
    if (!run_enter(r, at))
        return false;
    bool ok = v.kind == VALUE_LIST ? show_list(r, at, b, v) : show_map(r, at, b, v);
    run_leave(r);
    return ok;
}

static bool show_repr(struct run *r, uint32_t at, struct buf *b, struct value v)
{
    if (b->full || !run_charge(r, at, 1))
        return b->full ? run_fail(r, at, "this text is too long") : false;
    if (v.kind == VALUE_STR && v.tag == RUN_MARKUP)
        return run_fail(r, at, "what tojson gives cannot be shown inside of a list or mapping");
    if (v.kind == VALUE_STR) {
        if (!run_charge_chars(r, at, v.n))
            return false;
        show_string(b, value_text(v));
        return true;
    }
    if (v.kind == VALUE_UNDEFINED && run_is_undefined(v)) /* Jinja2 would show "Undefined" */
        return run_fail(r, at, "an undefined value cannot be shown");
    return run_show(r, at, b, v);
}

bool run_show(struct run *r, uint32_t at, struct buf *b, struct value v)
{
    char number[RUN_FLOAT_SIZE];
    switch ((enum value_kind)v.kind) {
    case VALUE_UNDEFINED: return run_is_soft(v) || run_refuse(r, at, v);
    case VALUE_NONE: buf_str(b, STR("None")); break;
    case VALUE_BOOL: buf_str(b, v.b ? STR("True") : STR("False")); break;
    case VALUE_INT:
        if (!run_charge(r, at, RUN_INT_STEPS))
            return false;
        buf_printf(b, "%" PRId64, v.i);
        break;
    case VALUE_FLOAT:
        if (!run_charge(r, at, RUN_FLOAT_STEPS))
            return false;
        buf_str(b, str_from(run_float_text(v.f, number)));
        break;
    case VALUE_STR: buf_str(b, value_text(v)); break;
    case VALUE_LIST:
    case VALUE_MAP: return show_nested(r, at, b, v);
    }
    return true;
}

bool run_text(struct run *r, uint32_t at, struct value v, struct str *ret)
{
    struct value text = v;
    if (v.kind != VALUE_STR) {
        buf_clear(&r->scratch);
        bool ok = run_show(r, at, &r->scratch, v);
        if (ok && r->scratch.full)
            return run_fail(r, at, "this takes too much memory");
        if (!ok || !run_copy_text(r, at, buf_view(&r->scratch), &text))
            return false;
    }
    *ret = value_text(text);
    return true;
}
