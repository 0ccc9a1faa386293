#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The nodewatcher against the stand-in API server: whatever is cut, refused or forgotten, it knows in
the end what is there."""
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from kubeapi import NODES, StandIn, node_object  # noqa: E402
from watching import Watcher  # noqa: E402


def put(api, name, **what):
    return api.put(f"{NODES}/{name}", node_object(name, **what))


def asked(api):
    """The requests for nodes: "list" or "watch"."""
    return ["watch" if "watch=true" in path else "list" for _, path in api.asked if "/nodes?" in path]


def test_nodes_come_change_and_go():
    with StandIn() as api, Watcher(api) as watcher:
        put(api, "old", ready=True, addresses=["10.0.20.12"])
        nodes = watcher.nodes()
        nodes.in_step()
        seen = nodes.sees("old", ready=True)
        tap.eq((seen["present"], seen["address"], seen["kubelet"]), (True, "10.0.20.12", "v1.29.15"))
        put(api, "new")
        tap.contains(nodes.sees("new", ready=False)["reason"], "KubeletNotReady: container runtime")
        put(api, "new", ready=True)
        nodes.sees("new", ready=True)
        api.ask("admin", "DELETE", f"{NODES}/old")
        nodes.sees("old", present=False)
        tap.eq(asked(api), ["list", "watch"])


def test_many_pages():
    with StandIn() as api, Watcher(api) as watcher:
        for i in range(250):
            put(api, f"node-{i:03}", ready=i % 2 == 0)
        nodes = watcher.nodes()
        nodes.in_step()
        for i in range(250):
            nodes.sees(f"node-{i:03}", ready=i % 2 == 0)
        assert asked(api).count("list") > 1


def test_streams_cut_anywhere():
    """One byte later each time, through the whole of an event."""
    with StandIn() as api, Watcher(api) as watcher:
        put(api, "first")
        nodes = watcher.nodes()
        nodes.in_step()
        size = len(json.dumps({"type": "ADDED", "object": put(api, "n0")})) + 3
        nodes.sees("n0", present=True)
        for i, cut in enumerate(range(1, size, 37)):
            api.cut_after = cut
            api.cut_streams()
            put(api, f"n{i}-x", ready=True)
            watcher.pass_time(20)
            api.cut_after = None
            api.cut_streams()
            watcher.pass_time(20)
            nodes.sees(f"n{i}-x", ready=True)
        tap.eq(asked(api).count("list"), 1)


def test_a_version_that_is_too_old():
    with StandIn() as api, Watcher(api) as watcher:
        put(api, "stays", ready=True)
        put(api, "goes", ready=True)
        nodes = watcher.nodes()
        nodes.in_step()
        nodes.sees("stays")
        nodes.sees("goes")
        api.stop()
        api.forget(f"{NODES}/goes")
        put(api, "comes", ready=True)
        api.compact()
        api.start()
        watcher.pass_time(20)
        nodes.sees("goes", present=False)
        nodes.sees("comes", ready=True)
        tap.eq(asked(api).count("list"), 2)


def test_a_page_that_has_expired():
    """Where etcd has forgotten the list's version between two pages, it begins again."""
    with StandIn() as api, Watcher(api) as watcher:
        for i in range(250):
            put(api, f"node-{i:03}", ready=True)
        expired = (410, {}, json.dumps({"kind": "Status", "reason": "Expired", "code": 410}))
        api.fault("GET", "/nodes", "before", expired, query="continue=")
        nodes = watcher.nodes()
        watcher.pass_time(20)
        nodes.in_step()
        for i in range(250):
            nodes.sees(f"node-{i:03}", ready=True)


def test_each_request_fails_in_each_way():
    for what in ("cut", (500, {}, "<html>"), (429, {"Retry-After": "1"}, "Too many requests"),
                 (403, {}, json.dumps({"kind": "Status", "message": "nodes is forbidden"})),
                 (200, {}, "nonsense\n"), (302, {}, "")):
        for query in ("limit=", "watch="):
            with StandIn() as api, Watcher(api) as watcher:
                put(api, "first", ready=True)
                fault = api.fault("GET", "/nodes", "before", what, query=query)
                nodes = watcher.nodes()
                fault.wait()
                put(api, "second", ready=True)
                while not {"first", "second"} <= set(nodes.known):
                    watcher.pass_time(20)
                    nodes.next()
                tap.eq(nodes.known["second"]["ready"], True)


def test_what_is_refused_is_told_until_it_is_not():
    with StandIn() as api, Watcher(api) as watcher:
        nodes = watcher.nodes(bearer="no.such.token")
        nodes.says("API server cannot list its nodes: HTTP 401: Unauthorized")
        nodes.set_bearer(api.bearers["approver"])
        nodes.says("HTTP 403: nodes is forbidden")
        nodes.set_bearer(api.bearers["minter"])
        event = nodes.in_step()
        tap.eq(event["message"], "")
        assert api.bearers["approver"] not in "".join(watcher.output)


def test_a_server_that_is_away():
    with StandIn() as api, Watcher(api) as watcher:
        nodes = watcher.nodes()
        nodes.in_step()
        api.stop()
        watcher.pass_time(20)
        nodes.says("127.0.0.1")
        put(api, "new", ready=True)
        api.start()
        watcher.pass_time(20)
        nodes.sees("new", ready=True)


def test_bookmarks_move_the_version():
    """A stream that begins at a bookmark needs no list, though all before it is forgotten."""
    with StandIn() as api, Watcher(api) as watcher:
        nodes = watcher.nodes()
        nodes.in_step()
        tap.wait_until(lambda: asked(api) == ["list", "watch"], what="the stream")
        put(api, "one", ready=True)
        nodes.sees("one")
        api.put("/api/v1/namespaces/default/configmaps/x", {
            "kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "x"}})
        api.bookmark()
        put(api, "two", ready=True)
        nodes.sees("two")  # so that the bookmark has come, too
        api.oldest = api.number
        api.cut_streams()
        watcher.pass_time(20)
        put(api, "three", ready=True)
        nodes.sees("three")
        tap.eq(asked(api).count("list"), 1)


tap.main()
