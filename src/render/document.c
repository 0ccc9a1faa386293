/* SPDX-License-Identifier: Apache-2.0 */
#include "render/document.h"

#include "render/piece.h"
#include "render/specialized.h"
#include "render/values.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

/* --- A node's documents -------------------------------------------------------------------- */

static bool bootstraps(const struct node *n)
{
    return n->role->bootstrap != BOOTSTRAP_NONE;
}

static bool is_master(const struct node *n)
{
    return n->role->bootstrap == BOOTSTRAP_MASTER;
}

static uint32_t kubeadm_count(const struct node *n)
{
    return bootstraps(n) && n->role->kubeadm ? 1u + is_master(n) : 0;
}

static uint32_t sealed_count(const struct node *n)
{
    return bootstraps(n) ? n->role->sealed_n : 0;
}

/* How many addons before number `end` have a template. */
static uint32_t addon_count(const struct node *n, uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t i = 0; is_master(n) && i < end; i++)
        count += n->cluster->addons[i].template != NULL;
    return count;
}

/* How many loaders before number `end` have a script. */
static uint32_t script_count(const struct node *n, uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < end; i++)
        count += n->role->scripts[i] != NULL;
    return count;
}

static uint32_t boot_count(const struct node *n)
{
    return SEED_FILE_COUNT + script_count(n, LOADERS);
}

/* Those that need no bootstrap. */
static uint32_t open_count(const struct node *n)
{
    return boot_count(n) + n->role->documents_n;
}

uint32_t document_count(const struct node *n)
{
    uint32_t addons = n->cluster ? n->cluster->addons_n : 0;
    return open_count(n) + kubeadm_count(n) + sealed_count(n) + addon_count(n, addons);
}

static struct document addon_at(const struct node *n, uint32_t i)
{
    uint32_t number = 0;
    while (!n->cluster->addons[number].template || i-- > 0)
        number++;
    return (struct document){DOCUMENT_ADDON, number};
}

struct document document_at(const struct node *n, uint32_t i)
{
    assert(i < document_count(n));
    if (i < SEED_FILE_COUNT)
        return (struct document){DOCUMENT_SEED, i};
    if (i < boot_count(n)) /* the first of two, where there are two */
        return (struct document){DOCUMENT_BOOT,
                                 i == SEED_FILE_COUNT && n->role->scripts[0] ? 0 : 1};
    if (i < open_count(n))
        return (struct document){DOCUMENT_FURTHER, i - boot_count(n)};
    i -= open_count(n);
    uint32_t kubeadm = kubeadm_count(n), sealed = sealed_count(n);
    if (i < kubeadm) /* the last one is for joining */
        return (struct document){i + 1 < kubeadm ? DOCUMENT_KUBEADM_INIT : DOCUMENT_KUBEADM_JOIN,
                                 0};
    if (i < kubeadm + sealed)
        return (struct document){DOCUMENT_SEALED, i - kubeadm};
    return addon_at(n, i - kubeadm - sealed);
}

uint32_t document_number(const struct node *n, struct document d)
{
    uint32_t open = open_count(n), kubeadm = kubeadm_count(n);
    switch (d.kind) {
    case DOCUMENT_SEED: return d.number;
    case DOCUMENT_BOOT: return SEED_FILE_COUNT + script_count(n, d.number);
    case DOCUMENT_FURTHER: return boot_count(n) + d.number;
    case DOCUMENT_KUBEADM_INIT: return open;
    case DOCUMENT_KUBEADM_JOIN: return open + kubeadm - 1;
    case DOCUMENT_SEALED: return open + kubeadm + d.number;
    case DOCUMENT_ADDON: break;
    }
    return open + kubeadm + sealed_count(n) + addon_count(n, d.number);
}

struct str document_name(const struct node *n, struct document d, struct arena *a)
{
    switch (d.kind) {
    case DOCUMENT_SEED: return str_from(seed_file_names[d.number]);
    case DOCUMENT_BOOT: return str_from(boot_script_names[d.number]);
    case DOCUMENT_FURTHER: return n->role->documents[d.number].name;
    case DOCUMENT_KUBEADM_INIT: return STR("kubeadm-init");
    case DOCUMENT_KUBEADM_JOIN: return STR("kubeadm-join");
    case DOCUMENT_SEALED: return ARENA_JOIN(a, STR("sealed"), n->role->sealed[d.number].path);
    case DOCUMENT_ADDON: break;
    }
    return ARENA_JOIN(a, STR("addons/"), n->cluster->addons[d.number].name);
}

const struct template *document_template(const struct node *n, struct document d)
{
    switch (d.kind) {
    case DOCUMENT_SEED: return n->role->templates[d.number];
    case DOCUMENT_BOOT: return n->role->scripts[d.number];
    case DOCUMENT_FURTHER: return n->role->documents[d.number].template;
    case DOCUMENT_KUBEADM_INIT:
    case DOCUMENT_KUBEADM_JOIN: return n->role->kubeadm;
    case DOCUMENT_SEALED: return n->role->sealed[d.number].template;
    case DOCUMENT_ADDON: break;
    }
    return n->cluster->addons[d.number].template;
}

/* --- Rendering ----------------------------------------------------------------------------- */

static int default_meta_data(const struct node *n, const struct render_env *env, struct buf *out)
{
    buf_printf(out, "instance-id: \"%.*s-%u\"\nlocal-hostname: \"%.*s\"\n", STR_ARG(n->name),
               env->generation ? env->generation : NODE_FIRST_GENERATION, STR_ARG(n->name));
    return 0;
}

enum seed_file document_seed_file(const struct node *n, struct document d)
{
    if (d.kind == DOCUMENT_SEED)
        return d.number;
    if (d.kind == DOCUMENT_FURTHER)
        return role_document_seed_file(n->role->documents[d.number].name);
    return SEED_FILE_COUNT;
}

/* The state of one rendering. */
struct rendering {
    struct scope scope;
    struct buf *out;
    struct template_trace *trace;
    const struct template_sink *sink; /* NULL: none; there is no trace then */
    struct template_fault *ret_fault;
    const struct template_limits *limits; /* NULL: those of what is served */
};

/* What is computed when a tree is loaded is computed here, and nobody waits for it. */
static const struct template_limits limits_as_written = {.steps_max = 100 * 1000 * 1000};

/* One space between words, and none at the ends, whatever the template left. */
static struct str squeezed(struct str text, struct arena *a)
{
    char *to = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        bool blank = text.p[i] == ' ' || text.p[i] == '\n';
        if (!blank || (n && to[n - 1] != ' '))
            to[n++] = blank ? ' ' : text.p[i];
    }
    n -= n && to[n - 1] == ' ';
    to[n] = '\0';
    return (struct str){to, n};
}

/* What is wrong is reported where they stand in the role. */
static int refuse_arguments(struct rendering *r, const struct boot_entry *e, const char *why)
{
    struct template_fault *f = r->ret_fault;
    char msg[sizeof(f->msg)];
    snprintf(msg, sizeof(msg), "arguments: %s", why);
    *f = (struct template_fault){.at = e->words_at};
    memcpy(f->msg, msg, sizeof(msg));
    return -EINVAL;
}

static int render_arguments(struct rendering *r, const struct boot_entry *e, struct str *ret)
{
    struct scope scope = r->scope;
    struct template_scope names = {.lookup = scope_lookup, .cls = &scope, .explain = scope_explain};
    struct buf text;
    scope.document = (struct document){DOCUMENT_SEED, SEED_USER_DATA};
    scope.node_keys = NODE_KEYS_ALL;
    buf_init(&text, BOOT_ARGUMENTS_MAX_BYTES);
    int status =
        template_render(e->words, names, r->limits, scope.arena, &text, NULL, r->ret_fault);
    *ret = squeezed(buf_view(&text), scope.arena);
    buf_done(&text);
    const char *refusal = status == 0 && ret->n ? boot_arguments_refusal(*ret) : NULL;
    if (status < 0)
        return refuse_arguments(r, e, r->ret_fault->msg);
    return refusal
               ? refuse_arguments(
                     r, e, ARENA_JOIN(scope.arena, STR("'"), *ret, STR("': "), str_from(refusal)).p)
               : 0;
}

static const struct boot_entry *entry_at(const struct boot_plan *b, uint32_t i)
{
    return i ? &b->menu[i - 1] : &b->entry;
}

static int render_all_arguments(struct rendering *r)
{
    const struct boot_plan *b = &r->scope.node->role->boot;
    struct str *list = ARENA_ARRAY(r->scope.arena, struct str, (size_t)b->menu_n + 1);
    int status = 0;
    for (uint32_t i = 0; i <= b->menu_n && status == 0; i++) {
        const struct boot_entry *e = entry_at(b, i);
        list[i] = e->arguments;
        if (e->words)
            status = render_arguments(r, e, &list[i]);
    }
    r->scope.arguments = list;
    return status;
}

static int render(struct rendering *r, struct specialized_file f)
{
    if (!f.template)
        return document_seed_file(r->scope.node, r->scope.document) == SEED_META_DATA
                   ? default_meta_data(r->scope.node, r->scope.env, r->out)
                   : 0;
    if (r->scope.document.kind == DOCUMENT_BOOT && r->scope.node && render_all_arguments(r) < 0)
        return -EINVAL;
    r->scope.node_keys = f.node_keys;
    struct template_scope names = {
        .lookup = scope_lookup, .cls = &r->scope, .explain = scope_explain};
    if (r->sink)
        return template_render_to_sink(f.template, names, r->scope.arena, r->out, r->sink,
                                       r->ret_fault);
    return template_render(f.template, names, r->limits, r->scope.arena, r->out, r->trace,
                           r->ret_fault);
}

static struct scope scope_of(const struct scope_tables *tables, const struct node *n,
                             struct document d, const struct render_env *env, struct arena *arena)
{
    return (struct scope){.tables = tables, .node = n, .document = d, .env = env, .arena = arena};
}

int document_render(const struct scope_tables *tables, const struct node *n, struct document d,
                    const struct render_env *env, struct arena *arena, struct buf *out,
                    struct template_trace *trace, struct template_fault *ret_fault)
{
    struct rendering r = {scope_of(tables, n, d, env, arena), out, trace, NULL, ret_fault, NULL};
    return render(&r, specialized_find(scope_tables_specialized(tables), n, document_number(n, d)));
}

/* From the pieces of its specialized template, one after the other. */
static int render_pieces(struct rendering *r, struct specialized_file f, bool gzip,
                         struct piece_sheet *sheet, struct piece_sink *s)
{
    piece_sink_begin(s, sheet, gzip);
    r->sink = &s->sink;
    int status = render(r, f);
    if (status == 0 && !piece_sink_end(s))
        status = -EFBIG;
    return status;
}

int document_render_answer(const struct scope_tables *tables, const struct node *n,
                           struct document d, const struct render_env *env, bool gzip,
                           struct arena *arena, struct piece_sheet *sheet,
                           struct document_answer *ret, struct template_fault *ret_fault)
{
    struct buf *out = &sheet->buf;
    struct rendering r = {scope_of(tables, n, d, env, arena), out, NULL, NULL, ret_fault, NULL};
    struct specialized_file f =
        specialized_find(scope_tables_specialized(tables), n, document_number(n, d));
    struct piece_sink s;
    *ret = (struct document_answer){0};
    int status = render_pieces(&r, f, gzip && f.has_pieces, sheet, &s);
    ret->is_gzip = gzip && f.has_pieces;
    if (status < 0 && ret->is_gzip && out->full) { /* only the plain one may fit its limit */
        ret->is_gzip = false;
        status = render_pieces(&r, f, false, sheet, &s);
    }
    if (status < 0)
        return status;
    ret->body = buf_view(out);
    ret->digest = s.digest;
    /* A template with pieces may make a small document: it is not rendered twice for that. */
    ret->may_be_gzip = f.has_pieces || s.plain_bytes >= DOCUMENT_GZIP_MIN_BYTES;
    if (gzip && ret->may_be_gzip && !ret->is_gzip)
        ret->is_gzip = gzip_compress(ret->body, arena, &ret->body);
    return 0;
}

int document_render_as_written(const struct scope_tables *tables, const struct node *n,
                               struct document d, const struct render_env *env, struct arena *arena,
                               struct buf *out, struct template_trace *trace,
                               struct template_fault *ret_fault)
{
    struct rendering r = {
        scope_of(tables, n, d, env, arena), out, trace, NULL, ret_fault, &limits_as_written};
    return render(&r, (struct specialized_file){document_template(n, d), NODE_KEYS_ALL, false});
}

int document_render_script(const struct scope_tables *tables, const struct template *script,
                           const struct render_env *env, struct arena *arena, struct buf *out,
                           struct template_fault *ret_fault)
{
    struct rendering r = {scope_of(tables, NULL, (struct document){DOCUMENT_BOOT, 0}, env, arena),
                          out,
                          NULL,
                          NULL,
                          ret_fault,
                          NULL};
    return render(&r, (struct specialized_file){script, 0, false});
}
