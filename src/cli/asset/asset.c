/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asset/asset.h"

#include "base/fs.h"
#include "base/mem.h"
#include "cli/common/cli.h"
#include "cli/common/folder.h"
#include "cli/common/progress.h"
#include "cli/common/seedtree.h"
#include "cli/common/term.h"
#include "model/asset.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

int asset_folder_to_fill(struct cli *c, struct str *ret)
{
    int status = asset_folder(c, ret);
    bool is_default = status == CLI_OK && !flags_given(&c->flags, "assets") &&
                      str_starts(*ret, STR(CLOUDSEED_STATE_DIR "/"));
    if (is_default && !folder_is(CLOUDSEED_STATE_DIR))
        return cli_fail(c,
                        "there is no " CLOUDSEED_STATE_DIR ", and no configuration names a folder "
                        "for assets: name it with --assets DIR");
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

/* The hash in NAME.sha256, a line "HASH  NAME" as sha256sum writes it; empty if there is none or it
 * is unreadable. */
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

/* --- Copying and hashing
 * -------------------------------------------------------------------------- */

#define BLOCK_BYTES ((size_t)1024 * 1024)

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno != EINTR)
            return -errno;
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

static int copy_blocks(int from, int to, char *block, struct digest *d, struct progress *p)
{
    uint64_t done = 0;
    for (;;) {
        ssize_t n = read(from, block, BLOCK_BYTES);
        if (cli_interrupted())
            return -EINTR;
        if (n == 0 || (n < 0 && errno != EINTR))
            return n == 0 ? 0 : -errno;
        if (n < 0)
            continue;
        digest_add(d, (struct str){block, (size_t)n});
        int r = to < 0 ? 0 : write_all(to, block, (size_t)n);
        if (r < 0)
            return r;
        done += (uint64_t)n;
        progress_count(p, (uint32_t)(done / BLOCK_BYTES));
    }
}

int asset_copy(int from, int to, uint64_t size, const char *what, char sha256[DIGEST_TEXT_SIZE])
{
    struct progress progress;
    struct digest *digest = digest_new();
    char *block = mem_alloc(BLOCK_BYTES);
    progress_begin_bytes(&progress, what);
    progress_total(&progress, (uint32_t)((size + BLOCK_BYTES - 1) / BLOCK_BYTES));
    int r = copy_blocks(from, to, block, digest, &progress);
    progress_end(&progress);
    free(block);
    digest_end(digest, sha256);
    return r;
}

/* --- Putting one into its place ------------------------------------------------------------- */

struct putting {
    struct cli *cli;
    struct str path; /* of the final file */
    struct str part; /* of the temporary file; the server does not serve names with a leading dot */
    int fd;
};

/* Creates the folders in the path, readable by everyone like the assets. */
static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int r = mkdir(path, 0755);
        if (r == 0)
            r = chmod(path, 0755); /* despite the umask */
        *slash = '/';
        if (r < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

static int part_open(struct putting *p, struct str path)
{
    char folder[4096], name[4096];
    if (path.n >= sizeof(folder))
        return -ENAMETOOLONG;
    memcpy(folder, path.p, path.n + 1);
    memcpy(name, path.p, path.n + 1);
    p->path = path;
    p->part = arena_printf(&p->cli->arena, "%s/.%s.XXXXXX", dirname(folder), basename(name));
    p->fd = mkostemp((char *)(uintptr_t)p->part.p, O_CLOEXEC);
    if (p->fd < 0)
        return -errno;
    return fchmod(p->fd, 0644) < 0 ? -errno : 0;
}

static int part_sync(struct putting *p)
{
    int r = fsync(p->fd) < 0 ? -errno : 0;
    if (close(p->fd) < 0 && r == 0)
        r = -errno; /* network file systems report a full disk here */
    p->fd = -1;
    return r;
}

static void part_drop(struct putting *p)
{
    if (p->fd >= 0)
        close(p->fd);
    if (p->part.n)
        unlink(p->part.p);
}

static int part_publish(struct putting *p)
{
    if (rename(p->part.p, p->path.p) < 0)
        return -errno;
    p->part = STR("");
    return 0;
}

/* A file system that cannot do it answers EINVAL. */
static int sync_folder(struct str path)
{
    char folder[4096];
    if (path.n >= sizeof(folder))
        return -ENAMETOOLONG;
    memcpy(folder, path.p, path.n + 1);
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
    close(fd);
    return r;
}

/* No hash is better than a wrong one: the old one is removed before the file is replaced. */
static int publish(struct putting *asset, struct putting *hash)
{
    if (unlink(hash->path.p) < 0 && errno != ENOENT)
        return -errno;
    int r = part_publish(asset);
    if (r == 0)
        r = part_publish(hash);
    return r == 0 ? sync_folder(asset->path) : r;
}

static int write_hash(struct putting *p, struct str name, const char *sha256)
{
    const char *slash = memrchr(name.p, '/', name.n);
    struct str base = slash ? str_skip(name, (size_t)(slash + 1 - name.p)) : name;
    struct str line = ARENA_JOIN(&p->cli->arena, str_from(sha256), STR("  "), base, STR("\n"));
    int r = write_all(p->fd, line.p, line.n);
    return r == 0 ? part_sync(p) : r;
}

static int fill(struct putting *asset, struct putting *hash, struct str name, int from,
                struct str wanted, char sha256[DIGEST_TEXT_SIZE])
{
    struct arena *a = &asset->cli->arena;
    struct stat st;
    uint64_t size = fstat(from, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    const char *what = ARENA_JOIN(a, STR("adding "), term_safe(name, a)).p;
    int r = make_folders((char *)(uintptr_t)asset->path.p);
    if (r == 0)
        r = part_open(asset, asset->path);
    if (r == 0)
        r = asset_copy(from, asset->fd, size, what, sha256);
    if (r == 0 && wanted.n && !str_eq_nocase(wanted, str_from(sha256)))
        r = -EBADMSG;
    if (r == 0)
        r = part_sync(asset);
    if (r == 0)
        r = part_open(hash, ARENA_JOIN(a, asset->path, STR(ASSET_HASH_ENDING)));
    if (r == 0)
        r = write_hash(hash, name, sha256);
    return r == 0 ? publish(asset, hash) : r;
}

static int put_from(struct cli *c, struct str folder, struct str name, int from, struct str wanted)
{
    struct putting asset = {.cli = c, .fd = -1}, hash = {.cli = c, .fd = -1};
    char sha256[DIGEST_TEXT_SIZE] = "";
    asset.path = ARENA_JOIN(&c->arena, folder, STR("/"), name);
    cli_signals_hold();
    int r = fill(&asset, &hash, name, from, wanted, sha256);
    part_drop(&asset);
    part_drop(&hash);
    int status = CLI_OK;
    if (r == -EBADMSG)
        status = cli_fail(c, "%.*s: its SHA-256 is %s: it was not added", STR_ARG(name), sha256);
    else if (r < 0)
        status = cli_fail(c, "%s: %s", asset.path.p, strerror(-r));
    cli_signals_release();
    if (status == CLI_OK)
        cli_print_line("%s  %.*s", sha256, STR_ARG(name));
    return status;
}

int asset_put(struct cli *c, struct str folder, struct str name, const char *from,
              struct str wanted)
{
    if (strcmp(from, "-") == 0)
        return put_from(c, folder, name, STDIN_FILENO, wanted);
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cli_fail(c, "%s: %s", from, strerror(errno));
    int status = put_from(c, folder, name, fd, wanted);
    close(fd);
    return status;
}

/* --- Verifying -------------------------------------------------------------------------------- */

const char *const asset_verdict_names[] = {"ok", "no hash is recorded", "differs", "missing",
                                           "unreadable"};

enum asset_verdict asset_judge(struct cli *c, struct str folder, const struct asset_entry *e,
                               char sha256[DIGEST_TEXT_SIZE])
{
    struct arena *a = &c->arena;
    if (e->is_missing)
        return ASSET_MISSING;
    int fd = open(ARENA_JOIN(a, folder, STR("/"), e->name).p, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ASSET_UNREADABLE;
    int r = asset_copy(fd, -1, e->size, ARENA_JOIN(a, STR("reading "), term_safe(e->name, a)).p,
                       sha256);
    close(fd);
    if (r < 0)
        return ASSET_UNREADABLE;
    if (!e->sha256.n)
        return ASSET_UNKNOWN;
    return str_eq_nocase(e->sha256, str_from(sha256)) ? ASSET_OK : ASSET_DIFFERS;
}
