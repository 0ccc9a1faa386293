#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A site of IPv6 only, and one of both: the server's URL is a literal, it is asked over [::1], and the
shipped templates know each node by one address of each family that its pods have."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402

URL = "http://[fd00:10::5]:8080"
MASTER, WORKER = "k8s-master-1", "k8s-worker-2"
MAC, UUID = "bc:24:11:00:20:0c", "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1"
TEMPLATES = daemon.SOURCE / "templates"
SIX = {"cidr": "fd00:20::/64", "gateway": "fd00:20::1", "dns": ["fd00:20::1"],
       "search": ["home.arpa"]}
BOTH = {"cidr": "10.0.20.0/24", "gateway": "10.0.20.1", "cidr6": "fd00:20::/64",
        "gateway6": "fd00:20::1"}


def seed(network, pods, services, addresses):
    """The example's tree, with these; {1: …} are the addresses of the first node."""
    folder = world.scratch() / "seed"
    shutil.copytree(daemon.SOURCE / "seed", folder)

    def change(name, function):
        whole = yaml.safe_load((folder / name).read_text())
        function(whole)
        (folder / name).write_text(yaml.safe_dump(whole))

    change("site.yaml", lambda site: site.update(url=URL, evidence=["mac"],
                                                 networks={"nodes": network}))
    change("clusters/homelab.yaml",
           lambda all_: all_["homelab"].update(pods=pods, services=services, variables={}))
    change("nodes/homelab.yaml", lambda nodes: [node.update(addresses=addresses(number))
                                                for number, node in enumerate(nodes.values(), 11)])
    change("roles/kubernetes.yaml", lambda roles: roles["worker"].update(boot={
        "kind": "kernel", "kernel": "vmlinuz", "initrd": ["initrd.img"]}))
    return folder


IPV6 = seed(SIX, ["fd00:244::/56"], ["fd00:96::/112"], lambda n: [f"fd00:20::{n}"])
DUAL = seed(BOTH, ["10.244.0.0/16", "fd00:244::/56"], ["10.96.0.0/16", "fd00:96::/112"],
            lambda n: [f"fd00:20::{n}", f"10.0.20.{n}"])


def cloudseed(*words):
    done = subprocess.run([daemon.BUILD / "cloudseed", *words, "--server", "none", "--templates",
                           TEMPLATES], capture_output=True, text=True, check=False)
    tap.eq(done.returncode, 0, done.stderr)
    return done.stdout


def render(tree, node, document):
    return cloudseed("render", node, document, "--seed", tree)


def init(tree):
    """{kind: object} of the first master's configuration."""
    return {d["kind"]: d for d in yaml.safe_load_all(render(tree, MASTER, "kubeadm-init"))}


def node_ip(tree, node):
    return re.search(r"--node-ip=(\S+)", render(tree, node, "user-data"))[1]


def test_check_finds_no_fault():
    for tree in (IPV6, DUAL):
        tap.contains(cloudseed("check", tree), "no faults")


def test_a_cluster_of_ipv6_only():
    found = init(IPV6)
    networking = found["ClusterConfiguration"]["networking"]
    tap.eq((networking["podSubnet"], networking["serviceSubnet"]), ("fd00:244::/56", "fd00:96::/112"))
    tap.eq(found["InitConfiguration"]["localAPIEndpoint"]["advertiseAddress"], "fd00:20::11")
    tap.eq(node_ip(IPV6, WORKER), "fd00:20::12")
    network = yaml.safe_load(render(IPV6, WORKER, "network-config"))
    eth, = network["ethernets"].values()
    tap.eq((eth["addresses"], eth.get("dhcp4", False)), (["fd00:20::12/64"], False))


def test_a_cluster_of_both():
    """Pairs in the order of the pods, also where a node has them the other way round."""
    found = init(DUAL)
    networking = found["ClusterConfiguration"]["networking"]
    tap.eq((networking["podSubnet"], networking["serviceSubnet"]),
           ("10.244.0.0/16,fd00:244::/56", "10.96.0.0/16,fd00:96::/112"))
    tap.eq(found["InitConfiguration"]["localAPIEndpoint"]["advertiseAddress"], "10.0.20.11")
    tap.eq(node_ip(DUAL, WORKER), "10.0.20.12,fd00:20::12")


def test_a_machine_that_boots_over_ipv6():
    assets = world.scratch()
    for name in ("vmlinuz", "initrd.img", "snponly.efi"):
        (assets / name).write_text(name)
    with world.start(seed=IPV6, templates=TEMPLATES, http="[::1]:0",
                     args=["--tftp", "[::1]:0", "--assets", assets]) as server:
        port = int(server.listening["tftp"].rsplit(":", 1)[1])
        tap.eq(tftp.fetch(("::1", port), "snponly.efi"), b"snponly.efi")
        tap.contains(tftp.fetch(("::1", port), "boot.ipxe").decode(), f"{URL}/")
        server.arm(WORKER)
        script = server.get(f"/boot.ipxe?mac={MAC.replace(':', '-')}&uuid={UUID}").text
        tap.contains(script, f"kernel {URL}/assets/vmlinuz ")
        tap.contains(script, f"initrd --name initrd1 {URL}/assets/initrd.img ")
        key = re.search(rf"ds=nocloud;dsmode=net;s={re.escape(URL)}/s/([a-z0-9]+)/", script)[1]
        user_data = server.get(f"/s/{key}/user-data")
        tap.eq(user_data.status, 200)
        tap.contains(user_data.text, f"{URL}/s/{key}/phone-home")
        tap.contains(server.get(f"/s/{world.key_of(server.state, WORKER)}/meta-data").text, WORKER)


tap.main()
