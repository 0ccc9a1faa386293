#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md: its commands, one after the other, with a server that is stopped, started and lost as the
page says. The folders of the page are folders of this test; systemctl starts and ends the real server."""
import json
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import test_manual as manual  # noqa: E402
import world  # noqa: E402

PAGE = daemon.SOURCE / "docs/operations.md"
SYSTEMCTL = re.compile(r"systemctl (stop|start|restart|kill -s KILL) cloudseedd$")


class Desk(manual.Checkout):
    """The server's machine: an admin at its socket."""

    def __init__(self):
        super().__init__()
        (self.path / "spare").mkdir()
        self.config.write_text(json.dumps({
            "seed": str(self.work / "seed"), "templates": str(self.work / "templates"), "state": str(self.lives),
            "socket": str(self.path / "admin.sock"), "user": "root", "url": "http://10.0.10.5:8080"}))
        for name in ("cloudseed", "cloudseedd"):
            program = self.path / name
            program.write_text(f"#!/bin/sh\nexec '{daemon.BUILD.resolve() / name}' --config '{self.config}' \"$@\"\n")
            program.chmod(0o755)
        self.start()

    @property
    def lives(self):
        return self.path / "lives"  # /var/lib/cloudseed

    @property
    def config(self):
        return self.work / "cloudseedd.yaml"  # /etc/cloudseed, with the tree

    def start(self):
        self.server = world.start(state=self.lives, args=["--config", self.config, "--https", "127.0.0.1:0",
                                                          "--socket", self.path / "admin.sock"])

    def stop(self, how):
        if how == "kill -s KILL":
            self.server.stop(9, -9)
        else:
            self.server.stop()

    def shell(self, command):
        places = ((self.lives, "/var/lib/cloudseed"), (self.path / "spare", "/srv/backup"), (self.work, "/etc/cloudseed"))
        for real, shown in places:
            command = command.replace(shown, str(real))
        done = SYSTEMCTL.fullmatch(command)
        if not done:
            said = super().shell(command)
            for real, shown in places:
                said = said.replace(str(real), shown)
            return said
        if done[1] != "start":
            self.stop(done[1])
        if done[1] in ("start", "restart"):
            self.start()
        return ""


def test_every_procedure_works():
    desk, shown = Desk(), []

    def on_result(block, what, got, want):
        shown.append(what)
        assert manual.same(got, want), f"line {block.line}: {what}\n--- page\n{want}--- real\n{got}"

    manual.play(manual.blocks(PAGE.read_text()), desk, on_result)
    assert len(shown) >= 25, shown
    desk.server.stop()


def test_no_block_is_left_out():
    text = PAGE.read_text()
    tap.eq(len(manual.blocks(text)) * 2, len(re.findall(r"^ *```", text, re.MULTILINE)))


tap.main()
