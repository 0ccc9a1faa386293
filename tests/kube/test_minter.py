#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The minter against the stand-in API server: whatever fails before or after each of its requests
takes effect, there is one token for each intent, and the caller learns what became of it."""
import base64
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from certs import Authority  # noqa: E402
from kubeapi import CLUSTER_INFO, SECRETS, StandIn, bootstrap_secret, jws, new_token  # noqa: E402
from minting import Minter  # noqa: E402

REQUESTS = [("GET", "/version"), ("POST", "/secrets"), ("GET", "/cluster-info")]
BUSY = (429, {"Content-Type": "text/plain", "Retry-After": "1"}, "Too many requests")


def name_of(token):
    return f"bootstrap-token-{token[:6]}"


def made(api):
    return [name for name in api.created if name.startswith("bootstrap-token-")]


def good(api, state, token):
    tap.eq((state["outcome"], state["fate"], state["message"]), ("signed", "present", ""))
    tap.eq(state["version"], api.version[1:])
    info = api.ask("anonymous", "GET", CLUSTER_INFO).json["data"]
    tap.eq(info[f"jws-kubeconfig-{token[:6]}"], jws(info["kubeconfig"], token))
    tap.eq(made(api), [name_of(token)])


def silent(minter, *tokens):
    """No message and no output has a secret."""
    for secret in [*(t[7:] for t in tokens), minter.api.bearers["minter"]]:
        assert secret not in "".join(minter.output)


def test_a_mint():
    with StandIn() as api, Minter(api) as minter:
        token = new_token()
        state = minter.mint(token, kubeadm="v1.29.3").ended()
        good(api, state, token)
        tap.eq([r for r in api.asked if r[0] == "POST"], [("POST", SECRETS)])
        tap.eq((state["clock_known"], abs(state["ahead_ms"]) < 5000), (True, True))
        silent(minter, token)


def test_it_waits_for_the_signature():
    with StandIn() as api, Minter(api) as minter:
        api.signs = False
        token = new_token()
        mint = minter.mint(token)
        state = mint.says("kube-controller-manager")
        tap.eq((state["outcome"], state["fate"]), ("pending", "present"))
        api.sign()
        good(api, mint.ended(), token)


def ends_well(method, path, when, what, expect):
    with StandIn() as api, Minter(api) as minter:
        token = new_token()
        # Several times: where a connection that was kept open is cut, a GET is sent again.
        faults = [api.fault(method, path, when, what) for _ in range(3)]
        mint = minter.mint(token)
        good(api, mint.hurried(), token)
        state = mint.all[0]
        tap.eq(state["outcome"], "pending")
        tap.contains(state["message"], expect)
        assert all(fault.met.is_set() for fault in faults)
        silent(minter, token)
        return state["fate"] if method == "POST" else None


def test_each_request_cut_off():
    for method, path in REQUESTS:
        for when in ("before", "after"):
            fate = ends_well(method, path, when, "cut", "127.0.0.1:")
            tap.eq(fate, "unknown" if method == "POST" else None)


def test_each_request_answered_in_vain():
    for code in (500, 503, 504, 302, 200):
        for method, path in REQUESTS:
            for when in ("before", "after"):
                words = "not a JSON object" if code == 200 and method == "GET" else f"HTTP {code}"
                fate = ends_well(method, path, when, (code, {}, "<html>\nsorry"), words)
                tap.eq(fate, "unknown" if method == "POST" else None)


def test_each_request_turned_away():
    for method, path in REQUESTS:
        fate = ends_well(method, path, "before", BUSY, "HTTP 429: Too many requests")
        tap.eq(fate, "absent" if method == "POST" else None)


def test_retry_after_is_obeyed():
    with StandIn() as api, StandIn() as elsewhere, Minter(api) as minter:
        token = new_token()
        api.fault("GET", "/version", "before", (429, {"Retry-After": "290"}, "no"))
        mint = minter.mint(token)
        mint.says("429")
        minter.pass_time(280)
        other = minter.mint(new_token(), endpoint=elsewhere.url, ca=elsewhere.ca,
                            bearer=elsewhere.bearers["minter"])
        tap.eq(other.ended()["outcome"], "signed")  # the loop has turned since
        assert mint.states.empty()
        minter.pass_time(11)
        tap.eq(mint.ended()["outcome"], "signed")


def refused(code, message):
    status = {"kind": "Status", "status": "Failure", "message": message, "code": code}
    return code, {"Content-Type": "application/json"}, json.dumps(status)


def test_refusals_end_it():
    for method, path in REQUESTS:
        for code in (400, 401, 403, 404, 422):
            with StandIn() as api, Minter(api) as minter:
                api.fault(method, path, "before", refused(code, "policy 'ours' denies\x1b it"))
                token = new_token()
                state = minter.mint(token).ended()
                tap.eq(state["outcome"], "refused")
                tap.contains(state["message"], f"HTTP {code}: policy 'ours' denies\\x1b it")
                tap.eq(state["fate"], "present" if path == "/cluster-info" else "absent")
                tap.eq(len(made(api)), 1 if path == "/cluster-info" else 0)


def test_real_refusals():
    with StandIn() as api, Minter(api) as minter:
        state = minter.mint(new_token(), bearer="no.such.token").ended()
        tap.eq((state["outcome"], state["fate"]), ("refused", "absent"))
        tap.contains(state["message"], "say its version: HTTP 401: Unauthorized")
        state = minter.mint(new_token(), bearer=api.bearers["approver"]).ended()
        tap.eq((state["outcome"], state["fate"]), ("refused", "absent"))
        tap.contains(state["message"], "create a bootstrap token: HTTP 403: secrets is forbidden")
        tap.eq(made(api), [])


def test_what_repeats_a_secret_is_not_shown():
    with StandIn() as api, Minter(api) as minter:
        token, bearer = new_token(), api.bearers["minter"]
        for text in (token, f"…{token[8:20]}…", base64.b64encode(token[7:].encode()).decode(),
                     f"Bearer {bearer}", bearer[30:80]):
            api.fault("POST", "/secrets", "before", refused(422, f"no: {text}"))
            state = minter.mint(token).ended()
            tap.eq(state["message"], "API server cannot create a bootstrap token: HTTP 422 (its text "
                   "repeats a secret and is not shown)")


def test_a_kubeadm_of_another_version():
    with StandIn(version="v1.30.2+k3s1") as api, Minter(api) as minter:
        state = minter.mint(new_token(), kubeadm="v1.29.15").ended()
        tap.eq((state["outcome"], state["fate"], state["version"]), ("skew", "absent", "1.30.2"))
        tap.eq(state["message"], "the cluster runs Kubernetes 1.30, and the node has kubeadm 1.29")
        tap.eq(made(api), [])
        tap.eq(minter.mint(new_token(), kubeadm="v1.30.0").ended()["outcome"], "signed")


def test_an_intent_is_carried_out_once():
    """A mint after a crash, whatever the one before came to."""
    with StandIn() as api, Minter(api) as minter:
        for before in ("absent", "unknown"):
            token = new_token()
            api.created.clear()
            good(api, minter.mint(token, fate=before).ended(), token)
            good(api, minter.mint(token, fate="unknown").ended(), token)
            good(api, minter.mint(token, fate="present").ended(), token)


def test_a_cancelled_post():
    for when, there in (("before", 0), ("after", 1)):
        with StandIn() as api, Minter(api) as minter:
            token = new_token()
            fault = api.fault("POST", "/secrets", when, "hang")
            mint = minter.mint(token)
            fault.wait()
            mint.end()
            tap.eq(len(made(api)), there)
            good(api, minter.mint(token, fate="unknown").ended(), token)
            assert mint.states.empty()


def test_an_id_that_is_taken():
    with StandIn() as api, Minter(api) as minter:
        token = new_token()
        other = f"{token[:7]}{new_token()[7:]}"
        tap.eq(api.ask("admin", "POST", SECRETS, bootstrap_secret(other)).status, 201)
        mint = minter.mint(token)
        state = mint.says("signed for this id, but not with this token")
        tap.eq((state["outcome"], state["fate"]), ("pending", "unknown"))
        minter.pass_time(11)
        state = mint.ended()
        tap.eq((state["outcome"], state["fate"]), ("taken", "absent"))
        tap.eq(state["message"], "another bootstrap token of the cluster has this id")
        tap.eq(made(api), [name_of(token)])


def test_an_old_signature_of_ours_is_not_anothers():
    """The cluster's CA changes, and cluster-info with it: it is signed again a moment later."""
    with StandIn() as api, Minter(api) as minter:
        token = new_token()
        tap.eq(api.ask("minter", "POST", SECRETS, bootstrap_secret(token)).status, 201)
        info = api.objects[CLUSTER_INFO]
        data = {**info["data"], "kubeconfig": info["data"]["kubeconfig"] + "\n"}
        api.put(CLUSTER_INFO, {**info, "data": data})
        mint = minter.mint(token, fate="unknown")
        mint.says("not with this token")
        api.sign()
        good(api, mint.ended(), token)


def test_an_unsigned_token_is_never_another_one():
    """Nobody signs: the intent stays, and with it the one token that there may be."""
    with StandIn() as api, Minter(api) as minter:
        api.signs = False
        token = new_token()
        mint = minter.mint(token, within_ms=60_000)
        mint.says("kube-controller-manager")
        minter.pass_time(59)
        minter.pass_time(2)
        state = mint.ended()
        tap.eq((state["outcome"], state["fate"]), ("late", "present"))
        tap.contains(state["message"], "too late: the cluster has not signed cluster-info")
        api.sign()
        good(api, minter.mint(token, fate="present").ended(), token)


def test_a_server_that_is_away():
    with StandIn() as api, Minter(api) as minter:
        token = new_token()
        api.stop()
        mint = minter.mint(token)
        tap.eq(mint.next()["outcome"], "pending")
        api.start()
        minter.pass_time(20)
        good(api, mint.hurried(), token)


def test_a_server_that_never_answers():
    for when in ("before", "after"):
        with StandIn() as api, Minter(api) as minter:
            token = new_token()
            fault = api.fault("POST", "/secrets", when, "hang")
            mint = minter.mint(token, within_ms=30_000)
            fault.wait()
            minter.pass_time(31)
            state = mint.ended()
            tap.eq((state["outcome"], state["fate"]), ("late", "unknown"))
            tap.contains(state["message"], "the API server has not answered in time")
            good(api, minter.mint(token, fate="unknown").ended(), token)


def test_a_token_that_has_ended():
    with StandIn() as api, Minter(api) as minter:
        state = minter.mint(new_token(), seconds=-1).ended()
        tap.eq((state["outcome"], state["fate"]), ("late", "absent"))
        tap.eq(api.asked, [])


def test_another_clock():
    for ahead in (7200, -7200):
        with StandIn() as api, Minter(api) as minter:
            api.ahead = ahead
            api.signs = ahead < 0
            mint = minter.mint(new_token(), within_ms=60_000)
            if ahead > 0:  # it has ended before it is there
                mint.says("kube-controller-manager")
                minter.pass_time(61)
            state = mint.ended()
            assert abs(state["ahead_ms"] - ahead * 1000) < 62_000, state
            tap.eq("the API server's clock is 1" in state["message"], ahead > 0)


def test_a_server_that_is_not_trusted():
    folder = tempfile.mkdtemp(prefix="cloudseed-test-")
    tap.defer(shutil.rmtree, folder)
    with StandIn() as api, Minter(api) as minter:
        mint = minter.mint(new_token(), ca=Authority(folder, "other").pem, within_ms=60_000)
        state = mint.next()
        tap.eq((state["outcome"], state["fate"]), ("pending", "absent"))
        tap.contains(state["message"], "certificate")
        tap.eq(api.asked, [])
        minter.pass_time(61)
        tap.eq(mint.ended()["outcome"], "late")


def test_many_at_once():
    with StandIn() as api, Minter(api) as minter:
        tokens = [new_token() for _ in range(200)]
        mints = [minter.mint(t) for t in tokens]
        for mint in mints:
            tap.eq(mint.ended()["outcome"], "signed")
        tap.eq(sorted(made(api)), sorted(map(name_of, tokens)))
        assert api.most_in_flight <= 50, api.most_in_flight
        asked = [path for method, path in api.asked if method == "GET"]
        assert asked.count("/version") < 100 and asked.count(CLUSTER_INFO) < 100, len(asked)
        silent(minter, *tokens)


tap.main()
