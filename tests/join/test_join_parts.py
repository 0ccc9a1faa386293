#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Parts of the join script by themselves: certificates, serials, what is struck out of a log."""
import base64
import datetime
import random
import shutil
import sys
import tempfile
import types
import urllib.error
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
import certs  # noqa: E402
import machine  # noqa: E402
import tap  # noqa: E402

JOIN = machine.load_script()
FOLDER = Path(tempfile.mkdtemp(prefix="cloudseed-certs-"))
tap.defer(shutil.rmtree, FOLDER)


def made(name, *how, days=30):
    key = FOLDER / f"{name}.key"
    certs.openssl("genpkey", "-out", key, *how)
    return certs.openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=x", "-days", days)


def by_openssl(pem):
    said = certs.openssl("x509", "-noout", "-startdate", "-enddate", data=pem).decode().split("\n")
    dates = [datetime.datetime.strptime(line.split("=")[1], "%b %d %H:%M:%S %Y GMT")
             .replace(tzinfo=datetime.timezone.utc).timestamp() for line in said[:2]]
    public = certs.openssl("pkey", "-pubin", "-outform", "DER",
                           data=certs.openssl("x509", "-noout", "-pubkey", data=pem))
    digest = JOIN.hashlib.sha256(public).digest()
    return (base64.urlsafe_b64encode(digest).decode().rstrip("="), *dates)


def test_certificates_are_read_as_openssl_reads_them():
    for name, how, days in (("ec", ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), 30),
                            ("rsa", ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), 1),
                            ("ed25519", ("-algorithm", "ED25519"), 36500)):  # beyond 2050
        pem = made(name, *how, days=days)
        tap.eq(JOIN.certificate(pem.decode()), by_openssl(pem), name)


def test_hash_of_machine_id_is_systemds():
    """That of test_join.py is what systemd-id128 printed; this is for any other."""
    for known in ("3d1219c7c4c5404aaa1f6d2a48adfda4", "f" * 32):
        digest = certs.openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{known}",
                               "-binary", data=JOIN.APPLICATION)[:16]
        JOIN.ROOT = str(FOLDER)
        (FOLDER / "etc").mkdir(exist_ok=True)
        (FOLDER / "etc/machine-id").write_text(known + "\n")
        found = uuid.UUID(JOIN.machine_id())
        tap.eq(found, uuid.UUID(bytes=digest, version=4))
        assert known not in (found.hex, digest.hex())


def test_golden_pin():
    golden = HERE.parent / "golden/bootstrap"
    tap.eq(JOIN.certificate((golden / "ca.pem").read_text())[0],
           (golden / "pin.txt").read_text().strip())


def test_damaged_certificates_are_errors_and_never_another_pin():
    pem = made("fuzz", "-algorithm", "ED25519").decode()
    pin = JOIN.certificate(pem)[0]
    good = base64.b64decode("".join(pem.splitlines()[1:-1]))
    key = good.index(base64.b64decode("MCowBQYDK2VwAyEA"))  # where its public key begins
    randomly = random.Random(7)
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(randomly.choice((1, 1, 2, 5))):
            data[randomly.randrange(len(data))] = randomly.randrange(256)
        data = data[:randomly.choice((len(data), randomly.randrange(len(data))))]
        text = base64.encodebytes(bytes(data)).decode()
        try:
            found = JOIN.certificate(
                f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----")[0]
        except (ValueError, IndexError):
            continue
        assert found != pin or data[key:key + 44] == good[key:key + 44]


def test_words_of_serials_and_command_lines():
    for text, want in (
            ("ds=nocloud;dsmode=net;s=http://h/s/k/ cs=a.b", ("http://h/s/k/", "a.b")),
            ("ds=nocloud-net;s=http://h/s/k/", ("http://h/s/k/", None)),
            ("ro ds=nocloud;seedfrom=http://h/ quiet", ("http://h/", None)),
            ('"ds=nocloud;s=http://h/" cs=x', ("http://h/", "x")),
            ('ds="nocloud;s=http://h/"', (None, None)),
            ("s=http://h/ bcs=x", (None, None)), ("", (None, None)), ("ds=nocloud", (None, None))):
        tap.eq(JOIN.words(text), want, text)


def test_what_is_struck_out():
    token, key = "abcdef.0123456789abcdef", "0f" * 32
    for text, want in (
            (f"--token {token} \\", "--token [token] \\"),
            (f'token: "{token}"', 'token: "[token]"'),
            (f"--discovery-token-ca-cert-hash sha256:{key}", None),
            (f"--certificate-key {key}", "--certificate-key [key]"),
            ("Bearer eyJhbGci.eyJz-_.c2ln.", "Bearer [token]."),
            ("k8s-api.home.arpa:6443", None), ("abcdef.0123456789abcdefg", None),
            ("xabcdef.0123456789abcdef", None), ("pull registry.k8s.io/pause:3.9", None),
            ("my key is jjj", "my key is [key]")):
        tap.eq(JOIN.without_secrets(text, "jjj"), want or text)


def test_redirects_of_addons_keep_tls():
    handler, request = JOIN.KeepTls(), types.SimpleNamespace(full_url="https://h/a")
    tap.raises(urllib.error.URLError, handler.redirect_request, request, None, 302, "", {},
               "http://h/b")


def test_forms_are_held():
    form = {"a": r"[0-9]+", "b": (r"x",), "c": [r"y|z"]}
    for value, want in (({"a": "1", "b": None, "c": []}, True),
                        ({"a": "1", "b": "x", "c": ["y", "z"]}, True),
                        ({"a": 1, "b": None, "c": []}, False),
                        ({"a": "1\n", "b": None, "c": []}, False),
                        ({"a": "1", "b": "y", "c": []}, False), ({"a": "1", "c": []}, False),
                        ({"a": "1", "b": None, "c": ["y", "x"]}, False), ([], False),
                        ({"a": "1", "b": None, "c": {}}, False)):
        tap.eq(JOIN.fits(value, form), want, str(value))


def test_addresses_are_those_that_leave_the_machine():
    for address in JOIN.addresses("127.0.0.1"):
        assert not address.startswith(("127.", "fe80", "::1")), address
    assert len(JOIN.addresses("no-such-host.invalid")) <= 2


tap.main()
