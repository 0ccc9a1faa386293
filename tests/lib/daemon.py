# SPDX-License-Identifier: Apache-2.0
"""The real cloudseedd on free ports of the loopback, for end-to-end tests.

    with Daemon(seed=SOURCE / "seed", templates=SOURCE / "templates") as daemon:
        answer = daemon.get("/healthz")
        answer.status, answer.headers, answer.body
        daemon.wait_event("served", node="k8s-master-1")

Leaving the block stops it by SIGTERM and asserts a clean end: status 0, and nothing from a
sanitizer on standard error.
"""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import shapes

SOURCE = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("CLOUDSEED_BUILD", "."))
# For each thing waited for. Much more than it takes: only a test that fails waits that long.
SECONDS = float(os.environ.get("CLOUDSEED_TEST_SECONDS", "120"))

_FIELD = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|\S*)')
_SANITIZER = re.compile(r"Sanitizer|runtime error:")


def parse_logfmt(line):
    """{'event': …, …}; the escapes in quoted values stay as they are."""
    return {key: value[1:-1] if value[:1] == '"' else value
            for key, value in _FIELD.findall(line)}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=SECONDS)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self.path)


class Daemon:
    """`seed` and `templates` are used in place; without `state` it lives in a folder of its own.
    `http` may name several addresses. `args` and `env` are added; `wait=False` does not wait for
    the listening line (for starts that shall fail)."""

    def __init__(self, seed=None, templates=None, state=None, http=("127.0.0.1:0",), args=(),
                 env=None, wait=True, wrapper=(), **popen):
        self.scratch = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
        self.state = Path(state or self.scratch / "state")
        self.lines = []
        self._news = threading.Condition()
        self.scratch.chmod(0o755)  # whoever the daemon is to become
        self.socket = self.scratch / "run" / "admin.sock"
        self.socket.parent.mkdir()
        self.socket.parent.chmod(0o777)
        command = [*wrapper, str(BUILD / "cloudseedd"), "--state", str(self.state)]
        if "--socket" not in args:
            command += ["--socket", str(self.socket)]
        for option, value in (("--seed", seed), ("--templates", templates)):
            command += [option, str(value)] if value else []
        for address in (http,) if isinstance(http, str) else http:
            command += ["--http", address]
        if os.geteuid() == 0 and "--user" not in args:
            command += ["--user", "root"]
        self.process = subprocess.Popen(
            command + [str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env={**os.environ, **(env or {})}, **popen)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.listening = None
        if wait:
            try:
                self._learn_addresses()
            except BaseException:
                self._discard()
                raise

    def _read(self):
        for raw in self.process.stderr:
            with self._news:
                self.lines.append(raw.decode("utf-8", "backslashreplace").rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _learn_addresses(self):
        self.listening = self.wait_event("listening")
        self.addresses = [a.rsplit(":", 1) for a in self.listening["http"].split(",")]
        self.host, self.port = self.addresses[0][0].strip("[]"), int(self.addresses[0][1])
        self.url = f"http://{self.listening['http'].split(',')[0]}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self._discard()
            print("# --- cloudseedd said:", *self.lines[-40:], sep="\n# ")

    # --- what it logged ---

    def events(self, name=None, **fields):
        """All lines so far that are this event with these fields."""
        with self._news:
            parsed = [parse_logfmt(line) for line in self.lines]
        want = {**({"event": name} if name else {}), **{k: str(v) for k, v in fields.items()}}
        return [p for p in parsed if want.items() <= p.items()]

    def wait_event(self, name, count=1, seconds=SECONDS, **fields):
        """The count-th such event, as a dict; raises when it does not come in time."""
        end = time.monotonic() + seconds
        while True:
            with self._news:
                seen = len(self.lines)
            found = self.events(name, **fields)
            if len(found) >= count:
                return found[count - 1]
            left = end - time.monotonic()
            over = not self._reader.is_alive() and seen == len(self.lines)
            if left <= 0 or over:
                why = "it ended" if over else f"{seconds} s passed"
                raise AssertionError("\n".join([f"no event={name} {fields}: {why}"] + self.lines))
            with self._news:
                if len(self.lines) == seen and self._reader.is_alive():
                    self._news.wait(min(left, 0.5))

    # --- asking it ---

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def connect_admin(self):
        """A connection to the socket of admins: for answers that have no end."""
        return _SocketConnection(self.socket)

    def admin(self, method, path, body=None, headers=None):
        """Asks on the socket of admins; a body that is no bytes is sent as JSON."""
        connection = self.connect_admin()
        try:
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            connection.request(method, path, body, headers or {})
            answer = Answer(connection.getresponse())
            shapes.answered(method, path, answer)
            return answer
        finally:
            connection.close()

    def arm(self, node, minutes=120):
        """Opens a build window; what the server says of it."""
        answer = self.admin("POST", f"/v1/nodes/{node}/arm", {"minutes": minutes})
        assert answer.status == 200, answer.text
        return answer.json["arm"]

    # --- its end ---

    def wait(self, seconds=SECONDS):
        """Its exit status; killed and raised when it does not end in time."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._discard()
            raise AssertionError("\n".join(["cloudseedd does not end"] + self.lines)) from None
        self._reader.join(SECONDS)
        self._clean_scratch()
        dirty = [line for line in self.lines if _SANITIZER.search(line)]
        assert not dirty, "\n".join(self.lines)
        return status

    def stop(self, number=signal.SIGTERM, status=0):
        """Ends it (no harm if it has ended) and asserts how it ended."""
        if self.process.poll() is None:
            self.signal(number)
        got = self.wait()
        assert got == status, "\n".join([f"exit status {got}, not {status}"] + self.lines)

    def signal(self, number):
        self.process.send_signal(number)

    def _discard(self):
        self.process.kill()
        self.process.wait()
        self._reader.join(SECONDS)
        self._clean_scratch()

    def _clean_scratch(self):
        self.process.stderr.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
