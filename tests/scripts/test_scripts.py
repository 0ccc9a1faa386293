#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Scripts, units and settings that the shipped templates write, each by what reads it on a node."""
import base64
import ipaddress
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]
import nodes  # noqa: E402
import tap  # noqa: E402
from daemon import SOURCE  # noqa: E402

SCRATCH = nodes.scratch()
TREES = [nodes.Tree(SOURCE / "seed"), nodes.Tree(nodes.rich_tree())]
RICH = TREES[1]
FILES = {node: tree.files(node) for tree in TREES for node in tree.names()}
SETTINGS = "/etc/cloudseed/prepare.conf"


def written(text, name):
    path = SCRATCH / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def by_content(wanted):
    """{content: name for it} of all nodes' files that are wanted, the same content once."""
    return {text: f"{node}{path}" for node, files in FILES.items()
            for path, text in files.items() if wanted(path, text)}


def test_shell_scripts():
    found = by_content(lambda _path, text: re.match(r"#!\s*/bin/(ba)?sh\b", text))
    assert any("cloudseed-prepare" in name for name in found.values()), found.values()
    for text, name in found.items():
        path = written(text, name.replace("/", "_"))
        nodes.run("bash" if "bash" in text.split("\n", 1)[0] else "dash", "-n", path)
        nodes.run("shellcheck", path)


def test_python_scripts():
    found = by_content(lambda _path, text: re.match(r"#!.*\bpython3\b", text))
    assert found, "no Python script"
    for text, name in found.items():
        path = written(text, name.replace("/", "_") + ".py")
        compile(text, name, "exec")
        nodes.run("pyflakes3", path)


def test_a_script_is_the_file_of_the_source():
    for node, files in FILES.items():
        for path, source in (("/usr/local/sbin/cloudseed-prepare", "k8s/prepare.sh"),
                             ("/usr/local/lib/cloudseed/join", "k8s/join.py")):
            if path in files:
                tap.eq(files[path], (SOURCE / "templates" / source).read_text(), f"{node}{path}")


def test_commands():
    for tree in TREES:
        for node in tree.names():
            for number, command in enumerate(tree.cloud_config(node)["runcmd"]):
                if isinstance(command, str):
                    path = written(f"#!/bin/sh\n{command}\n", f"{node}-runcmd-{number}")
                    nodes.run("dash", "-n", path)
                    nodes.run("shellcheck", path)


def test_units():
    """systemd takes each without a word; what they start is there, and can be."""
    found = by_content(lambda path, _text: path.startswith("/etc/systemd/system/"))
    assert found, "no unit"
    for number, (text, name) in enumerate(found.items()):
        folder = SCRATCH / f"units-{number}"
        node, path = name.split("/", 1)
        for command in re.findall(r"^ExecStart=(\S+)$", text, re.M):
            program = written(FILES[node][command], f"units-{number}/bin{command}")
            os.chmod(program, 0o755)
            text = text.replace(f"={command}", f"={program}")
        unit = written(text, f"units-{number}/{Path(path).name}")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=120)
        said = [line for line in done.stdout.splitlines() if Path(path).name in line]
        tap.eq((said, done.returncode), ([], 0), f"{folder}: {done.stdout}")


def settings(node):
    """What a shell reads from prepare.conf."""
    path = written(FILES[node][SETTINGS], "prepare.conf")
    names = re.findall(r"^([A-Z_]+)=", FILES[node][SETTINGS], re.M)
    out = nodes.run("dash", "-euc", f". {path}; " + "; ".join(
        f"printf '%s\\0' \"${name}\"" for name in names), env={})
    return dict(zip(names, out.split("\0")))


def test_settings():
    tap.eq(settings("k8s-worker-2"), {
        "KUBERNETES_MINOR": "1.29", "KUBERNETES_VERSION": "1.29.*",
        "APT_REPOSITORY": "https://pkgs.k8s.io/core:/stable:/", "APT_FINGERPRINT": "",
        "CONTAINERD": "containerd", "IMAGE_REPOSITORY": "registry.k8s.io"})
    tap.eq(settings("dual-worker-1"), {
        "KUBERNETES_MINOR": "1.31", "KUBERNETES_VERSION": "1.31.2-*",
        "APT_REPOSITORY": "http://apt.home.arpa/it's here", "APT_FINGERPRINT": nodes.FINGERPRINT,
        "CONTAINERD": "containerd.io", "IMAGE_REPOSITORY": "registry.home.arpa/k8s"})


def test_settings_are_all_that_the_script_reads():
    script = (SOURCE / "templates/k8s/prepare.sh").read_text()
    read = set(re.findall(r"\$\{?([A-Z_]{2,})", script))
    made = set(re.findall(r"^([A-Z_]+)=", script, re.M)) - {"APT_REPOSITORY"}
    tap.eq(sorted(read - made), sorted(settings("k8s-worker-2")))


def test_hosts():
    for node, files in FILES.items():
        for line in files["/etc/hosts"].splitlines():
            address, *names = line.split()
            ipaddress.ip_address(address)
            assert names, f"{node}: {line}"
    tap.eq(FILES["k8s-worker-2"]["/etc/hosts"].splitlines()[4:],
           ["10.0.20.12 k8s-worker-2.home.arpa k8s-worker-2", "10.0.20.11 k8s-api.home.arpa"])
    tap.contains(FILES["dual-worker-1"]["/etc/hosts"], "\n10.0.10.20 nas.home.arpa " +
                 " ".join(nodes.NASTY.split()) + "\n10.0.10.21 printer\n")
    tap.contains(FILES["shelf"]["/etc/hosts"], "\n127.0.1.1 shelf\n")


def test_node_ips():
    """One address for each family of the pods, in the pods' order."""
    for node, want in (("k8s-worker-2", "10.0.20.12"), ("dual-worker-1", "10.0.20.52,fd00:20::52"),
                       ("six-master-1", "fd00:20::41")):
        tap.eq(FILES[node]["/etc/default/kubelet"], f"KUBELET_EXTRA_ARGS=--node-ip={want}\n")


def test_forwarding():
    for node, want in (("k8s-worker-2", False), ("dual-worker-1", True), ("six-master-1", True)):
        text = FILES[node]["/etc/sysctl.d/99-kubernetes.conf"]
        tap.eq("net.ipv6.conf.all.forwarding = 1\n" in text, want, node)


def apt_policy(node, versions):
    """What apt would install on that node from a repository with these versions: {name: …}"""
    root = SCRATCH / f"apt-{node}"
    packages = "".join(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody\n"
        f"Filename: ./{name}_{version}.deb\nSize: 1\nSHA256: {'0' * 64}\nDescription: stand-in\n\n"
        for version in versions for name in ("kubeadm", "kubectl", "kubelet", "cri-tools"))
    written(packages, f"apt-{node}/repository/Packages")
    written(f"deb [trusted=yes] file:{root}/repository ./\n", f"apt-{node}/etc/sources.list")
    written(FILES[node]["/etc/apt/preferences.d/kubernetes"], f"apt-{node}/etc/preferences.d/k")
    for folder in ("lists/partial", "cache/archives/partial", "trusted.gpg.d", "apt.conf.d"):
        (root / folder).mkdir(parents=True)
    written("", f"apt-{node}/status")
    options = [f"-oDir::Etc={root}/etc", f"-oDir::State={root}", f"-oDir::Cache={root}/cache",
               f"-oDir::State::status={root}/status", f"-oDir::State::lists={root}/lists",
               f"-oDir::Etc::trustedparts={root}/trusted.gpg.d", "-oAPT::Sandbox::User=root",
               "-oDebug::NoLocking=1"]
    nodes.run("apt-get", *options, "update")
    out = nodes.run("apt-cache", *options, "policy", "kubeadm", "kubectl", "kubelet", "cri-tools")
    return dict(re.findall(r"^(\S+):\n  Installed: \(none\)\n  Candidate: (\S+)$", out, re.M))


def test_apt_pins():
    """The newest of a minor version, or the one that the cluster names; other packages are free."""
    theirs = ["1.28.9-1.1", "1.29.9-1.1", "1.29.15-1.1", "1.30.2-1.1", "1.31.2-1.1", "1.31.2-2.1",
              "1.31.20-1.1"]
    kubernetes = ("kubeadm", "kubectl", "kubelet")
    for node, want in (("k8s-worker-2", "1.29.15-1.1"), ("dual-worker-1", "1.31.2-2.1"),
                       ("six-master-1", "1.30.2-1.1")):
        got = apt_policy(node, theirs)
        tap.eq(got.pop("cri-tools"), "1.31.20-1.1", node)
        tap.eq(got, dict.fromkeys(kubernetes, want), node)


def test_embedded_key():
    tap.eq(FILES["dual-worker-1"]["/etc/cloudseed/kubernetes-apt.asc"], nodes.NASTY)
    assert "/etc/cloudseed/kubernetes-apt.asc" not in FILES["k8s-worker-2"]
    templates = SCRATCH / "templates"
    shutil.copytree(SOURCE / "templates", templates)
    written("the file\n", "templates/keys/kubernetes.asc")
    tree = nodes.Tree(SOURCE / "seed", templates)
    tap.eq(tree.files("k8s-worker-2")["/etc/cloudseed/kubernetes-apt.asc"], "the file\n")


def kubeadm(node, document):
    """{kind: object} of kubeadm's documents."""
    parts = list(yaml.safe_load_all(RICH.render(node, document)))
    return {part["kind"]: part for part in parts}


def test_kubeadm_golden():
    """v1beta3 and v1beta4, for one master and for several, workers with labels and taints."""
    golden = SOURCE / "tests/golden/kube/kubeadm"
    for file in sorted(golden.iterdir()):
        node, document = re.fullmatch(r"(.+)-(kubeadm-(?:init|join))\.yaml", file.name).groups()
        tap.eq(RICH.render(node, document), file.read_text(encoding="utf-8"), file.name)
    tap.eq(len(list(golden.iterdir())), 8)


def test_kubeadm_init():
    old = kubeadm("k8s-master-1", "kubeadm-init")
    tap.eq({k: v["apiVersion"] for k, v in old.items()}, {
        "InitConfiguration": "kubeadm.k8s.io/v1beta3",
        "ClusterConfiguration": "kubeadm.k8s.io/v1beta3",
        "KubeletConfiguration": "kubelet.config.k8s.io/v1beta1"})
    tap.eq(old["InitConfiguration"]["bootstrapTokens"], [{"ttl": "1s"}])
    tap.eq(old["KubeletConfiguration"]["serverTLSBootstrap"], True)
    new = kubeadm("dual-master-1", "kubeadm-init")
    tap.eq(new["InitConfiguration"]["localAPIEndpoint"], {"advertiseAddress": "10.0.20.51"})
    tap.eq(new["KubeletConfiguration"]["serverTLSBootstrap"], False)
    tap.eq(new["ClusterConfiguration"], {
        "apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration",
        "clusterName": "dual", "kubernetesVersion": "v1.31.2",
        "controlPlaneEndpoint": "api.dual.home.arpa:6443",
        "imageRepository": "registry.home.arpa/k8s",
        "networking": {"podSubnet": "172.20.0.0/16,fd00:172:20::/56",
                       "serviceSubnet": "10.112.0.0/16,fd00:112::/112", "dnsDomain": "dual.local"},
        "apiServer": {"certSANs": [nodes.NASTY, "10.0.20.51"]}})


def test_kubeadm_join():
    worker = kubeadm("dual-worker-1", "kubeadm-join")["JoinConfiguration"]
    tap.eq(worker["nodeRegistration"], {
        "name": "dual-worker-1", "criSocket": "unix:///run/containerd/containerd.sock",
        "taints": [{"key": "example.org/gpu", "value": "yes", "effect": "NoSchedule"}],
        "kubeletExtraArgs": [{"name": "node-labels",
                              "value": "example.org/disk=ssd,example.org/rack=r1"}]})
    assert "controlPlane" not in worker, "a worker's answer never has a certificate key"
    assert "certificateKey" not in RICH.render("dual-worker-1", "kubeadm-join")
    master = kubeadm("six-master-1", "kubeadm-join")["JoinConfiguration"]
    tap.eq(master["controlPlane"]["localAPIEndpoint"], {"advertiseAddress": "fd00:20::41"})
    assert re.fullmatch("[0-9a-f]{64}", master["controlPlane"]["certificateKey"])


def test_discovery_by_file():
    tap.eq(kubeadm("puller", "kubeadm-join")["JoinConfiguration"]["discovery"], {
        "file": {"kubeConfigPath": "/etc/kubernetes/discovery.conf"},
        "tlsBootstrapToken": "abcdef.0123456789abcdef"})


def test_registry_login():
    """TOML as containerd's documentation has it, with the secret in it and nowhere else."""
    text = RICH.render("puller", f"sealed{nodes.HOSTS}")
    login = base64.b64encode(b"SECRET-registry_login").decode()
    tap.eq(tomllib.loads(text), {
        "server": "https://registry.home.arpa",
        "host": {"https://registry.home.arpa": {
            "capabilities": ["pull", "resolve"],
            "header": {"Authorization": [f"Basic {login}"]}}}})
    assert login not in RICH.render("puller", "user-data")


def test_calico():
    """A pool for each network of pods, and kubelet's addresses, of these families only."""
    for node, pools, families in (("k8s-master-1", ["192.168.0.0/16"], "4"),
                                  ("dual-master-1", ["172.20.0.0/16", "fd00:172:20::/56"], "46"),
                                  ("six-master-1", ["fd00:172:21::/56"], "6")):
        made = yaml.safe_load_all(RICH.render(node, "addons/calico"))
        network = next(made)["spec"]["calicoNetwork"]
        tap.eq([pool["cidr"] for pool in network["ipPools"]], pools)
        for family in "46":
            tap.eq(network.get(f"nodeAddressAutodetectionV{family}"),
                   {"kubernetes": "NodeInternalIP"} if family in families else None, node)


def test_words_of_a_shell():
    """The values are one word each, whatever is in them."""
    for line in FILES["dual-worker-1"][SETTINGS].splitlines():
        tap.eq(len(shlex.split(line)), 1, line)


if __name__ == "__main__":
    tap.main()
