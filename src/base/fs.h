/* SPDX-License-Identifier: Apache-2.0 */
/* fs: whole files, read with a cap and written so that they last, and the pieces to do so. */
#ifndef CLOUDSEED_BASE_FS_H
#define CLOUDSEED_BASE_FS_H

#include "base/arena.h"
#include "base/err.h"

#include <sys/types.h>

/* Reads a regular file (symbolic links are followed) into the arena, with a NUL behind it.
 * -EFBIG beyond max_bytes, -EISDIR, -EINVAL for devices, pipes and the like, else open's or
 * read's errno. The message names the path. */
int fs_read(const char *path, size_t max_bytes, struct arena *a, struct str *ret, struct err *e);
/* The same for files of /proc, which have no size. */
int fs_read_proc(const char *path, size_t max_bytes, struct arena *a, struct str *ret,
                 struct err *e);

/* Creates a file that must not exist yet (-EEXIST), as a whole or not at all: it is written beside
 * its place, synced, linked into place, and the folder is synced. The umask does not apply. */
int fs_create(const char *path, struct str bytes, mode_t mode, struct err *e);

/* The same, in the place of a file that may exist. */
int fs_replace(const char *path, struct str bytes, mode_t mode, struct err *e);

/* Creates the file `name` below `folder`, which must not exist yet, and the folders between. It is
 * not synced: use it for what can be generated again. */
int fs_put(const char *folder, struct str name, struct str bytes, struct err *e);

struct fs_entry {
    const char *name;
    mode_t
        kind; /* S_IFREG, S_IFDIR; 0 where it takes a stat: for links, and on some file systems */
};

/* Opens /dev/null in the place of standard input, output and error where they are closed, so that
 * no file or socket that is opened later is taken for one of them. For the first line of main(). As
 * before, reading or writing there fails. */
void fs_fill_standard(void);

/* Writes all of it. Below 0: -errno. */
int fs_write(int fd, struct str bytes);
/* Syncs the folder that `path` is in, so that a new name in it lasts. */
int fs_sync_parent(const char *path, struct err *e);

/* A local descriptor that is closed at the end of its scope, unless it is below 0. */
#define FS_CLOSED __attribute__((cleanup(fs_close)))
void fs_close(int *fd);

/* The entries of a folder, sorted by the names' bytes, without "." and "..". */
int fs_list(const char *path, struct arena *a, const struct fs_entry **ret, size_t *ret_n,
            struct err *e);

#endif
