/* SPDX-License-Identifier: Apache-2.0 */
#include "render/sealed.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- Secrets in use ------------------------------------------------------------------------ */

/* A walk over the templates of roles and clusters and those that they include, each once. */
struct search {
    struct secret_need *needs;
    uint32_t needs_n;
    const struct template **seen;
    uint32_t seen_n, seen_room;
};

static bool first_time(struct search *s, const struct template *t)
{
    for (uint32_t i = 0; i < s->seen_n; i++) {
        if (s->seen[i] == t)
            return false;
    }
    s->seen = mem_grow(s->seen, s->seen_n, &s->seen_room, sizeof(*s->seen));
    s->seen[s->seen_n++] = t;
    return true;
}

static void on_secret(void *cls, struct str name, struct place at)
{
    struct search *s = cls;
    for (uint32_t i = 0; i < s->needs_n; i++) {
        if (str_eq(s->needs[i].name, name) && !s->needs[i].at.file)
            s->needs[i].at = at;
    }
}

static void look(struct search *s, const struct template *t);

static void on_include(void *cls, const struct template *target, struct place at)
{
    (void)at;
    look(cls, target);
}

static void look(struct search *s, const struct template *t)
{
    if (!t || !first_time(s, t))
        return;
    template_attributes(t, STR("secrets"), on_secret, s);
    template_includes(t, on_include, s);
}

static void look_everywhere(struct search *s, const struct tree *t)
{
    for (uint32_t i = 0; i < tree_role_count(t); i++) {
        const struct role *r = tree_role(t, i);
        if (r->bootstrap == BOOTSTRAP_NONE)
            continue;
        look(s, r->kubeadm);
        for (uint32_t k = 0; k < r->sealed_n; k++)
            look(s, r->sealed[k].template);
    }
    for (uint32_t i = 0; i < tree_cluster_count(t); i++) {
        const struct cluster *c = tree_cluster(t, i);
        for (uint32_t k = 0; k < c->addons_n; k++)
            look(s, c->addons[k].template);
    }
}

const struct secret_need *sealed_needs(const struct tree *t, struct arena *a, uint32_t *ret_n)
{
    struct search s = {.needs_n = tree_secret_count(t)};
    s.needs = ARENA_ARRAY(a, struct secret_need, s.needs_n);
    for (uint32_t i = 0; i < s.needs_n; i++)
        s.needs[i].name = tree_secret(t, i);
    if (s.needs_n)
        look_everywhere(&s, t);
    free(s.seen);
    *ret_n = s.needs_n;
    return s.needs;
}

/* --- Values ---------------------------------------------------------------------------------- */

struct sealed_values {
    struct value_pair *pairs; /* owns all texts */
    uint32_t n, room;
    struct value map;
};

static struct value own(struct str s)
{
    char *copy = mem_alloc(s.n + 1);
    memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return value_str((struct str){copy, s.n});
}

struct sealed_values *sealed_values_new(void)
{
    struct sealed_values *v = MEM_NEW(struct sealed_values);
    v->map = value_map(NULL, 0);
    return v;
}

void sealed_values_put(struct sealed_values *v, struct str name, struct str value)
{
    v->pairs = mem_grow(v->pairs, v->n, &v->room, sizeof(*v->pairs));
    v->pairs[v->n++] = (struct value_pair){own(name), own(value)};
    v->map = value_map(v->pairs, v->n);
}

static void wipe(struct value text)
{
    char *p = (char *)(uintptr_t)text.s;
    explicit_bzero(p, text.n);
    free(p);
}

void sealed_values_free(struct sealed_values *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->n; i++) {
        wipe(v->pairs[i].key);
        wipe(v->pairs[i].value);
    }
    free(v->pairs);
    free(v);
}

bool sealed_values_get(const struct sealed_values *v, struct str name, struct str *ret)
{
    for (size_t i = 0; i < v->n; i++) {
        if (!str_eq(value_text(v->pairs[i].key), name))
            continue;
        *ret = value_text(v->pairs[i].value);
        return true;
    }
    return false;
}

/* --- Rendering ------------------------------------------------------------------------------- */

/* The message of a fault may contain a value. If the template stops with placeholders too, that
 * fault is reported; otherwise only the place. */
static int fault_without_values(const struct scope_tables *tables, const struct node *n,
                                struct document d, const struct render_env *env,
                                struct arena *arena, struct template_fault *fault)
{
    struct buf nowhere;
    struct template_fault again;
    struct render_env shown = *env;
    struct place at = fault->at;
    buf_init(&nowhere, DOCUMENT_MAX_BYTES);
    shown.bootstrap = NULL; /* a token is as secret as they are */
    int r = document_render(tables, n, d, &shown, arena, &nowhere, NULL, &again);
    buf_done(&nowhere);
    explicit_bzero(fault, sizeof(*fault));
    if (r < 0) {
        *fault = again;
        return r;
    }
    fault->at = at;
    snprintf(fault->msg, sizeof(fault->msg),
             "cannot be rendered with the values of its secrets, which are not shown; with "
             "placeholders in their place it can");
    return -EINVAL;
}

int sealed_render(const struct scope_tables *tables, const struct node *n, struct document d,
                  const struct render_env *env, const struct sealed_values *values,
                  struct arena *arena, struct buf *out, struct template_fault *ret_fault)
{
    const struct value none = value_map(NULL, 0);
    struct render_env real = *env;
    assert(d.kind != DOCUMENT_SEED && !env->secrets);
    real.secrets = values ? &values->map : &none;
    int r = document_render(tables, n, d, &real, arena, out, NULL, ret_fault);
    return r < 0 ? fault_without_values(tables, n, d, env, arena, ret_fault) : 0;
}
