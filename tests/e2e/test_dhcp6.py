#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed dhcp` where the server's URL is of IPv6: the real dnsmasq and Kea take it, and give by DHCPv6
the addresses and the URLs (option 59) that firmware and iPXE ask for. In a network namespace of its own."""
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import kea  # noqa: E402
import tap  # noqa: E402

MARK = "CLOUDSEED_TEST_NETWORK"
ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
os.environ["PATH"] += ":/usr/sbin:/sbin"
MISSING = [p for p in ("dnsmasq", "ip", "unshare") if not shutil.which(p)]
if not MISSING and subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode:
    MISSING = ["a network namespace"]
if not MISSING and MARK not in os.environ:  # what is made goes away with the test
    with contextlib.suppress(tap.Skip):
        kea.trees("dhcp6")
    os.execvpe("unshare", [*ALONE, sys.executable, "-B", *sys.argv], {**os.environ, MARK: "1"})

WORLD = tap.enter(cli.World())
URL = "http://[fd00:10::5]:8080"
SITE = f"""
name: six
url: "{URL}"
networks:
  nodes: {{cidr: 10.0.20.0/24, cidr6: "fd00:20::/64", gateway: 10.0.20.1,
          dns: [10.0.20.1, "fd00:20::1"], search: [home.arpa]}}
  old: {{cidr: 10.0.30.0/24}}
"""
MAC = "bc:24:11:00:20:0c"  # Kea finds it in a link-local address only if it is not a local one
NODES = f"""
w1: {{role: r, macs: ["02:00:00:00:20:0b"], addresses: [10.0.20.11, "fd00:20::11"]}}
w2: {{role: r, macs: ["{MAC}"], addresses: [10.0.20.12, "fd00:20::12"]}}
"""
WORLD.write("six/site.yaml", SITE)
WORLD.write("six/roles/r.yaml", "r: {}\n")
WORLD.write("six/nodes/n.yaml", NODES)
SIX = ["--seed", WORLD.path / "six"]
CLIENT_ID, IA_NA, ADDRESS, WANTED, TIME, USER_CLASS, VENDOR_CLASS, DNS, SEARCH = 1, 3, 5, 6, 8, 15, 16, 23, 24
URL_OF_FILE, ARCH = 59, 61


def test_the_plan_is_of_the_family_of_the_url():
    plan = json.loads(WORLD.good("dhcp", "--json", *SIX))
    net, = plan["networks"]
    tap.eq((plan["next_server"], net["subnet"], net["router"]), ("fd00:10::5", "fd00:20::/64", None))
    tap.eq([r["address"] for r in net["reservations"]], ["fd00:20::11", "fd00:20::12"])
    tap.eq(plan["left_out"][:2],
           [f"network {name}: the server's url is of IPv6; for IPv4 give one with --url"
            for name in ("nodes (10.0.20.0/24)", "old (10.0.30.0/24)")])
    tap.contains(WORLD.bad(1, "dhcp", "--json", "--network", "old", *SIX),
                 "network 'old' has no addresses of IPv6, the family of the server's url")
    four = json.loads(WORLD.good("dhcp", "--json", "--url", "http://10.0.10.5:8080", *SIX))
    tap.eq([n["subnet"] for n in four["networks"]], ["10.0.20.0/24", "10.0.30.0/24"])


def test_what_is_written_only_for_ipv4():
    for words in (["--for", "opnsense"], ["--for", "dnsmasq", "--proxy"]):
        said = WORLD.bad(1, "dhcp", *words, *SIX)
        tap.contains(said, "DHCPv6 is written only for kea, and for dnsmasq without --proxy: give an IPv4 one")
    tap.contains(WORLD.bad(1, "doctor", "dhcp", "--interface", "lo", *SIX),
                 "DHCPv6 is not asked: give an IPv4 one")


# --- the real servers ---

def option(number, data):
    return struct.pack("!HH", number, len(data)) + data


def vendor_class(name):
    return struct.pack("!IH", 343, len(name)) + name


HTTP_CLASS = vendor_class(b"HTTPClient")
HTTP = option(VENDOR_CLASS, vendor_class(b"HTTPClient:Arch:00016:UNDI:003016"))


def options(data):
    found = {}
    while data:
        number, size = struct.unpack("!HH", data[:4])
        found[number], data = data[4:4 + size], data[4 + size:]
    return found


def solicit(more):
    """RFC 8415; the client's id is a UUID, as firmware's: servers must find the MAC elsewhere."""
    return (b"\x01abc" + option(CLIENT_ID, struct.pack("!H", 4) + bytes(range(16))) +
            option(IA_NA, struct.pack("!III", 1, 0, 0)) + option(TIME, bytes(2)) +
            option(WANTED, struct.pack("!HHH", DNS, SEARCH, URL_OF_FILE)) + more)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Wire:
    """`near` is a machine's card, `far` the server's; addresses count at once."""

    def __init__(self):
        ip("link", "set", "lo", "up")
        ip("link", "add", "far", "type", "veth", "peer", "near")
        ip("link", "set", "near", "address", MAC)
        for end in ("near", "far"):
            Path(f"/proc/sys/net/ipv6/conf/{end}/accept_dad").write_text("0", encoding="ascii")
            ip("link", "set", end, "up")
        ip("address", "add", "fd00:20::1/64", "dev", "far", "nodad")
        self.socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.socket.bind(("::", 546))
        self.socket.settimeout(0.2)
        self.card = socket.if_nametoindex("near")

    def ask(self, server, more=b""):
        """The options of an offer; asked again until the server is there, and its link."""
        def once():
            assert server.poll() is None, "the server has ended"
            try:
                self.socket.sendto(solicit(more), ("ff02::1:2", 547, 0, self.card))
                return options(self.socket.recv(4096)[4:])
            except OSError:
                return None
        return tap.wait_until(once, what="an offer")


MADE = {}


def check_offers(argv, http, env=None):
    wire = MADE["wire"] = MADE.get("wire") or Wire()
    server = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        check_what_is_offered(lambda more=b"": wire.ask(server, more), http)
    finally:
        server.terminate()
        server.wait(cli.SECONDS)


def check_what_is_offered(ask, http):
    tftp = "tftp://[fd00:10::5]"
    user_class = option(USER_CLASS, struct.pack("!H", 4) + b"iPXE")
    for arch, more, url in ((7, b"", f"{tftp}/snponly.efi"), (9, b"", f"{tftp}/snponly.efi"),
                            (7, user_class, f"{URL}/boot.ipxe"), (16, user_class, f"{URL}/boot.ipxe"),
                            (11, b"", f"{tftp}/ipxe-arm64.efi"), (16, HTTP, http and f"{http}/snponly.efi"),
                            (19, HTTP, http and f"{http}/ipxe-arm64.efi"), (6, b"", None)):
        offer = ask(option(ARCH, struct.pack("!H", arch)) + more)
        tap.eq(offer.get(URL_OF_FILE), url and url.encode(), (arch, more))
        tap.eq(offer.get(VENDOR_CLASS), HTTP_CLASS if http and more == HTTP else None, (arch, more))
    offer = ask()
    tap.eq((offer.get(URL_OF_FILE), offer[DNS], offer[SEARCH]),
           (None, socket.inet_pton(socket.AF_INET6, "fd00:20::1"), b"\x04home\x04arpa\0"))
    tap.eq(options(offer[IA_NA][12:])[ADDRESS][:16], socket.inet_pton(socket.AF_INET6, "fd00:20::12"))


def test_dnsmasq_gives_addresses_and_urls():
    if MISSING:
        raise tap.Skip(f"missing: {MISSING}")
    settings = WORLD.write("six.conf", WORLD.good("dhcp", "--for", "dnsmasq", *SIX))
    check_offers(["dnsmasq", "--keep-in-foreground", "--port=0", "--interface=far", "--bind-interfaces",
                  "--user=root", "--group=root", "--pid-file=", "--log-facility=-",
                  f"--dhcp-leasefile={WORLD.path}/leases", f"--conf-file={settings}"], http=None)


def test_kea_gives_addresses_and_urls():
    if MISSING:
        raise tap.Skip(f"missing: {MISSING}")
    server = kea.Kea("dhcp6", WORLD.path)
    text = WORLD.good("dhcp", "--for", "kea", *SIX)
    server.accepts(WORLD.write("kea6.conf", text))
    check_offers(server.argv(text, "far"), f"{URL}/assets", server.env)


tap.main()
