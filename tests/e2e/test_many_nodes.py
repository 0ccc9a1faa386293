#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lists of 100,000 nodes: tool and server keep no more than some pages of them in memory."""
import json
import os
import re
import subprocess
import sys
import urllib.parse
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

COUNT = 100_000
PROGRAM = daemon.BUILD.resolve() / "cloudseed"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVw"
# Freed memory is not held back by the sanitizer: it would hide what this measures.
PLAIN = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
MORE_KIB = 24 * 1024  # than with a single node


def name(i):
    return f"node-{i:06}"


def started(count):
    tree = world.Tree()
    for first in range(0, count, 2000):
        tree.put(f"nodes/{first:06}.yaml", {name(i): {
            "role": "plain", "variables": {"rack": f"r{i // 40}"},
            "macs": [f"bc:24:11:{i >> 16:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"]}
            for i in range(first, min(first + 2000, count))})
    return tap.enter(tree.start(env=PLAIN))


ONE, MANY = started(1), started(COUNT)
OUTPUT = world.scratch() / "output"


def phone_home(node):
    MANY.arm(node)
    body = urllib.parse.urlencode({"hostname": node, "pub_key_ed25519": KEY})
    answer = MANY.request("POST", f"/s/{world.key_of(MANY.state, node)}/phone-home", body,
                          {"Content-Type": "application/x-www-form-urlencoded"})
    tap.eq(answer.status, 200, answer.text)


def peak_of_daemon(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1])


def run(server, *words):
    """Its peak of memory in KiB; OUTPUT has what it printed."""
    with open(OUTPUT, "wb") as output, subprocess.Popen(
            [PROGRAM, "--server", str(server.socket), *words], env={**os.environ, **PLAIN},
            stdout=output) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    tap.eq(process.returncode, 0)
    return usage.ru_maxrss


def assert_bounded(*words):
    least, before = run(ONE, *words), peak_of_daemon(MANY)
    peak, after = run(MANY, *words), peak_of_daemon(MANY)
    assert peak < least + MORE_KIB, f"{words}: {peak} KiB, and {least} KiB for one node"
    assert after < before + MORE_KIB, f"{words}: cloudseedd {before} KiB, then {after} KiB"


def test_a_table():
    MANY.wait_event("checked")
    assert_bounded("node", "list")
    with open(OUTPUT, encoding="ascii") as lines:
        tap.eq(next(lines).split()[:3], ["NAME", "STATE", "FOR"])
        tap.eq(sum(line.startswith(f"{name(i)}  registered  ") for i, line in enumerate(lines)), COUNT)


def test_names():
    assert_bounded("node", "list", "--names")
    with open(OUTPUT, encoding="ascii") as lines:
        tap.eq(sum(line == f"{name(i)}\n" for i, line in enumerate(lines)), COUNT)


def test_json():
    assert_bounded("node", "list", "--json")
    with open(OUTPUT, encoding="ascii") as lines:  # as a whole it would be our own peak
        names = (line for line in lines if line.startswith('    "name": '))
        tap.eq(sum(line == f'    "name": "{name(i)}",\n' for i, line in enumerate(names)), COUNT)
    run(ONE, "node", "list", "--json")
    tap.eq(json.loads(OUTPUT.read_bytes())[0]["name"], name(0))


def test_host_keys():
    at_home = [name(0), name(COUNT // 2), name(COUNT - 1)]
    for node in at_home:
        phone_home(node)
    assert_bounded("known-hosts")
    tap.eq(OUTPUT.read_text(encoding="ascii"), "".join(f"{node} {KEY}\n" for node in at_home))
    run(MANY, "known-hosts", at_home[1])
    tap.eq(OUTPUT.read_text(encoding="ascii"), f"{at_home[1]} {KEY}\n")
    one = MANY.admin("GET", f"/v1/nodes?host={at_home[1]}")  # as the tool has asked, for no more
    MANY.wait_event("answered", count=2, method="GET", bytes=str(len(one.text)))


tap.main()
