# SPDX-License-Identifier: Apache-2.0
"""The boots that are tried. Each play gets a Stage (run.py) and returns figures to print."""
import os
import subprocess
import threading
import time
import uuid

import disk
import lan
import tap
from daemon import SECONDS

BOOT_SECONDS = 600  # from the switch to `ready`; an idle machine takes 70 to 100
SHORT_SECONDS = 240  # from the switch to what firmware alone shows
DISK_SECONDS = 600  # OVMF tries IPv6, and HTTP on both, before the disk
AS_IPXE = "dhcp-userclass=set:cloudseed-ipxe,iPXE\n"
STRANGER = "52:54:00:0d:d0:0d"
UUID = uuid.UUID("4c4c4544-0042-4810-8054-b4c04f4d5132")


def uuid_of(mac):
    """Each machine has its own, as real ones do."""
    return str(uuid.uuid5(UUID, mac))


def mac_of(stage, name):
    return stage.site.show(name)["macs"][0]


def seconds_since(begin):
    return round(time.monotonic() - begin)


def build(stage, firmware, name, serial="", says=""):
    """A node that was armed is switched on, and becomes ready. Returns its seconds. What it `says`
    must be among what its kernel tells."""
    begin = time.monotonic()
    mac = mac_of(stage, name)
    with stage.vm("first", firmware, mac, uuid_of(mac), serial) as vm:
        stage.server.wait_ready(name, vm, BOOT_SECONDS)
        took = seconds_since(begin)
        vm.keep_screen("ready")
        tap.contains(vm.said(), says)
        cmdline = [line for line in vm.said().splitlines() if "Kernel command line:" in line]
    built(stage, name)
    tap.eq(len(cmdline), 1)
    tap.eq("ds=nocloud" in cmdline[0], not serial, cmdline[0])
    return took


def built(stage, name):
    """All that the server should have heard of it."""
    events = stage.server.events(name)
    kinds = [event["kind"] for event in events if event["kind"] not in ("progress", "created")]
    tap.eq(kinds, ["armed", "booting", "up", "ready"])
    tap.eq(sorted(events[[e["kind"] for e in events].index("up")]["data"]["host_keys"]),
           ["ed25519"])
    progress = [event["data"] for event in events if event["kind"] == "progress"]
    assert len(progress) > 20, progress
    node = stage.server.node(name)
    tap.eq((node["state"], bool(node["window"])), ("ready", False))


def boots_its_disk(stage, firmware, name, image):
    """It boots over the network again, and is sent to its disk: nothing is installed twice."""
    begin = time.monotonic()
    mac = mac_of(stage, name)
    with stage.vm("again", firmware, mac, uuid_of(mac), disk=image) as vm:
        vm.wait_said(disk.WORD, DISK_SECONDS)
        took = seconds_since(begin)
        vm.keep_screen("disk")
    stage.server.daemon.wait_event("served", node=name, file="boot.ipxe", count=2)
    tap.eq(stage.server.node(name)["state"], "ready")
    return took


def fetched(stage, name, seconds=SECONDS):
    """A file that was sent by TFTP to its end."""
    return stage.server.daemon.wait_event("tftp", file=f"/{name}", outcome="done",
                                          seconds=seconds)


def bios(stage):
    """The ROM is not known as iPXE until it has loaded undionly.kpxe, as any other ROM would."""
    stage.server.arm("bios-1")
    known = stage.settings
    stage.start_dhcp(known.replace(AS_IPXE, ""))

    def tell():
        fetched(stage, "undionly.kpxe", seconds=SHORT_SECONDS)
        stage.start_dhcp(known)
    teller = threading.Thread(target=tell)
    teller.start()
    took = build(stage, "bios", "bios-1")
    teller.join()
    again = boots_its_disk(stage, "bios", "bios-1", disk.boot_sector(stage.scratch))
    return {"to ready, s": took, "again, to its disk, s": again}


def rom(stage):
    stage.server.arm("rom-1")
    took = build(stage, "bios", "rom-1")
    tap.eq(stage.server.daemon.events("tftp"), [])
    return {"to ready, s": took}


def unknown(stage):
    """Shown on its own console, listed, adopted, and on it goes by itself."""
    begin = time.monotonic()
    with stage.vm("first", "bios", STRANGER, uuid_of(STRANGER)) as vm:
        shown = vm.wait_shown("asked for again", SHORT_SECONDS)
        to_script = seconds_since(begin)
        vm.keep_screen("unknown")
        for part in (STRANGER, uuid_of(STRANGER), f"cloudseed node adopt {STRANGER} NAME"):
            tap.contains(shown, part)
        stage.server.daemon.wait_event("served", count=2, seconds=SHORT_SECONDS)
        found = stage.server.discovered()
        told = ("mac", "uuid", "manufacturer", "product", "platform", "arch")
        # iPXE of 2019 leaves & as it is: the text ends there, and the rest is told all the same.
        tap.eq([tuple(machine[key] for key in told) for machine in found],
               [(STRANGER, uuid_of(STRANGER), "Some ", "Box 3/4", "pcbios", "i386")])
        stage.keep("discovered.txt", stage.server.tool("node", "discovered"))
        adopted = time.monotonic()
        stage.server.tool("node", "adopt", STRANGER, "adopted-1", "--role", "metal", "--arm")
        stage.server.wait_ready("adopted-1", vm, BOOT_SECONDS)
        took = seconds_since(adopted)
    built(stage, "adopted-1")
    tap.eq(stage.server.discovered(), [])
    return {"to its script, s": to_script, "adopted to ready, s": took}


def uefi(stage):
    arm = stage.server.arm("uefi-1")
    took = build(stage, "uefi", "uefi-1", arm["serial"])
    fetched(stage, "snponly.efi")
    again = boots_its_disk(stage, "uefi", "uefi-1", disk.efi_system_partition(stage.scratch))
    return {"to ready, s": took, "again, to its disk, s": again}


def http(stage):
    stage.server.arm("http-1")
    took = build(stage, "http", "http-1")
    tap.eq(stage.server.daemon.events("tftp"), [])
    return {"to ready, s": took}


def secure(stage):
    stage.server.arm("secure-1")
    took = build(stage, "secure", "secure-1", says="Secure boot enabled")
    for name in ("shimx64.efi", "grubx64.efi"):
        fetched(stage, name)
    return {"to ready, s": took}


def grub(stage):
    """With Secure Boot, a machine that nobody knows, then a node that is not to be built: its disk."""
    begin = time.monotonic()
    system = disk.signed_system(stage.scratch, stage.signed["shimx64.efi"],
                                stage.signed["grubx64.efi"].replace("grubnet", "grub"))
    with stage.vm("first", "secure", STRANGER, uuid_of(STRANGER), disk=system) as vm:
        vm.wait_said("asked for again", SHORT_SECONDS)
        to_script = seconds_since(begin)
        vm.keep_screen("unknown")
        for part in (f"MAC   {STRANGER}", f"cloudseed node adopt {STRANGER} NAME"):
            tap.contains(vm.said(), part)
        tap.eq([machine["mac"] for machine in stage.server.discovered()], [STRANGER])
        adopted = time.monotonic()
        stage.server.tool("node", "adopt", STRANGER, "adopted-2", "--role", "metal")
        vm.wait_said("adopted-2 is not to be built now", SHORT_SECONDS)
        vm.wait_said(disk.WORD, DISK_SECONDS)
    return {"to its script, s": to_script, "adopted to its disk, s": seconds_since(adopted)}


def install(stage):
    """A live system writes the disk and starts the machine again, as Ubuntu's installer does. The next
    boot, over the network too, is from that disk, and the one behind it as well."""
    stage.server.arm("install-1")
    begin, mac = time.monotonic(), mac_of(stage, "install-1")
    image = disk.empty(stage.scratch)
    with stage.vm("first", "bios", mac, uuid_of(mac), disk=image, writable=True) as vm:
        vm.wait_said("the disk is written", BOOT_SECONDS)
        tap.wait_until(lambda: not vm.is_on(), SHORT_SECONDS, "the installer's reboot")
    took = seconds_since(begin)
    tap.eq(stage.server.node("install-1")["state"], "booting")
    with stage.vm("disk", "bios", mac, uuid_of(mac), disk=image) as vm:
        stage.server.wait_ready("install-1", vm, BOOT_SECONDS)
        assert "ds=nocloud" not in vm.said(), "it has the installer's command line"
    kinds = [event["kind"] for event in stage.server.events("install-1")]
    tap.eq([kind for kind in kinds if kind != "progress"],
           ["armed", "installing", "booting", "up", "ready"])
    scripts = stage.server.daemon.events("served", node="install-1", file="boot.ipxe")
    tap.eq(len(scripts), 2)
    return {"to its reboot, s": took, "to ready, s": seconds_since(begin)}


def menu(stage):
    """Nobody chooses: the first entry is taken when the time is over."""
    stage.server.arm("menu-1")
    begin, mac = time.monotonic(), mac_of(stage, "menu-1")
    with stage.vm("first", "bios", mac, uuid_of(mac),
                  disk=disk.boot_sector(stage.scratch)) as vm:
        vm.wait_shown("A kernel", SHORT_SECONDS)
        vm.keep_screen("menu")
        vm.wait_said(disk.WORD, SHORT_SECONDS)
    return {"to its disk, s": seconds_since(begin)}


def _get_by_tftp(stage):
    """From a host in the machines' network, as firmware does. curl's exit status."""
    return subprocess.run([*lan.BESIDE, "curl", "-sS", "--max-time", "8", "-o",
                           os.path.join(stage.scratch, "got"),
                           f"tftp://{lan.SERVER}/undionly.kpxe"],
                          check=False, capture_output=True, timeout=60).returncode


def firewall(stage):
    """The port range is what it takes: with 69 alone nothing comes back."""
    tap.eq(_get_by_tftp(stage), 0)
    lan.firewall(without="6900-6999")
    try:
        assert _get_by_tftp(stage) != 0, "a file came through without the range being open"
    finally:
        lan.firewall()
    tap.eq(_get_by_tftp(stage), 0)
    return {"without the range": "refused"}


TABLE = {play.__name__: play for play in
         (firewall, bios, unknown, uefi, http, rom, menu, install, secure, grub)}
