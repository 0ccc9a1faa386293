/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/render.h"

#include "base/guess.h"
#include "cli/faultview.h"
#include "cli/seedurl.h"
#include "render/render.h"

#include <stdio.h>

/* What all files of a node are rendered with. */
struct rendering {
    struct call *call;
    const struct node *node;
    const struct scope_tables *tables;
    struct str url;
    const char *no_secret; /* why the URL holds a placeholder, NULL: it does not */
    bool placeholder_shown;
    struct buf out;
};

static void print_fault(struct call *c, const struct template_fault *f)
{
    struct faults faults;
    faults_init(&faults);
    fault_add_excerpt(&faults, f->at, f->excerpt[0] ? f->excerpt : NULL, "%s%s%s", f->msg,
                      f->trace[0] ? ", " : "", f->trace);
    faultview_print(stderr, &faults, c->color_err);
    faults_done(&faults);
}

static int render(struct rendering *r, enum seed_file file)
{
    struct template_fault fault;
    buf_clear(&r->out);
    int result = render_file(r->tables, r->node, file, r->url, &r->call->arena, &r->out, &fault);
    if (result == 0)
        return CALL_OK;
    print_fault(r->call, &fault);
    return call_fail(r->call, "%s of node '%.*s' cannot be rendered", seed_file_names[file],
                     STR_ARG(r->node->name));
}

static void print(struct rendering *r)
{
    struct str text = buf_view(&r->out);
    fwrite(text.p, 1, text.n, stdout);
    if (memmem(text.p, text.n, r->url.p, r->url.n))
        r->placeholder_shown = r->no_secret;
}

static int render_all(struct rendering *r)
{
    int status = CALL_OK;
    for (int file = 0; file < SEED_FILE_COUNT; file++) {
        if (render(r, (enum seed_file)file) != CALL_OK) {
            status = CALL_FAILED;
            continue;
        }
        printf("# --- %s%s\n", seed_file_names[file], r->out.n ? "" : " (empty)");
        print(r);
        if (r->out.n && r->out.p[r->out.n - 1] != '\n')
            putchar('\n');
    }
    return status;
}

static int render_files(struct rendering *r, enum seed_file file)
{
    buf_init(&r->out, RENDER_MAX_BYTES);
    int status = file == SEED_FILE_COUNT ? render_all(r) : render(r, file);
    if (file != SEED_FILE_COUNT && status == CALL_OK)
        print(r);
    buf_done(&r->out);
    if (r->placeholder_shown)
        call_note(r->call, "the seed URL's key is shown as " SEEDURL_PLACEHOLDER ": %s",
                  r->no_secret);
    return status;
}

/* SEED_FILE_COUNT: all of them. */
static int parse_file(struct call *c, enum seed_file *ret)
{
    struct guess guess;
    *ret = SEED_FILE_COUNT;
    if (c->operands_n < 2)
        return CALL_OK;
    struct str name = str_from(c->operands[1]);
    *ret = seed_file_parse(name);
    if (*ret != SEED_FILE_COUNT)
        return CALL_OK;
    guess_init(&guess, name);
    for (int i = 0; i < SEED_FILE_COUNT; i++)
        guess_offer(&guess, str_from(seed_file_names[i]));
    return call_misuse(c, "there is no file '%s'%s", name.p, guess_text(&guess));
}

/* Without the secret a placeholder does, unless its folder was named. */
static int render_node(struct call *c, const struct config *config, const struct tree *t,
                       enum seed_file file)
{
    const struct node *n = seedtree_node(c, t, c->operands[0]);
    struct rendering r = {.call = c, .node = n};
    struct seedurl urls;
    struct err e;
    int status;
    if (!n)
        return CALL_FAILED;
    if (seedurl_open(config, t, &urls, &e) < 0)
        r.no_secret = e.msg;
    if (r.no_secret && flags_given(&c->flags, FLAG_STATE)) {
        status = call_fail(c, "%s", r.no_secret);
    } else {
        struct scope_tables *tables = scope_tables_new(t);
        r.tables = tables;
        r.url = seedurl_of(&urls, n, &c->arena);
        status = render_files(&r, file);
        scope_tables_free(tables);
    }
    seedurl_close(&urls);
    return status;
}

int render_run(struct call *c)
{
    enum seed_file file;
    struct config config;
    int status = parse_file(c, &file);
    if (status == CALL_OK)
        status = seedtree_configure(c, &config);
    if (status != CALL_OK)
        return status;
    struct tree *tree = seedtree_load(c, &config, NULL);
    if (!tree)
        return CALL_FAILED;
    status = render_node(c, &config, tree, file);
    tree_free(tree);
    return status;
}
