# SPDX-License-Identifier: Apache-2.0
"""An API server that is fast and believes everything: for loads that tests/lib/kubeapi.py, which is
strict, would be too slow for. It makes bootstrap tokens and signs cluster-info with them, a while
later as the real one's controller does, and notes when."""
import asyncio
import base64
import json
import multiprocessing
import os
import ssl
import time

from kubeapi import jws

SIGN_SECONDS = 0.15  # after the Secret was made; 110 to 226 ms were seen of real ones
VERSION = {"major": "1", "minor": "29", "gitVersion": "v1.29.15"}
EMPTY_LIST = {"kind": "NodeList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}
KUBECONFIG = "apiVersion: v1\nkind: Config\nclusters:\n- name: \"\"\n" + "# as long as one is\n" * 90


class ApiServer:
    """In a process of its own, on one core."""

    def __init__(self, certificate, core):
        self._ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_serve, args=(certificate, core, theirs),
                                               daemon=True)
        self.process.start()
        self.port = self._ours.recv()

    def notes(self):
        """{"first": of its first request, "asked": {method: count}, "most_in_flight", "signed":
        {token's id: when an answer left that has its signature}}; times are monotonic."""
        self._ours.send("notes")
        return self._ours.recv()

    def stop(self):
        self.process.terminate()
        self.process.join()


class _State:
    def __init__(self):
        self.made = []  # (time, token)
        self.signed = {}
        self.in_flight = self.most_in_flight = 0
        self.asked, self.first, self.cached = {}, None, {}

    def cluster_info(self):
        now = time.monotonic()
        data = {"kubeconfig": KUBECONFIG}
        for made, token in self.made:
            if made + SIGN_SECONDS > now:
                break
            number = token[:6]
            if number not in self.cached:
                self.cached[number] = jws(KUBECONFIG, token)
            data[f"jws-kubeconfig-{number}"] = self.cached[number]
        return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "cluster-info"},
                "data": data}

    def answer(self, method, path, body):
        if path == "/version":
            return 200, VERSION
        if method == "POST":
            fields = json.loads(body)["stringData"]
            self.made.append((time.monotonic(), f"{fields['token-id']}.{fields['token-secret']}"))
            return 201, {"kind": "Secret", "apiVersion": "v1"}
        if path.endswith("/cluster-info"):
            return 200, self.cluster_info()
        return 200, EMPTY_LIST

    def _begin(self):
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    async def on_connection(self, reader, writer):
        self._begin()  # a connection comes with its request
        begun = True
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if not begun:
                    self._begin()
                begun = False
                await self._on_request(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            self.in_flight -= begun
        finally:
            writer.close()

    async def _on_request(self, head, reader, writer):
        lines = head.decode().split("\r\n")
        method, path, _ = lines[0].split(" ")
        fields = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:])}
        if "watch=true" in path:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n")
            await asyncio.sleep(3600)
        self.first = self.first or (time.monotonic() if path == "/version" else None)
        self.asked[method] = self.asked.get(method, 0) + 1
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        status, value = self.answer(method, path, body)
        raw = json.dumps(value).encode()
        now = time.monotonic()
        for key in value.get("data", {}):
            self.signed.setdefault(key.removeprefix("jws-kubeconfig-"), now)
        self.in_flight -= 1
        writer.write(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                     % (status, len(raw)) + raw)
        await writer.drain()


def _serve(certificate, core, pipe):
    os.sched_setaffinity(0, {core})
    asyncio.run(_run(certificate, pipe))


async def _run(certificate, pipe):
    state = _State()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(state.on_connection, "127.0.0.1", 0, ssl=context,
                                        backlog=1024)
    pipe.send(server.sockets[0].getsockname()[1])

    def on_pipe():
        pipe.recv()
        pipe.send({"first": state.first, "asked": state.asked, "signed": state.signed,
                   "most_in_flight": state.most_in_flight})
    asyncio.get_running_loop().add_reader(pipe.fileno(), on_pipe)
    await asyncio.Event().wait()


def bearer():
    """A token of a ServiceAccount's form."""
    parts = ({"alg": "RS256"}, {"sub": "system:serviceaccount:kube-system:cloudseed-minter"}, {"x": 1})
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=")
                    for p in parts)
