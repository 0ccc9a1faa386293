#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real Prometheus, by contrib/prometheus, while two machines become nodes of a cluster: it finds them
by /v1/sd/prometheus, each panel of contrib/grafana has data, and an alert names the node."""
import json
import math
import os
import re
import sys
import time
from pathlib import Path

os.environ["CLOUDSEED_PACE"] = "0"
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib"),
                str(Path(__file__).resolve().parents[2] / "scripts")]
import demo  # noqa: E402
import prometheus  # noqa: E402
import tap  # noqa: E402
from daemon import SOURCE  # noqa: E402
from kubeapi import StandIn  # noqa: E402

DASHBOARD = json.loads((SOURCE / "contrib/grafana/cloudseed.json").read_text())
# Nothing but the loopback is asked; what Prometheus calls the target stays.
NOWHERE = """
      - {source_labels: [__address__], target_label: instance}
      - {target_label: __address__, replacement: "127.0.0.1:1"}
"""


def config(site):
    """contrib's example, for this server and in a hurry."""
    ca, token = site.folder / "ca.pem", site.folder / "token"
    ca.write_text(site.server.get("/ca.pem").text)
    token.write_text(json.loads(site.output("token", "create", "prometheus", "--role", "viewer",
                                            "--json"))["token"])
    text = (SOURCE / "contrib/prometheus/prometheus.yml").read_text()
    for old, new in (("seed.home.arpa:8444", site.server.listening["admin"]),
                     ("/etc/prometheus/cloudseed.token", token),
                     ("/etc/prometheus/cloudseed-ca.pem", ca),
                     ("cloudseed.rules.yml\n", f"{SOURCE}/contrib/prometheus/cloudseed.rules.yml\n"),
                     ('targets: ["localhost:9093"]', "targets: []"),
                     ("_interval: 30s", "_interval: 500ms"), ("_interval: 1m", "_interval: 1s")):
        assert old in text, old
        text = text.replace(old, str(new))
    return text.rstrip() + NOWHERE


def boot(site, api):
    for name in (demo.WORKER, demo.MASTER):
        site.output("node", "arm", name)
    players = [demo.Player(site, api, demo.MASTER, "10.0.20.11"),
               demo.Player(site, api, demo.WORKER, "10.0.20.12")]
    api.hangs_up = True
    for player in players:
        player.start()
    for player in players:
        player.result()


def fail(site):
    """A third machine boots, and reports that it could not join."""
    site.output("node", "arm", "k8s-worker-3")
    player = demo.Player(site, None, "k8s-worker-3", "10.0.20.13")
    player.boot()
    player.ask("bootstrap", "bootstrap", uuid=None, hostname="k8s-worker-3",
               addresses=["10.0.20.13"])
    player.ask("result", "result-failed")


api = tap.enter(StandIn())
site = tap.enter(demo.Site(api, "--admin", "127.0.0.1:0"))
server = tap.enter(prometheus.Prometheus(config(site)))
BEGAN = time.time()


def panels():
    return [p for p in DASHBOARD["panels"] if p["type"] != "row"]


def plain(expression):
    for old, new in (("$instance", ".*"), ("$__rate_interval", "5s")):
        expression = expression.replace(old, new)
    assert "$" not in expression, expression
    return expression


def test_two_machines_become_ready():
    tap.wait_until(lambda: server.query('up{job="cloudseed"} == 1'), what="a scrape")
    boot(site, api)
    tap.wait_until(lambda: server.query('sum(cloudseed_nodes{cluster="homelab",state="ready"}) == 2'),
                   what="two nodes that are ready")


def test_the_nodes_are_found():
    def found():
        return {t["labels"]["node"]: t for t in server.api("targets")["activeTargets"]
                if t["labels"]["job"] == "node"}
    tap.wait_until(lambda: sorted(found()) == [demo.MASTER, demo.WORKER], what="the nodes")
    worker = found()[demo.WORKER]
    tap.eq(worker["labels"], {"instance": "10.0.20.12:9100", "job": "node", "node": demo.WORKER,
                              "role": "worker", "cluster": "homelab"})
    dropped = [t["discoveredLabels"] for t in server.api("targets")["droppedTargets"]]
    tap.eq([(t["__address__"], t["__meta_cloudseed_state"]) for t in dropped],
           [("10.0.20.13:9100", "registered")])


def test_an_alert_names_the_node_that_failed():
    fail(site)
    def firing():
        return [a["labels"] for a in server.api("alerts")["alerts"]
                if a["labels"]["alertname"] == "CloudseedNodeFailed" and a["state"] == "firing"]
    tap.wait_until(firing, what="the alert")
    tap.eq([a["node"] for a in firing()], ["k8s-worker-3"])
    for alert in server.api("alerts")["alerts"]:
        assert "error" not in json.dumps(alert["annotations"]), alert


def test_each_panel_has_data():
    now = time.time()
    empty = []
    for panel in panels():
        for target in panel["targets"]:
            values = server.range(plain(target["expr"]), BEGAN, now)
            if not any(math.isfinite(value) for value in values):
                empty.append(f'{panel["title"]}: {target["expr"]}')
    assert not empty, "\n".join(empty)


def test_the_dashboard_is_well_formed():
    ids = [p["id"] for p in DASHBOARD["panels"]]
    tap.eq(len(ids), len(set(ids)))
    source = {"type": "prometheus", "uid": "${datasource}"}
    names = [v["name"] for v in DASHBOARD["templating"]["list"]]
    tap.eq(names, ["datasource", "instance"])
    tap.eq(DASHBOARD["templating"]["list"][0]["type"], "datasource")
    taken = set()
    for panel in panels():
        tap.eq(panel["datasource"], source, panel["title"])
        refs = [t["refId"] for t in panel["targets"]]
        tap.eq(len(refs), len(set(refs)), panel["title"])
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
    page = (SOURCE / "docs/metrics.md").read_text()
    for metric in re.findall(r"\b(?:cloudseed|process)_\w+", json.dumps(panels())):
        assert f'`{re.sub("_bucket$", "", metric)}`' in page, metric


tap.main()
