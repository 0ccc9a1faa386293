#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the API server of a cluster shows of itself: its certificate and its clock."""
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
from joining import Site  # noqa: E402  (forks before there are threads)
import tap  # noqa: E402
from kubeapi import StandIn, rfc3339  # noqa: E402


def shown(site):
    return json.loads(site.cloudseed("cluster", "show", "homelab", "--json"))


def told(site, kind):
    return [e for e in json.loads(site.cloudseed("events", "--json")) if e["kind"] == kind]


def look(site):
    """It looks at once when it starts."""
    site.kill_and_start()
    tap.wait_until(lambda: shown(site)["certificate_end"], what="a look at the API server")


def test_a_certificate_that_ends_soon_is_told_once():
    with StandIn(days=9) as api, Site(api=api) as site:
        site.adopt(api)
        tap.eq(shown(site)["certificate_end"], None)
        look(site)
        tap.wait_until(lambda: told(site, "cluster-certificate"), what="the event")
        end = shown(site)["certificate_end"]
        assert rfc3339(time.time() + 8 * 86400) < end < rfc3339(time.time() + 9 * 86400), end
        tap.contains(site.cloudseed("events", "--kind", "cluster-certificate"),
                     "'kubeadm certs renew all'")
        tap.contains(site.cloudseed("cluster", "show", "homelab"), "server     has a certificate until ")
        tap.contains(site.cloudseed("cluster", "list"), "its certificate ends in 8 days")
        look(site)
        tap.eq(len(told(site, "cluster-certificate")), 1)


def test_a_certificate_that_does_not():
    with StandIn(days=40) as api, Site(api=api) as site:
        site.adopt(api)
        look(site)
        tap.eq(told(site, "cluster-certificate"), [])
        assert "certificate ends" not in site.cloudseed("cluster", "list")


def test_a_clock_that_is_off_is_told_once():
    with StandIn() as api, Site(api=api) as site:
        site.adopt(api)
        look(site)
        tap.eq((shown(site)["clock_ahead_s"], told(site, "cluster-clock")), (0, []))
        api.ahead = -300
        look(site)
        tap.wait_until(lambda: told(site, "cluster-clock"), what="the event")
        assert -302 <= shown(site)["clock_ahead_s"] <= -298
        tap.contains(site.cloudseed("cluster", "show", "homelab"), " s behind")
        look(site)
        tap.eq(len(told(site, "cluster-clock")), 1)
        tap.contains(site.cloudseed("events", "--kind", "cluster-clock"), " s behind this server's")


tap.main()
