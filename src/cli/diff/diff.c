/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/diff.h"

#include "cli/common/folder.h"
#include "cli/common/interrupt.h"
#include "cli/diff/baseline.h"

#define NAMES_SHOWN 12

struct str diff_nodes_text(uint32_t n, struct arena *a)
{
    return arena_printf(a, "%u node%s", n, n == 1 ? "" : "s");
}

struct str diff_names_text(const struct name_list *names, uint32_t from, struct arena *a)
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

struct str diff_summary(const struct comparison *m, struct arena *a)
{
    uint32_t n = m->changed.n;
    if (n == 0)
        return arena_printf(a, "nothing that is rendered changes in %s",
                            diff_nodes_text(tree_node_count(m->now.tree) - m->added.n, a).p);
    struct str text =
        arena_printf(a, "%s%s: ", diff_nodes_text(n, a).p, n == 1 ? " changes" : " change");
    for (uint32_t i = 0; i < m->counts_n; i++)
        text = arena_printf(a, "%s%s%.*s of %u", text.p, i ? ", " : "",
                            STR_ARG(m->counts[i].document), m->counts[i].nodes);
    return text;
}

struct str diff_notice(const struct comparison *m, unsigned number, struct arena *a)
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
    return arena_printf(a, "%s %s: %s", diff_nodes_text(names[number]->n, a).p,
                        what[number][names[number]->n > 1], diff_names_text(names[number], 0, a).p);
}

struct str diff_head(const struct doc_change *change, struct arena *a)
{
    struct str name =
        arena_printf(a, "%.*s/%.*s", STR_ARG(change->nodes.list[0]), STR_ARG(change->document));
    const char *before =
        change->kind == DOC_ADDED ? "/dev/null" : arena_printf(a, "a/%s", name.p).p;
    const char *now = change->kind == DOC_REMOVED ? "/dev/null" : arena_printf(a, "b/%s", name.p).p;
    return arena_printf(a, "--- %s\n+++ %s\n", before, now);
}

static void print(struct cli *c, const struct comparison *m)
{
    if (flags_given(&c->flags, FLAG_JSON))
        diff_print_json(c, m);
    else if (flags_given(&c->flags, FLAG_MARKDOWN))
        diff_print_markdown(c, m);
    else
        diff_print_text(c, m);
}

/* Both trees are in memory afterwards, whatever becomes of `folder`. */
static int load_and_compare(struct cli *c, const struct config *now, const char *folder,
                            struct baseline *before, struct comparison *m)
{
    if (baseline_open(c, now, c->flags.value[FLAG_AGAINST], folder, before) != CLI_OK ||
        rendition_open(c, &before->config, &before->alias, RENDITION_PLACEHOLDERS, &m->before) !=
            CLI_OK ||
        rendition_open(c, now, NULL, RENDITION_PLACEHOLDERS, &m->now) != CLI_OK)
        return CLI_FAILED;
    return compare_run(c, folder, flags_given(&c->flags, FLAG_EACH), m);
}

/* The folder is gone before a line is printed: who reads it may stop at any time. */
static int run(struct cli *c, const struct config *now)
{
    struct baseline before;
    struct comparison m = {0};
    struct str folder;
    struct err e;
    interrupt_hold();
    int status = CLI_FAILED;
    if (folder_make_temporary(&c->arena, &folder, &e) < 0) {
        cli_fail(c, "%s", e.msg);
    } else {
        status = load_and_compare(c, now, folder.p, &before, &m);
        if (folder_remove(folder.p, &e) < 0)
            cli_note(c, "%s", e.msg);
    }
    interrupt_release();
    if (status == CLI_OK) {
        print(c, &m);
        status = compare_differs(&m) ? CLI_DIFFERS : CLI_OK;
    }
    compare_done(&m);
    rendition_close(&m.now);
    rendition_close(&m.before);
    return status;
}

int diff_run(struct cli *c)
{
    struct config config;
    if (flags_given(&c->flags, FLAG_JSON) && flags_given(&c->flags, FLAG_MARKDOWN))
        return cli_misuse(c, "give either --json or --markdown");
    if (seedtree_configure(c, &config) != CLI_OK)
        return CLI_FAILED;
    return run(c, &config);
}
