/* SPDX-License-Identifier: Apache-2.0 */
/* Renders a text with a few variables, for the unit tests of this folder. */
#ifndef CLOUDSEED_TESTS_UNIT_TEMPLATE_RENDER_H
#define CLOUDSEED_TESTS_UNIT_TEMPLATE_RENDER_H

#include "lib/unit.h"

#include "base/json.h"
#include "template/template.h"

#include <errno.h>

struct rendering {
    struct template_set *set;
    struct faults faults;
    struct arena arena;
    struct buf out;
    struct template_limits limits;
    struct template_fault fault;
    struct value vars;
    size_t lookups;
};

static inline bool render_lookup(void *cls, struct str name, struct value *ret)
{
    struct rendering *r = cls;
    r->lookups++;
    *ret = value_get(r->vars, name);
    return ret->kind != VALUE_UNDEFINED;
}

static inline void render_init(struct rendering *r)
{
    static const char vars[] = "{\"name\": \"k8s-worker-2\", \"n\": 7, \"list\": [3, 1, 2], "
                               "\"map\": {\"hostname\": \"x\", \"items\": 1}, \"nil\": null}";
    struct err e;
    *r = (struct rendering){.set = template_set_new()};
    faults_init(&r->faults);
    arena_init(&r->arena, 4096);
    buf_init(&r->out, 1 << 20);
    assert_int_equal(json_read(STR(vars), &r->arena, &r->vars, &e), 0);
}

static inline void render_done(struct rendering *r)
{
    template_set_free(r->set);
    faults_done(&r->faults);
    arena_done(&r->arena);
    buf_done(&r->out);
}

static inline int render_add(struct rendering *r, const char *name, const char *text)
{
    return template_set_add(r->set, str_from(name), name, str_from(text), &r->faults);
}

static inline int render_run(struct rendering *r, const char *name)
{
    const struct template *t = template_set_find(r->set, str_from(name));
    struct template_scope scope = {render_lookup, r};
    assert_non_null(t);
    buf_clear(&r->out);
    return template_render(t, scope, &r->limits, &r->arena, &r->out, NULL, &r->fault);
}

/* That `text` renders as `want`. */
static inline void render_gives(const char *text, const char *want)
{
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t", text), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    if (render_run(&r, "t") < 0)
        fail_msg("%s: %s", text, r.fault.msg);
    assert_str_equal(buf_view(&r.out), str_from(want));
    render_done(&r);
}

/* That compiling `text` gives one fault, at that place, which says `part`. */
static inline void render_refuses(const char *text, uint32_t line, uint32_t column,
                                  const char *part)
{
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t", text), -EINVAL);
    assert_contains(r.faults.list[0].msg, part);
    assert_int_equal(r.faults.errors, 1);
    assert_int_equal(r.faults.list[0].at.line, line);
    assert_int_equal(r.faults.list[0].at.column, column);
    assert_string_equal(r.faults.list[0].at.file, "t");
    assert_null(template_set_find(r.set, STR("t")));
    render_done(&r);
}

/* That rendering `text` fails at that place and says `part`. */
static inline void render_fails(const char *text, uint32_t line, uint32_t column, const char *part)
{
    struct rendering r;
    render_init(&r);
    assert_int_equal(render_add(&r, "t", text), 0);
    assert_int_equal(template_set_link(r.set, &r.faults), 0);
    assert_int_equal(render_run(&r, "t"), -EINVAL);
    assert_contains(r.fault.msg, part);
    assert_int_equal(r.fault.at.line, line);
    assert_int_equal(r.fault.at.column, column);
    render_done(&r);
}

#endif
