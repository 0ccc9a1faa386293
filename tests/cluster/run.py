#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real nodes join a real cluster by way of the real cloudseedd. Prints TAP.

    make check-cluster                               a boot by cloud-init of each
    CLOUDSEED_BUILD=… tests/cluster/run.py [PLAY…]   all plays, or those whose names begin so

Needs root and a Debian host (`scripts/deps.sh boot kube`); otherwise it is skipped. Everything runs in
namespaces that end with it (tests/lib/enclosed.py). What stays is the cached root file system, the
programs (tests/kube/build.py) and the logs, below boot-logs/cluster in the build folder.
"""
import os
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, part) for part in ("../lib", "../boot", "../kube", "")]
sys.dont_write_bytecode = True

import build  # noqa: E402
import enclosed  # noqa: E402
import lab  # noqa: E402
import node  # noqa: E402
import plays  # noqa: E402
import rootfs  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

TOOLS = ["mmdebstrap", "unshare", "setpriv", "ip", "tmux"]

figures = []


def play(name):
    worlds = []

    def make(**how):
        worlds.append(world.World(name, os.path.join(lab.FOLDER, "bin"), **how))
        return worlds[-1]

    try:
        plays.PLAYS[name](make)
        figures.append((name, {}))
    finally:
        for one in worlds:
            one.end()


def main_inside():
    enclosed.begin()
    node.network_begin()
    world.hosts()
    wanted = tuple(sys.argv[1:]) or ("",)
    del sys.argv[1:]  # tap.main would take whole names
    tests = {f"test_{name}": lambda name=name: play(name) for name in plays.PLAYS
             if name.startswith(wanted)}
    try:
        tap.main(types.SimpleNamespace(**tests))
    finally:
        enclosed.sum_up(tests, figures, world.LOGS)


def prepare():
    build.build(lab.FOLDER)
    rootfs.make(world.SUITE, enclosed.CACHE, node.PACKAGES)


if __name__ == "__main__":
    sys.exit(enclosed.main(__file__, TOOLS, prepare, main_inside))
