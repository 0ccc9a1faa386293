/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/diff.h"

#include "cli/common/cli.h"
#include "cli/common/folder.h"

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
        print_comparison(c, &m);
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
