/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/place.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define NOTE_DIGITS 20
#define NOTE_BYTES (NOTE_DIGITS + 1)
/* sqlite.org/fileformat2.html, 4.1, with our pages of 4096 bytes. */
#define WAL_HEADER_BYTES 32
#define WAL_FRAME_BYTES (24 + 4096)

static bool add_suffix(const char *path, const char *suffix, char ret[static PATH_MAX])
{
    return (size_t)snprintf(ret, PATH_MAX, "%s%s", path, suffix) < PATH_MAX;
}

/* --- The files ------------------------------------------------------------------------------- */

static struct place_stamp stamp(const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return (struct place_stamp){0};
    return (struct place_stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
}

static struct place_stamp stamp_wal(const char *path)
{
    char wal[PATH_MAX];
    return add_suffix(path, "-wal", wal) ? stamp(wal) : (struct place_stamp){0};
}

static bool is_same_file(const struct place_stamp *a, const struct place_stamp *b)
{
    return a->device == b->device && a->inode == b->inode;
}

static bool is_unchanged(const struct place_stamp *a, const struct place_stamp *b)
{
    return a->bytes == b->bytes && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

void place_learn(struct place_files *p, const char *path)
{
    *p = (struct place_files){stamp(path), stamp_wal(path)};
}

void place_remember_file(struct place_files *p, const char *path)
{
    struct place_stamp file = stamp(path);
    if (is_same_file(&p->file, &file))
        p->file = file;
}

/* Whether the last page that the log had is still in it, and not a hole that was left where it was
 * cut while we wrote behind. The store itself makes it shorter only where it was very long. */
static bool is_cut(const struct place_stamp *was, const struct place_stamp *now, const char *path)
{
    char wal[PATH_MAX];
    uint32_t page = 0; /* counted from 1 */
    if (was->bytes < WAL_HEADER_BYTES + WAL_FRAME_BYTES)
        return false;
    if (now->bytes < was->bytes)
        return now->bytes < PLACE_WAL_LIMIT_BYTES;
    off_t frames = (was->bytes - WAL_HEADER_BYTES) / WAL_FRAME_BYTES;
    off_t last = WAL_HEADER_BYTES + (frames - 1) * WAL_FRAME_BYTES;
    if (!add_suffix(path, "-wal", wal))
        return false;
    FS_CLOSED int fd = open(wal, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && pread(fd, &page, sizeof(page), last) >= 0 && !page;
}

void place_remember_wal(struct place_files *p, const char *path)
{
    struct place_stamp wal = stamp_wal(path);
    if (is_same_file(&p->wal, &wal) && !is_cut(&p->wal, &wal, path))
        p->wal = wal;
}

static const char *what_happened(const struct place_stamp *found)
{
    return found->inode ? "replaced" : "removed or renamed";
}

static int check_file(const struct place_stamp *want, const struct place_stamp *found,
                      const char *path, struct err *e)
{
    if (!want->inode || is_same_file(want, found))
        return 0;
    return err_set(e, -ESTALE,
                   "%s: was %s while the server uses it: nothing is stored until it is back; save "
                   "what it contained with: cloudseed backup FILE",
                   path, what_happened(found));
}

static int check_wal(const struct place_stamp *want, const struct place_stamp *found,
                     const char *path, struct err *e)
{
    if (!want->inode || is_same_file(want, found))
        return 0;
    return err_set(e, -ENOLINK,
                   "%s-wal: was %s while the server uses it: its content is written to %s, which "
                   "is then opened again",
                   path, what_happened(found), path);
}

static int check_content(const struct place_stamp *want, const struct place_stamp *found,
                         const char *path, const char *suffix, struct err *e)
{
    if (!want->inode || is_unchanged(want, found))
        return 0;
    return err_set(e, -ESTALE,
                   "%s%s: was changed by another program while the server uses it: nothing is "
                   "stored any more; stop the server and restore a backup",
                   path, suffix);
}

int place_check_file(const struct place_files *p, const char *path, struct err *e)
{
    struct place_stamp file = stamp(path);
    return check_file(&p->file, &file, path, e);
}

int place_check(const struct place_files *p, const char *path, struct err *e)
{
    struct place_stamp file = stamp(path), wal = stamp_wal(path);
    int r = check_file(&p->file, &file, path, e);
    if (r == 0)
        r = check_content(&p->file, &file, path, "", e);
    if (r == 0)
        r = check_wal(&p->wal, &wal, path, e);
    return r == 0 ? check_content(&p->wal, &wal, path, "-wal", e) : r;
}

/* --- The note -------------------------------------------------------------------------------- */

/* Always as many digits, so that it is overwritten in one sector and needs no room on a full disk.
 * What cannot be read as a number says nothing. */
static uint64_t read_note(int fd)
{
    char text[NOTE_BYTES];
    uint64_t revision;
    if (pread(fd, text, sizeof(text), 0) != NOTE_BYTES ||
        !str_to_u64(str_trim((struct str){text, NOTE_DIGITS}), INT64_MAX, &revision))
        return 0;
    return revision;
}

int place_note_open(struct place_note *n, const char *path, struct err *e)
{
    char note[PATH_MAX];
    struct stat st;
    if (!add_suffix(path, PLACE_NOTE_SUFFIX, note))
        return err_set(e, -ENAMETOOLONG, "%s: the path is too long", path);
    n->fd = open(note, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (n->fd < 0 || fstat(n->fd, &st) < 0)
        return err_errno(e, -errno, "%s", note);
    if (!S_ISREG(st.st_mode))
        return err_set(e, -EINVAL, "%s: not a regular file", note);
    n->revision = read_note(n->fd);
    return 0;
}

void place_note_write(struct place_note *n, uint64_t revision)
{
    char text[NOTE_BYTES + 1];
    if (n->fd < 0)
        return;
    snprintf(text, sizeof(text), "%*" PRIu64 "\n", NOTE_DIGITS, revision);
    if (pwrite(n->fd, text, NOTE_BYTES, 0) == NOTE_BYTES)
        n->revision = revision;
}

void place_note_close(struct place_note *n)
{
    if (n->fd < 0)
        return;
    fdatasync(n->fd);
    close(n->fd);
    n->fd = -1;
}

int place_note_remove(const char *path, struct err *e)
{
    char note[PATH_MAX];
    if (!add_suffix(path, PLACE_NOTE_SUFFIX, note))
        return err_set(e, -ENAMETOOLONG, "%s: the path is too long", path);
    return unlink(note) < 0 && errno != ENOENT ? err_errno(e, -errno, "%s", note) : 0;
}
