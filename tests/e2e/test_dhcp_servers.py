#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The settings of `cloudseed dhcp` in the real dnsmasq and Kea: they take them, and clients that ask
as firmware does get what the plan says. All in a network namespace of its own.
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "lib"), str(HERE.parents[1] / "tools")]
import cli  # noqa: E402
import dhcpclient as dhcp  # noqa: E402
import kea as keas  # noqa: E402
import tap  # noqa: E402

MARK = "CLOUDSEED_TEST_NETWORK"
ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def reason_to_skip():
    for program in ("dnsmasq", "ip", "unshare"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        return "no network namespace can be made"
    return None


os.environ["PATH"] += ":/usr/sbin:/sbin"
WHY_NOT = reason_to_skip()
if not WHY_NOT and MARK not in os.environ:  # what is made goes away with the test
    with contextlib.suppress(tap.Skip):
        keas.trees("dhcp4")
    os.execvpe("unshare", [*ALONE, sys.executable, "-B", *sys.argv], {**os.environ, MARK: "1"})

WORLD = tap.enter(cli.World())
HOMELAB = ["--seed", cli.SOURCE / "seed", "--templates", cli.SOURCE / "templates"]
SERVER, OTHER_SERVER = "10.0.10.5", "10.0.20.5"
NO_MENU = b"\x06\x01\x08\x0a\x04\0PXE\xff"  # "boot the file", and a prompt that nobody sees
URL = f"http://{SERVER}:8080"
UNKNOWN, BOOTING = "02:00:00:00:00:99", "10.0.20.199"
KIND = {
    "BIOS": (dhcp.firmware(0), "undionly.kpxe"),
    "UEFI, x86-64": (dhcp.firmware(7), "snponly.efi"),
    "UEFI, x86-64, as some say it": (dhcp.firmware(9), "snponly.efi"),
    "UEFI HTTP boot": (dhcp.firmware(16, "HTTPClient"), f"{URL}/assets/snponly.efi"),
    "UEFI HTTP boot that does not ask for its class": (
        {**dhcp.firmware(16, "HTTPClient"), dhcp.LIST: bytes([dhcp.MASK, dhcp.ROUTER, dhcp.DNS,
         dhcp.HOSTNAME, dhcp.DOMAIN, dhcp.FILE, dhcp.SEARCH])}, f"{URL}/assets/snponly.efi"),
    "iPXE after HTTP boot, as no firmware should say it": (dhcp.ipxe(16), f"{URL}/boot.ipxe"),
    "iPXE on BIOS": (dhcp.ipxe(0), f"{URL}/boot.ipxe"),
    "iPXE on UEFI": (dhcp.ipxe(7), f"{URL}/boot.ipxe"),
    "UEFI, arm64": (dhcp.firmware(11), "ipxe-arm64.efi"),
    "UEFI HTTP boot, arm64": (dhcp.firmware(19, "HTTPClient"), f"{URL}/assets/ipxe-arm64.efi"),
    "iPXE on arm64": (dhcp.ipxe(11), f"{URL}/boot.ipxe"),
    "UEFI of 32-bit x86": (dhcp.firmware(6), ""),
    "a system": (dhcp.system(), ""),
}
PLAN = json.loads(WORLD.good("dhcp", "--json", "--network", "nodes", *HOMELAB))
NODES = [(r["name"], r["mac"], r["address"]) for r in PLAN["networks"][0]["reservations"]]
DNSMASQ = {"dnsmasq": ["--for", "dnsmasq"], "proxy": ["--for", "dnsmasq", "--proxy"],
           "opnsense": ["--for", "opnsense"]}


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def settings(name, *words, tree=None, more=""):
    return WORLD.write(name, WORLD.good("dhcp", *words, *(tree or HOMELAB)) + more)


# --- the servers ---

class Wire:
    """A cable: `far` is the server's end, with its address, `near` the machines'."""

    def __init__(self):
        if WHY_NOT:
            raise tap.Skip(WHY_NOT)
        ip("link", "set", "lo", "up")
        ip("link", "add", "far", "type", "veth", "peer", "near")
        for end in ("far", "near"):
            ip("link", "set", end, "up")
        self.address("10.0.20.1/24")
        self.client = dhcp.Client("near")
        shown = subprocess.run(["ip", "-json", "link", "show", "far"], stdout=subprocess.PIPE,
                               check=True).stdout
        self.far_mac = bytes.fromhex(json.loads(shown)[0]["address"].replace(":", ""))

    @staticmethod
    def address(one):
        """The server's, alone."""
        ip("address", "flush", "dev", "far")
        ip("address", "add", one, "dev", "far")


class Served:
    """A DHCP server that runs while its `with` does."""

    def __init__(self, argv, env=None):
        self.log = WORLD.path / "server.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=env)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.process.wait(cli.SECONDS)
        if kind:
            print("".join(f"# {line}\n" for line in self.log.read_text().splitlines()[-40:]))


def wire():
    if "wire" not in MADE:
        MADE["wire"] = Wire()
    return MADE["wire"]


def dnsmasq(*words, more=""):
    file = settings("dnsmasq.conf", *words, more=more)
    leases = WORLD.path / "leases"
    leases.unlink(missing_ok=True)
    return Served(["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--log-dhcp", "--port=0",
                   "--interface=far", "--bind-interfaces", "--user=root", "--group=root",
                   "--no-ping", "--pid-file=", f"--dhcp-leasefile={leases}",
                   f"--conf-file={file}"])


MADE = {}


def kea():
    if "kea" not in MADE:
        MADE["kea"] = keas.Kea("dhcp4", WORLD.path)
    return MADE["kea"]


# --- what they say ---

def check_answer(answer, what, mac_name, address, file):
    about = f"{what}: {answer.options}"
    tap.eq(answer.file, file, about)
    tap.eq(answer.address, address, about)
    if file:
        tap.eq(answer.next_server, SERVER, about)
    echoed = b"HTTPClient" if what.startswith("UEFI HTTP boot") else None
    tap.eq(answer.options.get(dhcp.CLASS), echoed, about)
    tap.eq(answer.options[dhcp.HOSTNAME].rstrip(b"\0").split(b".")[0], mac_name.encode(), about)
    tap.eq(answer.addresses(dhcp.MASK), ["255.255.255.0"], about)
    tap.eq(answer.addresses(dhcp.ROUTER), ["10.0.20.1"], about)
    tap.eq(answer.addresses(dhcp.DNS), ["10.0.20.1"], about)
    tap.eq(answer.options[dhcp.DOMAIN].rstrip(b"\0"), b"home.arpa", about)
    tap.eq(answer.options[dhcp.SEARCH], b"\x04home\x04arpa\0", about)
    assert dhcp.VENDOR not in answer.options, about  # a menu that BIOS would wait for


def check_everyone():
    """All kinds of clients, one after the other on the same machines: each has the machine's
    address, whatever its client id."""
    for what, (options, file) in KIND.items():
        for name, mac, address in NODES:
            for answer in wire().client.lease(mac, options):
                check_answer(answer, what, name, address, file)


def check_stranger_is_not_answered():
    """An answer to somebody who asked later comes first."""
    client = wire().client
    strange = client.send(UNKNOWN, dhcp.DISCOVER, dhcp.firmware(0))
    known = client.send(NODES[0][1], dhcp.DISCOVER, dhcp.firmware(0))
    tap.eq(client.answer({strange, known}, 30).xid, known)


# --- tests ---

def test_dnsmasq_takes_what_is_for_it():
    if WHY_NOT:
        raise tap.Skip(WHY_NOT)
    for name, words in DNSMASQ.items():
        for tree in (HOMELAB, []):
            file = settings(f"{name}.conf", *words, tree=tree)
            done = subprocess.run(["dnsmasq", "--test", f"--conf-file={file}"], text=True,
                                  capture_output=True, check=False)
            tap.eq((done.returncode, done.stdout + done.stderr),
                   (0, "dnsmasq: syntax check OK.\n"), name)


def test_kea_takes_what_is_for_it():
    kea().accepts(settings("kea-test.conf", "--for", "kea"))
    kea().accepts(settings("kea-test.conf", "--for", "kea", tree=["--url", "http://10.0.10.5"]))
    kea().accepts(settings("kea-test.conf", "--for", "kea", tree=["--network", "nodes", *HOMELAB]))


def test_dnsmasq_says_it():
    wire().address("10.0.20.1/24")
    with dnsmasq("--for", "dnsmasq"):
        check_everyone()
        check_stranger_is_not_answered()


def test_dnsmasq_of_opnsense_says_it():
    """What is filled in on its pages, as its template makes dnsmasq's lines of it."""
    wire().address("10.0.20.1/24")
    with dnsmasq("--for", "opnsense", more="""
dhcp-range=tag:far,set:cloudseed,10.0.20.1,static,86400
dhcp-option=tag:far,3,10.0.20.1
dhcp-option=tag:far,6,10.0.20.1
dhcp-option=tag:far,119,home.arpa
domain=home.arpa,10.0.20.1,10.0.20.254
"""):
        check_everyone()


def test_kea_says_it():
    wire().address("10.0.20.1/24")
    argv = kea().argv(WORLD.good("dhcp", "--for", "kea", *HOMELAB), "far")
    with Served(argv, kea().env):
        check_everyone()
        check_stranger_is_not_answered()


def test_a_range_for_others():
    wire().address("10.0.20.1/24")
    with dnsmasq("--for", "dnsmasq", more="dhcp-range=set:cloudseed-net-nodes,10.0.20.100,"
                                          "10.0.20.199,1h\n"):
        for what, (options, file) in KIND.items():
            offer = wire().client.lease(UNKNOWN, options)[0]
            tap.eq(offer.file, file, what)
            assert 100 <= int(offer.address.split(".")[3]) <= 199, offer.address
        check_everyone()


def test_networks_of_others_are_left_alone():
    """The same dnsmasq serves a network that the tree does not have."""
    wire().address("10.0.99.1/24")
    with dnsmasq("--for", "dnsmasq", more="dhcp-range=10.0.99.10,10.0.99.99,1h\n"):
        for what, (options, _) in KIND.items():
            offer = wire().client.lease(UNKNOWN, options)[0]
            tap.eq((offer.file, offer.options.get(dhcp.CLASS)), ("", None), what)


def test_proxy():
    """It gives no address. UEFI asks a second time, at port 4011, from the address it was given."""
    client = wire().client
    wire().address(f"{OTHER_SERVER}/24")
    mac = NODES[0][1]
    ip("neighbour", "replace", BOOTING, "lladdr", mac, "dev", "far")
    with dnsmasq("--for", "dnsmasq", "--proxy"):
        for what, (options, file) in KIND.items():
            if "HTTP" in what or what == "a system" or not file:
                continue
            offer = client.ask(mac, dhcp.DISCOVER, options)
            about = f"{what}: {offer.options}"
            twice = what.startswith("UEFI")
            tap.eq((offer.kind, offer.address), (dhcp.OFFER, "0.0.0.0"), about)
            tap.eq(offer.options[dhcp.CLASS], b"PXEClient", about)
            tap.eq((offer.file, offer.next_server),
                   ("", OTHER_SERVER) if twice else (file, SERVER), about)
            tap.eq(offer.options.get(dhcp.VENDOR, NO_MENU), NO_MENU, about)
            if twice:
                ack = client.ask(mac, dhcp.REQUEST, options, source=(BOOTING, 68),
                                 target=(OTHER_SERVER, 4011), target_mac=wire().far_mac)
                tap.eq((ack.kind, ack.file, ack.next_server), (dhcp.ACK, file, SERVER), about)
        quiet = client.send(mac, dhcp.DISCOVER, dhcp.system())
        asked = client.send(mac, dhcp.DISCOVER, dhcp.firmware(0))
        tap.eq(client.answer({quiet, asked}, 30).xid, asked)


tap.main()
