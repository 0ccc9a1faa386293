/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run.h"
#include "template/run_ops.h"
#include "template/text.h"

#include <math.h>

#define INT_LIMIT 9223372036854775808.0 /* 2^63: the first float beyond an int64_t */

bool run_truth(struct run *r, uint32_t at, struct value v, bool *ret)
{
    switch ((enum value_kind)v.kind) {
    case VALUE_UNDEFINED: *ret = false; return run_is_soft(v) || run_refuse(r, at, v);
    case VALUE_NONE: *ret = false; break;
    case VALUE_BOOL: *ret = v.b; break;
    case VALUE_INT: *ret = v.i != 0; break;
    case VALUE_FLOAT: *ret = v.f != 0; break;
    case VALUE_LIST: *ret = v.n != 0 || v.tag == RUN_GENERATOR; break;
    case VALUE_STR:
    case VALUE_MAP: *ret = v.n != 0; break;
    }
    return true;
}

static bool is_number(struct value v)
{
    return run_is_integer(v) || v.kind == VALUE_FLOAT;
}

/* Exact, as Python has it: 2^53 + 1 is not 2.0^53. */
static int order_int_float(int64_t i, double f)
{
    if (f >= INT_LIMIT)
        return -1;
    if (f < -INT_LIMIT)
        return 1;
    double whole = trunc(f);
    int64_t other = (int64_t)whole;
    if (i != other)
        return i < other ? -1 : 1;
    return f > whole ? -1 : f < whole;
}

static bool order_numbers(struct run *r, uint32_t at, struct value a, struct value b, int *ret)
{
    bool nan = (a.kind == VALUE_FLOAT && isnan(a.f)) || (b.kind == VALUE_FLOAT && isnan(b.f));
    if (nan)
        return run_fail(r, at, "nan cannot be compared");
    if (a.kind == VALUE_FLOAT && b.kind == VALUE_FLOAT)
        *ret = (a.f > b.f) - (a.f < b.f);
    else if (a.kind == VALUE_FLOAT)
        *ret = -order_int_float(run_integer(b), a.f);
    else if (b.kind == VALUE_FLOAT)
        *ret = order_int_float(run_integer(a), b.f);
    else
        *ret = (run_integer(a) > run_integer(b)) - (run_integer(a) < run_integer(b));
    return true;
}

/* --- Equality ------------------------------------------------------------------------------ */

static bool equal_items(struct run *r, uint32_t at, struct value a, struct value b, bool *ret)
{
    *ret = a.n == b.n;
    for (uint32_t i = 0; i < a.n && *ret; i++) {
        if (!run_equal(r, at, a.items[i], b.items[i], ret))
            return false;
    }
    return true;
}

static bool equal_pairs(struct run *r, uint32_t at, struct value a, struct value b, bool *ret)
{
    *ret = a.n == b.n;
    for (uint32_t i = 0; i < a.n && *ret; i++) {
        struct value other;
        if (!run_map_get(r, at, b, a.pairs[i].key, &other))
            return false;
        if (run_is_absent(other))
            *ret = false;
        else if (!run_equal(r, at, a.pairs[i].value, other, ret))
            return false;
    }
    return true;
}

static bool equal_nested(struct run *r, uint32_t at, struct value a, struct value b, bool *ret)
{
    if (r->nest == RUN_NEST_MAX)
        return run_fail(r, at, "this value is nested too deeply");
    r->nest++;
    bool ok = a.kind == VALUE_LIST ? equal_items(r, at, a, b, ret) : equal_pairs(r, at, a, b, ret);
    r->nest--;
    return ok;
}

static bool is_iterator(struct value v)
{
    return v.kind == VALUE_LIST && !run_is_array(v);
}

bool run_equal(struct run *r, uint32_t at, struct value a, struct value b, bool *ret)
{
    if (!run_charge(r, at, 1))
        return false;
    if (a.kind == VALUE_UNDEFINED && !run_is_soft(a))
        return run_refuse(r, at, a);
    if (b.kind == VALUE_UNDEFINED && !run_is_soft(b))
        return run_refuse(r, at, b);
    if (is_iterator(a) || is_iterator(b))
        return run_fail(r, at, "%s cannot be compared; use \"|list\"",
                        run_kind(is_iterator(a) ? a : b));
    if (is_number(a) && is_number(b)) {
        int order;
        if (!order_numbers(r, at, a, b, &order))
            return false;
        *ret = order == 0;
        return true;
    }
    if (a.kind != b.kind || (a.kind == VALUE_LIST && a.tag != b.tag)) {
        *ret = false;
        return true;
    }
    if (a.kind == VALUE_STR)
        *ret = str_eq(value_text(a), value_text(b));
    else if (a.kind == VALUE_NONE || a.kind == VALUE_UNDEFINED)
        *ret = true;
    else
        return equal_nested(r, at, a, b, ret);
    return true;
}

/* --- Order --------------------------------------------------------------------------------- */

static bool order_arrays(struct run *r, uint32_t at, struct value a, struct value b, int *ret)
{
    for (uint32_t i = 0; i < a.n && i < b.n; i++) {
        bool same;
        if (!run_equal(r, at, a.items[i], b.items[i], &same))
            return false;
        if (!same)
            return run_order(r, at, a.items[i], b.items[i], ret);
    }
    *ret = (a.n > b.n) - (a.n < b.n);
    return true;
}

bool run_order(struct run *r, uint32_t at, struct value a, struct value b, int *ret)
{
    if (!run_charge(r, at, 1))
        return false;
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
        return run_refuse(r, at, a.kind == VALUE_UNDEFINED ? a : b);
    if (is_number(a) && is_number(b))
        return order_numbers(r, at, a, b, ret);
    if (a.kind == VALUE_STR && b.kind == VALUE_STR) {
        *ret = str_cmp(value_text(a), value_text(b));
        *ret = (*ret > 0) - (*ret < 0);
        return true;
    }
    if (!run_is_array(a) || !run_is_array(b) || a.tag != b.tag)
        return run_fail(r, at, "%s and %s have no order", run_kind(a), run_kind(b));
    if (r->nest == RUN_NEST_MAX)
        return run_fail(r, at, "this value is nested too deeply");
    r->nest++;
    bool ok = order_arrays(r, at, a, b, ret);
    r->nest--;
    return ok;
}

/* --- Membership ---------------------------------------------------------------------------- */

static bool text_contains(struct run *r, uint32_t at, struct value in, struct value v, bool *ret)
{
    if (v.kind == VALUE_UNDEFINED)
        return run_refuse(r, at, v);
    if (v.kind != VALUE_STR)
        return run_fail(r, at, "only a string can be in a string, not %s", run_kind(v));
    if (!run_charge(r, at, in.n / 64))
        return false;
    *ret = text_find(value_text(in), value_text(v)) != SIZE_MAX;
    return true;
}

static bool list_contains(struct run *r, uint32_t at, struct value in, struct value v, bool *ret)
{
    if (in.tag == RUN_ITEMS)
        return run_fail(r, at, "\"in\" does not work on .items()");
    if (in.tag == RUN_KEYS && !run_hashable(r, at, v))
        return false;
    *ret = false;
    for (uint32_t i = 0; i < in.n && !*ret; i++) {
        if (!run_equal(r, at, in.items[i], v, ret))
            return false;
    }
    return true;
}

bool run_contains(struct run *r, uint32_t at, struct value in, struct value v, bool *ret)
{
    struct value found;
    switch ((enum value_kind)in.kind) {
    case VALUE_UNDEFINED: *ret = false; return run_is_soft(in) || run_refuse(r, at, in);
    case VALUE_STR: return text_contains(r, at, in, v, ret);
    case VALUE_LIST: return list_contains(r, at, in, v, ret);
    case VALUE_MAP:
        if (!run_map_get(r, at, in, v, &found))
            return false;
        *ret = !run_is_absent(found);
        return true;
    default: return run_fail(r, at, "nothing can be in %s", run_kind(in));
    }
}

bool run_compare(struct run *r, uint32_t at, enum op op, struct value a, struct value b, bool *ret)
{
    if (op == OP_EQ || op == OP_NE) {
        bool ok = run_equal(r, at, a, b, ret);
        *ret = ok && *ret == (op == OP_EQ);
        return ok;
    }
    if (op == OP_IN || op == OP_NOT_IN) {
        bool ok = run_contains(r, at, b, a, ret);
        *ret = ok && *ret == (op == OP_IN);
        return ok;
    }
    int order;
    if (!run_order(r, at, a, b, &order))
        return false;
    *ret = op == OP_LT   ? order < 0
           : op == OP_LE ? order <= 0
           : op == OP_GT ? order > 0
                         : order >= 0;
    return true;
}
