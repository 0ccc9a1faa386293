/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define NUMBER_MAX_BYTES 64

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The letters of a pattern: D a digit, O an octal digit, H a hexadecimal digit, '_' a digit or
 * underscore, U a hexadecimal digit or underscore, S a sign, E the letter of an exponent, T a
 * separator of date and time. Any other character stands for itself. */
static bool class_has(char class, char c)
{
    char lower = (char)(c | 0x20);
    switch (class) {
    case 'D': return is_digit(c);
    case 'O': return c >= '0' && c <= '7';
    case 'H': return is_digit(c) || (lower >= 'a' && lower <= 'f');
    case '_': return is_digit(c) || c == '_';
    case 'U': return class_has('H', c) || c == '_';
    case 'S': return c == '+' || c == '-';
    case 'E': return lower == 'e';
    case 'T': return lower == 't' || c == ' ' || c == '\t';
    default: return c == class;
    }
}

/* Whether the pattern matches all of `s`. After a letter, '?', '*' and '+' mean what they mean in a
 * regular expression. Matching is greedy without backtracking, which is enough here. */
static bool matches(struct str s, const char *pattern)
{
    size_t at = 0;
    for (const char *p = pattern; *p; p++) {
        size_t n = 0;
        char often = p[1] == '?' || p[1] == '*' || p[1] == '+' ? p[1] : '1';
        size_t most = often == '*' || often == '+' ? SIZE_MAX : 1;
        while (n < most && at < s.n && class_has(*p, s.p[at])) {
            at++;
            n++;
        }
        if (n == 0 && (often == '1' || often == '+'))
            return false;
        p += often != '1';
    }
    return at == s.n;
}

static bool is_one_of(struct str s, const char *const *words)
{
    while (*words && !str_is(s, *words))
        words++;
    return *words != NULL;
}

/* Base 60: 12:34:56, and MAC addresses that consist of digits, on which cloud-init fails. */
static bool is_base_60(struct str s)
{
    if (s.n && class_has('S', s.p[0]))
        s = str_skip(s, 1);
    struct str whole = str_cut(&s, '.'); /* only digits behind a point */
    if (s.p && !matches(s, "_*"))
        return false;
    struct str part = str_cut(&whole, ':');
    if (!whole.p || !matches(part, "D_*"))
        return false;
    while (whole.p) {
        part = str_cut(&whole, ':');
        if (!matches(part, "D") && !(matches(part, "DD") && part.p[0] < '6'))
            return false;
    }
    return true;
}

static bool is_date(struct str s)
{
    return matches(s, "DDDD-DD-DD") || (s.n > 8 && matches((struct str){s.p, 5}, "DDDD-") &&
                                        (matches(s, "DDDD-DD?-DD?TT*DD?:DD:DD.?D*T*Z?") ||
                                         matches(s, "DDDD-DD?-DD?TT*DD?:DD:DD.?D*T*SDD?:?D?D?")));
}

/* Why a plain scalar is refused; NULL if both versions of YAML agree on it. */
static const char *quarrel(struct str s)
{
    static const char *const truths[] = {"y", "yes", "on", "n", "no", "off", NULL};
    for (size_t i = 0; truths[i]; i++) {
        if (str_eq_nocase(s, str_from(truths[i])))
            return "is true or false to YAML 1.1 and a text to 1.2; write true, false, or quote it";
    }
    if (str_is(s, "<<") || str_is(s, "="))
        return "has a meaning of its own to YAML 1.1; quote it";
    if (is_base_60(s))
        return "is a number of base 60 to YAML 1.1; quote it";
    if (is_date(s))
        return "is a date to YAML 1.1; quote it";
    if (matches(s, "S?0_+") || matches(s, "0oO+"))
        return "is octal to one YAML and not to the other; quote it, or write it as a decimal";
    if (matches(s, "S?0b_+"))
        return "is binary to YAML 1.1; quote it, or write it as a decimal";
    return NULL;
}

/* The same for scalars that look like a number. */
static const char *quarrel_of_numbers(struct str s)
{
    bool spaced = memchr(s.p, '_', s.n) != NULL;
    if (spaced && (matches(s, "S?D_*") || matches(s, "S?D_*._*") || matches(s, "S?._*") ||
                   matches(s, "S?D_*._*ESD+") || matches(s, "S?._*ESD+") || matches(s, "S?0xU+")))
        return "is a number to YAML 1.1, which skips underscores; quote it, or leave them out";
    if (matches(s, "S0xH+"))
        return "is a number only to YAML 1.1; quote it, or write it as a decimal";
    bool exponent = matches(s, "S?D+.?D*ES?D+") || matches(s, "S?.D+ES?D+");
    bool both = matches(s, "S?D+.D*ESD+") || matches(s, ".D+ESD+");
    if (exponent && !both)
        return "is a number only to YAML 1.2; write it like 1.0e+3, or quote it";
    if (matches(s, "S.D+"))
        return "is a number only to YAML 1.2; put a 0 before the point, or quote it";
    static const char *const specials[] = {".inf",  ".Inf",  ".INF",  "-.inf", "-.Inf",
                                           "-.INF", "+.inf", "+.Inf", "+.INF", ".nan",
                                           ".NaN",  ".NAN",  NULL};
    if (is_one_of(s, specials))
        return "is not a number that can be used; quote it";
    return NULL;
}

static const char *read_int(struct str s, bool hexadecimal, struct value *ret)
{
    char z[NUMBER_MAX_BYTES + 1];
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    errno = 0;
    long long i = strtoll(z, NULL, hexadecimal ? 16 : 10);
    if (errno)
        return "is larger than 64 bits; quote it";
    *ret = value_int(i);
    return NULL;
}

static const char *read_float(struct str s, struct value *ret)
{
    char z[NUMBER_MAX_BYTES + 1];
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    double f = strtod(z, NULL);
    if (!isfinite(f))
        return "is larger than any number of 64 bits; quote it";
    *ret = value_float(f);
    return NULL;
}

static const char *read_number(struct str s, struct value *ret)
{
    bool decimal = matches(s, "S?D+"), hexadecimal = matches(s, "0xH+");
    if (!decimal && !hexadecimal && !matches(s, "S?D+.D*") && !matches(s, ".D+") &&
        !matches(s, "S?D+.D*ESD+") && !matches(s, ".D+ESD+"))
        return NULL;
    if (s.n > NUMBER_MAX_BYTES)
        return "is longer than any number of 64 bits; quote it";
    return decimal || hexadecimal ? read_int(s, hexadecimal, ret) : read_float(s, ret);
}

static const char *read_plain(struct str s, struct value *ret)
{
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    bool yes = is_one_of(s, trues);
    if (yes || is_one_of(s, falses)) {
        *ret = value_bool(yes);
        return NULL;
    }
    *ret = value_str(s);
    const char *why = quarrel(s);
    if (!why)
        why = quarrel_of_numbers(s);
    return why ? why : read_number(s, ret);
}

/* Whether the value has the kind that the tag asks for; an integer may be a float. */
static const char *check_tag(enum yaml_tag tag, struct value *v)
{
    static const uint8_t kinds[] = {
        [YAML_TAG_STR] = VALUE_STR,   [YAML_TAG_INT] = VALUE_INT,   [YAML_TAG_FLOAT] = VALUE_FLOAT,
        [YAML_TAG_BOOL] = VALUE_BOOL, [YAML_TAG_NULL] = VALUE_NONE,
    };
    if (tag == YAML_TAG_FLOAT && v->kind == VALUE_INT)
        *v = value_float((double)v->i);
    return tag == YAML_TAG_NONE || kinds[tag] == v->kind ? NULL : "is not what its tag says";
}

const char *scalar_read(const struct yaml_node *y, struct value *ret)
{
    struct value v = value_str(yaml_text(y));
    const char *why = NULL;
    if (yaml_is_null(y))
        v = value_none();
    else if (y->tag != YAML_TAG_STR && (y->plain || y->tag != YAML_TAG_NONE))
        why = read_plain(yaml_text(y), &v);
    if (!why)
        why = check_tag((enum yaml_tag)y->tag, &v);
    if (!why)
        *ret = v;
    return why;
}
