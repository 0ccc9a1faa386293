/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/guess.h"
#include "base/json.h"
#include "cli/common/cli.h"
#include "cli/common/folder.h"
#include "cli/common/progress.h"
#include "cli/common/term.h"
#include "cli/tree/rendition.h"
#include "render/provenance.h"
#include "render/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/* The rendering of one node's documents. */
struct node_rendering {
    struct cli *cli;
    const struct rendition *r;
    const struct node *node;
    struct str url;
    bool url_shown;
    struct buf out;
    struct template_trace trace;
};

static int render(struct node_rendering *w, struct document d)
{
    const struct render_env env = {.seed_url = w->url};
    bool traced = flags_given(&w->cli->flags, "provenance");
    struct template_fault fault;
    buf_clear(&w->out);
    w->trace.n = 0;
    int r = traced ? document_render_as_written(w->r->tables, w->node, d, &env, &w->cli->arena,
                                                &w->out, &w->trace, &fault)
                   : document_render(w->r->tables, w->node, d, &env, &w->cli->arena, &w->out, NULL,
                                     &fault);
    if (r < 0)
        return rendition_fail(w->cli, w->r, w->node, d, &fault);
    struct str text = buf_view(&w->out);
    w->url_shown |= memmem(text.p, text.n, w->url.p, w->url.n) != NULL;
    return CLI_OK;
}

static void print(struct node_rendering *w)
{
    struct str text = buf_view(&w->out);
    if (flags_given(&w->cli->flags, "provenance"))
        rendition_print_provenance(w->r, w->node, text, &w->trace, w->cli->color_out);
    else
        fwrite(text.p, 1, text.n, stdout);
}

static int print_one(struct node_rendering *w, struct document d)
{
    int status = render(w, d);
    if (status == CLI_OK)
        print(w);
    return status;
}

static int print_all(struct node_rendering *w)
{
    bool whole_lines = flags_given(&w->cli->flags, "provenance");
    int status = CLI_OK;
    for (uint32_t i = 0; i < document_count(w->node); i++) {
        struct document d = document_at(w->node, i);
        if (render(w, d) != CLI_OK) {
            status = CLI_FAILED;
            continue;
        }
        printf("%s# --- %s%s%s\n", w->cli->color_out ? TERM_BOLD : "",
               document_name(w->node, d, &w->cli->arena).p, w->out.n ? "" : " (empty)",
               w->cli->color_out ? TERM_PLAIN : "");
        print(w);
        if (!whole_lines && w->out.n && w->out.p[w->out.n - 1] != '\n')
            putchar('\n');
    }
    return status;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void print_json_of(struct node_rendering *w, struct document d, struct cli_list *list)
{
    struct arena *a = &w->cli->arena;
    const struct template *t = document_template(w->node, d);
    struct str text = buf_view(&w->out);
    const struct value_pair pairs[] = {
        JSON_STR("node", w->node->name),
        JSON_STR("document", document_name(w->node, d, a)),
        JSON_VALUE("template", t ? value_str(template_name(t)) : value_none()),
        JSON_STR("text", text),
        JSON_VALUE("pieces", provenance_value(tree_site(w->r->tree), w->node, text, &w->trace, a)),
    };
    bool traced = flags_given(&w->cli->flags, "provenance");
    cli_list_item(list, value_map(pairs, traced ? 5 : 4));
}

static int print_json(struct node_rendering *w, uint32_t from, uint32_t end)
{
    struct cli_list list = {0};
    int status = CLI_OK;
    for (uint32_t i = from; i < end; i++) {
        struct document d = document_at(w->node, i);
        if (render(w, d) == CLI_OK)
            print_json_of(w, d, &list);
        else
            status = CLI_FAILED;
    }
    cli_list_end(&list);
    return status;
}

/* --- What is asked for ---------------------------------------------------------------------- */

/* The index of the document. Nodes have different documents. */
static int find_document(struct cli *c, const struct node *n, const char *name, uint32_t *ret)
{
    struct guess guess;
    guess_init(&guess, str_from(name));
    for (uint32_t i = 0; i < document_count(n); i++) {
        struct str one = document_name(n, document_at(n, i), &c->arena);
        if (str_is(one, name)) {
            *ret = i;
            return CLI_OK;
        }
        guess_offer(&guess, one);
    }
    return cli_fail(c, "node '%.*s' has no document '%s'%s", STR_ARG(n->name), name,
                    guess_text(&guess));
}

static int print_names(struct node_rendering *w)
{
    for (uint32_t i = 0; i < document_count(w->node); i++)
        cli_print_line("%s", document_name(w->node, document_at(w->node, i), &w->cli->arena).p);
    return CLI_OK;
}

static int print_node(struct node_rendering *w)
{
    struct cli *c = w->cli;
    uint32_t from = 0, end = document_count(w->node);
    bool one = c->operands_n == 2;
    if (one && find_document(c, w->node, c->operands[1], &from) != CLI_OK)
        return CLI_FAILED;
    if (flags_given(&c->flags, "names"))
        return print_names(w);
    if (flags_given(&c->flags, "json"))
        return print_json(w, from, one ? from + 1 : end);
    return one ? print_one(w, document_at(w->node, from)) : print_all(w);
}

/* With the faults of registered nodes that cannot be served beside this tree. */
static int add_registered(struct cli *c, const struct config *config, struct rendition *r)
{
    return registered_load(c, config, r->tree, &r->registered);
}

/* A node of the tree, else a registered one: then only the server is asked. NULL after printing
 * that there is none. */
static const struct node *find_node(struct cli *c, const struct config *config, struct rendition *r)
{
    const char *name = c->operands[0];
    if (!tree_find_name(r->tree, str_from(name)) && add_registered(c, config, r) != CLI_OK)
        return NULL;
    return seedtree_node(c, r->tree, r->registered, name);
}

static int render_node(struct cli *c, const struct config *config, struct rendition *r)
{
    const struct node *n = find_node(c, config, r);
    if (!n)
        return CLI_FAILED;
    struct node_rendering w = {
        .cli = c, .r = r, .node = n, .url = seedtree_url(&r->urls, n, &c->arena)};
    buf_init(&w.out, DOCUMENT_MAX_BYTES);
    int status = print_node(&w);
    buf_done(&w.out);
    template_trace_done(&w.trace);
    if (w.url_shown)
        rendition_note_placeholder(c, r);
    return status;
}

/* --- All nodes
 * ------------------------------------------------------------------------------------ */

#define ARENA_BYTES (64 * 1024)
/* Marks a folder that `render --all` may replace. */
#define MARKER ".cloudseed-render"
#define MARKER_TEXT "Made by 'cloudseed render --all', which replaces this folder as a whole.\n"

struct writing {
    struct cli *cli;
    const struct rendition *r;
    const char *folder;
    struct progress progress; /* must end before anything is printed */
    struct arena arena;       /* reset after each node */
    struct buf text;
    uint32_t documents, nodes;
    bool url_shown; /* in any document */
};

static int write_document(struct writing *w, const struct node *n, struct document d,
                          struct str url)
{
    struct template_fault fault;
    struct err e;
    buf_clear(&w->text);
    if (rendition_render(w->r, n, d, url, &w->arena, &w->text, &fault) < 0) {
        progress_end(&w->progress);
        return rendition_fail(w->cli, w->r, n, d, &fault);
    }
    w->url_shown |= memmem(w->text.p, w->text.n, url.p, url.n) != NULL;
    struct str name = document_name(n, d, &w->arena);
    struct str path = arena_printf(&w->arena, "%.*s/%.*s", STR_ARG(n->name), STR_ARG(name));
    if (fs_put(w->folder, path, buf_view(&w->text), &e) < 0) {
        progress_end(&w->progress);
        return cli_fail(w->cli, "%s", e.msg);
    }
    w->documents++;
    return CLI_OK;
}

static int write_nodes(struct writing *w, const struct tree *t)
{
    int status = CLI_OK;
    for (uint32_t i = 0; i < tree_node_count(t) && status == CLI_OK; i++) {
        const struct node *n = tree_node(t, i);
        struct str url = seedtree_url(&w->r->urls, n, &w->arena);
        for (uint32_t j = 0; j < document_count(n) && status == CLI_OK; j++)
            status = write_document(w, n, document_at(n, j), url);
        arena_reset(&w->arena);
        progress_count(&w->progress, ++w->nodes);
        if (cli_interrupted())
            status = CLI_FAILED;
    }
    return status;
}

static uint32_t node_count(const struct rendition *r)
{
    return tree_node_count(r->tree) + tree_node_count(r->registered);
}

/* Writes all documents to a new folder. */
static int write_all(struct cli *c, const struct rendition *r, const char *folder,
                     uint32_t *ret_documents)
{
    struct writing w = {.cli = c, .r = r, .folder = folder};
    struct err e;
    arena_init(&w.arena, ARENA_BYTES);
    buf_init(&w.text, DOCUMENT_MAX_BYTES);
    progress_begin(&w.progress, "rendering nodes");
    progress_total(&w.progress, node_count(r));
    int status = write_nodes(&w, r->tree);
    if (status == CLI_OK)
        status = write_nodes(&w, r->registered);
    progress_end(&w.progress);
    buf_done(&w.text);
    arena_done(&w.arena);
    *ret_documents = w.documents;
    if (status == CLI_OK && w.url_shown)
        rendition_note_placeholder(c, r);
    if (status == CLI_OK && fs_put(folder, STR(MARKER), STR(MARKER_TEXT), &e) < 0)
        return cli_fail(c, "%s", e.msg);
    return status;
}

/* False if it contains anything that an earlier run did not write, such as .git. */
static bool is_ours(const struct fs_entry *list, size_t n, const char *target, struct arena *a)
{
    bool marked = n == 0;
    for (size_t i = 0; i < n; i++) {
        bool marker = strcmp(list[i].name, MARKER) == 0;
        marked |= marker;
        if (!marker && (list[i].name[0] == '.' ||
                        !folder_is(arena_printf(a, "%s/%s", target, list[i].name).p)))
            return false;
    }
    return marked;
}

static int check_target(struct cli *c, const char *target)
{
    const struct fs_entry *list;
    size_t n;
    struct err e;
    int r = fs_list(target, &c->arena, &list, &n, &e);
    if (r == -ENOENT)
        return CLI_OK;
    if (r < 0)
        return cli_fail(c, "%s", e.msg);
    if (is_ours(list, n, target, &c->arena))
        return CLI_OK;
    return cli_fail(c,
                    "%s contains other files: name a new folder, an empty one, or one that "
                    "'render --all' made",
                    target);
}

/* Moves `made` to `target`, in exchange if that exists, so that a reader always finds one of the
 * two. */
static int put_in_place(struct cli *c, const char *made, const char *target)
{
    struct err e;
    if (rename(made, target) == 0)
        return CLI_OK;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return cli_fail(c, "%s: %s", target, strerror(errno));
    if (renameat2(AT_FDCWD, made, AT_FDCWD, target, RENAME_EXCHANGE) < 0)
        return cli_fail(c, "%s: it cannot be replaced: %s", target, strerror(errno));
    if (folder_remove(made, &e) < 0)
        cli_note(c, "%s", e.msg);
    return CLI_OK;
}

static int make(struct cli *c, const struct rendition *r, const char *target)
{
    struct str folder;
    struct err e;
    uint32_t documents;
    if (folder_make(arena_printf(&c->arena, "%s.", target).p, &c->arena, &folder, &e) < 0)
        return cli_fail(c, "%s", e.msg);
    int status = write_all(c, r, folder.p, &documents);
    if (status == CLI_OK)
        status = put_in_place(c, folder.p, target);
    if (status != CLI_OK) {
        folder_remove(folder.p, NULL);
        return status;
    }
    uint32_t nodes = node_count(r);
    cli_print_line("%s: %u document%s of %u node%s", target, documents, documents == 1 ? "" : "s",
                   nodes, nodes == 1 ? "" : "s");
    return status;
}

static int render_all(struct cli *c, const struct rendition *r, const char *target)
{
    struct str path = str_from(target);
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    path = arena_str(&c->arena, path);
    int status = check_target(c, path.p);
    if (status != CLI_OK)
        return status;
    cli_signals_hold();
    status = make(c, r, path.p);
    cli_signals_release();
    return status;
}

static int check_words(struct cli *c)
{
    bool all = flags_given(&c->flags, "all");
    bool others = flags_given(&c->flags, "provenance") || flags_given(&c->flags, "json") ||
                  flags_given(&c->flags, "names");
    if (all && c->operands_n)
        return cli_misuse(c, "give either --all DIR or a node");
    if (all && others)
        return cli_misuse(c, "--all goes with none of --provenance, --json and --names");
    return all || c->operands_n ? CLI_OK : cli_misuse(c, "say which node, or --all DIR");
}

static int run(struct cli *c)
{
    struct config config;
    struct rendition r = {0};
    int status = check_words(c);
    if (status == CLI_OK)
        status = seedtree_configure(c, &config);
    if (status != CLI_OK)
        return status;
    const char *folder = flags_value(&c->flags, "all");
    status = rendition_open(c, &config, NULL, RENDITION_REAL_KEYS, &r);
    if (status == CLI_OK && folder)
        status = add_registered(c, &config, &r);
    if (status == CLI_OK)
        status = folder ? render_all(c, &r, folder) : render_node(c, &config, &r);
    rendition_close(&r);
    return status;
}

const struct command command_render = {
    .name = "render",
    .operands = "NODE [DOCUMENT]",
    .operands_max = 2,
    .flags = FLAGS({"provenance", NULL, "show where each line comes from"},
                   {"all", "DIR", "render everything of every node into a new folder"}, FLAG_JSON,
                   FLAG_NAMES),
    .summary = "print a node's documents as it gets them",
    .help = "DOCUMENT is one of cloud-init's files: meta-data, user-data, vendor-data and\n"
            "network-config; or, of a node that joins a cluster, what it gets at bootstrap:\n"
            "kubeadm-init, kubeadm-join, sealed/PATH and addons/NAME, with placeholders for\n"
            "tokens and secrets. It is printed byte for byte; without DOCUMENT all are printed,\n"
            "each below a line with its name. They have the real seed URL if the server's secret\n"
            "can be read; otherwise the key in it is SEED-KEY.\n"
            "A node that is registered with the server is rendered with this tree's templates.\n"
            "\n"
            "--provenance puts the template and its line before each line, and behind values the\n"
            "names that they are made of, each with the place that set it; with --json in pieces.\n"
            "--names prints only the names of the node's documents.\n"
            "--all renders everything of every node, as DIR/NODE/DOCUMENT. DIR is replaced as a\n"
            "whole, and only if it is new, empty, or made this way; only you can read it.\n"
            "\n"
            "Examples:\n"
            "  cloudseed render k8s-worker-2\n"
            "  cloudseed render k8s-worker-2 user-data >user-data\n"
            "  cloudseed render k8s-worker-2 user-data --provenance\n"
            "  cloudseed render --all ./rendered\n",
    .run = run,
};
