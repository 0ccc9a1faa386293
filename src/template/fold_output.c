/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output whose text is joined from parts is written part by part: what is constant joins the
 * text around it, and only the rest is computed for each rendering. So it is with "a" ~ b, with a
 * list or mapping as JSON, and with the text of a block that was just set. to_yaml_scalar goes into
 * the parts: it escapes each character by itself.
 */
#include "template/builtin.h"
#include "template/fold.h"

#define JSON_PAIRS_MAX 32 /* larger mappings stay whole */

/* --- Blocks in the making ------------------------------------------------------------------ */

void builder_init(struct block_builder *m, struct fold *f)
{
    *m = (struct block_builder){.f = f};
    buf_init(&m->text, FOLD_TEXT_MAX_BYTES);
}

static void append_text(struct block_builder *m, uint32_t at, struct str text)
{
    const struct template_marker *marker = m->f->marker;
    text = arena_str(m->f->arena, text);
    m->is_begun = true;
    block_append(&m->b, m->f->arena,
                 (struct stmt){.kind = STMT_TEXT,
                               .at = at,
                               .text = text,
                               .mark = marker ? marker->mark(marker->cls, text) : NULL});
}

/* What an included template begins with is text of the one that includes it. */
static void flush(struct block_builder *m)
{
    if (m->text.n == 0)
        return;
    if (m->outer && !m->is_begun)
        builder_text(m->outer, m->outer->text_at, buf_view(&m->text));
    else
        append_text(m, m->text_at, buf_view(&m->text));
    buf_clear(&m->text);
}

static void release(struct block_builder *m)
{
    if (m->held)
        block_append(&m->b, m->f->arena, *m->held);
    m->held = NULL;
}

void builder_text(struct block_builder *m, uint32_t at, struct str text)
{
    if (m->text.n == 0)
        m->text_at = at;
    if (buf_str(&m->text, text))
        return;
    m->text.full = false;
    flush(m);
    append_text(m, at, text);
}

void builder_keep(struct block_builder *m, struct stmt s)
{
    release(m);
    flush(m);
    m->is_begun = true;
    block_append(&m->b, m->f->arena, s);
}

void builder_keep_set(struct block_builder *m, struct stmt s)
{
    release(m);
    block_append(&m->b, m->f->arena, s);
}

void builder_hold(struct block_builder *m, const struct stmt *s)
{
    release(m);
    m->held = s;
}

bool builder_is_text(const struct block_builder *m)
{
    for (uint32_t i = 0; i < m->b.n; i++) {
        const struct stmt *s = &m->b.list[i];
        if (s->kind != STMT_SET || !s->assign->is_const)
            return false;
    }
    return !m->held;
}

struct block builder_end(struct block_builder *m)
{
    release(m);
    flush(m);
    buf_done(&m->text);
    return m->b;
}

/* --- Constants in expressions -------------------------------------------------------------- */

bool fold_is_plain(struct value v)
{
    return v.kind == VALUE_STR
               ? v.tag == RUN_PLAIN
               : v.kind != VALUE_LIST && v.kind != VALUE_MAP && v.kind != VALUE_UNDEFINED;
}

static struct expr *copy_of(struct fold *f, const struct expr *e)
{
    struct expr *copy = ARENA_NEW(f->arena, struct expr);
    *copy = *e;
    return copy;
}

/* False where too much is written out already. */
static bool take_room(struct fold *f, size_t n)
{
    if (n > f->texts_left)
        return false;
    f->texts_left -= n;
    return true;
}

/* NULL where the value is not known, or no plain one. */
static struct expr *constant_of(struct fold *f, struct expr *e)
{
    struct value v;
    if (!is_const_expr(f->env, e))
        return NULL;
    fold_prepare(f, NULL);
    if (!run_eval(&f->run, e, &v) || !fold_is_plain(v) ||
        !take_room(f, v.kind == VALUE_STR ? v.n : 0))
        return NULL;
    struct expr *ret = copy_of(f, &(struct expr){.kind = EXPR_CONST, .depth = 1, .at = e->at});
    ret->constant = v;
    if (v.kind == VALUE_STR)
        ret->constant.s = arena_str(f->arena, value_text(v)).p;
    return ret;
}

static struct expr *fold_expr(struct fold *f, struct expr *e);

static struct expr **fold_list(struct fold *f, struct expr **list, uint32_t n)
{
    struct expr **copy = ARENA_ARRAY(f->arena, struct expr *, n);
    for (uint32_t i = 0; i < n; i++)
        copy[i] = list[i] ? fold_expr(f, list[i]) : NULL;
    return copy;
}

/* The expression, or a copy in which the parts are constants that are known to be. */
static struct expr *fold_expr(struct fold *f, struct expr *e)
{
    struct expr *ret = e->kind == EXPR_CONST ? e : constant_of(f, e);
    if (ret)
        return ret;
    switch ((enum expr_kind)e->kind) {
    case EXPR_LIST:
    case EXPR_DICT:
    case EXPR_CONCAT:
        ret = copy_of(f, e);
        ret->items = fold_list(f, e->items, e->n);
        return ret;
    case EXPR_FILTER:
        ret = copy_of(f, e);
        ret->on = fold_expr(f, e->on);
        ret->args = fold_list(f, e->args, RUN_ARGS_MAX);
        return ret;
    default: return e;
    }
}

/* --- Outputs ------------------------------------------------------------------------------- */

static bool is_filter(const struct expr *e, builtin_fn *fn)
{
    return e->kind == EXPR_FILTER && e->builtin->fn == fn && !e->args[0];
}

static struct expr *filtered(struct arena *a, struct expr *on, const struct builtin *by,
                             uint32_t at)
{
    struct expr *e = ARENA_NEW(a, struct expr);
    e->kind = EXPR_FILTER;
    e->at = at;
    e->depth = (uint16_t)(on->depth + 1);
    e->on = on;
    e->args = ARENA_ARRAY(a, struct expr *, RUN_ARGS_MAX);
    e->builtin = by;
    return e;
}

/* How the parts are written. */
struct writing {
    struct block_builder *m;
    uint32_t at;                  /* of the output */
    const struct builtin *escape; /* NULL: as they are */
};

static void write_text(const struct writing *w, struct str text)
{
    struct fold *f = w->m->f;
    struct expr e = {.kind = EXPR_CONST, .depth = 1, .at = w->at, .constant = value_str(text)};
    struct value v;
    if (!w->escape) {
        builder_text(w->m, w->at, text);
        return;
    }
    fold_prepare(f, NULL);
    if (run_eval(&f->run, filtered(&f->values, &e, w->escape, w->at), &v)) {
        builder_text(w->m, w->at, value_text(v));
        return;
    }
    struct expr *whole = filtered(f->arena, copy_of(f, &e), w->escape, w->at);
    builder_keep(w->m, (struct stmt){.kind = STMT_OUTPUT, .at = w->at, .expr = whole});
}

static bool is_nameless(void *cls, struct expr *e)
{
    (void)cls;
    (void)e;
    return false;
}

/* False where it has no constant text. */
static bool write_constant(const struct writing *w, struct expr *e)
{
    struct fold *f = w->m->f;
    struct value v;
    struct str text;
    if (!walk_names(e, is_nameless, NULL))
        return false;
    fold_prepare(f, NULL);
    if (!run_eval(&f->run, e, &v) || !run_text(&f->run, e->at, v, &text) || !take_room(f, text.n))
        return false;
    write_text(w, arena_str(&f->values, text));
    return true;
}

static void write_expr(const struct writing *w, struct expr *e);

static void write_items(const struct writing *w, const struct expr *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        write_expr(w, e->items[i]);
}

/* The pairs in the order of their keys, as tojson has them. False where these are not texts, each
 * another one. */
static bool sort_pairs(const struct expr *map, uint32_t order[JSON_PAIRS_MAX])
{
    uint32_t n = map->n / 2;
    if (n > JSON_PAIRS_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct expr *key = map->items[2 * i];
        if (key->kind != EXPR_CONST || key->constant.kind != VALUE_STR)
            return false;
        uint32_t to = i;
        for (; to > 0; to--) {
            const struct expr *before = map->items[order[to - 1]];
            int diff = str_cmp(value_text(before->constant), value_text(key->constant));
            if (diff == 0)
                return false;
            if (diff < 0)
                break;
            order[to] = order[to - 1];
        }
        order[to] = 2 * i;
    }
    return true;
}

/* False where it has no parts. `e` is the filter, whose name and place each part takes over. */
static bool write_json(const struct writing *w, const struct expr *e)
{
    const struct expr *of = e->on;
    struct fold *f = w->m->f;
    uint32_t order[JSON_PAIRS_MAX];
    if (of->kind == EXPR_LIST) {
        write_text(w, STR("["));
        for (uint32_t i = 0; i < of->n; i++) {
            write_text(w, i ? STR(", ") : STR(""));
            write_expr(w, filtered(f->arena, of->items[i], e->builtin, e->at));
        }
        write_text(w, STR("]"));
        return true;
    }
    if (of->kind != EXPR_DICT || !sort_pairs(of, order))
        return false;
    write_text(w, STR("{"));
    for (uint32_t i = 0; i < of->n / 2; i++) {
        write_text(w, i ? STR(", ") : STR(""));
        write_expr(w, filtered(f->arena, of->items[order[i]], e->builtin, e->at));
        write_text(w, STR(": "));
        write_expr(w, filtered(f->arena, of->items[order[i] + 1], e->builtin, e->at));
    }
    write_text(w, STR("}"));
    return true;
}

static void write_block(const struct writing *w, const struct block *b);

/* Whether `e` is the name that holds the block, which nothing else reads. */
static bool is_held(const struct block_builder *m, const struct expr *e)
{
    return m->held && e->kind == EXPR_NAME && e->slot == m->held->assign->targets.list[0].slot &&
           walk_reads(m->f->run.now->t, e->slot, e->name) == 1;
}

/* Whether its text is joined from parts, whatever they are. */
static bool is_text(const struct block_builder *m, const struct expr *e)
{
    return e->kind == EXPR_CONCAT || is_filter(e, filter_tojson) || is_held(m, e);
}

static void write_expr(const struct writing *w, struct expr *e)
{
    struct block_builder *m = w->m;
    if (write_constant(w, e))
        return;
    if (is_held(m, e)) {
        const struct block *b = &m->held->assign->body.block;
        m->held = NULL;
        write_block(w, b);
    } else if (e->kind == EXPR_CONCAT) {
        write_items(w, e);
    } else if (!w->escape && is_filter(e, filter_to_yaml_scalar) && is_text(m, e->on)) {
        struct writing escaped = {m, w->at, &builtin_yaml_part};
        write_text(w, STR("\""));
        write_expr(&escaped, e->on);
        write_text(w, STR("\""));
    } else if (!is_filter(e, filter_tojson) || !write_json(w, e)) {
        e = w->escape ? filtered(m->f->arena, e, w->escape, e->at) : e;
        builder_keep(m, (struct stmt){.kind = STMT_OUTPUT, .at = w->at, .expr = e});
    }
}

void fold_output(struct block_builder *m, const struct stmt *s)
{
    const struct writing w = {m, s->at, NULL};
    write_expr(&w, fold_expr(m->f, s->expr));
}

/* --- Blocks that were set ------------------------------------------------------------------ */

static struct block rewritten(const struct writing *w, const struct block *b)
{
    struct block_builder m;
    builder_init(&m, w->m->f);
    write_block(&(struct writing){&m, w->at, w->escape}, b);
    return builder_end(&m);
}

static void write_choice(const struct writing *w, struct stmt s)
{
    struct arena *a = w->m->f->arena;
    struct choice *to = ARENA_NEW(a, struct choice);
    *to = (struct choice){.n = s.choice->n, .room = s.choice->n};
    to->list = ARENA_ARRAY(a, struct branch, to->n);
    for (uint32_t i = 0; i < to->n; i++) {
        const struct branch *b = &s.choice->list[i];
        to->list[i] = (struct branch){.test = b->test, .body = rewritten(w, &b->body)};
    }
    s.choice = to;
    builder_keep(w->m, s);
}

static void write_loop(const struct writing *w, struct stmt s)
{
    struct loop *to = ARENA_NEW(w->m->f->arena, struct loop);
    *to = *s.loop;
    to->body.block = rewritten(w, &to->body.block);
    to->otherwise.block = rewritten(w, &to->otherwise.block);
    s.loop = to;
    builder_keep(w->m, s);
}

static void write_include(const struct writing *w, struct stmt s)
{
    struct arena *a = w->m->f->arena;
    struct include *to = ARENA_NEW(a, struct include);
    struct template *target = ARENA_NEW(a, struct template);
    struct block_builder m;
    *to = *s.include;
    *target = *to->target;
    builder_init(&m, w->m->f);
    m.outer = w->m;
    write_block(&(struct writing){&m, s.at, w->escape}, &target->body.block);
    struct str rest = arena_str(a, buf_view(&m.text));
    buf_clear(&m.text);
    target->body.block = builder_end(&m);
    to->target = target;
    s.include = to;
    builder_keep(w->m, s);
    builder_text(w->m, s.at, rest);
}

static void write_block(const struct writing *w, const struct block *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        const struct stmt *s = &b->list[i];
        const struct writing here = {w->m, s->at, w->escape};
        switch (s->kind) {
        case STMT_TEXT: write_text(&here, s->text); break;
        case STMT_OUTPUT: write_expr(&here, s->expr); break;
        case STMT_IF: write_choice(&here, *s); break;
        case STMT_FOR: write_loop(&here, *s); break;
        case STMT_SET: builder_keep_set(w->m, *s); break;
        case STMT_INCLUDE: write_include(&here, *s); break;
        }
    }
}
