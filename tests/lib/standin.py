# SPDX-License-Identifier: Apache-2.0
"""A stand-in for cloudseedd's admin socket that plays the files of tests/golden/api/.

Each file is one exchange: {"request": {"method", "target", "headers", "body"}, "answer": {"status",
"headers", "body"}}. `headers` and `body` may be left out; a body that is a text is sent as it is.
The stand-in is strict: a request that no file has is answered with 599, and told by problems().
"""
import json
import os
import shutil
import socket
import socketserver
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from daemon import SECONDS, SOURCE

GOLDEN = SOURCE / "tests" / "golden" / "api"


def golden(name):
    """An exchange: a file's name without .json."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("unix", 0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass

    def handle_any(self):
        stand = self.server.stand
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Accept") == "text/event-stream":
            stand.serve_stream(self)
            return
        answer = stand.answer(self.command, self.path, self.headers, body)
        if answer is None:
            self.close_connection = True  # the server dies
            return
        text = answer.get("body", "")
        raw = text.encode() if isinstance(text, str) else json.dumps(text).encode()
        self.send_response(answer["status"])
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any


class StandIn:
    """`exchanges` are those that it knows; one that is there several times is answered in turn, and
    the last one from then on. An answer None cuts the connection."""

    def __init__(self, *exchanges):
        self.folder = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
        self.socket = self.folder / "admin.sock"
        self.exchanges = list(exchanges)
        self.asked, self.wrong, self.streams = [], [], []
        self._news = threading.Condition()
        self._pieces = []  # of streams: (bytes or None for an end)
        self.start()

    def start(self):
        if self.socket.exists():
            os.unlink(self.socket)
        self._server = _Server(str(self.socket), _Handler)
        self._server.stand = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def end(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert kind or not self.wrong, self.wrong

    # --- plain requests ---

    def _matches(self, request, method, target, headers, body):
        if (request["method"], request["target"]) != (method, target):
            return False
        if any(headers.get(k) != v for k, v in request.get("headers", {}).items()):
            return False
        if "body" not in request:
            return not body
        return (headers.get("Content-Type") == "application/json"
                and json.loads(body or b"null") == request["body"])

    def answer(self, method, target, headers, body):
        with self._news:
            self.asked.append((method, target))
            fit = [e for e in self.exchanges
                   if self._matches(e["request"], method, target, headers, body)]
            if len(fit) > 1:
                self.exchanges.remove(fit[0])
            if fit:
                return fit[0]["answer"]
            self.wrong.append((method, target, dict(headers), body))
            return {"status": 599}

    # --- the stream of events ---

    def send(self, text, end=False):
        """Puts it into the stream that is open, or the next one; `end` ends that."""
        with self._news:
            self._pieces += [text.encode()] + ([None] if end else [])
            self._news.notify_all()

    def wait_stream(self, count=1):
        """Waits for the count-th stream; its Last-Event-ID."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.streams) >= count, SECONDS), self.asked
            return self.streams[count - 1]

    def serve_stream(self, handler):
        with self._news:
            self.streams.append(handler.headers.get("Last-Event-ID"))
            self._news.notify_all()
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        while True:
            with self._news:
                if not self._news.wait_for(lambda: self._pieces, SECONDS):
                    return
                piece = self._pieces.pop(0)
            if piece is None:
                return
            try:
                handler.wfile.write(piece)
            except OSError:
                return


def exchange(method, target, status=200, body="", headers=None, sent=None, **more):
    """One that no file has."""
    request = {"method": method, "target": target, **more}
    if sent is not None:
        request["body"] = sent
    return {"request": request,
            "answer": {"status": status, "headers": headers or {}, "body": body}}


def cut(method, target):
    """The connection ends without an answer."""
    return {"request": {"method": method, "target": target}, "answer": None}


def event(number, node, kind, **data):
    return {"id": number, "at": f"2026-11-22T10:39:{number % 60:02}.123Z", "node": node,
            "uid": node, "kind": kind, "cause": "node", "peer": "10.0.20.12", "data": data}


def sse(number, node, kind, **data):
    text = json.dumps(event(number, node, kind, **data))
    return f"id: {number}\nevent: {kind}\ndata: {text}\n\n"


def socket_without_listener(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
