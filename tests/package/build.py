# SPDX-License-Identifier: Apache-2.0
"""The packages, built from the tarball of `make dist` by scripts/deb.sh."""
import os
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


def packages(folder, umask=0o022, **environment):
    """{name: path} of the packages, made in `folder` unless they are there and newer than the tarball."""
    def found():
        return {path.name.split("_")[0]: path for path in folder.glob("cloudseed*.deb")}
    made = found()
    if not made or any(path.stat().st_mtime < TARBALL.stat().st_mtime for path in made.values()):
        run(SCRIPT, TARBALL, folder, seconds=BUILD_SECONDS, umask=umask, env={**os.environ, **environment})
        made = found()
    assert sorted(made) == ["cloudseed", "cloudseed-doc", "cloudseedd"], made
    return made
