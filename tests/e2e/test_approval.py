#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A hardened cluster's certificate requests: which are approved, and what is told of the others."""
import json
import re
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
import tap  # noqa: E402
import world  # noqa: E402
from joining import MASTER, WORKER, Site, joins, report, request  # noqa: E402
from kubeapi import NODES, SECRETS, StandIn, bootstrap_secret, new_token, node_object  # noqa: E402

OURS = [("Approved", "CloudseedApproved")]
ADDRESS = "10.0.20.22"
NETWORKS = {"nodes": {"cidr": "10.0.20.0/24", "gateway": "10.0.20.1"}}


class Hardened:
    """A site whose master has made the stand-in's cluster, in hardened mode."""

    def __enter__(self):
        self.api = StandIn().__enter__()
        self.api.harden()
        self.site = Site(hold_seconds=50, api=self.api, networks=NETWORKS)
        self.master = self.site.serial(MASTER)
        self.site.init(self.api, self.master)
        said = report(self.api, "cluster-hardened")
        tap.eq(self.site.post(self.master, "cluster", said)[:2], (200, {}))
        return self

    def __exit__(self, *how):
        self.site.__exit__(*how)
        self.api.__exit__(*how)

    def join(self):
        """The worker's serial and token."""
        serial = self.site.serial()
        return serial, joins(self.site.post(serial, "bootstrap", request("bootstrap")))

    def approves(self, name):
        tap.wait_until(lambda: self.api.conditions(name) == OURS, what=f"an approval of {name}")

    def alarm(self, part, node=WORKER):
        tap.wait_until(lambda: part in (self.site.node(node)["alarm_detail"] or ""), what=part)

    def cluster(self):
        return json.loads(self.site.cloudseed("cluster", "show", "homelab", "--json"))

    def events(self, kind):
        return [e for e in json.loads(self.site.cloudseed("events", "--json")) if e["kind"] == kind]

    def until(self, true, what):
        tap.wait_until(lambda: true(self.cluster()["approval"]), what=what)


def test_a_worker_gets_in_and_serves():
    with Hardened() as h:
        serial, token = h.join()
        h.approves(h.api.request(token, WORKER))
        kubelet = h.api.kubelet(WORKER)
        serving = h.api.request(kubelet, WORKER, [WORKER, ADDRESS])
        h.api.put(f"{NODES}/{WORKER}", node_object(WORKER, ready=True, addresses=[ADDRESS]))
        h.until(lambda a: a["pending"] == 1, "a request that waits")
        tap.eq(h.api.conditions(serving), [])
        h.site.post(serial, "result", request("result-ok"))
        h.approves(serving)
        h.until(lambda a: a["pending"] == 0, "none that waits")
        tap.eq([e["data"]["certificate"] for e in h.events("approved")], ["client", "serving"])
        # Long after the window, and with another address.
        h.api.put(f"{NODES}/{WORKER}", node_object(WORKER, ready=True, addresses=["10.0.20.23"]))
        tap.wait_until(lambda: h.site.node()["state"] == "ready", what="ready")
        h.approves(h.api.request(kubelet, WORKER, ["10.0.20.23"]))
        tap.eq(h.site.node()["alarms"], 0)


def test_everything_else_stays_pending_with_an_alarm():
    with Hardened() as h:
        _, token = h.join()
        wrong = h.api.request(token, MASTER)
        h.alarm(f"{wrong}: the token {token[:6]} asks to be {MASTER}, but no token was minted", MASTER)
        other = new_token()
        h.api.ask("admin", "POST", SECRETS, bootstrap_secret(other))
        stolen = h.api.request(other, WORKER)
        h.alarm(f"{stolen}: the token {other[:6]} asks to be {WORKER}, but that node's token is ")
        nobody = h.api.request(token, "nobody")
        tap.wait_until(lambda: h.events("cluster-request"), what="the cluster's event")
        tap.eq(h.events("cluster-request")[0]["data"]["detail"], f"{nobody}: no node nobody is known")
        h.until(lambda a: a["pending"] == 3, "three that are pending")
        tap.contains(h.site.cloudseed("cluster", "show", "homelab"),
                     "approval   3 certificate requests stay pending")
        tap.eq([h.api.conditions(r) for r in (wrong, stolen, nobody)], [[], [], []])
        h.site.kill_and_start()
        h.until(lambda a: a["pending"] == 3, "they are seen again")
        last = h.api.request(token, "nobody")
        tap.wait_until(lambda: any(last in e["data"]["detail"] for e in h.events("cluster-request")),
                       what="another event")
        tap.eq(len(h.events("cluster-request")), 2)
        tap.eq(h.site.node()["locked"], False)


def test_nodes_of_a_cluster_that_was_adopted():
    """A declared node that is Ready there gets serving certificates, for its declared name and addresses."""
    with StandIn() as api, Site(api=api, networks=NETWORKS) as site:
        api.harden()
        h = Hardened()
        h.api, h.site = api, site
        site.tree.node(WORKER, "w", cluster="homelab", addresses=[ADDRESS])
        site.cloudseed("reload")
        kubelet = api.kubelet(WORKER)
        serving = api.request(kubelet, WORKER, [WORKER, ADDRESS])
        api.put(f"{NODES}/{WORKER}", node_object(WORKER, addresses=[ADDRESS]))
        site.adopt(api)
        h.until(lambda a: a["pending"] == 1, "a request that waits")
        tap.eq((api.conditions(serving), site.node()["state"]), ([], "registered"))
        api.put(f"{NODES}/{WORKER}", node_object(WORKER, ready=True, addresses=[ADDRESS]))
        h.approves(serving)
        other = api.request(kubelet, WORKER, [WORKER, "10.0.20.66"])
        h.alarm("asks for the address 10.0.20.66, which is not declared for the node")
        tap.eq(api.conditions(other), [])
        undeclared = api.request(api.kubelet("old-1"), "old-1", ["old-1"])
        tap.wait_until(lambda: h.events("cluster-request"), what="the cluster's event")
        tap.eq(api.conditions(undeclared), [])


def test_a_server_that_is_killed_approves_afterwards():
    for when in ("before", "after"):
        with Hardened() as h:
            _, token = h.join()
            fault = h.api.fault("PUT", "/approval", when, "hang")
            asked = h.api.request(token, WORKER)
            assert fault.met.wait(world.SECONDS)
            h.site.server.signal(signal.SIGKILL)
            h.site.server.wait()
            fault.release()
            later = h.api.request(token, WORKER)
            h.api.compact()
            h.site.start()
            h.approves(asked)
            h.approves(later)
            tap.eq(len(list(h.api.tokens())), 1)


def test_many_requests_of_nobody_are_few_events():
    with Hardened() as h:
        _, token = h.join()
        for _ in range(12):
            h.api.request(token, "nobody")
        h.until(lambda a: a["pending"] == 12, "all of them")
        h.approves(h.api.request(token, WORKER))
        tap.eq(len(h.events("cluster-request")), 8)


def test_tokens_are_replaced():
    with Hardened() as h:
        _, token = h.join()
        del h.api.accounts[h.api.bearers["approver"]]
        asked = h.api.request(token, WORKER)
        h.until(lambda a: "HTTP 401" in (a["trouble"] or ""), "trouble")
        tap.contains(h.site.cloudseed("cluster", "show", "homelab"), "approval   does not work: API s")
        tap.eq(h.api.conditions(asked), [])
        h.api.bearers["approver"] = h.api.account_token("cloudseed-approver")
        h.site.adopt(h.api)
        h.approves(asked)
        h.until(lambda a: a["trouble"] is None, "no trouble")


def test_the_binding_that_comes_back_is_told():
    with Hardened() as h:
        h.until(lambda a: not a["autoapproves"], "a binding without subjects")
        h.api.soften()
        h.site.kill_and_start()  # it looks at once
        h.until(lambda a: a["autoapproves"], "a binding with subjects")
        tap.contains(h.site.cloudseed("cluster", "show", "homelab"),
                     "kubectl patch clusterrolebinding kubeadm:node-autoapprove-bootstrap --type=merge")
        h.site.kill_and_start()
        h.until(lambda a: a["autoapproves"], "it is known")
        tap.eq(len(h.events("cluster-autoapproves")), 1)
        h.api.harden()
        h.site.kill_and_start()
        h.until(lambda a: not a["autoapproves"], "hardened again")
        tap.eq(len(h.events("cluster-hardened")), 1)


def test_approval_is_handed_back():
    with Hardened() as h:
        _, token = h.join()
        said = h.site.cloudseed("cluster", "harden", "homelab", "--off")
        patch = re.search(r"kubectl patch clusterrolebinding (\S+) --type=merge -p '(.*)'", said)
        tap.eq(h.cluster()["approval"]["returning"], True)
        h.approves(h.api.request(token, WORKER))  # it goes on
        h.site.cloudseed("cluster", "harden", "homelab")
        tap.eq(h.cluster()["approval"]["returning"], False)
        h.site.cloudseed("cluster", "harden", "homelab", "--off")
        h.api.bind_joiners(json.loads(patch[2])["subjects"])
        h.site.kill_and_start()
        tap.wait_until(lambda: h.cluster()["approval"] is None, what="a return")
        tap.eq(h.cluster()["approver"], None)
        said = h.site.cloudseed("cluster", "show", "homelab")
        assert "approv" not in said, said
        tap.eq([len(h.events(f"cluster-{k}")) for k in ("returning", "returned")], [2, 1])
        tap.eq(h.api.conditions(h.api.request(token, MASTER)), [("Approved", "AutoApproved")])
        refused = h.site.server.admin("POST", "/v1/clusters/homelab/harden", {"off": True})
        tap.eq(refused.status, 409)
        tap.contains(refused.json["detail"], "cloudseed cluster adopt homelab --hardened")
        refused = h.site.server.admin("POST", "/v1/clusters/homelab/harden", {"off": 1})
        tap.eq((refused.status, refused.json["detail"]), (400, "'off' is not true or false"))


tap.main()
