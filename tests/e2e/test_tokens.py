#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Admins from elsewhere: tokens over TLS, asked by the real curl."""
import hashlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

WORLD = tap.enter(cli.World())
TREE = world.Tree(evidence=["name"])
TREE.node("n1")
TOKEN = re.compile(r"cloudseed_[a-z2-7]{52}\Z")


def start(**options):
    server = TREE.start(args=["--admin", "127.0.0.1:0", "--https", "127.0.0.1:0"], **options)
    server.admin_url = "https://" + server.listening["admin"]
    server.ca = world.scratch() / "ca.pem"
    server.ca.write_text(server.get("/ca.pem").text, encoding="ascii")
    return server


def create(server, name, role, **more):
    answer = server.admin("POST", "/v1/tokens", {"name": name, "role": role, **more})
    tap.eq(answer.status, 201, answer.text)
    return answer.json


def listed(server):
    return {t["name"]: t for t in server.admin("GET", "/v1/tokens").json["tokens"]}


def curl(server, path, token=None, method="GET", body=None, url=None, headers=()):
    """(status, headers, body)"""
    words = ["curl", "--silent", "--show-error", "--include", "--max-time", str(world.SECONDS),
             "--cacert", server.ca, "--request", method, (url or server.admin_url) + path]
    for line in headers:
        words += ["--header", line]
    if token:
        words += ["--header", f"Authorization: Bearer {token}"]
    if body is not None:
        words += ["--header", "Content-Type: application/json", "--data-raw", json.dumps(body)]
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=True)
    head, _, said = done.stdout.partition("\n\n")
    lines = head.splitlines()
    return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:]), said


def cloudseed(server, *words, status=0):
    done = WORLD.run(*words, "--server", server.socket)
    tap.eq(done.returncode, status, done.stdout + done.stderr)
    return done


def status(*args, **more):
    return curl(*args, **more)[0]


def test_a_token_opens_what_its_role_may():
    with start() as server:
        made = {role: create(server, f"a-{role}", role) for role in ("viewer", "operator", "admin")}
        for token in made.values():
            assert TOKEN.match(token["token"]), token
        viewer, operator, admin = (t["token"] for t in made.values())
        for token, want in ((viewer, (200, 403, 403)), (operator, (200, 200, 403)),
                            (admin, (200, 200, 200))):
            tap.eq((status(server, "/v1/nodes", token),
                    status(server, "/v1/nodes/n1/arm", token, "POST", {}),
                    status(server, "/v1/tokens", token)), want)
        said = curl(server, "/v1/nodes/n1/arm", viewer, "POST", {})
        tap.contains(said[2], "this takes the role operator, and the token a-viewer has viewer")
        tap.eq(json.loads(curl(server, "/v1/self", operator)[2]),
               {"token": "a-operator", "uid": None, "role": "operator",
                "ends": made["operator"]["ends"]})
        # Who looks sees no key of a node.
        tap.eq(json.loads(curl(server, "/v1/nodes/n1", viewer)[2])["seed_url"], None)
        tap.contains(json.loads(curl(server, "/v1/nodes/n1", operator)[2])["seed_url"], "/s/")
        tap.eq(status(server, "/v1/nodes/n1/documents/user-data", viewer), 403)
        # Who did it, and from where.
        armed = [e for e in server.admin("GET", "/v1/events").json["events"]
                 if e["kind"] == "armed"]
        tap.eq({(e["cause"], e["peer"]) for e in armed},
               {("token a-operator", "127.0.0.1"), ("token a-admin", "127.0.0.1")})
        assert server.events(token="a-admin", method="POST")


def test_without_a_token_nothing_is_open_but_what_is_public():
    with start() as server:
        code, headers, said = curl(server, "/v1/nodes")
        tap.eq((code, headers["WWW-Authenticate"]), (401, "Bearer"))
        tap.contains(said, "'cloudseed token create'")
        code, headers, _ = curl(server, "/v1/nodes", method="POST", body={"name": "x" * 1000})
        tap.eq((code, headers["WWW-Authenticate"]), (401, "Bearer"))
        for path in ("/healthz", "/readyz", "/ca.pem"):
            tap.eq(status(server, path), 200)
        key = world.key_of(server.state, "n1")
        for path in ("/boot.ipxe", "/nocloud/name/n1/meta-data"):
            tap.eq(status(server, path), 404)
        token = create(server, "one", "admin")["token"]
        tap.eq(status(server, f"/s/{key}/meta-data"), 401)
        server.arm("n1")
        tap.eq(status(server, f"/s/{key}/meta-data", token), 200)
        tap.eq(server.admin("GET", "/v1/nodes/n1").json["state"], "armed")  # an admin looks
        node = "https://" + server.listening["https"]
        tap.eq(status(server, "/v1/nodes", token, url=node), 404)
        tap.eq(status(server, "/v1/nodes", token, url=server.url), 404)


def test_wrong_tokens_are_refused_and_limited():
    with start() as server:
        good = create(server, "good", "viewer")["token"]
        near = good[:-1] + ("a" if good[-1] != "a" else "b")
        code, headers, _ = curl(server, "/v1/nodes", near)
        tap.eq((code, headers["WWW-Authenticate"]), (401, 'Bearer error="invalid_token"'))
        for wrong in [near, "x", good.upper(), good + "a"] * 3:
            code, headers, _ = curl(server, "/v1/nodes", wrong)
        tap.eq(code, 429)
        assert 0 < int(headers["Retry-After"]) <= 60, headers
        tap.eq(status(server, "/v1/nodes", good), 200)
        tap.eq(len(server.events("refused", status=401)), 10)
        assert not any(near in line for line in server.lines)


def test_only_a_digest_is_kept():
    state = world.scratch() / "state"
    server = start(state=state)
    made = create(server, "kept", "operator", days=None)
    tap.eq(made["ends"], None)
    create(server, "short", "viewer", days=1)
    kept = b"".join(p.read_bytes() for p in state.glob("state.db*"))
    assert made["token"].encode() not in kept
    assert hashlib.sha256(made["token"].encode()).hexdigest().encode() in kept
    assert not any(made["token"] in line for line in server.lines)
    again = server.admin("POST", "/v1/tokens", {"name": "kept", "role": "admin"})
    tap.eq((again.status, again.json["detail"]),
           (409, "there is a token of this name: revoke it first, or choose another"))
    tap.eq(status(server, "/v1/self", made["token"]), 200)
    tap.eq(sorted(listed(server)), ["kept", "short"])
    assert all("token" not in t for t in listed(server).values())
    tap.wait_until(lambda: listed(server)["kept"]["used"], what="the note of its use")
    server.stop(signal.SIGKILL, -signal.SIGKILL)
    with start(state=state) as server:  # the token and its last use have lasted
        tap.eq(listed(server)["kept"]["used_from"], "127.0.0.1")
        tap.eq(status(server, "/v1/self", made["token"]), 200)


def test_a_revoked_token_ends_at_once_with_its_streams():
    with start() as server:
        token = create(server, "gone", "viewer")["token"]
        stays = create(server, "stays", "viewer")["token"]
        streams = []
        for one in (token, stays):
            streams.append(subprocess.Popen(
                ["curl", "--silent", "--no-buffer", "--cacert", str(server.ca),
                 "--header", "Accept: text/event-stream",
                 "--header", f"Authorization: Bearer {one}", server.admin_url + "/v1/events"],
                stdout=subprocess.PIPE))
            tap.eq(streams[-1].stdout.readline(), b":\n")
        tap.eq(server.admin("DELETE", "/v1/tokens/gone").status, 204)
        tap.eq(streams[0].wait(world.SECONDS), 0)
        tap.eq(status(server, "/v1/nodes", token), 401)
        tap.eq(server.admin("DELETE", "/v1/tokens/gone").status, 404)
        while b"token-revoked" not in streams[1].stdout.readline():
            pass
        streams[1].kill()
        for stream in streams:
            stream.stdout.close()
            stream.wait()


def test_the_form_of_what_is_asked():
    with start() as server:
        for body, part in (({"name": "A b", "role": "viewer"}, "name:"),
                           ({"name": "a", "role": "root"}, "role:"),
                           ({"name": "a"}, "role:"),
                           ({"name": "a", "role": "viewer", "days": 0}, "days:"),
                           ({"name": "a", "role": "viewer", "day": 1}, "did you mean 'days'?")):
            answer = server.admin("POST", "/v1/tokens", body)
            tap.eq(answer.status, 400)
            tap.contains(answer.json["detail"], part)


def test_the_commands():
    with start() as server:
        made = cloudseed(server, "token", "create", "laptop", "--role", "viewer")
        assert TOKEN.match(made.stdout.strip()), made.stdout
        tap.contains(made.stderr, "laptop is viewer until ")
        tap.eq(status(server, "/v1/self", made.stdout.strip()), 200)
        made = json.loads(cloudseed(server, "token", "create", "ci", "--role", "operator",
                                    "--no-end", "--json").stdout)
        tap.eq((made["ends"], made["role"]), (None, "operator"))
        tap.eq(cloudseed(server, "token", "list", "--names").stdout, "laptop\nci\n")
        table = cloudseed(server, "token", "list").stdout
        assert re.search(r"^ci +operator +never +- +\S.* uid \d+$", table, re.M), table
        assert re.search(r"^laptop +viewer +20\S+ .* ago from 127.0.0.1 ", table, re.M), table
        said = cloudseed(server, "token", "revoke", "ci", "laptp", status=1)
        tap.eq(said.stdout, "ci is revoked\n")
        tap.contains(said.stderr, "there is no such token: 'laptp'; did you mean 'laptop'?")
        tap.contains(cloudseed(server, "token", "create", "x", status=64).stderr, "--role")
        events = cloudseed(server, "events", "--kind", "token-revoked").stdout
        assert re.search(r" token-revoked +- +ci, role operator, by uid \d+$", events, re.M), events


def test_a_restored_backup_has_no_tokens():
    state, copy = world.scratch() / "state", world.scratch() / "copy.db"
    with start(state=state) as server:
        token = create(server, "old", "admin")["token"]
        tap.eq(server.admin("POST", "/v1/backup", {"path": str(copy)}).status, 200)
    cloudseedd = [world.daemon.BUILD / "cloudseedd", "--restore", copy, "--state", state,
                  "--user", "root"]
    done = subprocess.run([str(w) for w in cloudseedd], capture_output=True, text=True, check=True)
    tap.contains(done.stdout, "revoked 1 token of admins")
    with start(state=state) as server:
        tap.eq((status(server, "/v1/nodes", token), listed(server)), (401, {}))
        events = server.admin("GET", "/v1/events?kind=token-revoked").json["events"]
        tap.eq([(e["cause"], e["data"]["name"]) for e in events], [("restore", "old")])


if __name__ == "__main__":
    tap.main()
