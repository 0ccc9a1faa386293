/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"
#include "template/run.h"
#include "template/text.h"

#include <math.h>
#include <stdlib.h>

bool filter_default(struct run *r, const struct builtin_call *c, struct value *ret)
{
    bool also_false, truth = true;
    bool undefined = run_is_undefined(c->on);
    if (!builtin_flag(r, c, 1, false, &also_false))
        return false;
    if (!undefined && also_false && !run_truth(r, c->at, c->on, &truth))
        return false;
    *ret = !undefined && truth         ? c->on
           : run_is_absent(c->args[0]) ? value_str(STR(""))
                                       : c->args[0];
    return true;
}

/* --- Numbers in strings, as Python's int() and float() read them --------------------------- */

/* Drops underscores between digits; false where there is one anywhere else. */
static bool drop_underscores(struct str s, char *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '_') {
            *out++ = s.p[i];
            continue;
        }
        bool between = i > 0 && i + 1 < s.n && s.p[i - 1] != '_' && s.p[i + 1] != '_';
        if (!between)
            return false;
        bool digits =
            (s.p[i - 1] >= '0' && s.p[i - 1] <= '9') && (s.p[i + 1] >= '0' && s.p[i + 1] <= '9');
        if (!digits)
            return false;
    }
    *out = '\0';
    return true;
}

/* [+-](digits[.digits] | .digits)[e[+-]digits] and nothing else: strtod accepts more. */
static bool is_float(const char *p)
{
    size_t whole, fraction = 0;
    p += *p == '+' || *p == '-';
    whole = strspn(p, "0123456789");
    p += whole;
    if (*p == '.')
        fraction = strspn(++p, "0123456789");
    p += fraction;
    if (whole + fraction == 0)
        return false;
    if ((*p | 0x20) == 'e') {
        p += 1 + (p[1] == '+' || p[1] == '-');
        size_t exponent = strspn(p, "0123456789");
        if (!exponent)
            return false;
        p += exponent;
    }
    return *p == '\0';
}

static bool is_named_float(const char *p)
{
    p += *p == '+' || *p == '-';
    struct str s = str_from(p);
    return str_eq_nocase(s, STR("nan")) || str_eq_nocase(s, STR("inf")) ||
           str_eq_nocase(s, STR("infinity"));
}

enum parsed { PARSED_NO, PARSED_YES, PARSED_FAILED };

#define NUMBER_MAX 1000

/* Python reads digits of any script. Without a table of them, a text is known not to be a number
 * only where it has other characters that no number has. */
static bool is_surely_not_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x80 && !strchr("0123456789+-._eEinfatyINFATY", s.p[i]))
            return true;
    }
    return false;
}

/* A copy of the number's text without white space and underscores. */
static enum parsed prepare(struct run *r, uint32_t at, struct str s, char out[NUMBER_MAX + 1])
{
    struct str space = {NULL, 0};
    if (!run_charge(r, at, s.n)) /* which strtod() multiplies out */
        return PARSED_FAILED;
    s = text_strip_right(text_strip_left(s, space), space);
    if (is_surely_not_number(s))
        return PARSED_NO;
    if (!text_is_ascii(s)) {
        run_fault(r, at, "only ASCII digits are read as a number");
        return PARSED_FAILED;
    }
    if (s.n > NUMBER_MAX) {
        run_fault(r, at, "this text is too long for a number");
        return PARSED_FAILED;
    }
    if (memchr(s.p, '\0', s.n))
        return PARSED_NO;
    return drop_underscores(s, out) ? PARSED_YES : PARSED_NO;
}

static enum parsed parse_float(struct run *r, uint32_t at, struct str s, double *ret)
{
    char text[NUMBER_MAX + 1];
    enum parsed p = prepare(r, at, s, text);
    if (p != PARSED_YES)
        return p;
    if (is_named_float(text)) {
        run_fault(r, at, "infinity and nan are not allowed here");
        return PARSED_FAILED;
    }
    if (!is_float(text))
        return PARSED_NO;
    *ret = strtod(text, NULL);
    if (isfinite(*ret))
        return PARSED_YES;
    run_fault(r, at, "this number is too large");
    return PARSED_FAILED;
}

/* Digits of base 10, with a sign. */
static enum parsed parse_int(struct run *r, uint32_t at, struct str s, int64_t *ret)
{
    char text[NUMBER_MAX + 1];
    enum parsed ok = prepare(r, at, s, text);
    if (ok != PARSED_YES)
        return ok;
    const char *p = text;
    bool negative = *p == '-';
    p += negative || *p == '+';
    if (!*p || p[strspn(p, "0123456789")])
        return PARSED_NO;
    int64_t v = 0;
    for (; *p; p++) {
        int64_t digit = negative ? '0' - *p : *p - '0';
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v)) {
            run_fault(r, at, "this number is larger than 64 bits hold");
            return PARSED_FAILED;
        }
    }
    *ret = v;
    return PARSED_YES;
}

static bool truncate_float(struct run *r, uint32_t at, double f, struct value *ret)
{
    if (!(f >= -9223372036854775808.0 && f < 9223372036854775808.0))
        return run_fail(r, at, "this number is larger than 64 bits hold");
    *ret = value_int((int64_t)f);
    return true;
}

/* "42.7" is 42: what is not an integer may still be a float. */
static bool int_of_text(struct run *r, const struct builtin_call *c, struct value otherwise,
                        struct value *ret)
{
    struct str s = value_text(c->on);
    int64_t i = 0;
    enum parsed p = parse_int(r, c->at, s, &i);
    *ret = value_int(i);
    if (p != PARSED_NO)
        return p == PARSED_YES;
    double f;
    p = parse_float(r, c->at, s, &f);
    if (p == PARSED_YES)
        return truncate_float(r, c->at, f, ret);
    *ret = otherwise;
    return p == PARSED_NO;
}

bool filter_int(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct value otherwise = run_is_absent(c->args[0]) ? value_int(0) : c->args[0];
    int64_t base;
    if (!builtin_int(r, c, 1, 10, &base))
        return false;
    if (base != 10 && c->on.kind == VALUE_STR)
        return run_fail(r, c->at, "'int' reads base 10 only");
    switch ((enum value_kind)c->on.kind) {
    case VALUE_UNDEFINED: return run_refuse(r, c->at, c->on);
    case VALUE_BOOL:
    case VALUE_INT: *ret = value_int(run_integer(c->on)); return true;
    case VALUE_FLOAT:
        if (isnan(c->on.f))
            break;
        return truncate_float(r, c->at, c->on.f, ret);
    case VALUE_STR: return int_of_text(r, c, otherwise, ret);
    default: break;
    }
    *ret = otherwise;
    return true;
}

bool filter_float(struct run *r, const struct builtin_call *c, struct value *ret)
{
    double f;
    enum parsed p = PARSED_NO;
    *ret = run_is_absent(c->args[0]) ? value_float(0) : c->args[0];
    switch ((enum value_kind)c->on.kind) {
    case VALUE_UNDEFINED: return run_refuse(r, c->at, c->on);
    case VALUE_BOOL:
    case VALUE_INT: *ret = value_float((double)run_integer(c->on)); break;
    case VALUE_FLOAT: *ret = c->on; break;
    case VALUE_STR:
        p = parse_float(r, c->at, value_text(c->on), &f);
        if (p == PARSED_YES)
            *ret = value_float(f);
        break;
    default: break;
    }
    return p != PARSED_FAILED;
}

bool filter_abs(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct value v = c->on;
    if (v.kind == VALUE_FLOAT) {
        *ret = value_float(fabs(v.f));
        return true;
    }
    if (!run_is_integer(v) || run_integer(v) < 0)
        return run_unary(r, c->at, OP_NEG, v, ret);
    *ret = value_int(run_integer(v));
    return true;
}
