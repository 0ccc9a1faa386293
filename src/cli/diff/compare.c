/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/diff.h"

#include "base/mem.h"
#include "cli/common/cli.h"
#include "cli/common/progress.h"
#include "render/scope.h"
#include "tree/yaml.h"

#include <errno.h>

#define ARENA_BYTES (64 * 1024)

/* The comparison of one node. */
struct pair {
    struct cli *cli;
    struct comparison *m;
    struct progress progress; /* must end before anything is printed */
    const struct node *before, *now;
    struct str urls[2]; /* before, now */
    struct buf texts[2];
    struct arena arena;
    bool differs;
    uint32_t done; /* nodes, for the progress */
};

/* The index of the document; UINT32_MAX: the node does not have it. */
static uint32_t find_document(const struct node *n, struct str name, struct arena *a)
{
    for (uint32_t i = 0; i < document_count(n); i++) {
        if (str_eq(document_name(n, document_at(n, i), a), name))
            return i;
    }
    return UINT32_MAX;
}

static void count(struct comparison *m, struct str document)
{
    uint32_t i = 0;
    while (i < m->counts_n && !str_eq(m->counts[i].document, document))
        i++;
    if (i == m->counts_n) {
        m->counts = mem_grow(m->counts, m->counts_n, &m->counts_room, sizeof(*m->counts));
        m->counts[m->counts_n++] = (struct compare_count){.document = document};
    }
    m->counts[i].nodes++;
}

/* The instance-id; empty if it cannot be read. */
static struct str instance_id(struct str meta_data, struct arena *a)
{
    struct faults faults;
    const struct yaml_node *y = NULL;
    faults_init(&faults);
    if (yaml_parse("meta-data", meta_data, a, &faults, &y) == 0)
        y = yaml_get(y, STR("instance-id"));
    faults_done(&faults);
    return y && y->kind == YAML_SCALAR ? yaml_text(y) : STR("");
}

static void compare_instances(struct pair *p, const struct str texts[2])
{
    struct comparison *m = p->m;
    struct str before = instance_id(texts[0], &p->arena), now = instance_id(texts[1], &p->arena);
    if (str_eq(before, now))
        return;
    name_list_add(&m->reborn, p->now->name);
    m->instances =
        mem_grow(m->instances, m->instances_n, &m->instances_room, sizeof(*m->instances));
    m->instances[m->instances_n++] = (struct compare_instance){
        p->now->name,
        arena_str(&m->arena, before),
        arena_str(&m->arena, now),
    };
}

static int fail(struct pair *p, const struct err *e)
{
    progress_end(&p->progress);
    return cli_fail(p->cli, "%s", e->msg);
}

/* The document's text in both trees; p == NULL if its index is UINT32_MAX. */
static int render_both(struct pair *p, const uint32_t numbers[2], struct str ret[2])
{
    const struct node *nodes[] = {p->before, p->now};
    const struct rendition *trees[] = {&p->m->before, &p->m->now};
    for (int i = 0; i < 2; i++) {
        struct template_fault fault;
        ret[i] = (struct str){0};
        buf_clear(&p->texts[i]);
        if (numbers[i] == UINT32_MAX)
            continue;
        struct document d = document_at(nodes[i], numbers[i]);
        if (rendition_render(trees[i], nodes[i], d, p->urls[i], &p->arena, &p->texts[i], &fault) <
            0) {
            progress_end(&p->progress);
            return rendition_fail(p->cli, trees[i], nodes[i], d, &fault);
        }
        ret[i] = buf_view(&p->texts[i]);
    }
    return CLI_OK;
}

static int compare_document(struct pair *p, struct str name, const uint32_t numbers[2])
{
    struct str texts[2];
    struct err e;
    if (render_both(p, numbers, texts) != CLI_OK)
        return CLI_FAILED;
    if (texts[0].p && texts[1].p && str_eq(texts[0], texts[1]))
        return CLI_OK;
    struct str lasting = intern_str(&p->m->texts, name);
    p->differs = true;
    count(p->m, lasting);
    if (str_is(name, seed_file_names[SEED_META_DATA]))
        compare_instances(p, texts);
    if (doc_changes_add(&p->m->changes, p->before, p->now, lasting, texts, &e) < 0)
        return fail(p, &e);
    return CLI_OK;
}

static int compare_documents(struct pair *p)
{
    uint32_t was = document_count(p->before), is = document_count(p->now);
    int status = CLI_OK;
    for (uint32_t i = 0; i < is && status == CLI_OK; i++) {
        struct str name = document_name(p->now, document_at(p->now, i), &p->arena);
        const uint32_t numbers[] = {find_document(p->before, name, &p->arena), i};
        status = compare_document(p, name, numbers);
    }
    for (uint32_t i = 0; i < was && status == CLI_OK; i++) {
        struct str name = document_name(p->before, document_at(p->before, i), &p->arena);
        const uint32_t numbers[] = {i, UINT32_MAX};
        if (find_document(p->now, name, &p->arena) == UINT32_MAX)
            status = compare_document(p, name, numbers);
    }
    return status;
}

static int compare_node(struct pair *p, const struct node *before, const struct node *now)
{
    struct comparison *m = p->m;
    arena_reset(&p->arena);
    p->before = before;
    p->now = now;
    p->differs = false;
    p->urls[0] = seedtree_url(&m->before.urls, before, &p->arena);
    p->urls[1] = seedtree_url(&m->now.urls, now, &p->arena);
    int status = compare_documents(p);
    if (p->differs)
        name_list_add(&m->changed, now->name);
    if (before->key_epoch != now->key_epoch)
        name_list_add(&m->rekeyed, now->name);
    return status;
}

/* Merges the nodes of both trees, which are sorted by name. */
static int compare_nodes(struct pair *p, const struct tree *old, const struct tree *new)
{
    struct comparison *m = p->m;
    uint32_t was = tree_node_count(old), is = tree_node_count(new), i = 0, j = 0;
    int status = CLI_OK;
    while ((i < was || j < is) && status == CLI_OK && !cli_interrupted()) {
        const struct node *before = i < was ? tree_node(old, i) : NULL;
        const struct node *now = j < is ? tree_node(new, j) : NULL;
        int order = !before ? 1 : !now ? -1 : str_cmp(before->name, now->name);
        if (order == 0)
            status = compare_node(p, before, now);
        else
            name_list_add(order < 0 ? &m->removed : &m->added,
                          order < 0 ? before->name : now->name);
        i += order <= 0;
        j += order >= 0;
        progress_count(&p->progress, p->done + j);
    }
    p->done += is;
    return cli_interrupted() ? CLI_FAILED : status;
}

int compare_run(struct cli *c, const char *folder, bool each, struct comparison *ret)
{
    struct pair p = {.cli = c, .m = ret};
    struct err e;
    arena_init(&ret->arena, ARENA_BYTES);
    arena_init(&p.arena, ARENA_BYTES);
    intern_init(&ret->texts, &ret->arena);
    doc_changes_init(&ret->changes, folder, each);
    buf_init(&p.texts[0], DOCUMENT_MAX_BYTES);
    buf_init(&p.texts[1], DOCUMENT_MAX_BYTES);
    progress_begin(&p.progress, "rendering both trees");
    progress_total(&p.progress,
                   tree_node_count(ret->now.tree) + tree_node_count(ret->now.registered));
    int status = compare_nodes(&p, ret->before.tree, ret->now.tree);
    if (status == CLI_OK)
        status = compare_nodes(&p, ret->before.registered, ret->now.registered);
    if (status == CLI_OK && doc_changes_finish(&ret->changes, &e) < 0)
        status = fail(&p, &e);
    progress_end(&p.progress);
    buf_done(&p.texts[0]);
    buf_done(&p.texts[1]);
    arena_done(&p.arena);
    return status;
}

void compare_done(struct comparison *m)
{
    doc_changes_done(&m->changes);
    name_list_done(&m->changed);
    name_list_done(&m->added);
    name_list_done(&m->removed);
    name_list_done(&m->rekeyed);
    name_list_done(&m->reborn);
    free(m->counts);
    free(m->instances);
    intern_done(&m->texts);
    arena_done(&m->arena);
}

bool compare_differs(const struct comparison *m)
{
    return m->changed.n || m->added.n || m->removed.n || m->rekeyed.n;
}
