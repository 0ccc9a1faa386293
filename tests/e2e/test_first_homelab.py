#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/first-homelab.md: its files and commands, one after the other, with the server that runs."""
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import test_manual as manual  # noqa: E402
import world  # noqa: E402

PAGE = daemon.SOURCE / "docs/first-homelab.md"
HERE = "http://127.0.0.1:8080"  # the url that run.sh sets
ELSEWHERE = "/home/you/cloudseed"  # where the page has the checkout


class Desk(manual.Checkout):
    """A checkout with a server as run.sh starts it, and its alias."""

    def __init__(self):
        super().__init__()
        config = self.path / "cloudseedd.yaml"
        self.server = tap.enter(world.start(
            {name: str(self.work / name) for name in ("seed", "templates")},
            args=["--url", HERE]))
        config.write_text(json.dumps({"socket": str(self.server.socket), "url": HERE, **{
            name: str(self.work / name) for name in ("seed", "templates")}}))
        (self.path / "cloudseed").write_text(
            f"#!/bin/sh\nexec '{daemon.BUILD.resolve()}/cloudseed' --config '{config}' \"$@\"\n")

    def shell(self, command):
        return super().shell(command).replace(str(self.work), ELSEWHERE)


def test_the_page():
    desk, shown = Desk(), []

    def on_result(block, what, got, want):
        shown.append(what)
        assert manual.same(got, want), f"line {block.line}: {what}\n--- page\n{want}--- real\n{got}"

    manual.play(manual.blocks(PAGE.read_text()), desk, on_result)
    assert len(shown) >= 14, shown
    nodes = desk.server.admin("GET", "/v1/nodes").json["nodes"]
    tap.eq(len(nodes), 7)
    tap.eq({node["cluster"] for node in nodes}, {"prod", "test", None})
    tap.eq([node["name"] for node in nodes if node["state"] == "armed"], ["nas"])
    tap.eq(desk.shell("cloudseed check --json | jq -r '.faults | length'"), "0\n")
    tap.contains(desk.shell("cloudseed doctor"), "set 'url' in cloudseedd.yaml")
    for name in ("user-data", "network-config"):
        assert desk.server.get(f"/s/{world.key_of(desk.server.state, 'nas')}/{name}").status == 200


def test_no_block_is_left_out():
    text = PAGE.read_text()
    tap.eq(len(manual.blocks(text)) * 2, text.count("\n```"))


tap.main()
