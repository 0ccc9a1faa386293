/* SPDX-License-Identifier: Apache-2.0 */
/* The steps for roles/: resolves templates and `extends`. */
#include "tree/load.h"

#include "base/guess.h"
#include "base/mem.h"
#include "tree/variables.h"

#include <errno.h>
#include <stdlib.h>

static struct str draft_name(const void *drafts, uint32_t i)
{
    return ((const struct role_draft *)drafts)[i].role.name;
}

/* Anyone who knows a node's URL may read such a file. */
static const struct template *find_open_template(struct load *l, const struct yaml_node *names,
                                                 const char *key, struct str name)
{
    const struct template *t = load_find_template(l, names, key, name);
    if (t && load_is_sealed(t))
        fault_add(l->faults, schema_place(&l->reader, names, key, 0),
                  "%s: a template of sealed/ may render secrets, and anyone who knows a node's URL "
                  "may read this file; take one from another folder",
                  key);
    return t;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct sealed_file *)a)->path, ((const struct sealed_file *)b)->path);
}

static void find_sealed(struct load *l, const struct yaml_node *files, struct role_draft *d)
{
    for (uint32_t i = 0; i < d->sealed_n; i++) {
        struct sealed_file *f = &d->sealed[i];
        f->template = load_find_template(l, yaml_get(files, f->path), "template", f->template_name);
    }
    if (d->sealed_n)
        qsort(d->sealed, d->sealed_n, sizeof(*d->sealed), by_path);
    d->role.sealed = d->sealed;
    d->role.sealed_n = d->sealed_n;
}

static int by_document_name(const void *a, const void *b)
{
    return str_cmp(((const struct role_document *)a)->name,
                   ((const struct role_document *)b)->name);
}

static bool has_document(const struct role_draft *d, struct str name)
{
    for (uint32_t i = 0; i < d->documents_n; i++) {
        if (str_eq(d->documents[i].name, name))
            return true;
    }
    return false;
}

/* cloud-init asks for all four files of a seed, and waits for one that is not there. */
static uint32_t add_rest_of_seed(struct load *l, const struct role_draft *d,
                                 const struct role_document *user_data, struct role_document *to)
{
    struct str folder = str_head(user_data->name, user_data->name.n - strlen("user-data"));
    uint32_t n = 0;
    for (unsigned f = 0; f < SEED_FILE_COUNT; f++) {
        struct str name = ARENA_JOIN(&l->tree->arena, folder, str_from(seed_file_names[f]));
        if (!has_document(d, name))
            to[n++] = (struct role_document){.name = name, .at = user_data->at};
    }
    return n;
}

static void find_documents(struct load *l, const struct yaml_node *y, struct role_draft *d)
{
    uint32_t n = 0;
    struct role_document *list = ARENA_ARRAY(&l->tree->arena, struct role_document,
                                             (size_t)d->documents_n * SEED_FILE_COUNT);
    for (uint32_t i = 0; i < d->documents_n; i++) {
        struct role_document *one = &d->documents[i];
        one->template =
            find_open_template(l, yaml_get(y, one->name), "template", one->template_name);
        list[n++] = *one;
        if (role_document_seed_file(one->name) == SEED_USER_DATA)
            n += add_rest_of_seed(l, d, one, list + n);
    }
    if (n)
        qsort(list, n, sizeof(*list), by_document_name);
    d->role.documents = list;
    d->role.documents_n = n;
}

static void find_templates(struct load *l, const struct yaml_node *y, struct role_draft *d)
{
    const struct yaml_node *names = yaml_get(y, STR("templates"));
    struct role *r = &d->role;
    for (size_t f = 0; f < SEED_FILE_COUNT; f++)
        r->templates[f] = find_open_template(l, names, seed_file_names[f], r->template_names[f]);
    for (size_t s = 0; s < LOADERS; s++)
        r->scripts[s] = find_open_template(l, names, boot_script_names[s], r->script_names[s]);
    d->role.kubeadm = load_find_template(l, y, "kubeadm", d->role.kubeadm_name);
    find_documents(l, yaml_get(y, STR("documents")), d);
    find_sealed(l, yaml_get(y, STR("sealed")), d);
}

static void find_boot_file(struct load *l, struct boot_file *f)
{
    if (f->asset.n)
        f->url = ARENA_JOIN(&l->tree->arena, l->tree->site.url, STR("/assets/"), f->asset);
}

/* Without either, no machine could be given the key of the node's window. */
static bool knows_machines(const struct site *s)
{
    return s->evidence[EVIDENCE_MAC] || s->evidence[EVIDENCE_UUID];
}

static void on_name(void *cls, struct str name)
{
    bool *reads_seed = cls;
    *reads_seed |= str_is(name, "seed");
}

/* Its faults are reported where the arguments stand in the role's file. */
static void compile_arguments(struct load *l, const struct yaml_node *y, struct boot_entry *e)
{
    struct faults found;
    e->words_at = schema_place(&l->reader, y, "arguments", 0);
    struct str name = arena_printf(&l->tree->arena, "%s:%u:%u", e->words_at.file, e->words_at.line,
                                   e->words_at.column);
    faults_init(&found);
    int r = template_set_add(l->tree->words, name, e->words_at.file, e->arguments, &found);
    if (r == 0 || r == -EEXIST) /* an alias of YAML's stands in one place, wherever it is used */
        e->words = template_set_find(l->tree->words, name);
    for (size_t i = 0; i < found.kept; i++)
        fault_add(l->faults, e->words_at, "arguments: %s", found.list[i].msg);
    faults_done(&found);
    if (e->words)
        template_names(e->words, on_name, &e->tells_url);
}

static void link_entry(struct load *l, const struct yaml_node *y, struct boot_entry *e)
{
    struct boot_file *initrd = ARENA_ARRAY(&l->tree->arena, struct boot_file, e->initrd_n);
    for (uint32_t i = 0; i < e->initrd_n; i++) {
        initrd[i] = e->initrd[i];
        find_boot_file(l, &initrd[i]);
    }
    e->initrd = initrd;
    find_boot_file(l, &e->kernel);
    find_boot_file(l, &e->chain);
    bool discovers = e->kind == BOOT_KERNEL && e->discovery == DISCOVERY_KERNEL;
    if (boot_arguments_vary(e->arguments))
        compile_arguments(l, y, e);
    e->tells_url |= discovers;
    if (e->tells_url && !knows_machines(&l->tree->site))
        fault_add(l->faults, discovers ? schema_place(&l->reader, y, "discovery", 0) : e->words_at,
                  "%s: the site does not accept MAC or uuid, so no machine would get its URL; "
                  "list mac under 'evidence' in site.yaml%s",
                  discovers ? "discovery" : "arguments",
                  discovers ? ", or use smbios or none here" : "");
}

static void link_boot(struct load *l, const struct yaml_node *y, struct boot_plan *b)
{
    const struct yaml_node *menu = yaml_get(y, STR("menu"));
    struct boot_entry *items = ARENA_ARRAY(&l->tree->arena, struct boot_entry, b->menu_n);
    link_entry(l, y, &b->entry);
    for (uint32_t i = 0; i < b->menu_n; i++) {
        items[i] = b->menu[i];
        link_entry(l, menu->kind == YAML_SEQUENCE ? menu->items[i] : menu, &items[i]);
    }
    b->menu = items;
}

void load_role(struct load *l, const struct yaml_pair *pair)
{
    struct tree *t = l->tree;
    struct role_draft d = {0};
    bool sound = schema_read_named(&l->reader, &format_role, pair, &d);
    const struct yaml_node *boot = yaml_get(pair->value, STR("boot"));
    d.bootstrap_given = yaml_get(pair->value, STR("bootstrap")) != NULL;
    d.boot_given = boot != NULL;
    d.format_given = yaml_get(pair->value, STR("format")) != NULL;
    d.extends_at = schema_place(&l->reader, pair->value, "extends", 0);
    d.kubeadm_at = schema_place(&l->reader, pair->value, "kubeadm", 0);
    d.sealed_at = schema_place(&l->reader, pair->value, "sealed", 0);
    d.kubeadm_given = d.role.kubeadm_name.n != 0;
    find_templates(l, pair->value, &d);
    if (boot && sound)
        link_boot(l, boot, &d.role.boot);
    l->role_drafts = mem_grow(l->role_drafts, t->roles_n, &l->roles_room, sizeof(d));
    l->role_drafts[t->roles_n] = d;
    uint32_t holder = map_put(&l->names, draft_name, l->role_drafts, t->roles_n);
    if (holder == MAP_NONE)
        t->roles_n++;
    else
        fault_add(l->faults, d.role.at, "a role '%s' is declared already, at %s:%u", d.role.name.p,
                  l->role_drafts[holder].role.at.file, l->role_drafts[holder].role.at.line);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct role_draft *)a)->role.name,
                   ((const struct role_draft *)b)->role.name);
}

static void report_unknown(struct load *l, const struct role_draft *d)
{
    struct guess g;
    guess_init(&g, d->extends);
    for (uint32_t i = 0; i < l->tree->roles_n; i++) {
        if (!str_eq(l->role_drafts[i].role.name, d->role.name))
            guess_offer(&g, l->role_drafts[i].role.name);
    }
    if (l->roles_whole)
        fault_add(l->faults, d->extends_at, "extends: there is no role '%s'%s", d->extends.p,
                  guess_text(&g));
}

static uint32_t find_draft(const struct load *l, struct str name)
{
    struct role_draft key = {.role.name = name};
    const struct role_draft *found =
        bsearch(&key, l->role_drafts, l->tree->roles_n, sizeof(key), by_name);
    return found ? (uint32_t)(found - l->role_drafts) : MAP_NONE;
}

static void find_parents(struct load *l)
{
    for (uint32_t i = 0; i < l->tree->roles_n; i++) {
        struct role_draft *d = &l->role_drafts[i];
        d->parent = d->extends.n ? find_draft(l, d->extends) : MAP_NONE;
        if (d->extends.n && d->parent == MAP_NONE)
            report_unknown(l, d);
    }
}

static void report_cycle(struct load *l, uint32_t from)
{
    struct buf way;
    uint32_t i = from;
    buf_init(&way, 512);
    do {
        buf_printf(&way, "'%s' extends ", l->role_drafts[i].role.name.p);
        i = l->role_drafts[i].parent;
    } while (i != from);
    buf_printf(&way, "'%s'", l->role_drafts[from].role.name.p);
    fault_add(l->faults, l->role_drafts[from].extends_at, "extends: in a circle: %s",
              buf_view(&way).p);
    buf_done(&way);
}

/* A sorted list of files. */
struct listed {
    const void *list;
    uint32_t n;
};

/* All of `own`, and those of `theirs` that it lacks. */
static struct listed inherit_files(struct load *l, struct listed theirs, struct listed own,
                                   size_t size, int (*compare)(const void *a, const void *b))
{
    char *list = arena_alloc(&l->tree->arena, ((size_t)theirs.n + own.n) * size);
    const char *a = theirs.list, *b = own.list;
    uint32_t n = 0;
    while (theirs.n || own.n) {
        int c = !own.n ? -1 : !theirs.n ? 1 : compare(a, b);
        memcpy(list + n++ * size, c < 0 ? a : b, size);
        if (c <= 0) {
            a += size;
            theirs.n--;
        }
        if (c >= 0) {
            b += size;
            own.n--;
        }
    }
    return (struct listed){list, n};
}

static void inherit_lists(struct load *l, const struct role *parent, struct role *r)
{
    struct listed sealed =
        inherit_files(l, (struct listed){parent->sealed, parent->sealed_n},
                      (struct listed){r->sealed, r->sealed_n}, sizeof(*r->sealed), by_path);
    struct listed documents = inherit_files(
        l, (struct listed){parent->documents, parent->documents_n},
        (struct listed){r->documents, r->documents_n}, sizeof(*r->documents), by_document_name);
    r->sealed = sealed.list;
    r->sealed_n = sealed.n;
    r->documents = documents.list;
    r->documents_n = documents.n;
}

static void inherit(struct load *l, struct role_draft *d)
{
    const struct role *parent = &l->role_drafts[d->parent].role;
    struct role *r = &d->role;
    if (!d->bootstrap_given)
        r->bootstrap = parent->bootstrap;
    for (size_t f = 0; f < SEED_FILE_COUNT; f++) {
        if (r->template_names[f].n)
            continue;
        r->template_names[f] = parent->template_names[f];
        r->templates[f] = parent->templates[f];
    }
    for (size_t s = 0; s < LOADERS; s++) {
        if (r->script_names[s].n)
            continue;
        r->script_names[s] = parent->script_names[s];
        r->scripts[s] = parent->scripts[s];
    }
    if (!d->boot_given)
        r->boot = parent->boot;
    if (!r->boot_minutes)
        r->boot_minutes = parent->boot_minutes;
    if (!r->kubeadm_name.n) {
        r->kubeadm_name = parent->kubeadm_name;
        r->kubeadm = parent->kubeadm;
    }
    const struct proxmox *vm = proxmox_merge(&parent->proxmox, &r->proxmox, &l->tree->arena);
    if (vm)
        r->proxmox = *vm;
    if (!d->format_given)
        r->format = parent->format;
    inherit_lists(l, parent, r);
    r->variables = variables_merge(&l->tree->arena, parent->variables, r->variables);
}

/* Goes up to the first role that is finished, then down again; `way` has room for all roles. */
static void resolve(struct load *l, uint32_t i, uint32_t *way)
{
    uint32_t n = 0;
    while (i != MAP_NONE && !l->role_drafts[i].visited) {
        l->role_drafts[i].visited = true;
        way[n++] = i;
        i = l->role_drafts[i].parent;
    }
    bool circle = false;
    for (uint32_t k = 0; k < n && i != MAP_NONE; k++)
        circle |= way[k] == i;
    if (circle)
        report_cycle(l, i);
    while (n > 0) {
        struct role_draft *d = &l->role_drafts[way[--n]];
        if (d->parent != MAP_NONE)
            inherit(l, d);
    }
}

/* For a role that does not name a script. */
static void find_usual_scripts(const struct tree *t, struct role *r)
{
    for (size_t s = 0; s < LOADERS; s++) {
        if (r->script_names[s].n)
            continue;
        r->scripts[s] = tree_script(t, (enum boot_loader)s, SCRIPT_NODE);
        if (r->scripts[s])
            r->script_names[s] = template_name(r->scripts[s]);
    }
}

/* What the site says of VMs, where neither the role nor one that it extends says otherwise. */
static void take_site(struct tree *t, struct role *r)
{
    const struct proxmox *vm = proxmox_merge(&t->site.proxmox, &r->proxmox, &t->arena);
    if (vm)
        r->proxmox = *vm;
}

void load_link_roles(struct load *l)
{
    struct tree *t = l->tree;
    uint32_t *way = ARENA_ARRAY(&l->file, uint32_t, t->roles_n);
    if (t->roles_n)
        qsort(l->role_drafts, t->roles_n, sizeof(*l->role_drafts), by_name);
    find_parents(l);
    for (uint32_t i = 0; i < t->roles_n; i++)
        resolve(l, i, way);
    t->roles = ARENA_ARRAY(&t->arena, struct role, t->roles_n);
    for (uint32_t i = 0; i < t->roles_n; i++) {
        uint32_t parent = l->role_drafts[i].parent;
        find_usual_scripts(t, &l->role_drafts[i].role);
        take_site(t, &l->role_drafts[i].role);
        t->roles[i] = l->role_drafts[i].role;
        t->roles[i].extends = parent == MAP_NONE ? NULL : &t->roles[parent];
    }
}

/* Marks each role that bootstraps and those that it extends. */
static void mark_for_bootstrap(struct load *l)
{
    for (uint32_t i = 0; i < l->tree->roles_n; i++) {
        uint32_t k = i;
        if (l->role_drafts[i].role.bootstrap == BOOTSTRAP_NONE)
            continue;
        while (k != MAP_NONE && !l->role_drafts[k].for_bootstrap) {
            l->role_drafts[k].for_bootstrap = true;
            k = l->role_drafts[k].parent;
        }
    }
}

/* A role that only serves to be extended may have them for other roles. */
static void check_bootstrap(struct load *l, const struct role_draft *d)
{
    static const char advice[] = "%s: its nodes are never given it: neither role '%s' nor one that "
                                 "extends it has a 'bootstrap' of master or worker";
    if (d->kubeadm_given && !d->for_bootstrap)
        fault_add(l->faults, d->kubeadm_at, advice, "kubeadm", d->role.name.p);
    if (d->sealed_n && !d->for_bootstrap)
        fault_add(l->faults, d->sealed_at, advice, "sealed", d->role.name.p);
    if (d->role.sealed_n > ROLE_SEALED_MAX)
        fault_add(l->faults, d->role.at,
                  "sealed: %u files are too many, with those it inherits; "
                  "a role has at most %d",
                  d->role.sealed_n, ROLE_SEALED_MAX);
    if (d->role.documents_n > ROLE_DOCUMENTS_MAX)
        fault_add(l->faults, d->role.at,
                  "documents: %u are too many, with those it inherits and the whole of each seed; "
                  "a role has at most %d",
                  d->role.documents_n, ROLE_DOCUMENTS_MAX);
}

void load_roles(struct load *l, const char *folder)
{
    size_t errors = l->faults->errors;
    l->roles_whole = load_folder(l, folder, load_role);
    template_set_link(l->tree->words, l->faults);
    load_link_roles(l);
    mark_for_bootstrap(l);
    if (l->faults->errors != errors) /* `extends` may be unresolved */
        return;
    for (uint32_t i = 0; i < l->tree->roles_n; i++)
        check_bootstrap(l, &l->role_drafts[i]);
}
