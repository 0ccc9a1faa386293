#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The stand-in API server answers as a real one does, and so do they both to our identities.

`make check-kube KUBECONFIG=FILE` runs the same cases against a real cluster, which they clean up after.
"""
import base64
import copy
import json
import os
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import kubeapi  # noqa: E402
import tap  # noqa: E402
from certs import openssl  # noqa: E402
from kubeapi import (ACCOUNTS, AUTOAPPROVE, BINDINGS, CLUSTER_INFO, CSRS, GOLDEN,  # noqa: E402
                     NODES, SECRETS, StandIn, bootstrap_secret, jws, new_token)
from minting import Minter  # noqa: E402
from watching import Watcher  # noqa: E402

KUBECONFIG = os.environ.get("CLOUDSEED_KUBECONFIG")
api = tap.enter(kubeapi.Real(KUBECONFIG) if KUBECONFIG else StandIn())
RENEWAL = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
           "spec": {"expirationSeconds": 86400}}
SIGNED_EVERY_TIME = {"managedFields", "fieldsV1", "annotations", "labels", "ownerReferences"}


def refused(answer, code, *parts):
    tap.eq(answer.status, code, answer.text)
    status = answer.json
    tap.eq((status["kind"], status["status"], status["code"]), ("Status", "Failure", code))
    for part in parts:
        tap.contains(status["message"], part)
    return status


def mint(who="minter", token=None, **changed):
    token = token or new_token()
    return token, api.ask(who, "POST", SECRETS, bootstrap_secret(token, **changed))


# --- what a minter meets -------------------------------------------------------------------------


def test_version():
    for who in ("minter", "anonymous"):
        answer = api.ask(who, "GET", "/version")
        tap.eq(answer.status, 200)
        assert answer.json["gitVersion"].startswith("v1."), answer.text
        assert answer.headers["Date"].endswith(" GMT")


def test_a_token_is_made_once_and_signed():
    token, answer = mint()
    tap.eq(answer.status, 201, answer.text)
    data = answer.json["data"]
    tap.eq(base64.b64decode(data["token-secret"]).decode(), token[7:])
    assert "stringData" not in answer.json
    again = refused(mint(token=token)[1], 409, "already exists")
    tap.eq(again["reason"], "AlreadyExists")

    def signed():
        info = api.ask("anonymous", "GET", CLUSTER_INFO)
        tap.eq(info.status, 200, info.text)
        data = info.json["data"]
        got = data.get(f"jws-kubeconfig-{token[:6]}")
        return got and got == jws(data["kubeconfig"], token)

    tap.wait_until(signed, what="the signature")
    tap.eq(api.ask("minter", "GET", CLUSTER_INFO).status, 200)


def test_what_is_not_signed_or_has_ended():
    """The stand-in's tests for this: only the token's own signature counts."""
    silent, one = mint("admin", **{"usage-bootstrap-signing": "false"})
    ended, two = mint("admin", seconds=-5)
    good, three = mint("admin")
    tap.eq([one.status, two.status, three.status], [201] * 3)

    def signed():
        return [f"jws-kubeconfig-{t[:6]}" in api.ask("anonymous", "GET", CLUSTER_INFO).json["data"]
                for t in (silent, ended, good)]

    tap.wait_until(lambda: signed()[2], what="the signature")
    tap.eq(signed(), [False, False, True])


def test_what_a_bootstrap_token_may():
    token, _ = mint()
    tap.eq(api.ask(token, "GET", "/version").status, 200)
    refused(api.ask(token, "GET", SECRETS), 403, f'User "system:bootstrap:{token[:6]}" cannot list')
    refused(api.ask(token, "POST", SECRETS, bootstrap_secret(new_token())), 403, "cannot create")
    refused(api.ask(f"{token[:7]}{'0' * 16}", "GET", "/version"), 401, "Unauthorized")
    silent, _ = mint("admin", **{"usage-bootstrap-authentication": "false"})
    refused(api.ask(silent, "GET", "/version"), 401)
    ended, _ = mint("admin", seconds=-5)
    refused(api.ask(ended, "GET", "/version"), 401)


def test_the_minter_may_nothing_else():
    token, _ = mint()
    path = f"{SECRETS}/bootstrap-token-{token[:6]}"
    minter = 'User "system:serviceaccount:kube-system:cloudseed-minter" cannot'
    for method, where, body in (
            ("GET", path, None), ("GET", SECRETS, None), ("DELETE", path, None),
            ("GET", f"{SECRETS}?watch=true", None), ("GET", f"{NODES}/nothing", None),
            ("POST", SECRETS.replace("kube-system", "default"), bootstrap_secret(new_token())),
            ("POST", f"{ACCOUNTS}/cloudseed-approver/token", RENEWAL),
            ("GET", CLUSTER_INFO.replace("info", "info2"), None),
            ("GET", CLUSTER_INFO.rpartition("/")[0], None), ("GET", CSRS, None),
            ("GET", f"{BINDINGS}/{AUTOAPPROVE}", None)):
        tap.eq(refused(api.ask("minter", method, where, body), 403, minter)["reason"], "Forbidden")
    patch = api.ask("minter", "PATCH", f"{path}?fieldManager=x", bootstrap_secret(token),
                    kind=kubeapi.APPLY)
    refused(patch, 403, minter)


def test_accounts_renew_themselves():
    for who, other in (("minter", "approver"), ("approver", "minter")):
        answer = api.ask(who, "POST", f"{ACCOUNTS}/cloudseed-{who}/token", RENEWAL)
        tap.eq(answer.status, 201, answer.text)
        tap.eq(api.ask(answer.json["status"]["token"], "GET", "/version").status, 200)
        refused(api.ask(who, "POST", f"{ACCOUNTS}/cloudseed-{other}/token", RENEWAL), 403)
    short = {**RENEWAL, "spec": {"expirationSeconds": 60}}
    refused(api.ask("minter", "POST", f"{ACCOUNTS}/cloudseed-minter/token", short), 422,
            "may not specify a duration less than 10 minutes")


def test_what_nobody_may():
    refused(api.ask("no.such.token", "GET", "/version"), 401, "Unauthorized")
    refused(api.ask("anonymous", "POST", SECRETS, bootstrap_secret(new_token())), 403,
            'User "system:anonymous" cannot create')
    refused(api.ask("anonymous", "GET", CLUSTER_INFO.replace("info", "info2")), 403)
    refused(api.ask("anonymous", "GET", "/foo"), 403, 'cannot get path "/foo"')


def test_bodies_are_read():
    one = bootstrap_secret(new_token())

    def post(body, code, *parts, **more):
        refused(api.ask("minter", "POST", SECRETS, body, **more), code, *parts)

    post(json.dumps(one)[:-9], 400)
    post({**one, "kind": "ConfigMap"}, 400, "cannot be handled as a Secret")
    post({**one, "metadata": {**one["metadata"], "namespace": "default"}}, 400, "namespace")
    post({**one, "stringData": {"token-id": 7}}, 400, "expects")
    post({**one, "metadata": {}}, 422, "name or generateName is required")
    post({**one, "metadata": {"name": "Bootstrap_Token"}}, 422, "metadata.name: Invalid value")
    post(json.dumps(one), 415, "unknown format", kind="text/plain")


def test_what_is_not_there():
    refused(api.ask("admin", "GET", "/api/v1/foo"), 404)
    tap.eq(refused(api.ask("admin", "GET", CLUSTER_INFO.replace("info", "info2")), 404,
                   'configmaps "cluster-info2" not found')["reason"], "NotFound")
    refused(api.ask("admin", "PUT", SECRETS, bootstrap_secret(new_token())), 405)


def test_server_side_apply():
    m = next(kubeapi.manifests())
    path = kubeapi.path_of(m)
    good = api.ask("admin", "PATCH", f"{path}?fieldManager=cloudseed&force=true", m,
                   kind=kubeapi.APPLY)
    tap.eq(good.status, 200, good.text)
    assert api.ask("admin", "PATCH", path, m, kind=kubeapi.APPLY).status in (400, 422)
    refused(api.ask("admin", "PATCH", f"{path}?fieldManager=x", m, kind="application/x"), 415)


def apply(m, who="admin", path=None, query="fieldManager=cloudseed&force=true"):
    return api.ask(who, "PATCH", f"{path or kubeapi.path_of(m)}?{query}", m, kind=kubeapi.APPLY)


def test_what_cannot_be_applied():
    m = next(kubeapi.manifests())
    path, meta = kubeapi.path_of(m), m["metadata"]
    refused(apply({**m, "foo": 1}), 500, "failed to create typed patch object", "not declared in schema")
    refused(apply({k: m[k] for k in ("kind", "metadata")}, path=path), 400, "Incorrect version")
    refused(apply("a: [", path=path), 400, "error decoding YAML")
    refused(apply("", path=path), 400, "Incorrect version")
    refused(apply({**m, "metadata": {**meta, "name": "other"}}, path=path), 400, "name on the URL")
    refused(apply({**m, "metadata": {**meta, "namespace": "other"}}, path=path), 400, "namespace on")
    refused(apply({**m, "metadata": {**meta, "managedFields": [{"manager": "x"}]}}), 400,
            "managedFields must be nil")
    refused(apply(m, query="fieldManager=cloudseed&force=true&dryRun=Yes"), 422, "dryRun")
    refused(apply(m, who="anonymous"), 403, "cannot patch")


def test_a_dry_run_makes_nothing():
    m = next(kubeapi.manifests())
    m["metadata"]["name"] = "cloudseed-dry"
    dry = "fieldManager=cloudseed&force=true&dryRun=All"
    tap.eq(apply(m, query=dry).status, 201)
    tap.eq(api.ask("admin", "GET", kubeapi.path_of(m)).status, 404)
    tap.eq(apply(next(kubeapi.manifests()), query=dry).status, 200)


def test_who_has_applied_an_object():
    role = next(m for m in kubeapi.manifests() if m["kind"] == "Role")
    other = {**role, "rules": [{**role["rules"][0], "verbs": ["get"]}]}
    tap.eq(apply(role).status, 200)
    tap.eq(refused(apply(other, query="fieldManager=x"), 409, 'conflict with "cloudseed"')["reason"],
           "Conflict")
    tap.eq(apply(other, query="fieldManager=x&force=true").status, 200)
    tap.eq(apply(role).json["rules"], role["rules"])
    binding = next(m for m in kubeapi.manifests() if m["kind"] == "RoleBinding")
    refused(apply({**binding, "roleRef": {**binding["roleRef"], "name": "other"}}), 422,
            "cannot change roleRef")


# --- what a watcher meets ------------------------------------------------------------------------


def new_node():
    name = f"node-{new_token()[:6]}"
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    tap.eq(api.ask("admin", "POST", NODES, body).status, 201)
    tap.defer(api.ask, "admin", "DELETE", f"{NODES}/{name}")
    return name


def test_nodes_are_listed_and_watched():
    first, second = new_node(), new_node()
    page = api.ask("minter", "GET", f"{NODES}?limit=1").json
    tap.eq((page["kind"], len(page["items"])), ("NodeList", 1))
    assert page["metadata"]["continue"]
    whole = api.ask("minter", "GET", NODES).json
    assert {first, second} <= {n["metadata"]["name"] for n in whole["items"]}
    events = api.watch("minter", NODES, whole["metadata"]["resourceVersion"], 60)
    third = new_node()
    event = next(e for e in events if e["object"]["metadata"]["name"] == third)
    tap.eq((event["type"], event["object"]["kind"]), ("ADDED", "Node"))
    api.ask("admin", "DELETE", f"{NODES}/{third}")
    gone = next(e for e in events if e["type"] == "DELETED")
    tap.eq(gone["object"]["metadata"]["name"], third)
    assert int(gone["object"]["metadata"]["resourceVersion"]) > int(
        event["object"]["metadata"]["resourceVersion"])


def test_a_watch_ends_by_itself():
    version = api.ask("minter", "GET", NODES).json["metadata"]["resourceVersion"]
    assert all(e["type"] == "BOOKMARK" for e in api.watch("minter", NODES, version, 1))


def test_pages_and_versions_that_were_never_given():
    for query, code, words in (("limit=1&continue=x", 400, "continue key is not valid"),
                               ("watch=true&resourceVersion=x", 500, "resourceVersion: Invalid value")):
        refused(api.ask("minter", "GET", f"{NODES}?{query}"), code, words)


def new_csr(token, name):
    key = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
    pem = openssl("req", "-new", "-key", "/dev/stdin", "-subj", f"/O=system:nodes/CN=system:node:{name}",
                  data=key)
    body = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {"name": f"csr-{new_token()[:6]}"},
            "spec": {"request": base64.b64encode(pem).decode(),
                     "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
                     "usages": ["digital signature", "client auth"]}}
    answer = api.ask(token, "POST", CSRS, body)
    tap.eq(answer.status, 201, answer.text)
    tap.defer(api.ask, "admin", "DELETE", f"{CSRS}/{body['metadata']['name']}")
    return answer.json


def test_a_request_is_approved_in_its_version():
    token, _ = mint()
    o = new_csr(token, "k8s-worker-2")
    tap.eq(o["spec"]["username"], f"system:bootstrap:{token[:6]}")
    assert kubeapi.JOINERS in o["spec"]["groups"]
    path = f"{CSRS}/{o['metadata']['name']}"
    yes = {"type": "Approved", "status": "True", "reason": "CloudseedApproved", "message": "test"}

    def approve(who, version):
        body = {"apiVersion": o["apiVersion"], "kind": o["kind"],
                "metadata": {"name": o["metadata"]["name"], "resourceVersion": version},
                "status": {"conditions": [yes]}}
        return api.ask(who, "PUT", f"{path}/approval", body)

    refused(approve("minter", o["metadata"]["resourceVersion"]), 403)
    tap.eq(refused(approve("approver", "1"), 409, "has been modified")["reason"], "Conflict")
    version = api.ask("approver", "GET", path).json["metadata"]["resourceVersion"]
    answer = approve("approver", version)
    # kubeadm's own approval may have come first: then it is the older version that is refused.
    assert answer.status in (200, 409), answer.text
    now = api.ask("approver", "GET", path).json
    assert "Approved" in [c["type"] for c in now["status"]["conditions"]]


def test_requests_are_listed_and_watched():
    token, _ = mint()
    first = new_csr(token, "k8s-worker-2")
    page = api.ask("approver", "GET", f"{CSRS}?limit=500").json
    tap.eq(page["kind"], "CertificateSigningRequestList")
    assert first["metadata"]["name"] in [o["metadata"]["name"] for o in page["items"]]
    events = api.watch("approver", CSRS, page["metadata"]["resourceVersion"], 60)
    second = new_csr(token, "k8s-worker-3")
    event = next(e for e in events if e["object"]["metadata"]["name"] == second["metadata"]["name"])
    tap.eq((event["type"], event["object"]["kind"]), ("ADDED", "CertificateSigningRequest"))
    tap.eq(event["object"]["spec"]["username"], f"system:bootstrap:{token[:6]}")
    refused(api.ask("minter", "GET", CSRS), 403, "cloudseed-minter")
    refused(api.ask(token, "PUT", f"{CSRS}/{second['metadata']['name']}/approval", second), 403)


def test_what_is_approved_must_be_there():
    body = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {"name": "no-such", "resourceVersion": "1"}, "status": {"conditions": []}}
    refused(api.ask("approver", "PUT", f"{CSRS}/no-such/approval", body), 404, "not found")


def test_the_approver_may_nothing_else():
    for method, where, body in (
            ("POST", SECRETS, bootstrap_secret(new_token())), ("GET", NODES, None),
            ("GET", f"{BINDINGS}/system:node-bootstrapper", None), ("GET", BINDINGS, None),
            ("DELETE", f"{CSRS}/x", None)):
        refused(api.ask("approver", method, where, body), 403, "cloudseed-approver")
    answer = api.ask("approver", "GET", f"{BINDINGS}/{AUTOAPPROVE}")
    tap.eq((answer.status, answer.json["kind"]), (200, "ClusterRoleBinding"))


# --- the minter itself ---------------------------------------------------------------------------


def signed_by(token):
    data = api.ask("anonymous", "GET", CLUSTER_INFO).json["data"]
    return data.get(f"jws-kubeconfig-{token[:6]}") == jws(data["kubeconfig"], token)


def test_the_minter_mints():
    with Minter(api) as minter:
        token = new_token()
        for fate in ("absent", "unknown", "present"):  # at first, and after a lost answer
            state = minter.mint(token, fate=fate).ended()
            tap.eq((state["outcome"], state["fate"], state["message"]), ("signed", "present", ""))
            assert signed_by(token)
        tap.eq(state["version"], api.ask("minter", "GET", "/version").json["gitVersion"][1:])
        assert state["clock_known"]
        # The node is who its token says, and the token ends.
        refused(api.ask(token, "GET", SECRETS), 403, f"system:bootstrap:{token[:6]}")
        o = api.ask("admin", "GET", f"{SECRETS}/bootstrap-token-{token[:6]}").json
        assert "expiration" in o["data"]


def test_the_minter_takes_no_id_of_anothers():
    with Minter(api) as minter:
        other, _ = mint("admin")
        tap.wait_until(lambda: signed_by(other), what="the signature")
        mine = minter.mint(f"{other[:7]}{new_token()[7:]}")
        mine.says("not with this token")
        minter.pass_time(11)
        state = mine.ended()
        tap.eq((state["outcome"], state["fate"]), ("taken", "absent"))
        assert signed_by(other)


def test_the_minter_is_refused():
    with Minter(api) as minter:
        for bearer, words in (("no.such.token", "HTTP 401: Unauthorized"),
                              (api.bearers["approver"], "HTTP 403: secrets is forbidden")):
            state = minter.mint(new_token(), bearer=bearer).ended()
            tap.eq((state["outcome"], state["fate"]), ("refused", "absent"))
            tap.contains(state["message"], words)
        state = minter.mint(new_token(), kubeadm="v1.2.3").ended()
        tap.contains(state["message"], "and the node has kubeadm 1.2")


# --- the nodewatcher and the csrapprover themselves ----------------------------------------------


def test_the_nodewatcher_sees_nodes():
    with Watcher(api) as watcher:
        first = new_node()
        nodes = watcher.nodes()
        nodes.in_step()
        nodes.sees(first, present=True, ready=False)
        second = new_node()
        nodes.sees(second, present=True)
        api.ask("admin", "DELETE", f"{NODES}/{second}")
        nodes.sees(second, present=False)
        again = watcher.nodes()
        again.in_step()
        again.sees(first, present=True)


def test_the_nodewatcher_is_refused():
    with Watcher(api) as watcher:
        nodes = watcher.nodes(bearer="no.such.token")
        nodes.says("cannot list its nodes: HTTP 401: Unauthorized")
        nodes.set_bearer(api.bearers["approver"])
        nodes.says("HTTP 403: nodes is forbidden")
        nodes.set_bearer(api.bearers["minter"])
        nodes.in_step()


def hardened():
    """The cluster does not approve by itself, as long as this runs."""
    api.harden()
    tap.defer(api.soften)


def known(request):
    tap.defer(api.ask, "admin", "DELETE", f"{CSRS}/{request}")
    return request


def test_the_approver_approves_what_a_node_may_ask():
    hardened()
    name = f"node-{new_token()[:6]}"
    token, _ = mint()
    with Watcher(api) as watcher:
        watcher.know(name, token_id=token[:6], declared=["10.0.20.22"])
        watcher.know("k8s-master-1", joined=True)
        approver = watcher.approver()
        approver.is_so(lambda e: e["autoapproves"] is False)
        mine = known(api.request(token, name))
        approver.approves(mine)
        tap.eq(api.conditions(mine), [("Approved", "CloudseedApproved")])
        other = known(api.request(token, "k8s-master-1"))
        tap.contains(approver.refuses(other), "asks to be k8s-master-1, but no token was minted")
        tap.eq(api.conditions(other), [])
        kubelet = api.kubelet(name)
        early = known(api.request(kubelet, name, [name, "10.0.20.22"]))
        approver.is_so(lambda e: e["pending"] >= 2)
        tap.eq(api.conditions(early), [])
        watcher.know(name, joined=True, declared=["10.0.20.22"])
        tap.eq(approver.approves(early)["serving"], True)
        wrong = known(api.request(kubelet, name, ["10.0.20.23"]))
        tap.contains(approver.refuses(wrong), "address 10.0.20.23, which is not declared")
        tap.eq(api.conditions(wrong), [])
        api.soften()
        watcher.pass_time(120)
        approver.is_so(lambda e: e["autoapproves"])


# --- the stand-in and the golden answers ---------------------------------------------------------


def shape(v):
    """Keys and types, without what depends on how an object came to be."""
    if isinstance(v, dict):
        return {k: shape(x) for k, x in v.items() if k not in SIGNED_EVERY_TIME}
    if isinstance(v, list):
        return [shape(x) for x in v[:1]]
    return type(v).__name__


def same_shape(name, answer):
    want = json.loads((GOLDEN / f"{name}.json").read_text())
    got = copy.deepcopy(answer)
    for o in (got, want):
        o.get("data", {}).pop("kubeconfig", None)
        for key in [k for k in o.get("data", {}) if k.startswith("jws-")]:
            o["data"]["jws"] = o["data"].pop(key)
        o.get("metadata", {}).pop("namespace", None)
    tap.eq(shape(got), shape(want), name)


def stand_in():
    if KUBECONFIG:
        raise tap.Skip("a case of the stand-in's")
    return StandIn()


def test_answers_have_the_golden_shape():
    with stand_in() as s:
        token = new_token()
        body = bootstrap_secret(token)

        def post(**more):
            return s.ask(more.get("who", "minter"), "POST", more.get("path", SECRETS),
                         more.get("body", body)).json

        same_shape("201-secret", post())
        same_shape("409-secret", post())
        same_shape("400-secret", post(body="{"))
        same_shape("401-secret", post(who="nobody"))
        same_shape("403-secret", post(path=SECRETS.replace("kube-system", "default")))
        same_shape("422-secret", post(body={**body, "metadata": {"name": "Bootstrap_Token"}}))
        same_shape("403-cluster-info", s.ask("minter", "GET", CLUSTER_INFO + "2").json)
        same_shape("404-configmap", s.ask("admin", "GET", CLUSTER_INFO + "2").json)
        same_shape("200-cluster-info", s.ask("minter", "GET", CLUSTER_INFO).json)
        same_shape("version", s.ask("minter", "GET", "/version").json)
        renew = f"{ACCOUNTS}/cloudseed-minter/token"
        same_shape("201-token", post(path=renew, body=RENEWAL))
        same_shape("422-token", post(path=renew, body={**RENEWAL, "spec": {"expirationSeconds": 60}}))
        same_shape("200-autoapprove",
                   s.ask("approver", "GET", f"{BINDINGS}/{AUTOAPPROVE}").json)
        s.compact()
        same_shape("watch-410", next(s.watch("minter", NODES, "1")))


# --- what a test does with the stand-in ----------------------------------------------------------


def test_streams_are_cut_and_go_on():
    with stand_in() as s:
        version = s.ask("minter", "GET", NODES).json["metadata"]["resourceVersion"]
        name = "/api/v1/nodes/one"
        s.put(name, {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "one"}})
        s.cut_after = 20
        tap.raises(Exception, next, s.watch("minter", NODES, version))
        s.cut_after = None
        events = s.watch("minter", NODES, version)
        tap.eq(next(events)["type"], "ADDED")
        s.bookmark()
        tap.eq(next(events)["type"], "BOOKMARK")
        events.close()


def test_faults_come_before_and_after():
    with stand_in() as s:
        body = bootstrap_secret(new_token())
        s.fault("POST", "/secrets", "before", "cut")
        tap.raises(OSError, s.ask, "minter", "POST", SECRETS, body)
        s.fault("POST", "/secrets", "after", (429, {"Retry-After": "1"}, "Too many requests"))
        tap.eq(s.ask("minter", "POST", SECRETS, body).status, 429)
        tap.eq(s.ask("minter", "POST", SECRETS, body).status, 409)
        hung = s.fault("GET", "/version", "before", "hang")
        thread = threading.Thread(target=tap.raises, args=(OSError, s.ask, "minter", "GET", "/version"))
        thread.start()
        hung.wait()
        hung.release()
        thread.join()


def test_signatures_and_ends_come_when_told():
    with stand_in() as s:
        s.signs = False
        token = new_token()
        s.ask("minter", "POST", SECRETS, bootstrap_secret(token))

        def signed():
            return f"jws-kubeconfig-{token[:6]}" in s.ask("minter", "GET", CLUSTER_INFO).json["data"]

        assert not signed()
        s.sign()
        assert signed()
        s.ahead = 901
        refused(s.ask(token, "GET", "/version"), 401)
        s.clean()
        assert not signed()


def test_what_we_must_never_ask_is_a_problem():
    with stand_in() as s:
        s.ask("minter", "POST", SECRETS, bootstrap_secret(new_token(), expiration="soon"))
        s.ask("minter", "POST", SECRETS, {**bootstrap_secret(new_token()), "foo": 1})
        s.ask("minter", "POST", SECRETS, {**bootstrap_secret(new_token()), "type": "Opaque"})
        tap.eq(len(s.problems), 3, s.problems)
        s.problems.clear()


tap.main()
