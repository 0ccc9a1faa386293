/* SPDX-License-Identifier: Apache-2.0 */
#include "render/check.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "render/cloudconfig.h"
#include "render/inspect.h"
#include "render/manifest.h"
#include "render/netconfig.h"
#include "render/offline.h"
#include "render/scope.h"
#include "template/trace.h"
#include "tree/scalar.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>

#define ARENA_BYTES (64 * 1024)
#define THREADS_MAX 64
#define URL "http://cloudseed.invalid/s/abcdefghijklmnopqrstuvwxyza/"

const char *const check_verdict_names[] = {"unchecked", "ok", "faulty"};

static const struct render_env env = {.seed_url = {URL, sizeof(URL) - 1}};

/* What is being checked. */
struct item {
    const struct node *node; /* NULL: a script without a node */
    struct document document;
    const char *name;  /* of the document */
    uint64_t position; /* among all documents: by node, then by number */
};

/* Something to report. */
struct finding {
    uint64_t position; /* of its item */
    struct place at;   /* in a template */
    bool warning;
    const char *msg, *excerpt, *owner, *part; /* excerpt and owner may be NULL */
    struct str key; /* an OpenPGP key, for which `msg` only says where it stands; else empty */
};

/* Places that were reported, so that a thousand nodes with one mistake make one line. */
struct seen {
    struct seen_place {
        uint64_t file, key; /* hashes */
        uint32_t line, column;
        uint64_t position; /* of the first item that was reported there */
    } * list;
    uint32_t n, room;
    struct map map;
};

/* What the threads share. */
struct pool {
    const struct tree *tree;
    const struct scope_tables *tables;
    const struct check_run *run;
    atomic_uint_least32_t next; /* node to be checked */
    atomic_bool stopped;
    pthread_mutex_t lock; /* held while run->on_node is called */
};

/* One thread's part. */
struct worker {
    struct pool *pool;
    pthread_t thread;
    struct check_result result;
    struct finding *findings;
    uint32_t findings_n, findings_room;
    struct check_unseen *unseen;
    uint32_t unseen_n, unseen_room;
    struct arena kept; /* what findings point to */
    struct seen seen;
    struct arena arena; /* for one document */
    struct buf out, exact;
    struct template_trace trace; /* of `exact` */
};

static void worker_init(struct worker *w, struct pool *p)
{
    *w = (struct worker){.pool = p};
    arena_init(&w->kept, ARENA_BYTES);
    arena_init(&w->arena, ARENA_BYTES);
    buf_init(&w->out, DOCUMENT_MAX_BYTES);
    buf_init(&w->exact, DOCUMENT_MAX_BYTES);
}

static void seen_done(struct seen *s)
{
    free(s->list);
    map_done(&s->map);
}

static void worker_done(struct worker *w)
{
    template_trace_done(&w->trace);
    buf_done(&w->exact);
    buf_done(&w->out);
    arena_done(&w->arena);
    seen_done(&w->seen);
    arena_done(&w->kept);
    free(w->findings);
    free(w->unseen);
}

/* --- Findings ------------------------------------------------------------------------------ */

static struct str seen_key(const void *list, uint32_t i)
{
    const struct seen_place *place = (const struct seen_place *)list + i;
    return (struct str){(const char *)place, offsetof(struct seen_place, position)};
}

/* False where an earlier document reported something at this place, or this key was reported. */
static bool seen_put(struct seen *s, const struct finding *f)
{
    s->list = mem_grow(s->list, s->n, &s->room, sizeof(*s->list));
    s->list[s->n] = (struct seen_place){.file = hash64(str_from(f->at.file ? f->at.file : "")),
                                        .key = f->key.n ? hash64(f->key) : 0,
                                        .line = f->at.line,
                                        .column = f->at.column,
                                        .position = f->position};
    uint32_t there = map_put(&s->map, seen_key, s->list, s->n);
    s->n += there == MAP_NONE;
    return there == MAP_NONE || (!f->key.n && s->list[there].position == f->position);
}

/* The rest of a finding for which seen_put was true. */
static void add(struct worker *w, const struct item *i, struct finding f)
{
    f.msg = arena_str(&w->kept, str_from(f.msg)).p;
    f.excerpt = *f.excerpt ? arena_str(&w->kept, str_from(f.excerpt)).p : NULL;
    f.owner = i->node ? arena_str(&w->kept, i->node->name).p : NULL;
    f.part = arena_str(&w->kept, str_from(i->name)).p;
    f.key = arena_str(&w->kept, f.key);
    w->findings = mem_grow(w->findings, w->findings_n, &w->findings_room, sizeof(*w->findings));
    w->findings[w->findings_n++] = f;
}

/* "user-data of node 'k8s-worker-2'" */
static const char *subject(struct worker *w, const struct item *i)
{
    if (!i->node)
        return i->name;
    return arena_printf(&w->arena, "%s of node '%.*s'", i->name, STR_ARG(i->node->name)).p;
}

static void find_refusal(struct worker *w, const struct item *i, const struct template_fault *fault)
{
    struct finding f = {.position = i->position, .at = fault->at, .excerpt = fault->excerpt};
    if (!seen_put(&w->seen, &f))
        return;
    f.msg = arena_printf(&w->arena, "%s (rendering %s%s%s)", fault->msg, subject(w, i),
                         fault->trace[0] ? ", " : "", fault->trace)
                .p;
    add(w, i, f);
}

/* The same text again, this time with exact places in the templates. */
static bool render_exactly(struct worker *w, const struct item *i)
{
    struct template_fault f;
    w->trace.n = 0;
    buf_clear(&w->exact);
    int r = document_render_as_written(w->pool->tables, i->node, i->document, &env, &w->arena,
                                       &w->exact, &w->trace, &f);
    if (r < 0)
        find_refusal(w, i, &f);
    return r == 0 && str_eq(buf_view(&w->out), buf_view(&w->exact)) && w->trace.n;
}

/* The byte at a line and a column (in characters) of a text that is not empty. libyaml's end of a
 * text lies behind its last byte. */
static size_t offset_of(struct str text, struct place at)
{
    size_t i = 0;
    for (; at.line > 1; at.line--) {
        const char *end = memchr(text.p + i, '\n', text.n - i);
        i = end ? (size_t)(end - text.p) + 1 : text.n;
    }
    for (; at.column > 1 && i < text.n; at.column--) {
        i++;
        while (i < text.n && (text.p[i] & 0xC0) == 0x80)
            i++;
    }
    return i < text.n ? i : text.n - 1;
}

/* Whether YAML reads from the document what the variable holds. A template that writes a text such
 * as "a: b" without escaping it is at fault itself. */
static bool is_passed_on(struct worker *w, const struct template_piece *piece)
{
    const struct yaml_node *root;
    struct faults none;
    struct value read;
    if (piece->is_escaped || piece->source.kind != VALUE_STR)
        return true;
    struct str text = value_text(piece->source);
    faults_init(&none);
    bool same = yaml_parse("", text, &w->arena, &none, &root) == 0 && root->kind == YAML_SCALAR &&
                !scalar_read(root, &read) && read.kind == VALUE_STR &&
                str_eq(value_text(read), text);
    faults_done(&none);
    return same;
}

/* `f` has a place in the rendered document, and a message without one, which may be empty. A value
 * that a template only passes on is at fault where it was written. */
static void find_in_text(struct worker *w, const struct item *i, struct finding f)
{
    char excerpt[512] = "";
    uint32_t line = f.at.line;
    size_t at = offset_of(buf_view(&w->exact), f.at);
    const struct template_piece *piece = template_trace_find(&w->trace, at);
    f.position = i->position;
    f.excerpt = excerpt;
    struct place in_template = template_piece_place(&w->trace, piece, at);
    bool is_from_tree =
        i->node && is_passed_on(w, piece) &&
        scope_source(tree_site(w->pool->tree), i->node, piece->source, &f.at) != NULL;
    if (!is_from_tree)
        f.at = in_template;
    if (!seen_put(&w->seen, &f))
        return;
    const char *where = arena_printf(&w->arena, "line %" PRIu32 " of %s", line, subject(w, i)).p;
    if (is_from_tree)
        where =
            arena_printf(&w->arena, "%s, by %s:%" PRIu32, where, in_template.file, in_template.line)
                .p;
    else
        template_excerpt(piece->t, f.at, excerpt, sizeof(excerpt));
    f.msg = *f.msg ? arena_printf(&w->arena, "%s (%s)", f.msg, where).p : where;
    add(w, i, f);
}

/* Each OpenPGP key in the scalars below `y`: some hold several. */
static void find_keys(struct worker *w, const struct item *i, const struct yaml_node *y)
{
    struct str key = y->kind == YAML_SCALAR ? inspect_find_key(yaml_text(y)) : STR("");
    while (key.n) {
        struct str next = inspect_find_key(str_skip(key, 1));
        struct finding f = {
            .at = yaml_place(i->name, y), .msg = "", .key = str_head(key, key.n - next.n)};
        find_in_text(w, i, f);
        key = next;
    }
    for (uint32_t k = 0; y->kind == YAML_SEQUENCE && k < y->n; k++)
        find_keys(w, i, y->items[k]);
    for (uint32_t k = 0; y->kind == YAML_MAPPING && k < y->n; k++)
        find_keys(w, i, y->pairs[k].value);
}

/* --- What only a reader on the node can judge ---------------------------------------------- */

uint32_t check_unseen_count(struct check_unseen *list, uint32_t n, const struct check_unseen *one)
{
    uint32_t i = 0;
    while (i < n &&
           !(str_eq(list[i].document, one->document) && strcmp(list[i].what, one->what) == 0))
        i++;
    if (i == n)
        list[i] = (struct check_unseen){one->document, one->what, one->node, one->position, 0};
    if (one->position < list[i].position) {
        list[i].node = one->node;
        list[i].position = one->position;
    }
    list[i].nodes += one->nodes;
    return i == n ? n + 1 : n;
}

static void note_unseen(struct worker *w, const struct item *i, const char *what)
{
    struct check_unseen one = {.what = what, .position = i->position, .nodes = 1};
    if (!what || !w->pool->run->kept)
        return;
    one.document = arena_str(&w->kept, str_from(i->name));
    one.node = arena_str(&w->kept, i->node->name);
    w->unseen = mem_grow(w->unseen, w->unseen_n, &w->unseen_room, sizeof(*w->unseen));
    w->unseen_n = check_unseen_count(w->unseen, w->unseen_n, &one);
}

/* --- One document -------------------------------------------------------------------------- */

static void inspect_seed_file(struct inspect *in, const struct item *i, enum seed_file file,
                              struct str text, struct yaml_documents *ret)
{
    const struct node *n = i->node;
    bool is_own = i->document.kind == DOCUMENT_SEED && file == SEED_USER_DATA;
    enum user_data_format format = is_own ? n->role->format : FORMAT_ANY;
    const struct yaml_node *root;
    if (file == SEED_META_DATA)
        cloudconfig_check_meta_data(in, text, &root);
    else if (file == SEED_NETWORK_CONFIG)
        netconfig_check(in, text, &root);
    else
        cloudconfig_check(in, text, format, &root);
    if (root && (file == SEED_USER_DATA || file == SEED_VENDOR_DATA))
        manifest_check_written(in, root, n->cluster ? n->cluster->version : STR(""));
    ret->n = root != NULL;
    ret->list = ARENA_ARRAY(in->arena, const struct yaml_node *, 1);
    ret->list[0] = root;
}

/* iPXE knows a script by these bytes. */
static void inspect_ipxe(struct inspect *in, struct str text)
{
    if (!str_starts(text, STR("#!ipxe\n")))
        fault_add(in->faults, (struct place){in->file, 1, 1},
                  "iPXE does not take it for a script: its first line must be #!ipxe, with nothing "
                  "before "
                  "it");
}

/* Sealed files may be of any form; only those that promise one by their names are parsed. */
static bool is_yaml(struct str path)
{
    return str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml")) ||
           str_ends(path, STR(".json"));
}

static void inspect_open(struct inspect *in, const struct item *i, struct str text,
                         struct yaml_documents *ret)
{
    enum seed_file file = document_seed_file(i->node, i->document);
    if (file != SEED_FILE_COUNT)
        inspect_seed_file(in, i, file, text, ret);
    else if (!is_yaml(str_from(i->name)))
        in->unseen = "not for cloud-init";
    else if (yaml_parse_all(in->file, text, in->arena, in->faults, ret) < 0)
        *ret = (struct yaml_documents){0};
}

/* *ret is what was parsed; nothing where the text is not YAML. */
static void inspect_document(struct inspect *in, const struct item *i, struct str text,
                             struct yaml_documents *ret)
{
    struct document d = i->document;
    *ret = (struct yaml_documents){0};
    switch (d.kind) {
    case DOCUMENT_SEED:
    case DOCUMENT_FURTHER: inspect_open(in, i, text, ret); break;
    case DOCUMENT_BOOT:
        if (d.number == LOADER_IPXE)
            inspect_ipxe(in, text);
        break;
    case DOCUMENT_SEALED:
        if (is_yaml(i->node->role->sealed[d.number].path) &&
            yaml_parse_all(in->file, text, in->arena, in->faults, ret) < 0)
            *ret = (struct yaml_documents){0};
        manifest_check_config(in, ret, i->node->cluster->version);
        break;
    default: manifest_check(in, text, i->node->cluster->version, ret);
    }
}

static bool check_text(struct worker *w, const struct item *i)
{
    struct faults found;
    struct yaml_documents docs;
    struct offline offline;
    struct str text = buf_view(&w->out);
    struct inspect in = {.file = i->name, .arena = &w->arena, .faults = &found};
    faults_init(&found);
    inspect_document(&in, i, text, &docs);
    if (offline_applies(tree_site(w->pool->tree), i->node, &w->arena, &offline))
        offline_check(&in, &offline, i->document, text, &docs);
    note_unseen(w, i, in.unseen);
    bool ok = found.errors == 0, keys = w->pool->run->kept && inspect_find_key(text).n;
    if ((found.kept || keys) && render_exactly(w, i)) {
        faults_sort(&found);
        for (size_t k = 0; k < found.kept; k++) {
            const struct fault *f = &found.list[k];
            find_in_text(w, i, (struct finding){.at = f->at, .warning = f->warning, .msg = f->msg});
        }
        for (uint32_t k = 0; keys && k < docs.n; k++)
            find_keys(w, i, docs.list[k]);
    }
    faults_done(&found);
    return ok;
}

static bool check_document(struct worker *w, const struct item *i)
{
    struct template_fault f;
    w->result.documents++;
    buf_clear(&w->out);
    if (document_render(w->pool->tables, i->node, i->document, &env, &w->arena, &w->out, NULL, &f) <
        0) {
        find_refusal(w, i, &f);
        return false;
    }
    enum seed_file file = document_seed_file(i->node, i->document);
    bool unset = file != SEED_FILE_COUNT && file != SEED_META_DATA;
    return (w->out.n == 0 && unset) || check_text(w, i);
}

/* --- All of them --------------------------------------------------------------------------- */

/* Boot scripts of machines that are not nodes, or have not said yet which they are. */
static void check_scripts(struct worker *w)
{
    struct template_fault f;
    for (unsigned i = 0; i < 2 * LOADERS; i++) {
        const struct template *script =
            tree_script(w->pool->tree, i / 2, i % 2 ? SCRIPT_UNKNOWN : SCRIPT_FIRST);
        if (!script)
            continue;
        struct item item = {.name = template_name(script).p, .position = i};
        buf_clear(&w->out);
        if (document_render_script(w->pool->tables, script, &env, &w->arena, &w->out, &f) < 0)
            find_refusal(w, &item, &f);
        arena_reset(&w->arena);
    }
}

static void check_node(struct worker *w, uint32_t number)
{
    struct pool *p = w->pool;
    const struct node *n = tree_node(p->tree, number);
    bool ok = true;
    for (uint32_t i = 0; i < document_count(n); i++) {
        struct item item = {
            .node = n, .document = document_at(n, i), .position = (uint64_t)(number + 1) << 32 | i};
        item.name = arena_str(&w->arena, document_name(n, item.document, &w->arena)).p;
        if (document_template(n, item.document))
            ok = check_document(w, &item) && ok;
        arena_reset(&w->arena);
    }
    w->result.nodes++;
    w->result.faulty += !ok;
    if (p->run->on_node) {
        pthread_mutex_lock(&p->lock);
        p->run->on_node(p->run->cls, number, ok ? CHECK_OK : CHECK_FAULTY);
        pthread_mutex_unlock(&p->lock);
    }
}

static bool is_stopped(const struct check_run *run)
{
    return run->stop && atomic_load_explicit(run->stop, memory_order_relaxed);
}

static bool is_wanted(const struct pool *p, uint32_t i)
{
    if (p->run->only && p->run->only != tree_node(p->tree, i))
        return false;
    return !p->run->wants || p->run->wants(p->run->cls, i);
}

static void *check_nodes(void *cls)
{
    struct worker *w = cls;
    struct pool *p = w->pool;
    uint32_t n = tree_node_count(p->tree), i;
    while ((i = atomic_fetch_add(&p->next, 1)) < n) {
        if (is_stopped(p->run)) {
            atomic_store(&p->stopped, true);
            break;
        }
        if (!is_wanted(p, i))
            continue;
        check_node(w, i);
        if (p->run->yields)
            sched_yield();
    }
    return NULL;
}

/* --- Threads ------------------------------------------------------------------------------- */

static unsigned count_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

static unsigned count_threads(const struct pool *p)
{
    uint32_t n = p->run->only ? 1 : tree_node_count(p->tree);
    unsigned threads = p->run->threads ? p->run->threads : count_cores();
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    threads = threads < n ? threads : n;
    return threads ? threads : 1;
}

/* The calling thread is the first worker; returns how many there are. Where a thread cannot be
 * started, the others do its part. */
static unsigned check_on_threads(struct worker *workers, unsigned n)
{
    unsigned running = 1;
    while (running < n) {
        struct worker *w = &workers[running];
        worker_init(w, workers[0].pool);
        if (pthread_create(&w->thread, NULL, check_nodes, w) != 0) {
            worker_done(w);
            break;
        }
        running++;
    }
    if (!workers[0].pool->run->only)
        check_scripts(&workers[0]);
    check_nodes(&workers[0]);
    for (unsigned i = 1; i < running; i++)
        pthread_join(workers[i].thread, NULL);
    return running;
}

/* --- What was found ------------------------------------------------------------------------ */

/* Those of one document come from one thread, in their order. */
static int by_position(const void *a, const void *b)
{
    const struct finding *const *x = a, *const *y = b;
    if ((*x)->position != (*y)->position)
        return (*x)->position < (*y)->position ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

static void add_key(const struct finding *f, struct arena *a, struct check_result *ret)
{
    struct check_key *key = &ret->keys[ret->keys_n++];
    *key = (struct check_key){.text = arena_str(a, f->key),
                              .at = f->at,
                              .subject = arena_str(a, str_from(f->msg)).p,
                              .owner = arena_str(a, str_from(f->owner)).p,
                              .part = arena_str(a, str_from(f->part)).p};
    if (f->excerpt)
        key->excerpt = arena_str(a, str_from(f->excerpt)).p;
}

static void add_fault(const struct finding *f, struct faults *faults)
{
    faults->owner = f->owner;
    faults->part = f->part;
    if (f->warning)
        fault_warn_excerpt(faults, f->at, f->excerpt, "%s", f->msg);
    else
        fault_add_excerpt(faults, f->at, f->excerpt, "%s", f->msg);
    faults->owner = faults->part = NULL;
}

static int by_first(const void *a, const void *b)
{
    uint64_t x = ((const struct check_unseen *)a)->position,
             y = ((const struct check_unseen *)b)->position;
    return (x > y) - (x < y);
}

/* No document is in it twice. */
static void merge_unseen(const struct worker *workers, unsigned n, struct check_result *ret)
{
    struct arena *a = workers[0].pool->run->kept;
    uint32_t count = 0;
    for (unsigned i = 0; i < n; i++)
        count += workers[i].unseen_n;
    if (!count)
        return;
    ret->unseen = ARENA_ARRAY(a, struct check_unseen, count);
    for (unsigned i = 0; i < n; i++) {
        for (uint32_t k = 0; k < workers[i].unseen_n; k++) {
            struct check_unseen one = workers[i].unseen[k];
            one.document = arena_str(a, one.document);
            one.node = arena_str(a, one.node);
            ret->unseen_n = check_unseen_count(ret->unseen, ret->unseen_n, &one);
        }
    }
    qsort(ret->unseen, ret->unseen_n, sizeof(*ret->unseen), by_first);
}

/* In the order of the documents, whichever thread checked them, and each place once. */
static void merge(const struct worker *workers, unsigned n, struct faults *faults,
                  struct check_result *ret)
{
    struct seen seen = {0};
    uint32_t count = 0, keys = 0;
    for (unsigned i = 0; i < n; i++) {
        const struct check_result *part = &workers[i].result;
        ret->nodes += part->nodes;
        ret->faulty += part->faulty;
        ret->documents += part->documents;
        count += workers[i].findings_n;
    }
    const struct finding **all = MEM_ARRAY(const struct finding *, count);
    for (unsigned i = 0, at = 0; i < n; i++) {
        for (uint32_t k = 0; k < workers[i].findings_n; k++, at++) {
            all[at] = &workers[i].findings[k];
            keys += all[at]->key.n != 0;
        }
    }
    qsort(all, count, sizeof(*all), by_position);
    struct arena *a = workers[0].pool->run->kept;
    if (keys)
        ret->keys = ARENA_ARRAY(a, struct check_key, keys);
    for (uint32_t i = 0; i < count; i++) {
        if (!seen_put(&seen, all[i]))
            continue;
        if (all[i]->key.n)
            add_key(all[i], a, ret);
        else
            add_fault(all[i], faults);
    }
    seen_done(&seen);
    free(all);
}

int check_tree(const struct tree *t, const struct scope_tables *tables, const struct check_run *run,
               struct faults *faults, struct check_result *ret)
{
    struct pool p = {.tree = t, .tables = tables, .run = run, .lock = PTHREAD_MUTEX_INITIALIZER};
    unsigned n = count_threads(&p);
    struct worker *workers = MEM_ARRAY(struct worker, n);
    worker_init(&workers[0], &p);
    n = check_on_threads(workers, n);
    if (!p.stopped) {
        *ret = (struct check_result){0};
        merge(workers, n, faults, ret);
        merge_unseen(workers, n, ret);
    }
    for (unsigned i = 0; i < n; i++)
        worker_done(&workers[i]);
    free(workers);
    pthread_mutex_destroy(&p.lock);
    return p.stopped ? -ECANCELED : 0;
}
