# SPDX-License-Identifier: Apache-2.0
"""A machine that runs templates/k8s/join.py: a folder in the place of /, and a clock
that nobody waits for.

    machine = Machine(server, ca, role="worker")
    ended = machine.run()            ended.status, .said (its lines), .slept (seconds), .steps

Each run is a fork of a process that has the script loaded, made before any thread is: import this
module first. In it os, time and subprocess are stand-ins, which count what is done from outside's
view; with kill_at=N the run gets a signal, SIGKILL unless another is given, before its step N.
"""
import atexit
import importlib.machinery
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import types
from pathlib import Path

import tools

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parents[1] / "templates/k8s/join.py"
BUILT = 1795305600
MACHINE_ID = "0123456789abcdef0123456789abcdef"
UUID = "4c4c4544-0042-3510-8052-b4c04f4e4432"
SEED_KEY = "a" + "k" * 26
JOIN_KEY = "j" * 25 + "7"
WINDOW_KEY = "w" * 30


def load_script():
    loader = importlib.machinery.SourceFileLoader("join", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("join", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


class Clock:
    """In the place of the module 'time'. Jumps: [seconds slept, what it is set to]."""

    def __init__(self, job, ask):
        self.wall, self.slept, self.ask = job["clock"], 0.0, ask
        self.jumps = list(job["jumps"])

    def time(self):
        return self.wall

    def monotonic(self):
        return 1000 + self.slept

    def sleep(self, seconds):
        self.slept += seconds
        self.wall += seconds
        if self.jumps and self.slept >= self.jumps[0][0]:
            self.wall = self.jumps.pop(0)[1]
        self.ask(seconds)


class Counted:
    """A module some of whose functions are steps."""

    def __init__(self, module, names, step):
        self._module, self._names, self._step = module, names, step

    def __getattr__(self, name):
        found = getattr(self._module, name)
        if name not in self._names:
            return found

        def counted(*args, **more):
            self._step(f"{name} {args[0]}")
            # No power is cut here, and a disk's own time is nothing to wait for.
            return None if name == "fsync" else found(*args, **more)
        return counted


def stand_in(join, job, answer):
    """Puts everything into the script's place, and gives the list of its steps."""
    steps, clock = [], Clock(job, lambda seconds: on_sleep(seconds))

    def step(what):
        steps.append(what)
        if len(steps) == job["kill_at"]:
            sys.stdout.flush()
            os.kill(os.getpid(), job["signal"])

    def on_sleep(seconds):
        print(f"@sleep {seconds}", flush=True)
        answer.readline()

    def run(command, **more):
        step(" ".join(command[:2]))
        status, out, err = tools.call(command, more["input"].decode(), job["root"], job["notes"],
                                      step)
        clock.wall += job["slow"].get(" ".join(command[:2]), 0)
        step("after " + " ".join(command[:2]))
        return types.SimpleNamespace(returncode=status, stdout=out.encode(), stderr=err.encode())

    join.ROOT = job["root"]
    join.time = clock
    join.os = Counted(os, ("replace", "unlink", "fsync"), step)
    join.socket = types.SimpleNamespace(**{**vars(socket), "gethostname": lambda: "k8s-worker-2"})
    if not job["programs"]:
        join.subprocess = types.SimpleNamespace(
            run=run, PIPE=-1, TimeoutExpired=join.subprocess.TimeoutExpired)
    taking = join.take

    def take(*args):
        step("answered")
        return taking(*args)
    exchanging = join.exchange

    def exchange(method, url, *args, **more):
        step(f"{method} {url.rsplit('/', 1)[1]}")
        return exchanging(method, url, *args, **more)
    join.take, join.exchange = take, exchange
    return steps


def child(join, job, fds):
    os.dup2(fds[0], 0)
    os.dup2(fds[1], 1)
    os.dup2(fds[1], 2)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    if job["programs"]:
        os.environ["PATH"] = job["programs"]
    steps = stand_in(join, job, os.fdopen(0, closefd=False))
    try:
        status = join.main()
    except SystemExit as end:
        status = end.code
    print("@steps " + json.dumps(steps), flush=True)
    os._exit(status)


def serve(line):
    """The process that forks: one run for each message."""
    join = load_script()
    while True:
        data, fds, _, _ = socket.recv_fds(line, 1 << 20, 2)
        if not data:
            os._exit(0)
        pid = os.fork()
        if not pid:
            try:
                child(join, json.loads(data), fds)
            except BaseException:  # pylint: disable=broad-except
                traceback.print_exc()
                os._exit(99)
        for fd in fds:
            os.close(fd)
        _, status = os.waitpid(pid, 0)
        line.send(str(os.waitstatus_to_exitcode(status)).encode())


def begin():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if not pid:
        ours.close()
        serve(theirs)
    theirs.close()
    atexit.register(end, ours, pid)
    return ours


def end(line, pid):
    line.close()
    os.waitpid(pid, 0)


_line = begin()


class Ended:
    def __init__(self, status, said, slept, steps):
        self.status, self.said, self.slept, self.steps = status, said, slept, steps

    @property
    def text(self):
        return "\n".join(self.said)


class Machine:
    def __init__(self, server, ca, role="worker", key=SEED_KEY, pin=None, word=True):
        self.folder = Path(tempfile.mkdtemp(prefix="cloudseed-join-"))
        self.root, self.notes = self.folder / "root", self.folder / "notes.json"
        self.server, self.clock, self.jumps = server, max(time.time(), BUILT + 86400), []
        self.slow = {}  # {"kubeadm reset": seconds of the wall clock}
        self.url = f"{server.url}/s/{key}/"
        secret = f" cs={JOIN_KEY}.{pin or ca.pin}" if word else ""
        self.put("/sys/class/dmi/id/product_serial", f"ds=nocloud;dsmode=net;s={self.url}{secret}\n")
        self.put("/sys/class/dmi/id/product_uuid", UUID.upper() + "\n")
        self.put("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=LABEL=cloudimg-rootfs ro quiet\n")
        self.put("/etc/machine-id", MACHINE_ID + "\n")
        self.settings(node_url=server.node_url, seed_url=self.url, role=role)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def settings(self, **members):
        self.put("/etc/cloudseed/join.json", json.dumps({"images": "registry.k8s.io", **members}))

    def put(self, path, text):
        file = Path(f"{self.root}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def file(self, path):
        return Path(f"{self.root}{path}")

    def order(self, **faults):
        """{"kubeadm init": [times, text]}, by the names of tools.py."""
        known = self.known
        self.notes.write_text(json.dumps({**known, "fail": {**known.get("fail", {}), **faults}}))

    @property
    def known(self):
        return json.loads(self.notes.read_text()) if self.notes.exists() else {}

    def calls(self, name):
        return [" ".join(c) for c in self.known.get("calls", []) if c[0] == name]

    def programs(self):
        """kubeadm and kubectl as programs, in a folder for PATH."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        for name in ("kubeadm", "kubectl"):
            (folder / name).write_text(
                "#!/usr/bin/python3 -B\nimport sys\n"
                f"sys.path.insert(0, {str(HERE)!r})\nimport tools\n"
                f"tools.main({name!r}, {str(self.root)!r}, {str(self.notes)!r})\n")
            (folder / name).chmod(0o755)
        return str(folder)

    def run(self, kill_at=0, programs="", on_sleep=lambda seconds: None, by=signal.SIGKILL):
        job = {"root": str(self.root), "notes": str(self.notes), "clock": self.clock,
               "jumps": self.jumps, "kill_at": kill_at, "signal": by, "slow": self.slow,
               "programs": self.programs() if programs is True else programs}
        answers, questions = os.pipe(), os.pipe()
        socket.send_fds(_line, [json.dumps(job).encode()], [answers[0], questions[1]])
        os.close(answers[0])
        os.close(questions[1])
        said, slept, steps = [], [], []
        with os.fdopen(questions[0], encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("@sleep "):
                    slept.append(float(line.split()[1]))
                    on_sleep(slept[-1])
                    os.write(answers[1], b"\n")
                elif line.startswith("@steps "):
                    steps = json.loads(line[7:])
                else:
                    said.append(line.rstrip("\n"))
        os.close(answers[1])
        ended = Ended(int(_line.recv(100)), said, slept, steps)
        assert "crashes" not in self.known, self.known["crashes"]
        assert ended.status != 99, ended.text
        return ended

    def run_by(self, python):
        """As a program of its own, with the real clock, by that interpreter."""
        driver = (f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import join; "
                  f"join.ROOT = {str(self.root)!r}; sys.exit(join.main())")
        done = subprocess.run([python, "-B", "-W", "error", "-c", driver], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                              check=False, env={"PATH": self.programs(), "LANG": "C"})
        return Ended(done.returncode, done.stdout.splitlines(), [], [])

    def leaks(self, *secrets):
        """Where one of these texts is in a file, or in what was said or called."""
        found = []
        for file in self.root.rglob("*"):
            path = "/" + str(file.relative_to(self.root))
            if file.is_file() and path not in ("/sys/class/dmi/id/product_serial", "/proc/cmdline"):
                data = file.read_bytes()
                found += [f"{s} in {path}" for s in secrets if s.encode() in data]
        calls = json.dumps(self.known.get("calls", []))
        return found + [f"{s} in {calls}" for s in secrets if s in calls]
