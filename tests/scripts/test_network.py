#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How a node comes by its addresses: what network-config says for each kind of node."""
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
import nodes  # noqa: E402
import tap  # noqa: E402

TREE = nodes.Tree(nodes.rich_tree())
GATEWAY4 = {"to": "0.0.0.0/0", "via": "10.0.20.1"}
GATEWAY6 = {"to": "::/0", "via": "fd00:20::1"}
DNS = {"addresses": ["10.0.20.1"], "search": ["home.arpa"]}


def ethernets(node):
    parsed = yaml.safe_load(TREE.render(node, "network-config"))
    tap.eq(parsed.pop("version"), 2)
    return parsed["ethernets"]


def matched(number, mac):
    return {"match": {"macaddress": mac}, "set-name": f"eth{number}"}


def test_static():
    tap.eq(ethernets("k8s-worker-2"), {"eth0": {
        **matched(0, "bc:24:11:00:20:0c"), "dhcp4": False, "dhcp6": False,
        "addresses": ["10.0.20.12/24"], "routes": [GATEWAY4], "nameservers": DNS}})


def test_static_without_mac():
    """The only interface, whatever it is called."""
    tap.eq(ethernets("no-mac"), {"eth0": {
        "match": {"name": "e*"}, "dhcp4": False, "dhcp6": False, "addresses": ["10.0.20.60/24"],
        "routes": [GATEWAY4], "nameservers": DNS}})


def test_static_dual_stack():
    """Router advertisements have nothing to add where the gateway is known."""
    tap.eq(ethernets("dual-worker-1"), {"eth0": {
        "match": {"name": "e*"}, "dhcp4": False, "dhcp6": False, "accept-ra": False,
        "addresses": ["fd00:20::52/64", "10.0.20.52/24"], "routes": [GATEWAY6, GATEWAY4],
        "nameservers": DNS}})


def test_no_address_is_known():
    tap.eq(ethernets("shelf"), {"eth0": {**matched(0, "52:54:00:12:34:00"), "dhcp4": True,
                                         "dhcp6": False, "accept-ra": True}})
    tap.eq(ethernets("bare"), {"any": {"match": {"name": "e*"}, "dhcp4": True,
                                       "accept-ra": True}})


def test_dhcp_by_choice():
    """Nothing is written down that DHCP brings."""
    tap.eq(ethernets("reserved"), {"eth0": {**matched(0, "52:54:00:12:34:01"), "dhcp4": True,
                                            "dhcp6": True, "accept-ra": True}})


def test_dhcp_in_some_networks():
    """One interface of both kinds, one of DHCP alone, one that gets its gateway advertised."""
    tap.eq(ethernets("partly"), {
        "eth0": {**matched(0, "52:54:00:12:34:02"), "dhcp4": False, "dhcp6": True,
                 "accept-ra": True, "addresses": ["10.0.20.62/24"], "routes": [GATEWAY4],
                 "nameservers": DNS},
        "eth1": {**matched(1, "52:54:00:12:34:03"), "dhcp4": True, "dhcp6": False},
        "eth2": {**matched(2, "52:54:00:12:34:04"), "dhcp4": False, "dhcp6": False,
                 "accept-ra": True, "addresses": ["fd00:99::62/64"]}})


if __name__ == "__main__":
    tap.main()
