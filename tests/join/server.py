# SPDX-License-Identifier: Apache-2.0
"""A stand-in for cloudseedd that takes nothing that docs/formats/bootstrap.md does not allow.

Every fault that it sees is kept in .faults; every message it took in .taken. What it answers to
'bootstrap' is a plan: a list of answers, the last of which is given again and again.
"""
import contextlib
import http.server
import json
import re
import socket
import ssl
import threading
from urllib.parse import urlsplit

import contract

HELD = "held"  # in a plan: the connection ends without an answer
CUT = "cut"  # … and in the midst of one
LATE = "2096-11-22T10:19:31Z"  # an answer's end that no test reaches


def problem(status, reason, detail="because", **headers):
    body = {"type": "about:blank", "title": "Problem", "status": status, "reason": reason,
            "detail": detail}
    return status, headers, json.dumps(body).encode()


def later(detail="waits for k8s-master-1", seconds="1"):
    return problem(503, "waits-for-master", detail, **{"Retry-After": seconds})


def answer(value):
    wrong = contract.check("answer", value)
    assert not wrong, wrong
    return 200, {}, json.dumps(value).encode()


TAKEN = (200, {}, b"{}\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, *args):
        pass

    def send(self, status, headers, body, kind="application/json"):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        status, headers, body = self.server.owner.get(self.path)
        self.send(status, headers, body, "application/octet-stream")

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        found = self.server.owner.post(self.server.is_tls, self.path, self.headers, body)
        self.close_connection = True
        if found == CUT:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"action": ')
        elif found != HELD:
            self.send(*found, kind="application/json" if found[0] == 200
                      else "application/problem+json")


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, owner, port=0, certificate=None, host="127.0.0.1"):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)
        self.owner, self.is_tls = owner, certificate is not None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # clients that were killed, or did not like the certificate

    def end(self):
        self.shutdown()
        self.server_close()


class StandIn:
    """One server for all tests of a file; begin() makes it new for each."""

    def __init__(self, certificate):
        self.certificate = certificate
        self.begin(None, None, [])
        self.plain, self.tls = Listener(self), Listener(self, certificate=certificate)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.plain.server_port}"

    @property
    def node_url(self):
        return f"https://127.0.0.1:{self.tls.server_port}"

    def begin(self, key, bearer, plan, ca=""):
        self.key, self.bearer, self.plan, self.ca = key, bearer, list(plan), ca
        self.assets, self.cluster_plan, self.result_plan = {}, [TAKEN], [TAKEN]
        self.faults, self.taken, self.claim = [], [], None
        self.ca_plan = []

    def stop_tls(self):
        self.port = self.tls.server_port
        self.tls.end()

    def start_tls(self, certificate=None):
        self.tls = Listener(self, getattr(self, "port", 0), certificate or self.certificate)

    def of_kind(self, kind):
        return [message for k, message in self.taken if k == kind]

    def get(self, path):
        if path == "/ca.pem":
            return self.ca_plan.pop(0) if self.ca_plan else (200, {}, self.ca.encode())
        found = self.assets.get(path)
        return found if isinstance(found, tuple) else (
            (404, {}, b"") if found is None else (200, {}, found))

    def wrong_with(self, is_tls, path, headers, body):
        match = re.fullmatch(r"/s/([a-z2-7]+)/(bootstrap|cluster|result)", path)
        if not match or match[1] != self.key:
            return [f"no such path: {path}"]
        kind = match[2]
        want = {"Authorization": f"Bearer {self.bearer}", "Content-Type": "application/json",
                "Content-Length": str(len(body)), "Transfer-Encoding": None}
        wrong = [f"{name}: {headers.get(name)}" for name in want if headers.get(name) != want[name]]
        if not is_tls:
            wrong.append("not over TLS")
        if len(body) > contract.REQUEST_MAX[kind]:
            wrong.append(f"{len(body)} bytes are too many")
        try:
            message = contract.load(body)
        except ValueError as why:
            return wrong + [f"no JSON: {why}"]
        wrong += contract.check(kind, message)
        if not wrong:
            wrong += self.wrong_order(kind, message)
        if not wrong:
            self.taken.append((kind, message))
        return wrong

    def wrong_order(self, kind, message):
        self.claim = self.claim or message["claim"]
        if message["claim"] != self.claim:
            yield "another claim"
        attempts = [m["attempt"] for m in self.of_kind("bootstrap")]
        if kind == "bootstrap" and 1 < message["attempt"] <= (attempts or [0])[-1]:
            yield f"attempt {message['attempt']} after {attempts}"
        if kind == "cluster" and not attempts:
            yield "a cluster without bootstrap"

    def post(self, is_tls, path, headers, body):
        wrong = list(self.wrong_with(is_tls, path, headers, body))
        if wrong:
            self.faults += wrong
            return problem(400, "malformed", "; ".join(wrong)[:400])
        plan = {"bootstrap": self.plan, "cluster": self.cluster_plan,
                "result": self.result_plan}[urlsplit(path).path.rsplit("/", 1)[1]]
        return plan.pop(0) if len(plan) > 1 else plan[0]

    def end(self):
        with contextlib.suppress(OSError):
            self.plain.end()
            self.tls.end()
