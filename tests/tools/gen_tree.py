#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a seed tree of any size, the same one each time, for measuring and for tests."""
import argparse
import pathlib

SITE = """\
name: generated
url: http://10.0.0.1:8080
networks:
  nodes: {cidr: 10.0.0.0/8, vlan: 20, gateway: 10.0.0.1, dns: [10.0.0.1], search: [lab.test]}
variables:
  timezone: Etc/UTC
  admin_user: admin
  ssh_authorized_keys: []
"""
CLUSTER = """\
generated:
  version: "1.29"
  endpoint: k8s-api.lab.test:6443
  pods: 192.168.0.0/16
  services: 172.16.0.0/12
"""
NODES_MAX = (1 << 24) - 512  # a corner of 10.0.0.0/8 at each end is not used
ROLES = """\
k8s-node:
  templates: {meta-data: meta-data, network-config: network-config}
  kubeadm: sealed/kubeadm
  variables: {packages: [nfs-common]}
master: {extends: k8s-node, bootstrap: master, templates: {user-data: master/user-data}}
worker: {extends: k8s-node, bootstrap: worker, templates: {user-data: worker/user-data}}
"""


def node(number):
    """One node: a name, a MAC, a uuid, an address and two variables of its own."""
    mac = "bc:24:11:" + ":".join(f"{number >> shift & 255:02x}" for shift in (16, 8, 0))
    host = number + 256  # beyond the gateway's corner
    address = f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"
    role = "master" if number == 0 else "worker"
    return f"""\
node-{number:06d}:
  role: {role}
  cluster: generated
  macs: ["{mac}"]
  uuid: 4c4c4544-0042-4810-8054-{number:012x}
  addresses: [{address}]
  variables:
    rack: r{number // 40}
    slot: {number % 40}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--per-file", type=int, default=1000)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    if args.nodes > NODES_MAX:
        parser.error("10.0.0.0/8 has no room for so many nodes")
    for folder in ("clusters", "roles", "nodes"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)
    (args.out / "site.yaml").write_text(SITE)
    (args.out / "clusters" / "generated.yaml").write_text(CLUSTER)
    (args.out / "roles" / "generated.yaml").write_text(ROLES)
    for first in range(0, args.nodes, args.per_file):
        numbers = range(first, min(first + args.per_file, args.nodes))
        path = args.out / "nodes" / f"{first // args.per_file:06d}.yaml"
        path.write_text("".join(node(number) for number in numbers))


if __name__ == "__main__":
    main()
