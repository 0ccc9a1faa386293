#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes that join, over TLS: the shipped join script, unchanged, and the real server."""
import base64
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
import machine  # noqa: E402  (forks before there are threads)
import contract  # noqa: E402
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
import yaml  # noqa: E402
from joining import (CLI, EMPTY_BLOCK, LOGIN, MASTER, MASTER_UUID, OTHER_PIN, WORKER,  # noqa: E402
                     Site, golden, joins, refused, report, request)
from kubeapi import NODES, StandIn, node_object  # noqa: E402


def test_a_worker_waits_its_turn_and_the_server_may_be_killed():
    with Site() as site:
        serial = site.serial()
        with site.machine(serial) as m:
            ended = m.run()
            tap.eq(ended.status, 1, ended.text)
            tap.contains(ended.text, "waiting for our turn: not yet: "
                         + golden("503-waits-for-master")["detail"])
            assert all(30 <= pause <= 36 for pause in ended.slept), ended.slept[:3]
            tap.eq((site.node()["state"], site.node()["window"]["claimed"]), ("joining", True))
            tap.eq(site.node()["waits"], golden("503-waits-for-master")["detail"])
            tap.contains(site.cloudseed("node", "show", WORKER), "waits for k8s-master-1 to bring up")
            tap.eq(site.events().count("joining"), 1)
            site.kill_and_start()
            site.install(m, serial)
            tap.eq(m.run().status, 1)  # the same claim
            tap.eq((site.events().count("joining"), site.node()["alarms"]), (1, 0))
            tap.eq(site.events().count("waits"), 1)
            shutil.rmtree(m.file("/run"))  # another boot
            refused(m.run(), "409-claim")
            tap.eq(site.node()["alarm"], "another claim")
            site.kill_and_start()
            site.install(m, serial)
            refused(m.run(), "409-claim")
            site.install(m, site.serial())
            tap.eq(m.run().status, 1)


def test_refusals_reach_the_console():
    with Site() as site:
        serial = site.serial()
        with site.machine(serial) as m:
            m.put("/sys/class/dmi/id/product_uuid", machine.UUID[:-1] + "3\n")
            refused(m.run(), "403-clone")
            m.put("/sys/class/dmi/id/product_uuid", machine.UUID + "\n")
            site.cloudseed("node", "disarm", WORKER)
            refused(m.run(), "403-window-closed")
            site.serial()
            refused(m.run(), "403-join-key")
            tap.wait_until(lambda: site.node()["alarm"] == "a wrong join key", what="the alarm")
            key = re.search(r"/s/(\w+)/", serial)[1]
            m.put("/sys/class/dmi/id/product_serial", f"ds=nocloud;s={site.url}/s/{key}/\n")
            refused(m.run(), "403-join-key")


def test_a_server_with_another_pin_is_not_talked_to():
    with Site() as site:
        with site.machine(re.sub(r"\.[\w-]+$", "." + OTHER_PIN, site.serial())) as m:
            ended = m.run()
            tap.eq(ended.status, 1, ended.text)
            tap.contains(ended.text, "no certificate with the pin of our serial")
        tap.eq(site.node()["state"], "armed")


def test_an_alarm_may_lock_the_node():
    with Site(alarms="lock") as site:
        serial = site.serial()
        with site.machine(serial) as m:
            tap.eq(m.run().status, 1)
            status, value, _ = site.post(serial, "bootstrap", request("bootstrap"))
            tap.eq((status, value), (409, golden("409-claim")))
            refused(m.run(), "403-locked")
            site.cloudseed("node", "unlock", WORKER)
            tap.eq(m.run().status, 1)


def test_what_failed_is_shown_with_its_log():
    with Site() as site:
        serial = site.serial()
        status, value, headers = site.post(serial, "bootstrap", request("bootstrap"))
        tap.eq((status, value), (503, golden("503-waits-for-master")))
        tap.eq((headers["Content-Type"], headers["Retry-After"]), ("application/problem+json", "30"))
        tap.eq(site.post(serial, "result", request("result-failed"))[:2], (200, {}))
        site.kill_and_start()
        shown = site.cloudseed("node", "show", WORKER)
        for text in ("failed in kubeadm", "[ERROR Swap]: running with swap on is not supported",
                     "[preflight] Running pre-flight checks"):
            tap.contains(shown, text)
        tap.contains(site.cloudseed("events", WORKER), "in kubeadm, [ERROR Swap]: running with")
        tap.eq(site.post(serial, "result", request("result-failed"))[:2], (200, {}))
        tap.eq(site.events().count("failed"), 1)
        tap.eq(site.post(serial, "result", request("result-ok"))[:2], (200, {}))
        tap.eq((site.node()["state"], site.events()[-2:]), ("joining", ["joining", "joined"]))


def test_a_report_that_comes_again():
    """Its answer was lost, and the node became ready by it, which closed the window."""
    with StandIn() as api, Site(api=api, hold_seconds=50) as site:
        tap.eq(site.adopt(api).status, 200)
        serial, done = site.serial(), request("result-ok")
        joins(site.post(serial, "bootstrap", request("bootstrap")))
        api.put(f"{NODES}/{WORKER}", node_object(WORKER, ready=True))
        tap.eq(site.post(serial, "result", done)[:2], (200, {}))
        tap.wait_until(lambda: site.node()["state"] == "ready", what="the node ready")
        before = site.events()
        for again in (lambda: None, site.kill_and_start):
            again()
            tap.eq(site.post(serial, "result", done)[:2], (200, {}))
            for other in (request("result-failed"), {**done, "claim": "A" * 43}):
                status, value, _ = site.post(serial, "result", other)
                tap.eq((status, value["reason"]), (403, "window-closed"))
        tap.eq(site.events(), before)
        serial = site.serial()
        tap.eq(site.post(serial, "result", done)[1]["reason"], "claim")  # of a boot before this window


def test_one_master_makes_the_cluster():
    with Site() as site:
        site.tree.node("k8s-master-2", "m", cluster="homelab")
        site.cloudseed("reload")
        first, other = site.serial("k8s-master-1"), site.serial("k8s-master-2")
        ask = request("bootstrap", uuid=None)
        status, value, _ = site.post(first, "bootstrap", ask)
        tap.eq((status, value["action"]), (200, "init"))
        site.kill_and_start()
        tap.eq(site.post(other, "bootstrap", ask)[:2], (503, golden("503-waits-for-master")))
        report = request("cluster-hardened")
        tap.eq(site.post(other, "cluster", report)[:2], (403, golden("403-not-lease-holder")))
        tap.eq(site.post(first, "cluster", report)[:2], (200, {}))
        site.kill_and_start()
        status, value, _ = site.post(other, "bootstrap", ask)
        tap.eq((status, value["reason"]), (503, "waits-for-api"))
        tap.eq([k for k in site.events("k8s-master-1") + site.events("k8s-master-2")
                if k.startswith("cluster")], ["cluster-init", "cluster-standing", "cluster-turn"])


def test_nobody_makes_a_cluster_where_something_answers():
    with StandIn() as api, Site(api=api) as site, socket.socket() as silent:
        master, ask = site.serial(MASTER), request("bootstrap", uuid=None)
        status, value, _ = site.post(master, "bootstrap", ask)
        tap.eq((status, value["reason"]), (503, "waits-for-master"))
        tap.contains(value["detail"], f"something answers at {api.host}:{api.port}, so the cluster "
                     "homelab may be there already: if it is, run 'cloudseed cluster adopt homelab'")
        tap.eq(site.server.admin("GET", "/v1/clusters/homelab").json["phase"], "none")
        silent.bind(("127.0.0.1", 0))  # an API server that has too much to do
        silent.listen()
        site.declare(f"127.0.0.1:{silent.getsockname()[1]}")
        tap.contains(site.post(master, "bootstrap", ask)[1]["detail"], "something answers at")
        silent.close()
        tap.eq(site.post(master, "bootstrap", ask)[1]["action"], "init")
        site.declare(f"{api.host}:{api.port}")
        tap.eq(site.post(master, "bootstrap", ask)[1]["action"], "init")  # its own, by now
        site.cloudseed("cluster", "reset", "homelab")
        tap.contains(site.post(master, "bootstrap", ask)[1]["detail"], "something answers at")
        tap.eq(site.init(api, master)[1]["action"], "init")


def test_a_cluster_that_is_adopted_while_its_master_waits():
    with StandIn() as api, Site(hold_seconds=50, api=api) as site, ThreadPoolExecutor() as pool:
        held = pool.submit(site.post, site.serial(MASTER), "bootstrap",
                           request("bootstrap", uuid=None))
        site.wait_for_held()
        tap.eq(site.adopt(api).status, 200)
        assert held.result(world.SECONDS)[1].get("action") != "init"
        kinds = [e["kind"] for e in json.loads(site.cloudseed("events", "--json"))]
        assert "cluster-init" not in kinds, kinds


def test_the_way_to_a_cluster():
    with StandIn() as api, Site(api=api) as site:
        def kubeconfig(status):
            done = subprocess.run([CLI, "cluster", "kubeconfig", "homelab", "--server",
                                   str(site.server.socket)], text=True, capture_output=True,
                                  check=False, timeout=world.SECONDS)
            tap.eq(done.returncode, status, done.stderr)
            return done

        tap.contains(kubeconfig(1).stderr, "homelab is in phase none")
        master = site.serial(MASTER)
        site.init(api, master)
        site.post(master, "cluster", report(api))
        done = kubeconfig(0)
        tap.contains(done.stderr, f"{MASTER} has them, ssh root@{MASTER} cat /etc/kubernetes/admin.conf")
        want = api.kubeconfig()["clusters"][0]["cluster"]
        got = yaml.safe_load(done.stdout)
        tap.eq((got["clusters"][0]["cluster"], got["users"][0]["user"], got["current-context"]),
               (want, {}, "homelab"))
        assert api.bearers["minter"] not in done.stdout
        site.cloudseed("cluster", "reset", "homelab")
        site.adopt(api)
        tap.contains(kubeconfig(0).stderr, "those by which the cluster was adopted")


def test_what_a_node_would_get():
    """As its own request is answered, but nothing comes of it."""
    def shown(site, name):
        return json.loads(site.cloudseed("node", "join", name, "--dry-run", "--json"))

    with StandIn() as api, homelab(2, api=api, hold_seconds=0) as site:
        closed = shown(site, WORKER)
        tap.eq((closed["action"], closed["reason"]), ("refuse", "window-closed"))
        tap.contains(site.cloudseed("node", "join", WORKER, "--dry-run"),
                     f"no build window is open for {WORKER}: open one with 'cloudseed node arm")
        worker, master = site.serial(), site.serial(MASTER)
        waits = shown(site, WORKER)
        own = site.post(worker, "bootstrap", request("bootstrap"))[1]
        tap.eq((waits["action"], waits["reason"], waits["detail"]),
               ("wait", own["reason"], own["detail"]))
        tap.contains(shown(site, MASTER)["detail"], "something answers at ")
        with api.absent():
            first = shown(site, MASTER)
            tap.eq((first["action"], first["addons"], first["reason"]), ("init", ["calico"], None))
            tap.contains(first["kubeadm"], "kind: InitConfiguration")
            tap.contains(first["kubeadm"], 'certificateKey: "(not shown)"')
            tap.eq([f["path"] for f in first["files"]], ["/etc/registry/hosts.toml"])
            tap.eq(site.server.admin("GET", "/v1/clusters/homelab").json["phase"], "none")
        site.init(api, master, uuid=MASTER_UUID[:-1] + "1")
        site.post(master, "cluster", report(api))
        joined = shown(site, WORKER)
        tap.eq((joined["action"], joined["addons"]), ("join", []))
        real = answer(site, worker, request("bootstrap"))["kubeadm"]
        token = re.search(r'token: "(.*)"', real)[1]
        tap.eq(joined["kubeadm"], real.replace(token, "(not shown)"))
        told = site.cloudseed("node", "join", WORKER, "--dry-run")
        tap.contains(told, f"{WORKER} join\n" if len(WORKER) > 10 else "join\n")
        tap.contains(told, "file       /etc/registry/hosts.toml, 0600, root:root\n")
        turn = shown(site, "k8s-master-2")
        tap.eq((turn["action"], turn["reason"]), ("refuse", "window-closed"))
        site.post(worker, "result", request("result-ok"))
        tap.eq(shown(site, WORKER)["action"], "none")
        tap.eq([t for t, _ in api.tokens()], [token])  # none but the real one
        assert LOGIN not in json.dumps(joined) + told


def test_those_that_wait_are_let_go_when_the_cluster_is_there():
    with StandIn() as api, Site(hold_seconds=50, api=api) as site, ThreadPoolExecutor() as pool:
        worker, master = site.serial(), site.serial("k8s-master-1")
        older = pool.submit(site.post, worker, "bootstrap", request("bootstrap"))
        site.wait_for_held()
        newer = pool.submit(site.post, worker, "bootstrap", request("bootstrap"))
        status, value, _ = older.result(world.SECONDS)
        tap.eq((status, value["reason"]), (503, "busy"))
        tap.contains(value["detail"], "another request of k8s-worker-2 came later")
        site.init(api, master)
        site.wait_for_held()
        tap.contains(site.cloudseed("cluster", "show", "homelab"), "\nheld       1 node waits for it\n")
        assert not newer.done()
        tap.eq(site.post(master, "cluster", report(api))[:2], (200, {}))
        token = joins(newer.result(world.SECONDS))
        tap.eq([t for t, _ in api.tokens()], [token])
        site.kill_and_start()
        tap.eq(joins(site.post(worker, "bootstrap", request("bootstrap"))), token)
        tap.eq([t for t, _ in api.tokens()], [token])
        said = "\n".join(site.server.lines) + site.cloudseed("events", WORKER, "--json")
        for secret in (token[7:], api.bearers["minter"]):
            assert secret not in said


def test_a_cluster_that_runs_is_adopted():
    with StandIn() as api, Site(hold_seconds=50, api=api) as site, ThreadPoolExecutor() as pool:
        held = pool.submit(site.post, site.serial(), "bootstrap", request("bootstrap"))
        site.wait_for_held()
        tap.eq(site.adopt(api, minter=None, approver=None).json["phase"], "none")  # it only asks
        adopted = site.adopt(api)
        tap.eq(adopted.status, 200, adopted.text)
        tap.eq([adopted.json[k] for k in ("phase", "epoch", "holder", "reported", "hardened")],
               ["standing", 1, None, api.url, True])
        joins(held.result(world.SECONDS))
        master = site.post(site.serial("k8s-master-1"), "bootstrap", request("bootstrap", uuid=None))
        tap.eq(master[:2], (503, golden("503-waits-for-certificates")))
        tap.eq(site.adopt(api).json["epoch"], 1)  # with other tokens
        for change, status, words in (
                ({"endpoint": "https://other:6443"}, 409, "declared with the endpoint"),
                ({"ca": request("cluster")["ca"]}, 409, "use --replace-ca"),
                ({"ca": request("cluster")["ca"], "minter": None}, 409, "use --replace-ca"),
                ({"ca": "x"}, 400, "'ca' is not 1 to 4 certificates"),
                ({"ca": EMPTY_BLOCK}, 400, "'ca'"), ({"approver": 1}, 400, "'approver' is not an object"),
                ({"claim": "x"}, 400, "'claim' is unknown")):
            answer = site.adopt(api, **change)
            tap.eq(answer.status, status, answer.text)
            tap.contains(answer.json["detail"], words)
        other = site.adopt(api, ca=request("cluster")["ca"], replace_ca=True).json
        tap.eq((other["epoch"], other["ca"]), (2, request("cluster")["ca"]))
        kinds = [e["kind"] for e in json.loads(site.cloudseed("events", "--json"))]
        seen = ("cluster-version", "cluster-autoapproves")
        tap.eq([k for k in kinds if k.startswith("cluster") and k not in seen],
               ["cluster-adopted", "cluster-tokens", "cluster-adopted"])
        said = "\n".join(site.server.lines) + site.cloudseed("events", "--json")
        for bearer in api.bearers.values():
            assert bearer not in said


def test_a_server_that_is_killed_asks_for_the_same_token():
    for when in ("before", "after"):
        with StandIn() as api, Site(hold_seconds=50, api=api) as site, \
                ThreadPoolExecutor() as pool:
            worker, master = site.serial(), site.serial("k8s-master-1")
            site.init(api, master)
            site.post(master, "cluster", report(api))
            fault = api.fault("POST", "/secrets", when, "hang")
            lost = pool.submit(site.post, worker, "bootstrap", request("bootstrap"))
            assert fault.met.wait(world.SECONDS)
            site.kill_and_start()
            fault.release()
            assert lost.exception(world.SECONDS)
            token = joins(site.post(worker, "bootstrap", request("bootstrap")))
            tap.eq([t for t, _ in api.tokens()], [token])
            tap.eq({name for name in api.created if name.startswith("bootstrap-token-")},
                   {f"bootstrap-token-{token[:6]}"})


def test_why_a_token_is_not_there_is_shown():
    with StandIn() as api, Site(hold_seconds=50, api=api) as site, ThreadPoolExecutor() as pool:
        worker, master = site.serial(), site.serial(MASTER)
        site.init(api, master)
        site.post(master, "cluster", report(api))
        api.fault("POST", "/secrets", "before", (403, {}, "the policy says no"))
        status, value, _ = site.post(worker, "bootstrap", request("bootstrap"))
        tap.eq((status, value["reason"]), (503, "waits-for-api"))
        why = "API server cannot create a bootstrap token: HTTP 403: the policy says no"
        tap.eq(value["detail"], why)
        tap.wait_until(lambda: site.node()["mint"]["reason"], what="the reason")
        tap.eq((site.node()["mint"]["reason"], site.node()["mint"]["phase"]), (why, "intended"))
        tap.contains(site.cloudseed("node", "show", WORKER), f"being minted: {why}")
        tap.contains(site.cloudseed("events", WORKER), why)
        api.fault("POST", "/secrets", "before", (403, {}, "the policy says no"))
        site.post(worker, "bootstrap", request("bootstrap"))
        api.stop()
        waits = pool.submit(site.post, worker, "bootstrap", request("bootstrap"))
        tap.wait_until(lambda: "onnect" in site.node()["mint"]["reason"], what="the other reason")
        api.start()
        token = joins(waits.result(world.SECONDS))
        tap.eq((site.node()["mint"]["token"], site.node()["mint"]["reason"]), (token[:6], None))
        tap.eq([k for k in site.events() if k.startswith("mint")],
               ["minting", "mint-waits", "mint-waits", "minted"])
        said = "\n".join(site.server.lines) + site.cloudseed("events", WORKER, "--json")
        assert token[7:] not in said and api.bearers["minter"] not in said


def test_a_cluster_that_runs_another_version_than_declared():
    with StandIn(version="v1.31.4") as api, homelab(api=api) as site:
        master = site.serial(MASTER)
        ask = request("bootstrap", uuid=MASTER_UUID, kubeadm="v1.30.1")
        status, value, _ = site.post(master, "bootstrap", ask)
        tap.eq((status, value["reason"], contract.check("problem", value)), (403, "version", []))
        tap.contains(value["detail"], "is declared with v1.29.15: install kubeadm and kubelet 1.29")
        site.init(api, master, uuid=MASTER_UUID)
        site.post(master, "cluster", report(api))
        worker = site.serial()
        status, value, _ = site.post(worker, "bootstrap", request("bootstrap"))
        tap.eq((status, value["reason"], api.created), (403, "version", []))
        tap.contains(value["detail"], "is v1.29.15 and the cluster homelab runs v1.31.4: install ")
        ask = request("bootstrap", kubeadm="v1.31.0")
        status, value, _ = site.post(worker, "bootstrap", ask)
        tap.eq(status, 200, value)
        tap.contains(value["kubeadm"], "apiVersion: kubeadm.k8s.io/v1beta4\nkind: Join")
        tap.contains(site.cloudseed("cluster", "show", "homelab"), "\nruns       Kubernetes 1.31.4\n")
        site.kill_and_start()
        tap.eq(site.post(worker, "bootstrap", ask)[1], value)


def test_a_server_that_stops_lets_them_go():
    with Site(hold_seconds=50) as site, ThreadPoolExecutor() as pool:
        held = pool.submit(site.post, site.serial(), "bootstrap", request("bootstrap"))
        site.wait_for_held()
        site.server.signal(signal.SIGTERM)
        tap.eq(held.result(world.SECONDS)[:2], (503, golden("503-waits-for-master")))
        tap.eq(site.server.wait(), 0)


def test_an_admin_sees_and_resets_clusters():
    with Site() as site:
        first, ask = site.serial("k8s-master-1"), request("bootstrap", uuid=None)
        tap.eq(re.findall(r"^homelab .*", site.cloudseed("cluster", "list"), re.M)[0].split(),
               ["homelab", "1.29.15", "k8s-api.home.arpa:6443", "none", "-", "-"])
        site.post(first, "bootstrap", ask)
        tap.contains(site.cloudseed("cluster", "show", "homelab"), "\nmade by    k8s-master-1\n")
        site.post(first, "cluster", request("cluster"))
        shown = json.loads(site.cloudseed("cluster", "show", "homelab", "--json"))
        tap.eq((shown["phase"], shown["holder"]["name"], shown["ca"], shown["approver"]),
               ("standing", "k8s-master-1", request("cluster")["ca"], None))
        tap.eq(shown["minter"]["expires"], "2027-02-20T10:04:31.000Z")
        assert "eyJ" not in json.dumps(shown)
        tap.contains(site.cloudseed("cluster", "reset", "homelab"), "phase      none for ")
        shown = json.loads(site.cloudseed("cluster", "list", "--json"))[0]
        tap.eq((shown["epoch"], shown["holder"], shown["ca"]), (2, None, None))
        status, value, _ = site.post(first, "cluster", request("cluster"))
        tap.eq((status, value["reason"]), (403, "not-lease-holder"))
        tap.contains(site.cloudseed("events", "--kind", "cluster-reset"), "cluster homelab, epoch 2")
        tap.eq(site.cloudseed("cluster", "list", "--names"), "homelab\n")
        wrong = site.server.admin("POST", "/v1/clusters/homlab/reset")
        tap.eq(wrong.status, 404)
        tap.contains(wrong.text, "homelab")


def test_after_a_restore_nobody_makes_or_joins_a_cluster():
    with Site() as site:
        site.tree.put("clusters/other.yaml", {"other": {
            "version": "1.29.15", "endpoint": "other.home.arpa:6443",
            "pods": ["192.168.0.0/16"], "services": ["10.96.0.0/12"]}})
        site.tree.node("other-master", "m", cluster="other")
        site.cloudseed("reload")
        ask, backup = request("bootstrap", uuid=None), site.state.parent / "backup.db"
        site.post(site.serial("k8s-master-1"), "bootstrap", ask)
        site.cloudseed("backup", str(backup))
        tap.contains(site.cloudseed("cluster", "reset", "homelab"), "epoch 2")
        site.server.stop()
        user = ["--user", "root"] if os.geteuid() == 0 else []
        done = subprocess.run([daemon.BUILD / "cloudseedd", "--restore", backup, *user, "--state",
                               site.state], text=True, stdout=subprocess.PIPE, check=True,
                              timeout=world.SECONDS)
        tap.contains(done.stdout, "\nall clusters are unconfirmed, ")
        site.start()
        for node, cluster in (("k8s-master-1", "homelab"), ("other-master", "other")):
            serial = site.serial(node)
            status, value, _ = site.post(serial, "bootstrap", ask)
            tap.eq((status, value["reason"]), (503, "waits-for-master"))
            tap.contains(value["detail"], f"if not 'cloudseed cluster reset {cluster}'")
            site.cloudseed("cluster", "reset", cluster)
            status, value, _ = site.post(serial, "bootstrap", ask)
            tap.eq((status, value["action"]), (200, "init"), node)
        shown = json.loads(site.cloudseed("cluster", "show", "homelab", "--json"))
        tap.eq((shown["epoch"], shown["phase"]), (3, "init"))
        kinds = [e["kind"] for e in json.loads(site.cloudseed("events", "--json"))]
        tap.eq(kinds.count("cluster-unconfirmed"), 1)


def homelab(masters=1, version="1.29.15", api=None, hold_seconds=50):
    """A site with the shipped templates, whose master has a file with a secret."""
    login = world.scratch() / "login"
    login.write_text(LOGIN)
    login.chmod(0o600)
    site = Site(hold_seconds=hold_seconds if api else 0, secrets={"registry_login": {"file": str(login)}},
                networks={"nodes": {"cidr": "10.0.20.0/24", "gateway": "10.0.20.1"}})
    shutil.copytree(daemon.SOURCE / "templates", site.tree.templates, dirs_exist_ok=True)
    site.tree.put("clusters/homelab.yaml", {"homelab": {
        "version": version, "endpoint": f"{api.host}:{api.port}" if api else "k8s-api.home.arpa:6443",
        "pods": ["192.168.0.0/16"], "services": ["10.96.0.0/12"], "addons": [
            {"name": "calico", "template": "addons/calico", "wait": ["node"]}]}})
    site.tree.put("roles/roles.yaml", {
        role[0]: {"bootstrap": role, "kubeadm": "sealed/kubeadm",
                  "sealed": {"/etc/registry/hosts.toml": {"template": "sealed/registry"}},
                  "variables": {"registry_host": "registry.home.arpa"}}
        for role in ("master", "worker")})
    for i in range(1, masters + 1):
        site.tree.node(f"k8s-master-{i}", "m", cluster="homelab", addresses=[f"10.0.20.1{i}"],
                       uuid=MASTER_UUID[:-1] + str(i))
    site.tree.put("nodes/k8s-worker-2.yaml", {WORKER: {
        "role": "w", "cluster": "homelab", "uuid": machine.UUID, "addresses": ["10.0.20.22"]}})
    site.cloudseed("reload")
    return site


def nowhere(site, *texts):
    """None of them is in a line of the log, an event, or a byte of the state."""
    said = "\n".join(site.server.lines) + site.cloudseed("events", "--json")
    said += site.cloudseed("cluster", "show", "homelab", "--json")
    for text in texts:
        assert text not in said, text
        for file in filter(Path.is_file, site.state.iterdir()):
            assert text.encode() not in file.read_bytes(), (text, file)


def test_the_join_script_makes_a_cluster():
    with homelab(masters=2) as site:
        serial = site.serial(MASTER)
        with site.master(serial) as m:
            m.order(**{"kubeadm init": [1, "[ERROR Swap]: running with swap on is not supported"]})
            ended = m.run(programs=True)
            tap.eq(ended.status, 1, ended.text)
            tap.eq(site.node(MASTER)["state"], "failed")
            site.kill_and_start()
            site.install(m, serial, "master")
            ended = m.run(programs=True)
            tap.eq(ended.status, 0, ended.text)
            known = m.known
            tap.eq((known["inits"], known["resets"]), (1, 1))
            assert re.fullmatch("[0-9a-f]{64}", known["uploaded"])
            for one in ("ServiceAccount/kube-system/cloudseed-minter", "Installation//default",
                        "ServiceAccount/kube-system/cloudseed-approver"):
                assert one in known["objects"], known["objects"]
            tap.contains(m.file("/etc/registry/hosts.toml").read_text(), "Basic YWRtaW46aHVudGVyMi1")
            shown = site.cloudseed("cluster", "show", "homelab")
            tap.contains(shown, "phase      standing for ")
            tap.eq([k for k in site.events(MASTER) if k.startswith("cluster")],
                   ["cluster-init", "cluster-standing"])
            tap.eq(site.events(MASTER)[-1], "joined")
            site.server.wait_event("bootstrap-init")
            nowhere(site, known["uploaded"], LOGIN, "YWRtaW46", re.search(r"cs=(\w+)", serial)[1])


def test_answers_are_those_of_the_contract():
    for version, api, masters in (("1.29.15", "v1beta3", 1), ("1.36.3", "v1beta4", 2)):
        with homelab(masters, version) as site:
            serial = site.serial(MASTER)
            ask = request("bootstrap", uuid=MASTER_UUID, kubeadm=f"v{version}")
            status, value, headers = site.post(serial, "bootstrap", ask)
            tap.eq((status, contract.check("answer", value)), (200, []))
            tap.eq(headers["Cache-Control"], "no-store")
            tap.eq((value["action"], value["upload_certs"]), ("init", masters > 1))
            tap.contains(value["kubeadm"], f"apiVersion: kubeadm.k8s.io/{api}\nkind: Init")
            tap.contains(value["kubeadm"], f'kubernetesVersion: "v{version}"')
            tap.eq(value["manifests"], golden("200-init-masters")["manifests"])
            site.kill_and_start()
            tap.eq(site.post(serial, "bootstrap", ask)[1], value)
            site.post(serial, "cluster", request("cluster-hardened"))
            tap.eq(site.post(serial, "bootstrap", ask)[1], value)
            site.post(serial, "result", request("result-ok"))
            status, value, _ = site.post(serial, "bootstrap", ask)
            tap.eq((status, contract.check("answer", value)), (200, []))
            tap.eq((value["action"], value["kubeadm"], len(value["files"])), ("none", None, 1))


def answer(site, serial, ask):
    """The answer 200: the token that it needs is minted meanwhile."""
    value = {}

    def is_there():
        status, found, _ = site.post(serial, "bootstrap", ask)
        value.update(found)
        return status == 200

    tap.wait_until(is_there, what="an answer")
    tap.eq(contract.check("answer", found := {k: value[k] for k in golden("200-none")}), [])
    return found


def certificate_key(value):
    return re.search(r'^ *certificateKey: "([0-9a-f]{64})"$', value["kubeadm"], re.M)[1]


def test_further_masters_join_one_at_a_time():
    for version, api_version in (("1.29.15", "v1beta3"), ("1.36.3", "v1beta4")):
        with StandIn(f"v{version}") as api, homelab(3, version, api, hold_seconds=0) as site:
            serials = [site.serial(f"k8s-master-{i}") for i in (1, 2, 3)]
            asks = [request("bootstrap", uuid=MASTER_UUID[:-1] + str(i), kubeadm=f"v{version}")
                    for i in (1, 2, 3)]
            with api.absent():
                key = certificate_key(site.post(serials[0], "bootstrap", asks[0])[1])
            site.post(serials[0], "cluster", report(api))
            value = answer(site, serials[1], asks[1])
            tap.eq((value["action"], value["upload_certs"]), ("join", False))
            text = value["kubeadm"]
            for want in (f"apiVersion: kubeadm.k8s.io/{api_version}\nkind: JoinConfiguration",
                         'controlPlane:\n  localAPIEndpoint:\n    advertiseAddress: "10.0.20.12"\n',
                         f'token: "{next(api.tokens())[0]}"'):
                tap.contains(text, want)
            tap.eq("controlPlaneComponentHealthCheck" in text, api_version == "v1beta4")
            tap.eq(certificate_key(value), key)
            status, value, _ = site.post(serials[2], "bootstrap", asks[2])
            tap.eq((status, value), (503, golden("503-waits-for-turn")))
            worker = answer(site, site.serial(), request("bootstrap", kubeadm=f"v{version}"))
            tap.eq(worker["action"], "join")
            for no in ("controlPlane", "certificateKey", key):
                assert no not in worker["kubeadm"], no
            site.kill_and_start()
            tap.eq(answer(site, serials[1], asks[1])["kubeadm"], text)
            site.post(serials[1], "result", request("result-failed"))
            status, value, _ = site.post(serials[2], "bootstrap", asks[2])
            tap.eq((status, value["reason"]), (503, "waits-for-turn"))
            tap.contains(value["detail"], "remove it with 'etcdctl member remove ID'")
            tap.eq([name for name in ("k8s-master-2", "k8s-master-3")
                    if "cluster-stuck" in site.events(name)], ["k8s-master-2"])
            tap.eq(answer(site, serials[1], asks[1])["kubeadm"], text)
            nowhere(site, key)


class Play:
    """Three masters and five workers that ask in a seeded order, and a server that is killed."""

    def __init__(self, site, api, seed):
        self.site, self.api, self.random = site, api, random.Random(seed)
        self.made, self.inits, self.tokens = report(api), set(), {}
        api.hangs_up = True  # until a master has made it
        self.masters = [f"k8s-master-{i}" for i in (1, 2, 3)]
        self.waiting = self.masters + [WORKER] + [f"w{i}" for i in range(4)]
        for i in range(4):
            site.tree.node(f"w{i}", "w", cluster="homelab", addresses=[f"10.0.20.3{i}"])
        site.cloudseed("reload")
        self.random.shuffle(self.waiting)
        self.serials = {name: site.serial(name) for name in self.waiting}

    def post(self, name, what, **change):
        """(status, answer); the server may be killed meanwhile: status 0 if no answer came."""
        claim = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode().rstrip("=")
        message = request(what, **{"claim": claim, **change})
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(self.site.post, self.serials[name], what.partition("-")[0], message)
            if self.random.random() < 0.15:
                self.site.kill_and_start()
            try:
                return asked.result(world.SECONDS)[:2]
            except (OSError, http.client.HTTPException, ValueError):
                return 0, None

    def surely(self, name, what, **change):
        while (status := self.post(name, what, **change)[0]) != 200:
            assert status in (0, 503), status

    def ask(self, name):
        status, value = self.post(name, "bootstrap", uuid=self.site.node(name)["uuid"])
        assert status in (0, 200, 503), value
        if status != 200:
            return
        if value["action"] == "init":
            self.inits.add(name)
            self.api.hangs_up = False
            self.surely(name, "cluster", **{k: v for k, v in self.made.items() if k != "claim"})
        else:
            self.tokens.setdefault(name, set()).add(re.search(r'token: "(\S+)"', value["kubeadm"])[1])
        self.surely(name, "result-ok")
        self.api.put(f"{NODES}/{name}", node_object(name, ready=True))
        self.waiting.remove(name)
        tap.wait_until(lambda: self.site.node(name)["state"] == "ready", what=f"{name} ready")


def test_nodes_in_any_order_and_a_server_that_is_killed():
    for seed in range(3):
        with StandIn() as api, homelab(3, api=api, hold_seconds=0) as site:
            play = Play(site, api, seed)
            asks = 0
            while play.waiting:
                play.ask(play.random.choice(play.waiting))
                asks += 1
                assert asks < 500, play.waiting
            tap.eq((len(play.inits), len(play.tokens)), (1, 7))
            assert play.inits <= set(play.masters), play.inits
            tap.eq({len(tokens) for tokens in play.tokens.values()}, {1})
            tap.eq({token for token, _ in api.tokens()}, set().union(*play.tokens.values()))
            kinds = [e["kind"] for e in json.loads(site.cloudseed("events", "--json"))]
            tap.eq([kinds.count(k) for k in ("cluster-init", "cluster-turn", "ready")], [1, 2, 8])


def test_an_admin_uploads_the_certificates_again():
    with StandIn() as api, homelab(1, api=api, hold_seconds=0) as site:
        early = site.server.admin("POST", "/v1/clusters/homelab/certs")
        tap.eq(early.status, 409)
        tap.contains(early.text, "the cluster homelab is in phase none")
        first = site.serial(MASTER)
        site.init(api, first, uuid=MASTER_UUID)
        site.post(first, "cluster", report(api))
        site.tree.node("k8s-master-2", "m", cluster="homelab", addresses=["10.0.20.12"])
        site.cloudseed("reload")
        serial, ask = site.serial("k8s-master-2"), request("bootstrap", uuid=None)
        status, value, headers = site.post(serial, "bootstrap", ask)
        tap.eq((status, value), (503, golden("503-waits-for-certificates")))
        tap.eq(headers["Retry-After"], "30")
        line = site.cloudseed("cluster", "certs", "homelab")
        key = re.fullmatch("kubeadm init phase upload-certs --upload-certs --certificate-key "
                           r"([0-9a-f]{64})\n", line)[1]
        site.kill_and_start()
        tap.eq(certificate_key(answer(site, serial, ask)), key)
        again = json.loads(site.cloudseed("cluster", "certs", "homelab", "--json"))
        newer = again["command"].split()[-1]
        tap.eq(certificate_key(answer(site, serial, ask)), newer)
        tap.contains(site.cloudseed("events", "--kind", "cluster-certs"), "cluster homelab, epoch 1")
        nowhere(site, key, newer)


def test_an_answer_may_be_large():
    with homelab() as site:
        large = "x" * 500_000
        files = {f"/etc/large/{i}": {"template": "sealed/large"} for i in range(8)}
        site.tree.template("sealed/large", large)
        site.tree.put("roles/roles.yaml", {
            "m": {"bootstrap": "master", "kubeadm": "sealed/kubeadm", "sealed": files},
            "w": {"bootstrap": "worker", "kubeadm": "sealed/kubeadm"}})
        site.cloudseed("reload")
        with site.master(site.serial(MASTER)) as m:
            tap.eq(m.run(programs=True).status, 0)
            for path in files:
                tap.eq(m.file(path).read_text(), large)


def test_a_template_that_fails_is_no_answer():
    with homelab(masters=2) as site:
        good = (site.tree.templates / "sealed/registry").read_text()
        site.tree.template("sealed/registry", "{{ {'SECRET-registry_login': 1}[secrets.registry_login] }}")
        site.cloudseed("reload")
        serial, ask = site.serial(MASTER), request("bootstrap", uuid=MASTER_UUID)
        status, value, headers = site.post(serial, "bootstrap", ask)
        tap.eq((status, contract.check("problem", value), value["reason"]), (503, [], "busy"))
        tap.contains(value["detail"], "(sealed/etc/registry/hosts.toml)")
        tap.eq(headers["Retry-After"], "30")
        line = site.server.wait_event("render-failed")
        tap.eq(line["node"], MASTER)
        tap.contains(line["reason"], "sealed/registry:1:")
        nowhere(site, LOGIN)
        tap.eq(site.post(serial, "bootstrap", ask)[0], 503)
        tap.eq(site.events(MASTER).count("render-failed"), 1)
        tap.contains(site.cloudseed("events", MASTER), line["reason"])
        tap.eq((site.node(MASTER)["state"], site.node(MASTER)["failure"]["reason"]),
               ("joining", line["reason"]))
        site.tree.template("sealed/registry", good)
        site.cloudseed("reload")
        tap.eq(site.post(serial, "bootstrap", ask)[0], 200)
        tap.wait_until(lambda: site.node(MASTER)["failure"] is None, what="the end of a reason")


def everything_shown(site):
    """{where: text} of all that the server says of itself and its nodes, to admins and machines."""
    shown = {"log": "\n".join(site.server.lines)}
    for words in (["events"], ["events", "--json"], ["node", "list"], ["node", "list", "--json"],
                  ["cluster", "list", "--json"], ["cluster", "show", "homelab"],
                  ["cluster", "show", "homelab", "--json"]):
        shown[" ".join(words)] = site.cloudseed(*words)
    for path in ("/v1/server", "/v1/ca", "/v1/discovered", "/v1/nodes", "/v1/events?limit=1000",
                 "/healthz", "/readyz", "/metrics"):
        shown[path] = site.server.admin("GET", path).text
    for node in site.server.admin("GET", "/v1/nodes").json["nodes"]:
        name, seed = node["name"], "/s/" + re.search(r"/s/(\w+)/", node["seed_url"])[1]
        shown[f"node show {name}"] = site.cloudseed("node", "show", name)
        documents = f"/v1/nodes/{name}/documents"
        for document in site.server.admin("GET", documents).json["documents"]:
            path = f"{documents}/{document.replace('/', '%2F')}"
            shown[path] = site.server.admin("GET", path).text
        for file in ("user-data", "vendor-data", "meta-data", "network-config"):
            shown[f"{name} {file}"] = site.server.get(f"{seed}/{file}").text
    return shown


def test_no_secret_is_anywhere():
    """Over a whole run: a cluster is made, joined, and much is refused."""
    with StandIn() as api, homelab(2, api=api, hold_seconds=0) as site:
        secrets, asks = {"login": LOGIN, "login in base64": "YWRtaW46aHVudGVyMi1"}, {}
        for i, name in enumerate((MASTER, "k8s-master-2", WORKER)):
            asks[name] = request("bootstrap", claim="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh"
                                 + "048"[i], uuid=site.node(name)["uuid"])
            serial = asks[name]["serial"] = site.serial(name)
            secrets[f"join key of {name}"] = re.search(r"cs=(\w+)", serial)[1]
            secrets[f"claim of {name}"] = asks[name]["claim"]

        def post(name, what, **change):
            message = {**(asks[name] if what == "bootstrap" else request(what)), **change}
            message.pop("serial", None)
            return site.post(asks[name]["serial"], what.partition("-")[0],
                             {**message, "claim": change.get("claim", asks[name]["claim"])})

        def join(name):
            ask = {k: v for k, v in asks[name].items() if k != "serial"}
            value = answer(site, asks[name]["serial"], ask)
            token = re.search(r'token: "(\w{6}\.(\w{16}))"', value["kubeadm"])
            secrets[f"token of {name}"] = token[2]
            return value

        with api.absent():
            secrets["certificate key"] = certificate_key(post(MASTER, "bootstrap")[1])
        made = report(api)
        made.pop("claim")
        secrets["minter"] = made["minter"]["token"]
        for wrong in ({**made, "endpoint": "https://other:6443"}, {**made, "ca": EMPTY_BLOCK},
                      {**made, "minter": {"token": secrets["minter"]}}):
            assert post(MASTER, "cluster", **wrong)[0] in (400, 403)
        tap.eq(post(MASTER, "cluster", **made)[0], 200)
        join(WORKER)
        tap.eq(certificate_key(join("k8s-master-2")), secrets["certificate key"])
        secrets["newer certificate key"] = site.cloudseed("cluster", "certs", "homelab").split()[-1]
        tap.eq(certificate_key(join("k8s-master-2")), secrets["newer certificate key"])
        post(WORKER, "bootstrap", claim="A" * 42 + "E")
        post(WORKER, "bootstrap", uuid=machine.UUID[:-1] + "9")
        post(WORKER, "bootstrap", attempt=0)
        wrong = re.sub(r"cs=\w+", "cs=" + "a" * 26, asks[WORKER]["serial"])
        site.post(wrong, "bootstrap", request("bootstrap"))
        post(WORKER, "result-failed", log="Authorization: Bearer of a node's own")
        site.tree.template("sealed/registry",
                           "{{ {'x' ~ secrets.registry_login: 1}[secrets.registry_login] }}")
        site.cloudseed("reload")
        tap.eq(post(WORKER, "bootstrap")[0], 503)
        site.server.wait_event("render-failed")
        shown = {"log until it was killed": "\n".join(site.server.lines)}
        site.kill_and_start()
        shown.update(everything_shown(site))
        assert len(secrets) == 13, sorted(secrets)
        for what, secret in secrets.items():
            for where, text in shown.items():
                assert secret not in text, (what, where)
            for file in filter(Path.is_file, site.state.iterdir()):
                assert secret.encode() not in file.read_bytes(), (what, file)


tap.main()
