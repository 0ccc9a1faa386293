#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make release refuses what is no release, and make check-all knows every target and sums them up."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib"), str(ROOT / "scripts")]
import check_all  # noqa: E402
import tap  # noqa: E402

ENV = {**{k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CI")},
       "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "TZ": "UTC",
       **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
          for what, value in (("NAME", "a"), ("EMAIL", "a@example.org"))}}
# Stands for make: leaves a tarball, or does as its first line in `make.does` says.
MAKE = """#!/bin/sh
case $1 in
distcheck) [ ! -e fails ] && echo packed >cloudseed-1.2.3.tar.xz ;;
good) echo 'ok 1 - a'; echo 'ok 2 - b # SKIP not here' ;;
bad) echo 'not ok 1 - a'; exit 3 ;;
away) echo '1..0 # SKIP it needs a moon' ;;
esac
"""


def scratch():
    return Path(tap.enter(tempfile.TemporaryDirectory()))


# --- make release --------------------------------------------------------------------------------


class Checkout:
    """A tree with what release.sh reads, committed, and a build folder beside it."""

    def __init__(self):
        self.path, self.build = scratch(), scratch()
        (self.path / "scripts").mkdir()
        shutil.copy(ROOT / "scripts/release.sh", self.path / "scripts")
        self.write("configure.ac", "AC_INIT([cloudseed], [1.2.3])\n"
                   '  [BUILD_DATE=$SOURCE_DATE_EPOCH], [BUILD_DATE=1795305600])\n')
        self.write("NEWS", "cloudseed 1.2.3, 2026-11-22\n\n- All is new.\n\ncloudseed 1.2.2, 2026-01-01\n")
        self.make = self.build / "make"
        self.make.write_text(MAKE)
        self.make.chmod(0o755)
        self.git("init", "-q", "-b", "main")
        self.commit()

    def write(self, name, text):
        (self.path / name).write_text(text)

    def git(self, *words):
        return subprocess.run(["git", "-C", self.path, *words], check=True, env=ENV, stdout=subprocess.PIPE,
                              text=True).stdout

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")

    def release(self, checks="test -e NEWS", **more):
        return subprocess.run([self.path / "scripts/release.sh", self.make], cwd=self.build, check=False, text=True,
                              env={**ENV, "RELEASE_CHECKS": checks, **more}, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)

    def refused(self, part, **more):
        done = self.release(**more)
        tap.eq(done.returncode, 1, done.stdout)
        tap.contains(done.stderr, part)
        assert not (self.build / "SHA256SUMS").exists()
        tap.eq(self.git("tag", "--list", "v1.2.3").strip(), "")


def test_a_release():
    tree = Checkout()
    done = tree.release()
    tap.eq((done.returncode, done.stderr), (0, ""))
    tarball = tree.build / "cloudseed-1.2.3.tar.xz"
    tap.eq(done.stdout.splitlines(), [str(tarball), str(tree.build / "SHA256SUMS")])
    tap.eq((tree.build / "SHA256SUMS").read_text(),
           f"{hashlib.sha256(tarball.read_bytes()).hexdigest()}  {tarball.name}\n")
    tap.eq(tree.git("tag"), "")  # only where it was asked for
    tap.eq(tree.release(RELEASE_TAG="annotated").returncode, 0)
    tap.eq(tree.git("cat-file", "-t", "v1.2.3"), "tag\n")
    tap.eq(tree.git("rev-parse", "v1.2.3^{commit}"), tree.git("rev-parse", "HEAD"))


def test_a_tree_with_changes_is_refused():
    tree = Checkout()
    tree.write("new", "x")
    tree.refused("commit or remove these changes first:\n?? new")
    tree.commit()
    tree.write("NEWS", (tree.path / "NEWS").read_text() + "x")
    tree.refused(" M NEWS")
    tree.git("checkout", "-q", "NEWS")
    tree.refused("commit or remove", checks="touch left")  # by the checks


def test_a_version_without_news_is_refused():
    tree = Checkout()
    for first, part in (("cloudseed 1.2.2, 2026-11-22", "expected 'cloudseed 1.2.3, DATE'"),
                        ("cloudseed 1.2.3, not yet released", "NEWS has no date for 1.2.3"),
                        ("cloudseed 1.2.3, 2026-11-23", "BUILD_DATE in configure.ac is not the date in NEWS")):
        tree.write("NEWS", f"{first}\n\n- x\n")
        tree.commit()
        tree.refused(part)


def test_a_version_with_a_tag_is_refused():
    tree = Checkout()
    tree.git("tag", "v1.2.3")
    done = tree.release()
    tap.eq(done.returncode, 1)
    tap.contains(done.stderr, "the tag v1.2.3 exists: raise the version")


def test_red_checks_are_refused():
    tree = Checkout()
    tree.refused("the checks failed: false", checks="false")
    (tree.build / "fails").touch()
    tree.refused("make distcheck failed")


def test_what_else_is_refused():
    tree = Checkout()
    tree.refused("expected annotated or signed", RELEASE_TAG="yes")
    tree.refused("the checkout has another commit now", checks="git commit -q --allow-empty -m x")
    shutil.rmtree(tree.path / ".git")
    done = tree.release(GIT_CEILING_DIRECTORIES=str(tree.path.parent))
    tap.eq(done.returncode, 1)
    tap.contains(done.stderr, "is not a checkout of git")


# --- make check-all ------------------------------------------------------------------------------


def test_check_all_knows_every_target():
    makefiles = [ROOT / "Makefile.am", *ROOT.rglob("Makefile.inc")]
    targets = {name for file in makefiles for name in re.findall(r"^(check-[\w-]+):", file.read_text(), re.MULTILINE)}
    targets -= {"check-local"}  # Automake's hook of `check`
    known = {t.name for t in check_all.TARGETS}
    tap.eq(sorted(targets - known), sorted(check_all.COVERED), "add it to TARGETS of scripts/check_all.py")
    tap.eq(sorted(known - targets), ["bench", "check", "distcheck", "fuzz", "tidy"])
    for parts in check_all.COVERED.values():
        assert set(parts.split()) <= known, parts


def test_check_all_asks_for_groups_that_exist():
    groups = set(re.findall(r"^(\w+)=\(", (ROOT / "scripts/deps.sh").read_text(), re.MULTILINE))
    for target in check_all.TARGETS:
        assert set(target.groups.split()) <= groups, target


def deps(folder, text):
    script = folder / "scripts/deps.sh"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)


def test_check_all_goes_on_and_sums_up():
    tree, source = Checkout(), scratch()
    deps(source, '[ "$2" != far ] || echo some-package')
    targets = [check_all.Target(name, "far" if name == "lacks" else "near") for name in ("bad", "good", "away", "lacks")]
    # In a process of its own: it writes into the folder that it is run in.
    program = (f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); import check_all\n"
               f"from check_all import Target\ncheck_all.TARGETS = {targets!r}\n"
               "sys.exit(check_all.main(*sys.argv[1:]))")

    def run(*names, **more):
        return subprocess.run([sys.executable, "-B", "-c", program, tree.make, source, *names], cwd=tree.build,
                              env={**ENV, **more}, check=False, stdout=subprocess.PIPE, text=True, timeout=60)

    done = run()
    tap.eq(done.returncode, 1)
    rows = [re.split(r"  +", line) for line in done.stdout.splitlines() if not line.endswith("…")]
    tap.eq(rows, [["target", "ended", "minutes", "log", "note"],
                  ["bad", "failed", "0.0", "check-all/bad.log", "status 3"],
                  ["good", "passed", "0.0", "check-all/good.log", "1 skipped in it"],
                  ["away", "skipped", "0.0", "check-all/away.log", "it needs a moon"],
                  ["lacks", "skipped", "0.0", "-", "needs scripts/deps.sh far"],
                  ["1 passed, 1 failed, 2 skipped"]])
    tap.contains((tree.build / "check-all/bad.log").read_text(), "not ok 1 - a")
    tap.eq(run("good", "away").returncode, 0)
    tap.eq(run("away", CI="true").returncode, 1)
    tap.eq(run("none").returncode, 2)


tap.main()
