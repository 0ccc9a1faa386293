/* SPDX-License-Identifier: Apache-2.0 */
/* The step for the templates' folder, and the rules for sealed/ in it. */
#include "tree/load.h"

#include "base/guess.h"
#include "template/trace.h"

#include <stdlib.h>

#define EXCERPT_BYTES 512

bool load_is_sealed(const struct template *t)
{
    return str_starts(template_name(t), STR("sealed/"));
}

const struct template *load_find_template(struct load *l, const struct yaml_node *y,
                                          const char *key, struct str name)
{
    if (!name.n)
        return NULL;
    const struct template *t = template_set_find(l->tree->templates, name);
    if (t || !l->templates_whole)
        return t;
    struct guess g;
    guess_init(&g, name);
    for (size_t i = 0; i < l->overlay.files.n; i++)
        guess_offer(&g, l->overlay.files.list[i].name);
    fault_add(l->faults, schema_place(&l->reader, y, key, 0), "%s: there is no template %s%s", key,
              schema_quoted(&l->reader, name), guess_text(&g));
    return NULL;
}

/* --- sealed/ ------------------------------------------------------------------------------- */

/* A template that is being checked against the rules. */
struct checking {
    struct load *l;
    const struct template *t;
};

static void report(struct checking *c, struct place at, const char *msg)
{
    char excerpt[EXCERPT_BYTES];
    template_excerpt(c->t, at, excerpt, sizeof(excerpt));
    fault_add_excerpt(c->l->faults, at, excerpt, "%s", msg);
}

static void on_secret(void *cls, struct str name, struct place at)
{
    struct checking *c = cls;
    if (!load_is_sealed(c->t))
        report(c, at,
               "secrets: anyone who knows a node's URL may read what this renders; move what uses "
               "secrets to a template in sealed/, for a role's 'kubeadm' or 'sealed', or an addon");
    else if (!name.n)
        report(c, at, "secrets: name the one that is meant, as in secrets.registry_password");
    else
        intern_str(&c->l->secrets, name);
}

static void on_include(void *cls, const struct template *target, struct place at)
{
    struct checking *c = cls;
    if (load_is_sealed(target) && !load_is_sealed(c->t))
        report(c, at,
               "a template of sealed/ can be included only by another one of sealed/: what it "
               "renders may be secret");
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void keep_secrets(struct load *l)
{
    uint32_t n = l->secrets.n;
    struct str *names = ARENA_ARRAY(&l->tree->arena, struct str, n);
    for (uint32_t i = 0; i < n; i++)
        names[i] = l->secrets.list[i];
    if (n)
        qsort(names, n, sizeof(*names), by_text);
    l->tree->secrets = names;
    l->tree->secrets_n = n;
}

static void check_sealed(struct load *l)
{
    for (size_t i = 0; i < l->overlay.files.n; i++) {
        const struct template *t =
            template_set_find(l->tree->templates, l->overlay.files.list[i].name);
        struct checking c = {l, t};
        template_attributes(t, STR("secrets"), on_secret, &c);
        template_includes(t, on_include, &c);
    }
    keep_secrets(l);
}

/* --- The step ------------------------------------------------------------------------------ */

/* What was changed in the hidden file since may be missing in the one that is used. */
static void warn_of_hidden(struct load *l)
{
    for (uint32_t i = 0; i < l->overlay.hidden_n; i++) {
        struct overlay_hidden h = overlay_hidden_at(&l->overlay, i);
        if (h.changed)
            fault_warn(l->faults, (struct place){.file = h.used->path, .line = 1, .column = 1},
                       "%s has changed since it was overridden; take over what has changed there, "
                       "then let the first line be %s",
                       h.path, h.mark);
    }
}

void load_templates(struct load *l, struct str folders)
{
    size_t errors = l->faults->errors;
    overlay_read(&l->overlay, folders);
    warn_of_hidden(l);
    for (size_t i = 0; i < l->overlay.files.n; i++) {
        const struct files_entry *file = &l->overlay.files.list[i];
        struct str text;
        if (load_read(l, file->path, OVERLAY_MAX_BYTES, &text))
            template_set_add(l->tree->templates, file->name, file->path, text, l->faults);
    }
    l->templates_whole = l->faults->errors == errors;
    if (!l->templates_whole)
        return;
    template_set_link(l->tree->templates, l->faults);
    check_sealed(l);
}
