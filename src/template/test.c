/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"

static bool answer(struct value *ret, bool yes)
{
    *ret = value_bool(yes);
    return true;
}

static bool test_defined(struct run *r, const struct builtin_call *c, struct value *ret)
{
    (void)r;
    return answer(ret, run_is_undefined(c->on) != c->which);
}

/* The loop and Jinja2's own functions are of no kind that can be asked for; a test on an undefined
 * value does not fail: it is not a string, and so on. */
static bool test_kind(struct run *r, const struct builtin_call *c, struct value *ret)
{
    (void)r;
    return answer(ret, c->on.kind == c->which);
}

static bool test_bool(struct run *r, const struct builtin_call *c, struct value *ret)
{
    (void)r;
    return answer(ret, c->on.kind == VALUE_BOOL && c->on.b == c->which);
}

static bool test_number(struct run *r, const struct builtin_call *c, struct value *ret)
{
    (void)r;
    return answer(ret, run_is_number(c->on));
}

/* Anything that has a length and items by number or key: Jinja2 asks in a way that never fails. */
static bool test_sequence(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct value v = c->on;
    (void)r;
    return answer(ret, run_is_soft(v) || v.kind == VALUE_STR || v.kind == VALUE_MAP ||
                           run_is_sequence(v));
}

static bool test_iterable(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct value v = c->on;
    if (v.kind == VALUE_UNDEFINED && !run_is_soft(v))
        return run_refuse(r, c->at, v);
    return answer(ret, v.kind == VALUE_UNDEFINED || v.kind == VALUE_STR || v.kind == VALUE_MAP ||
                           v.kind == VALUE_LIST);
}

static bool remainder_is(struct run *r, const struct builtin_call *c, struct value by,
                         int64_t wanted, struct value *ret)
{
    struct value rest;
    bool same;
    if (!run_binary(r, c->at, OP_MOD, c->on, by, &rest) ||
        !run_equal(r, c->at, rest, value_int(wanted), &same))
        return false;
    return answer(ret, same);
}

static bool test_remainder(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return remainder_is(r, c, value_int(2), c->which, ret);
}

static bool test_divisible(struct run *r, const struct builtin_call *c, struct value *ret)
{
    return remainder_is(r, c, c->args[0], 0, ret);
}

static bool test_compare(struct run *r, const struct builtin_call *c, struct value *ret)
{
    bool yes;
    return run_compare(r, c->at, (enum op)c->which, c->on, c->args[0], &yes) && answer(ret, yes);
}

/* `which` is a letter of the case that is asked for. */
static bool test_case(struct run *r, const struct builtin_call *c, struct value *ret)
{
    struct str s;
    bool found = false;
    if (!run_text(r, c->at, c->on, &s) || !run_charge_chars(r, c->at, s.n))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i], folded = ch & 0xDF;
        if (ch >= 0x80)
            return run_fail(r, c->at, "upper and lower case are limited to ASCII");
        if (folded < 'A' || folded > 'Z')
            continue;
        if ((ch & 0x20) != (c->which & 0x20))
            return answer(ret, false);
        found = true;
    }
    return answer(ret, found);
}

#define TEST(name_, fn_, which_, args_, help_, example_, result_)                             \
    {                                                                                         \
        .name = name_, .fn = fn_, .which = which_, args_, .help = help_, .example = example_, \
        .result = result_                                                                     \
    }

static const struct builtin tests[] = {
    TEST("boolean", test_kind, VALUE_BOOL, NO_ARGS, "true or false", "{{ true is boolean }}",
         "True"),
    TEST("defined", test_defined, true, NO_ARGS, "has a value, even if it is none",
         "{{ proxy is defined }}", "False"),
    TEST("divisibleby", test_divisible, 0, ARGS(1, "num"), "a number without a remainder by num",
         "{{ 6 is divisibleby(3) }}", "True"),
    TEST("eq", test_compare, OP_EQ, ARGS(1, "/b"), "==", "{{ 1 is eq(1.0) }}", "True"),
    TEST("equalto", test_compare, OP_EQ, ARGS(1, "/b"), "==", "{{ 'a' is equalto('b') }}", "False"),
    TEST("even", test_remainder, 0, NO_ARGS, "a number divisible by 2", "{{ 4 is even }}", "True"),
    TEST("false", test_bool, false, NO_ARGS, "false itself", "{{ 0 is false }}", "False"),
    TEST("float", test_kind, VALUE_FLOAT, NO_ARGS, "a number with a fraction", "{{ 1.0 is float }}",
         "True"),
    TEST("ge", test_compare, OP_GE, ARGS(1, "/b"), ">=", "{{ 2 is ge(2) }}", "True"),
    TEST("greaterthan", test_compare, OP_GT, ARGS(1, "/b"), ">", "{{ 2 is greaterthan(2) }}",
         "False"),
    TEST("gt", test_compare, OP_GT, ARGS(1, "/b"), ">", "{{ 3 is gt(2) }}", "True"),
    TEST("in", test_compare, OP_IN, ARGS(1, "seq"), "in seq", "{{ 'a' is in(['a', 'b']) }}",
         "True"),
    TEST("integer", test_kind, VALUE_INT, NO_ARGS, "a whole number, no boolean",
         "{{ true is integer }}", "False"),
    TEST("iterable", test_iterable, 0, NO_ARGS, "can be looped over", "{{ 7 is iterable }}",
         "False"),
    TEST("le", test_compare, OP_LE, ARGS(1, "/b"), "<=", "{{ 2 is le(2) }}", "True"),
    TEST("lessthan", test_compare, OP_LT, ARGS(1, "/b"), "<", "{{ 2 is lessthan(2) }}", "False"),
    TEST("lower", test_case, 'a', NO_ARGS, "a text in lower case", "{{ 'node-a' is lower }}",
         "True"),
    TEST("lt", test_compare, OP_LT, ARGS(1, "/b"), "<", "{{ 1 is lt(2) }}", "True"),
    TEST("mapping", test_kind, VALUE_MAP, NO_ARGS, "keys and values", "{{ {'a': 1} is mapping }}",
         "True"),
    TEST("ne", test_compare, OP_NE, ARGS(1, "/b"), "!=", "{{ 1 is ne(2) }}", "True"),
    TEST("none", test_kind, VALUE_NONE, NO_ARGS, "none itself", "{{ none is none }}", "True"),
    TEST("number", test_number, 0, NO_ARGS, "an integer, a float or a boolean",
         "{{ '7' is number }}", "False"),
    TEST("odd", test_remainder, 1, NO_ARGS, "a number not divisible by 2", "{{ 7 is odd }}",
         "True"),
    TEST("sequence", test_sequence, 0, NO_ARGS, "a list, a string or a mapping",
         "{{ [1, 2] is sequence }}", "True"),
    TEST("string", test_kind, VALUE_STR, NO_ARGS, "a text", "{{ '7' is string }}", "True"),
    TEST("true", test_bool, true, NO_ARGS, "true itself", "{{ 1 is true }}", "False"),
    TEST("undefined", test_defined, false, NO_ARGS, "has no value", "{{ proxy is undefined }}",
         "True"),
    TEST("upper", test_case, 'A', NO_ARGS, "a text in upper case", "{{ 'Node-A' is upper }}",
         "False"),
};

const struct builtins builtin_tests = {"test", tests, sizeof(tests) / sizeof(tests[0])};
