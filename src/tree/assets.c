/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

struct looking {
    const char *folder;
    struct faults *faults;
};

/* A file that cannot be looked at may be there. */
static void look_for(const struct looking *l, const char *what, struct str asset, struct place at)
{
    char path[PATH_MAX];
    struct stat st;
    if (!asset.n ||
        (size_t)snprintf(path, sizeof(path), "%s/%.*s", l->folder, STR_ARG(asset)) >= sizeof(path))
        return;
    int code = stat(path, &st) < 0 ? errno : S_ISREG(st.st_mode) ? 0 : ENOENT;
    if (code == ENOENT || code == ENOTDIR)
        fault_warn(l->faults, at,
                   "%s: there is no file '%.*s' in %s; put it there: cloudseed asset add FILE %.*s",
                   what, STR_ARG(asset), l->folder, STR_ARG(asset));
}

static void look_for_entry(const struct looking *l, const struct boot_entry *e)
{
    look_for(l, "kernel", e->kernel.asset, e->at);
    for (uint32_t i = 0; i < e->initrd_n; i++)
        look_for(l, "initrd", e->initrd[i].asset, e->at);
    look_for(l, "chain", e->chain.asset, e->at);
}

static bool same_place(struct place a, struct place b)
{
    return a.file == b.file && a.line == b.line && a.column == b.column;
}

static void look_for_role(const struct looking *l, const struct role *r)
{
    const struct boot_plan *b = &r->boot;
    if (r->extends && same_place(r->extends->boot.entry.at, b->entry.at))
        return; /* it is the other role's */
    look_for_entry(l, &b->entry);
    for (uint32_t i = 0; i < b->menu_n; i++)
        look_for_entry(l, &b->menu[i]);
}

void tree_check_assets(const struct tree *t, const char *folder, struct faults *faults)
{
    const struct looking l = {folder, faults};
    for (uint32_t i = 0; i < tree_role_count(t); i++)
        look_for_role(&l, tree_role(t, i));
    for (uint32_t i = 0; i < tree_cluster_count(t); i++) {
        const struct cluster *c = tree_cluster(t, i);
        for (uint32_t k = 0; k < c->addons_n; k++)
            look_for(&l, "asset", c->addons[k].asset, c->addons[k].at);
    }
}
