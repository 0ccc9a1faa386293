#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed watch` on a terminal and off it, and `wait`, while nodes boot."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import booting  # noqa: E402
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

STAGES = ("init-local", "init-network", "modules-config", "modules-final")
PROGRAM = str(daemon.BUILD.resolve() / "cloudseed")


class Scene:
    """A server with a node of a role that does not bootstrap, which these functions let boot."""

    def __init__(self, tree=None):
        self.tree = tree or homelab()
        self.server = daemon.Daemon(**self.tree)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.server.__exit__(*why)

    def command(self, *words):
        return [PROGRAM, *words, "--server", str(self.server.socket)]

    def run(self, *words, status=0):
        done = subprocess.run(self.command(*words), capture_output=True, text=True,
                              timeout=daemon.SECONDS, check=False)
        tap.eq(done.returncode, status, done.stdout + done.stderr)
        return done

    def report(self, node, stage, kind, result=None, text=""):
        key = world.key_of(self.server.state, node)
        answer = self.server.request("POST", f"/s/{key}/report",
                                     booting.event(stage, kind, result, text),
                                     {"Content-Type": "application/json"})
        tap.eq(answer.status, 200, answer.text)

    def reason(self, node):
        node = json.loads(self.run("node", "show", node, "--json").stdout)
        assert node["failure"]["reason"], node
        return node["failure"]["reason"]

    def begin(self, node):
        self.run("node", "arm", node)
        key = world.key_of(self.server.state, node)
        tap.eq(self.server.get(f"/s/{key}/meta-data").status, 200)

    def boot(self, node, result="SUCCESS"):
        self.begin(node)
        for stage in STAGES:
            last = stage == STAGES[-1]
            self.report(node, stage, "start", text=f"running {stage}")
            self.report(node, stage, "finish", result if last else "SUCCESS")


def homelab():
    return world.HOMELAB


class Terminal:
    """The tool on a terminal of its own; what it draws is kept as it comes."""

    def __init__(self, command, rows=12, columns=160, **env):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.size(rows, columns)
        env = {**os.environ, "TERM": "xterm", "NO_COLOR": "", **env}
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave = slave
        self.shown = ""

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return
        self.shown += os.read(self.master, 65536).decode(errors="replace")

    def wait(self, true, what):
        """Reads on until true(last frame)."""
        end = time.monotonic() + daemon.SECONDS
        while not true(self.frame()):
            assert time.monotonic() < end, f"{what} never came:\n{self.shown[-3000:]!r}"
            self.read(0.2)
        return self.frame()

    def frame(self):
        """The last whole one, without colours."""
        whole = self.shown.rpartition("\x1b[J")[0].rpartition("\x1b[H")[2]
        return re.sub(r"\x1b\[[0-9;]*[mK]", "", whole).replace("\r\n", "\n")

    def type(self, keys):
        os.write(self.master, keys)

    def end(self):
        """The exit status, once it has ended."""
        end = time.monotonic() + daemon.SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        while select.select([self.master], [], [], 0)[0]:
            self.read(0)
        after = termios.tcgetattr(self.slave)
        os.close(self.slave)
        os.close(self.master)
        assert "Sanitizer" not in self.shown, self.shown
        tap.eq(after[:4], self.before[:4], "the terminal is not as it was")
        assert self.shown.rfind("\x1b[?25h") > self.shown.rfind("\x1b[?25l"), "no cursor"
        return self.process.wait(daemon.SECONDS)


def row(frame, node):
    found = [line for line in frame.splitlines() if line.startswith(node + " ")]
    return found[0] if found else ""


def test_a_boot_on_a_terminal():
    with Scene() as scene:
        terminal = Terminal(scene.command("watch"))
        terminal.wait(lambda f: "registered" in row(f, "k8s-worker-2"), "the table")
        scene.begin("k8s-worker-2")
        scene.report("k8s-worker-2", "init-local", "start", text="searching \x1b[2J\n\x1b]0;x\x07")
        frame = terminal.wait(lambda f: "init-local" in row(f, "k8s-worker-2"), "the stage")
        tap.contains(row(frame, "k8s-worker-2"), "booting")
        tap.contains(frame, "<=>")  # the first boot of the role
        tap.contains(frame, "searching \ufffd[2J\ufffd\ufffd]0;x\ufffd")
        assert "\x1b[2J" not in terminal.shown and "\x1b]" not in terminal.shown
        scene.report("k8s-worker-2", "modules-final", "finish", "SUCCESS")
        terminal.wait(lambda f: "100%" in row(f, "k8s-worker-2"), "the end of the boot")
        terminal.type(b"q")
        tap.eq(terminal.end(), 0)
        after = terminal.shown.rpartition("\x1b[?1049l")[2]
        tap.contains(after, "k8s-worker-2")  # what was seen last stays


def test_progress_comes_from_earlier_boots():
    with Scene() as scene:
        scene.boot("k8s-worker-2")
        terminal = Terminal(scene.command("watch", "k8s-worker-3"))
        scene.begin("k8s-worker-3")
        scene.report("k8s-worker-3", "modules-config", "finish", "SUCCESS")
        frame = terminal.wait(lambda f: "#" in row(f, "k8s-worker-3"), "the bar")
        assert re.search(r"\[#+-*\] +\d+%", frame), frame
        assert not row(frame, "k8s-worker-2"), frame
        terminal.type(b"q")
        tap.eq(terminal.end(), 0)


def test_failures_are_red_with_their_reason():
    with Scene() as scene:
        terminal = Terminal(scene.command("watch"))
        scene.boot("k8s-worker-2", "FAIL")
        frame = terminal.wait(lambda f: "failed" in row(f, "k8s-worker-2"), "the failure")
        tap.contains(row(frame, "k8s-worker-2"), scene.reason("k8s-worker-2"))
        tap.contains(terminal.shown, "\x1b[1;31mk8s-worker-2")
        terminal.type(b"\x03")
        tap.eq(terminal.end(), -signal.SIGINT)


def test_the_terminal_is_resized():
    with Scene() as scene:
        terminal = Terminal(scene.command("watch"))
        terminal.wait(lambda f: row(f, "k8s-worker-3"), "the table")
        terminal.size(12, 80)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        head = terminal.wait(lambda f: "DONE" in f, "the table without a bar").splitlines()[0]
        tap.eq(head.split(), ["NODE", "STATE", "STAGE", "DONE", "ELAPSED", "MESSAGE"])
        terminal.size(5, 40)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        frame = terminal.wait(lambda f: "more" in f, "the short table")
        assert len(frame.splitlines()) <= 5, frame
        assert all(len(line) < 40 for line in frame.splitlines()), frame
        terminal.type(b"q")
        tap.eq(terminal.end(), 0)


def test_a_server_that_goes_and_comes():
    folder = world.scratch()
    where = {**homelab(), "state": folder / "state"}
    path = folder / "admin.sock"
    with daemon.Daemon(**where, args=["--socket", path]):
        terminal = Terminal([PROGRAM, "watch", "--server", str(path)])
        terminal.wait(lambda f: "registered" in row(f, "k8s-worker-2"), "the table")
    terminal.wait(lambda f: "trying again" in f, "the word that the server is gone")
    with daemon.Daemon(**where, args=["--socket", path]):
        terminal.wait(lambda f: "q ends this" in f, "the server's return")
        subprocess.run([PROGRAM, "node", "arm", "k8s-worker-2", "--server", str(path)], check=True,
                       capture_output=True)
        terminal.wait(lambda f: "armed" in row(f, "k8s-worker-2"), "an event of the new server")
        terminal.type(b"q")
        tap.eq(terminal.end(), 0)


def test_from_another_machine_over_tls():
    """A viewer's token is enough; once it is revoked, watch ends with the reason."""
    folder = world.scratch()
    with daemon.Daemon(**homelab(), args=["--admin", "127.0.0.1:0"]) as server:
        ca = folder / "ca.pem"
        ca.write_text(server.get("/ca.pem").text)
        token = server.admin("POST", "/v1/tokens", {"name": "tv", "role": "viewer"}).json["token"]
        terminal = Terminal([PROGRAM, "watch"], CLOUDSEED_CA=str(ca), CLOUDSEED_TOKEN=token,
                            CLOUDSEED_SERVER="https://" + server.listening["admin"])
        terminal.wait(lambda f: "registered" in row(f, "k8s-worker-2"), "the table")
        server.admin("POST", "/v1/nodes/k8s-worker-2/arm", {})
        terminal.wait(lambda f: "armed" in row(f, "k8s-worker-2"), "an event")
        server.admin("DELETE", "/v1/tokens/tv")
        tap.eq(terminal.end(), 1)
        tap.contains(terminal.shown.rpartition("\x1b[?1049l")[2], "401")


def test_off_a_terminal_events_are_lines():
    with Scene() as scene:
        with subprocess.Popen(scene.command("watch", "k8s-worker-2"), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as process:
            tap.eq(process.stdout.readline(), "k8s-worker-2 is registered\n")
            scene.run("node", "arm", "k8s-worker-3")
            scene.run("node", "arm", "k8s-worker-2")
            line = process.stdout.readline()
            assert "  k8s-worker-2 " in line and "  armed " in line and "\x1b" not in line, line
            process.terminate()


def test_wait_ends_with_what_it_waited_for():
    with Scene() as scene:
        with subprocess.Popen(scene.command("wait", "k8s-worker-2", "--for", "booting"),
                              stderr=subprocess.PIPE, text=True) as waiting:
            scene.begin("k8s-worker-2")
            tap.eq(waiting.wait(daemon.SECONDS), 0)
        scene.report("k8s-worker-2", "modules-final", "finish", "FAIL")
        done = scene.run("wait", "k8s-worker-2", status=1)
        tap.eq(done.stderr, "cloudseed: k8s-worker-2 has failed in modules-final: "
                            f"{scene.reason('k8s-worker-2')}\n")


def test_wait_waits_for_what_the_role_can_reach():
    tree = world.Tree()
    tree.node("plain-1")
    tree.put("clusters/lab.yaml", {"lab": {"version": "1.29.15", "endpoint": "api:6443",
                                           "pods": ["192.168.0.0/16"], "services": ["10.96.0.0/12"]}})
    tree.template("kubeadm", "apiVersion: kubeadm.k8s.io/v1beta3\nkind: JoinConfiguration\n")
    tree.put("roles/w.yaml", {"w": {"bootstrap": "worker", "kubeadm": "kubeadm"}})
    tree.node("worker-1", "w", cluster="lab")
    with Scene({"seed": tree.seed, "templates": tree.templates}) as scene:
        for node in ("plain-1", "worker-1"):
            scene.boot(node)
        scene.run("wait", "plain-1", "--timeout", "60s")
        scene.run("wait", "worker-1", "--for", "up", "--timeout", "60s")
        done = scene.run("wait", "worker-1", "plain-1", "--timeout", "1s", status=3)
        tap.contains(done.stderr, "worker-1 is not ready in time: it is up")


tap.main()
