#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/templates.md does as it says: all of its examples, one after the other, in one checkout.

    text that ends in `FILE`:   the block below is that file's new content
    ```diff                     a patch, which is applied
    ```console                  `$ command`, then all that it prints; `...` stands for any lines
    ```jinja                    with another block below: what the node nas gets of it as user-data
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import tap  # noqa: E402
from cli import BUILD, SECONDS, SECRET, SOURCE  # noqa: E402

PAGE = SOURCE / "docs/templates.md"
FENCE = re.compile(r"^```(\w+)\n((?s:.*?))^```$", re.M)
FILE_BELOW = re.compile(r"`((?:seed|templates|\.github)/[^`]+)`:\s*\Z")
SNIPPET = "templates/mine/nas"  # the template of the node nas
NODE = "nas"
KINDS = {"diff", "console", "jinja", "yaml", "text"}


@dataclass
class Block:
    kind: str
    text: str
    line: int
    file: str  # whose content it is, or ""


def blocks(text):
    found = []
    for match in FENCE.finditer(text):
        named = FILE_BELOW.search(text, max(0, match.start() - 200), match.start())
        found.append(Block(match[1], match[2], text.count("\n", 0, match.start()) + 1,
                           named[1] if named else ""))
    return found


class Checkout:
    """A copy of the example tree under Git, in which a shell finds `cloudseed`."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="cloudseed-manual-"))
        tap.defer(shutil.rmtree, self.path)
        self.work = self.path / "work"
        for name in ("seed", "templates"):
            shutil.copytree(SOURCE / name, self.work / name)
        subprocess.run(["chmod", "-R", "u+w", self.work], check=True)
        self._write_program()
        self.shell("git init -q -b main && git add -A && git commit -qm 'as shipped'")

    def _write_program(self):
        state = self.path / "state"
        state.mkdir()
        (state / "secret").write_text(SECRET)
        (state / "secret").chmod(0o600)
        program = self.path / "cloudseed"
        program.write_text(f"""#!/bin/sh
command=$1
shift
case $command in reference) set -- "$@" ;; *)
    set -- "$@" --seed seed --templates templates --state '{state}' ;;
esac
exec '{BUILD.resolve() / "cloudseed"}' "$command" "$@"
""")
        program.chmod(0o755)

    def shell(self, command):
        """All that it prints."""
        who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", "an admin"), ("EMAIL", "admin@home.arpa"))}
        env = {**os.environ, **who, "PATH": f"{self.path}:{os.environ['PATH']}", "NO_COLOR": "1",
               "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        return subprocess.run(["bash", "-c", command], cwd=self.work, env=env, check=False,
                              timeout=SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True).stdout

    def write(self, name, text):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def apply(self, patch):
        subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=self.work, check=True)

    def rendered(self, template):
        path = self.work / SNIPPET
        before = path.read_text()
        path.write_text(template)
        got = self.shell(f"cloudseed render {NODE} user-data")
        path.write_text(before)
        return got


def same(got, want):
    """`...` in `want` stands for any lines."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", want, flags=re.M)]
    return re.fullmatch("(?s:.*)".join(parts), got) is not None


def commands(text):
    """[(command, what it prints)] of a console."""
    found = re.findall(r"^\$ (.*(?:\\\n.*)*)\n((?:(?!\$ ).*\n)*)", text, re.M)
    assert "".join(f"$ {command}\n{output}" for command, output in found) == text, text
    return found


def play(page, checkout, on_result):
    """Does what the page does; on_result(block, what, got, want) for each thing that it shows."""
    template = None
    for block in page:
        assert block.kind in KINDS, f"line {block.line}: a block of unknown kind"
        if template:
            on_result(block, template.text, checkout.rendered(template.text), block.text)
            template = None
        elif block.file:
            checkout.write(block.file, block.text)
        elif block.kind == "diff":
            checkout.apply(block.text)
        elif block.kind == "console":
            for command, want in commands(block.text):
                on_result(block, command, checkout.shell(command), want)
        else:
            assert block.kind == "jinja", f"line {block.line}: what is this an example of?"
            template = block
    assert template is None, "the last template has no rendering"


def test_every_example_is_true():
    shown = []

    def on_result(block, what, got, want):
        shown.append(what)
        if not same(got, want):
            raise AssertionError(f"line {block.line}: {what}\n--- page\n{want}--- real\n{got}")

    play(blocks(PAGE.read_text()), Checkout(), on_result)
    assert len(shown) >= 25, f"only {len(shown)} examples were found"


def test_no_block_is_left_out():
    text = PAGE.read_text()
    tap.eq(len(blocks(text)) * 2, len(re.findall(r"^ *```", text, re.M)))


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", PAGE.read_text()):
        assert (PAGE.parent / target).exists(), target


def test_a_wrong_example_is_seen():
    assert same("a\nb\nc\n", "a\n...\nc\n") and same("a\n", "a\n")
    assert not same("a\nb\n", "a\n") and not same("a\nb\n", "a\n...\nc\n")
    tap.eq(commands("$ a\n1\n2\n$ b\n$ c\n3\n"), [("a", "1\n2\n"), ("b", ""), ("c", "3\n")])


if __name__ == "__main__":
    tap.main()
