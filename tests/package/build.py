# SPDX-License-Identifier: Apache-2.0
"""The packages, built from the tarball of `make dist` by scripts/deb.sh."""
import os
import shutil
import subprocess
from pathlib import Path

BUILD = Path(os.environ.get("CLOUDSEED_BUILD", ".")).resolve()
SOURCE = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2])).resolve()
TARBALL = BUILD / os.environ.get("CLOUDSEED_TARBALL", "cloudseed-0.1.0.tar.xz")
SCRIPT = SOURCE / "scripts/deb.sh"
BUILD_SECONDS = 1800


def run(*command, seconds=300, **options):
    """Standard output and error of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=seconds, check=False, **options)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def folder(number):
    return BUILD / ("deb" if number == "12" else f"deb-{number}")


def packages(number):
    """{name: path} of those that were made for this release."""
    return in_folder(folder(number))


def in_folder(there):
    made = {path.name.split("_")[0]: path for path in there.glob("cloudseed*.deb")}
    assert sorted(made) == ["cloudseed", "cloudseed-doc", "cloudseedd"], made
    return made


def fresh(there):
    """Whether the packages there were made of the tarball as it is."""
    made = list(there.glob("cloudseed*.deb"))
    return bool(made) and all(path.stat().st_mtime > TARBALL.stat().st_mtime for path in made)


def made_here(there, umask=0o022, **environment):
    if not fresh(there):
        run(SCRIPT, TARBALL, there, seconds=BUILD_SECONDS, umask=umask, env={**os.environ, **environment})
    return in_folder(there)


def made_in(root, there):
    """In the root of another release, which has what a build needs."""
    if not fresh(there):
        at = Path(root) / "srv"
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir()
        shutil.copy(TARBALL, at / "tarball.tar.xz")
        shutil.copy(SCRIPT, at / "deb.sh")
        run("unshare", "--mount", "--pid", "--fork", f"--mount-proc={root}/proc", "chroot", root, "env", "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "/srv/deb.sh", "/srv/tarball.tar.xz", "/srv/deb",
            seconds=BUILD_SECONDS)
        there.mkdir(exist_ok=True)
        for old in there.glob("cloudseed*.deb"):
            old.unlink()
        for deb in (at / "deb").glob("*.deb"):
            shutil.copy(deb, there)
    return in_folder(there)
