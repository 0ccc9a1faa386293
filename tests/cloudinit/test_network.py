#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `cloudseed check` says of network-config, beside what is made of it on real systems.

tests/verdicts/network-config/ has small files, right and wrong, and in table.txt the verdicts of
cloud-init and netplan and ours on each, with the reason where ours is another. With
CLOUDSEED_REWRITE set the verdicts are written again; reasons stay.
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

import netplan  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402
from test_cloudinit import client_of, fetched, once  # noqa: E402

CORPUS = SOURCE / "tests/verdicts/network-config"
TABLE = CORPUS / "table.txt"
FILES_AT_LEAST = 90
WIDTHS = {"debian12": 9, "debian13": 9, "networkd": 9, "sysconfig": 10, "schema": 9, "ours": 8}
NETPLAN = {"debian12": "bookworm", "debian13": "trixie"}


def documents():
    return {path.name: path for path in sorted(CORPUS.glob("*.yaml"))}


def head():
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("#")]


def rows():
    """{file: ({column: verdict}, reason)}"""
    found = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#":
            name, *verdicts = re.split(r"\s+", line, maxsplit=len(WIDTHS) + 1)
            reason = "".join(verdicts[len(WIDTHS):])
            found[name] = dict(zip(WIDTHS, verdicts)), reason
    return found


def column(name):
    return {document: verdicts[name] for document, (verdicts, _) in rows().items()}


# --- the verdicts ---

def ours():
    made = world.Tree()
    for i, path in enumerate(documents().values()):
        made.role(f"r{i}", network_config=path.read_text(encoding="utf-8"))
        made.node(f"n{i}", f"r{i}")
    done = subprocess.run([str((BUILD / "cloudseed").resolve()), "check", "--json", str(made.seed),
                           "--templates", str(made.templates)], capture_output=True, text=True,
                          timeout=300, check=False)
    found = ["ok"] * len(documents())
    for fault in json.loads(done.stdout)["faults"]:
        i = int(fault["node"][1:])
        if found[i] != "error":
            found[i] = fault["severity"]
    return dict(zip(documents(), found))


def commands(suite, made):
    """{file: "ok" or "refused"}: what that cloud-init says to the arguments that made(path) is."""
    paths = documents()
    answers = once(client_of, suite).commands([made(name, str(path))
                                               for name, path in paths.items()], "--together")
    return {name: "ok" if status == 0 and "Skipping invalid command" not in said else "refused"
            for name, (status, said) in zip(paths, answers)}


def convert(suite, kind, out):
    """net-convert: what cloud-init would write for that kind of system, below out/NAME."""
    return commands(suite, lambda name, path: [
        "devel", "net-convert", "--network-data", path, "--kind", "yaml", "--output-kind", kind,
        "-d", f"{out}/{name}", "-D", "centos" if kind == "sysconfig" else "debian",
        "-m", "eth0,bc:24:11:0a:14:0b"])


def by_netplan(suite):
    """As on that release of Debian: cloud-init writes a netplan file, of which netplan makes units."""
    real = once(netplan_of, suite)
    with tempfile.TemporaryDirectory(prefix="cloudseed-test-") as out:
        found = convert(suite, "netplan", out)
        for name, taken in found.items():
            made = Path(out, name, "etc/netplan/50-cloud-init.yaml")
            if taken == "ok":
                status, _ = real.run(made.read_text(encoding="utf-8"), f"{out}/{name}/root")
                found[name] = "refused" if status else "ok"
        return found


def netplan_of(suite):
    return fetched(netplan.Netplan, suite)


def by_cloud_init(kind):
    with tempfile.TemporaryDirectory(prefix="cloudseed-test-") as out:
        return convert("trixie", kind, out)


def by_schema():
    return commands("trixie", lambda _, path: ["schema", "--schema-type", "network-config",
                                               "--config-file", path])


def disabled():
    """Documents that switch cloud-init's network off: net-convert does not know them, its stages do."""
    code = ("import sys, yaml\nfrom cloudinit import net, stages\n"
            f"paths = {[str(path) for path in documents().values()]!r}\n"
            "loaded = [yaml.safe_load(open(path)) for path in paths]\n"
            "unpack = getattr(stages.Init, '_get_network_key_contents', None) or \\\n"
            "    stages.Init._remove_top_level_network_key\n"
            "answer([net.is_disabled_cfg(unpack(stages.Init, cfg)) for cfg in loaded])")
    answers = [once(client_of, suite).python(code) for suite in NETPLAN.values()]
    return {name for name, *off in zip(documents(), *answers) if all(off)}


def verdicts(name):
    if name == "ours":
        return ours()
    found = (by_netplan(NETPLAN[name]) if name in NETPLAN else
             by_schema() if name == "schema" else by_cloud_init(name))
    for document in once(disabled):
        found[document] = "ok" if name != "schema" else "-"
    return found


# --- the tests ---

def difference(found):
    """What ours says and its readers do not."""
    stopped = "refused" in (found["debian12"], found["debian13"])
    elsewhere = "refused" in (found["networkd"], found["sysconfig"])
    if (found["ours"] == "error") != stopped:
        return "taken by us, not by netplan" if stopped else "refused by us, taken by netplan"
    if found["ours"] == "ok" and elsewhere:
        return "no warning of ours"
    if found["ours"] == "warning" and not elsewhere and found["schema"] != "refused":
        return "a warning of ours"
    return None


def test_every_document_is_in_the_table():
    tap.eq(sorted(rows()), sorted(documents()))
    assert len(documents()) >= FILES_AT_LEAST


def test_every_difference_has_its_reason():
    unexplained = {name: difference(found) for name, (found, why) in rows().items()
                   if difference(found) and not why}
    tap.eq(unexplained, {})


def test_no_reason_is_left_over():
    tap.eq([name for name, (found, why) in rows().items() if why and not difference(found)], [])


def check(name):
    def test():
        found, kept = verdicts(name), column(name)
        tap.eq({one: found[one] for one in found if found[one] != kept.get(one)}, {}, name)
    return test


for _name in WIDTHS:
    globals()[f"test_verdicts_{_name}"] = check(_name)


def rewrite():
    known = rows()
    found = {name: verdicts(name) for name in WIDTHS}
    lines = head()
    for name in documents():
        cells = "".join(f"{found[column][name]:{width}}" for column, width in WIDTHS.items())
        lines.append(f"{name:33} {cells}{known.get(name, ({}, ''))[1]}".rstrip())
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    if "CLOUDSEED_REWRITE" in os.environ:
        rewrite()
    tap.main()
