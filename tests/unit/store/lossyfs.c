/* SPDX-License-Identifier: Apache-2.0 */
#include "lossyfs.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 16
#define SECTOR 512

/* A change that was not synced yet. */
struct change {
    struct change *next;
    bool truncates;
    size_t at, n;
    unsigned char bytes[];
};

struct file {
    char path[512]; /* empty: free */
    bool is_sure;   /* its name was synced */
    bool deleted;   /* but the deletion was not synced */
    unsigned char *sure;
    size_t n, room;
    struct change *first, **last;
};

struct handle {
    sqlite3_file base; /* first */
    struct file *file; /* NULL: one without a name */
    sqlite3_file *real;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs *under;
static struct file files[FILES_MAX];
static uint64_t steps, cut_at, writes;
static bool is_cut, is_torn;
static uint32_t seed;
static int syncs_before, syncs_failing;

static uint32_t dice(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 16;
}

static void resize(struct file *f, size_t n)
{
    if (n > f->room) {
        f->room = 2 * n;
        f->sure = realloc(f->sure, f->room);
    }
    if (n > f->n && f->sure)
        memset(f->sure + f->n, 0, n - f->n);
    f->n = n;
}

static void apply(struct file *f, const struct change *c, size_t at, size_t n)
{
    if (c->truncates) {
        resize(f, c->at);
        return;
    }
    if (at + n > f->n)
        resize(f, at + n);
    memcpy(f->sure + at, c->bytes + (at - c->at), n);
}

/* Sector by sector, at random. */
static void apply_torn(struct file *f, const struct change *c)
{
    if (c->truncates && dice() % 2)
        apply(f, c, 0, 0);
    for (size_t at = c->at; !c->truncates && at < c->at + c->n;) {
        size_t end = (at / SECTOR + 1) * SECTOR;
        if (end > c->at + c->n)
            end = c->at + c->n;
        if (dice() % 2)
            apply(f, c, at, end - at);
        at = end;
    }
}

enum what { KEEP, TEAR, FORGET };

static void settle(struct file *f, enum what what)
{
    for (struct change *c = f->first, *next; c; c = next) {
        next = c->next;
        if (what == KEEP)
            apply(f, c, c->at, c->n);
        else if (what == TEAR)
            apply_torn(f, c);
        free(c);
    }
    f->first = NULL;
    f->last = &f->first;
}

static void forget_file(struct file *f)
{
    settle(f, FORGET);
    free(f->sure);
    memset(f, 0, sizeof(*f));
}

/* All files are in one folder. */
static void sync_folder_of_all(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (files[i].deleted)
            forget_file(&files[i]);
    }
}

/* False: the power is off. The cut comes before the step that it was set for. */
static bool step(void)
{
    if (is_cut)
        return false;
    if (cut_at && ++steps == cut_at)
        is_cut = true;
    return !is_cut;
}

static struct file *find(const char *path)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (strcmp(files[i].path, path) == 0)
            return &files[i];
    }
    return NULL;
}

/* What a file contains when it is first opened counts as synced. */
static struct file *watch(const char *path)
{
    struct file *f = find(path);
    struct stat st;
    if (f && f->deleted)
        forget_file(f);
    else if (f)
        return f;
    f = find("");
    assert(f && strlen(path) < sizeof(f->path));
    strcpy(f->path, path);
    f->last = &f->first;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0) {
        resize(f, (size_t)st.st_size);
        f->is_sure = read(fd, f->sure, f->n) == (ssize_t)f->n;
        close(fd);
    }
    return f;
}

static void note(struct file *f, bool truncates, size_t at, const void *bytes, size_t n)
{
    struct change *c = malloc(sizeof(*c) + n);
    *c = (struct change){.truncates = truncates, .at = at, .n = n};
    if (n)
        memcpy(c->bytes, bytes, n);
    *f->last = c;
    f->last = &c->next;
}

#define REAL(f) (((struct handle *)(f))->real)
#define CALL(f, method, ...) REAL(f)->pMethods->method(REAL(f), __VA_ARGS__)

static int io_close(sqlite3_file *f)
{
    return REAL(f)->pMethods->xClose(REAL(f));
}

static int io_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    pthread_mutex_lock(&lock);
    bool off = is_cut;
    pthread_mutex_unlock(&lock);
    return off ? SQLITE_IOERR_READ : CALL(f, xRead, p, n, at);
}

static int io_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct file *file = ((struct handle *)f)->file;
    pthread_mutex_lock(&lock);
    bool was_cut = is_cut, on = step();
    writes++;
    if (file && (on || !was_cut)) /* the interrupted write may have been carried out */
        note(file, false, (size_t)at, p, (size_t)n);
    pthread_mutex_unlock(&lock);
    return on ? CALL(f, xWrite, p, n, at) : SQLITE_IOERR_WRITE;
}

static int io_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    struct file *file = ((struct handle *)f)->file;
    pthread_mutex_lock(&lock);
    bool on = step();
    if (on && file)
        note(file, true, (size_t)n, NULL, 0);
    pthread_mutex_unlock(&lock);
    return on ? CALL(f, xTruncate, n) : SQLITE_IOERR_TRUNCATE;
}

/* No real sync: the machine that the test runs on is not the one whose power is cut. */
static int io_sync(sqlite3_file *f, int flags)
{
    struct file *file = ((struct handle *)f)->file;
    (void)flags;
    pthread_mutex_lock(&lock);
    bool on = step();
    if (on && syncs_before > 0)
        syncs_before--;
    else if (on && syncs_failing > 0 && syncs_failing--)
        on = false;
    if (on && file) {
        settle(file, KEEP);
        if (!file->is_sure) /* as SQLite's own VFS does for a new file */
            sync_folder_of_all();
        file->is_sure = true;
    }
    pthread_mutex_unlock(&lock);
    return on ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int io_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return CALL(f, xFileSize, n);
}

static int io_lock(sqlite3_file *f, int kind)
{
    return CALL(f, xLock, kind);
}

static int io_unlock(sqlite3_file *f, int kind)
{
    return CALL(f, xUnlock, kind);
}

static int io_reserved(sqlite3_file *f, int *ret)
{
    return CALL(f, xCheckReservedLock, ret);
}

static int io_control(sqlite3_file *f, int op, void *arg)
{
    return CALL(f, xFileControl, op, arg);
}

static int io_sector(sqlite3_file *f)
{
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int io_device(sqlite3_file *f)
{
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

/* Version 1: no shared memory, no mapped files. The store needs neither. */
static const sqlite3_io_methods methods = {
    1,       io_close,  io_read,     io_write,   io_truncate, io_sync,   io_size,
    io_lock, io_unlock, io_reserved, io_control, io_sector,   io_device,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct handle *h = (struct handle *)f;
    (void)vfs;
    pthread_mutex_lock(&lock);
    bool on = !is_cut;
    *h = (struct handle){.real = (sqlite3_file *)(h + 1)};
    if (on && name)
        h->file = watch(name);
    pthread_mutex_unlock(&lock);
    int code = on ? under->xOpen(under, name, h->real, flags, out) : SQLITE_CANTOPEN;
    if (code == SQLITE_OK)
        h->base.pMethods = &methods;
    return code;
}

/* Without a sync of the folder the file may come back. */
static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    pthread_mutex_lock(&lock);
    bool on = step();
    struct file *f = on ? find(name) : NULL;
    if (f && f->is_sure)
        f->deleted = true;
    else if (f)
        forget_file(f);
    if (on && sync_folder)
        sync_folder_of_all();
    pthread_mutex_unlock(&lock);
    return on ? under->xDelete(under, name, 0) : SQLITE_IOERR_DELETE;
}

void lossyfs_install(void)
{
    static sqlite3_vfs vfs;
    under = sqlite3_vfs_find(NULL);
    vfs = *under;
    vfs.zName = "lossyfs";
    vfs.szOsFile = (int)sizeof(struct handle) + under->szOsFile;
    vfs.pNext = NULL;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    sqlite3_vfs_register(&vfs, 1);
}

void lossyfs_arm(uint64_t at, uint32_t the_seed, bool torn)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < FILES_MAX; i++)
        forget_file(&files[i]);
    steps = 0;
    cut_at = at;
    is_cut = false;
    is_torn = torn;
    seed = the_seed;
    syncs_before = syncs_failing = 0;
    pthread_mutex_unlock(&lock);
}

bool lossyfs_is_cut(void)
{
    pthread_mutex_lock(&lock);
    bool cut = is_cut;
    pthread_mutex_unlock(&lock);
    return cut;
}

uint64_t lossyfs_writes(void)
{
    pthread_mutex_lock(&lock);
    uint64_t n = writes;
    pthread_mutex_unlock(&lock);
    return n;
}

static void write_back(struct file *f)
{
    unlink(f->path);
    if (!f->is_sure)
        return;
    int fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert(fd >= 0);
    ssize_t n = write(fd, f->sure, f->n);
    assert(n == (ssize_t)f->n);
    (void)n;
    close(fd);
}

void lossyfs_restore(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *f = &files[i];
        if (!*f->path)
            continue;
        if (is_torn && !f->is_sure)
            f->is_sure = dice() % 2;
        settle(f, is_torn ? TEAR : FORGET);
        write_back(f);
    }
    pthread_mutex_unlock(&lock);
    lossyfs_arm(0, 0, false);
}

void lossyfs_fail_syncs(int after, int n)
{
    pthread_mutex_lock(&lock);
    syncs_before = after;
    syncs_failing = n;
    pthread_mutex_unlock(&lock);
}
