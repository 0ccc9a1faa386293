#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The table of cloud-config's keys in src/render/cloudconfig.c against cloud-init's own schemas.

And its verdicts: what cloud-init's schema refuses of a document, `cloudseed check` refuses too.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE), str(HERE.parent / "e2e")]

import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402
from test_cloudinit import SUITES, client_of, once  # noqa: E402

LETTERS = {"boolean": "B", "string": "T", "integer": "N", "number": "N", "array": "L",
           "object": "M", "null": "Z"}
ANY = set("BTNLMZ")
FREE = {"version", "ca-certs"}  # the schemas say nothing of their types


def table():
    """{key: letters of its types}"""
    text = (SOURCE / "src/render/cloudconfig.c").read_text(encoding="utf-8")
    rows = re.findall(r'^    \{"([^"]+)", ([A-Z| ]+), \w+\},$', text, re.M)
    names = [name for name, _ in rows]
    tap.eq(names, sorted(set(names)))
    return {name: ANY if types == "ANY" else set(types.split(" | ")) for name, types in rows}


def schema(suite):
    folder = Path(once(client_of, suite).modules)
    path = folder / "cloudinit/config/schemas/schema-cloud-config-v1.json"
    return json.loads(path.read_text(encoding="utf-8"))


def types_of(whole, part):
    while "$ref" in part and "type" not in part:
        part = whole["$defs"][part["$ref"].rsplit("/", 1)[1]]
    if "type" in part:
        types = part["type"]
        return {LETTERS[t] for t in (types if isinstance(types, list) else [types])}
    found = set()
    for choice in part.get("oneOf", []) + part.get("anyOf", []):
        found |= types_of(whole, choice)
    for value in part.get("enum", []):
        found.add("B" if isinstance(value, bool) else "T" if isinstance(value, str) else "N")
    return found


def keys(suite):
    """{key: letters} as that release has them."""
    whole = schema(suite)
    found = {name: set() for name in whole.get("properties", {})}
    for module in whole["allOf"]:
        if "$ref" in module:
            module = whole["$defs"][module["$ref"].rsplit("/", 1)[1]]
        for name, part in module.get("properties", {}).items():
            found[name] = found.get(name, set()) | types_of(whole, part)
    return found


def test_the_table_has_every_key_and_no_other():
    known = set().union(*(keys(suite) for suite in SUITES))
    if len(SUITES) == 2:
        tap.eq(sorted(table()), sorted(known))
    else:
        tap.eq(sorted(known - set(table())), [])


def test_each_key_takes_what_some_release_takes():
    ours = table()
    for name in sorted(set(ours) - FREE):
        taken = set().union(*(keys(suite).get(name, set()) for suite in SUITES))
        if taken and len(SUITES) == 2:
            tap.eq(sorted(ours[name]), sorted(taken), name)


# Documents that every release takes, and ones that the newest does not.
GOOD = """\
{} | runcmd: [ls, [echo, a], null] | packages: [a, [b, "1"]] | users: [default] | users: [{name: a}]
write_files: [{path: /a, permissions: "0644", content: x}]
ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG0Vy1hsnyXpVdD9OtB0PRdUOJkSdEUXnDAXIbEwEtBn b]
phone_home: {url: "http://x/", post: all, tries: 3} | phone_home: {url: "http://x/", post: [fqdn]}
ntp: null | hostname: a | timezone: Etc/UTC | package_update: yes | manage_etc_hosts: localhost
write_files: [{path: /a, encoding: b64, content: YQ==, append: true}]
bootcmd: [[a, b], "c: d"] | chpasswd: {expire: false} | power_state: {mode: reboot}
apt: {sources: {k: {source: deb x, keyid: y}}} | growpart: {mode: auto} | ssh_pwauth: false
"""
BAD = """\
runcmd: ls | runcmd: [{echo: a}] | runcmd: [[a, 1]] | packages: a | packages: [[a, b, c]]
users: [{nam: a}] | ssh_authorized_keys: ssh-rsa | write_files: [{path: a, permission: "0644"}]
write_files: [{content: a}] | write_files: [{path: /a, permissions: 0644}]
write_files: [{path: /a, encoding: base46}] | phone_home: {post: all}
phone_home: {url: "http://x/", post: [hostnam]} | phone_home: {url: "http://x/", tris: 3}
hostname: 1234 | timezone: 12:30:00 | chpasswd: {expires: false} | bootcmd: [{a: b}] | - users
ssh_authorized_keys: [1] | apt: {sorces: {}} | apt: {sources: {k: {sorce: x}}} | runcmnd: [a]
"""


def documents(text):
    return [part.strip() for line in text.splitlines() for part in line.split("|")]


def ours(texts):
    """Which of them `cloudseed check` takes."""
    made = world.Tree()
    for i, text in enumerate(texts):
        made.role(f"r{i}", user_data=f"#cloud-config\n{text}\n")
        made.node(f"n{i}", f"r{i}")
    done = subprocess.run([str(BUILD / "cloudseed"), "check", "--json", str(made.seed),
                           "--templates", str(made.templates)], capture_output=True, text=True,
                          timeout=300, check=False)
    faulty = {f["node"] for f in json.loads(done.stdout)["faults"] if f["severity"] == "error"}
    return [f"n{i}" not in faulty for i in range(len(texts))]


def theirs(suite, texts):
    """Which of them that release takes."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{i}.yaml") for i in range(len(texts))]
        for path, text in zip(paths, texts):
            Path(path).write_text(f"#cloud-config\n{text}\n", encoding="utf-8")
        jobs = [["schema", "--config-file", path] for path in paths]
        return [status == 0 for status, _ in once(client_of, suite).commands(jobs)]


def test_what_all_take_we_take():
    texts = documents(GOOD)
    tap.eq([text for text, taken in zip(texts, ours(texts)) if not taken], [])
    for suite in SUITES:
        tap.eq([text for text, taken in zip(texts, theirs(suite, texts)) if not taken], [], suite)


def test_what_the_newest_refuses_we_refuse():
    texts = documents(BAD)
    tap.eq([text for text, taken in zip(texts, ours(texts)) if taken], [])
    if SUITES[-1] == "trixie":
        tap.eq([text for text, taken in zip(texts, theirs("trixie", texts)) if taken], [])


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    tap.main()
