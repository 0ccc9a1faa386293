#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""curl, as admins and scripts have it."""
import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

lab = tap.enter(world.start(http=("127.0.0.1:0", "[::1]:0"), **world.HOMELAB))
KEY = world.key_of(lab.state, "k8s-worker-3")
big_tree = world.Tree()
big_tree.role("big", user_data="#cloud-config\n" + "# the same line again\n" * 20000)
big_tree.node("n1", "big")
big = tap.enter(big_tree.start())


def curl(*args, status=0):
    if not shutil.which("curl"):
        raise tap.Skip("there is no curl")
    command = ["curl", "-q", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20"]
    got = subprocess.run([*command, *args], capture_output=True, timeout=300, check=False)
    tap.eq(got.returncode, status, got.stderr.decode())
    return got.stdout


def url(file, server=lab, key=KEY):
    return f"{server.url}/s/{key}/{file}"


def test_get():
    for file in world.FILES:
        tap.eq(curl("--http1.1", "--fail", url(file)), lab.get(f"/s/{KEY}/{file}").body)
    tap.eq(curl("--http1.0", "--fail", url("user-data")), lab.get(f"/s/{KEY}/user-data").body)


def test_compressed():
    key = world.key_of(big.state, "n1")
    plain = curl("--fail", url("user-data", big, key))
    tap.eq(len(plain), 14 + 20000 * 22)
    tap.eq(curl("--fail", "--compressed", url("user-data", big, key)), plain)
    size = curl("--fail", "--compressed", "-o", "/dev/null", "-w", "%{size_download}",
                url("user-data", big, key))
    assert int(size) < len(plain) / 10, size


def test_compressed_from_pieces():
    for file in world.FILES:
        tap.eq(curl("--fail", "--compressed", url(file)), lab.get(f"/s/{KEY}/{file}").body)
    told = curl("--compressed", "-o", "/dev/null", "-D", "-", url("user-data")).decode().lower()
    assert "content-encoding: gzip" in told, told


def test_calls_home():
    """As curl sends them; a call that is not understood is not thanked for."""
    lab.arm("k8s-worker-3")
    call = url("phone-home", key=world.key_of(lab.state, "k8s-worker-3"))
    for args, status, said in (
            (["--json", '{"hostname": "n"}'], 415, "is a form"),
            (["-F", "hostname=n"], 415, "is a form"),
            (["--data-binary", "hostname=n", "-H", "Content-Type: text/plain"], 415, "is a form"),
            (["-d", '{"hostname": "n"}'], 400, "nothing in this call is known"),
            (["-d", ""], 400, "nothing in this call is known"),
            (["-d", "name=n"], 400, "nothing in this call is known"),
            (["-d", "hostname=k8s-worker-3", "-H", "Content-Type:"], 200, "ok")):
        got = curl("-w", "%{http_code}", *args, call).decode()
        tap.contains(got, said)
        tap.eq(got.splitlines()[-1], str(status), args)
    told = lab.admin("GET", "/v1/nodes/k8s-worker-3").json
    tap.eq((told["state"], told["identity"]["hostname"]), ("up", "k8s-worker-3"))


def test_what_an_installer_reports():
    """As curtin sends it, with its log of a megabyte in base64."""
    lab.arm("k8s-worker-2")
    report = url("report", key=world.key_of(lab.state, "k8s-worker-2"))
    log = base64.b64encode(os.urandom(1 << 20)).decode()
    events = [{"name": "cmd-install", "event_type": "start"},
              {"name": "subiquity/late/run", "event_type": "log", "description": "é" * 2000},
              {"name": "cmd-install", "event_type": "finish", "result": "SUCCESS",
               "files": [{"path": "/var/log/install.log", "encoding": "base64", "content": log}] * 2}]
    for event in events:
        body = world.scratch() / "event"
        body.write_text(json.dumps({**event, "origin": "curtin", "level": "INFO"}))
        tap.eq(curl("--fail", "--json", f"@{body}", report), b"ok\n", event["name"])
    told = lab.admin("GET", "/v1/events?node=k8s-worker-2&kind=progress").json["events"]
    tap.eq([event["data"]["type"] for event in told], ["start", "log", "finish"])
    assert 1000 < len(told[1]["data"]["description"].encode()) <= 1024, told[1]
    assert not any(log[:20] in json.dumps(event) for event in told)
    tap.eq(lab.admin("GET", "/v1/nodes/k8s-worker-2").json["state"], "booting")


def test_head():
    told = curl("-I", url("user-data")).decode().lower().splitlines()
    tap.eq(told[0], "http/1.1 200 ok")
    assert f"content-length: {len(lab.get(f'/s/{KEY}/user-data').body)}" in told, told


def test_one_connection_for_several():
    told = curl("--fail", "-w", "%{num_connects} ", *[a for file in world.FILES for a in
                                                      ("-o", "/dev/null", url(file))])
    tap.eq(told.split(), [b"1", b"0", b"0", b"0"])


def test_etag_of_last_time():
    folder = world.scratch()
    tag, target = str(folder / "etag"), str(folder / "user-data")
    for status, body in (("200", lab.get(f"/s/{KEY}/user-data").body), ("304", b"")):
        code = curl("--etag-save", tag, *(["--etag-compare", tag] if body == b"" else []),
                    "-o", target, "-w", "%{http_code}", url("user-data"))
        tap.eq(code.decode(), status)


def test_refusals_fail():
    tap.eq(curl("--fail", url("user-data", key="a" * 27), status=22), b"")
    tap.contains(curl(url("user-data", key="a" * 27)).decode(), "no node has this seed key")
    tap.contains(curl(url("phone-home")).decode(), "only POST")
    large = world.scratch() / "large"
    large.write_bytes(b"x" * 5000000)
    tap.contains(curl("--data-binary", f"@{large}", url("user-data")).decode(), "only GET")
    tap.contains(curl("-T", str(large), url("user-data")).decode(), "only GET")


def test_ipv6():
    host, port = lab.addresses[1]
    tap.eq(host, "[::1]")
    tap.eq(curl("--fail", f"http://[::1]:{port}/healthz"), b"alive\n")


tap.main()
