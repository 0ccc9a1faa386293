#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `cloudseed check` says of right and wrong network-config, beside what its real readers say.

network/NAME.yaml are the documents, network/verdicts.txt has the verdicts and says why ours differs
where it does; CLOUDSEED_REWRITE=1 writes the verdicts again and keeps the reasons.
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
from daemon import BUILD  # noqa: E402
from test_cloudinit import client_of, fetched, once  # noqa: E402

FOLDER = HERE / "network"
TABLE = FOLDER / "verdicts.txt"
COLUMNS = ["ours", "debian12", "debian13", "networkd", "sysconfig", "schema"]
NETPLAN = {"debian12": "bookworm", "debian13": "trixie"}
ROW = re.compile(r"(\S+)((?: +(?:ok|warn|no|-)){6}) *(?:# (.*))?")


def documents():
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def head():
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line or line.startswith("#")]


def rows():
    """{name: ([verdict, …], why or None)}, in the order of the file"""
    found = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, verdicts, why = ROW.fullmatch(line).groups()
            assert name not in found, name
            found[name] = verdicts.split(), why
    return found


def column(name):
    return {document: verdicts[COLUMNS.index(name)] for document, (verdicts, _) in rows().items()}


# --- the verdicts ---

def ours():
    made = world.Tree()
    for name, path in documents().items():
        made.role(name, network_config=path.read_text(encoding="utf-8"))
        made.node(f"n-{name}", name)
    done = subprocess.run([str((BUILD / "cloudseed").resolve()), "check", "--json", str(made.seed),
                           "--templates", str(made.templates)], capture_output=True, text=True,
                          timeout=300, check=False)
    found = {name: "ok" for name in documents()}
    for fault in json.loads(done.stdout)["faults"]:
        name = fault["node"][2:]
        if fault["severity"] == "error":
            found[name] = "no"
        elif found[name] == "ok":
            found[name] = "warn"
    return found


def commands(suite, made):
    """{name: "ok" or "no"}: what that cloud-init says to the arguments that made(path) is."""
    paths = documents()
    answers = once(client_of, suite).commands([made(name, str(path))
                                               for name, path in paths.items()], "--together")
    return {name: "ok" if status == 0 and "Skipping invalid command" not in said else "no"
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
                found[name] = "no" if status else "ok"
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
    mine, others = found[0], dict(zip(COLUMNS[1:], found[1:]))
    stopped = "no" in (others["debian12"], others["debian13"])
    elsewhere = "no" in (others["networkd"], others["sysconfig"])
    if (mine == "no") != stopped:
        return "refused by us, taken by netplan" if mine == "no" else "taken by us, not by netplan"
    if mine == "ok" and elsewhere:
        return "no warning of ours"
    if mine == "warn" and not elsewhere and others["schema"] != "no":
        return "a warning of ours"
    return None


def test_every_document_is_in_the_table():
    tap.eq(sorted(rows()), sorted(documents()))
    assert len(documents()) >= 90


def test_every_difference_is_explained():
    unexplained = {name: difference(found) for name, (found, why) in rows().items()
                   if difference(found) and not why}
    tap.eq(unexplained, {})


def test_no_explanation_is_left_over():
    tap.eq([name for name, (found, why) in rows().items() if why and not difference(found)], [])


def check(name):
    def test():
        found, kept = verdicts(name), column(name)
        tap.eq({one: found[one] for one in found if found[one] != kept.get(one)}, {}, name)
    return test


for _name in COLUMNS:
    globals()[f"test_verdicts_{_name}"] = check(_name)


def rewrite():
    known = rows()
    found = [verdicts(name) for name in COLUMNS]
    lines = head()
    for name in documents():
        cells = "".join(f" {one[name]:9}" for one in found)
        why = known.get(name, (None, None))[1]
        lines.append(f"{name:30}{cells} {'# ' + why if why else ''}".rstrip())
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    if "CLOUDSEED_REWRITE" in os.environ:
        rewrite()
    tap.main()
