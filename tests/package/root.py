# SPDX-License-Identifier: Apache-2.0
"""Fresh roots of a Debian, with systemd and what the packages depend on: they install without a network.

Made once for each recipe by mmdebstrap, and never written to: each test has an overlay of its own.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess

import build
import debian
import enclosed

PACKAGES = ["apt", "ca-certificates", "curl", "dbus", "kmod", "systemd-sysv", "udev"]
MAKE_SECONDS = 3600


def depends(packages):
    """The names of what the packages need beside each other: of each, the first that will do."""
    found = set()
    for deb in packages.values():
        for alternatives in build.run("dpkg-deb", "-f", deb, "Depends").split(","):
            name = re.match(r"\s*([a-z0-9.+-]*)", alternatives)[1]
            found |= {name} - {"", *packages}
    return sorted(found)


def base(suite, packages, cache):
    """One to install in."""
    return _made(suite, sorted({*PACKAGES, *depends(packages)}), cache)


def for_building(suite, cache):
    """And for lintian."""
    text = (build.SOURCE / "contrib/debian/control").read_text()
    lines = re.search(r"^Build-Depends:\n((?: .*\n)+)", text, re.M)[1].splitlines()
    names = {re.match(r" ([a-z0-9.+-]*)", line)[1] for line in lines}
    return _made(suite, sorted(names - {"debhelper-compat", "dh-sequence-installsysusers", "python3"} |
                               {"build-essential", "debhelper", "fakeroot", "lintian", "python3", "xz-utils"}), cache)


def _made(suite, wanted, cache):
    recipe = hashlib.sha256(json.dumps([suite, wanted]).encode()).hexdigest()[:16]
    final = os.path.join(cache, f"package-{suite}-{recipe}")
    if not os.path.isdir(final):
        shutil.rmtree(final + ".part", ignore_errors=True)
        os.makedirs(cache, exist_ok=True)
        subprocess.run(["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
                        f"--include={','.join(wanted)}", f"--aptopt={debian.ANY_AGE}", suite,
                        final + ".part", "-"], input=debian.sources(suite), text=True, check=True,
                       timeout=MAKE_SECONDS)
        os.rename(final + ".part", final)
    return final


class Root:
    """An overlay with the packages in /srv/packages."""

    count = 0

    def __init__(self, lower, packages):
        Root.count += 1
        at = f"{enclosed.RUN}/root-{Root.count}"
        self.path = f"{at}/root"
        for part in ("upper", "work", "root"):
            os.makedirs(f"{at}/{part}")
        build.run("mount", "-t", "overlay", "overlay", "-o",
                  f"lowerdir={lower},upperdir={at}/upper,workdir={at}/work", self.path)
        build.run("mount", "-t", "proc", "proc", f"{self.path}/proc")
        # There is no mirror here; what the packages need is installed.
        for name in ("sources.list", "sources.list.d"):
            shutil.rmtree(f"{self.path}/etc/apt/{name}", ignore_errors=True)
        self.put("packages", packages)

    def put(self, folder, packages):
        os.makedirs(f"{self.path}/srv/{folder}")
        for deb in packages.values():
            shutil.copy(deb, f"{self.path}/srv/{folder}")

    def try_(self, script):
        """The status of a shell's run in it, and all that it printed."""
        done = subprocess.run(["chroot", self.path, "env", "-i", "HOME=/root", "LC_ALL=C.UTF-8",
                               "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                               "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=600, check=False)
        return done.returncode, done.stdout

    def run(self, script):
        status, said = self.try_(script)
        assert status == 0, f"{script} ended with {status}:\n{said}"
        return said


def as_version(packages, version, folder):
    """The same programs under another version, as the next release would have."""
    made = {}
    for name, deb in packages.items():
        tree = f"{folder}/{name}"
        build.run("dpkg-deb", "-R", deb, tree)
        with open(f"{tree}/DEBIAN/control", encoding="utf-8") as f:
            control = f.read()
        old = re.search(r"^Version: (.*)$", control, re.M)[1]
        with open(f"{tree}/DEBIAN/control", "w", encoding="utf-8") as f:
            f.write(control.replace(old, version))
        made[name] = f"{folder}/{name}_{version}.deb"
        build.run("dpkg-deb", "--root-owner-group", "-b", tree, made[name])
    return made
