/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/render.h"

#include "base/guess.h"
#include "base/json.h"
#include "cli/common/term.h"
#include "cli/tree/provenance.h"
#include "render/scope.h"

#include <stdio.h>

/* One node's documents under way. */
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
    bool traced = flags_given(&w->cli->flags, FLAG_PROVENANCE);
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
    if (flags_given(&w->cli->flags, FLAG_PROVENANCE))
        provenance_print(w->r, w->node, text, &w->trace, w->cli->color_out);
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
    bool whole_lines = flags_given(&w->cli->flags, FLAG_PROVENANCE);
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

/* --- JSON ---------------------------------------------------------------------------------- */

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
        JSON_VALUE("pieces", provenance_value(w->r, w->node, text, &w->trace, a)),
    };
    bool traced = flags_given(&w->cli->flags, FLAG_PROVENANCE);
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

/* --- What is asked for --------------------------------------------------------------------- */

/* The document's number. Which there are differs from node to node. */
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
        puts(document_name(w->node, document_at(w->node, i), &w->cli->arena).p);
    return CLI_OK;
}

static int print_node(struct node_rendering *w)
{
    struct cli *c = w->cli;
    uint32_t from = 0, end = document_count(w->node);
    bool one = c->operands_n == 2;
    if (one && find_document(c, w->node, c->operands[1], &from) != CLI_OK)
        return CLI_FAILED;
    if (flags_given(&c->flags, FLAG_NAMES))
        return print_names(w);
    if (flags_given(&c->flags, FLAG_JSON))
        return print_json(w, from, one ? from + 1 : end);
    return one ? print_one(w, document_at(w->node, from)) : print_all(w);
}

static int render_node(struct cli *c, const struct rendition *r)
{
    const struct node *n = seedtree_node(c, r->tree, c->operands[0]);
    if (!n)
        return CLI_FAILED;
    struct node_rendering w = {
        .cli = c, .r = r, .node = n, .url = seedurl_of(&r->urls, n, &c->arena)};
    buf_init(&w.out, DOCUMENT_MAX_BYTES);
    int status = print_node(&w);
    buf_done(&w.out);
    template_trace_done(&w.trace);
    if (w.url_shown)
        rendition_note_placeholder(c, r);
    return status;
}

static int check_words(struct cli *c)
{
    const unsigned others = FLAG_BIT(FLAG_PROVENANCE) | FLAG_BIT(FLAG_JSON) | FLAG_BIT(FLAG_NAMES);
    bool all = flags_given(&c->flags, FLAG_ALL);
    if (all && c->operands_n)
        return cli_misuse(c, "give either --all DIR or a node");
    if (all && (c->flags.given & others))
        return cli_misuse(c, "--all goes with none of --provenance, --json and --names");
    return all || c->operands_n ? CLI_OK : cli_misuse(c, "say which node, or --all DIR");
}

int render_run(struct cli *c)
{
    struct config config;
    struct rendition r = {0};
    int status = check_words(c);
    if (status == CLI_OK)
        status = seedtree_configure(c, &config);
    if (status != CLI_OK)
        return status;
    status = rendition_open(c, &config, NULL, RENDITION_REAL_KEYS, &r);
    if (status == CLI_OK)
        status = flags_given(&c->flags, FLAG_ALL) ? render_all(c, &r, c->flags.value[FLAG_ALL])
                                                  : render_node(c, &r);
    rendition_close(&r);
    return status;
}
