#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tokens by which a cluster knows the server: renewed, lost, and put right by an admin."""
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
from joining import Site, joins, request  # noqa: E402  (forks before there are threads)
import tap  # noqa: E402
from kubeapi import StandIn, rfc3339  # noqa: E402

TOKENS = "/cloudseed-minter/token"


def ends_in(api, seconds):
    """The minter's token, as an admin reports it: its life is as long as it is told there."""
    return {"token": api.bearers["minter"], "expires": rfc3339(time.time() + seconds)}


def shown(site):
    return json.loads(site.cloudseed("cluster", "show", "homelab", "--json"))


def kinds(site):
    return [e["kind"] for e in json.loads(site.cloudseed("events", "--json"))]


def silent(site, api):
    said = "\n".join(site.server.lines) + site.cloudseed("events", "--json") + json.dumps(shown(site))
    for bearer in api.accounts:
        assert bearer not in said
        for file in filter(Path.is_file, site.state.iterdir()):
            assert bearer.encode() not in file.read_bytes(), file


def test_a_token_is_renewed_and_the_new_one_is_used():
    with StandIn() as api, Site(hold_seconds=50, api=api) as site:
        api.token_seconds_max = 7200  # the API server gives less than it is asked for
        first = api.bearers["minter"]
        site.adopt(api, minter=ends_in(api, -1), approver=None)
        tap.wait_until(lambda: "cluster-renewed" in kinds(site), what="the renewal")
        del api.accounts[first]
        ends = shown(site)["minter"]["expires"]
        assert rfc3339(time.time() + 7000) < ends < rfc3339(time.time() + 7201), ends
        site.kill_and_start()
        joins(site.post(site.serial(), "bootstrap", request("bootstrap")))
        asked = [path for method, path in api.asked if method == "POST" and path.endswith(TOKENS)]
        tap.eq(len(asked), 1)
        silent(site, api)


def test_a_server_that_is_killed_while_it_renews():
    for when in ("before", "after"):
        with StandIn() as api, Site(hold_seconds=50, api=api) as site:
            fault = api.fault("POST", TOKENS, when, "hang")
            site.adopt(api, minter=ends_in(api, -1), approver=None)
            fault.wait()
            site.kill_and_start()  # the former one is still there
            fault.release()
            tap.wait_until(lambda: "cluster-renewed" in kinds(site), what="the renewal")
            joins(site.post(site.serial(), "bootstrap", request("bootstrap")))


def test_a_server_that_was_off_for_longer_than_its_token_lived():
    with StandIn() as api, Site(hold_seconds=50, api=api) as site:
        minter = ends_in(api, -1)
        del api.accounts[minter["token"]]
        site.adopt(api, minter=minter, approver=None)
        tap.wait_until(lambda: "cluster-late" in kinds(site), what="the alarm")
        told = site.cloudseed("events", "--kind", "cluster-late")
        command = "cloudseed cluster adopt homelab --kubeconfig FILE"
        tap.contains(told, f"run '{command}' to make another")
        tap.contains(told, "HTTP 401: Unauthorized")
        tap.contains(site.cloudseed("cluster", "show", "homelab"), command)
        tap.contains(shown(site)["minter"]["trouble"], "renew the account's token: HTTP 401")
        serial = site.serial()
        status, value, _ = site.post(serial, "bootstrap", request("bootstrap"))
        tap.eq((status, value["reason"]), (503, "waits-for-api"))
        tap.contains(value["detail"], "'cloudseed cluster adopt' makes another token")
        api.bearers["minter"] = api.account_token("cloudseed-minter")
        tap.eq(site.adopt(api).status, 200)
        tap.eq((shown(site)["minter"]["late"], shown(site)["minter"]["trouble"]), (False, None))
        joins(site.post(serial, "bootstrap", request("bootstrap")))
        silent(site, api)


tap.main()
