# SPDX-License-Identifier: Apache-2.0
"""For runners of real boots: namespaces that end with the runner, and where things are kept.

No mount, no interface and no process stays behind. What stays is the cache ($XDG_CACHE_HOME/
cloudseed, or boot-cache in the build folder) and the logs (boot-logs in the build folder).
"""
import os
import shutil
import signal
import subprocess
import sys

import daemon
import debian

BUILD = str(daemon.BUILD.resolve())
LOGS = os.path.join(BUILD, "boot-logs")
CACHE = (os.path.join(os.environ["XDG_CACHE_HOME"], "cloudseed")
         if "XDG_CACHE_HOME" in os.environ else os.path.join(BUILD, "boot-cache"))
RUN = "/run/boot"  # on a tmpfs that nobody else sees
INSIDE = "CLOUDSEED_BOOT_INSIDE"
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
              "--propagation", "private"]


def begin():
    """Inside: a /run of its own."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    os.makedirs(RUN)
    os.environ["TMPDIR"] = RUN


def sum_up(tests, figures, logs):
    """What those that passed have to tell, and how many of those asked for they are."""
    for name, seen in figures:
        print(f"# {name}:", ", ".join(f"{key} {value}" for key, value in seen.items()))
    print(f"# logs and screens: {logs}")
    tried = [name for name in tests if not sys.argv[1:] or name[5:] in sys.argv[1:]]
    print(f"{len(figures)} passed, {len(tried) - len(figures)} failed")


def main(script, tools, prepare, inside):
    """Runs inside() in namespaces, after prepare() has fetched what comes over the network."""
    if INSIDE in os.environ:
        return inside()
    missing = [tool for tool in tools if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        print(f"1..0 # SKIP it needs to be root{''.join(', ' + tool for tool in missing)}")
        return 0
    try:
        prepare()
    except debian.NotDebian as why:
        print(f"1..0 # SKIP {why}")
        return 0
    child = subprocess.Popen([*NAMESPACES, "/usr/bin/python3", script, *sys.argv[1:]],
                             env={**os.environ, INSIDE: "1"})
    # unshare turns a deaf ear to SIGTERM; killed, it takes along all that is inside.
    signal.signal(signal.SIGTERM, lambda *_: child.kill())
    signal.signal(signal.SIGINT, lambda *_: child.kill())
    return child.wait()
