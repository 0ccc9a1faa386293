#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Boots as traces, at a collector that takes OTLP."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
import booting  # noqa: E402
import certs  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from joining import MASTER, WORKER, Site, joins, report, request  # noqa: E402
from kubeapi import NODES, StandIn, node_object  # noqa: E402
from otlp import ERROR, Collector  # noqa: E402

MODULES = {"modules-config": ["config-ntp"], "modules-final": ["config-runcmd"]}


def boot(machine):
    """What cloud-init does between power-on and its end."""
    machine.fetch("meta-data")
    for stage in ("init-local", "init-network", "modules-config", "modules-final"):
        machine.report(stage, "start", text=f"running {stage}")
        for module in MODULES.get(stage, ()):
            machine.report(f"{stage}/{module}", "start")
            machine.report(f"{stage}/{module}", "finish", "WARN")
        machine.report(stage, "finish", "SUCCESS")


def by_name(spans):
    found = {s["name"]: s for s in spans}
    tap.eq(len(found), len(spans))
    return found


def plain(traces):
    tree = world.Tree()
    tree.node("n1")
    return tree.start(config={"traces": traces} if traces else {}, args=["--https", "127.0.0.1:0"])


def play(server, result="SUCCESS"):
    machine = booting.Machine(server, server.arm("n1")["serial"])
    machine.fetch("meta-data")
    machine.report("init-local", "start")
    machine.report("init-local", "finish", "SUCCESS")
    machine.report("modules-final", "start")
    machine.report("modules-final", "finish", result, text="it \x1b[31m ended")


def sent(server):
    return server.admin("GET", "/v1/server").json["traces"]


def settled(server, **what):
    tap.wait_until(lambda: what.items() <= sent(server).items(), what=str(what))


def test_a_worker_from_its_window_to_ready():
    with StandIn() as api, Collector() as collector, \
            Site(hold_seconds=50, api=api, config={"traces": {"url": collector.url + "/"}}) as site:
        master = site.serial(MASTER)
        tap.eq(site.init(api, master)[1]["action"], "init")
        tap.eq(site.post(master, "cluster", report(api))[0], 200)
        serial = site.serial()
        boot(booting.Machine(site.server, serial))
        joins(site.post(serial, "bootstrap", request("bootstrap")))
        tap.eq(site.post(serial, "result", request("result-ok"))[0], 200)
        api.put(f"{NODES}/{WORKER}", node_object(WORKER, ready=True))
        spans = by_name(collector.wait(1)[0])
        whole = spans[f"boot {WORKER}"]
        tap.eq({n: s["parent"] for n, s in spans.items()}, {
            f"boot {WORKER}": None, "firmware": whole["name"], "seed": whole["name"],
            "init-local": whole["name"], "init-network": whole["name"],
            "modules-config": whole["name"], "modules-config/config-ntp": "modules-config",
            "modules-final": whole["name"], "modules-final/config-runcmd": "modules-final",
            "bootstrap wait": whole["name"], "kubeadm": whole["name"], "Ready": whole["name"]})
        tap.eq(whole["status"], {"code": 1, "message": ""})
        tap.eq({k: whole["attributes"][k] for k in ("cloudseed.node", "cloudseed.role",
                                                    "cloudseed.cluster")},
               {"cloudseed.node": WORKER, "cloudseed.role": "w", "cloudseed.cluster": "homelab"})
        tap.eq(spans["seed"]["attributes"]["cloudseed.file"], "meta-data")
        tap.eq(spans["modules-config/config-ntp"]["attributes"]["cloudinit.result"], "WARN")
        assert "minting" in [e["name"] for e in whole["events"]], whole["events"]
        events = site.server.admin("GET", f"/v1/events?node={WORKER}").json["events"]
        armed = next(e for e in events if e["kind"] == "armed")
        tap.contains(armed["at"], f".{whole['startTimeUnixNano'][-9:-6]}Z")
        order = ["firmware", "seed", "bootstrap wait", "kubeadm", "Ready"]
        for first, then in zip(order, order[1:]):
            assert spans[first]["endTimeUnixNano"] <= spans[then]["startTimeUnixNano"], (first, then)
        settled(site.server, sent=1, lost=0, waiting=0, trouble=None)


def test_a_boot_that_fails():
    with Collector() as collector, plain({"url": collector.url}) as server:
        play(server, "FAIL")
        spans = by_name(collector.wait(1)[0])
        tap.eq(spans["boot n1"]["status"]["code"], ERROR)
        tap.eq(spans["boot n1"]["attributes"]["cloudseed.failed_stage"], "modules-final")
        tap.eq(spans["modules-final"]["status"], {"code": ERROR, "message": "it \x1b[31m ended"})
        tap.eq(spans["init-local"]["status"]["code"], 1)


def test_another_window_is_another_trace():
    with Collector() as collector, plain({"url": collector.url}) as server:
        play(server)
        collector.wait(1)
        play(server)
        one, two = collector.wait(2)
        assert one[0]["traceId"] != two[0]["traceId"]
        tap.eq(set(by_name(one)), set(by_name(two)))


def test_a_collector_that_refuses():
    refusals = [(400, {"code": 3, "message": "no"}),
                (200, {"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}})]
    with Collector(refusals) as collector, plain({"url": collector.url}) as server:
        play(server)
        settled(server, sent=0, lost=1, waiting=0,
                trouble="the collector answers with status 400")
        play(server)
        settled(server, sent=1, lost=1, waiting=0, trouble="spans were rejected: too old")
        play(server)
        settled(server, sent=2, lost=1, waiting=0, trouble=None)


def test_nobody_waits_for_a_collector_that_is_away():
    with Collector() as gone:
        url = gone.url
    with plain({"url": url}) as server:
        play(server)
        tap.wait_until(lambda: "127.0.0.1" in (sent(server)["trouble"] or ""), what="the trouble")
        settled(server, sent=0, lost=0, waiting=1)
        play(server)
        tap.eq(server.admin("GET", "/v1/nodes/n1").json["state"], "ready")
        settled(server, waiting=2)


def test_over_tls():
    folder = world.scratch()
    authority = certs.Authority(folder, "collectors")
    with Collector(certificate=authority.server("collector")) as collector:
        with plain({"url": collector.url, "ca": str(authority.file)}) as server:
            play(server)
            collector.wait(1)
            settled(server, sent=1)
        with plain({"url": collector.url}) as server:
            play(server)
            tap.wait_until(lambda: "certificate" in (sent(server)["trouble"] or ""),
                           what="the trouble")
            settled(server, sent=0, waiting=1)
        tap.eq(len(collector.requests), 1)


def test_without_a_collector_there_is_nothing():
    with plain(None) as server:
        play(server)
        tap.eq(sent(server), None)


tap.main()
