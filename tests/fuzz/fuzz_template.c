/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_template: whatever the text of a template, compiling and rendering it ends, within its caps;
 * the trace of a rendering is all of its output and leads back to where it was written; and a
 * folded template renders the same.
 *
 * The input is the template; a second one, "other", can be included by it. What is fixed are the
 * variables, one of each kind.
 */
#include "base/json.h"
#include "template/ast.h"
#include "template/excerpt.h"
#include "template/trace.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX_BYTES (256 << 10)
#define PIECES_MAX 200 /* that are looked at: a place takes a walk through the source */

static const char variables[] =
    "{\"name\": \"k8s-worker-2\", \"uni\": \"J\\u00fcrgen \\ud83d\\ude00\", \"n\": 7, \"f\": 0.5, "
    "\"yes\": true, \"nil\": null, \"list\": [3, \"a\", 1.5, null, [1], {\"k\": \"v\"}], "
    "\"map\": {\"b\": 2, \"a\": [1], \"items\": {}}, \"lines\": \"a\\n b\\r\\n\\nc\"}";

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static bool lookup(void *cls, struct str name, struct value *ret)
{
    *ret = value_get(*(const struct value *)cls, name);
    return ret->kind != VALUE_UNDEFINED;
}

/* What folding knows: some of the names. */
static bool lookup_some(void *cls, struct str name, struct value *ret)
{
    return name.n != 4 && lookup(cls, name, ret);
}

/* --- The trace ----------------------------------------------------------------------------- */

/* The source's byte at the place that the output's byte is said to come from; for text it is that
 * very byte, or the first one of its character. */
static void check_byte(const struct template_trace *trace, const struct template_piece *p,
                       struct str out, size_t offset)
{
    struct place at = template_piece_place(trace, p, offset);
    size_t from;
    need(template_trace_find(trace, offset) == p);
    need(at.line > 0 && at.column > 0 && excerpt_offset(p->t->source, at, &from));
    if (template_piece_is_value(p))
        return;
    while (((unsigned char)out.p[offset] & 0xC0) == 0x80)
        offset--;
    need(from < p->t->source.n && p->t->source.p[from] == out.p[offset]);
}

static void on_name(void *cls, struct str name)
{
    size_t *count = cls;
    need(name.n > 0);
    (*count)++;
}

static void check_trace(const struct template_trace *trace, struct str out)
{
    size_t at = 0, names = 0;
    char excerpt[512];
    need(trace->begin == 0);
    for (uint32_t i = 0; i < trace->n; i++) {
        const struct template_piece *p = &trace->list[i];
        need(template_piece_begin(trace, p) == at && p->end > at && p->end <= out.n);
        if (i < PIECES_MAX) {
            check_byte(trace, p, out, at);
            check_byte(trace, p, out, at + (p->end - at) / 2);
            check_byte(trace, p, out, p->end - 1);
            template_piece_names(p, on_name, &names);
            template_excerpt(p->t, template_piece_place(trace, p, at), excerpt, sizeof(excerpt));
        }
        at = p->end;
    }
    need(at == out.n && !template_trace_find(trace, at));
}

/* --- Rendering ----------------------------------------------------------------------------- */

static int render(const struct template *t, struct arena *arena, struct value *vars,
                  struct buf *out, struct template_trace *trace)
{
    const struct template_limits limits = {
        .steps_max = 20000, .depth_max = 4, .memory_max_bytes = 1 << 20};
    struct template_scope scope = {lookup, vars};
    struct template_fault fault;
    size_t bad, before = arena->used_bytes;
    buf_clear(out);
    int r = template_render(t, scope, &limits, arena, out, trace, &fault);
    need(out->n <= OUTPUT_MAX_BYTES && arena->used_bytes - before <= (1 << 20) + 64);
    if (r < 0)
        need(fault.msg[0] && fault.at.file && fault.at.line > 0 && fault.at.column > 0);
    else
        need(str_is_utf8(buf_view(out), &bad));
    return r;
}

static void check(const struct template *t, struct arena *arena, struct value vars)
{
    struct template_trace trace = {0};
    struct buf out, again;
    buf_init(&out, OUTPUT_MAX_BYTES);
    buf_init(&again, OUTPUT_MAX_BYTES);
    int r = render(t, arena, &vars, &out, NULL);
    need(render(t, arena, &vars, &again, &trace) == r);
    need(str_eq(buf_view(&out), buf_view(&again)));
    check_trace(&trace, buf_view(&out));
    template_reads(t, STR("map"), (const struct str[]){STR("a"), STR("b")}, 2);
    t = template_fold(t, (struct template_scope){lookup_some, &vars}, NULL, arena);
    if (render(t, arena, &vars, &again, NULL) == 0 && r == 0)
        need(str_eq(buf_view(&out), buf_view(&again)));
    template_trace_done(&trace);
    buf_done(&out);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct template_set *set = template_set_new();
    struct faults faults;
    struct arena arena;
    struct value vars;
    struct err e;
    arena_init(&arena, 65536);
    faults_init(&faults);
    need(json_read(STR(variables), &arena, &vars, &e) == 0);
    template_set_add(set, STR("other"), "other", STR("[{{ name }}{{ x|d('-') }}]\n"), &faults);
    need(faults.errors == 0);
    int r = template_set_add(set, STR("main"), "main", text, &faults);
    need((r < 0) == (faults.errors > 0));
    if (r == 0 && template_set_link(set, &faults) == 0)
        check(template_set_find(set, STR("main")), &arena, vars);
    for (size_t i = 0; i < faults.kept; i++)
        need(faults.list[i].msg[0] && !strchr(faults.list[i].msg, '\n'));
    template_set_free(set);
    faults_done(&faults);
    arena_done(&arena);
    return 0;
}
