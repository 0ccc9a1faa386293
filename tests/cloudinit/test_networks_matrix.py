#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Networks as people have them, each through the whole chain: the seed tree, the shipped template, the
net-convert of cloud-init 22.4, 25.1 and 26.2, and the real netplan, to the units that networkd reads.

A case names what must be in the units: {"NAME.network": {"Section": {"Key": [values]}}}. `Absent` is for
keys that must not be there.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE), str(HERE.parent / "e2e")]

import netplan  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402
from test_cloudinit import client_of, fetched, once  # noqa: E402

# cloud-init's release, and that of the netplan beside it. Debian 14's needs a newer C library.
CHAINS = {"bookworm": "bookworm", "trixie": "trixie", "forky": "trixie"}

LAN, LAN2, LAN3 = "bc:24:11:00:30:01", "bc:24:11:00:30:02", "bc:24:11:00:30:03"
NETWORKS = {
    "nodes": {"cidr": "10.0.20.0/24", "vlan": 20, "gateway": "10.0.20.1", "dns": "10.0.20.1",
              "search": "home.arpa"},
    "storage": {"cidr": "10.0.30.0/24", "vlan": 30, "mtu": 9000},
    "dual": {"cidr": "10.0.40.0/24", "cidr6": "fd00:40::/64", "gateway": "10.0.40.1",
             "gateway6": "fe80::1", "vlan": 40, "dns": ["10.0.40.1", "fd00:40::53"]},
    "quiet": {"cidr": "10.0.50.0/24", "cidr6": "fd00:50::/64", "vlan": 50, "gateway": "10.0.50.1"},
    "six": {"cidr": "fd00:60::/64", "gateway": "fd00:60::1", "vlan": 60},
    "hosted": {"cidr": "203.0.113.7/32", "gateway": "172.31.1.1", "on_link": True},
    "hosted6": {"cidr": "2001:db8:7::/64", "gateway": "fe80::1"},
    "both": {"cidr": "198.51.100.9/32", "cidr6": "2001:db8:9::/64", "gateway": "198.51.100.1",
             "gateway6": "fe80::1", "on_link": True},
    "routed": {"cidr": "10.0.70.0/24", "vlan": 70, "gateway": "10.0.70.1", "routes": [
        {"to": "10.9.0.0/16", "via": "10.0.70.254"},
        {"to": "10.8.0.0/16", "via": "10.0.70.253", "metric": 200}]},
    "routed6": {"cidr": "10.0.80.0/24", "cidr6": "fd00:80::/64", "vlan": 80, "routes": [
        {"to": "fd00:99::/48", "via": "fe80::99"}, {"to": "10.99.0.0/16", "via": "10.0.80.99"}]},
}


def of(name, kind="network", **sections):
    return {f"{name}.{kind}": sections}


def network(name, **keys):
    return of(name, Network={key: value if isinstance(value, list) else [value]
                             for key, value in keys.items()})


def route(name, via, to="0.0.0.0/0"):
    return of(name, Route={"Gateway": [via], "Destination": [to]})


def both(*wanted):
    """These together; the sections of one unit are joined."""
    made = {}
    for one in wanted:
        for unit, sections in one.items():
            made.setdefault(unit, {}).update(sections)
    return made


# {name: (the node, what the units must have)}
CASES = {
    "dhcp-without-mac": ({}, {"any.network": {"Network": {"DHCP": ["ipv4"]}}}),
    "dhcp-one-card": ({"macs": LAN}, network("eth0", DHCP="ipv4")),
    "static": ({"macs": LAN, "addresses": "10.0.20.5"},
               both(network("eth0", Address="10.0.20.5/24", DNS="10.0.20.1", Domains="home.arpa"),
                    route("eth0", "10.0.20.1"))),
    "second-card-is-optional": (
        {"macs": [LAN, LAN2], "addresses": "10.0.20.5"},
        both(of("eth1", Network={"DHCP": ["ipv4"]}, Link={"RequiredForOnline": ["no"]}),
             of("eth0", Absent={"Link": "RequiredForOnline"}))),
    "two-networks-one-default-route": (
        {"macs": [LAN, LAN2], "addresses": ["10.0.20.5", "10.0.70.5"]},
        both(route("eth0", "10.0.20.1"), of("eth1", Absent={"Gateway": "10.0.70.1"}))),
    "mtu-of-the-network": ({"macs": LAN, "addresses": "10.0.30.5"},
                           of("eth0", Link={"MTUBytes": ["9000"]})),
    "dual-stack": (
        {"macs": LAN, "addresses": ["10.0.40.5", "fd00:40::5"]},
        both(network("eth0", Address=["10.0.40.5/24", "fd00:40::5/64"], IPv6AcceptRA="no"),
             of("eth0", Route={"Gateway": ["10.0.40.1", "fe80::1"]}))),
    "dual-stack-by-advertisement": (
        {"macs": LAN, "addresses": ["10.0.50.5", "fd00:50::5"]},
        both(network("eth0", IPv6AcceptRA="yes"), of("eth0", Route={"Gateway": ["10.0.50.1"]}))),
    "dual-stack-only-six": ({"macs": LAN, "addresses": "fd00:40::5"},
                            both(route("eth0", "fe80::1", "::/0"))),
    "six": ({"macs": LAN, "addresses": "fd00:60::5"},
            both(network("eth0", Address="fd00:60::5/64"), route("eth0", "fd00:60::1", "::/0"))),
    "gateway-outside": (
        {"macs": LAN, "addresses": "203.0.113.7"},
        of("eth0", Network={"Address": ["203.0.113.7/32"]},
           Route={"Gateway": ["172.31.1.1"], "GatewayOnLink": ["true"]})),
    "gateway-link-local": ({"macs": LAN, "addresses": "2001:db8:7::5"},
                           of("eth0", Route={"Gateway": ["fe80::1"]},
                              Absent={"Route": "GatewayOnLink"})),
    "gateway-outside-and-link-local": (
        {"macs": LAN, "addresses": ["198.51.100.9", "2001:db8:9::5"]},
        of("eth0", Route={"Gateway": ["198.51.100.1", "fe80::1"], "GatewayOnLink": ["true"]})),
    "routes-of-the-network": (
        {"macs": LAN, "addresses": "10.0.70.5"},
        of("eth0", Route={"Gateway": ["10.0.70.1", "10.0.70.253", "10.0.70.254"],
                          "Destination": ["0.0.0.0/0", "10.8.0.0/16", "10.9.0.0/16"],
                          "Metric": ["200"]})),
    "routes-of-both-families": (
        {"macs": LAN, "addresses": ["10.0.80.5", "fd00:80::5"]},
        of("eth0", Route={"Gateway": ["10.0.80.99", "fe80::99"]})),
    "routes-of-one-family": ({"macs": LAN, "addresses": "10.0.80.5"},
                             of("eth0", Route={"Gateway": ["10.0.80.99"]})),
    "own-name": ({"interfaces": {"lan": {"mac": LAN, "addresses": "10.0.20.5"}}},
                 both(of("lan", "link", Link={"Name": ["lan"]}),
                      of("lan", Match={"PermanentMACAddress": [LAN]}),
                      network("lan", Address="10.0.20.5/24"))),
    "name-of-the-system": ({"interfaces": {"enp3s0": {"addresses": "10.0.20.5"}}},
                           of("enp3s0", Match={"Name": ["enp3s0"]})),
    "settings-of-a-card": (
        {"interfaces": {"lan": {"mac": LAN, "addresses": "10.0.20.5", "mtu": 1400,
                                "dns": "10.0.20.53", "search": ["a.test", "b.test"],
                                "optional": True,
                                "routes": [{"to": "10.7.0.0/16", "via": "10.0.20.254"}]}}},
        of("lan", Link={"MTUBytes": ["1400"], "RequiredForOnline": ["no"]},
           Network={"DNS": ["10.0.20.53"], "Domains": ["a.test b.test"]},
           Route={"Gateway": ["10.0.20.1", "10.0.20.254"]})),
    "route-on-link": (
        {"interfaces": {"lan": {"mac": LAN, "addresses": "10.0.20.5", "routes": [
            {"to": "10.7.0.0/16", "via": "192.0.2.1", "on_link": True}]}}},
        of("lan", Route={"Gateway": ["10.0.20.1", "192.0.2.1"], "GatewayOnLink": ["true"]})),
    "no-dhcp": ({"interfaces": {"lan": {"mac": LAN, "addresses": "10.0.20.5"},
                                "spare": {"mac": LAN2, "dhcp": "none"}}},
                both(of("spare", Link={"RequiredForOnline": ["no"]}, Absent={"Network": "DHCP"}),
                     network("spare", IPv6AcceptRA="no"))),
    "dhcp-with-dns": ({"interfaces": {"lan": {"mac": LAN, "dns": "10.0.20.53"}}},
                      network("lan", DHCP="ipv4", DNS="10.0.20.53")),
    "dhcp-with-search": (
        {"interfaces": {"lan": {"mac": LAN, "dns": "10.0.20.53", "search": "a.test"}}},
        network("lan", DHCP="ipv4", DNS="10.0.20.53", Domains="a.test")),
    "dhcp-both": ({"interfaces": {"lan": {"mac": LAN, "dhcp": "both"}}}, network("lan", DHCP="yes")),
    "dhcp-beside-static": (
        {"interfaces": {"lan": {"mac": LAN, "addresses": "10.0.20.5", "dhcp": "ipv6"}}},
        network("lan", DHCP="ipv6", Address="10.0.20.5/24", IPv6AcceptRA="yes")),
    "default-route-by-choice": (
        {"interfaces": {"lan": {"mac": LAN, "addresses": "10.0.20.5"},
                        "wan": {"mac": LAN2, "addresses": "10.0.70.5", "default_route": True}}},
        both(of("lan", Absent={"Gateway": "10.0.20.1"}),
             of("wan", Route={"Gateway": ["10.0.70.1", "10.0.70.253", "10.0.70.254"]}))),
    "default-route-beside-dhcp": (
        {"interfaces": {"lan": {"mac": LAN, "addresses": "10.0.20.5", "default_route": True},
                        "guest": {"mac": LAN2, "dhcp": "ipv4"}}},
        both(of("guest", DHCP={"UseRoutes": ["false"]}), route("lan", "10.0.20.1"))),
    "vlans-on-a-card": (
        {"interfaces": {"lan": {"mac": LAN},
                        "servers": {"vlan": 20, "link": "lan", "addresses": "10.0.20.5"},
                        "lan.30": {"vlan": 30, "link": "lan", "addresses": "10.0.30.5"}}},
        both(network("lan", VLAN=["lan.30", "servers"]), of("lan", Link={"MTUBytes": ["9000"]}),
             of("servers", "netdev", VLAN={"Id": ["20"]}, NetDev={"Kind": ["vlan"],
                                                                  "Name": ["servers"]}),
             of("lan.30", Link={"MTUBytes": ["9000"]}), route("servers", "10.0.20.1"))),
    "vlan-beside-an-untagged-address": (
        {"interfaces": {"lan": {"mac": LAN, "addresses": "10.0.20.5"},
                        "dual": {"vlan": 40, "link": "lan",
                                 "addresses": ["10.0.40.5", "fd00:40::5"]}}},
        both(network("lan", Address="10.0.20.5/24", VLAN="dual"), route("lan", "10.0.20.1"),
             of("dual", Route={"Gateway": ["fe80::1"]}))),
    "vlan-by-dhcp": ({"interfaces": {"lan": {"mac": LAN}, "v20": {"vlan": 20, "link": "lan",
                                                                  "dhcp": "ipv4"}}},
                     both(network("v20", DHCP="ipv4"), of("lan", Absent={"Network": "DHCP"}))),
    "bond-active-backup": (
        {"interfaces": {"lan1": {"mac": LAN}, "lan2": {"mac": LAN2},
                        "bond0": {"bond": ["lan1", "lan2"], "primary": "lan1",
                                  "addresses": "10.0.20.5"}}},
        both(of("bond0", "netdev", Bond={"Mode": ["active-backup"], "MIIMonitorSec": ["100ms"]},
                NetDev={"Kind": ["bond"], "MACAddress": [LAN], "Name": ["bond0"]}),
             of("lan1", Network={"Bond": ["bond0"], "PrimarySlave": ["true"]},
                Link={"RequiredForOnline": ["no"]}),
             of("lan2", Network={"Bond": ["bond0"]}, Absent={"Network": "DHCP"}),
             network("bond0", Address="10.0.20.5/24"))),
    "bond-lacp-with-vlans": (
        {"interfaces": {"lan1": {"mac": LAN}, "lan2": {"mac": LAN2},
                        "bond0": {"bond": ["lan1", "lan2"], "mode": "802.3ad", "lacp_rate": "fast",
                                  "hash_policy": "layer3+4"},
                        "servers": {"vlan": 20, "link": "bond0", "addresses": "10.0.20.5"},
                        "storage": {"vlan": 30, "link": "bond0", "addresses": "10.0.30.5"}}},
        both(of("bond0", "netdev", Bond={"Mode": ["802.3ad"], "LACPTransmitRate": ["fast"],
                                         "TransmitHashPolicy": ["layer3+4"]}),
             of("bond0", Network={"VLAN": ["servers", "storage"]}, Link={"MTUBytes": ["9000"]}),
             of("lan1", Link={"MTUBytes": ["9000"], "RequiredForOnline": ["no"]}))),
    "bond-by-dhcp": (
        {"interfaces": {"lan1": {"mac": LAN}, "lan2": {"mac": LAN2},
                        "bond0": {"bond": ["lan1", "lan2"], "mode": "balance-alb"}}},
        both(of("bond0", "netdev", Bond={"Mode": ["balance-alb"]}),
             of("bond0", Network={"DHCP": ["ipv4"]}, Absent={"Link": "RequiredForOnline"}))),
    "bridge": (
        {"interfaces": {"lan": {"mac": LAN}, "br0": {"bridge": "lan", "addresses": "10.0.20.5"}}},
        both(of("br0", "netdev", Bridge={"STP": ["false"]},
                NetDev={"Kind": ["bridge"], "MACAddress": [LAN], "Name": ["br0"]}),
             network("lan", Bridge="br0"), network("br0", Address="10.0.20.5/24"),
             route("br0", "10.0.20.1"))),
    "bridge-with-stp-by-dhcp": (
        {"interfaces": {"lan": {"mac": LAN}, "lan2": {"mac": LAN2},
                        "br0": {"bridge": ["lan", "lan2"], "stp": True}}},
        both(of("br0", "netdev", Bridge={"STP": ["true"]}), network("br0", DHCP="ipv4"))),
    "bridge-on-a-vlan-of-a-bond": (
        {"interfaces": {"lan1": {"mac": LAN}, "lan2": {"mac": LAN2},
                        "bond0": {"bond": ["lan1", "lan2"]}, "v20": {"vlan": 20, "link": "bond0"},
                        "br20": {"bridge": "v20", "addresses": ["10.0.20.5"]},
                        "oob": {"mac": LAN3, "addresses": "10.0.70.5"}}},
        both(of("br20", "netdev", NetDev={"Kind": ["bridge"], "MACAddress": [LAN],
                                          "Name": ["br20"]}),
             network("v20", Bridge="br20"), network("bond0", VLAN="v20"),
             route("br20", "10.0.20.1"))),
    "vlan-on-a-bridge": (
        {"interfaces": {"lan": {"mac": LAN}, "br0": {"bridge": "lan", "addresses": "10.0.20.5"},
                        "v70": {"vlan": 70, "link": "br0", "addresses": "10.0.70.5"}}},
        both(network("br0", VLAN="v70"), network("v70", Address="10.0.70.5/24"))),
}


def cloudseed(tree, *args):
    done = subprocess.run([str((BUILD / "cloudseed").resolve()), *args, "--templates",
                           str(SOURCE / "templates")], capture_output=True, text=True,
                          cwd=tree.folder, timeout=300, check=False)
    tap.eq((done.returncode, done.stderr), (0, ""), f"{args}: {done.stdout}")
    return done.stdout


def rendered():
    """{case: path of its network-config}, each of a tree of its own, which check has nothing against."""
    paths = {}
    for name, (node, _) in CASES.items():
        tree = world.Tree(networks=NETWORKS)
        tree.put("roles/plain.yaml", {"plain": {"templates": {"network-config": "network-config"}}})
        tree.node("n", **node)
        tap.contains(cloudseed(tree, "check", "seed"), "no faults")
        paths[name] = tree.folder / "network-config"
        paths[name].write_text(cloudseed(tree, "render", "n", "network-config", "--seed", "seed"),
                               encoding="utf-8")
    return paths


def macs_of(path):
    nics = yaml.safe_load(path.read_text(encoding="utf-8"))["ethernets"]
    return [(name, nic["match"]["macaddress"]) for name, nic in nics.items()
            if "macaddress" in nic.get("match", {})]


def converted(suite, kind):
    """{case: {path: text} that this cloud-init makes of it for that kind of system}."""
    paths = once(rendered)
    client = once(client_of, suite)
    out = world.scratch()
    made = client.convert([(str(path), kind, macs_of(path)) for path in paths.values()], out)
    return dict(zip(paths, made))


def is_required(name, units):
    """netplan 1.1 lists what a boot waits for in a file of its own, of the cards that this host has."""
    waits = units.get("10-netplan.conf", {}).get("Service", {}).get("ExecStart", [])
    return any(f" -i {name.rsplit('.', 1)[0]}:" in line for line in waits)


def missing(wanted, units, suite):
    """What is wanted and not in the units."""
    for name, sections in wanted.items():
        unit = units.get(f"10-netplan-{name}")
        if unit is None:
            yield name, "there is no such unit"
            continue
        newer = suite != "bookworm" and sections.get("Link", {}).get("RequiredForOnline")
        if newer and not is_required(name, units):
            unit.setdefault("Link", {})["RequiredForOnline"] = ["no"]
        for section, keys in sections.items():
            if section == "Absent":
                for part, key in keys.items():
                    if key in unit.get(part, {}) or key in unit.get("Route", {}).get(part, []):
                        yield name, part, key, "is there"
                continue
            for key, values in keys.items():
                found = unit.get(section, {}).get(key, [])
                if sorted(found) != sorted(values):
                    yield name, section, key, found, "and not", values


def check(suite, names):
    def test():
        real = once(fetched, netplan.Netplan, CHAINS[suite])
        texts = once(converted, suite, "netplan")
        for name in names:
            (text,) = texts[name].values()
            units = real.generate(text)
            tap.eq(list(missing(CASES[name][1], units, suite)), [], f"{name}\n{text}\n{units}")
    return test


def test_there_are_enough_cases():
    assert len(CASES) >= 24, len(CASES)


for _suite in CHAINS:
    for _name in CASES:
        globals()[f"test_{_suite}_{_name.replace('-', '_')}"] = check(_suite, [_name])


def test_examples_of_the_page():
    page = (SOURCE / "docs/networks.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    tree = world.Tree(networks=blocks[0]["networks"])
    tree.put("roles/plain.yaml", {"plain": {"templates": {"network-config": "network-config"}}})
    for block in blocks[1:]:
        for name, node in block.items():
            tree.node(name, **node)
    tap.contains(cloudseed(tree, "check", "seed"), f"{len(blocks) - 1} nodes")


def check_networkd(suite):
    """cloud-init's own networkd units have the addresses of plain cards."""
    def test():
        texts = once(converted, suite, "networkd")
        for name, (node, _) in CASES.items():
            if "interfaces" in node:
                continue  # before 26 it writes no VLANs, bonds or bridges there
            units = [netplan.unit(text) for text in texts[name].values()]
            found = {value.split("/")[0] for unit in units for section in ("Network", "Address")
                     for value in unit.get(section, {}).get("Address", [])}
            addresses = node.get("addresses", [])
            tap.eq(found, {addresses} if isinstance(addresses, str) else set(addresses), name)
    return test


for _suite in CHAINS:
    globals()[f"test_networkd_{_suite}"] = check_networkd(_suite)

if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    tap.main()
