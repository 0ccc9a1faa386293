/* SPDX-License-Identifier: Apache-2.0 */
#include "template/filter.h"
#include "template/run.h"
#include "template/run_ops.h"

static bool answer(struct value *ret, bool yes)
{
    *ret = value_bool(yes);
    return true;
}

static bool is_defined(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return answer(ret, !run_is_undefined(c->on));
}

static bool is_undefined(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return answer(ret, run_is_undefined(c->on));
}

/* The loop and Jinja2's own functions are of none of the kinds below, but a test on an undefined
 * value answers for Undefined: it is no string, and so on. */
static bool is_of(const struct call *c, struct value *ret, enum value_kind kind)
{
    return answer(ret, c->on.kind == kind);
}

static bool is_none(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return is_of(c, ret, VALUE_NONE);
}

static bool is_boolean(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return is_of(c, ret, VALUE_BOOL);
}

static bool is_integer(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return is_of(c, ret, VALUE_INT);
}

static bool is_float(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return is_of(c, ret, VALUE_FLOAT);
}

static bool is_string(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return is_of(c, ret, VALUE_STR);
}

static bool is_mapping(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return is_of(c, ret, VALUE_MAP);
}

static bool is_true(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return answer(ret, c->on.kind == VALUE_BOOL && c->on.b);
}

static bool is_false(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return answer(ret, c->on.kind == VALUE_BOOL && !c->on.b);
}

static bool is_number(struct run *r, const struct call *c, struct value *ret)
{
    (void)r;
    return answer(ret, run_is_integer(c->on) || c->on.kind == VALUE_FLOAT);
}

/* Whatever has a length and items by number or key: Jinja2 asks in a way that never fails. */
static bool is_sequence(struct run *r, const struct call *c, struct value *ret)
{
    struct value v = c->on;
    (void)r;
    return answer(ret, run_is_soft(v) || v.kind == VALUE_STR || v.kind == VALUE_MAP ||
                           run_is_sequence(v));
}

static bool is_iterable(struct run *r, const struct call *c, struct value *ret)
{
    struct value v = c->on;
    if (v.kind == VALUE_UNDEFINED && !run_is_soft(v))
        return run_refuse(r, c->at, v);
    return answer(ret, v.kind == VALUE_UNDEFINED || v.kind == VALUE_STR || v.kind == VALUE_MAP ||
                           v.kind == VALUE_LIST);
}

static bool remainder_is(struct run *r, const struct call *c, struct value by, int64_t wanted,
                         struct value *ret)
{
    struct value rest;
    bool same;
    if (!run_binary(r, c->at, OP_MOD, c->on, by, &rest) ||
        !run_equal(r, c->at, rest, value_int(wanted), &same))
        return false;
    return answer(ret, same);
}

static bool is_odd(struct run *r, const struct call *c, struct value *ret)
{
    return remainder_is(r, c, value_int(2), 1, ret);
}

static bool is_even(struct run *r, const struct call *c, struct value *ret)
{
    return remainder_is(r, c, value_int(2), 0, ret);
}

static bool is_divisibleby(struct run *r, const struct call *c, struct value *ret)
{
    return remainder_is(r, c, c->args[0], 0, ret);
}

static bool compares(struct run *r, const struct call *c, enum op op, struct value *ret)
{
    bool yes;
    return run_compare(r, c->at, op, c->on, c->args[0], &yes) && answer(ret, yes);
}

static bool is_eq(struct run *r, const struct call *c, struct value *ret)
{
    return compares(r, c, OP_EQ, ret);
}

static bool is_ne(struct run *r, const struct call *c, struct value *ret)
{
    return compares(r, c, OP_NE, ret);
}

static bool is_lt(struct run *r, const struct call *c, struct value *ret)
{
    return compares(r, c, OP_LT, ret);
}

static bool is_le(struct run *r, const struct call *c, struct value *ret)
{
    return compares(r, c, OP_LE, ret);
}

static bool is_gt(struct run *r, const struct call *c, struct value *ret)
{
    return compares(r, c, OP_GT, ret);
}

static bool is_ge(struct run *r, const struct call *c, struct value *ret)
{
    return compares(r, c, OP_GE, ret);
}

static bool is_in(struct run *r, const struct call *c, struct value *ret)
{
    return compares(r, c, OP_IN, ret);
}

static bool has_case(struct run *r, const struct call *c, char first, struct value *ret)
{
    struct str s;
    bool found = false;
    if (!run_text(r, c->at, c->on, &s))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i], folded = ch & 0xDF;
        if (ch >= 0x80)
            return run_fail(r, c->at, "upper and lower case are limited to ASCII");
        if (folded < 'A' || folded > 'Z')
            continue;
        if ((ch & 0x20) != (first & 0x20))
            return answer(ret, false);
        found = true;
    }
    return answer(ret, found);
}

static bool is_lower(struct run *r, const struct call *c, struct value *ret)
{
    return has_case(r, c, 'a', ret);
}

static bool is_upper(struct run *r, const struct call *c, struct value *ret)
{
    return has_case(r, c, 'A', ret);
}

const struct test test_table[] = {
    {"boolean", {NULL}, 0, is_boolean, "true or false", "{{ true is boolean }}", "True"},
    {"defined",
     {NULL},
     0,
     is_defined,
     "has a value, even if it is none",
     "{{ proxy is defined }}",
     "False"},
    {"divisibleby",
     {"num"},
     1,
     is_divisibleby,
     "a number without a remainder by num",
     "{{ 6 is divisibleby(3) }}",
     "True"},
    {"eq", {"/b"}, 1, is_eq, "==", "{{ 1 is eq(1.0) }}", "True"},
    {"equalto", {"/b"}, 1, is_eq, "==", "{{ 'a' is equalto('b') }}", "False"},
    {"even", {NULL}, 0, is_even, "a number divisible by 2", "{{ 4 is even }}", "True"},
    {"false", {NULL}, 0, is_false, "false itself", "{{ 0 is false }}", "False"},
    {"float", {NULL}, 0, is_float, "a number with a fraction", "{{ 1.0 is float }}", "True"},
    {"ge", {"/b"}, 1, is_ge, ">=", "{{ 2 is ge(2) }}", "True"},
    {"greaterthan", {"/b"}, 1, is_gt, ">", "{{ 2 is greaterthan(2) }}", "False"},
    {"gt", {"/b"}, 1, is_gt, ">", "{{ 3 is gt(2) }}", "True"},
    {"in", {"seq"}, 1, is_in, "in seq", "{{ 'a' is in(['a', 'b']) }}", "True"},
    {"integer",
     {NULL},
     0,
     is_integer,
     "a whole number, no boolean",
     "{{ true is integer }}",
     "False"},
    {"iterable", {NULL}, 0, is_iterable, "can be looped over", "{{ 7 is iterable }}", "False"},
    {"le", {"/b"}, 1, is_le, "<=", "{{ 2 is le(2) }}", "True"},
    {"lessthan", {"/b"}, 1, is_lt, "<", "{{ 2 is lessthan(2) }}", "False"},
    {"lower", {NULL}, 0, is_lower, "a text in lower case", "{{ 'node-a' is lower }}", "True"},
    {"lt", {"/b"}, 1, is_lt, "<", "{{ 1 is lt(2) }}", "True"},
    {"mapping", {NULL}, 0, is_mapping, "keys and values", "{{ {'a': 1} is mapping }}", "True"},
    {"ne", {"/b"}, 1, is_ne, "!=", "{{ 1 is ne(2) }}", "True"},
    {"none", {NULL}, 0, is_none, "none itself", "{{ none is none }}", "True"},
    {"number",
     {NULL},
     0,
     is_number,
     "an integer, a float or a boolean",
     "{{ '7' is number }}",
     "False"},
    {"odd", {NULL}, 0, is_odd, "a number not divisible by 2", "{{ 7 is odd }}", "True"},
    {"sequence",
     {NULL},
     0,
     is_sequence,
     "a list, a string or a mapping",
     "{{ [1, 2] is sequence }}",
     "True"},
    {"string", {NULL}, 0, is_string, "a text", "{{ '7' is string }}", "True"},
    {"true", {NULL}, 0, is_true, "true itself", "{{ 1 is true }}", "False"},
    {"undefined", {NULL}, 0, is_undefined, "has no value", "{{ proxy is undefined }}", "True"},
    {"upper", {NULL}, 0, is_upper, "a text in upper case", "{{ 'Node-A' is upper }}", "False"},
};

const size_t test_count = sizeof(test_table) / sizeof(test_table[0]);

const struct test *test_find(struct str name)
{
    for (size_t i = 0; i < test_count; i++) {
        if (str_is(name, test_table[i].name))
            return &test_table[i];
    }
    return NULL;
}
