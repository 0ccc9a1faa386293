/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "cli/asset/asset.h"
#include "cli/common/seedtree.h"
#include "model/asset.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEPTH_MAX 8
#define HASH_FILE_MAX_BYTES 4096

struct asset_walk {
    struct cli *cli;
    struct str folder;
    struct asset_entry *list;
    size_t n, room;
};

int asset_folder(struct cli *c, struct str *ret)
{
    struct config config;
    int status = seedtree_configure(c, &config);
    if (status == CLI_OK)
        *ret = config.assets_dir;
    return status;
}

static struct asset_entry *add(struct asset_walk *w)
{
    if (w->n == w->room) {
        struct asset_entry *more =
            ARENA_ARRAY(&w->cli->arena, struct asset_entry, w->room ? w->room * 2 : 64);
        if (w->n)
            memcpy(more, w->list, w->n * sizeof(*more));
        w->list = more;
        w->room = w->room ? w->room * 2 : 64;
    }
    return &w->list[w->n++];
}

static const char *path_of(struct asset_walk *w, struct str name)
{
    return ARENA_JOIN(&w->cli->arena, w->folder, STR("/"), name).p;
}

/* "HASH  NAME", as sha256sum writes it; empty where there is none that can be read. */
static struct str read_hash(struct asset_walk *w, struct str name)
{
    struct arena *a = &w->cli->arena;
    struct str text;
    const char *path = path_of(w, ARENA_JOIN(a, name, STR(ASSET_HASH_ENDING)));
    if (fs_read(path, HASH_FILE_MAX_BYTES, a, &text, NULL) < 0)
        return STR("");
    struct str hash = str_cut(&text, ' ');
    return digest_text_valid(hash) ? hash : STR("");
}

static bool is_file(struct asset_walk *w, struct str name)
{
    struct stat st;
    return stat(path_of(w, name), &st) == 0 && S_ISREG(st.st_mode);
}

static void take_file(struct asset_walk *w, struct str name, const struct stat *st)
{
    struct str asset = {name.p, name.n - (sizeof(ASSET_HASH_ENDING) - 1)};
    bool is_hash = str_ends(name, STR(ASSET_HASH_ENDING)) && name.n > asset.n && asset.n > 0;
    if (is_hash && is_file(w, asset))
        return;
    if (is_hash)
        name = asset;
    *add(w) = (struct asset_entry){
        .name = name,
        .size = is_hash ? 0 : (uint64_t)st->st_size,
        .changed = st->st_mtim,
        .sha256 = read_hash(w, name),
        .is_missing = is_hash,
    };
}

static int walk(struct asset_walk *w, struct str below, int depth, struct err *e)
{
    const struct fs_entry *list;
    size_t n;
    int r = fs_list(path_of(w, below), &w->cli->arena, &list, &n, e);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct str name =
            ARENA_JOIN(&w->cli->arena, below, below.n ? STR("/") : STR(""), str_from(list[i].name));
        struct stat st, link;
        const char *path = path_of(w, name);
        if (asset_name_refusal(name) || stat(path, &st) < 0 || lstat(path, &link) < 0)
            continue;
        if (S_ISREG(st.st_mode))
            take_file(w, name, &st);
        else if (S_ISDIR(link.st_mode) && depth < DEPTH_MAX)
            r = walk(w, name, depth + 1, e);
    }
    return r;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct asset_entry *)a)->name, ((const struct asset_entry *)b)->name);
}

int asset_entries(struct cli *c, struct str folder, struct asset_entry **ret, size_t *ret_n)
{
    struct asset_walk w = {.cli = c, .folder = folder};
    struct err e;
    int r = walk(&w, STR(""), 1, &e);
    if (r == -ENOENT)
        return cli_fail(c, "%s: there is no such folder; 'cloudseed asset add' makes it", folder.p);
    if (r < 0)
        return cli_fail(c, "%s", e.msg);
    if (w.n)
        qsort(w.list, w.n, sizeof(*w.list), by_name);
    *ret = w.list;
    *ret_n = w.n;
    return CLI_OK;
}

struct asset_entry *asset_find(struct cli *c, struct asset_entry *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(list[i].name, name))
            return &list[i];
    }
    cli_fail(c, "no such asset: %s", name);
    return NULL;
}
