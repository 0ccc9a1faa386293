#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens of nodes that join, while the server is stopped, killed or off at any point of a mint, and
while the API server is away: a node gets one token, and those that nobody was told of end soon."""
import contextlib
import json
import re
import signal
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "join")]
from joining import Site, joins, request  # noqa: E402  (forks before there are threads)
import tap  # noqa: E402
import world  # noqa: E402
from kubeapi import StandIn  # noqa: E402

CALLS = [("GET", "/version"), ("POST", "/secrets"), ("GET", "/cluster-info")]
TOKEN_SECONDS = 15 * 60
DAY_MS = 24 * 60 * 60 * 1000


@contextlib.contextmanager
def scene(hold_seconds=50):
    """A cluster that stands, and its worker's serial."""
    with StandIn() as api, Site(hold_seconds=hold_seconds, api=api) as site:
        tap.eq(site.adopt(api).status, 200)
        yield api, site, site.serial()
        api.ahead = TOKEN_SECONDS + 1
        tap.eq(list(api.tokens()), [])  # whatever became of them


def ids(api):
    return {name.removeprefix("bootstrap-token-") for name in api.created
            if name.startswith("bootstrap-token-")}


def ask(site, serial):
    return site.post(serial, "bootstrap", request("bootstrap"))


def test_a_server_that_is_killed_at_any_call():
    for method, path in CALLS:
        for when in ("before", "after"):
            with scene() as (api, site, serial), ThreadPoolExecutor() as pool:
                fault = api.fault(method, path, when, "hang")
                lost = pool.submit(ask, site, serial)
                fault.wait()
                site.kill_and_start()
                fault.release()
                assert lost.exception(world.SECONDS)
                token = joins(ask(site, serial))
                tap.eq(ids(api), {token[:6]}, f"{when} {path}")


def test_a_server_that_is_stopped_at_any_call():
    for method, path in CALLS:
        with scene() as (api, site, serial), ThreadPoolExecutor() as pool:
            fault = api.fault(method, path, "after", "hang")
            held = pool.submit(ask, site, serial)
            fault.wait()
            site.server.signal(signal.SIGTERM)
            status, value, headers = held.result(world.SECONDS)
            reason = "waits-for-token" if path == "/cluster-info" else "waits-for-api"
            tap.eq((status, value["reason"]), (503, reason))
            assert int(headers["Retry-After"]) > 0
            tap.eq(site.server.wait(), 0)
            fault.release()
            site.start()
            token = joins(ask(site, serial))
            tap.eq(ids(api), {token[:6]}, path)


def test_an_api_server_that_is_away():
    """The node is told why, asks again, and finds what was done meanwhile."""
    with scene(hold_seconds=0) as (api, site, serial):
        api.stop()
        status, value, headers = ask(site, serial)
        tap.eq((status, value["reason"], headers["Retry-After"]), (503, "waits-for-api", "30"))
        tap.wait_until(lambda: site.node()["mint"]["reason"], what="the reason")
        tap.contains(ask(site, serial)[1]["detail"], f"{api.host}:{api.port}")
        site.kill_and_start()
        api.start()

        def answered():
            status, value, _ = ask(site, serial)
            return value if status == 200 else None
        value = tap.wait_until(answered, what="the token")
        token = re.search(r"^# (\w{6})\.\w{16}$", value["kubeadm"], re.M)[1]
        tap.eq(ids(api), {token})
        tap.eq([k for k in site.events() if k in ("minting", "minted")], ["minting", "minted"])


def let_days_pass(state, days):
    """While the server is off: all that its records say of time was so much earlier, and in another
    boot of its machine."""
    def member(key, value):
        is_time = key.endswith("_ms") and "_boot_" not in key and value > DAY_MS
        return value - days * DAY_MS if is_time else earlier(value)

    def earlier(value):
        if isinstance(value, dict):
            boot = {"boot_id": "another"} if "ends_boot_ms" in value else {}
            return {**{k: member(k, v) for k, v in value.items()}, **boot}
        return [earlier(v) for v in value] if isinstance(value, list) else value
    with contextlib.closing(sqlite3.connect(state / "state.db")) as db:
        rows = db.execute("SELECT id, bytes FROM record WHERE kind IN ('mint', 'state', 'cluster')")
        for number, raw in rows.fetchall():
            changed = json.dumps(earlier(json.loads(raw)), separators=(",", ":")).encode()
            db.execute("UPDATE record SET bytes = ? WHERE id = ?", (changed, number))
        db.commit()


def test_a_server_that_was_off_for_three_days():
    with scene() as (api, site, serial), ThreadPoolExecutor() as pool:
        fault = api.fault("POST", "/secrets", "after", "hang")
        lost = pool.submit(ask, site, serial)
        fault.wait()
        site.server.signal(signal.SIGKILL)
        site.server.wait()
        fault.release()
        assert lost.exception(world.SECONDS)
        let_days_pass(site.state, 3)
        api.ahead = TOKEN_SECONDS + 1
        tap.eq(list(api.tokens()), [])  # nobody was told of that one
        api.ahead = 0
        site.start()
        status, value, _ = ask(site, serial)
        tap.eq((status, value.get("reason")), (403, "window-closed"), value)
        tap.eq(site.node()["mint"], None)
        token = joins(ask(site, site.serial()))
        tap.eq(len(ids(api)), 2)
        assert token[:6] in ids(api)
        shown = json.loads(site.cloudseed("cluster", "show", "homelab", "--json"))
        tap.eq((shown["phase"], shown["minter"]["late"]), ("standing", False))


tap.main()
