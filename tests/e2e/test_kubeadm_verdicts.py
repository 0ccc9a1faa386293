#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `cloudseed check` says of kubeadm's configuration, by the table of tests/verdicts/kubeadm/.

Where a kubeadm with `config validate` is in PATH, the files for clusters of its minor version are
shown to it as well. With CLOUDSEED_REWRITE set, our column is written again.
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402

CORPUS = SOURCE / "tests/verdicts/kubeadm"
FILES_AT_LEAST = 50
SAME = {"ok": "ok", "deprecated": "warning", "refused": "error"}


def table():
    """{file: [version of the cluster, kubeadm's verdict, ours, reason]}"""
    rows = {}
    for line in (CORPUS / "table.txt").read_text(encoding="utf-8").splitlines():
        if line[0] != "#":
            name, *columns = re.split(r"\s+", line, maxsplit=4)
            rows[name] = columns + [""] * (4 - len(columns))
    return rows


def ours():
    """{file: "ok", "warning" or "error"}: each the configuration of a node of its own."""
    made = world.Tree()
    (made.templates / "sealed").mkdir()
    for version in {row[0] for row in table().values()}:
        name = "c" + version.replace(".", "-")
        made.put(f"clusters/{name}.yaml", {name: {
            "version": version, "endpoint": "api.example.org:6443", "pods": "10.244.0.0/16",
            "services": "10.96.0.0/12"}})
    names = {}
    for i, (name, row) in enumerate(table().items()):
        made.template(f"sealed/t{i}", (CORPUS / name).read_text(encoding="utf-8"))
        made.put(f"roles/r{i}.yaml", {f"r{i}": {"kubeadm": f"sealed/t{i}", "bootstrap": "worker"}})
        made.node(f"n{i}", f"r{i}", cluster="c" + row[0].replace(".", "-"),
                  macs=[f"52:54:00:00:01:{i:02x}"])
        names[f"n{i}"] = name
    done = subprocess.run([str(BUILD / "cloudseed"), "check", "--json", str(made.seed),
                           "--templates", str(made.templates)], capture_output=True, text=True,
                          timeout=300, check=False)
    verdicts = {name: "ok" for name in table()}
    for fault in json.loads(done.stdout)["faults"]:
        if fault.get("node") and verdicts[names[fault["node"]]] != "error":
            verdicts[names[fault["node"]]] = fault["severity"]
    return verdicts


def write_table(verdicts):
    path = CORPUS / "table.txt"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[0] == "#"]
    for name, (cluster, theirs, _, why) in table().items():
        lines.append(f"{name:31}{cluster:9}{theirs:11}{verdicts[name]:11}{why}".rstrip())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def ask_kubeadm_if_there_is_one():
    program = shutil.which("kubeadm")
    if not program or "kubeadm config validate" not in run(program, "config", "validate", "-h")[1]:
        return
    minor = re.match(r"v(1\.\d+)", run(program, "version", "-o", "short")[1])[1]
    for name, (cluster, theirs, _, _) in table().items():
        if cluster == minor:
            status, said = run(program, "config", "validate", "--config", str(CORPUS / name))
            tap.eq(status != 0, theirs == "refused", f"{name}: {said}")


def test_every_file_gets_the_verdict_of_the_table():
    verdicts = ours()
    if "CLOUDSEED_REWRITE" in os.environ:
        write_table(verdicts)
    tap.eq({name: row[2] for name, row in table().items()}, verdicts)
    tap.eq(sorted(table()), sorted(path.name for path in CORPUS.glob("*.yaml")))
    assert len(verdicts) >= FILES_AT_LEAST, len(verdicts)
    ask_kubeadm_if_there_is_one()


def test_every_difference_has_its_reason():
    for name, (_, theirs, our, why) in table().items():
        assert SAME[theirs] == our or why, f"{name}: {theirs}, ours {our}, without a reason"


if __name__ == "__main__":
    tap.main()
