#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Keys made by the real gpg, embedded in user-data: `cloudseed check` warns of those that expire."""
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
from daemon import BUILD  # noqa: E402

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


def warnings(key):
    """What check says of a node with that key for apt."""
    tree = world.Tree(variables={"key": key})
    tree.role("r", user_data="#cloud-config\napt:\n  sources:\n    k8s:\n      source: deb x\n"
                             "      key: |\n        {{ key | indent(8) }}\n")
    tree.node("n1", "r")
    done = subprocess.run([str(BUILD / "cloudseed"), "check", "--json", str(tree.seed),
                           "--templates", str(tree.templates)], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
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
        ring.make(expires="20d", kind="rsa2048")
        said, = warnings(ring.armored())
        assert re.match(rf"the OpenPGP key of '{NAME}' expires on \d{{4}}-\d\d-\d\d", said), said


def test_a_key_that_lasts():
    with Ring() as ring:
        ring.make(expires="40d")
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


tap.main()
