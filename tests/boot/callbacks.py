# SPDX-License-Identifier: Apache-2.0
"""A server that does not want to hear what machines tell: a small front before cloudseedd.

The front takes what is POSTed to a seed's report and phone-home, keeps it for the test to look at,
and answers as the test says. All else it passes on, and gives back the answer as it came.
"""
import http.client
import http.server
import re
import threading

TAKEN = re.compile(r"(/s/[^/]+/)(report|phone-home)")
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_args):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        inner = http.client.HTTPConnection(*self.server.behind, timeout=self.timeout)
        try:
            inner.request(self.command, self.path, body or None, dict(self.headers))
            got = inner.getresponse()
            self.answer(got.status, got.getheaders(), got.read())
        finally:
            inner.close()

    do_GET = do_HEAD = pass_on

    def do_POST(self):
        taken = TAKEN.fullmatch(self.path)
        if not taken:
            self.pass_on()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.said.append((taken[1], taken[2], body))
        self.server.types.setdefault(taken[2], set()).add(self.headers.get("Content-Type"))
        status = self.server.replies.get(taken[2], 200)
        if status is None:
            self.server.over.wait()
        else:
            self.answer(status, [], b"")


class Front(http.server.ThreadingHTTPServer):
    """`replies` may say with which status it answers to what kind; None: it never does."""

    daemon_threads = True

    def __init__(self, address, behind):
        self.behind, self.said, self.types = behind, [], {}
        self.replies, self.over = {}, threading.Event()
        super().__init__(address, Handler)
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        self.over.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
