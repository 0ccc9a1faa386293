#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The audit of the real server: who asked for what, by which evidence, from where, and what came of
it; what it does on a full disk, at a stop and after a kill."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import joining  # noqa: E402
import cli  # noqa: E402
import daemon  # noqa: E402
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402

WORLD = tap.enter(cli.World())
KINDS = ("mac", "uuid", "serial", "name")
UUID = "4c4c4544-0042-4810-8054-b4c04f4d5132"
VALUES = {"mac": "bc:24:11:00:20:0b", "uuid": UUID, "serial": "PF3XK2", "name": "n1"}
PILE_OF_REFUSALS = 4096


def tree():
    made = world.Tree(evidence=list(KINDS))
    made.role("shown", user_data="#cloud-config\n# {{ seed.url }}\n")
    made.node("n1", "shown", macs=[VALUES["mac"]], uuid=UUID, serial=VALUES["serial"])
    made.node("n2", "shown", macs=["bc:24:11:00:20:0d"])
    return made


def audit(server, query=""):
    """All entries, the oldest first."""
    found, after = [], 0
    while after is not None:
        answer = server.admin("GET", f"/v1/audit?limit=1000&after={after}{query}")
        tap.eq(answer.status, 200, answer.text)
        found += answer.json["entries"]
        after = answer.json["next"]
    return found


def until(server, fits, query=""):
    """The entries once they fit: they are written behind."""
    found = []

    def look():
        found[:] = audit(server, query)
        return fits(found)

    tap.wait_until(look, what="the audit")
    return found


def told(entries, *names):
    return [tuple(e[n] for n in names) for e in entries]


def get(server, path, **headers):
    return server.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()}).status


def test_a_fetch_by_each_evidence():
    with tree().start() as server:
        key = world.key_of(server.state, "n1")
        window = server.arm("n1")["window_url"].rsplit("/s/")[1].strip("/")
        tap.eq(get(server, f"/s/{key}/user-data", User_Agent="Cloud-Init/24.1\t<b>"), 200)
        tap.eq(server.request("HEAD", f"/s/{key}/vendor-data").status, 200)
        tag = server.get(f"/s/{key}/meta-data").headers["ETag"]
        tap.eq(get(server, f"/s/{key}/meta-data", If_None_Match=tag), 304)
        tap.eq(get(server, f"/s/{window}/network-config"), 200)
        for kind in KINDS:
            tap.eq(get(server, f"/nocloud/{kind}/{VALUES[kind]}/user-data"), 200)
        tap.eq(get(server, "/s/" + "a" * 27 + "/user-data"), 404)  # anyone can make one up
        tap.eq(get(server, "/nocloud/mac/bc:24:11:00:20:0d/user-data"), 403)
        tap.eq(get(server, "/nocloud/name/nobody/user-data"), 404)
        tap.eq(server.request("POST", f"/s/{key}/report", json.dumps(
            {"name": "x", "description": "", "event_type": "start"})).status, 200)
        tap.eq(server.request("POST", f"/s/{key}/phone-home", "hostname=n1").status, 200)
        server.admin("POST", "/v1/nodes/n1/disarm")
        entries = until(server, lambda all: any(e["what"] == "phone-home" for e in all))

        mine = [e for e in entries if e["kind"] == "node"]
        tap.eq(told(mine, "who", "what", "status"), [
            ("seed key", "user-data", 200), ("seed key", "meta-data", 200),
            ("seed key", "meta-data", 304), ("window key", "network-config", 200),
            *((f"{kind} {VALUES[kind]}", "user-data", 200) for kind in KINDS),
            ("seed key", "phone-home", 200)])
        tap.eq({(e["node"], e["uid"], e["from"], e["times"]) for e in mine},
               {("n1", "n1", "127.0.0.1", 1)})
        tap.eq(mine[0]["agent"], "Cloud-Init/24.1\\t<b>")
        refused = [e for e in entries if e["kind"] == "refused"]
        tap.eq(told(refused, "who", "node", "what", "status"), [
            ("mac bc:24:11:00:20:0d", "n2", "user-data", 403),
            ("name nobody", None, "user-data", 404)])
        tap.contains(refused[0]["reason"], "not to be built now")
        tap.eq(told(until(server, lambda all: len(all) == 2, "&kind=admin"), "who", "what", "status"),
               [(f"uid {os.geteuid()}", "POST /v1/nodes/n1/arm", 200),
                (f"uid {os.geteuid()}", "POST /v1/nodes/n1/disarm", 200)])
        tap.eq(told(audit(server, "&node=n2"), "who"), [("mac bc:24:11:00:20:0d",)])
        tap.eq(len(audit(server, "&who=seed%20key")), 4)
        tap.eq(len(audit(server, "&who=mac")), 2)
        ids = [e["id"] for e in entries]
        tap.eq(ids, sorted(ids))
        newest = server.admin("GET", "/v1/audit?order=newest&limit=2").json
        tap.eq([e["id"] for e in newest["entries"]], [newest["entries"][1]["id"] + 1, newest["next"]])
        text = json.dumps(entries)
        assert key not in text and window not in text, text


def test_a_boot_script_that_has_the_key():
    made, mac = world.Tree(evidence=["mac"]), "bc:24:11:00:20:0e"
    shutil.copytree(daemon.SOURCE / "templates/ipxe", made.templates / "ipxe")
    made.put("roles/live.yaml", {"live": {"boot": {
        "kind": "kernel", "kernel": "vmlinuz", "initrd": ["initrd"]}}})
    made.node("n3", "live", macs=[mac])
    with made.start(args=["--tftp", "127.0.0.1:0"]) as server:
        host, port = server.listening["tftp"].rsplit(":", 1)
        tap.eq(get(server, f"/boot.ipxe?mac={mac}"), 200)  # boots its disk, and gets no key
        window = server.arm("n3")["window_url"]
        tap.contains(server.get(f"/boot.ipxe?mac={mac}").text, window)
        tap.contains(tftp.fetch((host, int(port)), f"ipxe/mac/{mac}").decode(), window)
        entries = until(server, lambda all: sum(e["times"] for e in all) == 2, "&node=n3&kind=node")
        tap.eq({(e["who"], e["what"], e["status"], e["from"]) for e in entries},
               {(f"mac {mac}", "boot.ipxe", 200, "127.0.0.1")})


def test_admins_by_token_and_socket():
    with tree().start(args=["--admin", "127.0.0.1:0", "--https", "127.0.0.1:0"]) as server:
        made = {role: server.admin("POST", "/v1/tokens", {"name": role, "role": role}).json["token"]
                for role in ("viewer", "operator")}

        def curl(path, token, method="GET"):
            words = ["curl", "--silent", "--insecure", "--max-time", str(world.SECONDS),
                     "--request", method, "--output", "/dev/null", "--write-out", "%{http_code}",
                     "--user-agent", "curl/1", f"https://{server.listening['admin']}{path}"]
            words += ["--header", f"Authorization: Bearer {token}"] if token else []
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            return int(done.stdout)

        wanted = []

        def ask(path, token, method, status, kind, node=None, role=None):
            tap.eq(curl(path, token, method), status)
            wanted.append((kind, f"token {role}" if role else None, node, f"{method} {path}", status))

        ask("/v1/nodes/n1/arm", made["operator"], "POST", 200, "admin", "n1", "operator")
        ask("/v1/nodes/n1/serial", made["operator"], "GET", 200, "admin", "n1", "operator")
        ask("/v1/nodes/n1/documents/user-data", made["operator"], "GET", 200, "admin", "n1", "operator")
        ask("/v1/nodes/n9/arm", made["operator"], "POST", 404, "admin", None, "operator")
        ask("/v1/nodes/n1/arm", made["viewer"], "POST", 403, "refused", "n1", "viewer")
        ask("/v1/audit", made["operator"], "GET", 403, "refused", None, "operator")
        ask("/v1/nodes", None, "GET", 401, "refused")
        key = world.key_of(server.state, "n1")
        tap.eq(curl(f"/s/{key}/user-data", None), 401)
        wanted.append(("refused", None, None, "GET /s/{key}/{file}", 401))
        tap.eq(curl(f"/s/{key}/user-data", made["operator"]), 200)
        wanted.append(("admin", "token operator", "n1", "user-data", 200))
        ask("/v1/nodes", made["viewer"][:-52] + "a" * 52, "GET", 401, "refused")
        tap.eq(curl("/v1/nodes", made["viewer"]), 200)  # nothing secret, nothing changed
        entries = until(server, lambda all: len(all) >= 2 + len(wanted))
        tap.eq(told(entries[2:], "kind", "who", "node", "what", "status"), wanted)
        tap.eq({(e["from"], e["agent"]) for e in entries[2:]}, {("127.0.0.1", "curl/1")})
        tap.eq(told(entries[:2], "who", "what", "status", "from"), [
            (f"uid {os.geteuid()}", f"POST /v1/tokens/{role}", 201, None) for role in made])
        for secret in (*made.values(), key):
            assert secret not in json.dumps(entries)

        # What was made and deleted is named.
        node = {"name": "n7", "role": "shown", "macs": ["bc:24:11:00:20:77"]}
        tap.eq(server.admin("POST", "/v1/nodes", node).status, 201)
        uid = server.admin("GET", "/v1/nodes/n7").json["uid"]
        tap.eq(server.admin("DELETE", "/v1/nodes/n7").status, 204)
        tap.eq(told(until(server, lambda all: len(all) == 2, f"&node={uid}"), "node", "what", "status"),
               [("n7", "POST /v1/nodes/n7", 201), ("n7", "DELETE /v1/nodes/n7", 204)])
        # Signing in to the page.
        for token, status, who in ((made["viewer"], 200, "token viewer"), ("cloudseed_x", 401, None)):
            done = subprocess.run(
                ["curl", "--silent", "--insecure", "--max-time", str(world.SECONDS), "--output",
                 "/dev/null", "--write-out", "%{http_code}", "--header",
                 "Content-Type: application/json", "--data-raw", json.dumps({"token": token}),
                 f"https://{server.listening['admin']}/ui/session"],
                capture_output=True, text=True, check=True)
            tap.eq(done.stdout, str(status))
            seen = until(server, lambda all, s=status: any(
                (e["what"], e["status"]) == ("POST /ui/session", s) for e in all))
            tap.eq([e["who"] for e in seen if (e["what"], e["status"]) == ("POST /ui/session", status)],
                   [who])
            assert token not in json.dumps(seen)

        for path in ("/v1/reload", "/v1/ca/renew"):
            server.admin("POST", path)
        until(server, lambda all: [e["what"] for e in all[-2:]] == ["POST /v1/reload",
                                                                    "POST /v1/ca/renew"])


def test_parameters():
    with tree().start() as server:
        for query, said in (("kind=armed", "kind: expected admin, node or refused"),
                            ("order=x", "order: expected"), ("limit=0", "limit: expected"),
                            ("after=x", "after: expected"), ("whom=x", "'whom'")):
            answer = server.admin("GET", f"/v1/audit?{query}")
            tap.eq(answer.status, 400, query)
            tap.contains(answer.json["detail"], said)
        tap.eq(server.admin("GET", "/v1/events?who=x").status, 400)


def test_a_join():
    with joining.Site() as site:
        asked = joining.request("bootstrap", uuid=None)
        serial = site.serial(joining.MASTER)
        url, _, secret = serial.partition(" cs=")
        wrong = f"{url} cs={'b' if secret[0] == 'a' else 'a'}{secret[1:]}"
        tap.eq(site.post(site.serial(), "bootstrap", joining.request("bootstrap"))[0], 503)
        tap.eq(site.post(wrong, "bootstrap", asked)[0], 403)
        tap.eq(site.post(serial, "bootstrap", asked)[1]["action"], "init")
        tap.eq(site.post(serial, "bootstrap", {**asked, "claim": "A" * 43})[0], 409)
        entries = until(site.server, lambda all: len(all) >= 4, f"&node={joining.MASTER}")
        tap.eq(told(entries, "kind", "who", "what", "status")[1:], [
            ("refused", "seed key", "bootstrap", 403), ("node", "join key", "bootstrap", 200),
            ("refused", "join key", "bootstrap", 409)])
        tap.contains(entries[1]["reason"], "join key")
        tap.eq(told(audit(site.server, f"&node={joining.WORKER}"), "kind"), [("admin",)])  # it waits


def test_what_repeats_is_counted():
    with tree().start() as server:
        key = world.key_of(server.state, "n1")
        connection = http.client.HTTPConnection(server.listening["http"])
        for _ in range(500):
            connection.request("GET", f"/s/{key}/user-data")
            connection.getresponse().read()
        entries = until(server, lambda all: sum(e["times"] for e in all) == 500)
        assert len(entries) < 50, len(entries)


def test_a_stop_keeps_all_and_a_kill_what_was_written():
    made, state = tree(), world.scratch() / "state"
    with made.start(state=state) as server:
        key = world.key_of(state, "n1")
        tap.eq(get(server, f"/s/{key}/user-data"), 200)
        server.stop()
    server = made.start(state=state)
    tap.eq(told(audit(server), "who", "what"), [("seed key", "user-data")])
    tap.eq(get(server, f"/s/{key}/meta-data"), 200)
    until(server, lambda all: len(all) == 2)
    server.stop(signal.SIGKILL, -signal.SIGKILL)
    with made.start(state=state) as server:
        tap.eq(told(audit(server), "id", "what"), [(1, "user-data"), (2, "meta-data")])
        tap.eq(get(server, "/healthz"), 200)


NAMESPACE = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
MOUNT = 'mount -t tmpfs -o size=4m,mode=0700 none "$0" && exec "$@"'


def test_a_full_disk():
    state = world.scratch()
    wrapper = [*NAMESPACE, "sh", "-c", MOUNT, str(state)]
    if subprocess.run([*wrapper, "true"], check=False, capture_output=True).returncode:
        raise tap.Skip("may not mount a file system of its own")
    args = [] if os.geteuid() == 0 else ["--user", "root"]
    with tree().start(state=state, wrapper=wrapper, args=args) as server:
        inside = Path(f"/proc/{server.process.pid}/root{state}")
        key = world.key_of(inside, "n1")
        with open(inside / "ballast", "ab", buffering=0) as ballast:
            try:
                while ballast.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        tap.wait_until(lambda: (get(server, f"/s/{key}/user-data") == 200 and
                                get(server, "/readyz") == 503), what="the full disk")
        connection = http.client.HTTPConnection(server.listening["http"])
        for i in range(PILE_OF_REFUSALS + 100):
            connection.request("GET", f"/nocloud/name/nobody{i}/user-data")
            connection.getresponse().read()
        tap.eq(get(server, f"/s/{key}/meta-data"), 200)  # serving goes on
        lost = server.admin("GET", "/v1/server").json["audit"]["lost"]
        assert 0 < lost <= 100, lost
        (inside / "ballast").unlink()
        tap.wait_until(lambda: get(server, "/readyz") == 200, what="room")
        entries = until(server, lambda all: any(e["what"] == "meta-data" for e in all))
        said = [e for e in entries if e["who"] == "server"]
        tap.eq(told(said, "kind", "what", "times"), [("admin", "lost", lost)])
        tap.eq(server.admin("GET", "/v1/server").json["audit"]["lost"], lost)
        tap.eq(len([e for e in entries if e["kind"] == "refused"]), PILE_OF_REFUSALS + 100 - lost)
        assert any(e["what"] == "user-data" and e["kind"] == "node" for e in entries)
        tap.eq(server.wait_event("audit-lost")["entries"], str(lost))


def test_the_command():
    with tree().start() as server:
        key = world.key_of(server.state, "n1")
        server.arm("n1")
        tap.eq(get(server, f"/s/{key}/user-data", User_Agent="\x1b[31m" "Cloud-Init"), 200)
        tap.eq(get(server, "/nocloud/name/n2/user-data"), 403)
        until(server, lambda all: len(all) == 3)
        words = ["--server", str(server.socket)]
        out = WORLD.good("audit", *words, env={"COLUMNS": "80"})
        assert all(len(line) <= 80 for line in out.splitlines()), out
        tap.contains(out, "POST /v1/nodes/n1/arm: 200")
        tap.contains(out, "user-data of n1: 200")
        out = WORLD.good("audit", "n1", "-o", "wide", *words)
        tap.contains(out, "user-data: 200 (\\x1b[31mCloud-Init)")
        assert "\x1b" not in out and "n2" not in out, out
        tap.eq(len(json.loads(WORLD.good("audit", "--json", "--kind", "refused", *words))), 1)
        tap.eq([e["id"] for e in json.loads(WORLD.good("audit", "--json", "--since", "1", *words))],
               [2, 3])
        tap.eq(len(json.loads(WORLD.good("audit", "--json", "--who", "uid", *words))), 1)
        tap.contains(WORLD.bad(cli.MISUSED, "audit", "--since", "x", *words), "the id of an entry")
        tap.contains(WORLD.bad(1, "audit", "--kind", "x", *words), "expected admin, node or refused")


tap.main()
