#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up under the real server: what cannot be kept is refused with the reason, what
needs no disk goes on, and room is all that it takes to be well again."""
import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

numbers = itertools.count()
NODES = [f"n{i}" for i in range(8)]
ROOM_BYTES = 400_000
REASON = "no space left for the state"
# The state folder is a small file system that nobody else sees.
NAMESPACE = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
MOUNT = 'mount -t tmpfs -o size=2m,mode=0700 none "$0" && exec "$@"'


def tree():
    made = world.Tree()
    made.role("shown", user_data="#cloud-config\nfinal_message: {{ seed.url | tojson }}\n")
    for node in NODES:
        made.node(node, "shown")
    return made


def start():
    state = world.scratch()
    wrapper = [*NAMESPACE, "sh", "-c", MOUNT, str(state)]
    if subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode:
        raise tap.Skip("may not mount a file system of its own")
    args = [] if os.geteuid() == 0 else ["--user", "root"]
    return tree().start(state=state, wrapper=wrapper, args=args)


def inside(server):
    """The state folder as the server sees it."""
    return Path(f"/proc/{server.process.pid}/root{server.state}")


def fill(server, leave=0):
    """Takes all room but `leave` bytes."""
    with open(inside(server) / "ballast", "ab", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4096)) == 4096:
                pass
        except OSError:
            ballast.truncate(ballast.tell() - leave)


def report(server, key, name):
    body = json.dumps({"name": name, "description": "x" * 900, "event_type": "start"})
    return server.request("POST", f"/s/{key}/report", body)


def keys_of(server):
    return {node: world.key_of(inside(server), node) for node in NODES}


def post_at_once(server, keys, per_node, stop_at=None):
    """[(node, name, answer)] of reports that all nodes send at the same time."""
    told = []

    def post(node):
        for _ in range(per_node):
            name = f"{node}-{next(numbers)}"
            answer = report(server, keys[node], name)
            told.append((node, name, answer))
            if answer.status == stop_at:
                return

    with ThreadPoolExecutor(len(NODES)) as pool:
        list(pool.map(post, NODES))
    return told


def names_in_journal(server):
    found, after = set(), 0
    while after is not None:
        page = server.admin("GET", f"/v1/events?kind=progress&limit=100&after={after}").json
        found |= {e["data"]["stage"] for e in page["events"]}
        after = page["next"]
    return found


def until_refused(ask):
    """All answers, the last of which is the first refusal. Where a group of changes found no room a
    smaller one may still find some, and is rightly answered 200; that room is used up by it."""
    answers = [ask()]
    while answers[-1].status == 200:
        answers.append(ask())
    return answers


def check_refused(answer):
    tap.eq(answer.status, 503)
    tap.contains(answer.text, REASON)
    assert answer.headers["Retry-After"], answer.headers


def test_full_and_well_again():
    with start() as server:
        keys = keys_of(server)
        for node in NODES:
            server.arm(node)
        tap.eq(server.get("/readyz").status, 200)
        told = post_at_once(server, keys, 1)  # each boots: what it fetches then changes nothing
        tap.eq({a.status for _, _, a in told}, {200})
        fill(server, ROOM_BYTES)
        told += post_at_once(server, keys, 200, stop_at=503)

        # Nothing is lost without a word, and the word is why.
        tap.eq({a.status for _, _, a in told}, {200, 503})
        last = told
        while any(answer.status == 200 for _, _, answer in last):
            fill(server)  # what SQLite has given back meanwhile
            last = post_at_once(server, keys, 20)
            told += last
        homes = until_refused(lambda: server.request(
            "POST", f"/s/{keys['n0']}/phone-home", f"hostname=h{next(numbers)}"))
        for answer in [a for _, _, a in last] + homes[-1:]:
            check_refused(answer)
            tap.eq(answer.text.count("\n"), 1)

        ready = server.get("/readyz")
        tap.eq(ready.status, 503)
        tap.contains(ready.text, REASON)
        tap.eq(server.get("/healthz").status, 200)

        # What needs no disk.
        for node, key in keys.items():
            for file in world.FILES:
                tap.eq(server.get(f"/s/{key}/{file}").status, 200, f"{node} {file}")
        tap.eq(server.admin("GET", "/v1/nodes").status, 200)
        tap.eq(server.admin("GET", "/v1/nodes/n0").json["state"],
               "booting" if len(homes) == 1 else "up")
        tap.eq(server.admin("GET", "/v1/events").status, 200)
        store = server.admin("GET", "/v1/server").json["store"]
        tap.eq(store["ok"], False)
        tap.contains(store["reason"], REASON)

        refused = until_refused(lambda: server.admin("POST", "/v1/nodes/n1/arm"))[-1]
        check_refused(refused)
        tap.eq(refused.headers["Content-Type"], "application/problem+json")
        tap.contains(refused.json["detail"], REASON)

        # Room, and no restart.
        (inside(server) / "ballast").unlink()
        tap.wait_until(lambda: server.get("/readyz").status == 200, what="being well again")
        tap.eq(report(server, keys["n0"], "after").status, 200)
        tap.eq(server.admin("POST", "/v1/nodes/n1/arm").status, 200)
        tap.eq(server.admin("GET", "/v1/server").json["store"]["ok"], True)
        wanted = {name for _, name, answer in told if answer.status == 200} | {"after"}
        tap.eq(names_in_journal(server), wanted)
        refused = [line for line in server.events("refused") if line.get("status") == "503"]
        assert refused and all(REASON in line["reason"] for line in refused), refused[:3]


tap.main()
