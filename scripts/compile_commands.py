#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""compile_commands.py MAKE TARGET… : compile_commands.json for clangd, in the current build folder.

Asks make how it would compile every source of those targets, and compiles nothing. Flags that only
write dependency files are left out.
"""
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

DROPPED = {"-MD", "-MP"}
DROPPED_WITH_VALUE = {"-MT", "-MF"}
# A file that a target compiles under a name of its own: `test -f 'x.c' || echo '../'`x.c
EITHER = re.compile(r"`test -f '[^']*' \|\| echo '([^']*)'`")


def dry_run(make, targets):
    """What make would run if every source had changed."""
    changed = [arg for file in sorted(Path(os.environ["top_srcdir"]).glob("*/**/*.c"))
               for arg in ("-W", str(file))]
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run([make, "--dry-run", "V=1", *changed, *targets], env=env, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.replace("\\\n", " ")


def arguments(command):
    words, kept = shlex.split(EITHER.sub(r"\1", command)), []
    while words:
        word = words.pop(0)
        if word in DROPPED_WITH_VALUE:
            words.pop(0)
        elif word not in DROPPED:
            kept.append(word)
    return kept


def entries(output):
    for line in output.splitlines():
        for command in re.split(r"&&|\|\|(?![^`]*`)|;", line):
            if re.search(r" -c -o \S+\.o ", command):
                words = arguments(command.strip())
                yield {"directory": os.getcwd(), "file": words[-1], "arguments": words,
                       "output": words[words.index("-o") + 1]}


def main():
    found = list(entries(dry_run(sys.argv[1], sys.argv[2:])))
    if not found:
        raise SystemExit("compile_commands.py: make compiles nothing for these targets")
    new = Path("compile_commands.json.new")
    new.write_text(json.dumps(found, indent=1) + "\n")
    new.replace("compile_commands.json")


main()
