# SPDX-License-Identifier: Apache-2.0
"""The server under soak: its tree, its starts and ends, its clock, and the gate that its clients pass."""
import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("lib", "e2e")]
import daemon  # noqa: E402
import nodelife  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from ledger import Ledger  # noqa: E402

CLOCK = daemon.BUILD / "tests/soak/moved_clock.so"
MANY = 1000000
CONFIG = {"limits": {"hold_seconds": 5},
          "history": {"events": MANY, "reports": MANY, "per_node": MANY},
          "audit": {"entries": 20000, "refusals": 20000}}
LOADER, IMAGE = os.urandom(150_000), os.urandom(1_000_000)
DESCRIPTORS_MORE = 24  # than at its start: connections to API servers, and those that end just now
HOUR = 3600
AHEAD_MAX_S = 20 * HOUR


class Over(Exception):
    """The run ends."""


class Gate:
    """Clients are within it while they ask; nobody is while it is closed."""

    def __init__(self):
        self.turn, self.shut, self.within, self.over = threading.Condition(), False, {}, False

    @contextlib.contextmanager
    def passed(self, name):
        with self.turn:
            self.turn.wait_for(lambda: not self.shut or self.over)
            if self.over:
                raise Over
            self.within[name] = self.within.get(name, 0) + 1
        try:
            yield
        finally:
            with self.turn:
                self.within[name] -= 1
                self.turn.notify_all()

    @contextlib.contextmanager
    def closed(self):
        with self.turn:
            self.shut = True
            if not self.turn.wait_for(lambda: not any(self.within.values()), daemon.SECONDS + 10):
                raise AssertionError(f"requests that do not end: {[n for n, k in self.within.items() if k]}")
        yield
        with self.turn:
            self.shut = False
            self.turn.notify_all()

    def end(self):
        with self.turn:
            self.over = True
            self.turn.notify_all()


def sanitizer():
    """The runtime that must come before every other library."""
    linked = subprocess.run(["ldd", daemon.BUILD / "cloudseedd"], capture_output=True, text=True, check=True)
    return [line.split()[2] for line in linked.stdout.splitlines() if "libasan" in line or "libtsan" in line]


class House:
    def __init__(self, chance, keep):
        self.chance, self.keep = chance, keep
        self.ledger, self.gate = Ledger(), Gate()
        self.state, self.assets = world.scratch() / "state", world.scratch()
        (self.assets / "loader.efi").write_bytes(LOADER)
        (self.assets / "image").write_bytes(IMAGE)
        self.tree = world.Tree(evidence=["mac"], networks={"nodes": {"cidr": "10.0.20.0/24", "gateway": "10.0.20.1"}})
        for loader in ("ipxe", "grub"):
            shutil.copytree(daemon.SOURCE / "templates" / loader, self.tree.templates / loader)
        self.declared, self.guests, self.version, self.broken = set(), set(), 0, False
        self.clock, self.ahead_s, self.moves = world.scratch() / "clock", 0, 0
        self.clock.write_bytes(struct.pack("q", 0))
        self.server, self.runs, self.descriptors = None, 0, 0
        self.failures = []
        self.change_template()

    def fail(self, who, text, node=""):
        self.failures.append((who, text, node))

    # --- its tree ---

    def declare(self, name, role="plain", **more):
        self.tree.node(name, role, **more)
        self.declared.add(name)

    def change_template(self):
        self.version += 1
        self.tree.role("plain", user_data=f"#cloud-config\n# version {self.version}\n" + "packages: [vim]\n"
                       + "# {{ node.name }} and the rest of a usual document\n" * 400)

    def change_tree(self):
        """One change; a reload takes it or refuses it."""
        name = f"guest-{self.chance.randrange(8)}"
        if self.broken:
            (self.tree.seed / "nodes/broken.yaml").unlink()
            self.broken = False
        elif self.chance.random() < 0.2:
            self.tree.put("nodes/broken.yaml", {"broken": {"role": "nobody"}})
            self.broken = True
        elif self.chance.random() < 0.3:
            self.change_template()
        elif name in self.guests:
            (self.tree.seed / f"nodes/{name}.yaml").unlink()
            self.guests.discard(name)
        else:
            self.tree.node(name)
            self.guests.add(name)

    def repair(self):
        if self.broken:
            self.change_tree()

    # --- its clock ---

    def move_clock(self):
        """Mostly right, else off by seconds or hours. Less than a day: then certificates begin in time."""
        self.moves += 1
        far = self.chance.choice((1, 60, HOUR))
        self.ahead_s = self.chance.choice((0, 0, 1, 1, -1)) * self.chance.randrange(1, AHEAD_MAX_S // HOUR) * far
        with open(self.clock, "r+b") as clock:  # it is mapped: never empty
            clock.write(struct.pack("q", self.ahead_s))
        self.moves += 1  # what was asked meanwhile belongs to neither

    # --- its starts and ends ---

    def start(self):
        self.runs += 1
        preload = ":".join([*sanitizer(), str(CLOCK)])
        config = self.tree.folder / "cloudseedd.yaml"
        config.write_text(json.dumps(CONFIG), encoding="utf-8")
        self.server = daemon.Daemon(
            seed=self.tree.seed, templates=self.tree.templates, state=self.state,
            args=["--config", config, "--log-level", "info", "--https", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                  "--tftp", "127.0.0.1:0", "--assets", self.assets],
            env={"LD_PRELOAD": preload, "MOVED_CLOCK": str(self.clock)})
        self.server.ended = False
        self.server.tftp = ("127.0.0.1", int(self.server.listening["tftp"].rsplit(":", 1)[1]))
        self.server.ca = self.server.get("/ca.pem").text
        self.descriptors = self.count_descriptors()

    def count_descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def end(self, number):
        """By that signal; a sanitizer's report, or another status than it should have, is an error."""
        self.server.ended = True
        try:
            self.server.stop(number, -number if number == signal.SIGKILL else 0)
        finally:
            self.keep_log()

    def keep_log(self):
        (self.keep / f"run-{self.runs}.log").write_text("\n".join(self.server.lines) + "\n", encoding="utf-8")

    def restart(self, number, idle):
        """Ended under its clients, or once they are through; then all is looked at."""
        if idle:
            with self.gate.closed():
                self.look()
                self.end(number)
                self._start_again()
        else:
            self.end(number)
            with self.gate.closed():
                self._start_again()

    def _start_again(self):
        self.repair()
        self.start()
        self.ledger.check(self.server)

    def look(self):
        """While nobody asks: nothing is lost, nothing left over, and the tree is the one that is written."""
        self.repair()
        self.ledger.check(self.server)
        answer = self.server.admin("POST", "/v1/reload")
        assert answer.status == 200, answer.text
        tap.eq({name for name, node in nodelife.nodes(self.server).items() if node["declared"]},
               self.declared | self.guests, "declared nodes")
        seen = {}

        def idle():
            seen.update(self.server.admin("GET", "/v1/server").json["load"], descriptors=self.count_descriptors())
            return (seen["connections"], seen["requests"], seen["transfers"]) == (1, 1, 0) \
                and seen["descriptors"] <= self.descriptors + DESCRIPTORS_MORE
        try:
            tap.wait_until(idle, seconds=90, pause=0.1)
        except AssertionError:
            raise AssertionError(f"left over: {seen}, and {self.descriptors} descriptors at the start") from None

    def finish(self):
        """The last look, and an orderly end."""
        with self.gate.closed():
            self.look()
            self.gate.end()
            self.end(signal.SIGTERM)

    def reload(self):
        """Without waiting for it."""
        self.change_tree()
        self.server.signal(signal.SIGHUP)

