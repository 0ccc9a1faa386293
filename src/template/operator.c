/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run.h"
#include "template/text.h"

#include <math.h>

#define INT_LIMIT 9223372036854775808.0 /* 2^63: the first float beyond an int64_t */

static const char *const symbols[] = {
    [OP_ADD] = "+", [OP_SUB] = "-",  [OP_MUL] = "*", [OP_DIV] = "/", [OP_FLOORDIV] = "//",
    [OP_MOD] = "%", [OP_POW] = "**", [OP_POS] = "+", [OP_NEG] = "-"};

static bool too_large(struct run *r, uint32_t at)
{
    return run_fail(r, at, "this number is larger than 64 bits hold");
}

static bool take_float(struct run *r, uint32_t at, double f, struct value *ret)
{
    if (isnan(f))
        return run_fail(r, at, "this has no number as its result");
    *ret = value_float(f);
    return true;
}

bool run_unary(struct run *r, uint32_t at, enum op op, struct value v, struct value *ret)
{
    if (v.kind == VALUE_UNDEFINED)
        return run_refuse(r, at, v);
    if (v.kind == VALUE_FLOAT) {
        *ret = value_float(op == OP_NEG ? -v.f : v.f);
        return true;
    }
    if (!run_is_integer(v))
        return run_fail(r, at, "'%s' needs a number, not %s", symbols[op], run_kind(v));
    int64_t i = run_integer(v);
    if (op == OP_NEG && __builtin_sub_overflow((int64_t)0, i, &i))
        return too_large(r, at);
    *ret = value_int(i);
    return true;
}

/* --- Integers ------------------------------------------------------------------------------ */

/* Python rounds towards minus infinity, and the remainder has the sign of the divisor. */
static bool divide(struct run *r, uint32_t at, enum op op, int64_t a, int64_t b, struct value *ret)
{
    if (b == 0)
        return run_fail(r, at, "division by zero");
    if (b == -1) { /* INT64_MIN / -1 traps */
        *ret = value_int(0);
        return op == OP_MOD || run_unary(r, at, OP_NEG, value_int(a), ret);
    }
    int64_t quotient = a / b, rest = a % b;
    if (rest != 0 && (rest < 0) != (b < 0)) {
        quotient--;
        rest += b;
    }
    *ret = value_int(op == OP_MOD ? rest : quotient);
    return true;
}

static bool power(struct run *r, uint32_t at, int64_t base, int64_t exponent, struct value *ret)
{
    int64_t result = 1;
    for (uint64_t e = (uint64_t)exponent; e; e >>= 1) {
        if ((e & 1) && __builtin_mul_overflow(result, base, &result))
            return too_large(r, at);
        if (e > 1 && __builtin_mul_overflow(base, base, &base))
            return too_large(r, at);
    }
    *ret = value_int(result);
    return true;
}

/* Beyond 2^53 a double is not exact; Python divides long integers there. */
static bool true_division(struct run *r, uint32_t at, int64_t a, int64_t b, struct value *ret)
{
    const int64_t exact = (int64_t)1 << 53;
    if (b == 0)
        return run_fail(r, at, "division by zero");
    if (a > exact || a < -exact || b > exact || b < -exact)
        return run_fail(r, at, "'/' is not exact for numbers of more than 53 bits; use '//'");
    *ret = value_float((double)a / (double)b);
    return true;
}

static bool compute_floats(struct run *r, uint32_t at, enum op op, double a, double b,
                           struct value *ret);

static bool compute_integers(struct run *r, uint32_t at, enum op op, int64_t a, int64_t b,
                             struct value *ret)
{
    int64_t i;
    bool overflow;
    switch (op) {
    case OP_ADD: overflow = __builtin_add_overflow(a, b, &i); break;
    case OP_SUB: overflow = __builtin_sub_overflow(a, b, &i); break;
    case OP_MUL: overflow = __builtin_mul_overflow(a, b, &i); break;
    case OP_DIV: return true_division(r, at, a, b, ret);
    case OP_POW:
        return b < 0 ? compute_floats(r, at, op, (double)a, (double)b, ret)
                     : power(r, at, a, b, ret);
    default: return divide(r, at, op, a, b, ret);
    }
    if (overflow)
        return too_large(r, at);
    *ret = value_int(i);
    return true;
}

/* --- Floats -------------------------------------------------------------------------------- */

/* fmod() divides bit by bit: the more, the further apart the numbers are. */
#define FMOD_STEPS 60

/* Python's float.__divmod__, step by step. */
static double floor_division(double a, double b, double *ret_rest)
{
    double rest = fmod(a, b), quotient = (a - rest) / b;
    if (rest != 0) {
        if ((b < 0) != (rest < 0)) {
            rest += b;
            quotient -= 1.0;
        }
    } else {
        rest = copysign(0.0, b);
    }
    *ret_rest = rest;
    if (quotient == 0)
        return copysign(0.0, a / b);
    double whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

static bool float_power(struct run *r, uint32_t at, double a, double b, struct value *ret)
{
    if (a == 0 && b < 0)
        return run_fail(r, at, "0 cannot be raised to a negative power");
    if (a < 0 && isfinite(b) && b != floor(b))
        return run_fail(r, at, "the result is a complex number");
    double f = pow(a, b);
    if (isinf(f) && isfinite(a) && isfinite(b))
        return too_large(r, at);
    return take_float(r, at, f, ret);
}

static bool compute_floats(struct run *r, uint32_t at, enum op op, double a, double b,
                           struct value *ret)
{
    if (isnan(a) || isnan(b))
        return run_fail(r, at, "nan cannot be used in arithmetic");
    if ((op == OP_FLOORDIV || op == OP_MOD) && !run_charge(r, at, FMOD_STEPS))
        return false;
    if (b == 0 && (op == OP_DIV || op == OP_FLOORDIV || op == OP_MOD))
        return run_fail(r, at, "division by zero");
    double rest;
    switch (op) {
    case OP_ADD: return take_float(r, at, a + b, ret);
    case OP_SUB: return take_float(r, at, a - b, ret);
    case OP_MUL: return take_float(r, at, a * b, ret);
    case OP_DIV: return take_float(r, at, a / b, ret);
    case OP_POW: return float_power(r, at, a, b, ret);
    case OP_FLOORDIV: return take_float(r, at, floor_division(a, b, &rest), ret);
    default: floor_division(a, b, &rest); return take_float(r, at, rest, ret);
    }
}

static bool compute_numbers(struct run *r, uint32_t at, enum op op, struct value a, struct value b,
                            struct value *ret)
{
    if (a.kind != VALUE_FLOAT && b.kind != VALUE_FLOAT)
        return compute_integers(r, at, op, run_integer(a), run_integer(b), ret);
    double x = a.kind == VALUE_FLOAT ? a.f : (double)run_integer(a);
    double y = b.kind == VALUE_FLOAT ? b.f : (double)run_integer(b);
    return compute_floats(r, at, op, x, y, ret);
}

/* --- Strings and lists --------------------------------------------------------------------- */

static bool refuse_markup(struct run *r, uint32_t at, enum op op)
{
    return run_fail(r, at, "'%s' would escape HTML next to what tojson gives; use '~'",
                    symbols[op]);
}

static bool add_texts(struct run *r, uint32_t at, struct value a, struct value b, struct value *ret)
{
    if (a.tag == RUN_MARKUP || b.tag == RUN_MARKUP)
        return refuse_markup(r, at, OP_ADD);
    size_t n = (size_t)a.n + b.n;
    char *p = run_alloc(r, at, n + 1);
    if (!p)
        return false;
    if (a.n)
        memcpy(p, a.s, a.n);
    if (b.n)
        memcpy(p + a.n, b.s, b.n);
    p[n] = '\0';
    *ret = value_str((struct str){p, n});
    return true;
}

static bool add_lists(struct run *r, uint32_t at, struct value a, struct value b, struct value *ret)
{
    size_t n = (size_t)a.n + b.n;
    struct value *items = run_alloc(r, at, n * sizeof(*items));
    if (!items)
        return false;
    if (a.n)
        memcpy(items, a.items, a.n * sizeof(*items));
    if (b.n)
        memcpy(items + a.n, b.items, b.n * sizeof(*items));
    *ret = value_list(items, n);
    ret->tag = a.tag;
    return true;
}

static bool repeat(struct run *r, uint32_t at, struct value v, int64_t times, struct value *ret)
{
    if (v.tag == RUN_MARKUP)
        return refuse_markup(r, at, OP_MUL);
    size_t unit = v.kind == VALUE_STR ? 1 : sizeof(struct value), size;
    uint64_t count = times < 0 || v.n == 0 ? 0 : (uint64_t)times;
    if (__builtin_mul_overflow(count, v.n * unit, &size))
        size = SIZE_MAX / 4;
    char *p = run_alloc(r, at, size + 1);
    if (!p || !run_charge(r, at, count / 8))
        return false;
    for (uint64_t i = 0; i < count; i++)
        memcpy(p + i * v.n * unit, v.s, v.n * unit);
    *ret = v;
    ret->n = (uint32_t)(count * v.n);
    ret->s = p;
    return true;
}

static bool is_repeatable(struct value v)
{
    return v.kind == VALUE_STR || run_is_array(v);
}

bool run_binary(struct run *r, uint32_t at, enum op op, struct value a, struct value b,
                struct value *ret)
{
    if (op == OP_MOD && a.kind == VALUE_STR) /* for any right side */
        return run_fail(r, at, "formatting with '%%' is not supported; use '~'");
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
        return run_refuse(r, at, a.kind == VALUE_UNDEFINED ? a : b);
    if (run_is_number(a) && run_is_number(b))
        return compute_numbers(r, at, op, a, b, ret);
    if (op == OP_ADD && a.kind == VALUE_STR && b.kind == VALUE_STR)
        return add_texts(r, at, a, b, ret);
    if (op == OP_ADD && run_is_array(a) && run_is_array(b) && a.tag == b.tag)
        return add_lists(r, at, a, b, ret);
    if (op == OP_MUL && is_repeatable(a) && run_is_integer(b))
        return repeat(r, at, a, run_integer(b), ret);
    if (op == OP_MUL && is_repeatable(b) && run_is_integer(a))
        return repeat(r, at, b, run_integer(a), ret);
    if (op == OP_ADD && (a.kind == VALUE_STR || b.kind == VALUE_STR))
        return run_fail(r, at, "'+' does not join %s and %s; use '~'", run_kind(a), run_kind(b));
    return run_fail(r, at, "'%s' does not work on %s and %s", symbols[op], run_kind(a),
                    run_kind(b));
}

/* --- range() ------------------------------------------------------------------------------- */

static uint64_t range_length(int64_t start, int64_t stop, int64_t step)
{
    if (step > 0 ? start >= stop : start <= stop)
        return 0;
    uint64_t span = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    return (span - 1) / stride + 1;
}

bool run_range(struct run *r, uint32_t at, const struct value args[RUN_ARGS_MAX], struct value *ret)
{
    int64_t bounds[3] = {0, 0, 1};
    for (int i = 0; i < 3; i++) {
        if (run_is_absent(args[i]))
            continue;
        if (args[i].kind == VALUE_UNDEFINED)
            return run_refuse(r, at, args[i]);
        if (!run_is_integer(args[i]))
            return run_fail(r, at, "range() needs integers, not %s", run_kind(args[i]));
        bounds[i] = run_integer(args[i]);
    }
    int64_t start = run_is_absent(args[1]) ? 0 : bounds[0];
    int64_t stop = run_is_absent(args[1]) ? bounds[0] : bounds[1];
    if (bounds[2] == 0)
        return run_fail(r, at, "range() cannot have steps of 0");
    uint64_t n = range_length(start, stop, bounds[2]);
    struct value *items;
    if (n >= UINT32_MAX / sizeof(*items))
        return run_fail(r, at, "this range is too long");
    items = run_alloc(r, at, n * sizeof(*items));
    if (!items)
        return false;
    for (uint64_t i = 0; i < n; i++)
        items[i] = value_int((int64_t)((uint64_t)start + i * (uint64_t)bounds[2]));
    *ret = value_list(items, n);
    ret->tag = RUN_RANGE;
    return true;
}

/* --- Truth --- */

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

/* Exact, as in Python: 2^53 + 1 does not equal 2.0^53. */
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
    if (!run_enter(r, at))
        return false;
    bool ok = a.kind == VALUE_LIST ? equal_items(r, at, a, b, ret) : equal_pairs(r, at, a, b, ret);
    run_leave(r);
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
    if (run_is_number(a) && run_is_number(b)) {
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
    if (a.kind == VALUE_STR) {
        *ret = a.n == b.n && str_eq(value_text(a), value_text(b));
        return a.n != b.n || run_charge_bytes(r, at, a.n);
    }
    if (a.kind == VALUE_NONE || a.kind == VALUE_UNDEFINED)
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
    if (run_is_number(a) && run_is_number(b))
        return order_numbers(r, at, a, b, ret);
    if (a.kind == VALUE_STR && b.kind == VALUE_STR) {
        if (!run_charge_bytes(r, at, a.n < b.n ? a.n : b.n))
            return false;
        *ret = str_cmp(value_text(a), value_text(b));
        *ret = (*ret > 0) - (*ret < 0);
        return true;
    }
    if (!run_is_array(a) || !run_is_array(b) || a.tag != b.tag)
        return run_fail(r, at, "%s and %s have no order", run_kind(a), run_kind(b));
    if (!run_enter(r, at))
        return false;
    bool ok = order_arrays(r, at, a, b, ret);
    run_leave(r);
    return ok;
}

/* --- Membership ---------------------------------------------------------------------------- */

static bool text_contains(struct run *r, uint32_t at, struct value in, struct value v, bool *ret)
{
    if (v.kind == VALUE_UNDEFINED)
        return run_refuse(r, at, v);
    if (v.kind != VALUE_STR)
        return run_fail(r, at, "only a string can be in a string, not %s", run_kind(v));
    if (!run_charge_chars(r, at, (uint64_t)in.n + v.n))
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

static bool contains(struct run *r, uint32_t at, struct value in, struct value v, bool *ret)
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
        bool ok = contains(r, at, b, a, ret);
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
