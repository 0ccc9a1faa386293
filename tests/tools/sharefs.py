#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A file system as a share is one: in another process, which may stop answering.

    sharefs.py MOUNTPOINT NAME=BYTES…

Stopped by SIGSTOP it hangs, as a hard mount of NFS does; ended, it fails. Needs root, /dev/fuse and
Debian's python3-fusepy.
"""
import errno
import random
import stat
import sys

import fusepy

LENGTH = 1_000_003  # no file system's size of anything
BLOCK = random.Random(11).randbytes(LENGTH) * 2  # so that a read is a piece of it


def content(offset, size):
    start = offset % LENGTH
    block = BLOCK if size <= LENGTH else BLOCK * (1 + size // LENGTH)
    return block[start:start + size]


class Share(fusepy.Operations):
    def __init__(self, sizes):
        self.sizes = sizes

    def getattr(self, path, fh=None):
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path[1:] not in self.sizes:
            raise fusepy.FuseOSError(errno.ENOENT)
        return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": self.sizes[path[1:]]}

    def read(self, path, size, offset, fh):
        return content(offset, max(0, min(size, self.sizes[path[1:]] - offset)))


if __name__ == "__main__":
    pairs = (word.split("=") for word in sys.argv[2:])
    fusepy.FUSE(Share({name: int(size) for name, size in pairs}), sys.argv[1], foreground=True,
                nothreads=True, allow_other=True)
