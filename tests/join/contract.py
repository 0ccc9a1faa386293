# SPDX-License-Identifier: Apache-2.0
"""The contract of docs/formats/bootstrap.md as tables: what is in a message, and its limits.

check(KIND, value) lists what is wrong with a message. The texts of the tables are rows of the page:
a test holds one against the other.
"""
import base64
import binascii
import datetime
import ipaddress
import json
import re

REQUEST_MAX = {"bootstrap": 8192, "cluster": 65536, "result": 16384}
ANSWER_MAX = 16 * 1024 * 1024
JOIN_KEY = re.compile(r"[a-z2-7]{26}")
PIN = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
URL_KEY = re.compile(r"[a-z2-7]{26,32}")
WAITS = ["crd/NAME", "apiservice/NAME", "deployment/NAMESPACE/NAME", "daemonset/NAMESPACE/NAME",
         "statefulset/NAMESPACE/NAME", "node"]


def text(longest, pattern=None, shortest=0):
    return lambda v: (isinstance(v, str) and shortest <= len(v.encode()) <= longest
                      and "\0" not in v and (not pattern or bool(re.fullmatch(pattern, v))))


def or_null(good):
    return lambda v: v is None or good(v)


def number(least, most):
    return lambda v: type(v) is int and least <= v <= most  # a bool is no number


def items(most, good):
    return lambda v: isinstance(v, list) and len(v) <= most and all(map(good, v))


def address(v):
    try:
        return isinstance(v, str) and str(ipaddress.ip_address(v)) == v
    except ValueError:
        return False


def moment(v):
    try:
        datetime.datetime.strptime(v, "%Y-%m-%dT%H:%M:%SZ")
        return len(v) == 20
    except (TypeError, ValueError):
        return False


def is_base64(v):
    try:
        return isinstance(v, str) and len(base64.b64decode(v, validate=True)) <= 1048576
    except binascii.Error:
        return False


def path(v):
    return (text(1024, r"(/[^/\0]+)+")(v) and not {".", ".."} & set(v.split("/")))


def wait_for(v):
    name = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
    return text(512, rf"node|(crd|apiservice)/{name}|"
                rf"(deployment|daemonset|statefulset)/{name}/{name}")(v)


def of(kind):
    return lambda v: not check(kind, v)


CLAIM = ("claim", "43 characters of base64url without padding: 32 random bytes",
         text(43, r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"))
NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

TABLES = {
    "bootstrap": [
        CLAIM,
        ("uuid", "the machine's, of SMBIOS, in lower case with its hyphens; null: it has none",
         or_null(text(36, r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"))),
        ("machine", "a hash of machine-id, 32 lower-case hexadecimal digits, see above; null: it has none",
         or_null(text(32, r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}"))),
        ("hostname", "1–253 characters, as `hostname` says it", text(253, r"[A-Za-z0-9._-]+")),
        ("addresses", "0–8 addresses, the one that reaches the server first",
         items(8, address)),
        ("kubeadm", "what `kubeadm version -o short` says, at most 64 characters; null: none there",
         or_null(text(64, r"v\d+\.\d+\.\d+[A-Za-z0-9.+-]*"))),
        ("attempt", "1–1000000: the number of this request in this run of the script",
         number(1, 1000000)),
    ],
    "cluster": [
        CLAIM,
        ("endpoint", "`https://HOST:PORT` of the API server, at most 300 characters",
         text(300, r"https://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\]):[1-9]\d{0,4}")),
        ("ca", "the cluster's CA, 1–4 certificates in PEM, at most 32768 bytes",
         text(32768, r"(?s)(-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----\n){1,4}")),
        ("minter", "a token", of("token")),
        ("approver", "a token; null: `manifests` held no such account", or_null(of("token"))),
    ],
    "token": [
        ("token", "1–8192 characters: a ServiceAccount's token",
         text(8192, r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")),
        ("expires", "RFC 3339 in UTC, whole seconds: `2026-11-22T10:19:31Z`", moment),
    ],
    "result": [
        CLAIM,
        ("ok", "a boolean", lambda v: isinstance(v, bool)),
        ("stage", "`done`, or what failed: `files`, `kubeadm`, `api`, `manifests`, `tokens`, "
         "`cluster`, `addon/NAME`",
         text(80, rf"done|files|kubeadm|api|manifests|tokens|cluster|addon/{NAME}")),
        ("log", "the end of the failed command's output, at most 4096 bytes; empty if all went well",
         text(4096)),
    ],
    "answer": [
        ("action", "`init`, `join` or `none`", text(4, r"init|join|none")),
        ("expires", "RFC 3339 in UTC, whole seconds: after it the answer is of no use any more",
         moment),
        ("kubeadm", "YAML for `kubeadm --config`, 1–65536 bytes; null with `none`",
         or_null(text(65536, shortest=1))),
        ("upload_certs", "with `init`: whether kubeadm is run with `--upload-certs`; else false",
         lambda v: isinstance(v, bool)),
        ("files", "0–64 files", items(64, of("file"))),
        ("addons", "0–32 addons, in their order; empty but with `init`", items(32, of("addon"))),
        ("manifests", "YAML of the accounts below, 1–65536 bytes, with `init`; else null",
         or_null(text(65536, shortest=1))),
    ],
    "file": [
        ("path", "absolute and normal, at most 1024 bytes", path),
        ("mode", "4 octal digits, the first 0", text(4, r"0[0-7]{3}")),
        ("owner", "`USER:GROUP`, names or numbers, 1–32 characters each",
         text(65, r"([a-z_][a-z0-9_-]{0,31}|\d{1,9}):([a-z_][a-z0-9_-]{0,31}|\d{1,9})")),
        ("content", "base64 with padding, of at most 1048576 bytes", is_base64),
    ],
    "addon": [
        ("name", "1–63 characters of a DNS label", text(63, NAME)),
        ("url", "`http://` or `https://`, at most 2048 characters; null: see `manifest`",
         or_null(text(2048, r"https?://[^\s\x00-\x20]+"))),
        ("manifest", "the YAML itself, 1–2097152 bytes; null: see `url`",
         or_null(text(2097152, shortest=1))),
        ("sha256", "64 lower-case hexadecimal digits of what `url` gives; null: not checked",
         or_null(text(64, r"[0-9a-f]{64}"))),
        ("wait", "0–16 of the forms below, in their order", items(16, wait_for)),
    ],
    "problem": [
        ("type", "`about:blank`", text(11, "about:blank")),
        ("title", "HTTP's own words for the status", text(64, r"[A-Za-z ]+")),
        ("status", "the status once more", number(400, 599)),
        ("reason", "a word for programs, from the table of refusals", text(32, r"[a-z-]+")),
        ("detail", "one line of plain words, at most 512 bytes, without control characters",
         text(512, r"[^\x00-\x1f\x7f]+")),
    ],
    "taken": [],
}

# status, reason, what the client does
REFUSALS = [
    (400, "malformed", "stops"),
    (403, "window-closed", "stops"),
    (403, "join-key", "stops"),
    (403, "clone", "stops"),
    (403, "locked", "stops"),
    (403, "no-bootstrap", "stops"),
    (403, "node-exists", "stops"),
    (403, "version", "stops"),
    (403, "not-lease-holder", "stops"),
    (403, "other-cluster", "stops"),
    (403, "cluster-exists", "stops"),
    (404, "unknown-key", "stops"),
    (409, "claim", "stops"),
    (410, "window-over", "stops"),
    (413, "too-large", "stops"),
    (503, "waits-for-master", "asks again"),
    (503, "waits-for-turn", "asks again"),
    (503, "waits-for-api", "asks again"),
    (503, "waits-for-token", "asks again"),
    (503, "waits-for-certificates", "asks again"),
    (503, "busy", "asks again"),
]


def whole(kind, value):
    """What no field alone can tell."""
    if kind == "addon" and (value["url"] is None) == (value["manifest"] is None):
        yield "addon: exactly one of url and manifest"
    if kind == "addon" and value["url"] is None and value["sha256"] is not None:
        yield "addon: sha256 without url"
    if kind == "answer":
        action = value["action"]
        if (value["kubeadm"] is None) != (action == "none"):
            yield "answer: kubeadm is null with 'none' and nowhere else"
        if (value["manifests"] is None) != (action != "init"):
            yield "answer: manifests are there with 'init' and nowhere else"
        if value["addons"] and action != "init":
            yield "answer: addons without 'init'"
        uploads = action == "init" and "\ncertificateKey: " in value["kubeadm"]
        if value["upload_certs"] != uploads:
            yield "answer: upload_certs where 'init' has a certificateKey and nowhere else"
    if kind == "result" and value["ok"] != (value["stage"] == "done"):
        yield "result: 'done' is the stage of success alone"


def check(kind, value):
    """Lists what is wrong with a message of that kind."""
    if not isinstance(value, dict):
        return [f"{kind}: no object"]
    fields = TABLES[kind]
    names = [name for name, _, _ in fields]
    wrong = [f"{kind}: {name!r} is unknown" for name in value if name not in names]
    wrong += [f"{kind}: {name!r} is missing" for name in names if name not in value]
    wrong += [f"{kind}: {name!r} is wrong: {value[name]!r}" for name, _, good in fields
              if name in value and not good(value[name])]
    return wrong or list(whole(kind, value))


def load(data):
    """JSON as the contract takes it: UTF-8, no key twice, nothing beyond RFC 8259."""
    def no_twice(pairs):
        keys = [key for key, _ in pairs]
        if len(keys) != len(set(keys)):
            raise ValueError(f"a key twice among {keys}")
        return dict(pairs)

    def refuse(word):
        raise ValueError(f"{word} is no JSON")
    return json.loads(data.decode("utf-8"), object_pairs_hook=no_twice, parse_constant=refuse)
