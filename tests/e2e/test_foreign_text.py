#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What nodes say of themselves is anybody's text: it may break no line of the log, no event of the
stream, no JSON, and no record."""
import json
import re
import socket
import sys
from pathlib import Path
from urllib.parse import quote_from_bytes

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

TEXTS = [b"\n", b"\r\nevent: forged\ndata: {}\n\n", b"\x1b[2J\x1b]0;x\x07", b'"', b'", "x": "',
         b"' event=forged", b"\\", b"\\u0000", b"\\ud800", b"\x00", b"a\x00b", b"\xff\xfe",
         b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", "\u0085\u2028\u202e\ufeff".encode(),
         "\u009b31m\u00ad\u061c\u200b\u200e\u200f\u2029\u202a\u2060\u2066\u2069\U000e0041".encode(),
         b"%s%n%0a", b"{{ 1 }}", b"a" * 256, "\u00e4".encode() * 200, b"\x7f" * 255,
         b"\x01" * 2000]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVw"

tree = world.Tree()
tree.node("n1")
tree.node("n2")
tree.node("n3")
server = tap.enter(tree.start())


def post(node, what, body, **headers):
    return server.request("POST", f"/s/{world.key_of(server.state, node)}/{what}", body, headers)


def node(name):
    return server.admin("GET", f"/v1/nodes/{name}").json


def events(query=""):
    found, after = [], 0
    while after is not None:
        page = server.admin("GET", f"/v1/events?after={after}{query}").json
        found += page["events"]
        after = page["next"]
    return found


class Stream:
    """Server-sent events, taken to pieces by the letter of their specification."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(daemon.SECONDS)
        self.socket.connect(str(server.socket))
        self.socket.sendall(b"GET /v1/events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n")
        self.text = b""
        while b"\r\n\r\n" not in self.text:
            self.text += self.socket.recv(65536)
        self.text = self.text.split(b"\r\n\r\n", 1)[1]

    def until(self, ident):
        while f"id: {ident}\n".encode() not in self.text or not self.text.endswith(b"\n\n"):
            got = self.socket.recv(65536)
            assert got, self.text
            self.text += got
        self.socket.close()
        return [self._one(block) for block in self.text.split(b"\n\n") if block.strip(b":\n")]

    @staticmethod
    def _one(block):
        lines = [line for line in block.decode().split("\n") if not line.startswith(":")]
        fields = [line.split(": ", 1) for line in lines]
        tap.eq([name for name, _ in fields], ["id", "event", "data"], block)
        return json.loads(fields[2][1])


def as_told(text):
    return text.decode("utf-8", "replace")


def test_reports():
    stream = Stream()
    server.arm("n1")
    for text in TEXTS:
        told = as_told(text)
        body = {"name": told, "description": told, "event_type": "finish", "result": told,
                "origin": told, told: told}
        answer = post("n1", "report", json.dumps(body).encode(), **{"User-Agent": "a\tb\x80\xff"})
        tap.eq(answer.status, 400 if b"\x00" in text else 200, (text, answer.body))
        raw = b'{"name": "%s", "event_type": "start"}' % text.replace(b"\\", b"\\\\")
        assert post("n1", "report", raw).status in (200, 400)
        tap.eq(node("n1")["state"], "booting", text)
    found = events("&node=n1")
    names = {e["data"]["stage"] for e in found if e["kind"] == "progress"}
    for text in TEXTS:
        if b"\x00" not in text:
            assert any(name and as_told(text).startswith(name) for name in names), text
    assert all(len(name.encode()) <= 255 for name in names)
    tap.eq(stream.until(found[-1]["id"]), found)


def test_reports_that_are_none():
    before = events()
    for body in (b"", b"[]", b"1", b"{", b'{"name": 1}', b'{"name": "x"}', b'{"name": "x",}',
                 b'{"name": "x", "event_type": 7}', b'{"name": "", "event_type": "start"}',
                 b'{"name": "x", "name": "y", "event_type": "start"}',
                 b"[" * 5000 + b"]" * 5000, b'{"a":' * 3000 + b"1" + b"}" * 3000,
                 b'{"name": "x", "event_type": "start", "a": ' + b"[" * 100 + b"]" * 100 + b"}"):
        answer = post("n1", "report", body)
        tap.eq((answer.status, answer.text.count("\n")), (400, 1), body[:60])
    tap.eq(events(), before)
    for duration in (b"1e999", b"-1", b'"x"', b"NaN", b"-0.0", b"1e-400", b"99999999999999999999"):
        body = b'{"name": "x", "event_type": "start", "duration": %s}' % duration
        assert post("n1", "report", body).status in (200, 400), duration
    events()


def test_calls_home():
    """A record must be read again, whatever is in it: else the node would be forgotten."""
    server.arm("n2")
    for text in TEXTS:
        value = quote_from_bytes(text)
        body = f"hostname={value}&fqdn={value}&instance_id={value}&{value}={value}"
        tap.eq(post("n2", "phone-home", body).status, 200, text)
        got = node("n2")
        tap.eq(got["state"], "up", text)
        kept = got["identity"]
        for field in ("hostname", "fqdn", "instance_id") if kept else ():
            assert len((kept[field] or "").encode()) <= 255 * 3 and "\x00" not in (kept[field] or "")
        post("n2", "phone-home", f"hostname=n2&pub_key_{value}={quote_from_bytes(KEY.encode())}")
        post("n2", "phone-home", f"hostname=n2&pub_key_rsa={value}")
        post("n2", "phone-home", f"hostname=n2&pub_key_rsa=ssh-rsa%20{value}")
        got = node("n2")
        tap.eq(got["state"], "up", text)
        for kind, key in ((got["identity"] or {}).get("host_keys") or {}).items():
            assert kind.isprintable() and kind.isascii() and key.isprintable(), (kind, key)
    events()


def test_records_outlive_a_restart():
    """What was written is read by the next server."""
    made = world.Tree()
    made.node("n1")
    state = world.scratch()
    with made.start(state=state) as first:
        first.arm("n1")
        key = world.key_of(state, "n1")
        for text in TEXTS:
            value = quote_from_bytes(text)
            for body in (f"hostname={value}&fqdn={value}", f"pub_key_{value}={KEY}{value}"):
                first.request("POST", f"/s/{key}/phone-home", body)
        before = first.admin("GET", "/v1/nodes/n1").json
    with made.start(state=state) as second:
        tap.eq({**second.admin("GET", "/v1/nodes/n1").json, "check": None},
               {**before, "check": None})
        tap.eq(before["state"], "up")


def test_asked_of_admins():
    """Paths, parameters and bodies of admins come back in answers, too."""
    for text in TEXTS:
        value = quote_from_bytes(text[:300], safe="")
        for path in (f"/v1/nodes/{value}", f"/v1/events?kind={value}", f"/v1/events?node={value}",
                     f"/v1/events?{value}=1", f"/v1/nodes?limit={value}", f"/v1/nodes?role={value}",
                     f"/v1/{value}", f"/v1/nodes/n3/documents/{value}"):
            answer = server.admin("GET", path)
            assert answer.status in (200, 400, 404), (path, answer.status, answer.text)
            assert isinstance(answer.json, dict)
        for body in (text, b'{"' + text + b'": 1}', json.dumps({as_told(text): 1}).encode(),
                     b'{"minutes": "' + text + b'"}'):
            answer = server.admin("POST", "/v1/nodes/n3/arm", body)
            want = (200, 400) if not text.strip() else (400,)
            assert answer.status in want and isinstance(answer.json, dict), (body, answer.text)


HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
                    "\ufff9-\ufffb\U000e0000-\U000e0fff]")


def test_nothing_hidden_is_written():
    """Neither to logs nor in JSON, which people read on terminals, too."""
    for style in ("json", "logfmt"):
        made = world.Tree()
        made.node("n1")
        state = world.scratch()
        with made.start(state=state, args=["--log-format", style], wait=False) as one:
            tap.wait_until(lambda: one.lines, what="a line")
            one.host, one.port = "127.0.0.1", int(re.search(r"127\.0\.0\.1:([0-9]+)", one.lines[0])[1])
            for text in TEXTS:
                quoted = quote_from_bytes(text[:300], safe="")
                agent = bytes(c for c in text if c not in b"\r\n\0").strip()
                for path in (f"/{quoted}", f"/assets/{quoted}", f"/s/{quoted}/meta-data",
                             f"/boot.ipxe?mac=bc-24-11-77-00-01&product={quoted}&platform={quoted}"):
                    one.request("GET", path, headers={"User-Agent": agent})
                one.request("POST", f"/s/{world.key_of(state, 'n1')}/report", json.dumps({
                    "name": as_told(text), "event_type": "finish", "result": "FAIL",
                    "description": as_told(text)}).encode())
            for path in ("/v1/discovered", "/v1/nodes", "/v1/events?limit=1000"):
                answer = one.admin("GET", path)
                tap.eq(answer.status, 200, path)
                assert not HIDDEN.search(answer.text.rstrip("\n")), repr(answer.text)
        assert len(one.lines) > len(TEXTS)
        for line in one.lines:
            assert not HIDDEN.search(line), repr(line)


def test_one_line_each():
    for line in list(server.lines):
        assert line.startswith("time=") and line.isprintable(), repr(line)
        assert "event=forged" not in line.split(' reason="')[0], repr(line)


tap.main()
