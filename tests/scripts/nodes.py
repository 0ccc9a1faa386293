# SPDX-License-Identifier: Apache-2.0
"""What the shipped templates make of a seed tree: the homelab's, and one that uses all they offer.

The second tree is the homelab's with more clusters and nodes, and with values in its variables that
would break out of a script or a document wherever they were not quoted.
"""
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

import tap
from daemon import BUILD, SOURCE

NASTY = "a'b\"c $(touch /tmp/x) `id` \\ # {{ x }} é\nz: \U0001f600"
FINGERPRINT = "0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567"

HOSTS = "/etc/containerd/certs.d/registry.home.arpa/hosts.toml"
CALICO = [{"name": "calico", "template": "addons/calico"}]

RICH = {
    "clusters/rich.yaml": {
        "dual": {
            "version": "1.31.2", "endpoint": "api.dual.home.arpa:6443",
            "pods": ["172.20.0.0/16", "fd00:172:20::/56"],
            "services": ["10.112.0.0/16", "fd00:112::/112"], "addons": CALICO,
            "hardened": False,
            "variables": {
                "endpoint_address": "10.0.20.51", "apiserver_names": [NASTY, "10.0.20.51"],
                "cluster_domain": "dual.local", "image_repository": "registry.home.arpa/k8s",
                "containerd_package": "containerd.io",
                "kubernetes_apt": {"url": "http://apt.home.arpa/it's here", "key": NASTY,
                                   "fingerprint": FINGERPRINT}},
        },
        "six": {
            "version": "1.30", "endpoint": "[fd00:20::40]:6443",
            "pods": "fd00:172:21::/56", "services": "fd00:113::/112",
            "addons": CALICO},
    },
    "roles/rich.yaml": {
        "puller": {"extends": "worker", "sealed": {HOSTS: {"template": "sealed/registry"}},
                   "variables": {"registry_host": "registry.home.arpa"}}},
    "nodes/rich.yaml": {
        "dual-master-1": {"role": "master", "cluster": "dual", "addresses": ["10.0.20.51",
                                                                            "fd00:20::51"]},
        "dual-worker-1": {
            "role": "worker", "cluster": "dual", "addresses": ["fd00:20::52", "10.0.20.52"],
            "variables": {
                "node_labels": {"example.org/disk": "ssd", "example.org/rack": "r1"},
                "node_taints": [{"key": "example.org/gpu", "value": "yes", "effect": "NoSchedule"}],
                "ntp_servers": ["10.0.10.1", NASTY], "admin_user": "root of all",
                "ssh_authorized_keys": [NASTY], "packages": [NASTY, "htop"],
                "hosts": [{"address": "10.0.10.20", "names": ["nas.home.arpa", NASTY]},
                          {"address": "10.0.10.21", "names": "printer"}],
                "users": [{"name": "backup", "gecos": NASTY, "groups": ["adm"],
                           "sudo": "ALL=(root) NOPASSWD:/usr/bin/rsync",
                           "ssh_authorized_keys": [NASTY]}, {"name": "guest"}]}},
        "six-master-1": {"role": "master", "cluster": "six", "addresses": ["fd00:20::41"]},
        "puller": {"role": "puller", "cluster": "dual", "addresses": ["10.0.20.53"],
                   "variables": {"discovery_file": "/etc/kubernetes/discovery.conf"}},
        "shelf": {"role": "plain", "macs": ["52:54:00:12:34:00"]},
        "bare": {"role": "plain"},
        "no-mac": {"role": "plain", "addresses": ["10.0.20.60"]},
        "reserved": {"role": "plain", "macs": ["52:54:00:12:34:01"],
                     "addresses": ["10.0.20.61", "fd00:20::61"], "variables": {"dhcp": True}},
        "partly": {"role": "plain", "macs": ["52:54:00:12:34:02", "52:54:00:12:34:03",
                                              "52:54:00:12:34:04"],
                   "addresses": ["10.0.20.62", "fd00:20::62", "10.0.10.62", "fd00:99::62"],
                   "variables": {"dhcp_networks": ["management", "six"]}},
    },
}


def run(*command, **options):
    """Standard output of a command that must end with 0."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=120, check=False, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def scratch():
    folder = Path(tempfile.mkdtemp(prefix="cloudseed-scripts-"))
    tap.defer(shutil.rmtree, folder)
    return folder


def rich_tree():
    """The folder of the second tree."""
    tree = scratch() / "seed"
    shutil.copytree(SOURCE / "seed", tree)
    for name, content in RICH.items():
        (tree / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    site = tree / "site.yaml"
    six = ("  six: {cidr: 'fd00:20::/64', vlan: 20, gateway: 'fd00:20::1'}\n"
           "  island: {cidr: 'fd00:99::/64', vlan: 99}\n")
    site.write_text(site.read_text(encoding="utf-8").replace(
        "networks:\n", f"networks:\n{six}", 1), encoding="utf-8")
    return tree


class Tree:
    def __init__(self, seed, templates=SOURCE / "templates"):
        self.where = ["--seed", seed, "--templates", templates]

    def names(self):
        return run(BUILD / "cloudseed", "node", "list", "--names", *self.where).split()

    def render(self, node, document):
        return run(BUILD / "cloudseed", "render", node, document, *self.where)

    def cloud_config(self, node):
        return yaml.safe_load(self.render(node, "user-data"))

    def files(self, node):
        """{path: content} of what user-data writes."""
        return {f["path"]: f["content"] for f in self.cloud_config(node)["write_files"]}
