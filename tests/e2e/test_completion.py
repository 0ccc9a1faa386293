#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bash's completion of `cloudseed` knows its commands, options and nodes."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import standin  # noqa: E402
import tap  # noqa: E402

WORLD = tap.enter(cli.World())
SCRIPT = cli.SOURCE / "contrib" / "completion" / "cloudseed.bash"
WHERE = ["--config", str(WORLD.path / "cloudseedd.yaml")]
ASK = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_cloudseed "$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words):
    """What the last one of the words may become."""
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", str(SCRIPT), str(cli.PROGRAM), *words], cwd=WORLD.path,
        capture_output=True, text=True, timeout=cli.SECONDS, check=True)
    tap.eq(done.stderr, "")
    return sorted(done.stdout.split())


def test_script_is_sound():
    if not shutil.which("shellcheck"):
        raise tap.Skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", "-s", "bash", str(SCRIPT)], capture_output=True, text=True,
                          check=False)
    tap.eq((done.returncode, done.stdout), (0, ""))


def test_commands_are_those_of_the_program():
    shown = WORLD.good("help").split("\nOptions")[0]
    first = sorted(set(re.findall(r"^  ([a-z-]+)", shown, re.M)))
    tap.eq(complete(""), first)
    tap.eq(complete("help", ""), first)
    for group in ("node", "asset"):
        tap.eq(complete(group, ""), sorted(re.findall(rf"^  {group} ([a-z]+)", shown, re.M)))
    tap.eq(complete("ch"), ["check"])


def test_options_are_those_of_the_program():
    shown = WORLD.good("help").split("\nOptions")[0]
    commands = re.findall(r"^  ((?:node|asset) [a-z]+|[a-z-]+)", shown, re.M)
    assert "known-hosts" in commands and "node rekey" in commands, commands
    for name in commands:
        shown = re.findall(r"^  (--[a-z0-9-]+)", WORLD.good("help", *name.split()), re.M)
        tap.eq(complete(*name.split(), "-"), sorted(shown), name)


def test_nodes():
    nodes = ["k8s-master-1", "k8s-worker-2"]
    tap.eq(complete(*WHERE, "render", ""), nodes)
    tap.eq(complete("node", "show", *WHERE, ""), nodes)
    tap.eq(complete("node", "url", *WHERE, "k8s-w"), ["k8s-worker-2"])
    tap.eq(complete("node", "url", *WHERE, "k8s-worker-2", ""), [])


def test_nodes_of_several():
    nodes = ["k8s-master-1", "k8s-worker-2"]
    for words in (["node", "arm", "k8s-worker-2"], ["watch"], ["wait", "k8s-master-1"], ["events"],
                  ["known-hosts"], ["node", "set"], ["wait", "--for", "up", "--timeout", "2m"]):
        tap.eq(complete(*words, *WHERE, ""), nodes, words)
    tap.eq(complete("node", "add", *WHERE, ""), [])


def test_nodes_that_the_server_knows():
    pages = [standin.golden(name) for name in ("server", "nodes-page-1", "nodes-page-2")]
    with standin.StandIn(*pages) as server:
        tap.eq(complete("node", "rm", "--server", str(server.socket), *WHERE, "k8s-worker-"),
               ["k8s-worker-2", "k8s-worker-3", "k8s-worker-4"])


def test_machines_that_were_discovered():
    """With dashes, which bash takes for a part of the word."""
    with standin.StandIn(standin.golden("discovered")) as server:
        where = ["--server", str(server.socket), *WHERE]
        tap.eq(complete("node", "adopt", *where, ""), ["bc-24-11-00-20-0e", "bc-24-11-00-20-0f"])
        tap.eq(complete(*where, "node", "adopt", "bc-24-11-00-20-0f"), ["bc-24-11-00-20-0f"])
        asked = len(server.asked)
        tap.eq(complete("node", "adopt", *where, "bc-24-11-00-20-0e", ""), [])
        tap.eq(len(server.asked), asked)
    tap.eq(complete("node", "adopt", *WHERE, ""), [])


def test_nodes_of_a_tree_that_the_line_names():
    tap.eq(complete("node", "url", "--seed", "seed", "--templates", "templates", "k8s-m"),
           ["k8s-master-1"])
    tap.eq(complete("node", "url", "--seed", "=", "seed", "--templates", "=", "templates", "k8s-m"),
           ["k8s-master-1"])


def test_a_faulty_tree_says_nothing():
    tap.eq(complete("node", "url", "--seed", "/nonexistent", ""), [])


def test_files_of_a_node():
    tap.eq(complete("render", *WHERE, "k8s-worker-2", ""),
           sorted(WORLD.good("render", "k8s-worker-2", "--names").split()))
    tap.eq(complete("render", *WHERE, "k8s-worker-2", "user-data", ""), [])
    tap.eq(complete("render", *WHERE, "k8s-worker-9", ""), [])


def test_values():
    tap.eq(complete("dhcp", "--for", ""), ["dnsmasq", "kea", "opnsense"])
    tap.eq(complete("node", "arm", "k8s-worker-2", "--for", ""), [])
    tap.eq(complete("--color", ""), ["always", "auto", "never"])
    tap.eq(complete("--color", "=", "n"), ["never"])
    tap.eq(complete("--color", "="), ["always", "auto", "never"])
    tap.eq(complete("check", "--seed", "s"), ["seed", "state"])
    tap.eq(complete("check", "see"), ["seed"])
    tap.eq(complete("--config", "cloud"), ["cloudseedd.yaml"])
    tap.eq(complete("--url", ""), [])
    tap.eq(complete("diff", "--against", "se"), ["seed"])
    tap.eq(complete("diff", "--against", "seed", ""), [])
    tap.eq(complete("render", "--all", "x", "--config", "cloud"), ["cloudseedd.yaml"])
    tap.eq(complete("reference", ""), ["config", "seed", "templates"])
    tap.eq(complete("events", "--kind", "re"), ["ready", "rebooted", "registered", "rekeyed",
                                                "reprovisioned"])
    tap.eq(complete("backup", "cloud"), ["cloudseedd.yaml"])


tap.main()
