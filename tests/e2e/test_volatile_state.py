#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`--state memory:DIR`, which measurements use: all answers, nothing that lasts, and no folder in
which something has lasted."""
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

tree = world.Tree()
tree.node("n1")


def test_it_answers_and_forgets():
    state = world.scratch()
    for _ in range(2):
        with tree.start(state=state, args=["--state", f"memory:{state}"]) as server:
            server.wait_event("volatile-state")
            tap.eq(server.admin("GET", "/v1/events").json["events"], [])
            server.arm("n1")
            key = world.key_of(state, "n1")
            tap.eq(server.request("POST", f"/s/{key}/phone-home", "hostname=n1").status, 200)
            tap.eq(server.admin("GET", "/v1/nodes/n1").json["state"], "up")
            assert not (state / "state.db").exists()


def test_what_lasts_is_not_passed_over():
    state = world.scratch()
    with tree.start(state=state):
        pass
    server = tree.start(state=state, args=["--state", f"memory:{state}"], wait=False)
    tap.eq(server.wait(), 1)
    assert any("state.db holds nodes' states" in line for line in server.lines), server.lines


tap.main()
