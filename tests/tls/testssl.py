#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What testssl.sh says of the HTTPS listener: whatever it rates above LOW is a fault, but for EXPECTED.

Both for the certificate of the server's own CA and for RSA in files, which is open to other attacks.
"""
import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("lib", "e2e")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

EXPECTED = {
    # Nodes know the CA by its pin. A certificate is for 90 days; a CA that is not trusted any more is
    # rotated. Nothing would serve a list of revoked ones.
    "cert_revocation",
}
HARMLESS = ("OK", "INFO", "LOW", "WARN")
MINUTES = 30
tree = world.Tree(node_url="https://127.0.0.1:8443")
tree.node("n1")


def need_testssl():
    if not shutil.which("testssl"):
        subprocess.run([daemon.SOURCE / "scripts/deps.sh", "tls"], check=True)


def findings(server):
    folder = world.scratch()
    (folder / "ca.pem").write_text(server.get("/ca.pem").text, encoding="ascii")
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--add-ca",
                    folder / "ca.pem", "--jsonfile", folder / "found.json", "--protocols", "--std",
                    "--fs", "--server-preference", "--server-defaults", "--vulnerable",
                    server.listening["https"]],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False,
                   timeout=MINUTES * 60)
    return json.loads((folder / "found.json").read_text(encoding="utf-8"))


def has_nothing_to_say(server):
    found = findings(server)
    seen = {one["id"].split(" ")[0] for one in found}
    for needed in ("TLS1_3", "cipher_order", "cert_chain_of_trust", "ROBOT", "BEAST", "LUCKY13"):
        assert needed in seen, f"testssl did not look at {needed}: {sorted(seen)}"
    bad = [one for one in found if one["severity"] not in HARMLESS and one["id"] not in EXPECTED]
    tap.eq(bad, [])


def test_the_certificate_of_our_own_ca():
    with tree.start(args=["--https", "127.0.0.1:0"]) as server:
        has_nothing_to_say(server)


def test_a_certificate_with_rsa():
    folder = world.scratch()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout",
                    folder / "key.pem", "-out", folder / "chain.pem", "-days", "90", "-subj",
                    "/CN=seed", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    tls = {"certificate": str(folder / "chain.pem"), "key": str(folder / "key.pem")}
    with tree.start(args=["--https", "127.0.0.1:0"], config={"tls": tls}) as server:
        has_nothing_to_say(server)


need_testssl()
tap.main()
