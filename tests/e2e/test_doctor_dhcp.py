#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed doctor dhcp` beside the real dnsmasq: with the settings of `cloudseed dhcp` nothing is
wrong; then one fault after the other is planted in them. All in a network namespace of its own."""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "lib")]
import cli  # noqa: E402
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
    os.execvpe("unshare", [*ALONE, sys.executable, "-B", *sys.argv], {**os.environ, MARK: "1"})

WORLD = tap.enter(cli.World())
SERVER, OTHER = "10.0.20.1", "10.0.20.2"
MAC, ADDRESS = "bc:24:11:00:20:0c", "10.0.20.12"
RANGE = "dhcp-range=set:cloudseed-net-nodes,10.0.20.100,10.0.20.199,1h\n"
BOOT = "worker:\n  boot: {kind: kernel, kernel: ubuntu/vmlinuz, discovery: none}\n"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def lan():
    """A switch with two servers' ends, and the machine that asks at `near`."""
    if WHY_NOT:
        raise tap.Skip(WHY_NOT)
    if "near" in dict(map(reversed, socket.if_nameindex())):
        return
    shutil.copytree(cli.SOURCE / "seed", WORLD.path / "lab/seed")
    roles = WORLD.path / "lab/seed/roles/kubernetes.yaml"
    roles.write_text(roles.read_text().replace("\nworker:\n", f"\n{BOOT}", 1))
    ip("link", "set", "lo", "up")
    ip("link", "add", "switch", "type", "bridge", "forward_delay", "0")
    ip("link", "set", "switch", "up")
    for end in ("far", "farther", "near"):
        ip("link", "add", end, "type", "veth", "peer", f"{end}-port")
        ip("link", "set", f"{end}-port", "master", "switch", "up")
        ip("link", "set", end, "up")
    ip("address", "add", f"{SERVER}/24", "dev", "far")
    ip("address", "add", f"{OTHER}/24", "dev", "farther")


def settings(*words, more=RANGE):
    return WORLD.good("dhcp", *(words or ("--for", "dnsmasq")), "--seed", WORLD.path / "lab/seed",
                      "--templates", cli.SOURCE / "templates") + more


@contextlib.contextmanager
def dnsmasq(text, interface="far"):
    name = f"dnsmasq-{interface}"
    file = WORLD.write(f"{name}.conf", text)
    leases = WORLD.path / f"{name}.leases"
    leases.unlink(missing_ok=True)
    with open(WORLD.path / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--log-facility=-", "--port=0", "--user=root",
             "--group=root", f"--interface={interface}", "--bind-interfaces", "--no-ping",
             "--pid-file=", f"--dhcp-leasefile={leases}", f"--conf-file={file}"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        tap.wait_until(lambda: "DHCP," in (WORLD.path / f"{name}.log").read_text(), what="dnsmasq")
        yield
    finally:
        process.terminate()
        process.wait(cli.SECONDS)


def doctor(*words, tree=True):
    where = ["--seed", WORLD.path / "lab/seed", "--templates", cli.SOURCE / "templates"]
    done = WORLD.run("doctor", "dhcp", "--interface", "near", "--timeout", "2s", "--json", *words,
                     *(where if tree else ["--seed", "/nonexistent"]))
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    tap.eq(done.returncode, 0 if found["ok"] else 1)
    return found


def step(found, name):
    return next(s for s in found["steps"] if s["step"] == name)


def first(found, name, what, how):
    tap.eq(found["first"], name, json.dumps(found, indent=1))
    assert re.search(what, step(found, name)["what"]), step(found, name)
    tap.contains(step(found, name)["how"], how)


def test_nothing_is_wrong():
    lan()
    with dnsmasq(settings()):
        found = doctor()
        tap.eq(found["first"], None, json.dumps(found, indent=1))
        tap.eq(step(found, "servers")["what"], f"{SERVER} gives addresses")
        assert re.match(r"10\.0\.20\.1\d\d, in network nodes$", step(found, "address")["what"])
        files = {o["kind"]: o["file"] for o in found["offers"]}
        tap.eq(files, {"bios": "undionly.kpxe", "uefi": "snponly.efi", "uefi-9": "snponly.efi",
                       "http": "http://10.0.10.5:8080/assets/snponly.efi",
                       "ipxe": "http://10.0.10.5:8080/boot.ipxe"})
        assert int(found["mac"][:2], 16) & 3 == 2, found["mac"]  # local, of one machine


def test_as_a_known_machine():
    """It gets its own address, and no lease is left of it."""
    lan()
    with dnsmasq(settings(more="")):
        found = doctor("--mac", MAC)
        tap.eq(found["first"], None, json.dumps(found, indent=1))
        tap.eq(found["offers"][0]["address"], ADDRESS)
        first(doctor(), "servers", "no DHCP server answers on near", "--mac MAC")
    tap.eq((WORLD.path / "dnsmasq-far.leases").read_text(), "")


def test_nobody_answers():
    lan()
    first(doctor("--mac", MAC), "servers", "no DHCP server answers on near", "start DHCP")


def test_two_servers():
    lan()
    with dnsmasq(settings()), dnsmasq("dhcp-range=10.0.20.200,10.0.20.209,1h\n", "farther"):
        first(doctor(), "servers", "2 DHCP servers give addresses: 10.0.20.[12] and 10.0.20.[12]",
              "switch one of them off")


def test_only_a_proxy():
    lan()
    with dnsmasq(settings("--for", "dnsmasq", "--proxy", more="")):
        found = doctor("--mac", MAC)
        first(found, "servers", "only 10.0.20.1 answers, a proxy", "start the DHCP server")
        tap.contains(step(found, "uefi")["what"], "later, at port 4011")


def test_a_proxy_beside_the_server():
    lan()
    with dnsmasq("dhcp-range=10.0.20.200,10.0.20.209,1h\n", "farther"), \
            dnsmasq(settings("--for", "dnsmasq", "--proxy", more="")):
        found = doctor("--mac", MAC)
        tap.eq(step(found, "servers")["what"],
               f"{OTHER} gives addresses, and {SERVER} says what is booted")
        tap.eq(step(found, "bios")["result"], "ok", json.dumps(found, indent=1))


def planted(text, old, new):
    tap.contains(text, old)
    return text.replace(old, new)


# what is planted in the settings: the step, what it says, what fixes it
FAULTS = [
    ("10.0.10.5", "10.0.10.99", "bios", "sends machines to 10.0.10.99 .*, instead of 10.0.10.5"),
    ("undionly.kpxe", "pxelinux.0", "bios", "names the boot file 'pxelinux.0', instead of 'und"),
    ("snponly.efi,", "ipxe.efi,", "uefi", "names the boot file 'ipxe.efi', instead of 'snponly.efi'"),
    (":8080/boot.ipxe", ":80/menu.ipxe", "ipxe", "names the boot file 'http://10.0.10.5:80/menu.ipxe'"),
    (":8080/assets", ":8080/files", "http", "files/snponly.efi', instead of"),
    ("10.0.20.12", "10.0.20.50", "address", "offers 10.0.20.50 to k8s-worker-2, which is declared"),
    ("option:router,10.0.20.1", "option:router,10.0.20.9", "address",
     "says that 10.0.20.9 is the router, and the site that 10.0.20.1 is"),
]


def test_wrong_settings():
    lan()
    for old, new, name, what in FAULTS:
        with dnsmasq(planted(settings(), old, new)):
            first(doctor("--mac", MAC), name, what, "cloudseed dhcp --for opnsense")


def test_no_boot_file():
    lan()
    plain = "dhcp-range=10.0.20.200,10.0.20.209,1h\ndhcp-option=3,10.0.20.1\n"
    with dnsmasq(plain):
        first(doctor(), "bios", "no boot file is named for it", "cloudseed dhcp")
        found = doctor("--mac", "bc:24:11:00:20:0b")  # a master boots its own disk
        tap.eq(step(found, "bios")["what"], "not needed")


def test_another_network():
    lan()
    ip("address", "add", "10.0.99.1/24", "dev", "farther")
    with dnsmasq("dhcp-range=10.0.99.10,10.0.99.99,1h\n", "farther"):
        first(doctor(), "address", "offers 10.0.99.* which is in no network of the site",
              "--interface")
    ip("address", "del", "10.0.99.1/24", "dev", "farther")


def test_without_a_tree_offers_are_shown():
    lan()
    with dnsmasq(settings()):
        done = WORLD.run("doctor", "dhcp", "--interface", "near", "--timeout", "2s", "--config",
                         WORLD.write("other.yaml", "seed: /nonexistent\n"), config=False)
        tap.eq(done.returncode, 0, done.stdout + done.stderr)
        tap.contains(done.stderr, "offers are shown, but not compared")
        assert re.search(r"^bios +10\.0\.20\.1 +10\.0\.20\.1\d\d +10\.0\.10\.5 +undionly", done.stdout,
                         re.M), done.stdout


def test_wrong_usage():
    lan()
    for words, what in ((["--interface", "eth9"], "there is no interface 'eth9'"),
                        (["--interface", "near", "--mac", "no"], "--mac 'no': not a MAC"),
                        (["--interface", "near", "--timeout", "x"], "--timeout 'x'"),
                        ([], "there is no default route: name the interface")):
        done = WORLD.run("doctor", "dhcp", *words)
        tap.eq(done.returncode, 1 if "eth9" in words else cli.MISUSED)
        tap.contains(done.stderr, what)


tap.main()
