#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Names are resolved beside the loop, also by a DNS server that never answers.

All of it runs in namespaces of its own, where 127.0.0.1:53 is ours.
"""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from fetching import Drive, Server  # noqa: E402

MARK = "CLOUDSEED_TEST_INSIDE"
NAMESPACES = ["unshare", "--mount", "--net"] + ([] if os.geteuid() == 0 else
                                                ["--user", "--map-root-user"])
SHORT_MS = 300
# One that hangs goes on doing so for longer than any test waits.
RESOLV_CONF = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n"
NSSWITCH = "hosts: files dns\n"


def reason_to_skip():
    for tool in ("unshare", "ip"):
        if not shutil.which(tool):
            return f"{tool} is missing"
    if subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        return "no namespaces can be made"
    return None


WHY_NOT = reason_to_skip() if MARK not in os.environ else None
if MARK not in os.environ and not WHY_NOT:
    os.execvpe("unshare", [*NAMESPACES, sys.executable, "-B", *sys.argv], {**os.environ, MARK: "1"})


class Names:
    """The DNS server: names below a known one have its fate, all others do not exist."""

    def __init__(self):
        self.asked = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            query, peer = self._socket.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = struct.unpack("!H", query[at + 1:at + 3])[0]
            self.asked.append(".".join(labels))
            if labels[-2] != "hangs":
                self._socket.sendto(self._answer(query[:at + 5], labels[-2], kind), peer)

    @staticmethod
    def _answer(query, fate, kind):
        good = fate == "works" and kind == 1
        code = 0 if fate == "works" else 3
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, good, 0, 0)
        address = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([127, 0, 0, 1])
        return head + query[12:] + (address if good else b"")

    def wait_for(self, name):
        tap.wait_until(lambda: name in self.asked, what=name)


def prepare():
    folder = tap.enter(tempfile.TemporaryDirectory(prefix="cloudseed-test-"))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, text in (("resolv.conf", RESOLV_CONF), ("nsswitch.conf", NSSWITCH)):
        file = Path(folder, name)
        file.write_text(text)
        subprocess.run(["mount", "--bind", file, f"/etc/{name}"], check=True)
    return Names()


NAMES = prepare() if not WHY_NOT else None


def names():
    if WHY_NOT:
        raise tap.Skip(WHY_NOT)
    return NAMES


def hello(peer):
    while peer.answer(b"hello"):
        pass


def test_name_with_an_address():
    names()
    with Server(hello) as server, Drive() as drive:
        tap.eq(drive.get(server.url(host="a.works.test")).done()["body"], "hello")


def test_name_without_one():
    names()
    with Drive() as drive:
        done = drive.get("http://a.missing.test:1/").done()
        tap.eq((done["fault"], done["message"]),
               ("unresolved", "http://a.missing.test:1: the name cannot be resolved"))


def test_loop_goes_on_while_names_hang():
    known = names()
    with Server(hello) as server, Drive() as drive:
        hanging = [drive.get(f"http://b{i}.hangs.test/") for i in range(8)]
        for i in range(8):
            known.wait_for(f"b{i}.hangs.test")
        for _ in range(20):
            tap.eq(drive.get(server.url()).done()["body"], "hello")
        tap.eq(drive.get(server.url(host="b.works.test")).done()["body"], "hello")
        assert all(h.events.empty() for h in hanging)


def test_name_is_late():
    names()
    with Drive() as drive:
        done = drive.get("http://c.hangs.test/", connect_ms=SHORT_MS).done()
        tap.eq(done["fault"], "late")
        tap.contains(done["message"], f"no connection within {SHORT_MS} ms: the name is not resol")


def test_cancelled_while_it_resolves():
    """Waiting for the resolver's thread would take longer than the test waits."""
    known = names()
    with Server(hello) as server, Drive() as drive:
        for i in range(20):
            fetch = drive.get(f"http://d{i}.hangs.test/")
            known.wait_for(f"d{i}.hangs.test")
            fetch.end()
            drive.ping()
            assert fetch.events.empty()
        tap.eq(drive.get(server.url()).done()["body"], "hello")


def test_shut_down_while_names_hang():
    known = names()
    with Drive() as drive:
        for i in range(8):
            drive.get(f"http://e{i}.hangs.test/")
            known.wait_for(f"e{i}.hangs.test")


tap.main()
