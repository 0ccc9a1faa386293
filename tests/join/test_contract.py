#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/formats/bootstrap.md, its golden messages and the tables of contract.py say the same."""
import base64
import copy
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib")]
import contract  # noqa: E402
import tap  # noqa: E402
import yaml  # noqa: E402

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", HERE.parents[1]))
GOLDEN = ROOT / "tests/golden/bootstrap"
PAGE = (ROOT / "docs/formats/bootstrap.md").read_text()


def kind_of(file):
    if file.parent.name == "requests":
        return file.name.split("-")[0].split(".")[0]
    if file.name == "200-taken.json":
        return "taken"
    return "answer" if file.name.startswith("200-") else "problem"


def goldens():
    files = sorted(GOLDEN.glob("*/*.json"))
    assert len(files) >= 20, files
    return [(f, kind_of(f), contract.load(f.read_bytes())) for f in files]


def public_key_hash(pem):
    """By openssl, not by our own reading of certificates."""
    def openssl(*args, data):
        return subprocess.run(["openssl", *args], input=data, stdout=subprocess.PIPE,
                              check=True).stdout
    key = openssl("x509", "-noout", "-pubkey", data=pem)
    return hashlib.sha256(openssl("pkey", "-pubin", "-outform", "DER", data=key)).digest()


def test_goldens_are_canonical_json():
    for file, _, value in goldens():
        tap.eq(file.read_text(), json.dumps(value, indent=2, ensure_ascii=False) + "\n", file.name)


def test_goldens_keep_the_contract():
    for file, kind, value in goldens():
        tap.eq(contract.check(kind, value), [], file.name)
        if kind in contract.REQUEST_MAX:
            assert len(file.read_bytes()) <= contract.REQUEST_MAX[kind], file.name


def test_members_stand_in_the_order_of_the_tables():
    for file, kind, value in goldens():
        tap.eq(list(value), [name for name, _, _ in contract.TABLES[kind]], file.name)


def test_problems_are_named_by_status_and_reason():
    named = {(v["status"], v["reason"]): f.name for f, kind, v in goldens() if kind == "problem"}
    tap.eq(named, {(s, r): f"{s}-{r}.json" for s, r, _ in contract.REFUSALS})


def test_page_shows_every_golden():
    shown = re.findall(r"^`(\S+\.json)`[^\n]*\n(?:[^\n]+\n)?```json\n(.*?)^```$", PAGE, re.M | re.S)
    for file, _, _ in goldens():
        assert f"```json\n{file.read_text()}```\n" in PAGE, f"{file.name} is not on the page"
        assert f"`{file.name}`" in PAGE, f"{file.name} is not named on the page"
    tap.eq(len(re.findall(r"^```json$", PAGE, re.M)), len(goldens()))
    for name, text in shown:
        assert (text in [f.read_text() for f in GOLDEN.glob(f"*/{name}")]), name


def test_page_has_every_row():
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    want = [f"| `{name}` | {text} |" for fields in contract.TABLES.values()
            for name, text, _ in fields]
    want += [f"| {s} | `{r}` |" for s, r, _ in contract.REFUSALS]
    for row in want:
        assert any(line.startswith(row) for line in PAGE.splitlines()), row
    forms = {f"| `{form}` |" for form in contract.WAITS}
    places = {f"| `{p}` |" for p in (
        "/etc/cloudseed/join.json", "/run/cloudseed/claim", "/run/cloudseed/kubeadm.yaml",
        "/var/lib/cloudseed/kubeadm", "/var/lib/cloudseed/joined")}
    left = [row for row in rows if row not in want
            and row[:row.index("|", 2) + 1] not in forms | places]
    tap.eq(left, [], "rows that no table knows")
    tap.eq(len(rows), sum(map(len, contract.TABLES.values())) + len(forms) + len(places))


def test_page_says_what_stops_and_what_asks_again():
    for status, reason, does in contract.REFUSALS:
        row = next(r for r in PAGE.splitlines() if r.startswith(f"| {status} | `{reason}` |"))
        assert row.endswith(f"| {does} |"), row


def test_page_names_the_limits():
    for most in (*contract.REQUEST_MAX.values(), contract.ANSWER_MAX):
        tap.contains(PAGE, str(most))


def test_pin_is_that_of_the_golden_ca():
    pin = (GOLDEN / "pin.txt").read_text().strip()
    assert contract.PIN.fullmatch(pin), pin
    digest = public_key_hash((GOLDEN / "ca.pem").read_bytes())
    tap.eq(pin, base64.urlsafe_b64encode(digest).decode().rstrip("="))


def test_ca_hash_of_the_joins_is_that_of_the_cluster():
    ca = json.loads((GOLDEN / "requests/cluster.json").read_text())["ca"]
    for name in ("200-join-worker.json", "200-join-master.json"):
        kubeadm = json.loads((GOLDEN / "answers" / name).read_text())["kubeadm"]
        tap.contains(kubeadm, '"sha256:' + public_key_hash(ca.encode()).hex() + '"')


def test_init_leaves_no_token_behind():
    """An empty list would be one for 24 hours, and '0s' one for ever."""
    for file, kind, value in goldens():
        if kind == "answer" and value["action"] == "init":
            first, second = yaml.safe_load_all(value["kubeadm"])
            tap.eq(first["bootstrapTokens"], [{"ttl": "1s"}], file.name)
            minor = int(second["kubernetesVersion"].split(".")[1])
            api = "kubeadm.k8s.io/v1beta4" if minor >= 31 else "kubeadm.k8s.io/v1beta3"
            tap.eq((first["apiVersion"], second["apiVersion"]), (api, api), file.name)
            tap.eq("certificateKey" in first, value["upload_certs"], file.name)


def test_manifests_are_what_the_server_makes():
    for name, manifests in (("init", "manifests"), ("init-masters", "manifests-hardened")):
        value = json.loads((GOLDEN / f"answers/200-{name}.json").read_text())
        tap.eq(value["manifests"], (ROOT / f"tests/golden/kube/{manifests}.yaml").read_text())


def test_no_worker_gets_a_certificate_key():
    for file, kind, value in goldens():
        if kind == "answer" and "worker" in file.name:
            assert "certificateKey" not in value["kubeadm"]


def wrongs():
    """Each golden with one thing wrong about it: (what, kind, message)."""
    for file, kind, value in goldens():
        yield f"{file.name} + x", kind, {**value, "x": None}
        for name in value:
            less = copy.copy(value)
            del less[name]
            yield f"{file.name} - {name}", kind, less
            for bad in (3.5, [None], {"a": 1}, "\0", "x" * 2100000):
                yield f"{file.name} {name} {str(bad)[:10]!r}", kind, {**value, name: bad}


def test_whatever_breaks_the_contract_is_seen():
    for what, kind, message in wrongs():
        assert contract.check(kind, message), what


def test_fields_have_their_limits():
    def bootstrap(**change):
        base = json.loads((GOLDEN / "requests/bootstrap.json").read_text())
        return contract.check("bootstrap", {**base, **change})
    for change in ({"claim": "A" * 42 + "B"}, {"claim": "A" * 44}, {"uuid": "4C" * 16},
                   {"hostname": ""}, {"hostname": "a" * 254}, {"hostname": "a b"},
                   {"addresses": ["10.0.20.012"]}, {"addresses": ["10.0.0.1"] * 9},
                   {"kubeadm": "1.29.15"}, {"attempt": 0}, {"attempt": True}, {"attempt": 1000001}):
        assert bootstrap(**change), change
    tap.eq(bootstrap(claim="A" * 43, hostname="a" * 253, attempt=1000000, addresses=["::1"] * 8), [])


def test_json_is_read_strictly():
    for text in (b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": "\xff"}', b'{"a": 1} x', b"",
                 b"{'a': 1}"):
        tap.raises(ValueError, contract.load, text)


tap.main()
