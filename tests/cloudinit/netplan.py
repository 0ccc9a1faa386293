# SPDX-License-Identifier: Apache-2.0
"""netplan itself, unpacked from Debian's packages and run in place: what networkd would be given.

That of another release brings its libraries and their loader.
"""
import glob
import os
import subprocess
import tempfile

import debian

PACKAGES = {"bookworm": ["netplan.io", "libnetplan0"]}
NEWER = ["netplan-generator", "libnetplan1"]
LIBRARIES = ["libc6", "libglib2.0-0t64", "libyaml-0-2", "libuuid1", "libpcre2-8-0", "libmount1",
             "libblkid1", "libselinux1", "zlib1g", "libffi8", "libatomic1"]
SECONDS = 300


def unit(text):
    """{section: {key: [value, …]}} of a unit; sections of one name are taken together."""
    found, section = {}, None
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif "=" in line:
            key, value = line.split("=", 1)
            section.setdefault(key, []).append(value)
    return found


class Netplan:
    def __init__(self, suite, folder):  # suite None: the host's
        here = debian.codename()
        suite = suite or here
        names = PACKAGES.get(suite, NEWER) + (LIBRARIES if suite != here else [])
        trees = debian.download_all(names, suite, folder)
        program = self._find(trees, "usr/lib*/netplan/generate")[0]
        libraries = ":".join(sorted({os.path.dirname(path) for path in
                                     self._find(trees, "usr/lib/*/*.so.*")}))
        self.command, self.environment = [program], {"PATH": "/nonexistent"}
        if suite == here:
            self.environment["LD_LIBRARY_PATH"] = libraries
        else:
            loader = self._find(trees, "usr/lib/*/ld-linux*.so.*")[0]
            self.command = [loader, "--inhibit-cache", "--library-path", libraries, program]

    @staticmethod
    def _find(trees, pattern):
        return [path for tree in trees for path in glob.glob(f"{tree}/{pattern}")]

    def run(self, config, root):
        """Its exit status and all that it said of that netplan file; what it makes is in `root`."""
        os.makedirs(f"{root}/etc/netplan")
        with open(f"{root}/etc/netplan/50-cloud-init.yaml", "w", encoding="utf-8",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
            f.write(config)
        done = subprocess.run([*self.command, "--root-dir", root], text=True, timeout=SECONDS,
                              env=self.environment, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def generate(self, config):
        """{file name: unit} that it makes of that netplan file, without a word of complaint."""
        with tempfile.TemporaryDirectory(prefix="cloudseed-test-") as root:
            status, said = self.run(config, root)
            assert status == 0 and not said, f"{said}\n{config}"
            made = {}
            for path in glob.glob(f"{root}/run/systemd/network/*") + glob.glob(
                    f"{root}/run/systemd/system/systemd-networkd-wait-online.service.d/*"):
                with open(path, encoding="utf-8") as f:
                    made[os.path.basename(path)] = unit(f.read())
            return made
