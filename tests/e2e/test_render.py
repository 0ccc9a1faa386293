#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed render`: every document of a node, where each line comes from, and all at once."""
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402

WORLD = tap.enter(cli.World())
FILES = ["meta-data", "user-data", "vendor-data", "network-config"]
BOOTSTRAP = ["kubeadm-init", "kubeadm-join", "sealed/etc/registry.json", "addons/storage"]
WHERE = ["--seed", "seed", "--templates", "templates"]


def prepare():
    roles = WORLD.path / "seed" / "roles" / "k8s.yaml"
    roles.write_text(roles.read_text().replace(
        "kubeadm: sealed/kubeadm}", "kubeadm: sealed/kubeadm,\n"
        "  sealed: {/etc/registry.json: {template: sealed/registry}}}"))
    cluster = next((WORLD.path / "seed" / "clusters").iterdir())
    cluster.write_text(cluster.read_text() + "  addons: [{name: storage, template: storage}]\n")
    WORLD.write("templates/sealed/kubeadm", "token: {{ bootstrap.token }}\n")
    WORLD.write("templates/sealed/registry", "{{ secrets.registry | tojson }}\n")
    WORLD.write("templates/storage", "cluster: {{ cluster.name }}\n")
    WORLD.write("templates/k8s/part", "part: {{ site.name }} and {{ node.name }}\n\n")
    with open(WORLD.path / "templates" / "k8s" / "user-data", "a", encoding="utf-8") as file:
        file.write("{% include 'k8s/part' %}\n{% set zone = timezone %}\nzone: {{ zone }}\n")


prepare()


def lines(*words):
    return WORLD.good("render", *words, *WHERE).splitlines()


# --- Documents ---------------------------------------------------------------------------------

def test_a_master_has_all_documents():
    tap.eq(lines("k8s-master-1", "--names"), FILES + BOOTSTRAP)
    tap.eq([line[6:].split(" (")[0] for line in lines("k8s-master-1") if line.startswith("# ---")],
           FILES + BOOTSTRAP)


def test_a_document_alone():
    tap.eq(lines("k8s-master-1", "kubeadm-join"), ["token: abcdef.0123456789abcdef"])
    tap.eq(lines("k8s-master-1", "sealed/etc/registry.json"), ['"SECRET-registry"'])
    tap.eq(lines("k8s-master-1", "addons/storage"), ["cluster: homelab"])


def test_a_name_that_no_document_has():
    said = WORLD.bad(1, "render", "k8s-master-1", "kubeadm-jon", *WHERE)
    tap.contains(said, "has no document 'kubeadm-jon'; did you mean 'kubeadm-join'?")
    tap.contains(WORLD.bad(1, "render", "k8s-worker-2", "addons/storage", *WHERE),
                 "node 'k8s-worker-2' has no document 'addons/storage'")


def test_documents_as_json():
    got = json.loads(WORLD.good("render", "k8s-master-1", "--json", *WHERE))
    tap.eq([one["document"] for one in got], FILES + BOOTSTRAP)
    tap.eq([one["template"] for one in got], [None, "k8s/user-data", None, None, "sealed/kubeadm",
                                              "sealed/kubeadm", "sealed/registry", "storage"])
    for one in got:
        tap.eq(one["text"], WORLD.good("render", "k8s-master-1", one["document"], *WHERE))
        tap.eq(sorted(one), ["document", "node", "template", "text"])


# --- Where it comes from -----------------------------------------------------------------------

def test_provenance_of_a_document():
    tap.eq(lines("k8s-worker-2", "user-data", "--provenance"), [
        "k8s/user-data:1 | #cloud-config",
        'k8s/user-data:2 | timezone: "Europe/Zurich"  <- timezone: seed/site.yaml:6',
        'k8s/user-data:3 | packages: ["nfs-common"]  <- packages: seed/roles/k8s.yaml:8',
        "k8s/part:1      | part: homelab and k8s-worker-2  <- site: seed/site.yaml:1, "
        "node: seed/nodes/k8s.yaml:6",
        "k8s/part:2      |",
        "k8s/user-data:6 | zone: Europe/Zurich",
    ])


def test_provenance_keeps_to_the_line():
    WORLD.write("begins/k8s/user-data", "plain\n{{ node.name }}\n{{ site.name }}\n")
    shutil.copytree(WORLD.path / "templates", WORLD.path / "begins", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("user-data"))
    out = WORLD.good("render", "k8s-worker-2", "user-data", "--provenance", "--seed", "seed",
                     "--templates", "begins")
    tap.eq([line.count("<-") + line.count(",") for line in out.splitlines()], [0, 1, 1])


def test_provenance_names_the_nearest_one():
    shutil.copytree(WORLD.path / "seed", WORLD.path / "near")
    nodes = WORLD.path / "near" / "nodes" / "k8s.yaml"
    nodes.write_text(nodes.read_text() + "  variables: {timezone: Etc/UTC}\n")
    out = WORLD.good("render", "k8s-worker-2", "user-data", "--provenance", "--seed", "near",
                     "--templates", "templates")
    tap.contains(out, 'timezone: "Etc/UTC"  <- timezone: near/nodes/k8s.yaml:11\n')


def test_provenance_where_no_file_says_it():
    shown = lines("k8s-master-1", "meta-data", "--provenance")
    tap.eq(shown[0], '(cloudseedd) | instance-id: "k8s-master-1-1"')
    shown = lines("k8s-master-1", "kubeadm-init", "--provenance")
    tap.contains(shown[0], "<- bootstrap: (cloudseedd)")


def test_provenance_is_silent_on_names_that_a_template_set():
    shown = WORLD.good("render", "k8s-worker-2", "network-config", "--provenance", "--seed",
                       cli.SOURCE / "seed", "--templates", cli.SOURCE / "templates")
    tap.contains(shown, '      addresses: ["10.0.20.1"]\n')
    assert "<-" not in shown, shown


def test_provenance_of_all_documents():
    shown = WORLD.good("render", "k8s-master-1", "--provenance", *WHERE)
    tap.contains(shown, "# --- vendor-data (empty)\n# --- network-config (empty)\n# --- kubeadm-")
    tap.contains(shown, "\nstorage:1 | cluster: homelab  <- cluster: seed/clusters/")


def test_lines_are_those_of_the_document():
    """The left column never changes what is right of it."""
    for node in ("k8s-master-1", "k8s-worker-2"):
        for document in lines(node, "--names"):
            plain = lines(node, document)
            shown = [re.sub(r"  <- .*$", "", line.split(" |", 1)[1])
                     for line in lines(node, document, "--provenance")]
            tap.eq([line[1:] for line in shown], plain, document)


def test_pieces_make_the_document():
    for one in json.loads(WORLD.good("render", "k8s-master-1", "--json", "--provenance", *WHERE)):
        if not one["template"]:
            tap.eq(one["pieces"], [])
            continue
        tap.eq("".join(piece["text"] for piece in one["pieces"]), one["text"], one["document"])
        for piece in one["pieces"]:
            source = (WORLD.path / piece["at"]["file"]).read_text().split("\n")
            line = source[piece["at"]["line"] - 1][piece["at"]["column"] - 1:]
            if not piece["value"]:
                tap.eq(piece["names"], [])
                assert line.startswith(piece["text"].split("\n")[0]), (line, piece)
            for name in piece["names"]:
                tap.contains(line, name["name"])


def test_provenance_on_a_terminal():
    WORLD.write("bell/seen", "a: \x07\u202e{{ node.name }}\n")
    shutil.copytree(WORLD.path / "templates", WORLD.path / "bell", dirs_exist_ok=True)
    WORLD.write("bell/k8s/user-data", "{% include 'seen' %}\n")
    status, shown = WORLD.on_terminal("render", "k8s-worker-2", "user-data", "--provenance",
                                      "--seed", "seed", "--templates", "bell")
    tap.eq((status, shown), (0, "\033[2mseen:1 |\033[0m a: \ufffd\ufffdk8s-worker-2\033[36m  <- "
                                "node: seed/nodes/k8s.yaml:6\033[0m\n"))


# --- All at once -------------------------------------------------------------------------------

def files_in(folder):
    return {str(file.relative_to(folder)): file.read_text()
            for file in sorted(folder.rglob("*")) if file.is_file() and file.name[0] != "."}


def make_all(name, *words):
    return WORLD.good("render", "--all", name, *WHERE, *words), WORLD.path / name


def test_all_of_every_node():
    said, folder = make_all("every")
    tap.eq(said, "every: 13 documents of 2 nodes\n")
    got = files_in(folder)
    for node in ("k8s-master-1", "k8s-worker-2"):
        names = lines(node, "--names")
        tap.eq(sorted(name for name in got if name.startswith(node)),
               sorted(f"{node}/{name}" for name in names))
        for name in names:
            tap.eq(got[f"{node}/{name}"], WORLD.good("render", node, name, *WHERE))
    tap.eq(stat.S_IMODE(folder.stat().st_mode), 0o700)


def test_all_replaces_what_it_made():
    make_all("again/")
    (WORLD.path / "again" / "gone").mkdir()
    _, folder = make_all("again")
    assert not (folder / "gone").exists()
    tap.eq([name for name in os.listdir(WORLD.path) if name.startswith("again.")], [])
    (WORLD.path / "hollow").mkdir()
    make_all("hollow")


def test_all_refuses_what_others_made():
    for name, file in (("home", "letter"), ("repository/.git", "config")):
        WORLD.write(f"{name}/{file}", "mine")
    make_all("held")
    WORLD.write("held/.git/config", "mine")
    make_all("noted")
    WORLD.write("noted/notes", "mine")
    for name in ("home", "repository", "held", "noted"):
        before = files_in(WORLD.path / name)
        said = WORLD.bad(1, "render", "--all", name, *WHERE)
        tap.contains(said, f"{name} contains other files")
        tap.eq(files_in(WORLD.path / name), before)


def test_all_or_nothing():
    _, folder = make_all("whole")
    before = files_in(folder)
    shutil.copytree(WORLD.path / "templates", WORLD.path / "broken")
    WORLD.write("broken/storage", "{{ nothing }}\n")
    for name in ("whole", "fresh"):
        said = WORLD.bad(1, "render", "--all", name, "--seed", "seed", "--templates", "broken")
        tap.contains(said, "broken/storage:1:4: error: ")
        tap.contains(said, "addons/storage of node 'k8s-master-1' cannot be rendered")
    tap.eq(files_in(folder), before)
    assert not [name for name in os.listdir(WORLD.path) if name.startswith(("fresh", "whole."))]


def test_all_where_it_cannot_be():
    tap.contains(WORLD.bad(1, "render", "--all", "no/where", *WHERE), "No such file or directory")
    tap.contains(WORLD.bad(1, "render", "--all", "cloudseedd.yaml", *WHERE), "Not a directory")


def test_all_when_interrupted():
    """Whoever loses patience finds nothing half done."""
    WORLD.write("crowd/site.yaml", (WORLD.path / "seed" / "site.yaml").read_text())
    WORLD.write("crowd/roles/r.yaml", "r: {templates: {user-data: k8s/user-data}}\n")
    WORLD.write("crowd/nodes/n.yaml", "".join(f"n{i}: {{role: r}}\n" for i in range(20000)))
    command = WORLD.command("render", "--all", "cut", "--seed", "crowd", "--templates", "templates")
    with subprocess.Popen(command, cwd=WORLD.path, stderr=subprocess.PIPE) as process:
        tap.wait_until(lambda: [name for name in os.listdir(WORLD.path) if name[:4] == "cut."])
        process.send_signal(signal.SIGINT)
        tap.eq(process.wait(cli.SECONDS), -signal.SIGINT)
    tap.eq([name for name in os.listdir(WORLD.path) if name.startswith("cut")], [])


def test_all_tells_of_placeholders():
    shutil.copytree(WORLD.path / "templates", WORLD.path / "urls")
    WORLD.write("urls/k8s/user-data", "{{ seed.url }}\n")
    where = ["--seed", "seed", "--templates", "urls", "--config", ""]
    WORLD.write("none.yaml", "state: /nonexistent\n")
    done = WORLD.run("render", "--all", "urls-out", *where[:-1], "none.yaml")
    tap.eq(done.returncode, 0)
    tap.contains(done.stderr, "cloudseed: note: the seed URL's key is shown as SEED-KEY: ")
    tap.eq(files_in(WORLD.path / "urls-out")["k8s-worker-2/user-data"],
           "http://10.0.10.5:8080/s/SEED-KEY/\n")


tap.main()
