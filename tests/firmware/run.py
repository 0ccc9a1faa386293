#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real firmware boots from the real cloudseedd: QEMU without KVM, iPXE, a Debian. Prints TAP.

    make check-firmware
    CLOUDSEED_BUILD=… tests/firmware/run.py bios unknown …

Needs root and a Debian host (`scripts/deps.sh boot`); otherwise it is skipped. Everything runs in
namespaces that end with it (tests/lib/enclosed.py). What stays is the cached image and the logs,
with pictures of the screens, below boot-logs/firmware in the build folder.
"""
import os
import shutil
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]
sys.dont_write_bytecode = True

import debian  # noqa: E402
import disk  # noqa: E402
import enclosed  # noqa: E402
import image  # noqa: E402
import lan  # noqa: E402
import scenarios  # noqa: E402
import server  # noqa: E402
import tap  # noqa: E402
import vm  # noqa: E402

LOGS = os.path.join(enclosed.LOGS, "firmware")
TOOLS = ["mmdebstrap", "cpio", "zstd", "depmod", "unshare", "ip", "nft", "dnsmasq", "curl",
         "qemu-system-x86_64"]
SIGNED = {"shimx64.efi": ("shim-signed", "usr/lib/shim/shimx64.efi.signed"),
          "grubx64.efi": ("grub-efi-amd64-signed",
                          "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed")}

figures = []


def signed():
    """{asset: path} of what Secure Boot takes, from packages that are unpacked."""
    return {name: os.path.join(debian.download(package, image.SUITE, enclosed.CACHE), path)
            for name, (package, path) in SIGNED.items()}


class Stage:
    """One play: its server and its logs. The network and the site are shared."""

    def __init__(self, name, site, assets):
        self.name, self.site, self.signed = name, site, signed()
        self.logs = os.path.join(LOGS, name)
        self.scratch = f"{enclosed.RUN}/{name}"
        shutil.rmtree(self.logs, ignore_errors=True)
        os.makedirs(self.logs)
        os.makedirs(self.scratch)
        self.server = server.Server(site, assets, f"{self.scratch}/state")
        self.settings = site.good("dhcp", "--for", "dnsmasq", "--network", "nodes")
        if name in ("secure", "grub"):  # which is the admin's to say
            self.settings = self.settings.replace(",snponly.efi,", ",shimx64.efi,")
        self.dhcp = None
        self.start_dhcp(self.settings)

    def start_dhcp(self, settings):
        """In the place of the one that runs."""
        if self.dhcp:
            self.dhcp.stop()
        self.dhcp = lan.Dnsmasq(settings, self.logs, self.scratch)

    def vm(self, boot, *arguments, **options):
        return vm.Vm(os.path.join(self.logs, boot), *arguments, **options)

    def keep(self, name, text):
        with open(os.path.join(self.logs, name), "w", encoding="utf-8") as f:
            f.write(text)

    def end(self):
        self.dhcp.stop()
        self.server.stop(self.logs)


def play(name, site, assets):
    stage = Stage(name, site, assets)
    try:
        figures.append((name, scenarios.TABLE[name](stage)))
    finally:
        stage.end()


def main_inside():
    enclosed.begin()
    lan.begin()
    site = server.site(f"{enclosed.RUN}/site")
    assets = server.assets(f"{enclosed.RUN}/assets", image.folder(enclosed.CACHE), signed())
    tests = {f"test_{name}": lambda name=name: play(name, site, assets)
             for name in scenarios.TABLE}
    try:
        tap.main(types.SimpleNamespace(**tests))
    finally:
        enclosed.sum_up(tests, figures, LOGS)


def prepare():
    image.make(enclosed.CACHE)
    disk.tools(enclosed.CACHE)
    signed()


if __name__ == "__main__":
    sys.exit(enclosed.main(__file__, TOOLS, prepare, main_inside))
