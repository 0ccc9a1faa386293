#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Boots the real cloud-init of two Debian releases against the real cloudseedd. Prints TAP.

    make check-boot
    CLOUDSEED_BUILD=… BOOT_SUITES=trixie tests/boot/run.py trixie-worker-serial …

Needs root, mmdebstrap, and a Debian host; otherwise it is skipped. Everything runs in namespaces
that end with it (tests/lib/enclosed.py). What stays is the cached root file systems and the logs,
which are made anew each time.
"""
import functools
import os
import shutil
import sys
import types
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]
sys.dont_write_bytecode = True

import enclosed  # noqa: E402
import life  # noqa: E402
import machine  # noqa: E402
import rootfs  # noqa: E402
import scenarios  # noqa: E402
import server  # noqa: E402
import sites  # noqa: E402
import tap  # noqa: E402

from enclosed import CACHE, LOGS  # noqa: E402

SUITES = os.environ.get("BOOT_SUITES", "bookworm trixie").split()

SOME_MAC = "52:54:00:0d:d0:0d"  # of a machine whose node declares none

figures = []


@functools.cache
def site_of(kind):
    """Scenarios whose names begin with odd- or life- have a site of their own."""
    make = {"odd": sites.odd, "life": life.site}.get(kind)
    return make(f"{machine.RUN}/site-{kind}") if make else sites.HOMELAB


class Stage:
    """One row of the table on one release: its machine, and the server's switch."""

    def __init__(self, scenario, suite):
        self.scenario, self.suite = scenario, suite
        self.node = scenario.node
        self.site = site_of(scenario.name.split("-")[0])
        self.title = f"{suite}-{scenario.name}"
        self.state = f"{machine.RUN}/state-{self.title}"
        self.server = self.machine = None

    def set(self):
        self.server_up()
        self.url = self.key_url = server.seed_url(self.site, self.node, self.state)
        self.served = server.seeds(self.url)
        self.machine = machine.Machine(self.title, rootfs.folder(self.suite, CACHE),
                                       (self.site.show(self.node)["macs"] or [SOME_MAC])[0])
        self.machine.offer_packages(self.served["user-data"])

    def logs(self, boot):
        return os.path.join(LOGS, self.title, boot)

    def boot(self, name, seconds=machine.STAGE_SECONDS, **how):
        place = {self.scenario.place: self.scenario.string.replace("URL", self.url)}
        return self.machine.boot(self.logs(name), seconds=seconds, **place, **how)

    def server_up(self, **how):
        self.server = server.Server(self.site, self.state, **how)

    def server_down(self):
        if self.server:
            stopped, self.server = self.server, None
            stopped.stop()

    def server_away(self):
        """The daemon and the address: nothing answers, nothing refuses."""
        self.server_down()
        machine.server_address("delete")

    def server_back(self):
        machine.server_address("replace")
        self.server_up()

    def server_up_when_missed(self):
        log = Path(self.machine.root, "var/log/cloud-init.log")
        tap.wait_until(lambda: log.exists() and "[2/11] open" in log.read_text(errors="replace"),
                       machine.STAGE_SECONDS, "a third try")
        self.server_up()

    def end(self):
        self.server_down()
        machine.server_address("replace")
        if self.machine:
            self.machine.remove()


def play(scenario, suite):
    stage = Stage(scenario, suite)
    try:
        stage.set()
        figures.append((stage.title, scenario.play(stage)))
    finally:
        stage.end()


def main_inside():
    enclosed.begin()
    shutil.rmtree(LOGS, ignore_errors=True)
    machine.network_begin()
    tests = {}
    for suite in SUITES:
        for s in scenarios.TABLE:
            if suite in s.suites:
                tests[f"test_{suite}-{s.name}"] = lambda s=s, suite=suite: play(s, suite)
    try:
        tap.main(types.SimpleNamespace(**tests))
    finally:
        for suite in SUITES:
            version = rootfs.cloud_init_version(rootfs.folder(suite, CACHE))
            print(f"# {suite}: cloud-init {version}")
        enclosed.sum_up(tests, figures, LOGS)


def make_roots():
    for suite in SUITES:
        rootfs.make(suite, CACHE)


def main():
    tools = ["mmdebstrap", "unshare", "setpriv", "ip", "curl", "ssh", "tmux"]
    return enclosed.main(__file__, tools, make_roots, main_inside)


if __name__ == "__main__":
    sys.exit(main())
