/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/files.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

void files_init(struct files *f, struct arena *a, struct faults *faults)
{
    *f = (struct files){.arena = a, .faults = faults};
}

void files_done(struct files *f)
{
    free(f->list);
    *f = (struct files){0};
}

static bool is_leftover(struct str name)
{
    static const struct str ends[] = {
        {"~", 1}, {".swp", 4}, {".bak", 4}, {".orig", 5}, {".rej", 4}};
    if (name.p[0] == '.' || (name.p[0] == '#' && name.p[name.n - 1] == '#'))
        return true;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (str_ends(name, ends[i]))
            return true;
    }
    return false;
}

static void add(struct files *f, const char *path, const char *folder)
{
    f->list = mem_grow(f->list, f->n, &f->room, sizeof(*f->list));
    f->list[f->n++] = (struct files_entry){path, str_from(path + strlen(folder) + 1)};
}

/* S_IFREG or S_IFDIR; 0 after reporting anything else. */
static mode_t kind_of(struct files *f, const char *path, const struct fs_entry *entry)
{
    struct stat st;
    struct place at = {.file = path};
    if (entry->kind)
        return entry->kind;
    if (stat(path, &st) < 0) {
        fault_add(f->faults, at, "%s", strerror(errno));
        return 0;
    }
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return st.st_mode & S_IFMT;
    fault_warn(f->faults, at, "this is not a regular file; it is not read");
    return 0;
}

typedef void (*on_entry_fn)(struct files *f, const char *path, mode_t kind, const char *folder,
                            unsigned depth);

/* False if there is no such folder. */
static bool each_entry(struct files *f, const char *folder, const char *top, unsigned depth,
                       on_entry_fn on_entry)
{
    struct err e;
    const struct fs_entry *list;
    size_t n;
    int r = fs_list(folder, f->arena, &list, &n, &e);
    if (r == -ENOENT)
        return false;
    if (r < 0)
        fault_add(f->faults, (struct place){.file = folder}, "%s", strerror(-r));
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct str name = str_from(list[i].name);
        if (is_leftover(name))
            continue;
        const char *path = ARENA_JOIN(f->arena, str_from(folder), STR("/"), name).p;
        mode_t kind = kind_of(f, path, &list[i]);
        if (kind)
            on_entry(f, path, kind, top, depth);
    }
    return true;
}

static void on_yaml(struct files *f, const char *path, mode_t kind, const char *folder,
                    unsigned depth)
{
    (void)depth;
    struct place at = {.file = path};
    struct str name = str_from(path);
    if (kind == S_IFDIR)
        fault_warn(f->faults, at, "this is not read: move what is in this folder one level up");
    else if (str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")))
        add(f, path, folder);
    else
        fault_warn(f->faults, at, "this is not read: its name does not end in .yaml or .yml");
}

void files_yaml(struct files *f, const char *folder)
{
    each_entry(f, folder, folder, 0, on_yaml);
}

static void on_any(struct files *f, const char *path, mode_t kind, const char *top, unsigned depth)
{
    if (kind == S_IFREG)
        add(f, path, top);
    else if (depth == FILES_DEPTH_MAX)
        fault_add(f->faults, (struct place){.file = path},
                  "nested deeper than %d folders; does a link lead back?", FILES_DEPTH_MAX);
    else
        each_entry(f, path, top, depth + 1, on_any);
}

void files_below(struct files *f, const char *folder)
{
    if (!each_entry(f, folder, folder, 0, on_any))
        fault_add(f->faults, (struct place){.file = folder},
                  "there is no such folder; the templates of the roles are expected in it");
}
