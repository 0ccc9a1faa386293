/* SPDX-License-Identifier: Apache-2.0 */
#include "core/assetfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The file systems that lie on a disk, or in the memory, of this machine. Whatever is not known
 * here counts as a share: then it is only slower. */
static bool is_local(const struct statfs *fs)
{
    static const unsigned long local[] = {
        0xEF53 /* ext */,       0x58465342 /* xfs */,      0x9123683E /* btrfs */,
        0x01021994 /* tmpfs */, 0x858458F6 /* ramfs */,    0x794C7630 /* overlayfs */,
        0x2FC12FC1 /* zfs */,   0xF2F52010 /* f2fs */,     0xCA451A4E /* bcachefs */,
        0x3153464A /* jfs */,   0x52654973 /* reiserfs */, 0x73717368 /* squashfs */,
        0xE0F5E1E2 /* erofs */, 0x9660 /* iso9660 */,      0x15013346 /* udf */,
        0x4D44 /* vfat */,      0x2011BAB0 /* exfat */,    0x7366746E /* ntfs3 */,
    };
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        if (((unsigned long)fs->f_type & 0xFFFFFFFF) == local[i])
            return true;
    }
    return false;
}

static int examine(int fd, struct asset *ret)
{
    struct stat st;
    struct statfs fs;
    char first;
    if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (pread(fd, &first, 1, 0) < 0)
        return -errno;
    *ret = (struct asset){
        .fd = fd,
        .size = (uint64_t)st.st_size,
        .inode = st.st_ino,
        .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
        .remote = !is_local(&fs),
    };
    return 0;
}

/* O_NONBLOCK is for pipes: they would wait for a writer before we could see what they are. */
static int open_below(int folder, const char *name)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
}

/* The folder is opened anew each time: a share that was mounted meanwhile is seen. */
int asset_open(const char *folder, const char *name, struct asset *ret)
{
    int base = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0)
        return -ENOTCONN;
    int fd = open_below(base, name);
    int r = fd < 0 ? -errno : 0;
    close(base);
    if (r == 0)
        r = examine(fd, ret);
    if (r < 0 && fd >= 0)
        close(fd);
    return r == -ENXIO ? -EINVAL : r; /* a socket, or a device that nobody is behind */
}
