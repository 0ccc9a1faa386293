# SPDX-License-Identifier: Apache-2.0
"""Proxmox VE's API for tests, with the HTTP that pveproxy speaks.

    with StandIn(pve) as api:
        api.urls["pve1"], api.ca_file, api.fingerprints["pve1"]

`api.requests` are those that came, in order. `api.fault(…)` says what goes wrong with the next ones,
and `api.before` is called with the number of each request before it takes effect.

It plays what was read in Proxmox VE's sources; it has never been compared with a live one. What a
real one accepts but no client of ours should send is in `api.problems`.
"""
import atexit
import functools
import hashlib
import json
import re
import shutil
import socket
import socketserver
import ssl
import tempfile
import threading
import time
from urllib.parse import unquote, unquote_plus

from certs import Authority
from pve.schema import METHODS, Refused, check
from pve.upload import Upload

PREFIX = "/api2/json"
REASONS = {400: "Parameter verification failed.", 401: "No ticket", 403: "Permission check failed",
           404: "Not Found", 500: "Internal Server Error", 501: "Method not implemented"}


def _pattern(path):
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)) + "$")


_ROUTES = [(verb, _pattern(path), f"{verb} {path}") for verb, path in
           (name.split(" ", 1) for name in METHODS)]


def form(text):
    """As the API reads it: pairs end at `&` and at `;`, and nothing after a second raw `=`
    counts."""
    found = {}
    for pair in filter(None, re.split("[&;]", text)):
        parts = pair.split("=")
        key = unquote_plus(parts[0])
        found[key] = unquote_plus(parts[1]) if len(parts) > 1 else ""
    return found


_UPLOAD = re.compile(PREFIX + "/nodes/[^/]+/storage/[^/]+/upload$")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


class _Connection(socketserver.BaseRequestHandler):
    """HTTP/1.1 by hand, as what counts here is how connections end."""

    def handle(self):
        try:
            self.server.stand.serve(self.request, self.server.host)
        except (OSError, ssl.SSLError, ValueError):
            pass


class _Request:
    def __init__(self, host, verb, target, headers, body):
        self.host, self.verb, self.headers, self.body = host, verb, headers, body
        self.path, _, self.query = target.partition("?")
        self.method, self.arguments, self.upload = None, {}, None

    def find_route(self):
        if self.path.startswith(PREFIX + "/"):
            for verb, pattern, method in _ROUTES:
                found = pattern.match(self.path[len(PREFIX):])
                if found and verb == self.verb:
                    self.method = method
                    self.arguments = {k: unquote(v) for k, v in found.groupdict().items()}
                    return
        raise Refused(501, f"Method '{self.verb} {self.path[len(PREFIX):]}' not implemented")

    def given(self, version):
        text, found = self.query, {}
        if self.upload:
            return {**self.upload.fields, **self.arguments}
        if self.verb in ("POST", "PUT"):
            kind = self.headers.get("content-type", "")
            if kind.startswith("application/json"):
                found = json.loads(self.body or b"{}")
                for key, value in found.items():
                    if isinstance(value, bool):
                        if version < (8, 0):
                            raise Refused(400, "Parameter verification failed.",
                                          **{key: "type check ('boolean') failed"})
                        found[key] = int(value)
                return {**found, **self.arguments}
            text = self.body.decode()
        return {**form(text), **self.arguments}


class _Fault:
    def __init__(self, method, kind, times, after):
        self.method, self.kind, self.times, self.after = re.compile(method), kind, times, after


@functools.lru_cache(maxsize=None)
def _authority():
    """Of all stand-ins of a process, as keys and certificates take longer than all else."""
    folder = tempfile.mkdtemp(prefix="cloudseed-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Authority(folder, "Proxmox Virtual Environment")


@functools.lru_cache(maxsize=None)
def _certificate(authority, name):
    return authority.server(name)


class StandIn:
    def __init__(self, pve, authority=None):
        self.pve = pve
        self.requests, self.problems, self.faults = [], [], []
        self.before = lambda number: None
        self.on_upload = lambda size: None  # called with how much of a file has come
        self.authority = authority or _authority()
        self.ca_file = self.authority.file
        self.urls, self.fingerprints, self.pems = {}, {}, {}
        self._contexts, self._servers, self._count = {}, [], 0
        self._counting = threading.Lock()
        for name in pve.hosts:
            self._listen(name)

    def _listen(self, name):
        certificate, key = _certificate(self.authority, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._contexts[name] = context
        self.pems[name] = certificate.read_text()
        raw = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.pems[name])).hexdigest().upper()
        self.fingerprints[name] = ":".join(raw[i:i + 2] for i in range(0, 64, 2))
        server = _Server(("127.0.0.1", 0), _Connection)
        server.stand, server.host = self, name
        self._servers.append(server)
        self.urls[name] = f"https://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self.pve.tasks.wait_all()
        assert kind or not self.problems, self.problems

    def fault(self, method, kind, times=1, after=0):
        """For the next `times` requests whose method ("POST …/clone", a pattern) matches, after
        `after` others: `lost` (done, but the answer is lost), `cut` (not done), 595 (not done), 596
        (done later, and the answer says nothing), `busy:TEXT` (500 with that text)."""
        self.faults.append(_Fault(method, kind, times, after))

    # --- one connection ---

    def serve(self, plain, host):
        plain.settimeout(30)
        if not self.pve.hosts[host].up:
            return
        with self._contexts[host].wrap_socket(plain, server_side=True) as connection:
            connection.settimeout(5)  # not hurried: nothing makes good for a write that was cut off
            stream = connection.makefile("rb")
            for _ in range(100):
                request = self._read(connection, stream, host)
                if request is None or not self._answer(connection, request):
                    return

    def _read(self, connection, stream, host):
        """None: the peer left, or was silent for 5 s."""
        line = stream.readline(8192)
        if not line:
            return None
        connection.settimeout(30)
        verb, target, _ = line.decode("latin-1").split()
        headers, size = {}, len(line)
        while True:
            line = stream.readline(8192)
            size += len(line)
            if line in (b"\r\n", b"\n", b""):
                break
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        request = _Request(host, verb, target, headers, b"")
        if len(headers) > 64 or size > 8192:
            self._send(connection, 400, "too many http header lines", None)
            return None
        if verb == "POST" and _UPLOAD.match(request.path):
            return request if self._read_upload(connection, request, stream) else None
        length = int(headers.get("content-length") or 0)
        if "transfer-encoding" in headers or (length and verb not in ("POST", "PUT")):
            self._send(connection, 501, "Unexpected content for method", None)
            return None
        request.body = stream.read(length)
        if length > ((512 if self.pve.version >= (8, 4) else 64) << 10):
            self._send(connection, 501, "for data too large", None)
            return None
        connection.settimeout(5 / self.pve.hurry)
        return request

    def _read_upload(self, connection, request, stream):
        """Whether it came whole. The right is looked at before the file is read; without it the
        connection ends, wherever the client is."""
        token = self._token(request)
        if isinstance(token, str):
            self._send(connection, 401, token, None)
            return False
        try:
            request.find_route()
            self.pve.rights.need(token, f"/storage/{request.arguments['storage']}",
                                 "Datastore.AllocateTemplate")
            request.upload = Upload(stream, request.headers, self.on_upload)
        except Refused as why:
            self._refuse(connection, why)
        return request.upload is not None

    def _send(self, connection, status, reason, body, headers=()):
        raw = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        lines = [f"HTTP/1.1 {status} {reason.splitlines()[0] if reason else ''}",
                 "Server: pve-api-daemon/3.0", f"Content-Length: {len(raw)}",
                 "Connection: " + ("close" if status >= 400 else "keep-alive"), *headers]
        if body is not None:
            lines.append("Content-Type: application/json;charset=UTF-8")
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + raw)
        if status >= 400:
            # What is still unread would make the kernel send a reset that overtakes the answer.
            connection.unwrap().shutdown(socket.SHUT_WR)

    def _refuse(self, connection, why):
        body = {"data": None}
        if self.pve.version >= (8, 4):
            body["message"] = why.message + "\n"
        if why.errors:
            body["errors"] = why.errors
        self._send(connection, why.status, why.message, body)

    def _plan(self, method):
        for fault in self.faults:
            if fault.times > 0 and fault.method.search(method):
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault.kind
        return ""

    def _answer(self, connection, request):
        """Whether the connection goes on."""
        token = self._token(request)
        if isinstance(token, str):
            time.sleep(3 / self.pve.hurry)
            self._send(connection, 401, token, None)
            return False
        try:
            request.find_route()
        except Refused as why:
            self._refuse(connection, why)
            return False
        with self._counting:
            self._count += 1
            number = self._count
            self.requests.append((request.method, dict(request.arguments)))
        self.before(number)
        return self._take_effect(connection, request, token, self._plan(request.method))

    def _take_effect(self, connection, request, token, plan):
        if plan == "cut":
            return False
        if plan == 595 or not self._reachable(request):
            self._send(connection, 595, "No route to host", None)
            return False
        if plan == 596:
            threading.Thread(target=self._quietly, args=(request, token), daemon=True).start()
            time.sleep(30 / self.pve.hurry)
            self._send(connection, 596, "Connection timed out", None)
            return False
        try:
            if str(plan).startswith("busy:"):
                raise Refused(500, plan[5:])
            data = self._call(request, token)
        except Refused as why:
            if plan != "lost":
                self._refuse(connection, why)
            return False
        if plan == "lost":
            return False
        self._send(connection, 200, "OK", {"data": data})
        return not request.upload

    def _quietly(self, request, token):
        try:
            self._call(request, token)
        except Refused:
            pass

    def _reachable(self, request):
        node = request.arguments.get("node")
        return node not in self.pve.hosts or self.pve.hosts[node].up

    def _token(self, request):
        """The token, or the reason for a 401. A cookie beats the token."""
        if "cookie" in request.headers and "PVEAuthCookie" in request.headers["cookie"]:
            return "No ticket"
        given = request.headers.get("authorization", "")
        if not given.startswith("PVEAPIToken="):
            return "No ticket"
        name, _, secret = given[len("PVEAPIToken="):].partition("=")
        token = self.pve.rights.tokens.get(name)
        if not token or token.secret != secret:
            return "Authentication failed!"
        return token

    # --- methods ---

    def _call(self, request, token):
        pve, method = self.pve, request.method
        given = request.given(pve.version)
        self._look_for_problems(request, given)
        self._need_known(given)
        values = check(method, given)
        if request.upload:
            values.update(upload=request.upload, at=request.host)
        with pve.lock:
            node = values.get("node")
            if node is not None and node not in pve.hosts:
                raise Refused(500, f"hostname lookup '{node}' failed")
            data = _METHODS[method](self, token, values)
        if method == "POST /nodes/{node}/qemu/{vmid}/config" and values.get("background_delay"):
            data = self._wait_for(data, values["background_delay"])
        return self._wobbled(data)

    def _need_known(self, given):
        from pve.cluster import ABSENT  # pylint: disable=import-outside-toplevel
        for name in given:
            if re.sub(r"\d+$", "", name) in ABSENT.get(self.pve.version, ()):
                raise Refused(400, "Parameter verification failed.", **{
                    name: "property is not defined in schema and the schema does not allow"
                          " additional properties"})

    def _wait_for(self, upid, seconds):
        """POST config with background_delay: null once done in time, else the task."""
        task = self.pve.tasks.all[upid]
        if not task.ended.wait(seconds / self.pve.hurry):
            return upid
        if task.exit != "OK":
            raise Refused(500, task.exit)
        return None

    def _look_for_problems(self, request, given):
        if request.verb == "PUT" and request.path.endswith("/config"):
            self.problems.append(f"PUT {request.path}: it is cut off after 30 s; POST goes on")
        for name, value in given.items():
            if value == "":
                self.problems.append(f"{request.verb} {request.path}: '{name}=' empties nothing")

    def _wobbled(self, data):
        """Numbers as numbers, texts or 1e+06; booleans as 0, 1 or "1"."""
        if isinstance(data, dict):
            return {k: self._wobbled(v) for k, v in data.items()}
        if isinstance(data, list):
            return [self._wobbled(v) for v in data]
        way = self.pve.rand.randrange(3)
        if isinstance(data, bool):
            return (int(data), str(int(data)), int(data))[way]
        if isinstance(data, int):
            return (data, str(data), float(f"{data:e}") if data == float(f"{data:e}") else data)[way]
        return data

    def certificates(self, token, values):
        del token
        node = values["node"]
        return [{"filename": "pve-root-ca.pem", "pem": self.authority.pem, "subject": "/CN=pve",
                 "notafter": int(time.time()) + 10**8},
                {"filename": "pve-ssl.pem", "pem": self.pems[node],
                 "fingerprint": self.fingerprints[node], "san": ["127.0.0.1", node]}]

    def nodes(self, token, values):
        del token, values
        return [{"node": h.name, "id": f"node/{h.name}", "type": "node",
                 "status": "online" if h.up else "offline",
                 "ssl_fingerprint": self.fingerprints[h.name]} for h in self.pve.hosts.values()]

    def version(self, token, values):
        del token, values
        major, minor = self.pve.version
        return {"version": f"{major}.{minor}.3", "release": f"{major}.{minor}", "repoid": "8a2b3c4d"}

    def tasks_of(self, token, values):
        seen = [t for t in self.pve.tasks.all.values()
                if t.node == values["node"] and t.owner in (token.name, token.user)
                and values.get("vmid") in (None, t.vmid())]
        if values.get("source", "archive") != "all":
            seen = [t for t in seen if (t.exit is None) == (values.get("source") == "active")]
        return [self.pve.tasks.status(t) for t in reversed(seen)]

    def task(self, token, values):
        return self.pve.tasks.find(token, values["upid"])


def _plainly(name):
    return lambda stand, token, values: getattr(stand.pve, name)(token, **values)


_METHODS = {
    "GET /version": StandIn.version,
    "GET /nodes": StandIn.nodes,
    "GET /access/permissions":
        lambda stand, token, values: stand.pve.rights.listed(token, values.get("path")),
    "GET /cluster/nextid": _plainly("next_id"),
    "GET /cluster/resources": _plainly("resources"),
    "GET /cluster/tasks": lambda stand, token, values: [],  # a token sees none without Sys.Audit
    "GET /nodes/{node}/certificates/info": StandIn.certificates,
    "GET /nodes/{node}/storage": _plainly("list_storages"),
    "GET /nodes/{node}/storage/{storage}/content": _plainly("list_content"),
    "GET /nodes/{node}/network": _plainly("networks"),
    "GET /nodes/{node}/qemu": _plainly("vms_of"),
    "POST /nodes/{node}/qemu": _plainly("create"),
    "GET /nodes/{node}/qemu/{vmid}/config": _plainly("config"),
    "PUT /nodes/{node}/qemu/{vmid}/config": _plainly("put_config"),
    "POST /nodes/{node}/qemu/{vmid}/config": _plainly("post_config"),
    "GET /nodes/{node}/qemu/{vmid}/pending": _plainly("pending"),
    "POST /nodes/{node}/qemu/{vmid}/clone": _plainly("clone"),
    "POST /nodes/{node}/qemu/{vmid}/template": _plainly("make_template"),
    "PUT /nodes/{node}/qemu/{vmid}/resize": _plainly("resize"),
    "PUT /nodes/{node}/qemu/{vmid}/cloudinit": _plainly("cloudinit"),
    "GET /nodes/{node}/qemu/{vmid}/status/current": _plainly("current"),
    "POST /nodes/{node}/qemu/{vmid}/status/start": _plainly("start"),
    "POST /nodes/{node}/qemu/{vmid}/status/stop": _plainly("stop"),
    "POST /nodes/{node}/qemu/{vmid}/status/shutdown": _plainly("shutdown"),
    "DELETE /nodes/{node}/qemu/{vmid}": _plainly("destroy"),
    "GET /nodes/{node}/qemu/{vmid}/agent/network-get-interfaces": _plainly("agent_interfaces"),
    "POST /nodes/{node}/storage/{storage}/download-url": _plainly("download"),
    "POST /nodes/{node}/storage/{storage}/upload": _plainly("upload"),
    "GET /nodes/{node}/tasks": StandIn.tasks_of,
    "GET /nodes/{node}/tasks/{upid}/status":
        lambda stand, token, values: stand.pve.tasks.status(stand.task(token, values)),
    "GET /nodes/{node}/tasks/{upid}/log":
        lambda stand, token, values: [{"n": n, "t": t} for n, t in
                                      enumerate(stand.task(token, values).log, 1)],
    "DELETE /nodes/{node}/tasks/{upid}": lambda stand, token, values: None,
}
assert _METHODS.keys() == METHODS.keys(), METHODS.keys() ^ _METHODS.keys()
