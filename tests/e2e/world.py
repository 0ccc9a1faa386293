# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: seed trees of their own, keys computed anew, and a client that
sends exactly what it is told.

Keys are computed here from docs/formats/keys.md, never asked of the daemon or the client.
"""
import base64
import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

import daemon
import tap

STATE_FILES = ["sealing-key", "secret", "state.db", "state.db-revision"]  # of a stopped server
FILES = ("meta-data", "user-data", "vendor-data", "network-config")
HOMELAB = {"seed": daemon.SOURCE / "seed", "templates": daemon.SOURCE / "templates"}
SECONDS = daemon.SECONDS


def scratch():
    """A folder that goes away when all tests are through."""
    folder = Path(tempfile.mkdtemp(prefix="cloudseed-e2e-"))
    tap.defer(shutil.rmtree, folder, True)
    return folder


# --- keys ---

def secret_lines(state):
    text = (Path(state) / "secret").read_text(encoding="ascii")
    return [line.split(":") for line in text.splitlines() if line and line[0] != "#"]


def seed_key(kid, secret, uid, epoch=1):
    data = b"cloudseed seed key 1\0" + uid.encode() + b"\0" + str(epoch).encode()
    mac = hmac.new(bytes.fromhex(secret), data, hashlib.sha256).digest()
    return kid + base64.b32encode(mac).decode().lower()[:26]


def key_of(state, node, epoch=1, number=0):
    kid, secret = secret_lines(state)[number]
    return seed_key(kid, secret, node, epoch)


# --- trees ---

class Tree:
    """A seed tree in a folder of its own. JSON is YAML: what is put in comes out as it was."""

    def __init__(self, **site):
        self.folder = scratch()
        self.seed, self.templates = self.folder / "seed", self.folder / "templates"
        for folder in ("clusters", "roles", "nodes"):
            (self.seed / folder).mkdir(parents=True)
        self.templates.mkdir()
        self.put("site.yaml", {"name": "test", "url": "http://10.0.10.5:8080", "networks": {
            "nodes": {"cidr": "10.0.20.0/24", "gateway": "10.0.20.1"}}, **site})
        self.role("plain")

    def put(self, path, data):
        """Written beside its place and renamed: a reload meets the old file or the new one."""
        target = self.seed / path
        part = target.with_name(target.name + ".part~")
        part.write_text(json.dumps(data), encoding="utf-8")
        part.rename(target)

    def template(self, name, text):
        part = self.folder / "template.part"
        part.write_text(text, encoding="utf-8")
        part.rename(self.templates / name)

    def role(self, name, **templates):
        """role(name, user_data="text of the template")"""
        names = {}
        for file, text in templates.items():
            file = file.replace("_", "-")
            names[file] = f"{name}-{file}"
            self.template(names[file], text)
        self.put(f"roles/{name}.yaml", {name: {"templates": names} if names else {}})

    def node(self, name, role="plain", **more):
        self.put(f"nodes/{name}.yaml", {name: {"role": role, **more}})

    def start(self, **options):
        return start(seed=self.seed, templates=self.templates, **options)


def listener(address="127.0.0.1", family=socket.AF_INET, send_bytes=None):
    """A listening socket to be passed on, closed when all tests are through. Its descriptor is a
    high one, out of the way of those that it will be moved to."""
    with socket.socket(family, socket.SOCK_STREAM) as made:
        if send_bytes:  # what is accepted from it inherits that
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
        made.bind((address, 0))
        made.listen()
        moved = socket.socket(fileno=fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, 100))
    tap.defer(moved.close)
    return moved


def activated(*sockets, count=None, pid="$$", names=None):
    """Options for start(): the sockets are passed as systemd would pass them. `names` are their
    FileDescriptorName=; without them there is no LISTEN_FDNAMES."""
    fds = [s.fileno() for s in sockets]
    moves = "".join(f"exec {3 + i}<&{fd}-; " for i, fd in enumerate(fds))
    script = f"{moves}export LISTEN_FDS={len(fds) if count is None else count} LISTEN_PID={pid}; "
    if names is not None:
        script += f"export LISTEN_FDNAMES={':'.join(names)}; "
    return {"wrapper": ["bash", "-c", script + 'exec "$@"', "bash"], "pass_fds": fds, "http": ()}


def start(config=None, args=(), send_bytes=None, **options):
    """A Daemon that logs everything; `config` is what its configuration file says. With
    `send_bytes` the kernel takes no more than about that much of an answer."""
    if send_bytes:
        with listener(send_bytes=send_bytes) as passed:
            return start(config, args, **options, **activated(passed))
    if config is not None:
        path = scratch() / "cloudseedd.yaml"
        path.write_text(json.dumps(config), encoding="utf-8")
        args = ["--config", path, *args]
    return daemon.Daemon(args=["--log-level", "debug", *args], **options)


# --- a client that does what it is told ---

class Closed(Exception):
    """The peer closed before the answer was whole."""


class Answer:
    def __init__(self, version, status, headers, body):
        self.version, self.status, self.headers, self.body = version, status, headers, body

    def header(self, name):
        """The one value of that header, None where there is none."""
        values = [v for k, v in self.headers if k.lower() == name.lower()]
        assert len(values) <= 1, f"{name} comes {len(values)} times: {values}"
        return values[0] if values else None


class Wire:
    """One connection, read and written by the byte."""

    def __init__(self, server, source=None, receive_bytes=None, seconds=SECONDS):
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(seconds)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((server.host, server.port))
        self.pending = bytearray()  # grows in place: an answer may be large

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def get(self, path, *headers, method="GET", version="HTTP/1.1"):
        """Sends a request; read it with answer()."""
        lines = [f"{method} {path} {version}", "Host: test", *headers, "", ""]
        self.send("\r\n".join(lines))
        return self

    def _more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        if not got:
            raise Closed(self.pending)
        self.pending += got

    def answer(self, method="GET"):
        while b"\r\n\r\n" not in self.pending:
            self._more()
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        headers = [tuple(line.split(": ", 1)) for line in lines]
        got = Answer(version, int(status), headers, b"")
        n = int(got.header("Content-Length") or 0)
        if method == "HEAD" or got.status == 304:
            return got
        while len(self.pending) < n:
            self._more()
        got.body, self.pending = bytes(self.pending[:n]), self.pending[n:]
        return got

    def rest(self):
        """What comes until the peer closes, which it must do in time."""
        try:
            while True:
                self._more()
        except Closed:
            rest, self.pending = bytes(self.pending), bytearray()
            return rest

    def ends(self):
        tap.eq(self.rest(), b"", "the peer must close without another byte")

    def is_open(self):
        """Whether it still answers."""
        try:
            return self.get("/healthz").answer().status == 200
        except (Closed, OSError):
            return False


def unread(sock):
    """Whether the peer's kernel has not acknowledged, or the peer not read, all that we sent."""
    here, there = sock.getsockname(), sock.getpeername()

    def text(at):
        return "%08X:%04X" % (int.from_bytes(socket.inet_aton(at[0]), "little"), at[1])
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    queues = {tuple(f[1:3]): f[4].split(":") for f in (line.split() for line in lines)}
    ours, theirs = queues[(text(here), text(there))], queues.get((text(there), text(here)))
    return theirs is None or int(ours[0], 16) > 0 or int(theirs[1], 16) > 0


def exchange(server, data):
    """Sends raw bytes on a connection of their own; all that comes back until it is closed."""
    with Wire(server) as wire:
        wire.send(data)
        return wire.rest()


def one_line(answer):
    """The text of a refusal: one plain line for a console."""
    tap.eq(answer.header("Content-Type"), "text/plain; charset=utf-8")
    text = answer.body.decode("ascii")
    assert text.endswith("\n") and text.count("\n") == 1 and len(text) > 10, repr(text)
    return text


# --- the process ---

def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def threads(pid, name):
    """{thread: its file `name` of /proc}, of those that do not end meanwhile."""
    texts = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            texts[int(task.name)] = (task / name).read_text(encoding="ascii").strip()
    return texts


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {k: v.strip() for k, v in (line.split(":", 1) for line in lines)}


def elapsed(function, *args):
    begun = time.monotonic()
    function(*args)
    return time.monotonic() - begun
