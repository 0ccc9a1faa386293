#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What real clients make of what cloudseedd serves: cloud-init 22.4.2 and 25.1, one test each.

CLOUDINIT_SUITES names the Debian releases whose packages are tried. What cannot be fetched is
skipped, but for where CI is set: there it fails.
"""
import os
import subprocess
import sys
import time
import types

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]

import admin  # noqa: E402
import client  # noqa: E402
import debian  # noqa: E402
import tap  # noqa: E402
from daemon import BUILD, Daemon  # noqa: E402

SUITES = os.environ.get("CLOUDINIT_SUITES", "bookworm trixie").split()
MASTER, WORKER = "k8s-master-1", "k8s-worker-2"

_made = {}


def once(make, *args):
    """What that function makes, kept: one daemon and one client of each release for all tests."""
    if (make, args) not in _made:
        _made[make, args] = make(*args)
    return _made[make, args]


def daemon():
    return tap.enter(Daemon(seed=admin.SEED, templates=admin.TEMPLATES,
                            args=["--url", "http://127.0.0.1"]))


def client_of(suite):
    try:
        return client.Client(suite, str(BUILD / "cloud-init"))
    except (debian.NotDebian, subprocess.SubprocessError, FileNotFoundError) as why:
        if "CI" in os.environ:
            raise
        raise tap.Skip(f"no cloud-init of {suite} could be fetched") from why


def seed_url(node):
    server = once(daemon)
    return admin.seed_url(node, server.state, server.url)


def served(node, name):
    answer = once(daemon).get(seed_url(node)[len(once(daemon).url):] + name)
    tap.eq(answer.status, 200, f"{node} {name}")
    return answer.text


def interfaces(node):
    return [(f"eth{i}", mac) for i, mac in enumerate(admin.macs(node))]


def check_fetch(c):
    """It gets our bytes, with or without the slash at the URL's end."""
    for node in (MASTER, WORKER):
        for url in (seed_url(node), seed_url(node).rstrip("/")):
            got = c.fetch(url)
            tap.eq(got.pop("meta-data"), yaml.safe_load(served(node, "meta-data")), node)
            network = got.pop("network-config", None)
            if network is not None:
                tap.eq(network, yaml.safe_load(served(node, "network-config")), node)
            for name, text in got.items():
                tap.eq(text, served(node, name), f"{node} {name}")
            tap.eq(sorted(got), ["user-data", "vendor-data"])


def check_discovery(c):
    """The string that `cloudseed` prints is understood, and on the network."""
    printed = admin.run("node", "url", WORKER, "--discovery", "--state",
                        str(once(daemon).state), "--url", once(daemon).url).strip()
    want = {"dsmode": "net", "seedfrom": seed_url(WORKER)}
    tap.eq(c.discover(f"root=/dev/sda1 ro {printed} quiet"), want)
    old_name = f"ds=nocloud-net;s={seed_url(WORKER)}"
    tap.eq(c.discover(f"root=/dev/sda1 ro {old_name}"), want)
    tap.eq(c.discover("root=/dev/sda1 ro quiet"), None)


def check_bare_discovery(c):
    """Without dsmode, 22.4.2 takes it for a local one (and then throws it away)."""
    got = c.discover(f"ro ds=nocloud;s={seed_url(WORKER)}")
    tap.eq(got["dsmode"], "local" if c.version.startswith("22.") else "net")


def check_meta_data(c):
    """instance-id and hostname, as the client understands them."""
    for node in admin.node_names():
        meta = c.fetch(seed_url(node))["meta-data"]
        tap.eq(meta["local-hostname"], node)
        assert isinstance(meta["instance-id"], str) and meta["instance-id"], meta


def check_schema(c):
    """Every node's user-data is what cloud-init's schema takes."""
    for node in admin.node_names():
        text = served(node, "user-data")
        assert text.startswith("#cloud-config\n"), text[:80]
        c.validate(text)


def check_cache(_c):
    """Every node is told to boot from its cache for ever after."""
    for node in admin.node_names():
        files = yaml.safe_load(served(node, "user-data"))["write_files"]
        kept = [f for f in files if f["path"].startswith("/etc/cloud/cloud.cfg.d/")
                and (yaml.safe_load(f["content"]) or {}).get("manual_cache_clean") is True]
        tap.eq(len(kept), 1, f"{node}: files that say manual_cache_clean")


def check_network(c):
    """Every network-config becomes netplan's and networkd's, with each address and MAC in it."""
    for node in admin.node_names():
        text = served(node, "network-config")
        ethernets = yaml.safe_load(text)["ethernets"]
        netplan = "".join(c.convert(text, "netplan", interfaces(node)).values())
        made = yaml.safe_load(netplan)["network"]["ethernets"]
        tap.eq(sorted(made), sorted(ethernets))
        units = "".join(c.convert(text, "networkd", interfaces(node)).values())
        for nic in ethernets.values():
            for address in nic.get("addresses", []):
                tap.contains(units, f"Address={address}\n")
            if "macaddress" in nic.get("match", {}):
                mac = nic["match"]["macaddress"]
                assert isinstance(mac, str), f"{node}: YAML reads this MAC as {mac!r}"
                tap.contains(units, f"MACAddress={mac}\n")


def check_unknown_key(c):
    """404 at once, with one line that says why; the client sees it so."""
    server = once(daemon)
    good = seed_url(WORKER)[len(server.url):]
    bad = good[:-2] + ("a" if good[-2] != "a" else "b") + "/"
    begun = time.monotonic()
    answer = server.get(bad + "meta-data")
    took = time.monotonic() - begun
    tap.eq((answer.status, answer.text.count("\n")), (404, 1), answer.text)
    assert took < 1, f"it took {took} s"
    code = c.python("from cloudinit import url_helper as u\n"
                    f"url = {server.url + bad + 'meta-data'!r}\n"
                    "try: u.readurl(url, timeout=5, retries=0)\n"
                    "except u.UrlError as e: answer(e.code)")
    tap.eq(code, 404)


def tests():
    checks = {name[6:]: check for name, check in globals().items() if name.startswith("check_")}
    return {f"test_{suite}_{name}":
            lambda check=check, suite=suite: check(once(client_of, suite))
            for suite in SUITES for name, check in checks.items()}


if __name__ == "__main__":
    tap.main(types.SimpleNamespace(**tests()))
