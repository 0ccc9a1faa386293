/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assetfile: a file of the assets folder, opened so that nothing outside the folder is reached.
 *
 * It knows nothing of requests. Everything here may block for as long as the folder's file system
 * likes.
 */
#ifndef CLOUDSEED_CORE_ASSETFILE_H
#define CLOUDSEED_CORE_ASSETFILE_H

#include <stdbool.h>
#include <stdint.h>

struct asset {
    int fd;
    uint64_t size;
    uint64_t inode;
    int64_t mtime_ns;
    bool remote; /* not on a disk of this machine: reading may hang */
};

/* Opens the regular file, sees what it is, and reads its first byte: a share that is gone may open
 * and not read. Neither ".." nor a symbolic link leads out of the folder. -errno:
 * -ENOENT, -ENOTDIR  no such file;
 * -EXDEV, -ELOOP     a link that leads elsewhere;
 * -EISDIR, -EINVAL   a folder; a device, pipe or socket;
 * -EACCES            not readable;
 * -ENOTCONN          the folder itself cannot be opened, whatever the reason;
 * others             the file system's. */
int asset_open(const char *folder, const char *name, struct asset *ret);

#endif
