/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_template: whatever the text of a template, compiling and rendering it ends, within its caps.
 *
 * The input is the template; a second one, "other", can be included by it. What is fixed are the
 * variables, one of each kind.
 */
#include "base/json.h"
#include "template/template.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX_BYTES (256 << 10)

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

static void render(const struct template *t, struct arena *arena, struct value vars)
{
    const struct template_limits limits = {
        .steps_max = 20000, .depth_max = 4, .memory_max_bytes = 1 << 20};
    struct template_fault fault;
    struct buf out;
    size_t bad, before = arena->used_bytes;
    buf_init(&out, OUTPUT_MAX_BYTES);
    int r = template_render(t, (struct template_scope){lookup, &vars}, &limits, arena, &out, NULL,
                            &fault);
    need(out.n <= OUTPUT_MAX_BYTES && arena->used_bytes - before <= (1 << 20) + 64);
    if (r < 0)
        need(fault.msg[0] && fault.at.file && fault.at.line > 0 && fault.at.column > 0);
    else
        need(str_is_utf8(buf_view(&out), &bad));
    buf_done(&out);
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
        render(template_set_find(set, STR("main")), &arena, vars);
    for (size_t i = 0; i < faults.kept; i++)
        need(faults.list[i].msg[0] && !strchr(faults.list[i].msg, '\n'));
    template_set_free(set);
    faults_done(&faults);
    arena_done(&arena);
    return 0;
}
