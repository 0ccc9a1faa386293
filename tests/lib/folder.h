/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder: a folder of its own for each test, which is the working directory while it runs.
 *
 * Paths are relative to it. It goes, with all that is in it, when the test has ended.
 */
#ifndef CLOUDSEED_TESTS_LIB_FOLDER_H
#define CLOUDSEED_TESTS_LIB_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char path[64];
    int back; /* where we came from */
};

static inline int folder_enter(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    snprintf(f->path, sizeof(f->path), "/tmp/cloudseed-test-XXXXXX");
    f->back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = f;
    return f->back < 0 || !mkdtemp(f->path) || chdir(f->path) < 0 ? -1 : 0;
}

static inline int folder_remove_entry(const char *path, const struct stat *st, int kind,
                                      struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline int folder_leave(void **state)
{
    struct folder *f = *state;
    int r = fchdir(f->back);
    close(f->back);
    r |= nftw(f->path, folder_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return r;
}

static inline void folder_file(struct folder *f, const char *path, const char *text)
{
    (void)f;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline void folder_sub(struct folder *f, const char *path)
{
    (void)f;
    assert_int_equal(mkdir(path, 0755), 0);
}

static inline void folder_link(struct folder *f, const char *path, const char *target)
{
    (void)f;
    assert_int_equal(symlink(target, path), 0);
}

static inline void folder_pipe(struct folder *f, const char *path)
{
    (void)f;
    assert_int_equal(mkfifo(path, 0600), 0);
}

#endif
