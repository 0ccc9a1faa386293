/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff/diff.h"

#include "cli/common/folder.h"
#include "cli/common/spawn.h"
#include "tree/overlay.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORT_HASH 12

/* A Git checkout and a revision of it. */
struct checkout {
    struct str top;                            /* its top folder */
    struct str seed;                           /* path below it; empty: the top folder itself */
    struct str templates[OVERLAY_FOLDERS_MAX]; /* the same; p == NULL: outside of it */
    size_t templates_n;
    struct str revision; /* as given by the user */
    struct str commit;
};

/* --- A folder ------------------------------------------------------------------------------- */

static bool is_there(struct str path)
{
    return access(path.p, F_OK) == 0;
}

static int use_folder(struct cli *c, const char *folder, struct baseline *ret)
{
    struct arena *a = &c->arena;
    struct str seed = str_from(folder);
    bool below = !is_there(arena_printf(a, "%s/site.yaml", folder));
    if (below)
        seed = arena_printf(a, "%s/seed", folder);
    if (below && !is_there(arena_printf(a, "%s/site.yaml", seed.p)))
        return cli_fail(c, "%s: there is no site.yaml in it, nor in its folder seed", folder);
    struct str templates = arena_printf(a, "%s/templates", folder);
    if (!below && !folder_is(templates.p))
        templates = arena_printf(a, "%s/../templates", folder);
    ret->alias.name = folder;
    ret->config.seed_dir = seed;
    if (folder_is(templates.p))
        ret->config.templates_dir = templates;
    return CLI_OK;
}

/* --- A revision ----------------------------------------------------------------------------- */

/* The first line of git's output; p == NULL if it fails, with the reason in *ret_why, in the arena.
 */
static struct str ask(struct cli *c, const char *const *argv, struct str *ret_why)
{
    struct spawned git;
    struct err e;
    struct str line = {0};
    int r = spawn_run(argv, 0, &git, &e);
    if (r == 0 && git.status == 0) {
        struct str rest = buf_view(&git.out);
        line = arena_str(&c->arena, str_cut(&rest, '\n'));
    } else {
        *ret_why = arena_str(&c->arena, r < 0 ? str_from(e.msg) : spawned_reason(&git));
    }
    spawned_done(&git);
    return line;
}

/* The path of the folder below `top`; p == NULL if it is outside. */
static struct str below(struct str top, struct str folder, struct arena *a)
{
    char *path = realpath(folder.p, NULL);
    struct str all = str_from(path), rest = {0};
    if (str_eq(all, top))
        rest = STR("");
    else if (str_starts(all, top) && (top.n == 1 || all.p[top.n] == '/'))
        rest = arena_str(a, str_skip(all, top.n == 1 ? 1 : top.n + 1));
    free(path);
    return rest;
}

static int find_checkout(struct cli *c, const struct config *now, struct checkout *o)
{
    const char *const argv[] = {"git", "-C", now->seed_dir.p, "rev-parse", "--show-toplevel", NULL};
    struct str why;
    if (!folder_is(now->seed_dir.p))
        return cli_fail(c, "there is no seed tree %s", now->seed_dir.p);
    o->top = ask(c, argv, &why);
    if (!o->top.n)
        return cli_fail(c,
                        "%s is not in a Git checkout: name the other tree with --against "
                        "DIR (%.*s)",
                        now->seed_dir.p, STR_ARG(why));
    o->seed = below(o->top, now->seed_dir, &c->arena);
    struct str list = now->templates_dir, one;
    while (o->templates_n < OVERLAY_FOLDERS_MAX && (one = overlay_next(&list, &c->arena)).p)
        o->templates[o->templates_n++] = below(o->top, one, &c->arena);
    if (!o->seed.p)
        return cli_fail(c, "%s is not below %s", now->seed_dir.p, o->top.p);
    return CLI_OK;
}

static int find_commit(struct cli *c, struct checkout *o)
{
    struct str wanted = arena_printf(&c->arena, "%.*s^{commit}", STR_ARG(o->revision)), why;
    const char *const argv[] = {"git",      "-C",      o->top.p,           "rev-parse",
                                "--verify", "--quiet", "--end-of-options", wanted.p,
                                NULL};
    o->commit = ask(c, argv, &why);
    if (o->commit.n)
        return CLI_OK;
    return cli_fail(c, "'%.*s' is neither a folder nor a revision of the checkout %s%s%.*s",
                    STR_ARG(o->revision), o->top.p, why.n ? ": " : "", STR_ARG(why));
}

/* Whether the revision contains that folder. */
static bool has_folder(struct cli *c, const struct checkout *o, struct str folder)
{
    struct str object = arena_printf(&c->arena, "%.*s:%.*s", STR_ARG(o->commit), STR_ARG(folder));
    const char *const argv[] = {"git", "-C", o->top.p, "cat-file", "-t", object.p, NULL};
    struct str why;
    return folder.p && str_is(ask(c, argv, &why), "tree");
}

static int run(struct cli *c, const char *const *argv)
{
    struct spawned done;
    struct err e;
    int r = spawn_run(argv, 0, &done, &e), status = CLI_OK;
    struct str reason = spawned_reason(&done);
    if (r < 0)
        status = cli_fail(c, "%s", e.msg);
    else if (done.status)
        status = cli_fail(c, "%s: %.*s", argv[0], STR_ARG(reason));
    spawned_done(&done);
    return status;
}

/* Whether one of the folders is the top of the checkout. */
static bool is_whole(const struct checkout *o)
{
    bool whole = !o->seed.n;
    for (size_t i = 0; i < o->templates_n; i++)
        whole |= o->templates[i].p && !o->templates[i].n;
    return whole;
}

static int extract(struct cli *c, const struct checkout *o, const char *folder)
{
    struct str output = arena_printf(&c->arena, "--output=%s.tar", folder);
    const char *archive[] = {"git",     "--literal-pathspecs",
                             "-C",      o->top.p,
                             "archive", "--format=tar",
                             output.p,  o->commit.p,
                             "--",      [9 + 1 + OVERLAY_FOLDERS_MAX] = NULL};
    const char *const tar[] = {"tar",
                               "--extract",
                               "--no-same-owner",
                               "--file",
                               output.p + strlen("--output="),
                               "--directory",
                               folder,
                               NULL};
    if (!is_whole(o)) {
        size_t n = 9;
        archive[n++] = o->seed.p;
        for (size_t i = 0; i < o->templates_n; i++) {
            if (o->templates[i].p)
                archive[n++] = o->templates[i].p;
        }
    }
    if (mkdir(folder, 0700) < 0)
        return cli_fail(c, "%s: %s", folder, strerror(errno));
    int status = run(c, archive);
    return status == CLI_OK ? run(c, tar) : status;
}

/* The same list, with the folders of the revision where it has them. */
static struct str templates_of(const struct checkout *o, const struct config *now, struct str tree,
                               struct arena *a)
{
    struct str list = now->templates_dir, all = {0}, one;
    for (size_t i = 0; i < o->templates_n && (one = overlay_next(&list, a)).p; i++) {
        if (o->templates[i].p)
            one = ARENA_JOIN(a, tree, STR("/"), o->templates[i]);
        all = all.p ? ARENA_JOIN(a, all, STR(":"), one) : one;
    }
    return all;
}

static int use_revision(struct cli *c, const struct config *now, const char *revision,
                        const char *folder, struct baseline *ret)
{
    struct arena *a = &c->arena;
    struct checkout o = {.revision = str_from(revision)};
    if (find_checkout(c, now, &o) != CLI_OK || find_commit(c, &o) != CLI_OK)
        return CLI_FAILED;
    if (!has_folder(c, &o, o.seed))
        return cli_fail(c, "%s has no folder %s", revision, o.seed.p);
    for (size_t i = 0; i < o.templates_n; i++) {
        if (!has_folder(c, &o, o.templates[i]))
            o.templates[i].p = NULL; /* the current templates are used for both trees */
    }
    struct str tree = arena_printf(a, "%s/tree", folder);
    if (extract(c, &o, tree.p) != CLI_OK)
        return CLI_FAILED;
    ret->config.seed_dir = arena_printf(a, "%s/%s", tree.p, o.seed.p);
    ret->config.templates_dir = templates_of(&o, now, tree, a);
    ret->alias.name = arena_printf(a, "%s (%.*s)", revision, SHORT_HASH, o.commit.p).p;
    ret->alias.folder = arena_printf(a, "%s/", tree.p);
    ret->alias.shown = arena_printf(a, "%s:", revision);
    return CLI_OK;
}

int baseline_open(struct cli *c, const struct config *now, const char *against, const char *folder,
                  struct baseline *ret)
{
    *ret = (struct baseline){.config = *now};
    if (against && folder_is(against))
        return use_folder(c, against, ret);
    return use_revision(c, now, against ? against : "HEAD", folder, ret);
}
