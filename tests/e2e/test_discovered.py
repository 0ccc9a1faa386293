#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Machines that nobody knows, from their first question to a node's script: the real server and the
real tool. What they say of themselves is anybody's text, and there may be any number of them."""
import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote_from_bytes, urlencode

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

PROGRAM = str(daemon.BUILD.resolve() / "cloudseed")
KERNEL = "http://10.9.8.7/vmlinuz"
UUID = "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1"
KEPT = 512
TEXTS = [b"\n", b"\r\nforged", b"\x1b[2J\x1b]0;x\x07", b'"', b'", "x": "', b"' event=forged", b"\\",
         b"\\u0000", b"\x00", b"a\x00b", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\x9b31m",
         b"\xf4\x90\x80\x80", "\u0085\u009b\u2028\u202e\ufeff".encode(), b"%s%n%0a", b"{{ 1 }}",
         b"${product}", b"a" * 200, b"x" + "\u00e4".encode() * 40, b"\x7f" * 100, b"\x01" * 65]

tree = world.Tree(evidence=["mac", "uuid"])
tree.put("roles/worker.yaml", {"worker": {"boot": {
    "kind": "kernel", "kernel": KERNEL, "initrd": ["http://10.9.8.7/initrd.img"]}}})
tree.node("known", macs=["02:00:00:00:00:01"], uuid="6f3d9a52-3b53-4c0e-8a51-000000000001")
for loader in ("ipxe", "grub"):
    (tree.templates / loader).mkdir()
    tree.template(f"{loader}/first", "to whoever asks first")
    tree.template(f"{loader}/unknown", "to a stranger")
    tree.template(f"{loader}/node", """\
{{ node.name }}: {% if boot.entry.kernel %}
{{ boot.entry.kernel.url }} {{ boot.entry.discovery }}
{% else %}
{{ boot.entry.kind }}
{% endif %}
""")
SERVER = tap.enter(tree.start())


def run(*words, server=SERVER, status=0):
    """(standard output, standard error) as bytes have them."""
    env = {**os.environ, "CLOUDSEED_SERVER": str(server.socket)}
    done = subprocess.run([PROGRAM, *map(str, words)], env=env, capture_output=True, check=False,
                          timeout=daemon.SECONDS)
    tap.eq(done.returncode, status, done.stdout + done.stderr)
    return done.stdout.decode(), done.stderr.decode()


def ask(server=SERVER, path="/boot.ipxe", **said):
    """The script that the machine gets."""
    got = server.get(f"{path}?{urlencode(said)}" if said else path)
    tap.eq(got.status, 200, got.text)
    return got.text


def found(server=SERVER):
    """{MAC: what is told of the machine}, the one seen last first."""
    return {m["mac"]: m for m in json.loads(run("node", "discovered", "--json", server=server)[0])}


# --- from nobody to somebody ---------------------------------------------------------------------

def test_adopted_and_armed():
    said = {"mac": "02-00-00-00-00-0a", "uuid": UUID, "manufacturer": "QEMU", "product": "Q35",
            "platform": "efi", "arch": "x86_64"}
    for _ in range(3):
        tap.eq(ask(**said), "to a stranger")
    mac = "02:00:00:00:00:0a"
    SERVER.wait_event("discovered")
    got = found()[mac]
    tap.eq({key: got[key] for key in said}, {**said, "mac": mac})
    tap.eq((got["address"], got["times"]), ("127.0.0.1", 3))
    line = next(row for row in run("node", "discovered")[0].splitlines() if mac in row)
    tap.contains(line, "QEMU Q35")
    tap.contains(line, UUID)
    out, _ = run("node", "adopt", said["mac"].upper(), "lab-1", "--role", "worker", "--address",
                 "10.0.20.77", "--var", "rack=2", "--arm")
    tap.contains(out, "lab-1 is registered: role worker\nlab-1 is armed until")
    node = SERVER.admin("GET", "/v1/nodes/lab-1").json
    tap.eq((node["macs"], node["uuid"], node["addresses"], node["variables"], node["state"]),
           ([mac], UUID, ["10.0.20.77"], {"rack": 2}, "armed"))
    assert mac not in found()
    name, kernel, discovery = ask(**said).split()
    tap.eq((name, kernel), ("lab-1:", KERNEL))
    path = discovery.removeprefix("ds=nocloud;dsmode=net;s=http://10.0.10.5:8080")
    tap.contains(SERVER.get(f"{path}meta-data").text, 'instance-id: "lab-1-1"')
    assert mac not in found()
    SERVER.wait_event("served", node="lab-1")
    tap.eq(len([e for e in SERVER.events("discovered") if mac in e.values()]), 1)
    _, said = run("node", "adopt", mac, "lab-2", "--role", "worker", status=1)
    tap.eq(said, f"cloudseed: {mac} is node 'lab-1' already\n")


def test_adopted_alone():
    """The node is known, and boots its disk until it is armed."""
    ask(mac="02-00-00-00-00-0b")
    run("node", "adopt", "02000000000b", "lab-3", "--role", "worker")
    tap.eq(SERVER.admin("GET", "/v1/nodes/lab-3").json["uuid"], None)
    tap.eq(ask(mac="02-00-00-00-00-0b").split(), ["lab-3:", "local"])
    run("node", "arm", "lab-3")
    tap.contains(ask(mac="02-00-00-00-00-0b"), KERNEL)


def test_a_node_that_is_gone_is_nobody_again():
    mac = "02:00:00:00:00:0c"
    ask(mac=mac)
    run("node", "adopt", mac, "lab-4", "--role", "plain")
    assert mac not in found()
    run("node", "rm", "lab-4")
    tap.eq(found()[mac]["times"], 1)


def test_whose_uuid_another_has():
    """By the time that it is adopted."""
    uuid = "6f3d9a52-3b53-4c0e-8a51-00000000000d"
    ask(mac="02-00-00-00-00-0d", uuid=uuid)
    run("node", "add", "lab-5", "--role", "plain", "--uuid", uuid)
    _, said = run("node", "adopt", "02:00:00:00:00:0d", "lab-6", "--role", "plain", status=1)
    tap.eq(said, "cloudseed: it conflicts with another node\n"
                 "cloudseed: uuid: the registered node 'lab-5' has it already\n")
    run("node", "adopt", "02:00:00:00:00:0d", "lab-6", "--role", "plain", "--no-uuid")
    tap.eq(SERVER.admin("GET", "/v1/nodes/lab-6").json["uuid"], None)
    run("node", "set", "lab-5", "--unset", "uuid")
    tap.eq(SERVER.admin("GET", "/v1/nodes/lab-5").json["uuid"], None)


def test_a_uuid_that_many_have():
    """Each of two machines becomes a node of its own."""
    for i in (0, 1):
        ask(mac=f"02-00-00-00-00-2{i}", uuid="03000200-0400-0500-0006-000700080009")
        run("node", "adopt", f"02:00:00:00:00:2{i}", f"mini-{i}", "--role", "plain")
        tap.eq(SERVER.admin("GET", f"/v1/nodes/mini-{i}").json["uuid"], None)


def test_every_way_to_ask():
    for path in ("/ipxe/mac/02-00-00-00-00-1a", "/grub/mac/02:00:00:00:00:1b"):
        ask(path=path)
    ask(mac="02:00:00:00:00:1c", uuid="no uuid", arch="", serial="secret")
    tap.eq([(mac, m["uuid"], m["product"], m["arch"]) for mac, m in found().items()][:3],
           [(f"02:00:00:00:00:1{c}", None, None, None) for c in "cba"])


def test_who_is_not_listed():
    before = list(found())
    ask()
    ask(path="/grub/grub.cfg")
    ask(mac="02-00-00-00-00-01")
    ask(mac="nothing")
    ask(mac="ff:ff:ff:ff:ff:ff")
    ask(uuid="6f3d9a52-3b53-4c0e-8a51-0000000000ff")
    tap.eq(list(found()), before)


# --- whoever likes can ask -----------------------------------------------------------------------

def test_text_of_strangers():
    fields = ("manufacturer", "product", "platform", "arch")
    for number, text in enumerate(TEXTS):
        value = quote_from_bytes(text)
        query = "&".join(f"{field}={value}" for field in (*fields, "uuid", "other"))
        got = SERVER.get(f"/boot.ipxe?mac=02-00-00-00-01-{number:02x}&{query}")
        tap.eq(got.status, 200, text)
        mac, machine = next(iter(found().items()))
        tap.eq((mac, machine["uuid"]), (f"02:00:00:00:01:{number:02x}", None))
        whole = text.split(b"\0")[0].decode("utf-8", "replace")
        for field in fields:
            told = machine[field] or ""
            assert whole.startswith(told) and len(told.encode("utf-8")) <= 3 * 64, (field, told)
            assert told == whole or len(told.encode()) > 60, (field, told)
    for words in ([], ["--json"], ["--names"]):
        out, said = run("node", "discovered", *words)
        assert out.replace("\n", "").isprintable() and not said, out
    rows = run("node", "discovered")[0].splitlines()
    tap.eq(len(rows), 1 + len(found()))
    for line in list(SERVER.lines):
        assert line.startswith("time=") and line.isprintable(), repr(line)


def test_bytes_that_no_client_sends():
    """As they come, without an encoding."""
    for text in (b"\x80\xff", b"\x1b[2J", b"%", b"%zz%4", b"\"'<>", b";&=&&mac=x&&"):
        world.exchange(SERVER, b"GET /boot.ipxe?mac=02-00-00-00-02-01&product=" + text +
                       b" HTTP/1.0\r\n\r\n")
        out, _ = run("node", "discovered", "--json")
        assert out.replace("\n", "").isprintable(), out
    tap.eq(SERVER.get("/healthz").status, 200)


def test_any_number_of_them():
    with tree.start() as server:
        ask(server, mac="02:ff:ff:ff:ff:ff")
        connection = http.client.HTTPConnection(server.host, server.port, timeout=daemon.SECONDS)
        macs = [f"02:00:00:01:{n >> 8:02x}:{n & 255:02x}" for n in range(5000)]
        for mac in macs:
            connection.request("GET", "/boot.ipxe?" + urlencode(
                {"mac": mac, "manufacturer": "\x01" * 64, "product": "\x01" * 64,
                 "platform": "\x01" * 64, "arch": "\x01" * 64}))
            answer = connection.getresponse()
            answer.read()
            tap.eq(answer.status, 200)
        connection.close()
        tap.eq(list(found(server)), macs[:-KEPT - 1:-1])
        tap.eq(len(run("node", "discovered", server=server)[0].splitlines()), KEPT + 1)
        _, said = run("node", "adopt", macs[0], "n", "--role", "plain", status=1, server=server)
        tap.contains(said, f"no machine with the MAC {macs[0]} has asked for its boot script; did "
                           "you mean ")
        tap.contains(said, "`cloudseed node discovered` lists those that have")


tap.main()
