#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed check --deep`: the real cloud-init and netplan are asked; a stand-in for kubeadm.

A kubeadm that knows v1beta3 is in no package that could be had. The stand-in answers as one does:
its version, the help of `config validate`, and a refusal of documents that say so.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE), str(HERE.parent / "e2e")]

import client  # noqa: E402
import netplan  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD  # noqa: E402
from test_cloudinit import fetched, once  # noqa: E402

GOOD = "#cloud-config\nhostname: {{ node.name }}\nruncmd: [[ls, -l]]\n"
# A form that 22.4.2 does not know, and every later one does.
NEWER = "#cloud-config\nhostname: {{ node.name }}\npackages: [{apt: [curl]}]\n"
OLD = "#cloud-config\napt_update: true\n"
CLOUD_INIT = """#!/bin/sh
PYTHONPATH={modules} exec /usr/bin/python3 -c '
import sys
from cloudinit.cmd import main
sys.argv[0] = "cloud-init"
sys.exit(main.main())' "$@"
"""
NETPLAN = """#!/bin/sh
[ "$1" = generate ] || exit 0
shift
exec env {environment} {command} "$@"
"""
KUBEADM = """#!/bin/sh
case "$*" in
version*) echo v1.29.3 ;;
*--help) echo 'Usage:'; echo '  kubeadm config validate [flags]' ;;
*)  if grep -q refused "$4"; then
        echo "W1130 00:00:00.0 warned" >&2
        echo 'error: strict decoding error: unknown field "refused"' >&2
        echo 'To see the stack trace of this error execute with --v=5 or higher' >&2
        exit 1
    fi
    echo ok ;;
esac
"""


def script(name):
    if name == "cloud-init":
        return CLOUD_INIT.format(modules=once(fetched, client.Client, "bookworm").modules)
    if name == "kubeadm":
        return KUBEADM
    made = once(fetched, netplan.Netplan, None)
    return NETPLAN.format(command=" ".join(made.command), environment=" ".join(
        f"{key}={value}" for key, value in made.environment.items()))


def programs(*names):
    """A folder with these programs in it."""
    folder = world.scratch()
    for name in names:
        (folder / name).write_text(script(name), encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def check(made, folder, *args):
    """(exit status, what it printed, what it complained of) with only these programs to be found."""
    done = subprocess.run([str(BUILD / "cloudseed"), "check", "--deep", str(made.seed),
                           "--templates", str(made.templates), *args], capture_output=True,
                          text=True, timeout=300, check=False,
                          env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin"})
    return done.returncode, done.stdout, done.stderr


def deep(made, folder):
    """(exit status, {program: its part of the answer}, faults)"""
    status, out, said = check(made, folder, "--json")
    answer = json.loads(out)
    assert answer["deep"], said
    return status, {p["name"]: p for p in answer["deep"]["programs"]}, answer["faults"]


def tree(user_data, nodes=3):
    made = world.Tree()
    made.role("r", user_data=user_data)
    for i in range(nodes):
        made.node(f"n{i}", "r", addresses=[f"10.0.20.{11 + i}"])
    return made


def test_nodes_that_differ_in_their_names_are_one_document():
    status, asked, faults = deep(tree(GOOD), programs("cloud-init"))
    tap.eq((status, faults), (0, []))
    tap.eq((asked["cloud-init"]["asked"], asked["cloud-init"]["documents"]), (True, 1))
    assert asked["cloud-init"]["version"].startswith("22.4.2"), asked
    tap.eq((asked["netplan"]["asked"], asked["netplan"]["reason"]), (False, "not installed"))


def test_what_cloud_init_refuses_is_a_fault_of_the_template():
    status, asked, faults = deep(tree(NEWER), programs("cloud-init"))
    tap.eq((status, asked["cloud-init"]["refused"], len(faults)), (1, 1, 1))
    fault = faults[0]
    tap.eq((fault["severity"], fault["node"], fault["document"]), ("error", "n0", "user-data"))
    assert fault["file"].endswith("/r-user-data"), fault
    assert fault["message"].startswith("cloud-init 22.4.2: packages.0: {'apt': ['curl']}"), fault
    assert fault["message"].endswith("(user-data of node 'n0', and 2 more like it)"), fault


def test_what_is_deprecated_is_a_warning():
    status, _, faults = deep(tree(OLD, 1), programs("cloud-init"))
    said = [f["message"] for f in faults if f["message"].startswith("cloud-init ")]
    tap.eq((status, {f["severity"] for f in faults}, len(said)), (0, {"warning"}, 1))
    assert ": apt_update: " in said[0], said


def test_other_forms_of_user_data_are_not_shown():
    status, asked, _ = deep(tree("#!/bin/sh\nls\n", 1), programs("cloud-init"))
    tap.eq((status, asked["cloud-init"]["documents"], asked["cloud-init"]["skipped"]), (0, 0, 1))


NETWORK = """version: 2
ethernets:
  eth0:
    dhcp4: true
    {}
"""


def network(line):
    made = world.Tree()
    made.role("r", network_config=NETWORK.format(line))
    made.node("n0", "r")
    return made


def test_netplan_reads_network_config_with_and_without_its_head():
    for head in ("", "network:\n"):
        made = world.Tree()
        text = NETWORK.format("mtu: 1400")
        if head:
            text = head + "".join(f"  {line}\n" for line in text.splitlines())
        made.role("r", network_config=text)
        made.node("n0", "r")
        status, asked, faults = deep(made, programs("netplan"))
        tap.eq((status, asked["netplan"]["documents"], faults), (0, 1, []), head)


def test_what_netplan_refuses_has_its_line():
    status, asked, faults = deep(network("match: {driver: [e1000, {a: b}]}"), programs("netplan"))
    tap.eq((status, asked["netplan"]["refused"]), (1, 1), faults)
    said = [f["message"] for f in faults if f["message"].startswith("netplan: ")]
    assert len(said) == 1 and said[0].startswith("netplan: 6:"), faults
    assert "/" not in said[0], said


JOIN = """apiVersion: kubeadm.k8s.io/v1beta3
kind: JoinConfiguration
discovery:
  bootstrapToken:
    token: {{ bootstrap.token | to_yaml_scalar }}
    apiServerEndpoint: {{ bootstrap.endpoint | to_yaml_scalar }}
    caCertHashes: {{ bootstrap.ca_hashes | tojson }}
"""


def cluster(version, text=JOIN):
    made = world.Tree()
    made.put("clusters/lab.yaml", {"lab": {
        "version": version, "endpoint": "api.example.org:6443", "pods": "10.244.0.0/16",
        "services": "10.96.0.0/12", "hardened": False}})
    (made.templates / "sealed").mkdir()
    made.template("sealed/kubeadm", text)
    made.put("roles/worker.yaml", {"worker": {"kubeadm": "sealed/kubeadm", "bootstrap": "worker"}})
    made.node("w1", "worker", cluster="lab", macs=["52:54:00:00:00:01"])
    return made


def test_kubeadm_of_the_clusters_version_is_asked():
    status, asked, faults = deep(cluster("1.29"), programs("kubeadm"))
    tap.eq((status, asked["kubeadm"]["version"], asked["kubeadm"]["documents"]), (0, "v1.29.3", 1),
           faults)
    status, asked, _ = deep(cluster("1.28"), programs("kubeadm"))
    tap.eq((asked["kubeadm"]["documents"], asked["kubeadm"]["skipped"]), (0, 1))


def test_what_kubeadm_refuses_is_only_its_reason():
    status, _, faults = deep(cluster("1.29", JOIN + "# refused\n"), programs("kubeadm"))
    said = [f["message"] for f in faults if f["message"].startswith("kubeadm ")]
    tap.eq((status, said), (1, ["kubeadm v1.29.3: strict decoding error: unknown field \"refused\" "
                                "(kubeadm-join of node 'w1')"]))


def test_it_says_which_it_asked():
    status, out, _ = check(tree(GOOD), programs("cloud-init"))
    tap.eq(status, 0)
    assert "cloud-init 22.4.2: read 1 different document, refused 0\n" in out, out
    assert "netplan: not asked: not installed\n" in out, out
    assert "kubeadm: not asked: not installed\n" in out, out


def test_with_none_of_them_it_fails():
    status, out, said = check(tree(GOOD), programs())
    tap.eq(status, 1, out)
    assert "none of cloud-init, netplan and kubeadm" in said, said


def test_no_copy_is_left_behind():
    folder = world.scratch()
    os.environ["TMPDIR"] = str(folder)
    try:
        check(tree(NEWER), programs("cloud-init"))
    finally:
        del os.environ["TMPDIR"]
    tap.eq(list(folder.iterdir()), [])


if __name__ == "__main__":
    tap.main()
