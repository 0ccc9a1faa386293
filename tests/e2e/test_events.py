#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed events` and the real server's journal: all events once, in order, over a restart."""
import json
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

PROGRAM = str(daemon.BUILD.resolve() / "cloudseed")


def run(path, *words, status=0):
    done = subprocess.run([PROGRAM, *words, "--server", str(path)], capture_output=True, text=True,
                          timeout=daemon.SECONDS, check=False)
    tap.eq(done.returncode, status, done.stderr)
    return done.stdout


def test_follow_over_a_restart():
    folder = world.scratch()
    path, where = folder / "admin.sock", {**world.HOMELAB, "state": folder / "state"}
    with daemon.Daemon(**where, args=["--socket", path]):
        run(path, "node", "arm", "k8s-worker-2")
        process = subprocess.Popen([PROGRAM, "events", "--follow", "--json", "--server", str(path)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        got = [json.loads(process.stdout.readline())]
        run(path, "node", "disarm", "k8s-worker-2")
        got.append(json.loads(process.stdout.readline()))
    with daemon.Daemon(**where, args=["--socket", path]):
        run(path, "node", "arm", "k8s-worker-3")
        got.append(json.loads(process.stdout.readline()))
        kept = json.loads(run(path, "events", "--json"))
        tap.eq(got, kept)
        tap.eq([e["id"] for e in got], sorted({e["id"] for e in got}))
        tap.eq([(e["node"], e["kind"]) for e in got][::2],
               [("k8s-worker-2", "armed"), ("k8s-worker-3", "armed")])
        process.terminate()
        _, said = process.communicate(timeout=daemon.SECONDS)
    tap.eq(said.count("trying again"), 1, said)


def test_filters():
    with daemon.Daemon(**world.HOMELAB) as server:
        for node in ("k8s-worker-2", "k8s-worker-3"):
            run(server.socket, "node", "arm", node)
        found = json.loads(run(server.socket, "events", "k8s-worker-3", "--kind", "armed",
                               "--json"))
        tap.eq([(e["node"], e["kind"]) for e in found], [("k8s-worker-3", "armed")])
        first = json.loads(run(server.socket, "events", "--json"))[0]["id"]
        later = json.loads(run(server.socket, "events", "--since", str(first), "--json"))
        assert later and all(e["id"] > first for e in later), later


tap.main()
