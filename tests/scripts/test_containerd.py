#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""containerd's configuration, as prepare.sh writes it, read by the real containerd: 1.6, 1.7, 2.x.

CONTAINERD_SUITES names the Debian releases whose packages are tried. They are unpacked, nothing is
installed. What cannot be fetched is skipped, but for where CI is set: there it fails.
"""
import os
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
import debian  # noqa: E402
import nodes  # noqa: E402
import tap  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402

SUITES = os.environ.get("CONTAINERD_SUITES", "bookworm trixie forky").split()
PAUSE = "registry.k8s.io/pause:3.9"
OLD = "io.containerd.grpc.v1.cri"
IMAGES, RUNTIME = "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"


def containerd_of(suite):
    """The path of that release's containerd."""
    try:
        tree = debian.download("containerd", suite, str(BUILD / "containerd"))
        return f"{tree}/usr/bin/containerd"
    except (debian.NotDebian, subprocess.SubprocessError, FileNotFoundError) as why:
        if "CI" in os.environ:
            raise
        raise tap.Skip(f"no containerd of {suite} could be fetched") from why


def major_of(program):
    """As prepare.sh finds it: by the same words."""
    script = (SOURCE / "templates/k8s/prepare.sh").read_text()
    words = re.search(r"version=\$\(containerd (--version \| awk '.*')\)", script)[1]
    return int(nodes.run("dash", "-euc", f"{program} {words}").split(".")[0])


def written_by_the_script(major):
    """The file, by the function of prepare.sh that makes it."""
    script = (SOURCE / "templates/k8s/prepare.sh").read_text()
    function = re.search(r"^containerd_config\(\) \{\n.*?^\}\n", script, re.M | re.S)[0]
    path = nodes.scratch() / "config.toml"
    path.write_text(nodes.run("dash", "-euc", function + f"containerd_config {major} {PAUSE}"))
    return path


def paths_in(table, path=()):
    """The path of each value in a TOML document."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from paths_in(value, (*path, key))
        else:
            yield (*path, key)


def at(table, path):
    for key in path:
        table = table[key]
    return table


def check(suite):
    program = containerd_of(suite)
    major = major_of(program)
    config = written_by_the_script(major)
    ours = tomllib.loads(config.read_text())
    known = tomllib.loads(nodes.run(program, "config", "default"))
    read = tomllib.loads(nodes.run(program, "--config", config, "config", "dump"))
    print(f"# {suite}: containerd {nodes.run(program, '--version').split()[2]}")
    # Its own way of writing, with nothing that it does not know and passes over.
    tap.eq(ours["version"], known["version"])
    for path in paths_in(ours):
        at(known, path)
        tap.eq(at(read, path), at(ours, path), path)
    plugins = read["plugins"]
    runtime = plugins[OLD if major < 2 else RUNTIME]
    runc = runtime["containerd"]["runtimes"]["runc"]
    tap.eq(runc["runtime_type"], "io.containerd.runc.v2")
    tap.eq(runc["options"]["SystemdCgroup"], True)
    tap.eq(runtime["containerd"]["default_runtime_name"], "runc")
    tap.eq(plugins[OLD]["sandbox_image"] if major < 2 else
           plugins[IMAGES]["pinned_images"]["sandbox"], PAUSE)
    tap.eq(read.get("disabled_plugins", []), [], "the package's own file may switch CRI off")


def tests():
    return {f"test_{suite}": lambda suite=suite: check(suite) for suite in SUITES}


if __name__ == "__main__":
    tap.main(types.SimpleNamespace(**tests()))
