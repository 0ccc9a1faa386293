#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A site as odd as can be is loaded, checked and rendered without a fault, and says what it means.

tests/cloudinit holds the same site against cloud-init itself, test_structure.py tries other values.
"""
import json
import os
import re
import shutil
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import sites  # noqa: E402
import tap  # noqa: E402

ODD = sites.odd(tap.enter(tempfile.TemporaryDirectory(prefix="cloudseed-test-")))
PASTED = "k8s-worker-2"


def parsed(node, name):
    return yaml.safe_load(ODD.rendered[node][name])


def test_check_finds_nothing():
    for where in (sites.HOMELAB, ODD):
        done = where.run("check")
        tap.eq((done.returncode, done.stderr), (0, ""), done.stdout)


def test_values_arrive_as_they_are():
    """What a node declares is what cloud-init reads, by the rules of YAML 1.1."""
    with open(ODD.seed / "nodes/values.yaml", encoding="utf-8") as f:
        nodes = yaml.safe_load(f)
    with open(ODD.seed / "nodes/long.yaml", encoding="utf-8") as f:
        nodes.update(yaml.safe_load(f))
    for node, declared in nodes.items():
        if declared["role"] != "wordy":
            continue
        made, values = parsed(node, "user-data"), declared["variables"]
        tap.eq(made["final_message"], values["final_message"], node)
        tap.eq([command[2] for command in made["bootcmd"]], values["words"], node)


def test_keys_with_odd_comments():
    """Every key arrives, with its comment, for every node that has them."""
    with open(ODD.seed / "site.yaml", encoding="utf-8") as f:
        keys = yaml.safe_load(f)["variables"]["ssh_authorized_keys"]
    tap.eq(parsed("dual", "user-data")["users"][0]["ssh_authorized_keys"], keys)
    tap.eq(parsed("unknown", "user-data")["ssh_authorized_keys"], keys)
    assert not parsed("none-at-all", "user-data")["users"][0].get("ssh_authorized_keys")


LISTS = {"packages": "htop", "ssh_authorized_keys": "ssh-ed25519 AAAA ada@laptop",
         "ntp_servers": "10.0.10.1", "apiserver_names": "api.example.org", "dhcp_networks": "nodes",
         "users": [{"name": "ada", "groups": "adm", "ssh_authorized_keys": "ssh-ed25519 AAAA b"}]}


def test_lists_of_one_need_no_brackets():
    """A text where the shipped templates want a list is no list of its letters."""
    def rendered(name, variables):
        folder = tap.enter(tempfile.TemporaryDirectory(prefix="cloudseed-test-"))
        shutil.copytree(sites.HOMELAB.seed, f"{folder}/seed")
        with open(f"{folder}/seed/nodes/{name}.yaml", "w", encoding="utf-8") as f:
            json.dump({"one": {"role": "master", "cluster": "homelab", "addresses": ["10.0.20.40"],
                               "variables": variables}}, f)
        return sites.Site(f"{folder}/seed", sites.HOMELAB.templates).rendered["one"]

    user = LISTS["users"][0]
    listed = {name: value if name == "users" else [value] for name, value in LISTS.items()}
    listed["users"] = [{key: text if key == "name" else [text] for key, text in user.items()}]
    tap.eq(rendered("bare", LISTS), rendered("listed", listed))
    tap.contains(rendered("bare", LISTS)["kubeadm-init"], '- "api.example.org"\n')


def test_a_site_of_ones_own():
    """The odd role's template: text in YAML, in JSON, in base64 and in a shell."""
    made = parsed("odd-values", "user-data")
    with open(ODD.seed / "nodes/values.yaml", encoding="utf-8") as f:
        motd = yaml.safe_load(f)["odd-values"]["variables"]["motd"]
    tap.eq(made["write_files"][1]["content"], motd)
    tap.eq(made["runcmd"][1][2], motd)
    tap.eq(yaml.safe_load(made["write_files"][3]["content"]),
           {"1": "one", "no": "no", "a b: c": "x # y", "": "empty"})


def test_identity():
    """Names that look like numbers stay names, and a bare role serves what every node has."""
    for node in ODD.nodes:
        meta = parsed(node, "meta-data")
        tap.eq(meta["local-hostname"], node)
        assert isinstance(meta["instance-id"], str) and meta["instance-id"], meta
    tap.eq(ODD.rendered["bare"]["user-data"], "")


def test_interfaces():
    """Each address is on the card of its VLAN, with that VLAN's router and names alone."""
    nics = parsed("three-cards", "network-config")["ethernets"]
    tap.eq([nic["addresses"] for nic in nics.values()],
           [["172.16.32.12/20", "2001:db8:120::22/64"], ["fd00:130::22/64"], ["192.0.2.1/31"]])
    tap.eq([[r["via"] for r in nic.get("routes", [])] for nic in nics.values()],
           [["172.16.32.1", "2001:db8:120::1"], [], []])
    tap.eq(["nameservers" in nic for nic in nics.values()], [True, False, False])
    for node in ("dhcp", "dhcp-two-cards", "unknown", "7"):
        for nic in parsed(node, "network-config")["ethernets"].values():
            tap.eq((nic["dhcp4"], "addresses" in nic), (True, False), node)


# --- what somebody posted, pasted in as a template ---------------------------------------------

def posted():
    with open(os.path.join(HERE, "setup-k8s-worker.yml"), encoding="utf-8") as f:
        return f.read()


def template():
    return (sites.ODD / "templates" / "setup-k8s-worker.yml").read_text()


def test_pasted_template_says_the_same():
    """With the values that were in it, it is what it was."""
    tap.eq(parsed(PASTED, "user-data"), yaml.safe_load(posted()))
    assert ODD.rendered[PASTED]["user-data"].startswith("#cloud-config\n")


def test_pasted_template_changed_only_values():
    """Line by line, but for the loop over the keys."""
    kept = set(posted().splitlines())
    changed = [line for line in template().splitlines() if line not in kept]
    assert all("{{" in line or "{%" in line for line in changed), changed
    assert len(changed) < 20, changed


def test_page_shows_the_files():
    """Each line that the docs show of it is in the file that it is said to be from."""
    page = (sites.SOURCE / "docs/examples/setup-k8s-worker.md").read_text()
    blocks = re.findall(r"^```diff\n(.*?)^```", page, re.M | re.S)
    assert blocks, "no diff in the page"
    shown = [line for block in blocks for line in block.splitlines() if line]
    for sign, text in ((" ", posted()), (" ", template()), ("-", posted()), ("+", template())):
        lines = text.splitlines()
        tap.eq([line[1:] for line in shown if line[0] == sign and line[1:] not in lines], [], sign)


if __name__ == "__main__":
    tap.main()
