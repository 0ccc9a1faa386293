#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: what lintian finds in them, and whether they are made twice alike. Prints TAP.

    make check-package
    make check-package PACKAGING='lintian_finds_nothing'

Needs a Debian host with `scripts/deps.sh package`. The packages are built in deb/ of the build folder.
"""
import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
sys.dont_write_bytecode = True

import build  # noqa: E402
import tap  # noqa: E402

DEB = build.BUILD / "deb"


def scratch():
    folder = Path(tempfile.mkdtemp(prefix="cloudseed-package-"))
    tap.defer(shutil.rmtree, folder)
    return folder


def need(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise tap.Skip(f"not installed: {', '.join(missing)}")


def test_lintian_finds_nothing():
    need("dh", "lintian")
    as_root = [] if os.geteuid() else ["--allow-root"]
    print(build.run("lintian", *as_root, "--fail-on", "error,warning", *build.packages(DEB).values()), end="")


def test_the_same_bytes_again():
    """In another folder, at another time, in another zone and language, by another umask."""
    need("dh")
    again = build.packages(scratch(), umask=0o077, TMPDIR=str(scratch()), TZ="Pacific/Kiritimati",
                           LC_ALL="C.UTF-8", LANG="tr_TR.UTF-8", JOBS="3")
    for name, first in build.packages(DEB).items():
        tap.eq(again[name].name, first.name)
        assert again[name].read_bytes() == first.read_bytes(), f"{again[name].name} differs"


tap.main()
