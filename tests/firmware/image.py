# SPDX-License-Identifier: Apache-2.0
"""What the machines boot: Debian's kernel for clouds, and a Debian with cloud-init as its initrd.

The whole system lives in the initrd: no disk is written, and a machine that is switched off has
never been. Made once for each recipe, as root file systems are (tests/boot/rootfs.py).
"""
import fcntl
import hashlib
import json
import os
import shutil
import subprocess

import debian

HERE = os.path.dirname(os.path.abspath(__file__))
SUITE = "bookworm"  # QEMU 7.2 without KVM makes newer kernels panic
PACKAGES = ["cloud-init", "dbus", "iproute2", "kmod", "netbase", "openssh-server", "sudo",
            "systemd-sysv", "tzdata", "udev"]
HOOK = os.path.join(HERE, "image.sh")
PACK = "find . -xdev | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | zstd -q -3 -T0 -o ../initrd.img"
MAKE_SECONDS = 1200


def folder(cache):
    with open(HOOK, encoding="utf-8") as f:
        recipe = json.dumps([SUITE, PACKAGES, f.read(), PACK]).encode()
    return os.path.join(cache, f"image-{SUITE}-{hashlib.sha256(recipe).hexdigest()[:16]}")


def make(cache):
    """A folder with vmlinuz and initrd.img."""
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, "image-lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _make(folder(cache))


def _make(final):
    if os.path.isdir(final):
        return final
    part = final + ".part"
    root = os.path.join(part, "root")
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
               f"--include={','.join(PACKAGES)}", f"--aptopt={debian.ANY_AGE}",
               f"--customize-hook='{HOOK}' \"$1\"", SUITE, root, "-"]
    subprocess.run(command, input=debian.sources(SUITE), text=True, check=True,
                   timeout=MAKE_SECONDS)
    subprocess.run(["sh", "-euc", PACK], cwd=root, check=True, timeout=MAKE_SECONDS)
    shutil.rmtree(root)
    os.rename(part, final)
    return final
