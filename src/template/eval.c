/* SPDX-License-Identifier: Apache-2.0 */
#include "template/filter.h"
#include "template/run.h"
#include "template/run_eval.h"
#include "template/run_ops.h"
#include "template/stmt.h"

static bool is_global(struct str name)
{
    static const char *const names[] = {"range", "dict", "lipsum", "cycler", "joiner", "namespace"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_is(name, names[i]))
            return true;
    }
    return false;
}

static bool is_missing(struct value v)
{
    return v.kind == VALUE_UNDEFINED && v.tag == RUN_MISSING;
}

static struct value resolve_slot(struct run *r, struct activation *act, uint32_t slot,
                                 struct str name)
{
    struct value *v = &act->slots[slot];
    if (v->kind == VALUE_UNDEFINED && v->tag == RUN_UNRESOLVED)
        *v = run_resolve(r, act, name);
    return *v;
}

/* What the includer's frames hold at the include, then what its own context holds. */
static struct value resolve_from(struct run *r, struct activation *by, const struct include *inc,
                                 struct str name)
{
    for (uint32_t i = 0; i < inc->n; i++) {
        if (inc->visible[i].name.p != name.p)
            continue;
        struct value v = resolve_slot(r, by, inc->visible[i].slot, name);
        if (!is_missing(v))
            return v;
        break;
    }
    return run_resolve(r, by, name);
}

struct value run_resolve(struct run *r, struct activation *act, struct str name)
{
    if (act->parent)
        return resolve_from(r, act->parent, act->include, name);
    struct value v;
    if (r->scope.lookup && r->scope.lookup(r->scope.cls, name, &v) && v.kind != VALUE_UNDEFINED)
        return v;
    v = value_str(name);
    v.kind = VALUE_UNDEFINED;
    v.tag = is_global(name) ? RUN_GLOBAL : RUN_MISSING;
    return v;
}

static bool eval_name(struct run *r, const struct expr *e, struct value *ret)
{
    *ret = r->now->slots[e->slot];
    if (ret->kind != VALUE_UNDEFINED)
        return true;
    *ret = resolve_slot(r, r->now, e->slot, e->name);
    if (is_missing(*ret))
        return run_undefined(r, e->at, (struct undefined){.name = e->name}, ret);
    return true;
}

static bool eval_items(struct run *r, const struct expr *e, struct value **ret)
{
    struct value *items = run_alloc(r, e->at, e->n * sizeof(*items));
    if (!items)
        return false;
    for (uint32_t i = 0; i < e->n; i++) {
        if (!run_eval(r, e->items[i], &items[i]))
            return false;
        if (items[i].kind == VALUE_LIST && items[i].tag == RUN_GENERATOR)
            return run_fail(r, e->items[i]->at, "an iterator cannot be kept; use \"|list\"");
    }
    *ret = items;
    return true;
}

static bool eval_list(struct run *r, const struct expr *e, struct value *ret)
{
    struct value *items;
    if (!eval_items(r, e, &items))
        return false;
    *ret = value_list(items, e->n);
    ret->tag = e->kind == EXPR_TUPLE ? RUN_TUPLE : RUN_PLAIN;
    return true;
}

/* A key given twice keeps its first place and its last value. */
static bool put_pair(struct run *r, uint32_t at, struct value_pair *pairs, uint32_t *n,
                     struct value key, struct value value)
{
    struct value found;
    if (!run_map_get(r, at, value_map(pairs, *n), key, &found))
        return false;
    if (run_is_absent(found)) {
        pairs[(*n)++] = (struct value_pair){key, value};
        return true;
    }
    for (uint32_t i = 0; i < *n; i++) {
        bool same;
        if (!run_equal(r, at, pairs[i].key, key, &same))
            return false;
        if (same)
            pairs[i].value = value;
    }
    return true;
}

static bool eval_dict(struct run *r, const struct expr *e, struct value *ret)
{
    struct value *items;
    if (!eval_items(r, e, &items))
        return false;
    struct value_pair *pairs = run_alloc(r, e->at, e->n / 2 * sizeof(*pairs));
    if (!pairs)
        return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n; i += 2) {
        if (!put_pair(r, e->items[i]->at, pairs, &n, items[i], items[i + 1]))
            return false;
    }
    *ret = value_map(pairs, n);
    return true;
}

static bool eval_concat(struct run *r, const struct expr *e, struct value *ret)
{
    struct str *parts = run_alloc(r, e->at, e->n * sizeof(*parts));
    if (!parts)
        return false;
    size_t total = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        struct value v;
        if (!run_eval(r, e->items[i], &v) || !run_text(r, e->items[i]->at, v, &parts[i]))
            return false;
        total += parts[i].n;
    }
    char *p = run_alloc(r, e->at, total + 1);
    if (!p)
        return false;
    char *to = p;
    for (uint32_t i = 0; i < e->n; i++) {
        if (parts[i].n)
            memcpy(to, parts[i].p, parts[i].n);
        to += parts[i].n;
    }
    *to = '\0';
    *ret = value_str((struct str){p, total});
    return true;
}

static bool eval_compare(struct run *r, const struct expr *e, struct value *ret)
{
    struct value left, right;
    if (!run_eval(r, e->items[0], &left))
        return false;
    bool holds = true;
    for (uint32_t i = 1; i < e->n && holds; i++) {
        if (!run_eval(r, e->items[i], &right) ||
            !run_compare(r, e->items[i]->at, e->ops[i], left, right, &holds))
            return false;
        left = right;
    }
    *ret = value_bool(holds);
    return true;
}

static bool eval_logic(struct run *r, const struct expr *e, struct value *ret)
{
    bool truth;
    if (!run_eval(r, e->a, ret) || !run_truth(r, e->a->at, *ret, &truth))
        return false;
    if (e->kind == EXPR_NOT) {
        *ret = value_bool(!truth);
        return true;
    }
    return truth == (e->kind == EXPR_OR) || run_eval(r, e->b, ret);
}

static bool eval_cond(struct run *r, const struct expr *e, struct value *ret)
{
    struct value test;
    bool truth;
    if (!run_eval(r, e->b, &test) || !run_truth(r, e->b->at, test, &truth))
        return false;
    if (truth)
        return run_eval(r, e->a, ret);
    if (e->c)
        return run_eval(r, e->c, ret);
    static const char hint[] = "this \"if\" was false, and there is no \"else\"";
    return run_undefined(r, e->at, (struct undefined){.hint = hint, .soft = true}, ret);
}

static bool eval_call(struct run *r, const struct expr *e, struct value *ret)
{
    struct call c = {.at = e->at};
    if (e->on && !run_eval(r, e->on, &c.on))
        return false;
    for (uint32_t i = 0; i < FILTER_ARGS_MAX; i++) {
        c.args[i] = (struct value){.kind = VALUE_UNDEFINED, .tag = RUN_ABSENT};
        if (e->args[i] && !run_eval(r, e->args[i], &c.args[i]))
            return false;
    }
    if (e->kind == EXPR_FILTER)
        return e->filter->fn(r, &c, ret);
    if (e->kind == EXPR_TEST)
        return e->test->fn(r, &c, ret);
    if (c.on.kind == VALUE_UNDEFINED)
        return run_refuse(r, e->at, c.on);
    const struct method *m = method_of(e->method->name, c.on);
    if (!m)
        return run_fail(r, e->at, "%s has no method '%s'", run_kind(c.on), e->method->name);
    return m->fn(r, &c, ret);
}

static bool eval_function(struct run *r, const struct expr *e, struct value *ret)
{
    struct value callee, args[FILTER_ARGS_MAX];
    if (!run_eval(r, e->callee, &callee))
        return false;
    if (callee.kind != VALUE_UNDEFINED || callee.tag != RUN_GLOBAL)
        return run_fail(r, e->at, "'%.*s' is a variable here and cannot be called",
                        STR_ARG(e->callee->name));
    for (uint32_t i = 0; i < FILTER_ARGS_MAX; i++) {
        args[i] = (struct value){.kind = VALUE_UNDEFINED, .tag = RUN_ABSENT};
        if (e->args[i] && !run_eval(r, e->args[i], &args[i]))
            return false;
    }
    return run_range(r, e->at, args, ret);
}

static bool eval_operands(struct run *r, const struct expr *e, struct value *ret)
{
    struct value a, b;
    if (!run_eval(r, e->a, &a))
        return false;
    if (e->kind == EXPR_UNARY)
        return run_unary(r, e->at, e->op, a, ret);
    if (!run_eval(r, e->b, &b))
        return false;
    return e->kind == EXPR_INDEX ? run_index(r, e->at, a, b, ret)
                                 : run_binary(r, e->at, e->op, a, b, ret);
}

bool run_eval(struct run *r, const struct expr *e, struct value *ret)
{
    if (!run_charge(r, e->at, 1))
        return false;
    struct value of;
    switch ((enum expr_kind)e->kind) {
    case EXPR_CONST: *ret = e->constant; return true;
    case EXPR_NAME: return eval_name(r, e, ret);
    case EXPR_LIST:
    case EXPR_TUPLE: return eval_list(r, e, ret);
    case EXPR_DICT: return eval_dict(r, e, ret);
    case EXPR_ATTR: return run_eval(r, e->of, &of) && run_attr(r, e->at, of, e->attr, ret);
    case EXPR_INDEX:
    case EXPR_UNARY:
    case EXPR_BINARY: return eval_operands(r, e, ret);
    case EXPR_CONCAT: return eval_concat(r, e, ret);
    case EXPR_COMPARE: return eval_compare(r, e, ret);
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_NOT: return eval_logic(r, e, ret);
    case EXPR_COND: return eval_cond(r, e, ret);
    case EXPR_FILTER:
    case EXPR_TEST:
    case EXPR_METHOD: return eval_call(r, e, ret);
    case EXPR_CALL: return eval_function(r, e, ret);
    }
    return false;
}
