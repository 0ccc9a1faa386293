/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renders what the lines of standard input ask for, for test_jinja2.py.
 * {"templates": {"main": "text", …}, "vars": {…}} gives {"ok": true, "output": "…"} or
 * {"ok": false, "error": "…", "line": 1, "when": "compile" or "render"}.
 */
#include "base/hash.h"
#include "base/json.h"
#include "template/template.h"

#include <stdio.h>
#include <stdlib.h>

static bool lookup(void *cls, struct str name, struct value *ret)
{
    *ret = value_get(*(const struct value *)cls, name);
    return ret->kind != VALUE_UNDEFINED;
}

static void print_answer(const struct value_pair *pairs, size_t n)
{
    struct buf b;
    buf_init(&b, (size_t)64 << 20);
    if (!json_write(&b, value_map(pairs, n), false))
        abort();
    puts(b.p);
    fflush(stdout);
    buf_done(&b);
}

static void print_fault(const char *msg, struct place at, const char *when)
{
    const struct value_pair pairs[] = {
        JSON_BOOL("ok", false),
        JSON_STR("error", str_from(msg)),
        JSON_INT("line", at.line),
        JSON_STR("when", str_from(when)),
    };
    print_answer(pairs, 4);
}

/* What of the variables is known when the template is folded: nothing is folded, all is, or one
 * half or the other of the names is known. */
enum known { KNOWN_NOTHING, KNOWN_ALL, KNOWN_HALF, KNOWN_OTHER_HALF, KNOWN_KINDS };

struct some {
    const struct value *vars;
    enum known known;
};

static bool lookup_some(void *cls, struct str name, struct value *ret)
{
    const struct some *s = cls;
    if (s->known >= KNOWN_HALF && hash64(name) % 2 == (s->known == KNOWN_HALF))
        return false;
    return lookup((void *)(uintptr_t)s->vars, name, ret);
}

struct outcome {
    int result;
    struct buf out;
    struct template_fault fault;
};

/* A name of the half that is left out is not: folding knows nothing of it. */
static bool is_undefined(void *cls, struct str name)
{
    const struct some *s = cls;
    struct value unused;
    return !lookup((void *)(uintptr_t)s->vars, name, &unused);
}

static void render(const struct template *t, struct value vars, enum known known,
                   struct outcome *ret)
{
    struct arena arena;
    struct some some = {&vars, known};
    arena_init(&arena, 65536);
    buf_init(&ret->out, (size_t)16 << 20);
    if (known != KNOWN_NOTHING)
        t = template_fold(t,
                          (struct template_scope){
                              .lookup = lookup_some, .is_undefined = is_undefined, .cls = &some},
                          NULL, &arena);
    ret->result = template_render(t, (struct template_scope){lookup, &vars}, NULL, &arena,
                                  &ret->out, NULL, &ret->fault);
    arena_done(&arena);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    if (a->result < 0)
        return b->result < 0 && strcmp(a->fault.msg, b->fault.msg) == 0 &&
               a->fault.at.line == b->fault.at.line && a->fault.at.column == b->fault.at.column;
    return b->result == 0 && str_eq(buf_view(&a->out), buf_view(&b->out));
}

/* However much of it was written out beforehand, a template renders the same. */
static void render_all(const struct template *t, struct value vars)
{
    struct outcome plain, folded;
    bool differs = false;
    render(t, vars, KNOWN_NOTHING, &plain);
    for (enum known known = KNOWN_ALL; known < KNOWN_KINDS; known++) {
        render(t, vars, known, &folded);
        differs |= !same(&plain, &folded);
        buf_done(&folded.out);
    }
    if (differs) {
        print_fault("folded it renders otherwise", plain.fault.at, "fold");
    } else if (plain.result < 0) {
        print_fault(plain.fault.msg, plain.fault.at, "render");
    } else {
        const struct value_pair pairs[] = {JSON_BOOL("ok", true),
                                           JSON_STR("output", buf_view(&plain.out))};
        print_answer(pairs, 2);
    }
    buf_done(&plain.out);
}

static void answer(struct value request)
{
    struct value texts = value_get(request, STR("templates"));
    struct template_set *set = template_set_new();
    struct faults faults;
    faults_init(&faults);
    for (uint32_t i = 0; i < texts.n; i++) {
        struct str name = value_text(texts.pairs[i].key);
        template_set_add(set, name, name.p, value_text(texts.pairs[i].value), &faults);
    }
    if (faults.errors == 0)
        template_set_link(set, &faults);
    const struct template *t = template_set_find(set, STR("main"));
    if (faults.errors)
        print_fault(faults.list[0].msg, faults.list[0].at, "compile");
    else if (t)
        render_all(t, value_get(request, STR("vars")));
    else
        print_fault("there is no template 'main'", (struct place){0}, "compile");
    faults_done(&faults);
    template_set_free(set);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getline(&line, &room, stdin)) > 0) {
        struct arena arena;
        struct value request;
        struct err e;
        arena_init(&arena, 65536);
        if (json_read((struct str){line, (size_t)n}, &arena, &request, &e) < 0)
            print_fault(e.msg, (struct place){0}, "input");
        else
            answer(request);
        arena_done(&arena);
    }
    free(line);
    return 0;
}
