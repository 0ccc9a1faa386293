# SPDX-License-Identifier: Apache-2.0
"""What a server holds, before and after an attack; and a client that behaves meanwhile.

Nothing is left over once all attackers are gone: connections, requests, exchanges and transfers as
the server counts them, and its descriptors as the kernel does.
"""
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("lib", "e2e")]
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD  # noqa: E402

DESCRIPTORS = 8000
MARGIN_KB = 16 * 1024  # four times that with AddressSanitizer, which is slow to give memory back
IDLE = {"connections": 1, "requests": 1, "exchanges": 1, "transfers": 0}  # the admin's own
VISITOR = "127.255.0.1"


def raise_descriptors():
    """For us, and for the server, which inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < DESCRIPTORS:
        raise tap.Skip(f"needs {DESCRIPTORS} descriptors, and may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))


def is_sanitized():
    symbols = subprocess.run(["ldd", BUILD / "cloudseedd"], stdout=subprocess.PIPE, check=False)
    return b"libasan" in symbols.stdout or b"libtsan" in symbols.stdout


def environment():
    """AddressSanitizer keeps what was freed, to notice its use: less of it, so that memory says
    something here too."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": f"{options}:quarantine_size_mb=4:malloc_context_size=2".strip(":")}


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def memory_kb(server):
    text = Path(f"/proc/{server.process.pid}/smaps_rollup").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:")))


def load(server):
    return server.admin("GET", "/v1/server").json["load"]


class Figures:
    """Taken when nobody is there; same_again() waits until that is so again."""

    def __init__(self, server):
        self.server = server
        tap.wait_until(lambda: load(server) == IDLE, what="an idle server")
        self.descriptors, self.memory_kb = descriptors(server), memory_kb(server)

    def same_again(self, memory=True):
        server, seen = self.server, {}

        def idle():
            seen.update(load(server), descriptors=descriptors(server))
            return seen == {**IDLE, "descriptors": self.descriptors}
        try:
            tap.wait_until(idle, seconds=90)
        except AssertionError:
            raise AssertionError(f"left over: {seen}, and it had {self.descriptors}") from None
        now = memory_kb(server)
        print(f"# memory: {self.memory_kb} kB before, {now} kB after")
        if memory:
            assert now <= self.memory_kb + MARGIN_KB * (4 if is_sanitized() else 1), f"{self.memory_kb} kB became {now} kB"


class Visitor(threading.Thread):
    """A client with an address of its own that asks for one thing again and again: each time it is
    answered 200. What else happens to it is in `wrong`."""

    def __init__(self, server, path="/healthz", source=VISITOR):
        super().__init__(daemon=True)
        self.server, self.path, self.source = server, path, source
        self.over, self.answered, self.wrong, self.longest = threading.Event(), 0, [], 0.0

    def run(self):
        while not self.over.is_set():
            begun = time.monotonic()
            try:
                with world.Wire(self.server, source=self.source) as wire:
                    status = wire.get(self.path, "Connection: close").answer().status
                    if status != 200:
                        self.wrong.append(status)
            except (OSError, world.Closed) as error:
                self.wrong.append(repr(error))
            self.answered += 1
            self.longest = max(self.longest, time.monotonic() - begun)
            self.over.wait(0.01)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.join()
        if kind is None:
            print(f"# the visitor was answered {self.answered} times, the longest took "
                  f"{self.longest * 1000:.0f} ms")
            assert not self.wrong, f"{len(self.wrong)} times, first {self.wrong[0]}"
            assert self.answered > 1


def dial(server, source=None):
    """A connected socket with a short time-out for what must not block."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.settimeout(world.SECONDS)
    if source:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((source, 0))
    made.connect((server.host, server.port))
    return made


def reset(made):
    """Closes with a RST."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    made.close()


def read_all(made):
    """What comes until the peer closes or resets."""
    got = bytearray()
    try:
        while part := made.recv(65536):
            got += part
    except ConnectionResetError:
        pass
    return bytes(got)
