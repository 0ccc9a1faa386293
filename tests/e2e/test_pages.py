#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lists of many and large things come whole, page by page; and what a stream tells after a restart
of the server."""
import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

NODES = [f"n{i:03}" for i in range(100)]
HOST_KEYS = "&".join(f"pub_key_k{i}=ssh-rsa%20{'A' * 8000}" for i in range(3))


def pages(server, path, member, limit=1000):
    """([item…], how many pages), each at most a MiB."""
    found, after, n = [], "", 0
    while after is not None:
        joint = "&" if "?" in path else "?"
        answer = server.admin("GET", f"{path}{joint}limit={limit}"
                              + (f"&after={after}" if after != "" else ""))
        tap.eq(answer.status, 200)
        assert len(answer.body) < 1 << 20, len(answer.body)
        found += answer.json[member]
        after, n = answer.json["next"], n + 1
    return found, n


def test_large_nodes_and_events():
    made = world.Tree()
    for name in NODES:
        made.node(name)
    with made.start() as server:
        def boot(name):
            key = world.key_of(server.state, name)
            server.arm(name)
            home = server.request("POST", f"/s/{key}/phone-home", f"hostname={name}&{HOST_KEYS}")
            tap.eq(home.status, 200)
            for i in range(9):
                body = {"name": f"{name}-{i}", "description": "\x01" * 1024, "event_type": "start"}
                tap.eq(server.request("POST", f"/s/{key}/report", json.dumps(body)).status, 200)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(boot, NODES))
        nodes, n = pages(server, "/v1/nodes", "nodes")
        tap.eq([node["name"] for node in nodes], NODES)
        assert n > 1, n
        events, n = pages(server, "/v1/events", "events")
        tap.eq([e["id"] for e in events], list(range(1, len(events) + 1)))
        tap.eq(len({e["data"]["stage"] for e in events if e["kind"] == "progress"}), 900)
        assert n > 1, n
        newest = server.admin("GET", "/v1/events?order=newest&limit=1000").json
        tap.eq(newest["events"], events[:-len(newest["events"]) - 1:-1])
        tap.eq(newest["next"], newest["events"][-1]["id"])


def test_names_that_no_event_has():
    with world.Tree().start() as server:
        for query in ("kind=" + "k" * 256, "node=" + "n" * 256, "kind=%00", "node=%ff"):
            answer = server.admin("GET", f"/v1/events?{query}")
            tap.eq((answer.status, answer.json["title"]), (400, "Bad Request"), query)


class Stream:
    def __init__(self, server, *headers):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(daemon.SECONDS)
        self.socket.connect(str(server.socket))
        head = ["GET /v1/events HTTP/1.0", "Accept: text/event-stream", *headers, "", ""]
        self.socket.sendall("\r\n".join(head).encode())
        self.text = b""
        self.until(b"\r\n\r\n")

    def until(self, wanted):
        end = time.monotonic() + daemon.SECONDS
        while wanted not in self.text:
            assert time.monotonic() < end, self.text  # comments come for ever
            got = self.socket.recv(65536)
            assert got, self.text
            self.text += got
        return self.text

    def close(self):
        self.socket.close()


def test_a_stream_after_a_restart():
    made = world.Tree()
    made.node("n1")
    state = world.scratch()
    with made.start(state=state) as first:
        for _ in range(3):
            first.arm("n1")
        tap.eq(first.admin("GET", "/v1/events").json["events"][-1]["id"], 3)
    with made.start(state=state) as second:
        stream, late = Stream(second), Stream(second, "Last-Event-ID: 1")
        late.until(b"id: 3\n")  # at once: nothing has happened yet
        second.arm("n1")
        text = stream.until(b"id: 4\n")
        assert b"id: 3\n" not in text and b"event: lost" not in text, text
        text = late.until(b"id: 4\n")
        assert text.count(b"\nid: ") == 3 and b"event: lost" not in text, text
        stream.close()
        late.close()


tap.main()
