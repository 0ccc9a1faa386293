/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void fs_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Opened the wrong way round: what is printed to a closed standard output must not seem written. */
void fs_fill_standard(void)
{
    static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The lowest free number is `fd`. Without a /dev there is still the root folder. */
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) != fd && open("/", O_PATH) != fd)
            abort();
    }
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* A file may grow while it is read: reading one byte more than its size shows it. */
static int read_all(int fd, size_t max_bytes, struct arena *a, struct str *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    if ((uint64_t)st.st_size > max_bytes)
        return -EFBIG;
    size_t size = (size_t)st.st_size, n = 0;
    char *p = arena_alloc(a, size + 1);
    ssize_t got;
    do { /* a short read at the size is the end of the file */
        got = read(fd, p + n, size + 1 - n);
        if (got < 0 && errno != EINTR)
            return -errno;
        n += got > 0 ? (size_t)got : 0;
    } while (got < 0 || (got > 0 && n < size));
    if (n > size)
        return -EAGAIN;
    p[n] = '\0';
    *ret = (struct str){p, n};
    return 0;
}

int fs_read(const char *path, size_t max_bytes, struct arena *a, struct str *ret, struct err *e)
{
    /* O_NONBLOCK: a named pipe in its place must not block. */
    FS_CLOSED int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_errno(e, -errno, "%s", path);
    int r = read_all(fd, max_bytes, a, ret);
    if (r == -EFBIG)
        return err_set(e, r, "%s: larger than %zu bytes", path, max_bytes);
    if (r == -EINVAL)
        return err_set(e, r, "%s: not a regular file", path);
    if (r == -EAGAIN)
        return err_set(e, r, "%s: it grows while it is read; try again", path);
    return r < 0 ? err_errno(e, r, "%s", path) : 0;
}

int fs_read_proc(const char *path, size_t max_bytes, struct arena *a, struct str *ret,
                 struct err *e)
{
    FS_CLOSED int fd = open(path, O_RDONLY | O_CLOEXEC);
    char piece[4096];
    struct buf b;
    ssize_t n;
    if (fd < 0)
        return err_errno(e, -errno, "%s", path);
    buf_init(&b, max_bytes);
    do {
        n = read(fd, piece, sizeof(piece));
    } while ((n < 0 && errno == EINTR) || (n > 0 && buf_append(&b, piece, (size_t)n)));
    int r = n < 0 ? err_errno(e, -errno, "%s", path)
            : n   ? err_set(e, -EFBIG, "%s: larger than %zu bytes", path, max_bytes)
                  : 0;
    if (r == 0)
        *ret = arena_str(a, buf_view(&b));
    buf_done(&b);
    return r;
}

int fs_write(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            bytes = str_skip(bytes, (size_t)n);
    }
    return 0;
}

int fs_sync_parent(const char *path, struct err *e)
{
    char folder[4096];
    if ((size_t)snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
        return err_set(e, -ENAMETOOLONG, "%s: the path is too long", path);
    FS_CLOSED int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? err_errno(e, -errno, "%s", path) : 0;
}

static int put_beside(const char *path, struct str bytes, mode_t mode,
                      int (*place)(const char *from, const char *to), struct err *e)
{
    char temporary[4096];
    int n = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if ((size_t)n >= sizeof(temporary))
        return err_set(e, -ENAMETOOLONG, "%s: the path is too long", path);
    /* A random name, so that a file left behind by a crash is not in the way. */
    FS_CLOSED int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, -errno, "%s", path);
    int r = fchmod(fd, mode) < 0 ? -errno : fs_write(fd, bytes);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && place(temporary, path) < 0)
        r = -errno;
    if (r < 0 || place == link)
        unlink(temporary);
    return r < 0 ? err_errno(e, r, "%s", path) : fs_sync_parent(path, e);
}

int fs_create(const char *path, struct str bytes, mode_t mode, struct err *e)
{
    return put_beside(path, bytes, mode, link, e);
}

int fs_replace(const char *path, struct str bytes, mode_t mode, struct err *e)
{
    return put_beside(path, bytes, mode, rename, e);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fs_entry *)a)->name, ((const struct fs_entry *)b)->name);
}

static mode_t kind_of(const struct dirent *entry)
{
    return entry->d_type == DT_REG ? S_IFREG : entry->d_type == DT_DIR ? S_IFDIR : 0;
}

int fs_list(const char *path, struct arena *a, const struct fs_entry **ret, size_t *ret_n,
            struct err *e)
{
    __attribute__((cleanup(close_dir))) DIR *d = opendir(path);
    if (!d)
        return err_errno(e, -errno, "%s", path);
    struct fs_entry *list = NULL;
    uint32_t n = 0, room = 0;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(d);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        list = arena_grow(a, list, n, &room, sizeof(*list));
        list[n++] = (struct fs_entry){arena_str(a, str_from(entry->d_name)).p, kind_of(entry)};
    }
    if (errno)
        return err_errno(e, -errno, "%s", path);
    if (n)
        qsort(list, n, sizeof(*list), by_name);
    *ret = list;
    *ret_n = n;
    return 0;
}

/* All folders above the file. */
static int make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int r = mkdir(path, 0777);
        *slash = '/';
        if (r < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

static int open_new(char *path)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(path, flags, 0666);
    if (fd < 0 && errno == ENOENT && make_parents(path) == 0)
        fd = open(path, flags, 0666);
    return fd < 0 ? -errno : fd;
}

int fs_put(const char *folder, struct str name, struct str bytes, struct err *e)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%.*s", folder, STR_ARG(name));
    if ((size_t)n >= sizeof(path))
        return err_errno(e, -ENAMETOOLONG, "%s/%.*s", folder, STR_ARG(name));
    int fd = open_new(path), r = fd < 0 ? fd : fs_write(fd, bytes);
    if (fd >= 0 && close(fd) < 0 && r == 0)
        r = -errno;
    return r < 0 ? err_errno(e, r, "%s", path) : 0;
}
