# SPDX-License-Identifier: Apache-2.0
"""The network: the server on one VLAN, the machines on another, and a router between them.

The router is a network namespace with what an OPNsense would have: the firewall of site/, and
dnsmasq with the settings that `cloudseed dhcp` made. This namespace itself is the server's host.
"""
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = "10.0.10.5"
ROUTER = ["nsenter", "--net=/run/netns/router"]
BESIDE = ["nsenter", "--net=/run/netns/beside"]  # some host in the machines' network
RULES = os.path.join(HERE, "site", "firewall.nft")
# As the head of the settings has admins do it: unknown machines get an address, too.
FOR_OTHERS = "dhcp-range=set:cloudseed-net-nodes,10.0.20.200,10.0.20.219,1h\n"


def ip(*words, netns=None):
    subprocess.run(["ip", *(["-n", netns] if netns else []), *words], check=True)


def forward(netns):
    subprocess.run(["nsenter", f"--net=/run/netns/{netns}", "sh", "-c",
                    "echo 1 >/proc/sys/net/ipv4/ip_forward"], check=True)


def begin():
    ip("link", "set", "lo", "up")
    for netns in ("router", "beside"):
        ip("netns", "add", netns)
        ip("link", "set", "lo", "up", netns=netns)
    ip("link", "add", "mgmt", "type", "veth", "peer", "name", "mgmt", "netns", "router")
    ip("address", "add", f"{SERVER}/24", "dev", "mgmt")
    ip("link", "set", "mgmt", "up")
    ip("address", "add", "10.0.10.1/24", "dev", "mgmt", netns="router")
    ip("link", "set", "mgmt", "up", netns="router")
    ip("route", "add", "default", "via", "10.0.10.1")
    ip("link", "add", "nodes", "type", "bridge", "stp_state", "0", "forward_delay", "0",
       netns="router")
    ip("address", "add", "10.0.20.1/24", "dev", "nodes", netns="router")
    ip("link", "set", "nodes", "up", netns="router")
    ip("link", "add", "eth0", "netns", "beside", "type", "veth", "peer", "name", "port0",
       "netns", "router")
    ip("link", "set", "port0", "master", "nodes", "up", netns="router")
    ip("address", "add", "10.0.20.250/24", "dev", "eth0", netns="beside")
    ip("link", "set", "eth0", "up", netns="beside")
    ip("route", "add", "default", "via", "10.0.20.1", netns="beside")
    forward("router")
    firewall()


def firewall(without=None):
    """The rules anew, all but those that hold a word."""
    with open(RULES, encoding="utf-8") as f:
        kept = [line for line in f if not without or without not in line]
    subprocess.run([*ROUTER, "nft", "-f", "-"], input="flush ruleset\n" + "".join(kept), text=True,
                   check=True)


def plug(name):
    """A socket of the switch that machines are on, for a VM."""
    ip("tuntap", "add", name, "mode", "tap", netns="router")
    ip("link", "set", name, "master", "nodes", "up", netns="router")


def unplug(name):
    ip("link", "delete", name, netns="router")


class Dnsmasq:
    """The router's DHCP server, with those settings."""

    def __init__(self, settings, logs, scratch):
        self.log = os.path.join(logs, "dnsmasq.log")
        file, leases = f"{scratch}/dnsmasq.conf", f"{scratch}/leases"
        with open(file, "w", encoding="utf-8") as f:
            f.write(settings + FOR_OTHERS)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*ROUTER, "dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-dhcp",
                 "--port=0", "--interface=nodes", "--bind-interfaces", "--user=root",
                 "--group=root", "--pid-file=", f"--dhcp-leasefile={leases}",
                 f"--conf-file={file}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def classes(self, mac):
        """The vendor classes that a card has asked with, in order."""
        found, asking = [], {}
        for line in self.said().splitlines():
            m = re.search(r"dnsmasq-dhcp\[\d+\]: (\d+) (.*)", line)
            if m and m[2].startswith("vendor class: "):
                asking[m[1]] = m[2][len("vendor class: "):]
            elif m and re.match(r"DHCPDISCOVER\(\w+\) (\S+ )?" + mac, m[2]):
                found.append(m[1])
        return [asking[number] for number in dict.fromkeys(found) if number in asking]
