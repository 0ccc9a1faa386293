/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render SEED TEMPLATES NODE DOCUMENT BATCHES: what one rendering of a document costs.
 *
 * Prints the document's size, then the nanoseconds of CPU time of a rendering, averaged over each
 * batch. The document is rendered as the server does it for a request: from the specialized
 * template, into a buffer and an arena that were used before.
 */
#include "render/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PER_BATCH 1000
#define SEED_URL "http://10.0.10.5:8080/s/al75kzngl4gcdv4nw2rvcd3y2nr/"

struct bench {
    struct tree *tree;
    struct scope_tables *tables;
    const struct node *node;
    struct document document;
    struct arena arena;
    struct buf out;
};

static int fail(const char *what, const char *name)
{
    fprintf(stderr, "render: %s%s\n", what, name);
    return 1;
}

static int load(struct bench *b, const char *seed, const char *templates)
{
    struct faults faults;
    faults_init(&faults);
    const struct tree_source from = {.seed_dir = seed, .templates_dir = templates};
    int r = tree_load(&from, &faults, &b->tree);
    for (size_t i = 0; r < 0 && i < faults.kept; i++)
        fail("", faults.list[i].msg);
    faults_done(&faults);
    if (r < 0)
        return fail("this tree has faults: ", seed);
    b->tables = scope_tables_new_for_answers(b->tree);
    return 0;
}

static int find(struct bench *b, const char *node, const char *document)
{
    b->node = tree_find_name(b->tree, str_from(node));
    if (!b->node)
        return fail("there is no node ", node);
    for (uint32_t i = 0; i < document_count(b->node); i++) {
        b->document = document_at(b->node, i);
        if (!strcmp(document_name(b->node, b->document, &b->arena).p, document))
            return 0;
    }
    return fail("the node has no ", document);
}

static int render(struct bench *b)
{
    const struct render_env env = {.seed_url = STR(SEED_URL)};
    struct template_fault fault;
    arena_reset(&b->arena);
    buf_clear(&b->out);
    if (document_render(b->tables, b->node, b->document, &env, &b->arena, &b->out, NULL, &fault) <
        0)
        return fail("", fault.msg);
    return 0;
}

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double batch_ns(struct bench *b)
{
    double begun = cpu_ns();
    for (unsigned i = 0; i < PER_BATCH; i++)
        render(b);
    return (cpu_ns() - begun) / PER_BATCH;
}

static int measure(struct bench *b, int batches)
{
    if (render(b)) /* once for the caches, and to see that it can be done */
        return 1;
    batch_ns(b);
    printf("%zu\n", b->out.n);
    for (int i = 0; i < batches; i++)
        printf("%.1f\n", batch_ns(b));
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    if (argc != 6)
        return fail("five arguments: SEED TEMPLATES NODE DOCUMENT BATCHES", "");
    arena_init(&b.arena, 65536);
    buf_init(&b.out, DOCUMENT_MAX_BYTES);
    int r = load(&b, argv[1], argv[2]) || find(&b, argv[3], argv[4]) || measure(&b, atoi(argv[5]));
    scope_tables_free(b.tables);
    tree_free(b.tree);
    buf_done(&b.out);
    arena_done(&b.arena);
    return r;
}
