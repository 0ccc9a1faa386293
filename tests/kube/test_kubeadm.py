#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real kubeadm takes our tokens, and refuses what is wrong with them in its own words.

`make check-kube` runs it. kubeadm is run up to the point where it would change the machine: it finds
the cluster, checks its CA, and reads the cluster's configuration with the token.
"""
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import kubeapi  # noqa: E402
import tap  # noqa: E402
from certs import openssl  # noqa: E402
from kubeapi import SECRETS, bootstrap_secret, new_token  # noqa: E402
from minting import Minter  # noqa: E402

KUBECONFIG, KUBEADM = (os.environ.get(f"CLOUDSEED_{n}") for n in ("KUBECONFIG", "KUBEADM"))
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
SECONDS = 120
api = tap.enter(kubeapi.Real(KUBECONFIG))
minter = tap.enter(Minter(api))


def kubeadm(*words):
    """(status, what it said)"""
    if not KUBEADM:
        raise tap.Skip("KUBEADM=FILE is not given")
    done = subprocess.run([KUBEADM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
    return done.returncode, done.stdout


def api_version():
    """What this kubeadm reads."""
    _, said = kubeadm("version", "--output=short")
    minor = int(re.match(r"v1\.(\d+)\.", said)[1])
    usual = "v1beta2" if minor < 22 else "v1beta3" if minor < 31 else "v1beta4"
    return os.environ.get("CLOUDSEED_API_VERSION") or usual


def ca_hash():
    """As kubeadm's own documentation has it made, by openssl."""
    key = openssl("x509", "-noout", "-pubkey", data=api.ca.encode())
    return hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", data=key)).hexdigest()


def join(token, digest=None):
    """The part of 'kubeadm join' that changes nothing here."""
    version = api_version()
    patience = {"timeouts": {"discovery": "10s"}} if version == "v1beta4" else {}
    discovery = {"bootstrapToken": {"token": token, "apiServerEndpoint": f"{api.host}:{api.port}",
                                    "caCertHashes": [f"sha256:{digest or ca_hash()}"]}}
    if not patience:
        discovery["timeout"] = "10s"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        json.dump({"apiVersion": f"kubeadm.k8s.io/{version}", "kind": "JoinConfiguration",
                   "nodeRegistration": {"name": "cloudseed-test",
                                        "criSocket": "unix:///run/containerd/containerd.sock"},
                   "discovery": discovery, **patience}, config)
        config.flush()
        return kubeadm("join", "phase", "preflight", "--config", config.name,
                       "--ignore-preflight-errors=all")


def refused(answer, *parts):
    status, said = answer
    assert status != 0, said
    for part in parts:
        tap.contains(said, part)


def minted():
    token = new_token()
    state = minter.mint(token).ended()
    tap.eq((state["outcome"], state["message"]), ("signed", ""))
    return token


def made(**changed):
    """A token that the admin made, and whose signature nobody waits for."""
    token = new_token()
    tap.eq(api.ask("admin", "POST", SECRETS, bootstrap_secret(token, **changed)).status, 201)
    return token


def test_it_joins_with_a_minted_token():
    status, said = join(minted())
    tap.eq(status, 0, said)


def test_a_node_is_who_its_token_says():
    token = minted()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    answer = api.ask("admin", "POST", REVIEWS, review)
    tap.eq(answer.status, 201, answer.text)
    user = answer.json["status"]["user"]
    tap.eq(user["username"], f"system:bootstrap:{token[:6]}")
    assert {"system:bootstrappers", kubeapi.JOINERS} <= set(user["groups"]), user


def test_every_token_has_an_end():
    token = minted()
    fields = [s["data"] for s in api.ask("admin", "GET", SECRETS).json["items"]
              if s["metadata"]["name"] == f"bootstrap-token-{token[:6]}"]
    tap.eq(len(fields), 1)
    end = base64.b64decode(fields[0]["expiration"]).decode()
    assert kubeapi.rfc3339(0) < end and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", end), end


def test_kubeadm_lists_it():
    token = minted()
    status, said = kubeadm("token", "list", "--kubeconfig", KUBECONFIG)
    tap.eq(status, 0, said)
    line = next(line for line in said.splitlines() if line.startswith(token[:6]))
    for part in ("authentication,signing", kubeapi.JOINERS):
        tap.contains(line, part)
    assert "<invalid>" not in line and "<forever>" not in line, line


def test_a_wrong_hash_is_refused():
    refused(join(minted(), "0" * 64), "none of the public keys", "are pinned")


def test_a_wrong_secret_is_refused():
    refused(join(minted()[:7] + "0" * 16), "failed to verify JWS signature")


def test_a_token_that_has_ended_is_refused():
    refused(join(made(seconds=-5)), "could not find a JWS signature")


def test_a_token_that_may_not_sign_is_refused():
    refused(join(made(**{"usage-bootstrap-signing": "false"})), "could not find a JWS signature")


def test_a_token_that_may_not_log_in_is_refused():
    token = made(**{"usage-bootstrap-authentication": "false"})
    tap.wait_until(lambda: f"jws-kubeconfig-{token[:6]}" in api.ask(
        "anonymous", "GET", kubeapi.CLUSTER_INFO).json["data"], what="the signature")
    refused(join(token), "Unauthorized")


tap.main()
