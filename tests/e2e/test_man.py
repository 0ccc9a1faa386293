#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The man pages: sound mdoc, every option and key in them, and examples that print what they say."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402

WORLD = tap.enter(cli.World())
PAGES = sorted(cli.MAN.glob("*.[1-8]"))


def page(name):
    return (cli.MAN / name).read_text()


def test_pages_are_sound_mdoc():
    if not shutil.which("mandoc"):
        raise tap.Skip("mandoc is not installed")
    assert PAGES
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *PAGES], capture_output=True,
                          text=True, check=False)
    tap.eq((done.returncode, done.stdout + done.stderr), (0, ""))


def test_every_page_is_installed():
    listed = re.findall(r"%D%/(\S+)", (cli.MAN / "Makefile.inc").read_text())
    tap.eq(sorted(listed), [p.name for p in PAGES])


def test_pages_refer_to_pages_that_are_there():
    ours = {p.name for p in PAGES}
    for path in PAGES:
        for name, section in re.findall(r"^\.Xr (\S+) (\d)", path.read_text(), re.M):
            assert "cloudseed" not in name or f"{name}.{section}" in ours, f"{path.name}: {name}"


def same_options(program, name):
    """The page describes the options that --help lists, and no others."""
    shown = subprocess.run([str(cli.BUILD.resolve() / program), "--help"], capture_output=True,
                           text=True, check=True).stdout
    heads = re.findall(r"^  (--.*?)(?:  |$)", shown, re.M)
    options = set(re.findall(r"--([a-z-]+)", " ".join(heads)))
    assert len(options) > 8, options
    tap.eq(set(re.findall(r"^\.It Fl -([a-z-]+)", page(name), re.M)), options)


def test_page_has_every_option_of_cloudseed():
    same_options("cloudseed", "cloudseed.1")


def test_page_has_every_option_of_cloudseedd():
    same_options("cloudseedd", "cloudseedd.8")


def test_page_has_every_command():
    shown = WORLD.good("help").split("\nOptions")[0]
    commands = re.findall(r"^  ([a-z -]+?)(?: [A-Z\[].*?| \S*\|\S*)?  +[a-z]", shown, re.M)
    assert {"check", "node url", "reference", "help"} <= set(commands), commands
    described = re.findall(r"^\.It Cm ([a-z -]+?)(?: Ar| Op| Cm|$)", page("cloudseed.1"), re.M)
    tap.eq(described, commands)


def test_page_has_every_key_of_the_configuration():
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (.*?) \| ", WORLD.good("reference", "config"), re.M)
    assert len(rows) > 12, rows
    text = page("cloudseedd.yaml.5")
    keys = re.findall(r"\w+", " ".join(re.findall(r"^\.It Cm (.*)", text, re.M)))
    tap.eq(sorted(keys), sorted(key for key, _ in rows))
    for key, default in rows:
        value = default.strip("`").rsplit("/", 1)[-1]
        part = re.search(rf"^\.It Cm .*\b{key}\b(?s:.*?)(?=^\.It |^\.El)", text, re.M).group()
        assert value == "none" or re.search(rf"\b{re.escape(value)}\b", part), f"{key}: {part}"


def test_page_has_the_default_of_the_log_level():
    default = re.search(r"^\| `level` .*\| `(\w+)` \|", WORLD.good("reference", "config"),
                        re.M).group(1)
    assert re.search(rf"\b{default}\n\.Pq the default", page("cloudseedd.yaml.5")), default


def examples(name):
    """[(command, what it prints)]"""
    for text in cli.DISPLAY.findall(page(name)):
        for part in re.split(r"^(?=\$ )", cli.literal(text), flags=re.M):
            command, _, output = part.partition("\n")
            if command.startswith("$ cloudseed "):
                yield command[2:], output


def test_examples_print_what_the_pages_say():
    shutil.copytree(WORLD.path / "seed", WORLD.path / "draft")
    nodes = WORLD.path / "draft" / "nodes" / "k8s.yaml"
    nodes.write_text(nodes.read_text().replace("role: worker", "role: workr"))
    WORLD.write("bin/cloudseed", f"#!/bin/sh\nexec '{cli.PROGRAM}' --config "
                                 f"'{WORLD.path}/cloudseedd.yaml' \"$@\"\n").chmod(0o755)
    env = {**os.environ, "PATH": f"{WORLD.path}/bin:{os.environ['PATH']}"}
    count = 0
    for name in ("cloudseed.1", "cloudseed-seed.5"):
        for command, want in examples(name):
            if "| jq" in command and not shutil.which("jq"):
                continue
            done = subprocess.run(command, shell=True, cwd=WORLD.path, env=env, text=True,
                                  capture_output=True, timeout=cli.SECONDS, check=False)
            tap.eq(done.stdout + done.stderr, want, f"{name}: {command}")
            count += 1
    assert count >= 8, count


tap.main()
