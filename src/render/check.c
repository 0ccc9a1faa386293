/* SPDX-License-Identifier: Apache-2.0 */
#include "render/check.h"

#include "render/document.h"
#include "render/memo.h"
#include "render/seen.h"
#include "render/span.h"
#include "render/verdict.h"

#include <errno.h>
#include <inttypes.h>

#define ARENA_BYTES (64 * 1024)
#define URL "http://cloudseed.invalid/s/abcdefghijklmnopqrstuvwxyza/"

const char *const check_verdict_names[] = {"unchecked", "ok", "faulty"};

struct check {
    const struct scope_tables *tables;
    const struct check_run *run;
    struct faults *faults;
    struct check_result result;
    struct seen seen;
    struct memo *memo; /* NULL: none */
    struct arena arena;
    struct buf out, again;
    struct template_trace trace, exact;
};

/* What is being checked. */
struct item {
    const struct node *node; /* NULL: a script of no node */
    struct document document;
    const char *name; /* of the document */
};

static const struct render_env env = {.seed_url = {URL, sizeof(URL) - 1}};

static void check_init(struct check *c)
{
    arena_init(&c->arena, ARENA_BYTES);
    buf_init(&c->out, DOCUMENT_MAX_BYTES);
    buf_init(&c->again, DOCUMENT_MAX_BYTES);
    seen_init(&c->seen);
    c->memo = c->run->each_in_full ? NULL : memo_new();
}

static void check_done(struct check *c)
{
    template_trace_done(&c->trace);
    template_trace_done(&c->exact);
    memo_free(c->memo);
    seen_done(&c->seen);
    buf_done(&c->again);
    buf_done(&c->out);
    arena_done(&c->arena);
}

/* --- Reporting ----------------------------------------------------------------------------- */

static void set_context(struct check *c, const struct item *i)
{
    c->faults->owner = i->node ? arena_str(&c->arena, i->node->name).p : NULL;
    c->faults->part = i->name;
}

/* "user-data of node 'k8s-worker-2'" */
static const char *subject(struct check *c, const struct item *i)
{
    if (!i->node)
        return i->name;
    return arena_printf(&c->arena, "%s of node '%.*s'", i->name, STR_ARG(i->node->name)).p;
}

static void report_refusal(struct check *c, const struct item *i, const struct template_fault *f)
{
    if (!seen_put(&c->seen, f->at))
        return;
    set_context(c, i);
    fault_add_excerpt(c->faults, f->at, f->excerpt[0] ? f->excerpt : NULL, "%s (rendering %s%s%s)",
                      f->msg, subject(c, i), f->trace[0] ? ", " : "", f->trace);
}

/* The same text again, with the places in the templates as they were written. */
static bool render_exactly(struct check *c, const struct item *i)
{
    struct template_fault f;
    c->exact.n = 0;
    buf_clear(&c->again);
    int r = document_render_as_written(c->tables, i->node, i->document, &env, &c->arena, &c->again,
                                       &c->exact, &f);
    if (r < 0)
        report_refusal(c, i, &f);
    return r == 0 && str_eq(buf_view(&c->out), buf_view(&c->again)) && c->exact.n;
}

static void report_one(struct check *c, const struct item *i, const struct fault *f,
                       const struct span_lines *lines)
{
    char excerpt[512] = "";
    uint32_t at = span_offset(lines, f->at.line ? f->at.line : 1, f->at.column);
    if (at >= lines->text.n)
        at = (uint32_t)lines->text.n - 1; /* libyaml's end of a text lies behind it */
    const struct template_piece *piece = template_trace_find(&c->exact, at);
    struct place place = template_piece_place(&c->exact, piece, at);
    if (!seen_put(&c->seen, place))
        return;
    template_excerpt(piece->t, place, excerpt, sizeof(excerpt));
    if (f->warning)
        fault_warn_excerpt(c->faults, place, excerpt[0] ? excerpt : NULL,
                           "%s (line %" PRIu32 " of %s)", f->msg, f->at.line, subject(c, i));
    else
        fault_add_excerpt(c->faults, place, excerpt[0] ? excerpt : NULL,
                          "%s (line %" PRIu32 " of %s)", f->msg, f->at.line, subject(c, i));
}

static void report_all(struct check *c, const struct item *i, struct faults *found)
{
    struct span_lines lines;
    set_context(c, i);
    if (!render_exactly(c, i))
        return;
    faults_sort(found);
    span_lines_init(&lines, buf_view(&c->out));
    for (size_t k = 0; k < found->kept; k++)
        report_one(c, i, &found->list[k], &lines);
    span_lines_done(&lines);
}

/* --- Checking ------------------------------------------------------------------------------ */

static bool check_in_full(struct check *c, const struct item *i)
{
    struct faults found;
    struct yaml_documents docs;
    struct inspect in = {
        .file = i->name, .arena = &c->arena, .faults = &found, .now_s = c->run->now_s};
    faults_init(&found);
    verdict_inspect(&in, i->node, i->document, buf_view(&c->out), &docs);
    bool ok = found.errors == 0;
    if (found.kept)
        report_all(c, i, &found);
    if (c->memo)
        memo_learn(c->memo, docs, &in, ok);
    inspect_done(&in);
    faults_done(&found);
    return ok;
}

static bool check_document(struct check *c, const struct item *i)
{
    struct template_fault f;
    bool ok;
    c->result.documents++;
    seen_next(&c->seen);
    c->trace.n = 0;
    buf_clear(&c->out);
    if (document_render(c->tables, i->node, i->document, &env, &c->arena, &c->out, &c->trace, &f) <
        0) {
        report_refusal(c, i, &f);
        return false;
    }
    if (c->out.n == 0 && i->document.kind == DOCUMENT_SEED && i->document.number != SEED_META_DATA)
        return true;
    if (c->memo &&
        memo_find(c->memo, verdict_kind(i->node, i->document), buf_view(&c->out), &c->trace, &ok)) {
        c->result.known++;
        return ok;
    }
    return check_in_full(c, i);
}

static enum check_verdict check_node(struct check *c, const struct node *n)
{
    bool ok = true;
    for (uint32_t i = 0; i < document_count(n); i++) {
        struct item item = {.node = n, .document = document_at(n, i)};
        item.name = arena_str(&c->arena, document_name(n, item.document, &c->arena)).p;
        if (document_template(n, item.document))
            ok = check_document(c, &item) && ok;
        arena_reset(&c->arena);
    }
    return ok ? CHECK_OK : CHECK_FAULTY;
}

/* Boot scripts of machines that are no node, or have not said yet which. */
static void check_scripts(struct check *c, const struct tree *t)
{
    struct template_fault f;
    for (unsigned i = 0; i < 2 * LOADERS; i++) {
        const struct template *script =
            tree_script(t, i / 2, i % 2 ? SCRIPT_UNKNOWN : SCRIPT_FIRST);
        if (!script)
            continue;
        struct item item = {.name = template_name(script).p};
        seen_next(&c->seen);
        buf_clear(&c->out);
        if (document_render_script(c->tables, script, &env, &c->arena, &c->out, &f) < 0)
            report_refusal(c, &item, &f);
        arena_reset(&c->arena);
    }
}

static bool is_stopped(const struct check_run *run)
{
    return run->stop && atomic_load_explicit(run->stop, memory_order_relaxed);
}

static bool is_wanted(const struct check_run *run, const struct tree *t, uint32_t i)
{
    if (run->only && run->only != tree_node(t, i))
        return false;
    return !run->wants || run->wants(run->cls, i);
}

int check_tree(const struct tree *t, const struct scope_tables *tables, const struct check_run *run,
               struct faults *faults, struct check_result *ret)
{
    struct check c = {.tables = tables, .run = run, .faults = faults};
    uint32_t n = tree_node_count(t), i = 0;
    check_init(&c);
    if (!run->only)
        check_scripts(&c, t);
    for (; i < n && !is_stopped(run); i++) {
        if (!is_wanted(run, t, i))
            continue;
        enum check_verdict verdict = check_node(&c, tree_node(t, i));
        c.result.nodes++;
        c.result.faulty += verdict == CHECK_FAULTY;
        if (run->on_node)
            run->on_node(run->cls, i, verdict);
    }
    faults->owner = faults->part = NULL;
    check_done(&c);
    if (i < n)
        return -ECANCELED;
    *ret = c.result;
    return 0;
}
