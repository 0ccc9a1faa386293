#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the journal keeps while one node sends without end: the others' alarms, state changes and
reports. A reader learns of all that is gone."""
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

PROGRAM = str(daemon.BUILD.resolve() / "cloudseed")
REPORTS, PER_NODE, CONNECTIONS, PIPELINED = 14000, 1000, 40, 25
LIMITS = {"history": {"events": 10000, "reports": 10000, "per_node": PER_NODE}}
QUIET, LOUD = "quiet", "loud"


def message(key, name, kind="start", result=None):
    body = json.dumps({"name": name, "event_type": kind, **({"result": result} if result else {})})
    return (f"POST /s/{key}/report HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: application/json\r\n\r\n{body}")


def post_all(server, messages):
    """Over many connections, some on the way at a time, in order on each."""
    statuses = []

    def work(mine):
        with world.Wire(server) as wire:
            for at in range(0, len(mine), PIPELINED):
                some = mine[at:at + PIPELINED]
                wire.send("".join(some))
                statuses.extend(wire.answer().status for _ in some)

    share = -(-len(messages) // CONNECTIONS)
    threads = [threading.Thread(target=work, args=(messages[i:i + share],))
               for i in range(0, len(messages), share)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap.eq((len(statuses), set(statuses)), (len(messages), {200}))


def pages(server, query=""):
    found, after = [], 0
    while after is not None:
        page = server.admin("GET", f"/v1/events?limit=1000&after={after}{query}").json
        found += page["events"]
        after = page["next"]
    return found, page["removed"]


def stream(server, after):
    """The ids that a follower gets up to now, and those that it is told it does not get."""
    newest = server.admin("GET", "/v1/events?order=newest&limit=1").json["events"][0]["id"]
    connection = server.connect_admin()
    connection.request("GET", f"/v1/events?after={after}", headers={"Accept": "text/event-stream"})
    answer, sent, lost, kind = connection.getresponse(), [], [], None
    while not sent or sent[-1] < newest:
        line = answer.readline().decode()
        assert not line.startswith(":"), f"a heartbeat, though {newest - sent[-1]} are to come"
        if line.startswith("event: "):
            kind = line[7:].strip()
        elif line.startswith("data: ") and kind == "lost":
            gap = json.loads(line[6:])
            lost += range(gap["from"], gap["to"] + 1)
        elif line.startswith("data: "):
            sent.append(json.loads(line[6:])["id"])
    connection.close()
    return sent, lost


def is_exact(server, after):
    sent, lost = stream(server, after)
    assert sorted(sent + lost) == list(range(after + 1, sent[-1] + 1)), f"not exact after {after}"
    assert sent == sorted(sent)
    return lost


def of_quiet(server):
    return pages(server, f"&node={QUIET}")


def events(server, *words):
    return subprocess.run([PROGRAM, "events", *words, "--server", str(server.socket)], text=True,
                          capture_output=True, timeout=daemon.SECONDS, check=True)


def test_one_node_pushes_out_its_own_events():
    tree = world.Tree()
    for node in (QUIET, LOUD):
        tree.node(node)
    state = world.scratch()
    with tree.start(config=LIMITS, state=state, args=["--log-level", "notice"]) as server:
        for node in (QUIET, LOUD):
            server.arm(node)
        key = {node: world.key_of(state, node) for node in (QUIET, LOUD)}
        post_all(server, [message(key[QUIET], "init-local")])
        post_all(server, [message(key[QUIET], f"modules-config/{i}") for i in range(20)])
        tap.eq(server.admin("POST", f"/v1/nodes/{QUIET}/disarm").status, 200)
        server.arm(QUIET)
        tap.eq(server.admin("POST", f"/v1/nodes/{QUIET}/disarm").status, 200)
        post_all(server, [message(key[QUIET], "init-local")])  # an alarm: it is not to be built
        before, removed = of_quiet(server)
        tap.eq(removed, None)
        tap.eq({"armed", "booting", "progress", "disarmed", "alarm"} - {e["kind"] for e in before},
               set())
        is_exact(server, 0)
        post_all(server, [message(key[LOUD], f"modules-config/{i}") for i in range(REPORTS)])
        # Changes, too: it fails, and begins another boot.
        post_all(server, 40 * [message(key[LOUD], "modules-final", "finish", "FAIL"),
                               message(key[LOUD], "init-network")])
        tap.wait_until(lambda: len(pages(server, f"&node={LOUD}&kind=progress")[0]) == PER_NODE,
                       what="the loud node's bound")
        check(server, before, False)
    with tree.start(config=LIMITS, state=state, args=["--log-level", "notice"]) as server:
        check(server, before, True)


def check(server, before, restarted):
    after, removed = of_quiet(server)
    tap.eq((after, removed), (before, None))
    kept, removed = pages(server)
    assert len(kept) < PER_NODE + 400, len(kept)
    loud = [e["id"] for e in kept if (e["node"], e["kind"]) == (LOUD, "progress")]
    first = min(loud)
    tap.eq(pages(server, f"&node={LOUD}&kind=progress")[1], removed)
    assert removed < first, (removed, first)
    changes, none = pages(server, "&kind=alarm")
    tap.eq(([e["node"] for e in changes], none), ([QUIET], None))
    # All ids are there or known to be missing.
    missing = set(range(1, kept[-1]["id"])) - {e["id"] for e in kept}
    assert len(missing) >= REPORTS - PER_NODE, len(missing)
    tap.eq(max(missing), removed)
    for since in (0, 5, first - 2, first, kept[-2]["id"]):
        lost = set(is_exact(server, since))
        later = {i for i in missing if i > since}
        assert not restarted or later <= lost, f"{len(later - lost)} are not told after {since}"
    note = rf"note: some events up to {removed} are not kept any more"
    assert re.search(note, events(server, "--since", "3").stderr)
    tap.eq(events(server, "--since", "3", QUIET).stderr, "")
    tap.eq(events(server, "--since", str(removed)).stderr, "")
    tap.eq(events(server, "--since", "3", "--kind", "alarm").stderr, "")


tap.main()
