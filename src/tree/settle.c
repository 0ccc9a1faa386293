/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the tree only while nobody changes it: half of a `git checkout` is not a tree. */
#include "tree/load.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#define TRIES_MAX 8
#define FIRST_WAIT_MS 20 /* doubled each time: two and a half seconds in all */
/* Files that changed less than this before are probably followed by others. */
#define QUIET_MS 100
#define ARENA_BYTES (64 * 1024)

/* What can be seen of all files and folders that are read. */
struct look {
    struct arena arena;
    uint64_t hash;
    int64_t newest_ms; /* the last change, wall clock */
};

static void mix(struct look *l, const void *p, size_t n)
{
    const uint64_t both[] = {l->hash, hash64((struct str){p, n})};
    l->hash = hash64((struct str){(const char *)both, sizeof(both)});
}

/* Returns the kind of file; 0: there is none. */
static mode_t look_at(struct look *l, const char *path)
{
    struct stat st;
    int64_t seen[8] = {0};
    if (stat(path, &st) == 0) {
        int64_t now[] = {(int64_t)st.st_dev, (int64_t)st.st_ino, st.st_size,
                         st.st_mtim.tv_sec,  st.st_mtim.tv_nsec, st.st_ctim.tv_sec,
                         st.st_ctim.tv_nsec, (int64_t)st.st_mode};
        int64_t changed_ms = st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000;
        memcpy(seen, now, sizeof(now));
        l->newest_ms = changed_ms > l->newest_ms ? changed_ms : l->newest_ms;
    }
    mix(l, path, strlen(path));
    mix(l, seen, sizeof(seen));
    return (mode_t)seen[7] & S_IFMT;
}

static void look_below(struct look *l, const char *folder, unsigned depth)
{
    const struct fs_entry *list;
    size_t n;
    if (look_at(l, folder) != S_IFDIR || fs_list(folder, &l->arena, &list, &n, NULL) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        const char *path =
            ARENA_JOIN(&l->arena, str_from(folder), STR("/"), str_from(list[i].name)).p;
        if (depth && list[i].kind != S_IFREG)
            look_below(l, path, depth - 1);
        else
            look_at(l, path);
    }
}

static void look(const struct tree_source *from, struct look *ret)
{
    static const char *const folders[] = {"clusters", "roles", "nodes"};
    *ret = (struct look){.hash = 0};
    arena_init(&ret->arena, ARENA_BYTES);
    look_at(ret, arena_printf(&ret->arena, "%s/site.yaml", from->seed_dir).p);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        look_below(ret, arena_printf(&ret->arena, "%s/%s", from->seed_dir, folders[i]).p, 0);
    struct str list = str_from(from->templates_dir), folder;
    while ((folder = overlay_next(&list, &ret->arena)).p)
        look_below(ret, folder.p, FILES_DEPTH_MAX);
    arena_done(&ret->arena);
}

/* A time that is yet to come says nothing: the clock was set. */
static bool is_fresh(const struct look *l)
{
    int64_t age_ms = clock_wall_ms() - l->newest_ms;
    return age_ms >= 0 && age_ms < QUIET_MS;
}

static void wait_before(unsigned next)
{
    int64_t ms = (int64_t)FIRST_WAIT_MS << (next - 1);
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Forgets the faults of what was read half. */
static void forget(struct faults *faults, const struct faults *before)
{
    faults->kept = before->kept;
    faults->errors = before->errors;
    faults->warnings = before->warnings;
}

int tree_load(const struct tree_source *from, struct faults *faults, struct tree **ret)
{
    const struct faults none = *faults;
    struct look before, after;
    struct tree *t = NULL;
    bool whole = false;
    int r = 0;
    for (unsigned i = 0; i < TRIES_MAX && !whole; i++) {
        if (i)
            wait_before(i);
        look(from, &before);
        if (is_fresh(&before) && i < TRIES_MAX - 1)
            continue;
        forget(faults, &none);
        r = load_once(from, faults, &t);
        look(from, &after);
        whole = before.hash == after.hash;
        if (!whole && r == 0)
            tree_free(t);
    }
    if (!whole) {
        forget(faults, &none);
        fault_add(
            faults, (struct place){.file = from->seed_dir},
            "its files, or those of the templates, changed whenever they were read, %d times: "
            "try again when they do not",
            TRIES_MAX);
        r = -EINVAL;
    }
    faults_sort(faults);
    if (r == 0)
        *ret = t;
    return r;
}
