#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Keys made by the real gpg, embedded in user-data: `cloudseed check` warns of those that expire."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402

SECONDS = 300
NAME = "Kubernetes <k8s@example.org>"


class Ring:
    """A home for gpg that goes away, and its agent with it."""

    def __init__(self):
        if not shutil.which("gpg"):
            raise tap.Skip("gpg is not installed")
        self.home = tempfile.mkdtemp(prefix="cs-gpg-")  # short: the agent's socket lies in it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._run("gpgconf", "--kill", "all")
        shutil.rmtree(self.home, ignore_errors=True)  # the agent takes its sockets away

    def _run(self, *words, text=""):
        done = subprocess.run(words, env={**os.environ, "GNUPGHOME": self.home}, input=text,
                              capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def gpg(self, *words, **options):
        return self._run("gpg", "--batch", "--yes", "--passphrase", "", *words, **options)

    def make(self, *words, kind="ed25519", expires="never"):
        self.gpg(*words, "--quick-generate-key", NAME, kind, "sign", expires)
        return re.search(r"^fpr:+([0-9A-F]+):", self.gpg("--list-keys", "--with-colons"), re.M)[1]

    def armored(self):
        return self.gpg("--armor", "--export")


USER_DATA = ("#cloud-config\napt:\n  sources:\n    k8s:\n      source: deb x\n"
             "      key: |\n        {{ key | indent(8) }}\n")


def tree_of(key, nodes=1):
    tree = world.Tree(variables={"key": key})
    tree.role("r", user_data=USER_DATA)
    for number in range(nodes):
        tree.node(f"n{number + 1}", "r")
    return tree


def check(tree, **env):
    return subprocess.run([str(BUILD / "cloudseed"), "check", "--json", str(tree.seed),
                           "--templates", str(tree.templates)], capture_output=True, text=True,
                          env={**os.environ, **env}, timeout=SECONDS, check=False)


def warnings(key):
    """What check says of a node with that key for apt."""
    done = check(tree_of(key))
    assert done.returncode == 0, done.stdout + done.stderr
    tap.eq(done.stderr, "")
    got = json.loads(done.stdout)
    tap.eq(got["errors"], 0)
    for fault in got["faults"]:
        tap.eq((fault["line"], fault["node"], fault["document"]), (6, "n1", "user-data"))
    return [fault["message"] for fault in got["faults"]]


def test_a_key_without_end():
    with Ring() as ring:
        ring.make()
        tap.eq(warnings(ring.armored()), [])


def test_a_key_that_has_expired():
    with Ring() as ring:
        ring.make("--faked-system-time", "20200101T000000", expires="30d")
        said, = warnings(ring.armored())
        tap.contains(said, f"the OpenPGP key of '{NAME}' expired on 2020-01-31")


def test_a_key_that_will_expire_soon():
    with Ring() as ring:
        ring.make(expires="59d", kind="rsa2048")
        said, = warnings(ring.armored())
        assert re.match(rf"the OpenPGP key of '{NAME}' expires on \d{{4}}-\d\d-\d\d: replace it before", said)


def test_a_key_that_lasts():
    with Ring() as ring:
        ring.make(expires="61d")
        tap.eq(warnings(ring.armored()), [])


def test_a_key_made_to_last_longer():
    with Ring() as ring:
        fpr = ring.make("--faked-system-time", "20200101T000000", expires="30d")
        ring.gpg("--quick-set-expire", fpr, "10y")
        tap.eq(warnings(ring.armored()), [])


def test_a_subkey_that_expires_is_another_matter():
    with Ring() as ring:
        fpr = ring.make()
        ring.gpg("--quick-add-key", fpr, "ed25519", "sign", "5d")
        tap.eq(warnings(ring.armored()), [])


def test_a_key_that_is_revoked():
    with Ring() as ring:
        fpr = ring.make()
        revoked = Path(ring.home, "openpgp-revocs.d", f"{fpr}.rev").read_text(encoding="utf-8")
        ring.gpg("--import", text=revoked.replace(":-----BEGIN", "-----BEGIN"))
        said, = warnings(ring.armored())
        tap.contains(said, "is revoked")


def test_two_keys_in_one_block():
    with Ring() as ring:
        ring.make("--faked-system-time", "20200101T000000", expires="30d")
        ring.gpg("--quick-generate-key", "Other <o@example.org>", "ed25519", "sign", "5d")
        tap.eq(len(warnings(ring.armored())), 2)


def test_a_block_that_is_torn():
    with Ring() as ring:
        ring.make()
        lines = ring.armored().splitlines(keepends=True)
        said, = warnings("".join(lines[:3] + lines[4:]))
        tap.contains(said, "an OpenPGP key that apt will not read")


BLOCK = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----\n"


def gpg_that(does):
    """A folder for PATH with such a gpg in it."""
    folder = Path(tempfile.mkdtemp())
    (folder / "gpg").write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    (folder / "gpg").chmod(0o755)
    return folder


def test_keys_at_their_places_in_a_tree_with_many_faults():
    with Ring():
        folder = SOURCE / "tests/faulty/documents"
        tree = argparse.Namespace(seed=folder / "seed", templates=folder / "templates")
        said = [f for f in json.loads(check(tree).stdout)["faults"] if "OpenPGP key" in f["message"]
                and f["severity"] == "warning"]
        expired, torn = said
        tap.contains(expired["message"], "the OpenPGP key of 'Old <old@example.org>' expired on "
                     "2020-01-31: apt will refuse what it signed (line 7 of user-data of node 'u-apt')")
        tap.contains(torn["message"], "an OpenPGP key that apt will not read: ")
        tap.contains(torn["message"], "(line 18 of user-data of node 'u-apt')")
        for fault, line in (expired, 7), (torn, 10):
            assert fault["file"].endswith("templates/user/apt"), fault
            tap.eq((fault["line"], fault["column"]), (line, 12))


def test_without_gpg_it_is_said_that_keys_are_not_checked():
    done = check(tree_of(BLOCK), PATH=tempfile.mkdtemp())
    tap.eq(done.returncode, 0)
    tap.contains(done.stderr, "OpenPGP keys not checked: gpg is not installed")
    tap.eq(json.loads(done.stdout)["warnings"], 0)


def test_without_a_key_gpg_is_not_missed():
    done = check(tree_of("no key"), PATH=tempfile.mkdtemp())
    tap.eq(done.stderr, "")
    tap.contains(done.stdout, "is not an OpenPGP key")


def test_a_gpg_that_does_not_end():
    folder = gpg_that("exec /bin/sleep 1000")
    done = check(tree_of(BLOCK), PATH=str(folder))
    tap.eq(done.returncode, 0)
    tap.contains(done.stderr, "OpenPGP keys not checked: gpg did not end in time")


def test_each_key_once_and_in_a_home_of_its_own():
    folder = gpg_that('echo "$*" >>"${0%/*}/calls"; echo pub:-::::::::')
    temporary = Path(tempfile.mkdtemp())
    done = check(tree_of(BLOCK, nodes=50), PATH=str(folder), TMPDIR=str(temporary))
    tap.eq(done.stderr, "")
    call, = (folder / "calls").read_text(encoding="utf-8").splitlines()
    tap.contains(call, f"--homedir {temporary}/cloudseed-")
    tap.eq(list(temporary.iterdir()), [])


tap.main()
