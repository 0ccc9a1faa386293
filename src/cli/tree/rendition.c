/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/rendition.h"

static int open_urls(struct cli *c, const struct config *config, enum rendition_keys keys,
                     struct rendition *r)
{
    if (keys == RENDITION_PLACEHOLDERS) {
        seedurl_open_placeholder(config, r->tree, &r->urls);
        return CLI_OK;
    }
    if (seedurl_open(config, r->tree, &r->urls, &r->no_secret) < 0 &&
        flags_given(&c->flags, FLAG_STATE))
        return cli_fail(c, "%s", r->no_secret.msg);
    return CLI_OK;
}

int rendition_open(struct cli *c, const struct config *config, const struct seedtree_alias *alias,
                   enum rendition_keys keys, struct rendition *ret)
{
    *ret = (struct rendition){.alias = alias};
    ret->tree = seedtree_load(c, config, alias);
    if (!ret->tree || open_urls(c, config, keys, ret) != CLI_OK)
        return CLI_FAILED;
    ret->tables = scope_tables_new(ret->tree);
    return CLI_OK;
}

void rendition_close(struct rendition *r)
{
    seedurl_close(&r->urls);
    scope_tables_free(r->tables);
    tree_free(r->tree);
    *r = (struct rendition){0};
}

void rendition_note_placeholder(const struct cli *c, const struct rendition *r)
{
    if (r->no_secret.code < 0)
        cli_note(c, "the seed URL's key is shown as " SEEDURL_PLACEHOLDER ": %s", r->no_secret.msg);
}

static void print_fault(struct cli *c, const struct rendition *r, const struct template_fault *f)
{
    struct faults faults;
    faults_init(&faults);
    fault_add_excerpt(&faults, f->at, f->excerpt[0] ? f->excerpt : NULL, "%s%s%s", f->msg,
                      f->trace[0] ? ", " : "", f->trace);
    seedtree_print_faults(c, &faults, r->alias);
    faults_done(&faults);
}

int rendition_render(const struct rendition *r, const struct node *n, struct document d,
                     struct str url, struct arena *a, struct buf *out,
                     struct template_fault *ret_fault)
{
    const struct render_env env = {.seed_url = url};
    return document_render(r->tables, n, d, &env, a, out, NULL, ret_fault);
}

int rendition_fail(struct cli *c, const struct rendition *r, const struct node *n,
                   struct document d, const struct template_fault *f)
{
    print_fault(c, r, f);
    return cli_fail(c, "%s of node '%.*s'%s%s cannot be rendered", document_name(n, d, &c->arena).p,
                    STR_ARG(n->name), r->alias ? " in " : "", r->alias ? r->alias->name : "");
}
