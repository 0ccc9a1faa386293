#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mutation testing: breaks a source in one place, and sees whether a unit test fails.

    tests/tools/mutate.py [--each N] [--seed N] [--slowest SECONDS] [--line N] BUILD FILE…

By hand, in a folder that was configured with CFLAGS=-O0 and without sanitizers, where `make
libcloudseedd.a` has run: a mutant takes about a second there. The sources and the folder's objects
stay as they are. N places of each FILE (15) are chosen by the seed, or all of --line. The tests are
those of tests/unit/FOLDER: the one of the same name first, then the others, the fastest first, and
last those in ALSO. Prints each mutant that no test noticed as FILE:LINE: what was changed, and the
counts of each file, and which tests were left out as too slow.
"""
import argparse
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ALSO = {"fleet": ["core/test_bootstrap", "core/test_core"]}

# What a regular expression finds, and what stands in its place.
OPERATORS = [
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" == ", " != "), (r" != ", " == "), (r" && ", " || "), (r" \|\| ", " && "),
    (r" \+ ", " - "), (r" - ", " + "), (r" & ", " | "), (r" \+= ", " -= "),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"(?<=[ (,])!(?=[a-z(])", ""),
    (r"\bbreak;", ";"), (r"\bcontinue;", ";"), (r"\breturn;", ";"),
]
NUMBER = re.compile(r"(?<=[ (\[-])\d+(?=[ ;),\]])")
CONDITION = re.compile(r"\b(?:if|while) \(")
CALL = re.compile(r"(?<=\n)[ ]+(?!return\b|assert\b|log_)[a-z][\w]*\([^;{}]*\);")
ASSIGNMENT = re.compile(r"(?<=\n)[ ]+(?!return\b)[\w>.*\[\]-]+ [|&]?= [^;{}]*;")
RETURN = re.compile(r"\breturn (?!true|false|0;)([^;{}]+);")


def masked(text):
    """The same length, with blanks instead of comments, texts, assertions and directives."""
    blank = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\])+\'|\bassert\([^;]*;'
                       r'|(?<=\n)#(?!define)[^\n]*', re.S)
    return blank.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def closed(text, at):
    """Behind the parenthesis that closes the one before `at`."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def places(text):
    """Of all that can be changed: (from, to, what stands there then)."""
    bare = masked(text)
    found = []
    for pattern, to in OPERATORS:
        found += [(m.start(), m.end(), to) for m in re.finditer(pattern, bare)]
    found += [(m.start(), m.end(), str(int(m[0]) + 1)) for m in NUMBER.finditer(bare)]
    for m in CONDITION.finditer(bare):
        end = closed(bare, m.end()) - 1
        found.append((m.end(), end, f"!({text[m.end():end]})"))
    for pattern in (CALL, ASSIGNMENT):
        found += [(m.start(), m.end(), ";") for m in pattern.finditer(bare)]
    found += [(m.start(1), m.end(1), f"!({text[m.start(1):m.end(1)]})") for m in RETURN.finditer(bare)]
    return sorted(found)


def told(text, place):
    """FILE's line, and the change in words."""
    begin, end, to = place
    line = text.count("\n", 0, begin + len(text[begin:end]) - len(text[begin:end].lstrip())) + 1
    before = " ".join(text[begin:end].split())
    whole = text.splitlines()[line - 1].strip()
    return line, f"`{before}` became `{to.strip() or 'nothing'}` in: {whole}"


class Build:
    def __init__(self, folder, options):
        self.folder, self.options = Path(folder).resolve(), options
        self.lines, self.took = {}, {}
        self.environment = {**os.environ, "CLOUDSEED_SOURCE": str(SOURCE), "CLOUDSEED_BUILD": str(self.folder),
                            "LC_ALL": "C.UTF-8", "CMOCKA_MESSAGE_OUTPUT": "TAP"}

    def made_by(self, target, newer, what):
        """The command that makes the target, as make would run it."""
        said = subprocess.run(["make", "-C", self.folder, "-n", "V=1", "-W", newer, target],
                              text=True, capture_output=True, check=True).stdout
        line = next(line for line in said.replace("\\\n", " ").splitlines() if re.search(what, line))
        return shlex.split(line.rpartition(";")[2])

    def compile(self, file, text, to):
        """The object's bytes, or None where the text does not compile."""
        if file not in self.lines:
            words = self.made_by("libcloudseedd.a", os.path.relpath(SOURCE / file, self.folder),
                                 rf" -c .*{re.escape(file)}")
            self.lines[file] = words[:next(i for i, w in enumerate(words) if w in ("-MT", "-c", "-MD"))]
        mutant = to.with_suffix(".c")
        mutant.write_text(text)
        words = [*self.lines[file], "-w", f"-I{(SOURCE / file).parent}", "-c", mutant, "-o", to]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, check=False)
        return to.read_bytes() if done.returncode == 0 else None

    def link(self, test, obj, to):
        if test not in self.lines:
            subprocess.run(["make", "-s", "-C", self.folder, test], check=True, stdout=subprocess.DEVNULL)
            self.lines[test] = self.made_by(test, "libcloudseedd.a", rf" -o {test} ")
        words = list(self.lines[test])
        words[words.index("-o") + 1] = str(to)
        if obj:
            words.insert(words.index("libcloudseedd.a"), str(obj))  # the archive's is not taken then
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)

    def passes(self, test, obj, folder):
        self.link(test, obj, folder / "test")
        limit = 10 * self.took[test] + 5 if test in self.took else 600
        try:
            done = subprocess.run([folder / "test"], cwd=folder, env=self.environment, timeout=limit,
                                  capture_output=True, check=False)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def tests_of(self, file, folder):
        """In the order in which they are run; those that are too slow are left out."""
        where = Path(file).parts[1]
        names = [f"tests/unit/{where}/{p.stem}" for p in (SOURCE / "tests/unit" / where).glob("test_*.c")]
        also = [f"tests/unit/{name}" for name in ALSO.get(where, [])]
        for test in names + also:
            if test not in self.took:
                begun = time.monotonic()
                if not self.passes(test, None, folder):
                    sys.exit(f"{test} fails without any change")
                self.took[test] = time.monotonic() - begun
        mirror = f"tests/unit/{where}/test_{Path(file).stem}"
        order = sorted(names, key=lambda t: (t != mirror, self.took[t])) + also
        slow = [t for t in order if self.took[t] > self.options.slowest]
        if slow:
            print(f"{file}: left out as too slow: {' '.join(slow)}", flush=True)
        return [t for t in order if t not in slow]


def chosen(text, file, options):
    found = places(text)
    if options.line:
        return [p for p in found if told(text, p)[0] == options.line]
    random.Random(f"{options.seed} {file}").shuffle(found)
    return found


def try_file(build, file, folder):
    text = (SOURCE / file).read_text()
    tests = build.tests_of(file, folder)
    plain = build.compile(file, text, folder / "mutant.o")
    tried, survived = 0, 0
    for place in chosen(text, file, build.options):
        if tried == build.options.each and not build.options.line:
            break
        obj = build.compile(file, text[:place[0]] + place[2] + text[place[1]:], folder / "mutant.o")
        if obj is None or obj == plain:
            continue
        tried += 1
        if all(build.passes(test, folder / "mutant.o", folder) for test in tests):
            survived += 1
            line, what = told(text, place)
            print(f"{file}:{line}: {what}", flush=True)
    print(f"{file}: {tried} mutants, {survived} survived", flush=True)
    return tried, survived


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--each", type=int, default=15, help="mutants of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slowest", type=float, default=60, help="leave slower tests out")
    parser.add_argument("--line", type=int, help="try all mutants of this line")
    parser.add_argument("build")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    build = Build(options.build, options)
    tried = survived = 0
    for file in options.files:
        with tempfile.TemporaryDirectory() as name:
            n, m = try_file(build, file, Path(name))
            tried, survived = tried + n, survived + m
    print(f"{tried} mutants, {survived} survived")


main()
