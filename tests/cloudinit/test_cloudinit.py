#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What real clients make of what cloudseedd serves: cloud-init 22.4.2 and 25.1, one test each.

The documents are those of all nodes of the homelab, and of a site that is as odd as can be.

CLOUDINIT_SUITES names the Debian releases whose packages are tried. What cannot be fetched is
skipped, but for where CI is set: there it fails.
"""
import os
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]

import admin  # noqa: E402
import client  # noqa: E402
import debian  # noqa: E402
import netplan  # noqa: E402
import sites  # noqa: E402
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
    return fetched(client.Client, suite)


def fetched(make, *args):
    """What is made of Debian's packages, which lie in the build folder."""
    try:
        return make(*args, str(BUILD / "cloud-init"))
    except (debian.NotDebian, subprocess.SubprocessError, FileNotFoundError) as why:
        if "CI" in os.environ:
            raise
        raise tap.Skip(f"Debian's packages could not be fetched: {why}") from why


def seed_url(node):
    server = once(daemon)
    return admin.seed_url(node, server.state, server.url)


def served(node, name):
    answer = once(daemon).get(seed_url(node)[len(once(daemon).url):] + name)
    tap.eq(answer.status, 200, f"{node} {name}")
    return answer.text


def interfaces(where, node):
    return [(f"eth{i}", mac) for i, mac in enumerate(where.show(node)["macs"])]


def netplan_of_host():
    return fetched(netplan.Netplan, None)


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


def check_compressed(c):
    """It asks for gzip by itself, gets it, and reads the same bytes."""
    for node in (MASTER, WORKER):
        encoding, text = c.python(
            "from cloudinit import url_helper\n"
            f"got = url_helper.readurl({seed_url(node) + 'user-data'!r})\n"
            "answer([got.headers.get('content-encoding'), got.contents.decode()])\n")
        tap.eq(encoding, "gzip", node)
        tap.eq(text, served(node, "user-data"), node)


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


def site_of(which):
    return sites.HOMELAB if which == "homelab" else sites.odd(once(scratch) / which)


def scratch():
    return Path(tap.enter(tempfile.TemporaryDirectory(prefix="cloudseed-test-")))


def documents(name):
    """[(site, node, path)] of each node's file of that name that is not empty, as a file."""
    found = []
    for which in ("homelab", "odd"):
        for node, texts in once(site_of, which).rendered.items():
            if texts.get(name):
                path = once(scratch) / f"{which}-{node}-{name}"
                path.write_text(texts[name], encoding="utf-8", newline="")
                found.append((once(site_of, which), node, str(path)))
    return found


def validated(c, name, kind="cloud-config"):
    paths = [path for _, _, path in once(documents, name)]
    if name != "vendor-data":
        assert len(paths) > 20, paths
    tap.eq(c.validate(paths, kind), {}, f"{name} that it takes not, or not without a word")


def check_user_data(c):
    """The user-data of every node of both sites is what cloud-init's schema takes."""
    for _, node, path in once(documents, "user-data"):
        with open(path, encoding="utf-8") as f:
            tap.eq(f.readline(), "#cloud-config\n", node)
    validated(c, "user-data")


def check_vendor_data(c):
    """And so is the vendor-data."""
    validated(c, "vendor-data")


def check_network_schema(c):
    """Where cloud-init has a schema of network-config (since 24.1), they pass it as well."""
    if not c.version.startswith("22."):
        validated(c, "network-config", "network-config")


def check_cache(_c):
    """Every node is told to boot from its cache for ever after."""
    for node in admin.node_names():
        files = yaml.safe_load(served(node, "user-data"))["write_files"]
        kept = [f for f in files if f["path"].startswith("/etc/cloud/cloud.cfg.d/")
                and (yaml.safe_load(f["content"]) or {}).get("manual_cache_clean") is True]
        tap.eq(len(kept), 1, f"{node}: files that say manual_cache_clean")


def converted(c, kind):
    """[(node, its network-config parsed, {path: text} that it becomes)] of all nodes."""
    rows = once(documents, "network-config")
    jobs = [(path, kind, interfaces(where, node)) for where, node, path in rows]
    out = once(scratch) / f"{c.version}-{kind}"
    made = c.convert(jobs, out)
    parsed = []
    for _, node, path in rows:
        with open(path, encoding="utf-8") as f:
            parsed.append((node, yaml.safe_load(f)["ethernets"]))
    return [(node, nics, texts) for (node, nics), texts in zip(parsed, made)]


def same_network(nics, units, what):
    """These units have the addresses, routers, name servers and MACs of the network-config."""
    def said(section, key):
        return sorted(v for u in units.values() for v in u.get(section, {}).get(key, []))

    def wanted(*keys):
        values = list(nics.values())
        for key in keys:
            values = [v for nic in values for v in _listed(nic.get(key))]
        return sorted(values)

    tap.eq(said("Network", "Address") + said("Address", "Address"), wanted("addresses"), what)
    tap.eq(said("Route", "Gateway"), wanted("routes", "via"), what)
    tap.eq(_words(said("Network", "DNS")), _words(wanted("nameservers", "addresses")), what)
    tap.eq(_words(said("Network", "Domains")), _words(wanted("nameservers", "search")), what)
    macs = {m for key in ("MACAddress", "PermanentMACAddress") for m in said("Match", key)}
    tap.eq(macs, set(wanted("match", "macaddress")), what)


def _listed(value):
    return [] if value is None else value if isinstance(value, list) else [value]


def _words(values):
    return sorted({word for value in values for word in value.split()})


def check_netplan(c):
    """Every network-config becomes netplan's, and that, by the real netplan, networkd's units."""
    generator = once(netplan_of_host)
    for node, nics, texts in converted(c, "netplan"):
        (text,) = texts.values()
        tap.eq(sorted(yaml.safe_load(text)["network"]["ethernets"]), sorted(nics), node)
        units = generator.generate(text)
        tap.eq(len([name for name in units if name.endswith(".network")]), len(nics), node)
        same_network(nics, units, f"{c.version} {node}\n{text}")


def check_networkd(c):
    """Every network-config becomes networkd's units without netplan, too."""
    for node, nics, texts in converted(c, "networkd"):
        units = {path: netplan.unit(text) for path, text in texts.items()}
        tap.eq(len(units), len(nics), node)
        same_network(nics, units, f"{c.version} {node}")


def check_unknown_key(c):
    """404 at once, with one line that says why; the client sees it so."""
    server = once(daemon)
    good = seed_url(WORKER)[len(server.url):]
    bad = good[:-2] + ("a" if good[-2] != "a" else "b") + "/"

    def refused():
        begun = time.monotonic()
        answer = server.get(bad + "meta-data")
        tap.eq((answer.status, answer.text.count("\n")), (404, 1), answer.text)
        return time.monotonic() - begun
    took = min(refused() for _ in range(5))  # the machine may be busy elsewhere for a while
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
