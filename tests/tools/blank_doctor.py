#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes each step of `cloudseed doctor` blind in turn, and sees that a planted fault is missed then.

    tests/tools/blank_doctor.py BUILD [STEP…]

By hand, in a folder where all is built: a step that finds nothing and breaks no test is one that
nobody would miss. Takes some seconds for each step.
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
STEPS = SOURCE / "src/cli/doctor/steps.c"
LOOK = ": s->look(f));"


def command(build, target, what):
    """The one that makes the target, as make would run it."""
    said = subprocess.run(["make", "-C", build, "-n", "V=1", "-W", os.path.relpath(STEPS, build), target],
                          text=True, capture_output=True, check=True).stdout
    return next(line for line in said.replace("\\\n", " ").splitlines() if re.search(what, line))


def compiled(build, folder, step):
    text = STEPS.read_text()
    assert text.count(LOOK) == 1
    blind = f': !strcmp(s->name, "{step}") ? finding_ok(f->arena, "-") : s->look(f));'
    (folder / "steps.c").write_text(text.replace(LOOK, blind))
    words = shlex.split(command(build, "libcloudseed.a", r" -c .*doctor/steps\.c").rpartition(";")[2])
    words = words[:next(i for i, w in enumerate(words) if w in ("-MT", "-c", "-MD"))]
    subprocess.run([*words, "-c", folder / "steps.c", "-o", folder / "steps.o"], cwd=build, check=True)


def linked(build, folder):
    line = command(build, "cloudseed", r" -o cloudseed ").rpartition(";")[2]
    words = shlex.split(line)
    words[words.index("-o") + 1] = str(folder / "cloudseed")
    words.insert(words.index("libcloudseed.a"), str(folder / "steps.o"))  # so the archive's is not taken
    subprocess.run(words, cwd=build, check=True)


def misses(build, folder, step):
    """Whether a test fails without the step."""
    compiled(build, folder, step)
    linked(build, folder)
    done = subprocess.run([sys.executable, "-B", SOURCE / "tests/e2e/test_doctor.py",
                           "each_fault_is_what_is_to_be_mended_first"], capture_output=True, text=True,
                          check=False, env={**os.environ, "CLOUDSEED_STEP": step,
                                            "CLOUDSEED_BUILD": str(folder),
                                            "CLOUDSEED_SOURCE": str(SOURCE)})
    return done.returncode != 0 and f"'{step}'" in done.stdout


def main():
    build = Path(sys.argv[1]).resolve()
    steps = sys.argv[2:] or re.findall(r'^    \{"([a-z-]+)", doctor_', STEPS.read_text(), re.M)
    planted = (SOURCE / "tests/e2e/test_doctor.py").read_text()
    elsewhere = re.findall(r'"([a-z]+)"', re.search(r"^ELSEWHERE = .*", planted, re.M)[0])
    unseen = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cloudseedd").symlink_to(build / "cloudseedd")
        for step in [s for s in steps if s not in elsewhere]:
            seen = misses(build, folder, step)
            print(f"{step}: {'missed' if seen else 'NOBODY MISSES IT'}", flush=True)
            unseen += [] if seen else [step]
    sys.exit(1 if unseen else 0)


main()
