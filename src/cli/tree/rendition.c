/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree/rendition.h"

#include "cli/common/term.h"
#include "render/provenance.h"

#include <stdio.h>

static int open_urls(struct cli *c, const struct config *config, enum rendition_keys keys,
                     struct rendition *r)
{
    if (keys == RENDITION_PLACEHOLDERS) {
        seedtree_urls_open_placeholder(r->tree, &r->urls);
        return CLI_OK;
    }
    if (seedtree_urls_open(config, r->tree, &r->urls, &r->no_secret) < 0 &&
        flags_given(&c->flags, "state"))
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

void rendition_extend(struct rendition *r, const struct registered_nodes *nodes,
                      struct faults *faults)
{
    r->registered = registered_extend(nodes, r->tree, faults);
}

void rendition_close(struct rendition *r)
{
    seedtree_urls_close(&r->urls);
    scope_tables_free(r->tables);
    tree_free(r->registered);
    tree_free(r->tree);
    *r = (struct rendition){0};
}

void rendition_note_placeholder(const struct cli *c, const struct rendition *r)
{
    if (r->no_secret.code < 0)
        cli_note(c, "the seed URL's key is shown as " SEEDTREE_URL_PLACEHOLDER ": %s",
                 r->no_secret.msg);
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

#define LINE_MAX_BYTES ((size_t)1 << 24)
#define NO_TEMPLATE "(cloudseedd)" /* it makes meta-data without a template */

/* --- Provenance for people
 * ---------------------------------------------------------------------------- */

struct view {
    const struct rendition *r;
    const struct node *node;
    struct str text;
    const struct template_trace *trace;
    bool color;
    int width; /* of the left column */
    struct buf line;
};

/* "k8s/node:12". A template's name is its path below the templates folder. */
static struct str left_text(const struct view *v, size_t offset, char *out, size_t size)
{
    const struct template_piece *p = template_trace_find(v->trace, offset);
    if (!p)
        return STR(NO_TEMPLATE);
    struct place at = template_piece_place(v->trace, p, offset);
    snprintf(out, size, "%.*s:%u", STR_ARG(template_name(p->t)), at.line);
    return str_from(out);
}

static void print_names(struct view *v, const struct provenance_names *seen)
{
    const char *before = "  <- ";
    for (size_t i = 0; i < seen->n; i++) {
        struct place at = provenance_place(tree_site(v->r->tree), v->node, seen, i);
        if (!at.file && !provenance_is_of_server(seen->list[i]))
            continue; /* set by an including template */
        printf("%s%s%.*s: ", v->color ? TERM_PLACE : "", before, STR_ARG(seen->list[i]));
        before = ", ";
        if (!at.file)
            fputs("(cloudseedd)", stdout);
        else if (at.line)
            printf("%s:%u", at.file, at.line);
        else
            fputs(at.file, stdout);
    }
    if (v->color && *before == ',')
        fputs(TERM_PLAIN, stdout);
}

static struct provenance_names names_between(const struct view *v, size_t begin, size_t end)
{
    struct provenance_names seen = {.n = 0};
    const struct template_piece *p = template_trace_find(v->trace, begin);
    const struct template_piece *behind = v->trace->list + v->trace->n;
    for (; p && p < behind && template_piece_begin(v->trace, p) < end; p++) {
        if (template_piece_is_value(p))
            provenance_add(tree_site(v->r->tree), v->node, p, &seen);
    }
    return seen;
}

static void print_line(struct view *v, size_t begin, size_t end)
{
    char left[512];
    struct str from = left_text(v, begin, left, sizeof(left));
    struct provenance_names seen = names_between(v, begin, end);
    buf_clear(&v->line);
    term_line(&v->line, (struct str){v->text.p + begin, end - begin});
    printf("%s%-*.*s |%s%s%s", v->color ? TERM_DIM : "", v->width, STR_ARG(from),
           v->color ? TERM_PLAIN : "", v->line.n ? " " : "", buf_view(&v->line).p);
    print_names(v, &seen);
    putchar('\n');
}

/* Calls on_line for each line, without its newline. */
static void for_lines(struct view *v, void (*on_line)(struct view *v, size_t begin, size_t end))
{
    struct str rest = v->text;
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');
        size_t begin = (size_t)(line.p - v->text.p);
        on_line(v, begin, begin + line.n);
    }
}

static void widen(struct view *v, size_t begin, size_t end)
{
    char left[512];
    int width = (int)left_text(v, begin, left, sizeof(left)).n;
    (void)end;
    v->width = width > v->width ? width : v->width;
}

void rendition_print_provenance(const struct rendition *r, const struct node *n, struct str text,
                                const struct template_trace *trace, bool color)
{
    struct view v = {.r = r, .node = n, .text = text, .trace = trace, .color = color};
    buf_init(&v.line, LINE_MAX_BYTES);
    for_lines(&v, widen);
    for_lines(&v, print_line);
    buf_done(&v.line);
}
