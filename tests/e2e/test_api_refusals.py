#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of refusal of the admin interface has the form that docs/formats/api.md gives it."""
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from homelab import Homelab, ok  # noqa: E402

PROBLEM = "application/problem+json"


def refused(answer, status, part=""):
    """The form of all refusals; its body."""
    tap.eq((answer.status, answer.headers["Content-Type"]), (status, PROBLEM), answer.text)
    said = answer.json
    tap.eq(set(said) - {"faults"}, {"type", "title", "status", "detail"})
    tap.eq((said["type"], said["status"]), ("about:blank", status))
    assert said["title"] not in ("", "Error"), said
    assert said["detail"].isprintable() and len(said["detail"]) > 8, said
    assert said.get("faults", ["one"]), said
    tap.contains(answer.text, part)
    return answer


# What is refused by its head alone is sent without a body: the server reads none of it.
REFUSALS = [
    # 400: what is no request, a number that is none, a member or parameter that nobody knows
    ("POST", "/v1/nodes", b"{", {}, 400, "not JSON"),
    ("POST", "/v1/nodes", b"[]", {}, 400, "not a JSON object"),
    ("POST", "/v1/nodes", {"name": "n", "rolle": "worker"}, {}, 400, "did you mean 'role'"),
    ("POST", "/v1/nodes/k8s-worker-2/arm", {"minutes": 0}, {}, 400, "1 to 10080"),
    ("POST", "/v1/nodes/k8s-worker-2/arm", {"minutes": "5"}, {}, 400, "1 to 10080"),
    ("POST", "/v1/nodes/k8s-worker-2/arm", {"minute": 5}, {}, 400, "did you mean 'minutes'"),
    ("POST", "/v1/nodes/k8s-worker-2/disarm", {"minutes": 5}, {}, 400, "no member 'minutes'"),
    ("POST", "/v1/nodes/k8s-worker-2/vm", {"endpoint": "home", "host": "pve1"}, {}, 400, "vmid"),
    ("POST", "/v1/nodes/k8s-worker-2/vm", {"endpoint": "a b", "host": "pve1", "vmid": 1}, {}, 400,
     "expected names"),
    ("POST", "/v1/nodes", {"name": "n", "role": "worker", "serial": 1e3}, {}, 400,
     "serial: expected a text"),
    ("POST", "/v1/tokens", {"name": "n", "role": "viewer", "days": 2 ** 63 - 1}, {}, 400, "1 to 3650"),
    ("POST", "/v1/tokens", {"name": "n", "role": "viewer", "days": -2 ** 63}, {}, 400, "1 to 3650"),
    ("GET", "/v1/server?limit=1", None, {}, 400, "no parameter 'limit'"),
    ("GET", "/v1/nodes/k8s-worker-2?limit=1", None, {}, 400, "no parameter 'limit'"),
    ("POST", "/v1/nodes/k8s-worker-2/disarm?now=1", None, {}, 400, "no parameter 'now'"),
    ("POST", "/v1/reload", {"now": True}, {}, 400, "no member 'now'"),
    ("POST", "/v1/backup", None, {}, 400, "path: expected"),
    ("POST", "/v1/backup", {"path": "relative"}, {}, 400, "path: expected"),
    ("GET", "/v1/nodes?limit=0", None, {}, 400, "limit: expected a number from 1 to 1000"),
    ("GET", "/v1/nodes?limit=1001", None, {}, 400, "limit: expected"),
    ("GET", "/v1/nodes?states=ready", None, {}, 400, "did you mean 'state'"),
    ("GET", "/v1/nodes?state=redy", None, {}, 400, "did you mean 'ready'"),
    ("GET", "/v1/events?after=x", None, {}, 400, "after: expected"),
    ("GET", "/v1/events?order=old", None, {}, 400, "oldest or newest"),
    ("GET", "/v1/audit?order=old", None, {}, 400, "oldest or newest"),
    ("GET", "/v1/events?node=n", None, {"Accept": "text/event-stream"}, 400, "no parameter 'node'"),
    ("GET", "/v1/events", None, {"Accept": "text/event-stream", "Last-Event-ID": "x"}, 400,
     "after: expected"),
    ("GET", "/v1/nodes", None, {"Content-Length": "0"}, 400, "GET and HEAD take no body"),
    # 404, 405
    ("GET", "/v1/", None, {}, 404, "no such path"),
    ("GET", "/v1/nodes/", None, {}, 404, "no such path"),
    ("GET", "/v1/nodes/k8s-worker-2/states", None, {}, 404, "no such path"),
    ("GET", "/v1/nodes/k8s-worker-22", None, {}, 404, "did you mean 'k8s-worker-2'"),
    ("POST", "/v1/nodes/nobody/arm", None, {}, 404, "there is no such node"),
    ("PATCH", "/v1/nodes/nobody", {}, {}, 404, "there is no such node"),
    ("GET", "/v1/nodes/k8s-worker-2/documents/user", None, {}, 404, "no such document"),
    ("PUT", "/v1/nodes", None, {}, 405, "GET, HEAD, POST"),
    ("GET", "/v1/reload", None, {}, 405, "POST"),
    ("POST", "/v1/nodes/k8s-worker-2", None, {}, 405, "GET, HEAD, PATCH, DELETE"),
    # 409, 412, 422
    ("DELETE", "/v1/nodes/k8s-worker-2", None, {}, 409, "seed/nodes/homelab.yaml:14"),
    ("PATCH", "/v1/nodes/k8s-worker-2", {"macs": []}, {}, 409, "seed/nodes/homelab.yaml:14"),
    ("POST", "/v1/nodes/k8s-worker-2/rekey", None, {}, 409, "seed/nodes/homelab.yaml:14"),
    ("POST", "/v1/nodes", {"name": "n", "role": "worker", "macs": ["bc:24:11:00:20:0c"]}, {}, 409,
     '"member":"macs"'),
    ("POST", "/v1/nodes/k8s-worker-2/arm", None, {"If-Match": '"1"'}, 412, "somebody else"),
    ("POST", "/v1/nodes", {"name": "n"}, {}, 422, "role"),
    ("POST", "/v1/nodes", {"name": "n", "role": "worker", "macs": "x"}, {}, 422, '"member":"macs"'),
    # 413, 415
    ("POST", "/v1/nodes", None, {"Content-Length": "262145"}, 413, "too large"),
    ("POST", "/v1/nodes", b"name=n", {"Content-Type": "text/plain"}, 415, "application/json"),
    ("POST", "/v1/nodes/k8s-worker-2/arm", b"{}",
     {"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
]


def test_refusals():
    with Homelab().start() as server:
        for method, path, body, headers, status, part in REFUSALS:
            try:
                answer = refused(server.admin(method, path, body, headers), status, part)
                if status == 405:
                    tap.eq(answer.headers["Allow"], answer.json["detail"].split(" can ")[0][5:])
            except Exception as error:
                raise AssertionError(f"{method} {path} {body}"[:200]) from error
        tap.eq(server.admin("GET", "/v1/events").json["events"], [])  # nothing came of it


def test_content_types_that_are_taken():
    with Homelab().start() as server:
        for kind in ("application/json", "Application/JSON; charset=utf-8",
                     "application/merge-patch+json"):
            ok(server.admin("POST", "/v1/nodes/k8s-worker-2/arm", b"{}", {"Content-Type": kind}))
        ok(server.admin("POST", "/v1/nodes/k8s-worker-2/disarm", None,
                        {"Content-Type": "text/plain"}))  # of no body


def test_a_faulty_document_is_422():
    made = Homelab()
    made.role("worker", user_data="{{ nothing.of_it }}")
    with made.start() as server:
        refused(server.admin("GET", "/v1/nodes/k8s-worker-2/documents/user-data"), 422,
                "worker-user-data:1:")


def test_of_two_that_saw_the_same_one_wins():
    with Homelab().start() as server:
        for _ in range(8):
            seen = {"If-Match": server.admin("GET", "/v1/nodes/k8s-worker-2").headers["ETag"]}
            told = []

            def act(seen=seen, told=told):
                told.append(server.admin("POST", "/v1/nodes/k8s-worker-2/reprovision", None, seen))

            threads = [threading.Thread(target=act) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            tap.eq(sorted(answer.status for answer in told), [200, 412, 412, 412])
        tap.eq(server.admin("GET", "/v1/nodes/k8s-worker-2").json["generation"], 9)


def test_actions_that_race_a_deletion_leave_nothing():
    with Homelab().start() as server:
        for _ in range(8):
            ok(server.admin("POST", "/v1/nodes", {"name": "k8s-worker-4", "role": "worker"}), 201)
            told = []

            def act(name, told=told):
                told.append(server.admin("POST", f"/v1/nodes/k8s-worker-4/{name}"))

            threads = [threading.Thread(target=act, args=(name,))
                       for name in ("arm", "reprovision")]
            for thread in threads:
                thread.start()
            ok(server.admin("DELETE", "/v1/nodes/k8s-worker-4"), 204)
            for thread in threads:
                thread.join()
            for answer in told:
                if answer.status != 200:
                    refused(answer, 404, "there is no such node")
        events = ok(server.admin("GET", "/v1/events?limit=1000")).json["events"]
        dead = set()
        for event in events:
            assert event["uid"] not in dead, event
            if event["kind"] == "deleted":
                dead.add(event["uid"])
        tap.eq(len(dead), 8)


tap.main()
