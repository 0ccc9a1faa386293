# SPDX-License-Identifier: Apache-2.0
"""A thousand workers that wait for their cluster, from the report that it stands to their answers."""
import base64
import getpass
import json
import os
import re
import select
import socket
import ssl
import tempfile
import time
from pathlib import Path

import processes
from api_server import ApiServer, bearer
from bars import Figure
from certs import Authority
from daemon import SOURCE, Daemon
from kubeapi import rfc3339
from size import raise_descriptors
from spread import spread_of

WORKERS = 1_000
HELD_SECONDS = 30  # until all of them must be held
ANSWER_SECONDS = 60  # until all must have been answered
CONFIG = """\
limits:
  connections: 4096
  connections_per_address: 4096
  hold_seconds: 50
"""
SITE = "name: bench\nurl: http://127.0.0.1:1\nnode_url: {node_url}\n"
CLUSTER = """\
bench: {{version: "1.29.15", endpoint: "127.0.0.1:{port}", pods: 192.168.0.0/16,
        services: 10.96.0.0/12, hardened: false}}
"""
ROLES = """\
master: {bootstrap: master, kubeadm: sealed/kubeadm}
worker: {bootstrap: worker, kubeadm: sealed/kubeadm}
"""


def _tree(folder, port, node_url):
    for name, text in (("site.yaml", SITE.format(node_url=node_url)),
                       ("clusters/c.yaml", CLUSTER.format(port=port)), ("roles/r.yaml", ROLES),
                       ("nodes/n.yaml", "m: {role: master, cluster: bench}\n" + "".join(
                           f"w{i}: {{role: worker, cluster: bench}}\n" for i in range(WORKERS)))):
        file = folder / "seed" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "cloudseedd.yaml").write_text(CONFIG)


class _Worker:
    """A node's connection, which has sent a request and waits."""

    def __init__(self, address, context, serial, what, message):
        key, join_key = re.search(r"/s/(\w+)/ cs=(\w+)\.", serial).groups()
        body = json.dumps(message)
        plain = socket.create_connection(address, ANSWER_SECONDS)
        # As the join script's http.client: else the request waits 40 ms for the handshake's ACK.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.sent = time.monotonic()
        self.socket.sendall((f"POST /s/{key}/{what} HTTP/1.1\r\nHost: x\r\n"
                             f"Authorization: Bearer {join_key}\r\nConnection: close\r\n"
                             f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                             f"{body}").encode())
        self.answered = None

    def drain(self):
        """What TLS sends of its own, so that the next byte is the answer's."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1)
            raise RuntimeError("it was answered before its cluster stood")
        except ssl.SSLWantReadError:
            pass

    def read(self):
        self.socket.setblocking(True)
        self.socket.settimeout(ANSWER_SECONDS)
        raw = b""
        while part := self.socket.recv(65536):
            raw += part
        head, _, body = raw.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(raw.decode())
        return json.loads(body)


def _ask(number):
    claim = base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
    return {"claim": claim, "uuid": f"4c4c4544-0042-3510-8052-{number:012x}", "machine": None,
            "hostname": "x", "addresses": [], "kubeadm": "v1.29.15", "attempt": 1}


def _collect(workers):
    """Notes when the first byte of each answer comes, and reads none of them before the last."""
    poll = select.epoll()
    by_number = {w.socket.fileno(): w for w in workers}
    for number in by_number:
        poll.register(number, select.EPOLLIN | select.EPOLLET)
    left, end = len(workers), time.monotonic() + ANSWER_SECONDS
    while left and time.monotonic() < end:
        found = poll.poll(1)
        now = time.monotonic()
        for number, _ in found:
            if by_number[number].answered is None:
                by_number[number].answered = now
                left -= 1
    poll.close()
    if left:
        raise RuntimeError(f"{left} workers were not answered in {ANSWER_SECONDS} s")


def _start(folder, options):
    return Daemon(seed=folder / "seed", templates=SOURCE / "templates", state=folder / "state",
                  wrapper=processes.on_core(options.cores[0]),
                  args=["--https", "127.0.0.1:0", "--config", folder / "cloudseedd.yaml",
                        "--log-level", "notice", "--user", getpass.getuser()])


def _measure(api, authority, folder, options):
    """One run, with what the API server has noted. Many tokens are seen to be signed at once, and
    their nodes answered one after the other: `own_ms` is a node's part of that time."""
    nobody = 1  # a port at which no cluster answers, as there must be none before 'init'
    _tree(folder, nobody, "https://127.0.0.1:1")
    with _start(folder, options) as server:
        address = server.listening["https"].rsplit(":", 1)
        address = address[0], int(address[1])
        node_url = f"https://{address[0]}:{address[1]}"
        _tree(folder, nobody, node_url)
        server.admin("POST", "/v1/reload")
        context = ssl.create_default_context(cadata=server.get("/ca.pem").text)
        master, serials = server.arm("m")["serial"], []
        for i in range(WORKERS):
            options.progress(f"minting: {i} of {WORKERS} nodes are armed")
            serials.append(server.arm(f"w{i}")["serial"])
        _Worker(address, context, master, "bootstrap", _ask(0)).read()
        _tree(folder, api.port, node_url)
        server.admin("POST", "/v1/reload")
        workers = [_Worker(address, context, s, "bootstrap", _ask(i + 1))
                   for i, s in enumerate(serials)]
        last = time.monotonic() + HELD_SECONDS
        while server.admin("GET", "/v1/clusters/bench").json["held"] < WORKERS:
            if time.monotonic() > last:
                raise RuntimeError(f"not all of {WORKERS:,} requests are held at once: some were sent away "
                                   "before the last came; measure on a quiet machine")
            time.sleep(0.05)
        for worker in workers:
            worker.drain()
        options.progress("minting: the cluster stands")
        report = _Worker(address, context, master, "cluster", {
            "claim": _ask(0)["claim"], "endpoint": f"https://127.0.0.1:{api.port}",
            "ca": authority.pem, "approver": None,
            "minter": {"token": bearer(), "expires": rfc3339(time.time() + 90 * 86400)}})
        _collect(workers)
        notes = api.notes()
        looks = {}
        for worker in workers:
            token = re.search(r"token: \"?(\w{6})\.", worker.read()["kubeadm"])[1]
            looks.setdefault(notes["signed"][token], []).append(worker.answered)
        report.read()
        return {**notes, "first_ms": 1e3 * (notes["first"] - report.sent),
                "own_ms": [1e3 * (max(a) - seen) / len(a) for seen, a in looks.items() for _ in a],
                "until_ms": [1e3 * (one - seen) for seen, a in looks.items() for one in a],
                "all_s": max(w.answered for w in workers) - report.sent}


def run(options):
    """Durable writes go to memory: what a disk's fsync takes is not ours."""
    raise_descriptors(WORKERS + 200)
    runs = []
    for number in range(max(1, options.starts)):
        with tempfile.TemporaryDirectory(prefix="cloudseed-bench-", dir="/dev/shm") as scratch:
            authority = Authority(scratch, "kubernetes")
            api = ApiServer(authority.server("api"), options.cores[1])
            os.sched_setaffinity(0, {options.cores[1]})
            try:
                runs.append(_measure(api, authority, Path(scratch), options))
            finally:
                api.stop()
                os.sched_setaffinity(0, set(options.cores))
        options.progress(f"minting: run {number + 1}")
    own, until = (spread_of([ms for r in runs for ms in r[what]]) for what in ("own_ms", "until_ms"))
    part = f"{WORKERS:,} workers let go at once"
    first, whole = (spread_of([r[what] for r in runs]) for what in ("first_ms", "all_s"))
    return [Figure(part, "our own time for each, from 'JWS seen' to its answer", own.median, "ms",
                   "minting.own", own),
            Figure(part, "until it is answered behind those that were seen with it", until.median,
                   "ms", None, until),
            Figure(part, "from the report to the first mint's request", first.median, "ms",
                   "minting.first", first),
            Figure(part, "until all are answered", whole.median, "s", "minting.all", whole,
                   {"asked": [r["asked"] for r in runs]}),
            Figure(part, "requests in flight, at most", max(r["most_in_flight"] for r in runs), "",
                   "minting.in-flight")]
