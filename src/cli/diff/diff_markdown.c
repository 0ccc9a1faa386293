/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/term.h"
#include "cli/diff/diff.h"

#include <stdio.h>

/* GitHub takes 65,536 characters in a comment. */
#define PAGE_MAX_BYTES ((size_t)60 * 1000)
#define LEFT_OUT_BYTES ((size_t)200) /* for the note that some are left out */
#define ONE_MAX_BYTES ((size_t)1 << 31)

/* Text within HTML: Markdown's own signs mean nothing there, but a table's bar does. */
static void put_text(struct buf *b, struct str text)
{
    struct buf safe;
    buf_init(&safe, ONE_MAX_BYTES);
    term_text(&safe, text);
    for (size_t i = 0; i < safe.n; i++) {
        char c = safe.p[i];
        if (c == '<' || c == '>' || c == '&' || c == '|')
            buf_printf(b, "&#%d;", c);
        else
            buf_char(b, c);
    }
    buf_done(&safe);
}

static void put_code(struct buf *b, struct str text)
{
    buf_str(b, STR("<code>"));
    put_text(b, text);
    buf_str(b, STR("</code>"));
}

/* As many backticks as no line of the text has in a row, and three at least. */
static size_t fence_of(struct str text)
{
    size_t most = 2, row = 0;
    for (size_t i = 0; i < text.n; i++) {
        row = text.p[i] == '`' ? row + 1 : 0;
        most = row > most ? row : most;
    }
    return most + 1;
}

static void put_fence(struct buf *b, size_t n, const char *behind)
{
    while (n--)
        buf_char(b, '`');
    buf_printf(b, "%s\n", behind);
}

static void put_diff(struct buf *b, const struct doc_change *change, struct arena *a)
{
    size_t fence = fence_of(change->hunks);
    struct str rest = ARENA_JOIN(a, diff_head(change, a), change->hunks);
    put_fence(b, fence, "diff");
    while (rest.n) {
        term_line(b, str_cut(&rest, '\n'));
        buf_char(b, '\n');
    }
    put_fence(b, fence, "");
}

static void put_change(struct buf *b, const struct doc_change *change, struct arena *a)
{
    static const char *const verbs[] = {" of ", " is new in ", " is gone from "};
    uint32_t others = change->nodes.n - 1;
    buf_str(b, STR("\n<details><summary>"));
    put_code(b, change->document);
    buf_printf(b, "%s", verbs[change->kind]);
    put_code(b, change->nodes.list[0]);
    if (others)
        buf_printf(b, " and %u other%s", others, others == 1 ? "" : "s");
    buf_str(b, STR("</summary>\n\n"));
    put_diff(b, change, a);
    if (others) {
        buf_printf(b, "\nThe same%s in ", change->alike ? ", but for names and addresses," : "");
        put_text(b, diff_names_text(&change->nodes, 1, a));
        buf_str(b, STR(".\n"));
    }
    buf_str(b, STR("\n</details>\n"));
}

static void put_table(struct buf *b, const struct comparison *m)
{
    if (m->counts_n)
        buf_str(b, STR("\n| Document | Nodes in which it changes |\n|---|---:|\n"));
    for (uint32_t i = 0; i < m->counts_n; i++) {
        buf_str(b, STR("| "));
        put_code(b, m->counts[i].document);
        buf_printf(b, " | %u |\n", m->counts[i].nodes);
    }
}

static void put_notices(struct buf *b, const struct comparison *m, struct arena *a)
{
    const char *before = "\n";
    for (unsigned i = 0; i < DIFF_NOTICES; i++) {
        struct str notice = diff_notice(m, i, a);
        const char *strong = i < DIFF_NOTICES_GRAVE ? "**" : "";
        if (notice.n == 0)
            continue;
        buf_printf(b, "%s- %s", before, strong);
        put_text(b, notice);
        buf_printf(b, "%s\n", strong);
        before = "";
    }
}

/* What does not fit is left out, smaller ones behind it are not. */
static void put_changes(struct buf *page, const struct comparison *m, struct arena *a)
{
    struct buf one;
    uint32_t left_out = 0;
    buf_init(&one, ONE_MAX_BYTES);
    for (uint32_t i = 0; i < m->changes.n; i++) {
        buf_clear(&one);
        put_change(&one, &m->changes.list[i], a);
        if (page->n + one.n + LEFT_OUT_BYTES <= PAGE_MAX_BYTES)
            buf_str(page, buf_view(&one));
        else
            left_out++;
    }
    if (left_out)
        buf_printf(page,
                   "\n%u of %u changes are left out for want of room: `cloudseed diff` shows "
                   "them.\n",
                   left_out, m->changes.n);
    buf_done(&one);
}

void diff_print_markdown(struct cli *c, const struct comparison *m)
{
    struct buf page;
    buf_init(&page, ONE_MAX_BYTES);
    struct str summary = m->changed.n ? diff_nodes_text(m->changed.n, &c->arena) : STR("no node");
    buf_printf(&page, "### Rendered by cloudseed: %.*s %s\n", STR_ARG(summary),
               m->changed.n > 1 ? "change" : "changes");
    put_table(&page, m);
    put_notices(&page, m, &c->arena);
    put_changes(&page, m, &c->arena);
    fwrite(page.p, 1, page.n, stdout);
    buf_done(&page);
}
