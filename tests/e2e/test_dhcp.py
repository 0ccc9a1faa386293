#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed dhcp`: what it prints for the shipped tree and for odd ones, and what it refuses.

UPDATE_GOLDEN=1 writes tests/golden/dhcp anew.
"""
import json
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402

WORLD = tap.enter(cli.World())
GOLDEN = cli.SOURCE / "tests" / "golden" / "dhcp"
HOMELAB = ["--seed", cli.SOURCE / "seed", "--templates", cli.SOURCE / "templates"]
PRINTED = {
    "dnsmasq.conf": ["--for", "dnsmasq"],
    "dnsmasq-proxy.conf": ["--for", "dnsmasq", "--proxy"],
    "kea-dhcp4.conf": ["--for", "kea"],
    "opnsense.txt": ["--for", "opnsense"],
    "plan.json": ["--json"],
}

SITE = """
name: odd
url: http://10.0.10.5:8080
networks:
  plain: {cidr: 10.0.20.0/24}
  wide: {cidr: 10.0.32.0/19, vlan: 5, gateway: 10.0.32.1, dns: [10.0.32.2, "fd00::2", 10.0.32.3],
         search: [a.example, b.example]}
  six: {cidr: "fd00:6::/64", gateway: "fd00:6::1"}
"""
NODES = """
both: {role: r, macs: ["02:00:00:00:00:01", "02:00:00:00:00:02"],
       addresses: [10.0.20.5, 10.0.32.5, "fd00:6::5"]}
no-mac: {role: r, addresses: [10.0.20.6]}
second-first: {role: r, macs: ["02:00:00:00:00:03", "02:00:00:00:00:06"],
               addresses: [10.0.32.7, 10.0.20.7]}
two-addresses: {role: r, macs: ["02:00:00:00:00:04"], addresses: [10.0.20.8, 10.0.20.9]}
"""


def odd(site=SITE):
    WORLD.write("odd/site.yaml", site)
    WORLD.write("odd/roles/r.yaml", "r: {}\n")
    WORLD.write("odd/nodes/n.yaml", NODES)
    return ["--seed", WORLD.path / "odd"]


def plan(*words):
    return json.loads(WORLD.good("dhcp", "--json", *words))


def kea(*words):
    text = WORLD.good("dhcp", "--for", "kea", *words)
    return json.loads("".join(line for line in text.splitlines() if not line.startswith("//")))


def test_homelab():
    for name, words in PRINTED.items():
        got = WORLD.good("dhcp", *words, *HOMELAB)
        if os.environ.get("UPDATE_GOLDEN"):
            (GOLDEN / name).write_text(got)
        tap.eq(got, (GOLDEN / name).read_text(), name)


def test_json_holds_the_text_that_is_asked_for():
    for words in list(PRINTED.values())[:-1]:
        got = plan(*words, *HOMELAB)
        tap.eq(got.pop("text"), WORLD.good("dhcp", *words, *HOMELAB))
        tap.eq(got, json.loads((GOLDEN / "plan.json").read_text()))


def test_macs_have_the_addresses_that_they_get_in_network_config():
    got = plan(*odd())
    reserved = {net["name"]: [(r["name"], r["mac"][-2:], r["address"]) for r in net["reservations"]]
                for net in got["networks"]}
    tap.eq(reserved, {
        "plain": [("both", "01", "10.0.20.5"), ("second-first", "06", "10.0.20.7"),
                  ("two-addresses", "04", "10.0.20.8")],
        "wide": [("both", "02", "10.0.32.5"), ("second-first", "03", "10.0.32.7")]})


def test_what_is_left_out_is_told():
    want = ["no-mac: 10.0.20.6 in network plain: the tree has no MAC for it",
            "two-addresses: 10.0.20.9: DHCP gives an interface one address in a network",
            "network six (fd00:6::/64): the server's url is of IPv4; for IPv6 give one with --url"]
    tap.eq(plan(*odd())["left_out"][:3], want)
    for words in list(PRINTED.values())[:-1]:
        out = WORLD.good("dhcp", *words, *odd())
        for line in want:
            tap.contains(out, f" - {line}\n")
        assert "fd00::2" not in out, out


def test_one_network():
    got = plan("--network", "wide", *odd())
    tap.eq([net["name"] for net in got["networks"]], ["wide"])
    assert "10.0.20." not in json.dumps(got), got
    tap.eq([(s["id"], s["subnet"]) for s in kea("--network", "wide", *odd())["Dhcp4"]["subnet4"]],
           [(2, "10.0.32.0/19")])


def test_a_network_without_router_and_dns():
    out = WORLD.good("dhcp", "--for", "dnsmasq", *odd())
    for option in ("router", "dns-server"):  # without a value: else dnsmasq names itself
        tap.contains(out, f"\ndhcp-option=tag:cloudseed-net-plain,option:{option}\n")
    tap.contains(out, "\ndhcp-range=set:cloudseed-net-wide,10.0.32.0,static,255.255.224.0,3600\n")
    plain, wide = kea(*odd())["Dhcp4"]["subnet4"]
    tap.eq(plain["option-data"], [])
    tap.eq([o["data"] for o in wide["option-data"]],
           ["10.0.32.1", "10.0.32.2, 10.0.32.3", "a.example", "a.example, b.example"])


def test_url():
    got = plan("--url", "http://192.0.2.7:81/", *HOMELAB)
    tap.eq((got["url"], got["next_server"]), ("http://192.0.2.7:81", "192.0.2.7"))
    tap.eq([b["file"] for b in got["boot"]],
           ["http://192.0.2.7:81/boot.ipxe", "undionly.kpxe", "snponly.efi",
            "ipxe-arm64.efi", "http://192.0.2.7:81/assets/snponly.efi",
            "http://192.0.2.7:81/assets/ipxe-arm64.efi"])
    tap.eq(plan("--url", "http://192.0.2.7", *HOMELAB)["next_server"], "192.0.2.7")
    done = WORLD.run("dhcp", "--for", "kea", "--url", "https://192.0.2.7", *HOMELAB)
    tap.eq(done.returncode, 0)
    tap.contains(done.stderr, "no HTTPS")


def test_secure_boot():
    """shim is what UEFI loads, and nothing that it would refuse is named."""
    got = plan("--secure-boot", *HOMELAB)
    tap.eq([(b["name"], b["file"]) for b in got["boot"]],
           [("ipxe", f"{got['url']}/boot.ipxe"), ("bios", "undionly.kpxe"),
            ("uefi", "shimx64.efi")])
    tap.contains(got["left_out"], "UEFI HTTP boot (16, 19) and arm64 (11) with Secure Boot")
    for words in (["dnsmasq"], ["dnsmasq", "--proxy"], ["kea"], ["opnsense"]):
        out = WORLD.good("dhcp", "--secure-boot", "--for", *words, *HOMELAB)
        tap.contains(out, "shimx64.efi")
        assert "snponly" not in out and "arm64.efi" not in out, out


def test_urls_that_firmware_cannot_be_told():
    for url, why in [("http://seed.home.arpa:8080", "has a name"),
                     ("http://[fd00::5]:8080", "has no addresses of IPv6")]:
        said = WORLD.bad(1, "dhcp", "--for", "kea", "--url", url, *HOMELAB)
        tap.contains(said, why)
        tap.contains(said, "--url")


def test_networks_that_are_not_there():
    tap.contains(WORLD.bad(1, "dhcp", "--for", "kea", "--network", "node", *HOMELAB),
                 "there is no network 'node'; did you mean 'nodes'?")
    tap.contains(WORLD.bad(1, "dhcp", "--for", "kea", "--network", "six", *odd()),
                 "network 'six' has no addresses of IPv4")


def test_command_lines_that_are_wrong():
    for words, why in [([], "--for"), (["--for", "isc"], "expected opnsense, kea or dnsmasq"),
                       (["--for", "keaa"], "did you mean 'kea'?"),
                       (["--for", "kea", "--proxy"], "--proxy is only for --for dnsmasq"),
                       (["--json", "--proxy"], "--proxy is only for --for dnsmasq")]:
        tap.contains(WORLD.bad(cli.MISUSED, "dhcp", *words, *HOMELAB), why)


tap.main()
