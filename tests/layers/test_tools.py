#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What other tools find in the sources: clang's warnings, shellcheck, pyflakes."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import layers  # noqa: E402
import tap  # noqa: E402

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
WARNINGS = ("-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla "
            "-Wformat=2 -Wundef -Wimplicit-fallthrough "
            "-Wno-missing-field-initializers").split()
# What the Makefile defines; the values do not matter here.
DEFINES = ["-D_GNU_SOURCE="] + [f'-DCLOUDSEED_{name}="/x"' for name in (
    "VERSION", "CONFIG_DIR", "STATE_DIR", "RUNTIME_DIR", "TEMPLATES_DIR")]
DEFINES += ["-DCLOUDSEED_BUILD_DATE=1"]


def need(*names):
    for name in names:
        if shutil.which(name):
            return name
    raise tap.Skip(f"{names[-1]} is not installed")


def silent(command, files):
    done = subprocess.run([*command, *files], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=500, check=False)
    assert done.returncode == 0 and not done.stdout, done.stdout


def scripts(interpreter):
    """Files by their first line, or by its usual suffix."""
    for file in layers.all_files(ROOT):
        if file.suffix in (".c", ".h") or file.name in ("configure", "Makefile.in"):
            continue
        with file.open("rb") as stream:
            first = stream.readline()
        if first.startswith(b"#!") and interpreter in first:
            yield file


def test_clang_has_nothing_to_say():
    clang = need("clang-14", "clang")
    silent([clang, "-std=gnu11", "-fsyntax-only", "-Werror", *WARNINGS, *DEFINES, f"-I{ROOT}/src"],
           sorted((ROOT / "src").rglob("*.c")))


def test_headers_stand_alone():
    clang = need("clang-14", "clang")
    silent([clang, "-std=gnu11", "-fsyntax-only", "-Werror", *WARNINGS, *DEFINES,
            "-Wno-unused-function", "-Wno-unused-const-variable", f"-I{ROOT}/src", "-x", "c"],
           sorted((ROOT / "src").rglob("*.h")))


def test_shellcheck_has_nothing_to_say():
    silent([need("shellcheck")], [f for f in scripts(b"sh") if "build-aux" not in f.parts])


def test_pyflakes_has_nothing_to_say():
    need("pyflakes3")
    silent(["pyflakes3"], [f for f in layers.all_files(ROOT) if f.suffix == ".py"])


tap.main()
