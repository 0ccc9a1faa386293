/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/overlay.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct hidden_file {
    uint32_t used; /* number of the file that hides it */
    const char *path;
};

struct str overlay_next(struct str *folders, struct arena *a)
{
    if (!folders->p)
        return (struct str){0};
    struct str s = str_cut(folders, ':');
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    return arena_str(a, s);
}

void overlay_init(struct overlay *o, struct arena *a, struct faults *faults)
{
    *o = (struct overlay){.hidden_n = 0};
    files_init(&o->files, a, faults);
}

void overlay_done(struct overlay *o)
{
    files_done(&o->files);
    free(o->hidden_files);
    *o = (struct overlay){.hidden_n = 0};
}

static struct str name_of(const void *list, uint32_t i)
{
    return ((const struct files_entry *)list)[i].name;
}

static void hide(struct overlay *o, uint32_t used, const char *path)
{
    o->hidden_files =
        mem_grow(o->hidden_files, o->hidden_n, &o->hidden_room, sizeof(*o->hidden_files));
    o->hidden_files[o->hidden_n++] = (struct hidden_file){used, path};
}

/* The files of one more folder are at the end of the list: those that are hidden go. */
static void lay_under(struct overlay *o, struct map *by_name, uint32_t begin)
{
    uint32_t end = o->files.n;
    o->files.n = begin;
    for (uint32_t i = begin; i < end; i++) {
        struct files_entry file = o->files.list[i];
        o->files.list[o->files.n] = file;
        uint32_t used = map_put(by_name, name_of, o->files.list, o->files.n);
        if (used == MAP_NONE)
            o->files.n++;
        else
            hide(o, used, file.path);
    }
}

void overlay_read(struct overlay *o, struct str folders)
{
    struct map by_name = {0};
    struct str folder;
    for (unsigned n = 0; (folder = overlay_next(&folders, o->files.arena)).p; n++) {
        uint32_t begin = o->files.n;
        if (n == OVERLAY_FOLDERS_MAX) {
            fault_add(o->files.faults, (struct place){.file = folder.p},
                      "there are more than %d folders of templates", OVERLAY_FOLDERS_MAX);
            break;
        }
        files_below(&o->files, folder.p);
        lay_under(o, &by_name, begin);
    }
    map_done(&by_name);
}

/* --- What has changed since ------------------------------------------------------------------ */

#define MARK_BEGINS "{# overrides "
#define MARK_DIGITS 16

/* Not by the files' times: a checkout of Git sets these as it likes. */
static void mark_of(struct str content, char ret[static OVERLAY_MARK_SIZE])
{
    char digest[DIGEST_TEXT_SIZE];
    digest_text(content, digest);
    snprintf(ret, OVERLAY_MARK_SIZE, MARK_BEGINS "%.*s #}", MARK_DIGITS, digest);
}

/* Whether it is a mark of another file, or of another version of that one. */
static bool is_another_mark(struct str line, const char *mark)
{
    struct str digits = str_skip(line, sizeof(MARK_BEGINS) - 1);
    if (!str_starts(line, STR(MARK_BEGINS)) || line.n != strlen(mark))
        return false;
    for (size_t i = 0; i < MARK_DIGITS; i++) {
        if (!memchr("0123456789abcdef", digits.p[i], 16))
            return false;
    }
    return !str_is(line, mark);
}

static void compare(struct overlay_hidden *h)
{
    struct arena a;
    struct err e;
    struct str used, hidden;
    arena_init(&a, OVERLAY_MAX_BYTES / 64);
    if (fs_read(h->path, OVERLAY_MAX_BYTES, &a, &hidden, &e) == 0 &&
        fs_read(h->used->path, OVERLAY_MAX_BYTES, &a, &used, &e) == 0) {
        mark_of(hidden, h->mark);
        h->changed = is_another_mark(str_cut(&used, '\n'), h->mark);
    }
    arena_done(&a);
}

struct overlay_hidden overlay_hidden_at(const struct overlay *o, uint32_t i)
{
    const struct hidden_file *file = &o->hidden_files[i];
    struct overlay_hidden h = {.used = &o->files.list[file->used], .path = file->path};
    bool is_first = true;
    for (uint32_t k = 0; k < i; k++)
        is_first = is_first && o->hidden_files[k].used != file->used;
    if (is_first)
        compare(&h);
    return h;
}

const char *overlay_find(struct str folders, struct str name, struct arena *a)
{
    struct str folder;
    const char *path = NULL;
    while ((folder = overlay_next(&folders, a)).p) {
        const char *candidate = ARENA_JOIN(a, folder, STR("/"), name).p;
        if (!path || access(candidate, F_OK) == 0)
            path = candidate;
        if (access(path, F_OK) == 0)
            break;
    }
    return path;
}
