#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""States that earlier versions wrote, which every later one has to take over (tests/e2e/test_older.py).

    CLOUDSEED_SOURCE=CHECKOUT CLOUDSEED_BUILD=CHECKOUT/build tests/older/live.py NAME

makes NAME.tar.xz here with the server of that checkout: a node that was registered, rekeyed and built again,
one that was removed, one with an open build window, a cluster with a master and a worker that is Ready, a token
and the journal of it all. In it are `state`, `seed` and `templates`, and `shown.json`: what the API showed at the
end. Its secrets are no secrets. `layout-2` is of the commit before the audit came, 0.1.0 of the release.
"""
import json
import os
import sys
import tarfile
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = Path(os.environ.get("CLOUDSEED_SOURCE", HERE.parents[1])).resolve()
sys.path[:0] = [str(SOURCE / "tests" / name) for name in ("lib", "e2e", "join")]
import joining  # noqa: E402
import kubeapi  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

PLAIN, WAITS, REMOVED = "plain-1", "plain-2", "plain-3"
# Members of each, none of which follows from the time of a later start.
OF_NODE = ("name", "uid", "role", "cluster", "macs", "key_epoch", "generation", "state")
OF_CLUSTER = ("name", "declared", "version", "endpoint", "phase", "epoch", "holder", "reported", "ca")
OF_TOKEN = ("name", "role", "by", "created", "ends")
OF_EVENT = ("id", "at", "node", "kind", "cause", "data")
OF_ENTRY = ("id", "at", "kind", "who", "node", "what", "status")


def listed(server, path, member):
    answer = server.admin("GET", f"{path}?limit=1000" if member in ("nodes", "events", "entries") else path)
    return answer.json[member] if answer.status == 200 else []


def some(items, members):
    return [{member: item.get(member) for member in members} for item in items]


def shown(server):
    """What the API shows of a state, as far as it stays the same."""
    nodes = some(listed(server, "/v1/nodes", "nodes"), OF_NODE)
    for node in nodes:
        key = world.key_of(server.state, node["uid"], node["key_epoch"])
        node["meta-data"] = server.get(f"/s/{key}/meta-data").text
        if node["name"] == WAITS:  # its window ends
            del node["state"]
    return {"nodes": nodes,
            "clusters": some(listed(server, "/v1/clusters", "clusters"), OF_CLUSTER),
            "tokens": some(listed(server, "/v1/tokens", "tokens"), OF_TOKEN),
            "events": some(listed(server, "/v1/events", "events"), OF_EVENT),
            "audit": some(listed(server, "/v1/audit", "entries"), OF_ENTRY),
            "pin": server.admin("GET", "/v1/ca").json["pin"]}


def done(answer, *statuses):
    assert answer.status in (statuses or (200,)), answer.text
    return answer


def live(site, api):
    server = site.server
    master = site.serial(joining.MASTER)
    tap.eq(site.init(api, master)[1]["action"], "init")
    tap.eq(site.post(master, "cluster", joining.report(api))[:2], (200, {}))
    worker = site.serial()
    joining.joins(site.post(worker, "bootstrap", joining.request("bootstrap")))
    for serial, name in ((master, joining.MASTER), (worker, joining.WORKER)):
        api.put(f"{kubeapi.NODES}/{name}", kubeapi.node_object(name, ready=True))
        tap.eq(site.post(serial, "result", joining.request("result-ok"))[:2], (200, {}))
        tap.wait_until(lambda name=name: site.node(name)["state"] == "ready", what=f"{name}, Ready")
    for name, mac in ((PLAIN, "bc:24:11:00:20:0d"), (WAITS, "bc:24:11:00:20:0e"), (REMOVED, "bc:24:11:00:20:0f")):
        done(server.admin("POST", "/v1/nodes", {"name": name, "role": "plain", "macs": [mac]}), 201)
    for change in ("rekey", "reprovision", "disarm"):
        done(server.admin("POST", f"/v1/nodes/{PLAIN}/{change}"))
    done(server.admin("DELETE", f"/v1/nodes/{REMOVED}"), 204)
    server.arm(WAITS)
    done(server.admin("POST", "/v1/tokens", {"name": "ci", "role": "operator"}), 201)
    if server.admin("GET", "/v1/audit").status == 200:  # it is written behind
        tap.wait_until(lambda: "POST /v1/tokens/ci" in {e["what"] for e in listed(server, "/v1/audit", "entries")})


def make(name):
    with kubeapi.StandIn() as api, joining.Site(hold_seconds=50, api=api) as site:
        live(site, api)
        seen = shown(site.server)
        site.server.stop()
        folder = site.tree.folder
        (folder / "shown.json").write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")
        with tarfile.open(HERE / f"{name}.tar.xz", "w:xz", preset=9) as tar:
            for part in ("shown.json", "seed", "templates"):
                tar.add(folder / part, part)
            tar.add(site.state, "state")


if __name__ == "__main__":
    tap.main(types.SimpleNamespace(**{f"test_{sys.argv[1]}": lambda: make(sys.argv[1])}))
