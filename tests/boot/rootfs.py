# SPDX-License-Identifier: Apache-2.0
"""Root file systems to boot: a cloud image's user space, made by mmdebstrap and kept.

A root file system is named after the hash of its recipe: a changed recipe makes a new one, and an
unchanged one is never made twice. It is only ever the lower layer of an overlay.
"""
import hashlib
import json
import os
import shutil
import subprocess

import debian

# What a cloud image has and cloud-init or our own user-data uses. gnupg and sudo: apt sources with
# keys, and sudo rules, are written by cloud-init only where these are installed.
PACKAGES = [
    "ca-certificates",
    "cloud-init",
    "curl",
    "gnupg",
    "iproute2",
    "netplan.io",
    "openssh-server",
    "sudo",
    "systemd",
    "tzdata",
    "udev",
]
MAKE_SECONDS = 900


def recipe(suite, more):
    return {"suite": suite, "variant": "minbase", "mode": "root", "packages": [*PACKAGES, *more]}


def folder(suite, cache, more=()):
    text = json.dumps(recipe(suite, more), sort_keys=True).encode()
    return os.path.join(cache, f"rootfs-{suite}-{hashlib.sha256(text).hexdigest()[:16]}")


def make(suite, cache, more=()):
    """The path of the root file system of `suite` with `more` packages, which is made if it is not
    there yet."""
    final = folder(suite, cache, more)
    if os.path.isdir(final):
        return final
    part = final + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(cache, exist_ok=True)
    said = recipe(suite, more)
    command = [
        "mmdebstrap",
        "--quiet",
        f"--mode={said['mode']}",
        f"--variant={said['variant']}",
        f"--include={','.join(said['packages'])}",
        f"--aptopt={debian.ANY_AGE}",
        suite,
        part,
        "-",
    ]
    subprocess.run(command, input=debian.sources(suite), text=True, check=True,
                   timeout=MAKE_SECONDS)
    os.rename(part, final)
    return final


def cloud_init_version(root):
    """The Debian package's version in that root file system."""
    query = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f=${Version}", "cloud-init"]
    return subprocess.run(query, check=True, capture_output=True, text=True).stdout
