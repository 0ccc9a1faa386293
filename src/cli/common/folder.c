/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FOLDERS_MAX 16

bool folder_is(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int folder_make(const char *prefix, struct arena *a, struct str *ret, struct err *e)
{
    struct str path = arena_printf(a, "%sXXXXXX", prefix);
    char *made = mkdtemp((char *)path.p); /* arena memory may be written to */
    if (!made)
        return err_errno(e, -errno, "%s", path.p);
    *ret = path;
    return 0;
}

int folder_make_temporary(struct arena *a, struct str *ret, struct err *e)
{
    const char *where = getenv("TMPDIR");
    struct str prefix = arena_printf(a, "%s/cloudseed-", where && *where ? where : "/tmp");
    return folder_make(prefix.p, a, ret, e);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

int folder_remove(const char *folder, struct err *e)
{
    if (nftw(folder, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS) == 0)
        return 0;
    return err_errno(e, -errno, "%s: it cannot be removed", folder);
}
