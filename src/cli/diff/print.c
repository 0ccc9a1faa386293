/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "cli/common/term.h"
#include "cli/diff/diff.h"

#include <stdio.h>
#include <unistd.h>

#define NAMES_SHOWN 12
#define OUTPUT_MAX_BYTES ((size_t)1 << 31)
/* GitHub takes 65,536 characters in a comment. */
#define PAGE_MAX_BYTES ((size_t)60 * 1000)
#define LEFT_OUT_BYTES ((size_t)200) /* kept for the note that some changes are left out */
#define NOTICES 4
#define NOTICES_GRAVE 2 /* the first ones */

/* --- Texts that all forms share ------------------------------------------------------------- */

/* "user-data is new in NODE" */
static const char *const verbs[] = {
    [DOC_CHANGED] = "of", [DOC_ADDED] = "is new in", [DOC_REMOVED] = "is gone from"};

/* "1 node", "2 nodes". */
static struct str nodes_text(uint32_t n, struct arena *a)
{
    return arena_printf(a, "%u node%s", n, n == 1 ? "" : "s");
}

/* The names from number `from` on; of very many only the first, and the number of the others. */
static struct str names_text(const struct name_list *names, uint32_t from, struct arena *a)
{
    uint32_t n = names->n - from, shown = n <= NAMES_SHOWN ? n : NAMES_SHOWN - 1;
    struct str *parts = ARENA_ARRAY(a, struct str, (size_t)shown * 2 + 1);
    for (uint32_t i = 0; i < shown; i++) {
        parts[i * 2] = i ? STR(", ") : STR("");
        parts[i * 2 + 1] = names->list[from + i];
    }
    if (shown < n)
        parts[shown * 2] = arena_printf(a, " and %u more", n - shown);
    return arena_join(a, parts, (size_t)shown * 2 + 1);
}

/* "3 nodes change: user-data of 2, meta-data of 1". */
static struct str summary_text(const struct comparison *m, struct arena *a)
{
    uint32_t n = m->changed.n;
    if (n == 0)
        return arena_printf(a, "nothing that is rendered changes in %s",
                            nodes_text(tree_node_count(m->now.tree) - m->added.n, a).p);
    struct str text =
        arena_printf(a, "%s%s: ", nodes_text(n, a).p, n == 1 ? " changes" : " change");
    for (uint32_t i = 0; i < m->counts_n; i++)
        text = arena_printf(a, "%s%s%.*s of %u", text.p, i ? ", " : "",
                            STR_ARG(m->counts[i].document), m->counts[i].nodes);
    return text;
}

/* "1 node is added: k8s-worker-4" and the like; empty if there is nothing to say. */
static struct str notice_text(const struct comparison *m, unsigned number, struct arena *a)
{
    static const char *const what[][2] = {
        {"is another instance to cloud-init, which runs again there as on a new machine",
         "are other instances to cloud-init, which runs again there as on new machines"},
        {"gets a new seed key: what holds the old one, as a VM's serial does, finds nothing",
         "get new seed keys: what holds an old one, as a VM's serial does, finds nothing"},
        {"is added", "are added"},
        {"is removed", "are removed"},
    };
    const struct name_list *names[] = {&m->reborn, &m->rekeyed, &m->added, &m->removed};
    if (names[number]->n == 0)
        return STR("");
    return arena_printf(a, "%s %s: %s", nodes_text(names[number]->n, a).p,
                        what[number][names[number]->n > 1], names_text(names[number], 0, a).p);
}

static const char *alike_text(const struct doc_change *change)
{
    return change->alike ? ", but for names and addresses," : "";
}

/* The two lines before the hunks. */
static struct str head_text(const struct doc_change *change, struct arena *a)
{
    struct str name =
        arena_printf(a, "%.*s/%.*s", STR_ARG(change->nodes.list[0]), STR_ARG(change->document));
    const char *before =
        change->kind == DOC_ADDED ? "/dev/null" : arena_printf(a, "a/%s", name.p).p;
    const char *now = change->kind == DOC_REMOVED ? "/dev/null" : arena_printf(a, "b/%s", name.p).p;
    return arena_printf(a, "--- %s\n+++ %s\n", before, now);
}

/* --- Text ----------------------------------------------------------------------------------- */

struct text_output {
    bool color;
    bool terminal; /* otherwise bytes are printed unchanged: the output may be read by patch(1) */
    struct buf line;
};

static void print_line(struct text_output *s, const char *color, struct str line)
{
    buf_clear(&s->line);
    if (s->terminal)
        term_line(&s->line, line);
    else
        buf_str(&s->line, line);
    printf("%s%.*s%s\n", s->color ? color : "", STR_ARG(buf_view(&s->line)),
           s->color && *color ? TERM_PLAIN : "");
}

static const char *color_of(struct str line)
{
    switch (line.n ? line.p[0] : ' ') {
    case '@': return TERM_PLACE;
    case '-': return TERM_GONE;
    case '+': return TERM_COME;
    default: return "";
    }
}

static void print_lines(struct text_output *s, struct str text, const char *color)
{
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        print_line(s, color ? color : color_of(line), line);
    }
}

static struct str title(const struct doc_change *change, struct arena *a)
{
    struct str text = arena_printf(a, "%.*s %s %.*s", STR_ARG(change->document),
                                   verbs[change->kind], STR_ARG(change->nodes.list[0]));
    uint32_t others = change->nodes.n - 1;
    if (others == 0)
        return text;
    return arena_printf(a, "%s, the same%s in %u other node%s: %s", text.p, alike_text(change),
                        others, others == 1 ? "" : "s", names_text(&change->nodes, 1, a).p);
}

static void print_text(struct cli *c, const struct comparison *m)
{
    struct text_output s = {.color = c->color_out, .terminal = isatty(STDOUT_FILENO)};
    buf_init(&s.line, OUTPUT_MAX_BYTES);
    for (uint32_t i = 0; i < m->changes.n; i++) {
        const struct doc_change *change = &m->changes.list[i];
        print_line(&s, TERM_BOLD, title(change, &c->arena));
        print_lines(&s, head_text(change, &c->arena), TERM_BOLD);
        print_lines(&s, change->hunks, NULL);
        putchar('\n');
    }
    for (unsigned i = 0; i < NOTICES; i++)
        print_lines(&s, notice_text(m, i, &c->arena), i < NOTICES_GRAVE ? TERM_YELLOW : "");
    print_line(&s, TERM_BOLD, summary_text(m, &c->arena));
    buf_done(&s.line);
}

/* --- Markdown ------------------------------------------------------------------------------- */

/* Escapes text for HTML within Markdown, where only a table's bar is special. */
static void put_text(struct buf *b, struct str text)
{
    struct buf safe;
    buf_init(&safe, OUTPUT_MAX_BYTES);
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

/* The length of a fence: more backticks than any run in the text, and at least three. */
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
    struct str rest = ARENA_JOIN(a, head_text(change, a), change->hunks);
    put_fence(b, fence, "diff");
    while (rest.n) {
        term_line(b, str_cut(&rest, '\n'));
        buf_char(b, '\n');
    }
    put_fence(b, fence, "");
}

static void put_change(struct buf *b, const struct doc_change *change, struct arena *a)
{
    uint32_t others = change->nodes.n - 1;
    buf_str(b, STR("\n<details><summary>"));
    put_code(b, change->document);
    buf_printf(b, " %s ", verbs[change->kind]);
    put_code(b, change->nodes.list[0]);
    if (others)
        buf_printf(b, " and %u other%s", others, others == 1 ? "" : "s");
    buf_str(b, STR("</summary>\n\n"));
    put_diff(b, change, a);
    if (others) {
        buf_printf(b, "\nThe same%s in ", alike_text(change));
        put_text(b, names_text(&change->nodes, 1, a));
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
    for (unsigned i = 0; i < NOTICES; i++) {
        struct str notice = notice_text(m, i, a);
        const char *strong = i < NOTICES_GRAVE ? "**" : "";
        if (notice.n == 0)
            continue;
        buf_printf(b, "%s- %s", before, strong);
        put_text(b, notice);
        buf_printf(b, "%s\n", strong);
        before = "";
    }
}

/* Changes that do not fit are left out; smaller ones after them may still fit. */
static void put_changes(struct buf *page, const struct comparison *m, struct arena *a)
{
    struct buf one;
    uint32_t left_out = 0;
    buf_init(&one, OUTPUT_MAX_BYTES);
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
                   "\n%u of %u changes are left out to keep it short: `cloudseed diff` shows "
                   "them.\n",
                   left_out, m->changes.n);
    buf_done(&one);
}

static void print_markdown(struct cli *c, const struct comparison *m)
{
    struct buf page;
    buf_init(&page, OUTPUT_MAX_BYTES);
    struct str summary = m->changed.n ? nodes_text(m->changed.n, &c->arena) : STR("no node");
    buf_printf(&page, "### Rendered by cloudseed: %.*s %s\n", STR_ARG(summary),
               m->changed.n > 1 ? "change" : "changes");
    put_table(&page, m);
    put_notices(&page, m, &c->arena);
    put_changes(&page, m, &c->arena);
    fwrite(page.p, 1, page.n, stdout);
    buf_done(&page);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static struct value names_value(const struct name_list *names, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, names->n);
    for (uint32_t i = 0; i < names->n; i++)
        items[i] = value_str(names->list[i]);
    return value_list(items, names->n);
}

static struct value map_value(struct arena *a, const struct value_pair *pairs, size_t n)
{
    return value_copy(a, value_map(pairs, n));
}

static struct value counts_value(const struct comparison *m, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, m->counts_n);
    for (uint32_t i = 0; i < m->counts_n; i++) {
        const struct value_pair pairs[] = {
            JSON_STR("document", m->counts[i].document),
            JSON_INT("nodes", m->counts[i].nodes),
        };
        items[i] = map_value(a, pairs, 2);
    }
    return value_list(items, m->counts_n);
}

static struct value instances_value(const struct comparison *m, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, m->instances_n);
    for (uint32_t i = 0; i < m->instances_n; i++) {
        const struct compare_instance *c = &m->instances[i];
        const struct value_pair pairs[] = {
            JSON_STR("node", c->node),
            JSON_VALUE("before", c->before.n ? value_str(c->before) : value_none()),
            JSON_VALUE("now", c->now.n ? value_str(c->now) : value_none()),
        };
        items[i] = map_value(a, pairs, 3);
    }
    return value_list(items, m->instances_n);
}

static struct value changes_value(const struct comparison *m, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, m->changes.n);
    for (uint32_t i = 0; i < m->changes.n; i++) {
        const struct doc_change *c = &m->changes.list[i];
        struct str head = head_text(c, a);
        const struct value_pair pairs[] = {
            JSON_STR("document", c->document),
            JSON_STR("kind", str_from(doc_change_kind_names[c->kind])),
            JSON_VALUE("nodes", names_value(&c->nodes, a)),
            JSON_BOOL("identical", !c->alike),
            JSON_STR("diff", ARENA_JOIN(a, head, c->hunks)),
        };
        items[i] = map_value(a, pairs, 5);
    }
    return value_list(items, m->changes.n);
}

static void print_json(struct cli *c, const struct comparison *m)
{
    struct arena *a = &c->arena;
    const struct value_pair pairs[] = {
        JSON_STR("against", str_from(m->before.alias->name)),
        JSON_BOOL("differs", compare_differs(m)),
        JSON_VALUE("changed", names_value(&m->changed, a)),
        JSON_VALUE("added", names_value(&m->added, a)),
        JSON_VALUE("removed", names_value(&m->removed, a)),
        JSON_VALUE("new_seed_keys", names_value(&m->rekeyed, a)),
        JSON_VALUE("new_instances", instances_value(m, a)),
        JSON_VALUE("documents", counts_value(m, a)),
        JSON_VALUE("changes", changes_value(m, a)),
    };
    cli_print_json(value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

void print_comparison(struct cli *c, const struct comparison *m)
{
    if (flags_given(&c->flags, "json"))
        print_json(c, m);
    else if (flags_given(&c->flags, "markdown"))
        print_markdown(c, m);
    else
        print_text(c, m);
}
