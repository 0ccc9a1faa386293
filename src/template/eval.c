/* SPDX-License-Identifier: Apache-2.0 */
#include "template/builtin.h"
#include "template/excerpt.h"

/* --- Names --------------------------------------------------------------------------------- */

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

/* In the scope, which may make the value: it pays for what that takes from the arena, too. */
#define LOOKUP_STEPS 8

/* The value of a name from outside the template that `act` runs: the first includer that has one at
 * its include gives it, otherwise the scope; tag RUN_MISSING where there is none. */
static struct value resolve(struct run *r, const struct activation *act, struct str name);

static struct value resolve_slot(struct run *r, const struct activation *act, uint32_t slot,
                                 struct str name)
{
    struct value *v = &act->slots[slot];
    if (v->kind == VALUE_UNDEFINED && v->tag == RUN_UNRESOLVED)
        *v = resolve(r, act, name);
    return *v;
}

static struct value resolve(struct run *r, const struct activation *act, struct str name)
{
    struct value v;
    for (; act->parent; act = act->parent) {
        run_spend(r, 1 + act->include->n / 8);
        const struct visible *visible = include_find(act->include, name);
        v = visible ? resolve_slot(r, act->parent, visible->slot, name) : run_tagged(RUN_MISSING);
        if (!is_missing(v))
            return v;
    }
    size_t before = r->arena->used_bytes;
    bool found = r->scope.lookup && r->scope.lookup(r->scope.cls, name, &v);
    run_spend(r, LOOKUP_STEPS + (r->arena->used_bytes - before) / 16);
    if (found && v.kind != VALUE_UNDEFINED)
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

/* --- Expressions --------------------------------------------------------------------------- */

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

/* A repeated key keeps its first position and takes the last value. */
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

static bool eval_args(struct run *r, const struct expr *e, struct value args[RUN_ARGS_MAX])
{
    for (uint32_t i = 0; i < RUN_ARGS_MAX; i++) {
        args[i] = run_tagged(RUN_ABSENT);
        if (e->args[i] && !run_eval(r, e->args[i], &args[i]))
            return false;
    }
    return true;
}

/* For a trace: what was written is still the value `on`. */
static void note_spelling(struct run *r, const struct builtin *by, struct value on,
                          struct value *ret)
{
    if (!r->trace || !on.at)
        return;
    if (on.kind != VALUE_STR || r->spelling.kind != VALUE_STR || on.s != r->spelling.s)
        r->spelled = on;
    ret->at = on.at;
    r->spelling = *ret;
    r->is_escaped = by->spells == SPELLS_ESCAPED;
}

static bool eval_call(struct run *r, const struct expr *e, struct value *ret)
{
    struct builtin_call c = {.at = e->at, .which = e->builtin->which};
    if (!run_eval(r, e->on, &c.on) || !eval_args(r, e, c.args))
        return false;
    if (e->kind != EXPR_METHOD) {
        if (!e->builtin->fn(r, &c, ret))
            return false;
        if (e->builtin->spells)
            note_spelling(r, e->builtin, c.on, ret);
        return true;
    }
    if (c.on.kind == VALUE_UNDEFINED)
        return run_refuse(r, e->at, c.on);
    const struct builtin *m = builtin_method(e->builtin, c.on);
    if (!m)
        return run_fail(r, e->at, "%s has no method '%s'", run_kind(c.on), e->builtin->name);
    return m->fn(r, &c, ret);
}

static bool eval_function(struct run *r, const struct expr *e, struct value *ret)
{
    struct value callee, args[RUN_ARGS_MAX];
    if (!run_eval(r, e->callee, &callee))
        return false;
    if (callee.kind != VALUE_UNDEFINED || callee.tag != RUN_GLOBAL)
        return run_fail(r, e->at, "'%.*s' is a variable here and cannot be called",
                        STR_ARG(e->callee->name));
    return eval_args(r, e, args) && run_range(r, e->at, args, ret);
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
    case EXPR_ATTR: return run_eval(r, e->of, &of) && run_attr(r, e, of, ret);
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

/* --- Text and output ----------------------------------------------------------------------- */

static bool enter_frame(struct run *r, uint32_t at, const struct frame *f)
{
    struct value *slots = r->now->slots;
    if (!run_charge_items(r, at, f->inits_n))
        return false;
    for (uint32_t i = 0; i < f->inits_n; i++) {
        const struct slot_init *init = &f->inits[i];
        slots[init->slot] = init->kind == SLOT_ALIAS     ? slots[init->from]
                            : init->kind == SLOT_RESOLVE ? run_tagged(RUN_UNRESOLVED)
                                                         : run_tagged(RUN_MISSING);
    }
    return true;
}

static bool check_output(struct run *r, uint32_t at, bool ok)
{
    if (ok && r->out->full)
        return run_fail(r, at, "the output is larger than %zu bytes", r->out->max_bytes);
    return ok;
}

static bool write_text(struct run *r, const struct stmt *s)
{
    if (!run_charge_chars(r, s->at, s->text.n)) /* an answer is hashed and compressed */
        return false;
    if (r->sink && s->mark) {
        if (!r->sink->write(r->sink->cls, s->mark))
            return run_fail(r, s->at, "the output is larger than %zu bytes", r->out->max_bytes);
    } else {
        buf_str(r->out, s->text);
    }
    if (r->trace)
        trace_add(r->trace, (struct template_piece){.end = r->out->n, .t = r->now->t, .stmt = s});
    return check_output(r, s->at, true);
}

/* With the value of a variable that `v` is or spells, if it was not computed. */
static struct template_piece piece_of(const struct run *r, const struct stmt *s, struct value v)
{
    struct template_piece p = {.end = r->out->n, .t = r->now->t, .stmt = s};
    if (v.kind == VALUE_STR && r->spelling.kind == VALUE_STR && v.s == r->spelling.s) {
        p.source = r->spelled;
        p.is_escaped = r->is_escaped;
    } else if (v.at) {
        p.source = v;
    }
    return p;
}

static bool write_value(struct run *r, const struct stmt *s)
{
    struct value v;
    r->spelling = r->spelled = run_tagged(RUN_PLAIN);
    if (!run_eval(r, s->expr, &v))
        return false;
    bool ok = run_show(r, s->expr->at, r->out, v);
    if (r->trace)
        trace_add(r->trace, piece_of(r, s, v));
    return ok;
}

/* The filter's text goes to the output as it is written. */
static bool write_filtered(struct run *r, const struct expr *e)
{
    struct builtin_call c = {.at = e->at};
    return run_charge(r, e->at, 1) && run_eval(r, e->on, &c.on) && eval_args(r, e, c.args) &&
           e->builtin->write(r, &c, r->out);
}

static bool run_output(struct run *r, const struct stmt *s)
{
    const struct expr *e = s->expr;
    size_t before = r->out->n;
    bool writes = !r->trace && e->kind == EXPR_FILTER && e->builtin->write;
    bool ok = (writes ? write_filtered(r, e) : write_value(r, s)) &&
              run_charge_chars(r, s->at, r->out->n - before);
    return check_output(r, s->at, ok);
}

/* --- set ----------------------------------------------------------------------------------- */

static bool assign_targets(struct run *r, uint32_t at, const struct targets *t, bool test,
                           struct value v)
{
    struct value *slots = r->now->slots;
    const struct value *items = &v;
    uint32_t n = 1;
    if (t->unpack) {
        if (!run_items(r, at, v, &items, &n))
            return false;
        if (n != t->n)
            return run_fail(r, at, "%u names for %u values", t->n, n);
    }
    for (uint32_t i = 0; i < n; i++)
        slots[test ? t->list[i].test_slot : t->list[i].slot] = items[i];
    return true;
}

/* Collects the text of a block instead of writing it. */
static bool capture(struct run *r, const struct assign *a, uint32_t at, struct value *ret)
{
    struct template_trace *trace = r->trace;
    const struct template_sink *sink = r->sink;
    struct buf *out = r->out, text;
    builtin_begin(r, &text);
    text.max_bytes = r->output_max_bytes;
    r->out = &text;
    r->trace = NULL;
    r->sink = NULL;
    bool ok = enter_frame(r, at, &a->body) && run_block(r, &a->body.block);
    r->out = out;
    r->trace = trace;
    r->sink = sink;
    ok = ok && run_copy_text(r, at, buf_view(&text), ret);
    text.max_bytes = r->scratch.max_bytes;
    builtin_return(r, &text);
    return ok;
}

static bool run_set(struct run *r, const struct stmt *s)
{
    const struct assign *a = s->assign;
    struct value v;
    bool ok = a->value ? run_eval(r, a->value, &v) : capture(r, a, s->at, &v);
    if (!ok)
        return false;
    if (v.kind == VALUE_LIST && v.tag == RUN_GENERATOR && !a->targets.unpack)
        return run_fail(r, s->at, "an iterator cannot be kept; use \"|list\"");
    return assign_targets(r, s->at, &a->targets, false, v);
}

/* --- for ----------------------------------------------------------------------------------- */

/* Keeps the items that pass the loop's condition. */
static bool select_items(struct run *r, const struct loop *l, const struct value **items,
                         uint32_t *n)
{
    struct value *kept = run_alloc(r, l->test->at, *n * sizeof(*kept));
    if (!kept)
        return false;
    uint32_t count = 0;
    if (!enter_frame(r, l->test->at, &l->tests))
        return false;
    for (uint32_t i = 0; i < *n; i++) {
        struct value v;
        bool truth;
        if (!assign_targets(r, l->iter->at, &l->targets, true, (*items)[i]) ||
            !run_eval(r, l->test, &v) || !run_truth(r, l->test->at, v, &truth))
            return false;
        if (truth)
            kept[count++] = (*items)[i];
    }
    *items = kept;
    *n = count;
    return true;
}

static bool run_loop(struct run *r, const struct loop *l, const struct value *items, uint32_t n)
{
    struct loop_state *state = NULL;
    struct value *slots = r->now->slots;
    if (l->uses_loop) {
        state = run_alloc(r, l->iter->at, sizeof(*state));
        if (!state)
            return false;
        *state = (struct loop_state){.items = items, .n = n};
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!enter_frame(r, l->iter->at, &l->body))
            return false;
        if (state) {
            state->i = i;
            slots[l->loop_slot] =
                (struct value){.kind = VALUE_UNDEFINED, .tag = RUN_LOOP, .s = (const char *)state};
        }
        if (!run_charge(r, l->iter->at, 1) ||
            !assign_targets(r, l->iter->at, &l->targets, false, items[i]) ||
            !run_block(r, &l->body.block))
            return false;
    }
    return true;
}

static bool run_for(struct run *r, const struct loop *l)
{
    struct value seq;
    const struct value *items;
    uint32_t n;
    if (!run_eval(r, l->iter, &seq) || !run_items(r, l->iter->at, seq, &items, &n))
        return false;
    if (l->test && !select_items(r, l, &items, &n))
        return false;
    if (n)
        return run_loop(r, l, items, n);
    return enter_frame(r, l->iter->at, &l->otherwise) && run_block(r, &l->otherwise.block);
}

/* --- if, include --------------------------------------------------------------------------- */

static bool run_if(struct run *r, const struct choice *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        const struct branch *b = &c->list[i];
        bool truth = true;
        struct value v;
        if (b->test && (!run_eval(r, b->test, &v) || !run_truth(r, b->test->at, v, &truth)))
            return false;
        if (truth)
            return run_block(r, &b->body);
    }
    return true;
}

static bool run_include(struct run *r, const struct include *inc, uint32_t at)
{
    const struct template *target = inc->target;
    if (!target) {
        struct value name;
        char text[EXCERPT_TEXT_SIZE];
        if (!run_eval(r, inc->name, &name))
            return false;
        if (name.kind == VALUE_UNDEFINED)
            return run_refuse(r, inc->name->at, name);
        if (name.kind != VALUE_STR)
            return run_fail(r, inc->name->at, "the name of a template is a string, not %s",
                            run_kind(name));
        if (!run_charge_bytes(r, inc->name->at, name.n)) /* it is hashed */
            return false;
        target = template_set_find(r->now->t->set, value_text(name));
        if (!target && !inc->ignore_missing)
            return run_fail(r, inc->name->at, "there is no template '%s'",
                            excerpt_text(text, value_text(name)));
    }
    return !target || run_template(r, target, r->now, inc, at);
}

static bool run_stmt(struct run *r, const struct stmt *s)
{
    if (!run_charge(r, s->at, 1))
        return false;
    switch (s->kind) {
    case STMT_TEXT: return write_text(r, s);
    case STMT_OUTPUT: return run_output(r, s);
    case STMT_IF: return run_if(r, s->choice);
    case STMT_FOR: return run_for(r, s->loop);
    case STMT_SET: return run_set(r, s);
    case STMT_INCLUDE: return run_include(r, s->include, s->at);
    }
    return false;
}

bool run_block(struct run *r, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        if (!run_stmt(r, &b->list[i]))
            return false;
    }
    return true;
}

void activation_init(struct activation *act, const struct template *t, struct activation *parent,
                     const struct include *include, uint32_t at)
{
    *act = (struct activation){.t = t,
                               .parent = parent,
                               .include = include,
                               .include_at = at,
                               .depth = parent ? parent->depth + 1 : 0};
}

void activation_begin(struct activation *act, struct value *slots)
{
    act->slots = slots;
    for (uint32_t i = 0; i < act->t->slots; i++)
        slots[i] = run_tagged(RUN_UNRESOLVED);
}

bool run_template(struct run *r, const struct template *t, struct activation *parent,
                  const struct include *include, uint32_t at)
{
    struct activation act;
    activation_init(&act, t, parent, include, at);
    if (act.depth > r->depth_max)
        return run_fail(r, at, "templates include each other more than %u levels deep",
                        r->depth_max);
    if (!parent)
        r->now = &act; /* a fault needs a place */
    struct value *slots = run_alloc(r, at, t->slots * sizeof(*slots));
    if (!slots)
        return false;
    activation_begin(&act, slots);
    r->now = &act;
    bool ok = enter_frame(r, at, &t->body) && run_block(r, &t->body.block);
    r->now = parent;
    return ok;
}
