# SPDX-License-Identifier: Apache-2.0
"""Holds a rendered document against the same one with other values.

A document is rendered with a mark in place of each value of the seed tree, and then with others. It
is the same when it has the same shape all the way down, into the files that it writes and the
commands that it runs, and when each mark has become just its value.
"""
import base64
import json
import re
import shlex
import subprocess
import tomllib

import yaml

MARK = re.compile(r"zq\d+qz")


class Different(AssertionError):
    pass


def mark(number):
    return f"zq{number}qz"


class Comparison:
    def __init__(self, values):
        """`values` has the text that stands in place of each mark."""
        self.values = values

    def filled(self, text):
        return MARK.sub(lambda m: self.values[m[0]], text)

    def documents(self, base, other, where):
        """Two YAML texts, of any number of documents each."""
        if not MARK.search(base):
            self.same(base, other, where)
            return
        try:
            got = list(yaml.safe_load_all(other))
        except yaml.YAMLError as why:
            raise Different(f"{where}: {why}\n{other[:2000]}") from why
        self.value(list(yaml.safe_load_all(base)), got, where)

    @staticmethod
    def same(base, other, where):
        if base != other:
            raise Different(f"{where}:\n   got: {other!r:.300}\n  want: {base!r:.300}")

    def value(self, base, other, where):
        if type(base) is not type(other):
            raise Different(f"{where}: was {base!r}, became {other!r}")
        if isinstance(base, dict):
            base = {self.filled(k) if isinstance(k, str) else k: v for k, v in base.items()}
            self.same(list(base), list(other), f"{where}, the keys")
            for key in base:
                if key == "content" and "path" in base:
                    self.content(written(base), written(other), f"{where} {base['path']}")
                else:
                    self.value(base[key], other[key], f"{where}.{key}")
        elif isinstance(base, list):
            self.same(len(base), len(other), f"{where}: length; {other!r}")
            for i, (one, another) in enumerate(zip(base, other)):
                command = isinstance(one, str) and re.search(r"\.(run|boot)cmd$", where)
                (self.shell if command else self.value)(one, another, f"{where}[{i}]")
        elif isinstance(base, str) and not MARK.fullmatch(base):
            # Where several are put together, the spaces in them may go, or become commas.
            self.same(squeezed(self.filled(base)), squeezed(other), where)
        elif isinstance(base, str):
            self.same(self.filled(base), other, where)
        else:
            self.same(base, other, where)

    def content(self, base, other, where):
        """A file that is written, by the language that its name or its first line tells."""
        if not isinstance(other, str):
            raise Different(f"{where}: became {other!r}")
        if where.endswith(".json"):
            self.value(json.loads(base), json.loads(other), where)
        elif re.search(r"\.(ya?ml|cfg)$", where):
            self.documents(base, other, where)
        elif where.endswith(".toml"):
            self.value(tomllib.loads(base), tomllib.loads(other), where)
        elif where.endswith("/prepare.conf"):
            self.settings(base, other, where)
        elif re.match(r"#!.*sh\b", base):
            self.shell(base, other, where)
        elif base.strip() and MARK.fullmatch(base):
            self.same(self.filled(base), other, where)
        else:
            self.lines(base, other, where)

    def lines(self, base, other, where):
        """A file of lines, of which no value makes more or fewer."""
        rows, others = base.split("\n"), other.split("\n")
        self.same(len(rows), len(others), f"{where}: lines in {other!r}")
        for row, line in zip(rows, others):
            if not MARK.search(row):
                self.same(row, line, where)

    def shell(self, base, other, where):
        """A script or a command: word for word, and without a fault of syntax."""
        words = [self.filled(word) for word in shlex.split(base, True)]
        self.same(words, shlex.split(other, True), where)
        done = run_shell(["-n", "-c", other])
        self.same((0, b""), (done.returncode, done.stderr), where)
        if MARK.search(base) and base.startswith("printf '%s' "):
            said = run_shell(["-c", other]).stdout.decode()
            self.same(self.filled(shlex.split(base)[2]), said, f"{where}, printed")

    def settings(self, base, other, where):
        """Assignments, as a real shell reads them."""
        names = re.findall(r"^(\w+)=", base, re.M)
        show = "".join(f'printf "%s\\0" "${name}";' for name in names)
        want = run_shell(["-c", f"{base}\n{show}"]).stdout.decode().split("\0")
        done = run_shell(["-u", "-c", f"{other}\n{show}"])
        self.same((0, b""), (done.returncode, done.stderr), where)
        self.same([self.filled(w) for w in want], done.stdout.decode().split("\0"), where)


def squeezed(text):
    return re.sub(r"[\s,]+", "", text)


def written(entry):
    """What an entry of write_files puts into its file."""
    content = entry["content"]
    if "encoding" in entry and isinstance(content, str):
        return base64.b64decode(content).decode()
    return content


def run_shell(arguments):
    """A real sh in the current folder, which finds nothing that it could run but by its path."""
    return subprocess.run(["/bin/sh", *arguments], capture_output=True, timeout=300, check=False,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
