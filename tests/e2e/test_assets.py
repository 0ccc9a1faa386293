#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Assets over HTTP: whole, in parts, resumed; and nothing from outside their folder."""
import hashlib
import os
import random
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

MIB = 1024 * 1024
FOLDER = world.scratch() / "assets"
SECRET = FOLDER.parent / "secret"
KERNEL = random.Random(7).randbytes(100_000)


def put(name, content=b"hello\n"):
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.rename(path)
    return path


put("x.txt")
put("debian/linux", KERNEL)
put("empty", b"")
put("with space+plus%percent")
SECRET.write_text("root:x\n")
server = tap.enter(world.Tree().start(args=["--assets", FOLDER], http=("127.0.0.1:0", "[::1]:0")))


def ask(path, *headers, method="GET", to=server):
    with world.Wire(to) as wire:
        return wire.get(path, *headers, method=method).answer(method)


def refused(path, status, part):
    answer = ask(path)
    tap.eq(answer.status, status, path)
    tap.contains(world.one_line(answer), part)


def test_whole():
    answer = ask("/assets/debian/linux")
    tap.eq((answer.status, answer.body == KERNEL), (200, True))
    tap.eq(answer.header("Content-Type"), "application/octet-stream")
    tap.eq(answer.header("Accept-Ranges"), "bytes")
    tap.eq(answer.header("Content-Range"), None)
    tap.eq(ask("/assets/empty").body, b"")
    tap.eq(ask("/assets/empty").header("Content-Length"), "0")
    tap.eq(ask("/assets/with%20space+plus%25percent").body, b"hello\n")
    tap.eq(ask("/assets/%78.txt").body, b"hello\n")
    tap.eq(ask("/assets/x.txt?v=1").body, b"hello\n")


def test_head():
    answer = ask("/assets/debian/linux", method="HEAD")
    tap.eq((answer.status, answer.header("Content-Length")), (200, "100000"))
    tap.eq(answer.header("ETag"), ask("/assets/debian/linux").header("ETag"))
    answer = ask("/assets/debian/linux", "Range: bytes=0-1", method="HEAD")
    tap.eq((answer.status, answer.header("Content-Range")), (200, None), "only GET knows ranges")
    tap.eq(ask("/assets/none", method="HEAD").status, 404)
    tap.eq(ask("/assets/x.txt", method="PUT").status, 405)


def test_uefi_firmware():
    """EDK2 asks by HEAD, then by GET on the same connection, with a Host that has no port."""
    with world.Wire(server) as wire:
        for method in ("HEAD", "GET"):
            wire.send(f"{method} /assets/debian/linux HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                      "Accept: */*\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n")
            answer = wire.answer(method)
            tap.eq((answer.status, answer.header("Content-Length")), (200, "100000"))
        tap.eq(answer.body, KERNEL)
        assert wire.is_open()


def part(header, first, last):
    answer = ask("/assets/debian/linux", f"Range: {header}")
    tap.eq((answer.status, answer.header("Content-Range")),
           (206, f"bytes {first}-{last}/100000"), header)
    assert answer.body == KERNEL[first:last + 1], header


def test_ranges():
    part("bytes=0-0", 0, 0)
    part("bytes=500-999", 500, 999)
    part("bytes=99999-", 99999, 99999)
    part("bytes=-10", 99990, 99999)
    part("bytes=4096-999999999999", 4096, 99999)
    part("bytes=-999999999999", 0, 99999)


def test_ranges_that_are_not_answered_in_part():
    for header in ("bytes=0-1,5-6", "bytes=5-4", "lines=1-2", "bytes=x", "bytes=-"):
        answer = ask("/assets/debian/linux", f"Range: {header}")
        tap.eq((answer.status, answer.body == KERNEL), (200, True), header)


def test_ranges_beyond_the_end():
    for path, size in (("debian/linux", 100000), ("empty", 0)):
        answer = ask(f"/assets/{path}", f"Range: bytes={size}-")
        tap.eq((answer.status, answer.header("Content-Range")), (416, f"bytes */{size}"))
        world.one_line(answer)


def test_range_only_if_it_is_the_same_file():
    path = put("replaced", b"a" * 1000)
    tag = ask("/assets/replaced").header("ETag")
    answer = ask("/assets/replaced", "Range: bytes=10-19", f"If-Range: {tag}")
    tap.eq((answer.status, answer.body), (206, b"a" * 10))
    stamp = path.stat()
    put("replaced", b"b" * 1000)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    for validator in (tag, f"W/{tag}", "Sun, 22 Nov 2026 11:54:42 GMT"):
        answer = ask("/assets/replaced", "Range: bytes=10-19", f"If-Range: {validator}")
        tap.eq((answer.status, answer.body), (200, b"b" * 1000), validator)


def test_unchanged():
    tag = ask("/assets/x.txt").header("ETag")
    answer = ask("/assets/x.txt", f"If-None-Match: {tag}")
    tap.eq((answer.status, answer.header("ETag")), (304, tag))
    tap.eq(ask("/assets/x.txt", 'If-None-Match: "other"').status, 200)


def test_types():
    for name, kind in (("ipxe.efi", "application/efi"), ("a.iso", "application/vnd.efi-iso"),
                       ("boot.ipxe", "text/plain; charset=utf-8"), ("undionly.kpxe", None)):
        put(name)
        tap.eq(ask(f"/assets/{name}").header("Content-Type"), kind or "application/octet-stream")


def test_nothing_outside():
    (FOLDER / "abs").symlink_to("/etc/passwd")
    (FOLDER / "up").symlink_to("../secret")
    (FOLDER / "proc").symlink_to("/proc/self/root/etc/passwd")
    (FOLDER / "loop").symlink_to("loop")
    (FOLDER / "folder-up").symlink_to("..")
    (FOLDER / "within").symlink_to("debian/linux")
    for path in ("abs", "up", "proc", "loop", "folder-up/secret", "folder-up/assets/x.txt"):
        refused(f"/assets/{path}", 403, "leads out of")
    tap.eq(ask("/assets/within").body, KERNEL)
    for path in ("../secret", "%2e%2e/secret", ".%2e/secret", "debian/../../secret",
                 "debian/../x.txt", "%2E/x.txt", ".hidden", "..", "./..//secret"):
        refused(f"/assets/{path}", 404, "dot")
    for path in ("..%2fsecret", "%2e%2e%2fsecret", "debian%2flinux", "%2fetc%2fpasswd"):
        refused(f"/assets/{path}", 404, "slash")
    for path in ("", "/", "x.txt/", "x.txt/."):
        refused(f"/assets/{path}", 404, "empty part")
    for path in ("x.txt%00", "x.txt%00.efi", "%0ax", "%", "%2", "%zz"):
        refused(f"/assets/{path}", 404, "percent-encoded")
    refused("/assets/%252e%252e/secret", 404, "no such asset")  # it is decoded once
    refused("/assets/" + "a/" * 400 + "a", 404, "that long")
    refused("/assets/" + "a" * 300, 404, "that long")
    refused("/assets//etc/passwd", 404, "no such asset")
    for path in ("/assets//debian/linux", "//assets/debian///linux", "/assets/./debian/./linux"):
        tap.eq(ask(path).body, KERNEL, path)
    tap.eq(ask("/assets").status, 404)


def test_only_regular_files():
    os.mkfifo(FOLDER / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(FOLDER / "socket"))
        refused("/assets/fifo", 403, "regular")
        refused("/assets/socket", 403, "regular")
    refused("/assets/debian", 404, "folder")
    refused("/assets/x.txt/y", 404, "no such asset")
    if os.geteuid() == 0:
        for name, minor in (("null", 3), ("zero", 5)):
            os.mknod(FOLDER / name, 0o20644, os.makedev(1, minor))
            refused(f"/assets/{name}", 403, "regular")


def test_a_folder_that_is_not_there():
    with world.Tree().start(args=["--assets", FOLDER / "none"]) as other:
        answer = ask("/assets/x", to=other)
        tap.eq((answer.status, answer.header("Retry-After")), (503, "1"))
        tap.contains(world.one_line(answer), "cannot be opened")
        (FOLDER / "none").mkdir()
        put("none/x")
        tap.eq(ask("/assets/x", to=other).body, b"hello\n", "it is seen as soon as it is there")


def test_who_leaves_early():
    put("large", bytes(32 * MIB))
    before = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    for _ in range(20):
        with world.Wire(server, receive_bytes=4096) as wire:
            wire.get("/assets/large")
            wire.socket.recv(1000)
        with world.Wire(server) as wire:
            wire.get("/assets/large")
    server.wait_event("served", file="large", outcome="peer left")
    tap.wait_until(lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) <= before,
                   what="descriptors to be closed")


def test_a_file_that_gets_shorter():
    """Its client learns it at once, and not when the answer's time is over."""
    for kept in (0, MIB):
        put("shrinks", bytes(32 * MIB))
        with world.Wire(server, receive_bytes=4096, seconds=60) as wire:
            wire.get("/assets/shrinks")
            wire.socket.recv(1000)
            os.truncate(FOLDER / "shrinks", kept)
            assert len(wire.rest()) < 32 * MIB
    server.wait_event("served", file="shrinks", count=2,
                      outcome="the file became shorter while it was sent")


def test_a_deadline_for_each_piece():
    """A large file may take longer than an answer; who takes nothing of it is cut."""
    put("large", bytes(32 * MIB))
    with world.Tree().start(args=["--assets", FOLDER], send_bytes=65536,
                            config={"limits": {"answer_seconds": 3}}) as other:
        with world.Wire(other, receive_bytes=65536) as wire:
            wire.get("/assets/large")
            begun = time.monotonic()
            while time.monotonic() - begun < 7:
                assert len(wire.socket.recv(20000)) > 0
                select.select([], [], [], 0.05)
            other.wait_event("listening")
            tap.eq(other.events("served", file="large"), [])
            other.wait_event("served", file="large", outcome="peer left")


def curl(*args):
    if not shutil.which("curl"):
        raise tap.Skip("there is no curl")
    done = subprocess.run(["curl", "-q", "--silent", "--show-error", "--fail", "--noproxy", "*",
                           "--max-time", "60", *args], capture_output=True, timeout=90,
                          check=False)
    tap.eq(done.returncode, 0, done.stderr.decode())
    return done.stdout


def test_curl_resumes():
    target = world.scratch() / "linux"
    for have in (0, 1, 50_000, 99_999):
        target.write_bytes(KERNEL[:have])
        code = curl("-C", "-", "-o", str(target), "-w", "%{http_code}",
                    f"{server.url}/assets/debian/linux")
        tap.eq((code, target.read_bytes() == KERNEL), (b"206" if have else b"200", True), str(have))
    tap.eq(curl("-r", "0-9,20-29", f"{server.url}/assets/debian/linux"), KERNEL)
    told = curl("-I", f"{server.url}/assets/debian/linux").decode().lower()
    tap.contains(told, "content-length: 100000\r\n")


def test_256_mib():
    """Several at a time, identical, while others are answered at once and little memory is used."""
    block = random.Random(3).randbytes(MIB)
    whole = hashlib.sha256(block * 256).hexdigest()
    with open(FOLDER / "image", "wb") as file:
        for _ in range(256):
            file.write(block)
    got = []

    def fetch():
        folder = world.scratch()
        curl("-o", str(folder / "image"), f"{server.url}/assets/image")
        with open(folder / "image", "rb") as file:
            got.append(hashlib.file_digest(file, "sha256").hexdigest())
        (folder / "image").unlink()

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert world.elapsed(ask, "/healthz") < 10
    for thread in threads:
        thread.join()
    tap.eq(got, [whole] * 3)
    memory = int(world.status_of(server.process.pid)["VmHWM"].split()[0])
    assert memory < 256 * 1024, f"{memory} KiB"
    (FOLDER / "image").unlink()


tap.main()
