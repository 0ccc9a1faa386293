#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The csrapprover against the stand-in API server: it approves what a declared node's kubelet asks
for, whatever fails before or after each of its requests takes effect, and nothing else."""
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from kubeapi import CSRS, SECRETS, StandIn, bootstrap_secret, kubelet_csr, new_token  # noqa: E402
from watching import Watcher  # noqa: E402

NAME, ADDRESS = "k8s-worker-2", "10.0.20.22"
OURS = [("Approved", "CloudseedApproved")]


class World:
    """A hardened stand-in, an approver, and the token of a node."""

    def __enter__(self):
        self.api = StandIn().__enter__()
        self.api.harden()
        self.token = self.new_token()
        self.watcher = Watcher(self.api).__enter__()
        self.know()
        self.approver = self.watcher.approver()
        self.approver.in_step()
        return self

    def __exit__(self, *how):
        self.watcher.__exit__(*how)
        self.api.__exit__(*how)

    def new_token(self):
        token = new_token()
        tap.eq(self.api.ask("minter", "POST", SECRETS, bootstrap_secret(token)).status, 201)
        return token

    def know(self, **what):
        self.watcher.know(NAME, **{"token_id": self.token[:6], "declared": [ADDRESS], **what})

    def refused(self, request, *parts):
        reason = self.approver.refuses(request)
        for part in parts:
            tap.contains(reason, part)
        tap.eq(self.api.conditions(request), [])


def test_a_node_gets_in_with_its_own_token():
    with World() as w:
        request = w.api.request(w.token, NAME)
        event = w.approver.approves(request)
        tap.eq((event["node"], event["serving"], event["reason"]), (NAME, False, ""))
        tap.eq(w.api.conditions(request), OURS)


def test_a_token_gets_nobody_elses_name():
    with World() as w:
        w.watcher.know("k8s-master-1", token_id="", joined=True)
        w.refused(w.api.request(w.token, "k8s-master-1"),
                  f"the token {w.token[:6]} asks to be k8s-master-1, but no token was minted for")
        w.refused(w.api.request(w.token, "nobody"), "no node nobody is known")
        other = w.new_token()
        w.refused(w.api.request(other, NAME),
                  f"the token {other[:6]} asks to be {NAME}, but that node's token is {w.token[:6]}")
        w.refused(w.api.request("admin", NAME), "kubernetes-admin is not a bootstrap token")
        last = w.api.request(w.token, "nobody")
        tap.eq(w.approver.counts(5)["pending"], 5)
        w.refused(last, "no node nobody is known")


def test_a_node_gets_serving_certificates_once_it_is_ready():
    with World() as w:
        kubelet = w.api.kubelet(NAME)
        early = w.api.request(kubelet, NAME, [NAME, ADDRESS])
        w.approver.counts(1)
        tap.eq(w.api.conditions(early), [])
        w.know(joined=True)
        tap.eq(w.approver.approves(early)["serving"], True)
        w.approver.approves(w.api.request(kubelet, NAME, [ADDRESS]))
        w.refused(w.api.request(kubelet, NAME, ["10.0.20.23"]), "address 10.0.20.23, which is not dec")
        w.refused(w.api.request(kubelet, NAME, ["k8s-api"]), "asks for the DNS name k8s-api")
        w.refused(w.api.request(w.api.kubelet("other"), NAME, [NAME]), "system:node:other asks for")
        w.know(joined=True, declared=[], reported=[])
        early = w.api.request(kubelet, NAME, ["10.0.20.30"])
        late = w.api.request(kubelet, NAME, ["10.0.20.31"])
        w.approver.counts(5)
        w.know(joined=True, declared=[], reported=["10.0.20.30", "10.9.9.9"])
        w.approver.approves(early)
        w.watcher.pass_time(11)
        w.refused(late, "10.0.20.31, which the node does not report in its status")
        w.approver.approves(w.api.request(kubelet, NAME, ["10.0.20.30"]))
        w.refused(w.api.request(kubelet, NAME, ["10.9.9.9"]), "is in none of the site's networks")


def test_a_locked_node_gets_nothing():
    with World() as w:
        w.know(locked=True)
        request = w.api.request(w.token, NAME)
        w.refused(request, f"{NAME} is locked after an alarm")
        w.know()
        w.approver.approves(request)


def test_others_requests_are_left_alone():
    with World() as w:
        body = kubelet_csr(NAME)
        body["spec"]["signerName"] = "kubernetes.io/kube-apiserver-client"
        tap.eq(w.api.ask("admin", "POST", CSRS, body).status, 201)
        w.api.request(w.api.kubelet(NAME), NAME)  # a renewal, which the cluster approves
        request = w.api.request(w.token, NAME)
        w.approver.approves(request)
        tap.eq(w.api.conditions(body["metadata"]["name"]), [])
        denied = w.api.request(w.token, "nobody")
        w.approver.counts(1)
        path = f"{CSRS}/{denied}"
        w.api.put(path, {**w.api.objects[path], "status": {"conditions": [
            {"type": "Denied", "status": "True", "reason": "an admin"}]}})
        w.approver.counts(0)


def test_requests_that_were_there_before():
    with World() as w:
        w.approver.end()
        requests = [w.api.request(w.token, NAME) for _ in range(3)]
        again = w.watcher.approver()
        while requests:
            requests.remove(again.until(lambda e: e.get("approved"))["request"])


def test_each_request_fails_in_each_way():
    busy = (429, {"Retry-After": "1"}, "Too many requests")
    for when in ("before", "after"):
        for what in ("cut", (500, {}, "<html>"), busy, (403, {}, "no"), (302, {}, "")):
            with World() as w:
                fault = w.api.fault("PUT", "/approval", when, what)
                request = w.api.request(w.token, NAME)
                fault.wait()
                for _ in range(4):
                    w.watcher.pass_time(20)
                w.approver.approves(request)
                tap.eq(w.api.conditions(request), OURS)


def test_a_request_that_changes_is_judged_again():
    with World() as w:
        fault = w.api.fault("PUT", "/approval", "before", "hang")
        request = w.api.request(w.token, NAME)
        fault.wait()
        path = f"{CSRS}/{request}"
        o = w.api.objects[path]
        w.api.put(path, {**o, "metadata": {**o["metadata"], "labels": {"a": "b"}}})
        fault.release()
        for _ in range(4):
            w.watcher.pass_time(20)
        w.approver.approves(request)


def test_what_is_known_no_more_is_not_approved():
    """The window ends while the API server is away."""
    with World() as w:
        fault = w.api.fault("PUT", "/approval", "before", "hang")
        request = w.api.request(w.token, NAME)
        fault.wait()
        w.know(token_id="")
        w.refused(request, "no token was minted for that node")
        fault.release()
        w.watcher.pass_time(20)
        other = w.api.request(w.token, "nobody")
        w.refused(other, "no node nobody is known")
        tap.eq(w.api.conditions(request), [])


def test_a_request_is_judged_right_before_it_is_approved():
    with World() as w:
        fault = w.api.fault("PUT", "/approval", "before", (500, {}, "later"))
        request = w.api.request(w.token, NAME)
        fault.wait()
        w.approver.says("HTTP 500: later")
        w.know(token_id="", quiet=True)
        w.watcher.pass_time(20)
        w.refused(request, "no token was minted for that node")


def test_the_binding_that_comes_back():
    with World() as w:
        tap.eq(w.approver.is_so(lambda e: e["autoapproves"] is not None)["autoapproves"], False)
        for change, approves in ((w.api.soften, True), (w.api.harden, False)):
            change()
            w.watcher.pass_time(120)
            w.approver.is_so(lambda e, want=approves: e["autoapproves"] is want)


def test_what_an_account_may_not_is_told():
    with World() as w:
        minter = w.watcher.approver(bearer=w.api.bearers["minter"])
        minter.says("cannot list its certificate requests: HTTP 403")
        minter.set_bearer(w.api.bearers["approver"])
        minter.in_step()
        minter.end()
        role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/cloudseed-approver"
        o = w.api.objects[role]
        w.api.put(role, {**o, "rules": [r for r in o["rules"] if "signers" not in r["resources"]]})
        request = w.api.request(w.token, NAME)
        w.approver.says("cannot approve a certificate request: HTTP 403: signers")
        w.api.put(role, o)
        w.watcher.pass_time(20)
        w.approver.approves(request)
        assert w.api.bearers["approver"] not in "".join(w.watcher.output)


def test_a_flood_of_requests():
    with World() as w:
        body = json.dumps(kubelet_csr("nobody"))
        for i in range(2100):
            o = json.loads(body)
            o["metadata"]["name"] = f"flood-{i:04}"
            o["spec"].update(username=f"system:bootstrap:{w.token[:6]}", groups=[
                "system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token",
                "system:authenticated"])
            w.api.put(f"{CSRS}/flood-{i:04}", {**o, "status": {}})
        w.approver.approves(w.api.request(w.token, NAME))
        counts = [json.loads(line).get("pending", 0) for line in w.watcher.output]
        tap.eq(max(counts), 2000)


tap.main()
