/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "cli/common/folder.h"
#include "cli/common/interrupt.h"
#include "cli/common/progress.h"
#include "cli/tree/render.h"
#include "render/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define ARENA_BYTES (64 * 1024)
/* Says that a folder is one of ours, which the next call may replace. */
#define MARKER ".cloudseed-render"
#define MARKER_TEXT "Made by 'cloudseed render --all', which replaces this folder as a whole.\n"

struct writing {
    struct cli *cli;
    const struct rendition *r;
    const char *folder;
    struct progress progress; /* ends before anything is printed */
    struct arena arena;       /* of one node */
    struct buf text;
    uint32_t documents;
    bool url_shown; /* in any of them */
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

static int write_nodes(struct writing *w)
{
    int status = CLI_OK;
    for (uint32_t i = 0; i < tree_node_count(w->r->tree) && status == CLI_OK; i++) {
        const struct node *n = tree_node(w->r->tree, i);
        struct str url = seedurl_of(&w->r->urls, n, &w->arena);
        for (uint32_t j = 0; j < document_count(n) && status == CLI_OK; j++)
            status = write_document(w, n, document_at(n, j), url);
        arena_reset(&w->arena);
        progress_count(&w->progress, i + 1);
        if (interrupt_came())
            status = CLI_FAILED;
    }
    return status;
}

/* Everything into a folder that nobody looks at yet. */
static int write_all(struct cli *c, const struct rendition *r, const char *folder,
                     uint32_t *ret_documents)
{
    struct writing w = {.cli = c, .r = r, .folder = folder};
    struct err e;
    arena_init(&w.arena, ARENA_BYTES);
    buf_init(&w.text, DOCUMENT_MAX_BYTES);
    progress_begin(&w.progress, "rendering nodes");
    progress_total(&w.progress, tree_node_count(r->tree));
    int status = write_nodes(&w);
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

/* False where there is anything that an earlier call did not make: a hidden folder of Git, say. */
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
                    "%s holds other things: name a new folder, an empty one, or one that "
                    "'render --all' made",
                    target);
}

/* Puts `made` where `target` is, if it is: whoever looks finds the one or the other. */
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
    uint32_t nodes = tree_node_count(r->tree);
    printf("%s: %u document%s of %u node%s\n", target, documents, documents == 1 ? "" : "s", nodes,
           nodes == 1 ? "" : "s");
    return status;
}

int render_all(struct cli *c, const struct rendition *r, const char *target)
{
    struct str path = str_from(target);
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    path = arena_str(&c->arena, path);
    int status = check_target(c, path.p);
    if (status != CLI_OK)
        return status;
    interrupt_hold();
    status = make(c, r, path.p);
    interrupt_release();
    return status;
}
