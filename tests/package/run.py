#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: lintian's word, the same bytes again, a fresh Debian 12 and 13, a VM. Prints TAP.

    make check-package
    make check-package PACKAGING='boots_debian_12'

Needs root and a Debian host (`scripts/deps.sh package`). Everything but the builds and the fresh roots runs
in namespaces that end with it (tests/lib/enclosed.py). The packages are in deb/ of the build folder, those of
the other release in deb-13/; what the VM said in boot-logs/package/.
"""
import os
import re
import sys
import tempfile
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE.parent / "firmware"), str(HERE)]
sys.dont_write_bytecode = True

import build  # noqa: E402
import enclosed  # noqa: E402
import image  # noqa: E402
import machine  # noqa: E402
import root  # noqa: E402
import tap  # noqa: E402

TOOLS = ["dh", "mmdebstrap", "cpio", "zstd", "depmod", "unshare", "qemu-system-x86_64"]
SUITES = {"debian_12": "bookworm", "debian_13": "trixie"}
KEPT = "/var/lib/cloudseed/kept /etc/cloudseed/seed/site.yaml"


def scratch():
    return Path(tempfile.mkdtemp(prefix="cloudseed-package-"))


def packages(release):
    return build.packages(release[-2:])


def lintian_finds_nothing_in(release):
    """By that release's own, which knows its rules."""
    there = root.Root(root.for_building(SUITES[release], enclosed.CACHE), packages(release))
    print(there.run("lintian --allow-root --fail-on error,warning /srv/packages/*.deb"), end="")


def the_same_bytes_again():
    """In another folder, at another time, in another zone and language, by another umask."""
    again = build.made_here(scratch(), umask=0o077, TMPDIR=str(scratch()), TZ="Pacific/Kiritimati",
                            LC_ALL="C.UTF-8", LANG="tr_TR.UTF-8", JOBS="3")
    for name, first in packages("debian_12").items():
        tap.eq(again[name].name, first.name)
        assert again[name].read_bytes() == first.read_bytes(), f"{again[name].name} differs"


def fresh(release):
    made = packages(release)
    return root.Root(root.base(SUITES[release], made, enclosed.CACHE), made)


def installs_in(release):
    """Without a running systemd. Files of the state and the tree stand for what a server and an admin wrote."""
    there = fresh(release)
    tap.contains(there.run("apt-get -qq install -y /srv/packages/*.deb"), "lost: cloudseedd --recovery\n")
    tap.contains(there.run("getent passwd cloudseed"), ":/var/lib/cloudseed:")
    tap.eq(there.run("stat -c '%U %a' /var/lib/cloudseed"), "cloudseed 700\n")
    tap.eq(there.run("cat /var/lib/dpkg/info/cloudseed*.conffiles 2>/dev/null || true"), "")
    tap.eq(there.run("systemctl is-enabled cloudseedd.socket cloudseedd-node.socket cloudseedd.service "
                     "cloudseedd-tftp.socket cloudseed-pull.timer cloudseed-backup.timer || true").split(),
           ["enabled", "enabled", "disabled", "disabled", "disabled", "enabled"])
    there.run("cloudseedd --version && cloudseed --version && test -e /usr/share/man/man8/cloudseedd.8.gz")
    there.run("cp -r /usr/share/doc/cloudseed/examples/seed /etc/cloudseed/ && cloudseed check --server none")
    there.run("echo secret >/var/lib/cloudseed/kept")
    assert re.search(r"^    [a-z2-7]{4}(-[a-z2-7]{4}){6}$", there.run("cloudseedd --recovery"), re.M)
    tap.eq(there.run("stat -c '%U %a' /var/lib/cloudseed/recovery"), "cloudseed 600\n")

    old = re.sub(r"~.*", "", build.run("dpkg-deb", "-f", packages(release)["cloudseedd"], "Version").strip())
    there.put("newer", root.as_version(packages(release), f"{old}.1~deb{release[-2:]}", str(scratch())))
    assert "--recovery" not in there.run(f"apt-get -qq install -y /srv/newer/*.deb && cat {KEPT}")
    status, said = there.try_("apt-get -qq install -y --allow-downgrades /srv/packages/*.deb")
    assert status != 0, said
    tap.contains(said, f"cloudseedd {old}.1~deb{release[-2:]} cannot be replaced by the older {old}~")
    tap.contains(there.run("dpkg-query -W cloudseedd"), f"{old}.1~")

    there.run(f"apt-get -qq -o Dpkg::Use-Pty=0 -f install -y && apt-get -qq purge -y cloudseedd && cat {KEPT}")
    there.run("apt-get -qq install -y /srv/newer/*.deb")
    there.run("echo cloudseedd cloudseedd/remove-state boolean true | debconf-set-selections")
    there.run("apt-get -qq purge -y cloudseedd && ! test -e /var/lib/cloudseed && ! test -e /etc/cloudseed")


def commands():
    """Those of docs/install.md."""
    text = (build.SOURCE / "docs/install.md").read_text()
    block = re.search(r"^```\n(# apt install.*?)^```", text, re.M | re.S)[1]
    return [re.sub("^# ", "", line) for line in block.splitlines()]


def boots(release):
    old = re.sub(r"~.*", "", build.run("dpkg-deb", "-f", packages(release)["cloudseedd"], "Version").strip())
    newer = root.as_version(packages(release), f"{old}.1~deb{release[-2:]}", str(scratch()))
    said = machine.play(fresh(release), newer, commands(), f"{image.folder(enclosed.CACHE)}/vmlinuz",
                        os.path.join(enclosed.LOGS, "package", release))
    print("#", said.replace("\n", "\n# "))
    assert said.endswith("\nthe end"), "it did not come to its end: see boot-logs/package"


TESTS = {"test_the_same_bytes_again": the_same_bytes_again,
         **{f"test_lintian_finds_nothing_in_{name}": lambda name=name: lintian_finds_nothing_in(name)
            for name in SUITES},
         **{f"test_installs_in_{name}": lambda name=name: installs_in(name) for name in SUITES},
         **{f"test_boots_{name}": lambda name=name: boots(name) for name in SUITES}}


def wanted(release):
    """A test of no release is one of this host's."""
    words = [word if word.endswith(tuple(SUITES)) else "debian_12" for word in sys.argv[1:]]
    return not words or any(word.endswith(release) for word in words)


def prepare():
    """What comes over the network."""
    if wanted("debian_12"):
        build.made_here(build.folder("12"))
    if wanted("debian_13"):
        build.made_in(root.for_building("trixie", enclosed.CACHE), build.folder("13"))
    for release, suite in SUITES.items():
        if wanted(release):
            root.for_building(suite, enclosed.CACHE)
            root.base(suite, packages(release), enclosed.CACHE)
            image.make(enclosed.CACHE)


def main_inside():
    enclosed.begin()
    tap.main(types.SimpleNamespace(**TESTS))


if __name__ == "__main__":
    sys.exit(enclosed.main(__file__, TOOLS, prepare, main_inside))
