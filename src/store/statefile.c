/* SPDX-License-Identifier: Apache-2.0 */
#include "store/statefile.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ROOM_MIN_BYTES (256 << 10)
/* SQLite's header: sqlite.org/fileformat2.html, 1.3. */
#define HEADER_BYTES 100
#define HEADER_MAGIC "SQLite format 3"
#define HEADER_PAGE_SIZE_AT 16
#define HEADER_CHANGES_AT 24
#define HEADER_PAGES_AT 28
#define HEADER_APPLICATION_ID_AT 68
#define HEADER_PAGES_VALID_FOR_AT 92

/* linux/magic.h lacks half of them. */
static const struct refused {
    uint32_t magic;
    const char *why;
} refused[] = {
    {0x6969, "NFS: its locks and its cache let two servers write at once"},
    {0x517b, "SMB: a lost connection takes locks and unsaved writes along"},
    {0xff534d42, "CIFS: a lost connection takes locks and unsaved writes along"},
    {0xfe534d42, "SMB2: a lost connection takes locks and unsaved writes along"},
    {0x01021997, "9p: the host on the other side decides what a sync is worth"},
    {0x65735546, "FUSE: the program behind it (sshfs, virtiofs, …) decides what a sync is worth"},
    {0x5346414f, "AFS: it writes when a file is closed, not when it is synced"},
    {0x73757245, "Coda: it writes when a file is closed, not when it is synced"},
    {0x00c36400, "Ceph: locks of a client that was cut off are given to the next"},
};

const char *statefile_refusal(uint64_t file_system)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (refused[i].magic == (uint32_t)file_system)
            return refused[i].why;
    }
    return NULL;
}

static int make(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && fchmod(fd, 0600) < 0) {
        int code = -errno;
        close(fd);
        return code;
    }
    return fd < 0 ? -errno : fd;
}

static int open_folder(const char *path)
{
    char folder[PATH_MAX];
    if ((size_t)snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
        return -ENAMETOOLONG;
    int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

bool statefile_has_room(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) < 0 || (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize >= ROOM_MIN_BYTES;
}

int statefile_create(const char *path, struct err *e)
{
    FS_CLOSED int fd = make(path);
    return fd < 0 ? err_errno(e, fd, "%s", path) : 0;
}

int statefile_rename(const char *from, const char *to, struct err *e)
{
    if (rename(from, to) < 0)
        return err_errno(e, -errno, "%s", to);
    return fs_sync_parent(to, e);
}

static int check_file_system(const char *path, struct err *e)
{
    struct statfs fs;
    FS_CLOSED int fd = open_folder(path);
    if (fd < 0)
        return err_errno(e, fd, "%s", path);
    if (fstatfs(fd, &fs) < 0)
        return err_errno(e, -errno, "%s", path);
    const char *why = statefile_refusal((uint64_t)fs.f_type);
    if (why)
        return err_set(e, -EOPNOTSUPP, "%s: the state must be on a local disk; this is %s", path,
                       why);
    return 0;
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Read without SQLite, which may change a database when it opens it. */
static int check_header(int fd, const char *path, bool *ret_empty, struct err *e)
{
    unsigned char header[HEADER_BYTES];
    ssize_t n = pread(fd, header, sizeof(header), 0);
    if (n < 0)
        return err_errno(e, -errno, "%s", path);
    *ret_empty = n == 0;
    if (n == 0)
        return 0;
    if (n < HEADER_BYTES || memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) != 0)
        return err_set(e, -EINVAL, "%s: is not cloudseed's state, it was left as it is", path);
    if (big_endian(header + HEADER_APPLICATION_ID_AT) != STATEFILE_APPLICATION_ID)
        return err_set(e, -EINVAL, "%s: is the database of another program, it was left as it is",
                       path);
    return 0;
}

static int check_file(int fd, const char *path, bool *ret_empty, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(e, -errno, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, -EINVAL, "%s: not a regular file", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(e, -EPERM, "%s: others than its owner may use it; run: chmod 600 %s", path,
                       path);
    return check_header(fd, path, ret_empty, e);
}

/* By its header; 0: not known. */
static uint64_t bytes_expected(const unsigned char *header)
{
    uint32_t page = (uint32_t)header[HEADER_PAGE_SIZE_AT] << 8 | header[HEADER_PAGE_SIZE_AT + 1];
    if (big_endian(header + HEADER_CHANGES_AT) != big_endian(header + HEADER_PAGES_VALID_FOR_AT))
        return 0;
    return (uint64_t)big_endian(header + HEADER_PAGES_AT) * (page == 1 ? 65536 : page);
}

int statefile_check_size(const char *path, struct err *e)
{
    unsigned char header[HEADER_BYTES];
    struct stat st;
    FS_CLOSED int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_errno(e, -errno, "%s", path);
    ssize_t n = pread(fd, header, sizeof(header), 0);
    uint64_t expected = n == HEADER_BYTES ? bytes_expected(header) : 0;
    if (expected && (uint64_t)st.st_size != expected)
        return err_set(e, -EIO, "%s: is damaged: it has %" PRIu64 " bytes and should have %" PRIu64,
                       path, (uint64_t)st.st_size, expected);
    return 0;
}

static bool has_wal(const char *path)
{
    char wal[PATH_MAX];
    struct stat st;
    return (size_t)snprintf(wal, sizeof(wal), "%s-wal", path) < sizeof(wal) && stat(wal, &st) == 0;
}

int statefile_check(const char *path, bool *ret_empty, bool *ret_unclean, struct err *e)
{
    bool empty = true;
    int r = check_file_system(path, e);
    if (r < 0)
        return r;
    /* O_NONBLOCK: opening a named pipe must not block. */
    FS_CLOSED int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno != ENOENT)
        return err_errno(e, -errno, "%s", path);
    r = fd < 0 ? 0 : check_file(fd, path, &empty, e);
    if (r < 0)
        return r;
    *ret_empty = empty;
    *ret_unclean = has_wal(path);
    return 0;
}
