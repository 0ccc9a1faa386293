#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the server says of documents that render and are no good: while it goes on serving them."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD  # noqa: E402

GOOD = "#cloud-config\nhostname: {{ node.name }}\nfinal_message: {{ text | default('x') }}\n"
MANY = 30000


def tree(template=GOOD):
    made = world.Tree()
    made.role("r", user_data=template)
    made.node("n1", "r")
    made.node("n2", "r", variables={"text": "to be: or not"})
    return made


def served(server, node):
    """The log line of a fetch of that node's user-data."""
    count = len(server.events("served")) + 1
    tap.eq(server.get(f"/s/{world.key_of(server.state, node)}/user-data").status, 200)
    return server.wait_event("served", count=count)


def reload(server, event="reloaded"):
    count = len(server.events(event)) + 1
    server.signal(signal.SIGHUP)
    return server.wait_event(event, count=count)


def test_a_sound_tree():
    made = tree()
    made.node("n2", "r")
    with made.start() as server:
        checked = server.wait_event("checked")
        tap.eq((checked["nodes"], checked["faulty"]), ("2", "0"))
        assert int(checked["ms"]) >= 0
        tap.eq(server.events("document-fault"), [])
        assert "check" not in served(server, "n1")


def test_one_node_of_two_is_faulty():
    made = tree()
    with made.start() as server:
        checked = server.wait_event("checked")
        tap.eq((checked["nodes"], checked["faulty"]), ("2", "1"))
        fault, = server.events("document-fault")
        want = {"level": "warning", "file": f"{made.templates}/r-user-data", "line": "3",
                "node": "n2", "document": "user-data"}
        tap.eq({key: fault.get(key) for key in want}, want)
        tap.contains(fault["reason"], "mapping values are not allowed")
        assert "check" not in served(server, "n1")
        tap.eq(served(server, "n2")["check"], "faulty")
        tap.eq(server.get("/readyz").status, 200)


def test_what_takes_too_long_is_a_fault_and_is_not_served():
    """The same limit decides in the check and when a node asks."""
    made = world.Tree()
    made.role("r", user_data="#cloud-config\n{% for i in range(rounds) %}\n"
              "{% for j in range(100) %}{% set a = (node.name ~ j)|upper %}{% endfor %}\n{% endfor %}\n")
    rounds = [10, 100, 300, 500, 1000, 100000]
    for number in rounds:
        made.node(f"n{number}", "r", variables={"rounds": number})
    checked = subprocess.run([BUILD / "cloudseed", "check", made.seed, "--templates",
                              made.templates], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             check=False, text=True)
    tap.eq(checked.returncode, 1)
    tap.contains(checked.stdout, f"{made.templates}/r-user-data:3:")
    tap.contains(checked.stdout, "this takes too many steps: shorten the loops")
    with made.start() as server:
        tap.eq(server.wait_event("checked")["nodes"], str(len(rounds)))
        faults = server.events("document-fault")  # the place is where the last step was taken
        tap.eq({fault["file"] for fault in faults}, {f"{made.templates}/r-user-data"})
        assert {fault["line"] for fault in faults} <= {"2", "3"}, faults
        for fault in faults:
            tap.contains(fault["reason"], "this takes too many steps: shorten the loops")
        refused = set()
        for number in rounds:
            node = f"n{number}"
            answer = server.get(f"/s/{world.key_of(server.state, node)}/user-data")
            if answer.status == 500:
                refused.add(node)
                tap.contains(server.wait_event("render-failed", count=len(refused))["reason"],
                             "this takes too many steps: shorten the loops")
        assert {"n100000"} <= refused and "n10" not in refused, refused
        tap.eq(server.wait_event("checked")["faulty"], str(len(refused)))


def test_a_reload_is_checked_anew():
    made = tree()
    with made.start() as server:
        server.wait_event("checked")
        made.template("r-user-data", GOOD.replace("{{ text | default('x') }}",
                                                  "{{ text | default('x') | tojson }}"))
        reload(server)
        tap.eq(server.wait_event("checked", count=2)["faulty"], "0")
        assert "check" not in served(server, "n2")
        made.template("r-user-data", GOOD.replace("final_message", "final_massage"))
        reload(server)
        tap.eq(server.wait_event("checked", count=3)["faulty"], "2")
        tap.eq(served(server, "n1")["check"], "faulty")
        reasons = [fault["reason"] for fault in server.events("document-fault")]
        assert any("did you mean 'final_message'?" in reason for reason in reasons), reasons


def test_a_refused_reload_leaves_the_verdicts():
    made = tree()
    with made.start() as server:
        server.wait_event("checked")
        (made.seed / "site.yaml").write_text("[", encoding="utf-8")
        reload(server, "reload-refused")
        tap.eq(served(server, "n2")["check"], "faulty")
        tap.eq(len(server.events("checked")), 1)


def large():
    """A tree whose check takes a while."""
    made = world.Tree()
    made.role("r", user_data="#cloud-config\n{% for i in range(60) %}key{{ i }}{{ node.name }}: "
                             "{{ i | tojson }}\n{% endfor %}")
    made.put("nodes/many.yaml", {f"n{i}": {"role": "r"} for i in range(MANY)})
    return made


def test_serving_reloading_and_stopping_wait_for_no_check():
    made = large()
    with made.start() as server:
        assert "check" not in served(server, "n1")
        for _ in range(3):
            reload(server)
        tap.eq(server.events("checked"), [])  # not one of the four came to its end
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        tap.eq(server.wait(), 0)
        assert time.monotonic() - began < 30  # the check would take minutes
        tap.eq(server.events("checked"), [])


def test_a_check_runs_at_the_lowest_priority():
    made = large()
    with made.start() as server:
        def policies():
            tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
            return [os.sched_getscheduler(int(task.name)) for task in tasks]
        cores = len(os.sched_getaffinity(server.process.pid))
        tap.wait_until(lambda: policies().count(os.SCHED_IDLE) == cores, what="a thread for each core")
        tap.eq(os.sched_getscheduler(server.process.pid), os.SCHED_OTHER)
        tap.eq(server.events("check-priority"), [])


def test_the_shipped_templates():
    with world.start(**world.HOMELAB) as server:
        tap.eq(server.wait_event("checked")["faulty"], "0")
        tap.eq(server.events("document-fault") + server.events("warning"), [])


tap.main()
