#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes without the Internet: mirrors for packages, images and addons, and what `check` says still
points to the Internet."""
import json
import sys
import tomllib
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE), str(HERE.parent / "e2e")]

import tap  # noqa: E402
from test_extras import Homelab, files_of  # noqa: E402

REGISTRY = "https://registry.home.arpa"
MIRRORED = {
    "offline": True,
    "apt_mirrors": {"primary": "http://mirror.home.arpa/ubuntu",
                    "security": "http://mirror.home.arpa/ubuntu"},
    "kubernetes_apt": {"url": "https://mirror.home.arpa/kubernetes/", "fingerprint": "DE15" * 10},
    "registry_mirrors": {"registry.k8s.io": f"{REGISTRY}/v2/registry.k8s.io", "_default": f"{REGISTRY}/v2"},
}
NODE = "user-data of node 'k8s-master-1'"


def lab(addon="https://mirror.home.arpa/tigera-operator.yaml", version="1.29.15", **site):
    made = Homelab(site={**MIRRORED, **site})
    path = made.folder / "seed/clusters/homelab.yaml"
    whole = yaml.safe_load(path.read_text())
    whole["homelab"]["version"] = version
    whole["homelab"]["addons"][0]["url"] = addon
    path.write_text(yaml.safe_dump(whole))
    return made


def said(made):
    done = made.run("check", "--json", "seed", "--server", "none")
    got = json.loads(done.stdout)
    tap.eq(got["errors"], 0, done.stdout)
    return [fault["message"] for fault in got["faults"]]


def only(messages, *parts):
    tap.eq(len(messages), 1, messages)
    for part in parts:
        tap.contains(messages[0], part)


def test_with_all_mirrors_nothing_is_said():
    tap.eq(said(lab()), [])


def test_each_thing_that_is_not_mirrored():
    only(said(lab(apt_mirrors={})), "apt uses the image's own mirrors", "'apt_mirrors'", NODE)
    only(said(lab(kubernetes_apt={})), "https://pkgs.k8s.io/core:/stable:/ is on the Internet", NODE)
    only(said(lab(registry_mirrors={})), "images come from registry.k8s.io", "'registry_mirrors'",
         "kubeadm-init of node 'k8s-master-1'")
    only(said(lab(version="1.29")), "kubeadm asks dl.k8s.io which version that is")
    only(said(lab(addon="https://raw.githubusercontent.com/x.yaml")),
         "addon 'tigera-operator': https://raw.githubusercontent.com/x.yaml is on the Internet")
    only(said(lab(extra_runcmd=["curl -o /x http://example.org/a?b=c"])),
         "http://example.org/a?b=c is on the Internet")


def test_what_is_reached_without_the_internet():
    for url in ("http://10.9.8.7/x", "https://[fd00::7]/x", "http://172.31.0.1:80", "http://nas/x",
                "http://nas.home.arpa/x", "http://nas.corp.internal/x", "http://k8s-api.home.arpa/"):
        tap.eq(said(lab(extra_runcmd=[f"curl {url}"])), [], url)
    for url in ("http://172.32.0.1/x", "https://[2001:db8::7]/x", "http://nothome.arpa.org/x"):
        only(said(lab(extra_runcmd=[f"curl {url}"])), f"{url} is on the Internet")
    text = "#!/bin/sh\n  # see https://example.org\nexec x\n"
    tap.eq(said(lab(extra_write_files=[{"path": "/x", "content": text}])), [])
    listed = {"offline": ["example.org"], "extra_runcmd": ["curl https://a.example.org/x"]}
    tap.eq(said(lab(**listed)), [])
    only(said(lab(**{**listed, "offline": [".other.org"]})), "https://a.example.org/x is on the Internet")


def test_images_need_no_mirror_where_their_repository_is_near():
    tap.eq(said(lab(registry_mirrors={}, image_repository="registry.home.arpa/k8s")), [])


def test_a_node_of_its_own():
    made = Homelab(site={"extra_runcmd": ["curl http://example.org/"]}, node={"offline": True})
    nodes = {m.rsplit("'", 2)[1] for m in said(made)}
    tap.eq(nodes, {"k8s-worker-2"})
    tap.eq(said(Homelab(site={"offline": False})), [])


def test_registries_for_containerd():
    files = files_of(lab().user_data())
    read = {name: tomllib.loads(files[f"/etc/containerd/certs.d/{name}/hosts.toml"]["content"])
            for name in MIRRORED["registry_mirrors"]}
    for name, url in MIRRORED["registry_mirrors"].items():
        tap.eq(read[name], {"server": url,
                            "host": {url: {"capabilities": ["pull", "resolve"], "override_path": True}}})
    assert not [p for p in files_of(Homelab().user_data()) if "certs.d" in p]


tap.main()
