/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmptree: a small seed tree in a folder of its own, for tests that need a real one.
 *
 * A test puts its files in, loads them, and takes the folder away again.
 */
#ifndef CLOUDSEED_TESTS_UNIT_RENDER_TMPTREE_H
#define CLOUDSEED_TESTS_UNIT_RENDER_TMPTREE_H

#include "lib/unit.h"

#include "tree/tree.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct tmptree {
    char folder[32];
    char path[256]; /* of what was put or named last */
};

static inline const char *tmptree_path(struct tmptree *t, const char *name)
{
    snprintf(t->path, sizeof(t->path), "%s/%s", t->folder, name);
    return t->path;
}

static inline void tmptree_init(struct tmptree *t)
{
    static const char *const folders[] = {"seed", "seed/clusters", "seed/roles", "seed/nodes",
                                          "templates"};
    *t = (struct tmptree){.folder = "/tmp/cloudseed-unit-XXXXXX"};
    assert_non_null(mkdtemp(t->folder));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_int_equal(mkdir(tmptree_path(t, folders[i]), 0700), 0);
}

/* "seed/site.yaml", "templates/meta-data", … */
static inline void tmptree_put(struct tmptree *t, const char *name, const char *text)
{
    FILE *f = fopen(tmptree_path(t, name), "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static inline struct tree *tmptree_load(struct tmptree *t)
{
    struct faults faults;
    struct tree *tree = NULL;
    char templates[64];
    faults_init(&faults);
    snprintf(templates, sizeof(templates), "%s/templates", t->folder);
    const struct tree_source from = {.seed_dir = tmptree_path(t, "seed"),
                                     .templates_dir = templates};
    int r = tree_load(&from, &faults, &tree);
    for (size_t i = 0; i < faults.kept; i++)
        print_error("%s:%u: %s\n", faults.list[i].at.file, faults.list[i].at.line,
                    faults.list[i].msg);
    faults_done(&faults);
    assert_int_equal(r, 0);
    return tree;
}

static inline int tmptree_remove(const char *path, const struct stat *st, int kind,
                                 struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void tmptree_done(struct tmptree *t)
{
    nftw(t->folder, tmptree_remove, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
