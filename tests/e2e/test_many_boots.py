#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many nodes boot at the same time, each from an address of its own and with a connection for each
request: four files, sixty reports, a call home. None is lost, all are ready.

NODES=1000 in the environment for more of them; what it took is told as a comment.
"""
import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import nodelife  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

NODES = int(os.environ.get("NODES", "100"))
STAGES = [f"modules-config/config-{i:02}" for i in range(58)]
KEYS = "&".join(f"pub_key_{kind}=ssh-{kind}%20{'A' * n}" for kind, n in
                (("rsa", 544), ("ecdsa", 140), ("ed25519", 68)))


def requests_of(name, key):
    """What cloud-init sends in a boot, in its order."""
    for file in world.FILES:
        yield "GET", f"/s/{key}/{file}", b""

    def report(stage, kind):
        body = {"name": stage, "description": "running " + stage, "event_type": kind,
                "origin": "cloudinit", "timestamp": 1700000000.0}
        if kind == "finish":
            body["result"] = "SUCCESS"
        return "POST", f"/s/{key}/report", json.dumps(body).encode()

    yield report("init-network", "start")
    for stage in STAGES:
        yield report(stage, "finish")
    yield "POST", f"/s/{key}/phone-home", f"hostname={name}&{KEYS}".encode()
    yield report("modules-final", "finish")


class Node:
    def __init__(self, server, number, name):
        self.server, self.name = server, name
        self.address = f"127.1.{number // 250}.{number % 250 + 1}"
        self.key = world.key_of(server.state, name)
        self.slowest = 0.0

    async def _ask(self, method, path, body):
        began = time.monotonic()
        reader, writer = await asyncio.open_connection(
            self.server.host, self.server.port, local_addr=(self.address, 0))
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
                     f"{length}\r\n".encode() + body)
        answer = await reader.read(-1)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 "), (self.name, path, answer[:300])
        self.slowest = max(self.slowest, time.monotonic() - began)

    async def boot(self):
        for request in requests_of(self.name, self.key):
            await self._ask(*request)


async def boot_all(nodes):
    await asyncio.gather(*(node.boot() for node in nodes))


def test_all_at_once():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    tree = world.Tree()
    names = [f"n{i:04}" for i in range(NODES)]
    tree.put("nodes/all.yaml", {name: {"role": "plain"} for name in names})
    with tree.start(args=["--log-level", "notice"]) as server:
        nodes = [Node(server, i, name) for i, name in enumerate(names)]
        for name in names:
            server.arm(name)
        began, cpu = time.monotonic(), world.cpu_seconds(server.process.pid)
        asyncio.run(boot_all(nodes))
        took = time.monotonic() - began
        cpu = world.cpu_seconds(server.process.pid) - cpu
        status = world.status_of(server.process.pid)
        n = NODES * len(list(requests_of("", "")))
        print(f"# {NODES} nodes, {n} requests in {took:.1f} s ({n / took:.0f}/s), the slowest "
              f"{max(node.slowest for node in nodes):.2f} s; CPU {cpu:.1f} s "
              f"({cpu / n * 1e6:.0f} µs each); memory at most {status['VmHWM']}, "
              f"now {status['VmRSS']}")
        told = nodelife.nodes(server)
        tap.eq({name: told[name]["state"] for name in names}, {name: "ready" for name in names})
        tap.eq({node["boot"]["events"] for node in told.values()}, {60})
        tap.eq({node["identity"]["hostname"] for node in told.values()}, set(names))
        lives = nodelife.read(server)
        tap.eq(lives.wrong, [])
        for name in names:
            tap.eq(lives.nodes[name].problems(told[name]), [], name)
            tap.eq(lives.nodes[name].stages, ["init-network", *STAGES, "modules-final"], name)


tap.main()
