# SPDX-License-Identifier: Apache-2.0
"""A machine with real firmware: QEMU without KVM, a card on the switch, a screen to look at.

Its first card has no cable: what boots is the second, and that must be the one told. The image has
no driver for the first: cloud-init 22.4.2 would ask DHCP there, and nowhere else.
"""
import json
import os
import re
import shutil
import socket
import subprocess

import enclosed
import lan
import tap

LIMIT_SECONDS = 900  # for a VM, whatever happens
START_SECONDS = 60  # for QEMU itself
PAUSE_SECONDS = 0.3  # between two looks: what looks takes time from what is looked at
OVMF = "/usr/share/OVMF"
CODE = {"uefi": ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
        "http": ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
        "secure": ("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd")}
NO_PXE = [word for version in "46" for word in
          ("-fw_cfg", f"name=opt/org.tianocore/IPv{version}PXESupport,string=no")]
# Said where there is nothing left to wait for: by SeaBIOS, OVMF, the kernel, and cloud-init.
GIVES_UP = re.compile(r"No bootable device|No bootable option or device was found|Kernel panic|"
                      r"Datasource DataSourceNone")
TEXT_SCREEN, COLUMNS, ROWS = 0xb8000, 80, 25


class Vm:
    """`firmware` is bios (with iPXE in the card's ROM), uefi, http or secure."""

    count = 0

    def __init__(self, logs, firmware, mac, uuid, serial="", disk=None,
                 writable=False):
        os.makedirs(logs, exist_ok=True)
        Vm.count += 1
        self.logs, self.firmware, self.mac, self.disk = logs, firmware, mac, disk
        self.access = "off" if writable else "on"
        self.tap = f"tap{Vm.count}"
        self.serial_log = os.path.join(logs, "serial.log")
        self.debug_log = os.path.join(logs, "firmware.log")
        self.qmp_path = f"{enclosed.RUN}/{self.tap}.qmp"
        smbios = "type=1,manufacturer=Some & Sons,product=Box 3/4" + (
            f",serial={serial}" if serial else "")
        self.command = [
            *lan.ROUTER, "timeout", "--kill-after=5", str(LIMIT_SECONDS),
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-nodefaults",
            "-display", "none", "-no-reboot", "-device", "VGA",
            "-serial", f"file:{self.serial_log}",
            "-debugcon", f"file:{self.debug_log}", "-global", "isa-debugcon.iobase=0x402",
            "-qmp", f"unix:{self.qmp_path},server=on,wait=off",
            "-uuid", uuid, "-smbios", smbios, "-device", "virtio-rng-pci",
            "-netdev", "hubport,hubid=9,id=dead",
            "-device", "rtl8139,netdev=dead,mac=bc:24:11:ff:ff:ff,romfile=",
            "-netdev", f"tap,id=lan,ifname={self.tap},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=lan,mac={mac},bootindex=1{self._rom()}",
            *self._board(), *self._disk()]
        self.process = self.qmp = self.answers = None

    def _rom(self):
        """UEFI's own PXE client runs where the card has no ROM with iPXE; a BIOS has none."""
        return ",romfile=" if self.firmware in CODE else ""

    def _board(self):
        if self.firmware not in CODE:
            return ["-machine", "pc"]
        code, blank = CODE[self.firmware]
        variables = os.path.join(self.logs, "vars.fd")
        shutil.copy(f"{OVMF}/{blank}", variables)
        secure = self.firmware == "secure"
        return ["-machine", "q35,smm=on" if secure else "q35",
                *(["-global", "driver=cfi.pflash01,property=secure,value=on"] if secure else []),
                "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}/{code}",
                "-drive", f"if=pflash,format=raw,unit=1,file={variables}",
                *(NO_PXE if self.firmware == "http" else [])]

    def _disk(self):
        if not self.disk:
            return []
        return ["-drive", f"if=none,id=disk,readonly={self.access},{self.disk}",
                "-device", "virtio-blk-pci,drive=disk,bootindex=2"]

    def __enter__(self):
        lan.plug(self.tap)
        with open(os.path.join(self.logs, "qemu.log"), "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        tap.wait_until(self._connect, START_SECONDS, "QEMU's start")
        return self

    def _connect(self):
        assert self.is_on(), "QEMU does not start: see qemu.log"
        if not os.path.exists(self.qmp_path):
            return False
        self.qmp = socket.socket(socket.AF_UNIX)
        self.qmp.settimeout(START_SECONDS)
        self.qmp.connect(self.qmp_path)
        self.answers = self.qmp.makefile("r")
        self._ask("qmp_capabilities")
        self._ask("set_link", name="dead", up=False)
        return True

    def __exit__(self, kind, *_):
        try:
            if kind and self.is_on():
                self.keep_screen("failed")
        finally:
            if self.qmp:
                self.qmp.close()
            self.process.terminate()
            self.process.wait(30)
            lan.unplug(self.tap)

    def is_on(self):
        return self.process.poll() is None

    def check(self):
        """Raises where there is nothing left to wait for."""
        gave_up = GIVES_UP.search(self._read(self.debug_log) + self.said())
        assert not gave_up, f"the VM gave up: {gave_up[0]}"
        assert self.is_on(), "the VM ended"

    # --- what it shows ---

    @staticmethod
    def _read(path):
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def said(self):
        """On its serial port."""
        return self._read(self.serial_log)

    def wait_said(self, text, seconds):
        def seen():
            if text in self.said():
                return True
            self.check()
            return False
        tap.wait_until(seen, seconds, f"{text!r} on the serial port",
                       PAUSE_SECONDS)

    def _ask(self, command, **arguments):
        self.qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        for line in self.answers:
            answer = json.loads(line)
            if "error" in answer:
                raise AssertionError(f"QMP: {answer['error']}")
            if "return" in answer:
                return answer["return"]
        raise AssertionError("the VM ended")

    def screen(self):
        """The text on the screen of a BIOS, line by line."""
        file = os.path.join(self.logs, "text")
        self._ask("pmemsave", val=TEXT_SCREEN, size=2 * COLUMNS * ROWS, filename=file)
        with open(file, "rb") as f:
            cells = f.read()[::2].decode("cp437").replace("\0", " ")
        os.remove(file)
        lines = [cells[i:i + COLUMNS].rstrip() for i in range(0, len(cells), COLUMNS)]
        return "\n".join(lines).strip("\n")

    def wait_shown(self, text, seconds):
        """The whole screen, as soon as it holds that."""
        def seen():
            self.check()
            shown = self.screen()
            return shown if text in shown else None
        return tap.wait_until(seen, seconds, f"{text!r} on the screen",
                              PAUSE_SECONDS)

    def keep_screen(self, name):
        """As a picture; of a BIOS as text, too."""
        self._ask("screendump", filename=os.path.join(self.logs, f"{name}.png"), format="png")
        if self.firmware in CODE:
            return
        with open(os.path.join(self.logs, f"{name}.txt"), "w", encoding="utf-8") as f:
            f.write(self.screen() + "\n")
