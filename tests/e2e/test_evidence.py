#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Machines known by what anyone could forge: only where the site says so, while somebody builds
them, and never by their own key."""
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

KINDS = ("mac", "uuid", "serial", "name")
UUID = "4c4c4544-0042-4810-8054-b4c04f4d5132"
SERIAL = "PF 3X/K2%A9?"
URL = "http://10.0.10.5:8080"
VALUES = {"mac": "bc:24:11:00:20:0b", "uuid": UUID, "serial": quote(SERIAL, safe=""), "name": "n1"}


def tree(*evidence):
    made = world.Tree(evidence=list(evidence))
    made.role("shown", user_data="url={{ seed.url }}\n{{ node.name }} {{ node | tojson }}\n",
              vendor_data="{{ seed.url }}phone-home", network_config="{{ seed | tojson }}")
    made.node("n1", "shown", macs=["bc:24:11:00:20:0b", "BC-24-11-00-20-0C"], uuid=UUID,
              serial=SERIAL)
    made.node("n2", "shown", macs=["bc:24:11:00:20:0d"])
    return made


server = tap.enter(tree(*KINDS).start())
WINDOW = server.arm("n1")["window_url"]


def get(kind, value, file="user-data", at=server):
    return at.get(f"/nocloud/{kind}/{value}/{file}")


def known(kind, value):
    answer = get(kind, value)
    tap.eq(answer.status, 200, f"{kind} {value}")
    tap.contains(answer.text, "\nn1 ")
    tap.contains(answer.text, f"url={WINDOW}\n")  # what is fetched next, and called


def unknown(kind, value):
    answer = get(kind, value)
    tap.eq(answer.status, 404, f"{kind} {value}")
    tap.eq(answer.text.count("\n"), 1)


def test_mac_in_every_spelling():
    for mac in ("bc:24:11:00:20:0b", "BC:24:11:00:20:0B", "bc-24-11-00-20-0b", "bc241100200b",
                "BC241100200b", "bc%3a24%3A11%3A00%3A20%3A0b", "bc:24:11:00:20:0c"):
        known("mac", mac)
    for mac in ("bc:24:11:00:20:0e", "bc:24:11:00:20", "bc:24:11:00:20:0b:00", "00:00:00:00:00:00",
                "bc:24:11:00:20:0g", "bc:24-11:00:20:0b", "ff:ff:ff:ff:ff:ff", "x", "n1", UUID):
        unknown("mac", mac)


def test_uuid_in_every_spelling():
    known("uuid", UUID)
    for uuid in (UUID.upper(), UUID.replace("-", ""), "{" + UUID + "}", UUID + "%20"):
        known("uuid", uuid)
    for uuid in (UUID[:-1] + "3", UUID + "0", UUID.replace("-", "", 1), "{" + UUID, "n1",
                 "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"):
        unknown("uuid", uuid)


def test_serial_percent_encoded():
    known("serial", quote(SERIAL, safe=""))
    known("serial", "PF%203X%2fK2%25A9%3f")
    known("serial", "".join(f"%{ord(c):02x}" for c in SERIAL))
    for serial in (quote(SERIAL.lower(), safe=""), quote(SERIAL[:-1], safe=""), "PF", "n1",
                   quote(SERIAL + " ", safe=""), quote(quote(SERIAL, safe=""), safe="")):
        unknown("serial", serial)


def test_name():
    known("name", "n1")
    known("name", "%6e1")
    for name in ("n3", "N1", "n1%20", "n1.", "n", "n12", "..", "%2e%2e", "n1%2f"):
        unknown("name", name)


def test_only_while_it_is_built():
    """Outside of a build window it is refused, in a line that says what to do, and noted once."""
    with tree("mac").start() as other:
        for _ in range(3):
            answer = get("mac", VALUES["mac"], at=other)
            tap.eq((answer.status, answer.text.count("\n")), (403, 1))
            tap.contains(answer.text, "cloudseed node arm")
        url = other.arm("n1")["window_url"]
        path = url[len(URL):]
        tap.eq(get("mac", VALUES["mac"], at=other).status, 200)
        tap.eq(other.get(path + "user-data").status, 200)
        tap.eq(other.admin("POST", "/v1/nodes/n1/disarm").status, 200)
        tap.eq(get("mac", VALUES["mac"], at=other).status, 403)
        tap.eq(other.get(path + "user-data").status, 404)
        alarms = other.admin("GET", "/v1/events?kind=alarm").json["events"]
        tap.eq([(a["node"], a["data"]["detail"], a["peer"]) for a in alarms],
               [("n1", "mac", "127.0.0.1")])


def cloudseed(at, *words):
    return subprocess.run([str(daemon.BUILD.resolve() / "cloudseed"), *words, "--server", str(at.socket)],
                          capture_output=True, text=True, timeout=60, check=True).stdout


def test_what_is_refused_is_told_with_the_node():
    """For an admin who forgot to arm it; until it is served."""
    with tree("mac").start() as other:
        def refused():
            return other.admin("GET", "/v1/nodes/n1").json["refused"]
        tap.eq(refused(), None)
        for _ in range(4):
            get("mac", VALUES["mac"], at=other)
        tap.eq((refused()["times"], refused()["reason"]), (4, "not armed"))
        assert refused()["first"] <= refused()["last"], refused()
        done = cloudseed(other, "node", "list")
        assert "4 refused since " in done and ": not armed" in done, done
        tap.contains(cloudseed(other, "node", "show", "n1"), "4 refused since ")
        other.arm("n1")
        tap.eq(get("mac", VALUES["mac"], at=other).status, 200)
        tap.eq(refused(), None)


def report(path, at, name="modules-config/config-ntp", result="SUCCESS", kind="finish"):
    body = {"name": name, "description": "", "event_type": kind, "result": result}
    return at.request("POST", path + "report", json.dumps(body)).status


def test_a_boot_outlasts_its_window():
    """It knows no other key to tell by; but it is told nothing any more, and its end is the end."""
    with tree("mac").start() as other:
        path = other.arm("n1")["window_url"][len(URL):]
        tap.eq(get("mac", VALUES["mac"], at=other).status, 200)
        tap.eq(report(path, other), 200)
        tap.eq(other.admin("POST", "/v1/nodes/n1/disarm").status, 200)
        tap.eq(other.get(path + "user-data").status, 404)
        tap.eq(report(path, other), 200)
        tap.eq(other.request("POST", path + "phone-home", "hostname=n1").status, 200)
        tap.eq(report(path, other, "modules-final"), 200)
        tap.eq(other.admin("GET", "/v1/nodes/n1").json["state"], "ready")
        tap.eq(report(path, other), 404)
        tap.eq(other.request("POST", path + "phone-home", "hostname=n1").status, 404)


def test_a_forged_mac_replaces_no_host_keys():
    """Its key is that of the window; the node phoned home by its own."""
    with tree("mac").start() as other:
        path = other.arm("n1")["window_url"][len(URL):]
        own = f"/s/{world.key_of(other.state, 'n1')}/"

        def call(by, key):
            return other.request("POST", by + "phone-home",
                                 urlencode({"hostname": "n1", "pub_key_ed25519": key})).status

        def keys(what):
            return other.admin("GET", "/v1/nodes/n1").json["identity"][what]

        good, bad = "ssh-ed25519 AAAAgood root@n1", "ssh-ed25519 AAAAbad root@n1"
        tap.eq(get("mac", VALUES["mac"], at=other).status, 200)
        tap.eq(report(path, other), 200)
        tap.eq(call(own, good), 200)
        for closed in (False, True):
            if closed:
                tap.eq(other.admin("POST", "/v1/nodes/n1/disarm").status, 200)
            tap.eq(call(path, bad), 200)
            tap.eq((keys("host_keys"), keys("offered_keys")),
                   ({"ed25519": good}, {"ed25519": bad}))
        tap.eq(other.admin("GET", "/v1/nodes/n1").json["alarms"], 1)
        tap.eq(other.admin("POST", "/v1/nodes/n1/accept-keys").status, 200)
        tap.eq((keys("host_keys"), keys("offered_keys")), ({"ed25519": bad}, {}))
        tap.eq(other.admin("POST", "/v1/nodes/n1/accept-keys").status, 409)


def host_keys(at, path, *keys):
    """Phones home with them; then the keys that are known and those that are offered."""
    form = {"hostname": "n1", **{f"pub_key_{kind}": key for kind, key in keys}}
    tap.eq(at.request("POST", path + "phone-home", urlencode(form)).status, 200)
    identity = at.admin("GET", "/v1/nodes/n1").json["identity"]
    return list(identity["host_keys"].items()), list(identity["offered_keys"].items())


def test_nor_where_it_makes_the_node_fail_first():
    good, bad = ("ed25519", "ssh-ed25519 AAAAgood n1"), ("ed25519", "ssh-ed25519 AAAAbad n1")
    for begins_again in (False, True):
        with tree("mac").start() as other:
            def tell(name, result, kind="finish"):
                tap.eq(report(path, other, name, result, kind), 200)

            path = other.arm("n1")["window_url"][len(URL):]
            own = f"/s/{world.key_of(other.state, 'n1')}/"
            tap.eq(get("mac", VALUES["mac"], at=other).status, 200)
            tap.eq(host_keys(other, own, good), ([good], []))
            tell("modules-final", "FAIL")
            if begins_again:
                tell("init-network", "SUCCESS", "start")
            tap.eq(host_keys(other, path, bad), ([good], [bad]))
            tap.eq(other.admin("GET", "/v1/nodes/n1").json["alarms"], 1)
            # By its own key the node that failed is built again.
            tell("modules-final", "FAIL")
            tap.eq(report(own, other, "init-network", "SUCCESS", "start"), 200)
            tap.eq(host_keys(other, own, bad), ([bad], []))
            path = other.arm("n1")["window_url"][len(URL):]
            tap.eq(host_keys(other, path, good), ([good], []))  # a build that an admin opened


def test_the_order_of_host_keys_is_nothing():
    keys = [("rsa", "ssh-rsa AAAA n1"), ("ed25519", "ssh-ed25519 AAAA n1")]
    with tree("mac").start() as other:
        own = f"/s/{world.key_of(other.state, 'n1')}/"
        other.arm("n1")
        tap.eq(host_keys(other, own, *keys), (keys, []))
        tap.eq(host_keys(other, own, *keys[::-1]), (keys, []))
        tap.eq(host_keys(other, own, keys[0]), (keys, keys[:1]))
        tap.eq(other.admin("GET", "/v1/nodes/n1").json["alarms"], 1)


def test_all_four_files():
    key = world.key_of(server.state, "n1")
    for kind, value in VALUES.items():
        tap.eq(get(kind, value, "meta-data").body, server.get(f"/s/{key}/meta-data").body)
        for file in world.FILES:
            tap.eq(get(kind, value, file).status, 200)
        head = server.request("HEAD", f"/nocloud/{kind}/{value}/user-data")
        tap.eq((head.status, head.body), (200, b""))


def test_the_key_is_in_no_file():
    for node in ("n1", "n2"):
        key = world.key_of(server.state, node)
        tap.contains(server.get(f"/s/{key}/user-data").text, key)  # it would be there to see
    key, others = world.key_of(server.state, "n1"), world.key_of(server.state, "n2")
    for kind, value in VALUES.items():
        for file in world.FILES:
            for query in ("", f"?key={key}"):
                answer = server.get(f"/nocloud/{kind}/{value}/{file}{query}",
                                    headers={"X-Key": key, "Referer": f"{URL}/s/{key}/"})
                told = answer.text + str(answer.headers)
                assert key not in told and others not in told, (kind, file)


def test_only_what_the_site_allows():
    for allowed in KINDS:
        with tree(allowed).start() as other:
            other.arm("n1")
            for kind, value in VALUES.items():
                answer = get(kind, value, at=other)
                tap.eq(answer.status, 200 if kind == allowed else 403, f"{kind} with {allowed}")
                if kind != allowed:
                    tap.contains(answer.text, "evidence")
                    tap.eq(answer.text.count("\n"), 1)


def test_nothing_is_told_where_nothing_is_allowed():
    """Known or not: the same answer, so that nobody learns who there is."""
    with tree().start() as other:
        for kind, value in VALUES.items():
            answers = {(a.status, a.body) for a in
                       (get(kind, v, at=other) for v in (value, "bc:24:11:00:20:0e", "n3", "%20"))}
            tap.eq(len(answers), 1, kind)
            tap.eq(answers.pop()[0], 403)
        tap.eq(other.get(f"/s/{world.key_of(other.state, 'n1')}/meta-data").status, 200)


def test_a_reload_forbids_it():
    made = tree("name")
    with made.start() as other:
        other.arm("n1")
        tap.eq(get("name", "n1", at=other).status, 200)
        site = made.seed / "site.yaml"
        site.write_text(site.read_text(encoding="utf-8").replace('["name"]', "[]"),
                        encoding="utf-8")
        other.signal(1)
        other.wait_event("reloaded")
        tap.eq(get("name", "n1", at=other).status, 403)


def test_foreign_values_break_no_line():
    """They reach the daemon by the path; the log must neither show nor be broken by them."""
    for value in ("%0a", "a%0aevent=served", "%1b[31m", "%22%20event=served", "%00", "\x1b]0;x\x07",
                  "\xff\xfe", "%ff"):
        with world.Wire(server) as wire:
            answer = wire.get(f"/nocloud/name/{value}/user-data").answer()
            tap.eq(answer.status, 404, value)
            world.one_line(answer)
    for line in list(server.lines):
        assert line.startswith("time=") and "\x1b" not in line, repr(line)


tap.main()
