# SPDX-License-Identifier: Apache-2.0
"""The daemon's HTTP client on a real loop (fetch_drive.c), and servers that treat it badly.

    with Server(lambda peer: peer.answer(b"hello")) as server, Drive() as drive:
        done = drive.get(server.url("/x")).done()
        done["fault"], done["reach"], done["status"], done["body"], done["message"]

Leaving a Drive ends its input and asserts a clean end: status 0, and nothing on standard error.
"""
import queue
import socket
import ssl
import struct
import threading

import drive
from daemon import BUILD, SECONDS

FOREVER_MS = 600_000  # longer than any test takes
QUIET = {"connect_ms": FOREVER_MS, "answer_ms": FOREVER_MS, "silence_ms": 0,
         "whole_ms": FOREVER_MS, "max": 1 << 20, "method": "GET"}


class Peer:
    """A connection to a server, as its handler has it."""

    def __init__(self, connection, number):
        self.connection, self.number = connection, number
        self._read = b""

    def request(self):
        """(first line, {lower-case name: value}, body), or None where the client has closed."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode().split("\r\n")[:-2]
        fields = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        length = int(fields.get("content-length", 0))
        while len(self._read) < length:
            self._more()
        body, self._read = self._read[:length], self._read[length:]
        return first, fields, body

    def _more(self):
        got = self.connection.recv(65536)
        self._read += got
        return got

    def _until(self, mark):
        while mark not in self._read:
            if not self._more():
                return None
        head, _, self._read = self._read.partition(mark)
        return head + mark

    def send(self, raw):
        self.connection.sendall(raw)

    def answer(self, body=b"", status="200 OK", headers=(), length=None):
        """A whole answer to a request that is read before. False where the client has closed."""
        if self.request() is None:
            return False
        self.reply(body, status, headers, length)
        return True

    def reply(self, body=b"", status="200 OK", headers=(), length=None):
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
        self.send("\r\n".join([*lines, *headers, "", ""]).encode() + body)

    def closed(self):
        """Waits for the client to close; bytes before that are dropped."""
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            pass
        return True

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class Server:
    """Calls handler(peer) for each connection, in a thread of its own, and closes it afterwards."""

    def __init__(self, handler, tls=None, host="127.0.0.1"):
        self.handler, self.tls = handler, tls
        self.socket = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host
                                           else socket.AF_INET, backlog=256)
        self.port = self.socket.getsockname()[1]
        self.host = f"[{host}]" if ":" in host else host
        self.accepted = 0
        self.errors = []
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/", host=None):
        return f"http{'s' if self.tls else ''}://{host or self.host}:{self.port}{path}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(SECONDS)
            self._open.append(connection)
            self.accepted += 1
            threading.Thread(target=self._serve, args=(connection, self.accepted),
                             daemon=True).start()

    def _serve(self, connection, number):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self.handler(Peer(connection, number))
        except (ssl.SSLError, OSError):
            pass  # clients that leave are what is tested
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(error)
        finally:
            connection.close()

    def close(self):
        self.socket.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close()
        assert kind or not self.errors, self.errors


def tls_of(certificate):
    """The server's side for (certificate, key) files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


class Fetch:
    """One that was started. Its events come in their order."""

    def __init__(self, drive, number):
        self.drive, self.number = drive, number
        self.events = queue.Queue()
        self.length = 0  # of the bytes so far
        self._pieces = []
        self._done = None

    @property
    def text(self):
        return "".join(self._pieces)

    def next(self):
        event = self.events.get(timeout=SECONDS)
        if event["event"] == "bytes":
            self._pieces.append(event["text"])
            self.length += len(event["text"])
        return event

    def until(self, what):
        while True:
            event = self.next()
            if event["event"] == what:
                return event
            assert event["event"] not in ("done", "refused"), event

    def done(self):
        return self._done or self.until("done")

    def take(self):
        """What can be taken now."""
        self.drive.say(do="take", id=self.number)
        while True:
            event = self.next()
            if event["event"] == "bytes":
                return event["text"]
            if event["event"] == "done":
                self._done = event

    def end(self):
        self.drive.say(do="end", id=self.number)


class Drive(drive.Program):
    def __init__(self, transfers=64, per_server=16, waiting=256, before=(), env=None):
        self._fetches = []
        self._pongs = queue.Queue()
        super().__init__([*before, BUILD / "tests" / "lib" / "fetch_drive", str(transfers),
                          str(per_server), str(waiting)], env)

    def heard(self, event):
        (self._fetches[event["id"]].events if "id" in event else self._pongs).put(event)

    def start(self, url, bearer=None, **options):
        """Unless the options say otherwise, nothing is late."""
        fetch = Fetch(self, len(self._fetches))
        self._fetches.append(fetch)
        if bearer is not None:
            options["bearer"] = "".join(chr(ord(c) + 1) for c in bearer)
        self.say(**{**QUIET, **options, "do": "start", "id": fetch.number, "url": url})
        return fetch

    def get(self, url, **options):
        return self.start(url, **options)

    def ping(self):
        """Returns once the loop has done all that was said before."""
        self.say(do="ping")
        self._pongs.get(timeout=SECONDS)


def memory_of(pid):
    """All that the process may write to."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            span, rights, *_ = line.split()
            start, end = (int(x, 16) for x in span.split("-"))
            if rights.startswith("rw") and end - start < 1 << 30:
                mem.seek(start)
                try:
                    yield mem.read(end - start)
                except OSError:
                    pass
