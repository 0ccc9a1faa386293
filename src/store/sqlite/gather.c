/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite/gather.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* SQLite's own VFS takes the length of a write for less than 128 KiB. */
#define GATHER_BYTES (120 * 1024)

/* Of the log. The VFS below has its own file behind it. */
struct gathered {
    sqlite3_file base; /* first */
    sqlite3_file *below;
    char *bytes; /* not written yet: */
    sqlite3_int64 at;
    int n;
};

static sqlite3_vfs *vfs_below;

static struct gathered *of(sqlite3_file *f)
{
    return (struct gathered *)f;
}

/* What could not be written is forgotten: SQLite rolls back, and writes there again. */
static int flush(struct gathered *g)
{
    int n = g->n;
    g->n = 0;
    return n ? g->below->pMethods->xWrite(g->below, g->bytes, n, g->at) : SQLITE_OK;
}

static int io_close(sqlite3_file *f)
{
    int written = flush(of(f)), code = of(f)->below->pMethods->xClose(of(f)->below);
    free(of(f)->bytes);
    return written == SQLITE_OK ? code : written;
}

static int io_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct gathered *g = of(f);
    int code = SQLITE_OK;
    assert(n <= GATHER_BYTES); /* a page at most */
    if (at != g->at + g->n || n > GATHER_BYTES - g->n)
        code = flush(g);
    if (code != SQLITE_OK)
        return code;
    if (!g->n)
        g->at = at;
    memcpy(g->bytes + g->n, p, (size_t)n);
    g->n += n;
    return SQLITE_OK;
}

/* Everything else meets a file in which all is written. */
#define AFTER_FLUSH(f, call, ...)                               \
    do {                                                        \
        struct gathered *g = of(f);                             \
        int code = flush(g);                                    \
        if (code != SQLITE_OK)                                  \
            return code;                                        \
        return g->below->pMethods->call(g->below, __VA_ARGS__); \
    } while (0)

static int io_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    AFTER_FLUSH(f, xRead, p, n, at);
}

static int io_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    AFTER_FLUSH(f, xTruncate, n);
}

static int io_sync(sqlite3_file *f, int flags)
{
    AFTER_FLUSH(f, xSync, flags);
}

static int io_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    AFTER_FLUSH(f, xFileSize, ret);
}

static int io_lock(sqlite3_file *f, int kind)
{
    return of(f)->below->pMethods->xLock(of(f)->below, kind);
}

static int io_unlock(sqlite3_file *f, int kind)
{
    return of(f)->below->pMethods->xUnlock(of(f)->below, kind);
}

static int io_reserved(sqlite3_file *f, int *ret)
{
    return of(f)->below->pMethods->xCheckReservedLock(of(f)->below, ret);
}

static int io_control(sqlite3_file *f, int op, void *arg)
{
    return of(f)->below->pMethods->xFileControl(of(f)->below, op, arg);
}

static int io_sector(sqlite3_file *f)
{
    return of(f)->below->pMethods->xSectorSize(of(f)->below);
}

static int io_device(sqlite3_file *f)
{
    return of(f)->below->pMethods->xDeviceCharacteristics(of(f)->below);
}

/* Version 1 has no shared memory: a log has none. */
static const sqlite3_io_methods methods = {
    1,       io_close,  io_read,     io_write,   io_truncate, io_sync,   io_size,
    io_lock, io_unlock, io_reserved, io_control, io_sector,   io_device,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    struct gathered *g = of(f);
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL))
        return vfs_below->xOpen(vfs_below, name, f, flags, ret_flags);
    *g = (struct gathered){.below = (sqlite3_file *)(g + 1), .bytes = malloc(GATHER_BYTES)};
    if (!g->bytes)
        return SQLITE_NOMEM;
    int code = vfs_below->xOpen(vfs_below, name, g->below, flags, ret_flags);
    if (code == SQLITE_OK)
        g->base.pMethods = &methods;
    else
        free(g->bytes);
    return code;
}

static sqlite3_vfs gather;

static void install(void)
{
    vfs_below = sqlite3_vfs_find(NULL);
    if (!vfs_below)
        return;
    gather = *vfs_below;
    gather.zName = "gather";
    gather.szOsFile = (int)sizeof(struct gathered) + vfs_below->szOsFile;
    gather.pNext = NULL;
    gather.xOpen = vfs_open;
    if (sqlite3_vfs_register(&gather, 0) != SQLITE_OK)
        vfs_below = NULL;
}

const char *gather_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    return vfs_below ? gather.zName : NULL;
}
