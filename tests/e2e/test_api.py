#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real server against tests/golden/api/, which the client's stand-in plays: each request gets
an answer of that very form."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import standin  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from homelab import NODES, Homelab, ok  # noqa: E402

HOST_KEY = standin.golden("node")["answer"]["body"]["identity"]["host_keys"]["ed25519"]

# --- what has to be the same ---------------------------------------------------------------------

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SEED_KEY, WINDOW_KEY = r"[a-z2-7]{27}", r"w[a-z2-7]{26}"
FORMS = {key: TIME for key in ("since", "opened", "ends", "began", "first", "last", "at",
                               "started", "seed_loaded")}
FORMS.update(seed_url=f"http://10.0.10.5:8080/s/{SEED_KEY}/", peer=r"127\.0\.0\.1",
             address=r"127\.0\.0\.1",
             window_url=f"http://10.0.10.5:8080/s/{WINDOW_KEY}/", version=r"\d+\.\d+\.\d+\S*",
             check="unchecked|ok", path="/.+", cause=r"node|deadline|uid \d+",
             uid="r-[a-z2-7]{26}|k8s-worker-[23]", ETag='"[0-9a-f]+"', **{"Retry-After": r"\d+"})
# A connection that its client has closed counts a moment longer.
NUMBERS = {"id", "next", "oldest", "ms", "bytes", "file_bytes", "free_bytes", "queued",
           "connections"}


def differences(got, want, key="", place=""):
    """Where the two differ, but for what is a time, a key or a count of bytes."""
    if type(got) is not type(want):
        return [f"{place}: {got!r} is not like {want!r}"]
    if isinstance(want, dict):
        if got.keys() != want.keys():
            return [f"{place}: has {sorted(got)}, not {sorted(want)}"]
        return [d for k in want for d in differences(got[k], want[k], k, f"{place}/{k}")]
    if isinstance(want, list):
        if len(got) != len(want):
            return [f"{place}: {got!r}, not {want!r}"]
        return [d for i, w in enumerate(want) for d in differences(got[i], w, key, f"{place}/{i}")]
    if isinstance(want, str) and key in FORMS:
        forms = [text for text in (got, want) if not re.fullmatch(FORMS[key], text)]
        return [f"{place}: {text!r} has not its form" for text in forms if text == got]
    if isinstance(want, str) and want.startswith("ds=nocloud;"):
        key = r"ds=nocloud;dsmode=net;s=http://10\.0\.10\.5:8080/s/" + SEED_KEY + "/"
        key += " cs=[a-z2-7]{26}\\.[A-Za-z0-9_-]{43}" if " cs=" in want else ""
        return [] if re.fullmatch(key, got) else [f"{place}: {got!r}"]
    if got != want and not (key in NUMBERS and isinstance(want, int)):
        return [f"{place}: {got!r}, not {want!r}"]
    return []


def ask(server, name, target=None, headers=None, body=None):
    """Sends the request of that file; the answer, whose status and headers are held to the file."""
    file = standin.golden(name)
    request, want = file["request"], file["answer"]
    body = request.get("body") if body is None else body
    headers = dict(headers or {}, **({"Content-Type": "application/json"} if body else {}))
    got = server.admin(request["method"], target or request["target"], body, headers)
    tap.eq(got.status, want["status"], f"{name}: {got.text}")
    wanted = want.get("headers", {})
    told = {k: got.headers[k] for k in wanted if got.headers[k] is not None}
    tap.eq(differences(told, {k: told.get(k) if k == "ETag" else v for k, v in wanted.items()}), [],
           name)
    return got


def play(server, name, target=None, **more):
    """The same, its body too."""
    got = ask(server, name, target, **more)
    want = standin.golden(name)["answer"].get("body")
    if want is None:
        tap.eq(got.body, b"", name)
    else:
        tap.eq(differences(got.json, want), [], f"{name}: {got.text}")
    return got


# --- nodes ---------------------------------------------------------------------------------------

def anew(server):
    """k8s-worker-4 is deleted, and registered as add.json has it."""
    ok(server.admin("DELETE", "/v1/nodes/k8s-worker-4"), 204)
    return play(server, "add")


def test_definitions():
    with Homelab().start() as server:
        added = play(server, "add")
        tag = added.headers["ETag"]
        play(server, "node-unknown")
        play(server, "add-taken")
        server.wait_event("checked", nodes=1, count=1)
        shown = play(server, "node-registered")
        tap.eq(shown.json["check"], "ok")
        play(server, "nodes-page-2")
        play(server, "server")
        got = ask(server, "add-faults").json
        want = standin.golden("add-faults")["answer"]["body"]
        for body in (got, want):
            body["faults"].sort(key=lambda f: f["member"] or "")
        tap.eq(differences(got, want), [])
        play(server, "add-arm", headers={"If-Match": tag})
        play(server, "add-arm-changed", headers={"If-Match": tag})
        anew(server)
        play(server, "set")
        anew(server)
        play(server, "rekey")
        play(server, "rm")
        play(server, "rm-declared")


def minutes(window):
    ends, opened = (int(window[k][11:13]) * 60 + int(window[k][14:16]) for k in ("ends", "opened"))
    return (ends - opened) % 1440


def test_actions():
    with Homelab().start() as server:
        server.wait_event("checked")
        for name in ("vm", "vm", "vm-other", "vm-gone", "vm-gone", "vm", "vm-lost", "vm-buried"):
            play(server, name)
        tap.eq(minutes(play(server, "arm").json["window"]), 120)
        play(server, "disarm")
        tap.eq(minutes(play(server, "arm-minutes").json["window"]), 90)
        play(server, "reprovision")
        play(server, "arm-unknown")


def report(server, key, name, result="SUCCESS", **more):
    ok(server.request("POST", f"/s/{key}/report", json.dumps(
        {"name": name, "event_type": "finish", "result": result, "description": "d", **more})))


def boot(server, node, result):
    """A whole build of 60 reports, as tests/golden/api has them."""
    mac = {"k8s-worker-2": "0c", "k8s-worker-3": "0d"}[node]
    key = world.key_of(server.state, node)
    ok(server.admin("POST", f"/v1/nodes/{node}/arm", {"minutes": 120}))
    ok(server.get(f"/nocloud/mac/bc:24:11:00:20:{mac}/meta-data"))
    report(server, key, "init-local", duration=1.25, description="searching for local datasources")
    for i in range(58):
        report(server, key, f"modules-config/config-{i}")
    if result == "SUCCESS":
        ok(server.request("POST", f"/s/{key}/phone-home", urlencode(
            {"hostname": node, "fqdn": f"{node}.home.arpa", "instance_id": f"{node}-1",
             "pub_key_ed25519": HOST_KEY}), {"Content-Type": "application/x-www-form-urlencoded"}))
    report(server, key, "modules-final", result)
    if result != "SUCCESS":
        ok(server.admin("POST", f"/v1/nodes/{node}/disarm"))
        ok(server.get(f"/nocloud/mac/bc:24:11:00:20:{mac}/meta-data"), 403)


def has_events(got, name):
    """Each event of the file is there, beside whatever others."""
    want = standin.golden(name)["answer"]["body"]
    tap.eq(got.json.keys(), want.keys(), name)
    for event in want["events"]:
        like = [e for e in got.json["events"]
                if (e["node"], e["kind"]) == (event["node"], event["kind"])]
        assert like, f"{name}: there is no {event['kind']} of {event['node']}"
        found = [differences(e, event) for e in like]
        tap.eq(min(found, key=len), [], f"{name}: {event['kind']}")
    return got.json["events"], got.json["next"]


def test_lives_and_events():
    with Homelab().start() as server:
        server.wait_event("checked")
        boot(server, "k8s-worker-2", "SUCCESS")
        boot(server, "k8s-worker-3", "FAIL")
        ok(server.admin("POST", "/v1/nodes", standin.golden("add")["request"]["body"]), 201)
        play(server, "node")
        play(server, "nodes-page-1", "/v1/nodes?limit=2")
        play(server, "unlock")
        page = "/v1/events?order=newest&limit="
        newest, after = has_events(ask(server, "events-newest", f"{page}1000"), "events-newest")
        tap.eq(after, None)
        tap.eq([e["id"] for e in newest], list(range(len(newest), 0, -1)))
        last = ask(server, "events-last").json
        tap.eq((last["events"], last["next"]), (newest[:1], newest[0]["id"]))
        older = ok(server.admin("GET", f"{page}2&before={last['next']}")).json
        tap.eq((older["events"], older["next"]), (newest[1:3], newest[2]["id"]))
        _, after = has_events(ask(server, "events-of-node"), "events-of-node")
        tap.eq(after, None)
        some, after = has_events(ask(server, "events-since-1", "/v1/events?limit=2&after=1"),
                                 "events-since-1")
        tap.eq(([e["id"] for e in some], after), ([2, 3], 3))
        rest, after = has_events(ask(server, "events-since-3"), "events-since-3")
        tap.eq(([e["id"] for e in some + rest], after), (list(range(2, len(newest) + 1)), None))


def test_the_events_of_a_node_that_is_gone():
    """Its name is free again: its uid alone says which node is meant."""
    with Homelab().start() as server:
        first = play(server, "add").json["uid"]
        second = anew(server).json["uid"]

        def kinds(node):
            found = ok(server.admin("GET", f"/v1/events?node={node}")).json["events"]
            return [e["kind"] for e in found]

        tap.eq((kinds(first), kinds(second), kinds("k8s-worker-4")),
               (["created", "deleted"], ["created"], ["created"]))


# --- machines that nobody knows ------------------------------------------------------------------

def test_discovered():
    made = Homelab()
    (made.templates / "ipxe").mkdir()
    made.template("ipxe/unknown", "#!ipxe\n")
    with made.start() as server:
        play(server, "discovered-none")
        said = urlencode({"mac": "bc-24-11-00-20-0e", "manufacturer": "QEMU",
                          "product": "Standard PC (Q35 + ICH9, 2009)", "platform": "efi",
                          "uuid": "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1", "arch": "x86_64"})
        for query in (said, "mac=bc-24-11-00-20-0f", said):
            ok(server.get(f"/boot.ipxe?{query}"))
        play(server, "discovered")
        added = play(server, "adopt")
        tap.eq([m["mac"] for m in server.admin("GET", "/v1/discovered").json["machines"]],
               ["bc:24:11:00:20:0f"])
        play(server, "adopt-arm", headers={"If-Match": added.headers["ETag"]})


def test_adopted_by_two():
    """Its uuid is another node's, which has another MAC."""
    with Homelab().start() as server:
        other = {**standin.golden("adopt")["request"]["body"], "macs": ["bc:24:11:00:20:1e"]}
        ok(server.admin("POST", "/v1/nodes", other), 201)
        play(server, "adopt-taken")


# --- the server itself ---------------------------------------------------------------------------

def test_the_stream():
    """Where it begins: behind `after`, or Last-Event-ID, which wins."""
    with Homelab().start() as server:
        for action in ("arm", "disarm", "arm"):
            ok(server.admin("POST", f"/v1/nodes/k8s-worker-2/{action}"))
        events = ok(server.admin("GET", "/v1/events")).json["events"]
        for headers, begins in (({}, 1), ({"Last-Event-ID": "2"}, 2)):
            connection = server.connect_admin()
            connection.request("GET", "/v1/events?after=1", None,
                               {"Accept": "text/event-stream", **headers})
            answer = connection.getresponse()
            tap.eq((answer.status, answer.headers["Content-Type"]), (200, "text/event-stream"))
            for event in events[begins:]:
                tap.eq(answer.readline().decode(), f"id: {event['id']}\n")
                tap.eq(answer.readline().decode(), f"event: {event['kind']}\n")
                told = answer.readline().decode().partition("data: ")[2]
                tap.eq((json.loads(told), answer.readline()), (event, b"\n"))
            connection.close()


def test_the_server():
    made = Homelab()
    with made.start() as server:
        play(server, "add")
        play(server, "reload")
        made.nodes(NODES.replace("role: worker", "role: workr", 1))
        play(server, "reload-faults")
        path = str(made.folder / "backup.db")
        got = play(server, "backup", body={"path": path})
        tap.eq(got.json, {"path": path, "bytes": os.stat(path).st_size})


def test_a_full_disk():
    state = world.scratch()
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    wrapper = ["unshare", "--mount", *own, "sh", "-c",
               'mount -t tmpfs -o size=1m,mode=0700 none "$0" && exec "$@"', str(state)]
    if subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode:
        raise tap.Skip("may not mount a file system of its own")
    args = [] if os.geteuid() == 0 else ["--user", "root"]
    with Homelab().start(state=state, wrapper=wrapper, args=args) as server:
        ballast = Path(f"/proc/{server.process.pid}/root{state}/ballast")
        with open(ballast, "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        for _ in range(500):
            if server.admin("POST", "/v1/nodes/k8s-worker-3/arm").status == 503:
                break
        got = ask(server, "arm-full").json
        got["detail"] = got["detail"].replace(str(state), "/var/lib/cloudseed")
        tap.eq(got, standin.golden("arm-full")["answer"]["body"])
        ballast.unlink()


def test_who_has_no_place_is_listed():
    made = Homelab()
    state = world.scratch() / "state"
    with made.start(state=state) as server:
        play(server, "add")
        tap.eq(server.admin("GET", "/v1/server").json["left_out"], [])
    made.nodes(NODES.replace("10.0.20.13", "10.0.20.14"))
    with made.start(state=state) as server:
        said = server.admin("GET", "/v1/server").json
        tap.eq((said["nodes"], said["registered"], len(said["left_out"])), (2, 0, 1))
        tap.eq(said["left_out"][0]["name"], "k8s-worker-4")
        tap.contains(said["left_out"][0]["reason"], "node 'k8s-worker-3' at seed/nodes/homelab")
        ok(server.admin("PATCH", "/v1/nodes/k8s-worker-4", {"addresses": ["10.0.20.15"]}))
        tap.eq(server.admin("GET", "/v1/server").json["left_out"], [])


def test_every_file_is_played():
    said = Path(__file__).read_text(encoding="utf-8")
    for file in standin.GOLDEN.glob("*.json"):
        tap.contains(said, f'"{file.stem}"')


tap.main()
