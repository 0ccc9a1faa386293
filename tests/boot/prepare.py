# SPDX-License-Identifier: Apache-2.0
"""What cloudseed-prepare makes of a machine, with the real apt, dpkg and gpg of its release.

The machine is not booted: what user-data writes is put in place, and the script is run in it, with
an apt repository on the loopback. Only what reaches for a kernel or an init system is stood in for.
"""
import os
import re
import shutil
import subprocess

import yaml

import admin
import aptrepo
import evidence
import tap
from daemon import BUILD
from machine import HERE, RUN

STOOD_IN_FOR = ("modprobe", "sysctl", "swapoff", "systemctl", "sleep")
PATH = "/opt/prepare:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEYRING = "etc/apt/keyrings/kubernetes-apt-keyring.gpg"
SOURCES = "etc/apt/sources.list.d/kubernetes.list"
FSTAB = "UUID=1 / ext4 defaults 0 1\n/swap.img\tnone swap sw 0 0\n# /old none swap sw 0 0\n"


class Node:
    """A machine with its files in place. `settings` is its variable kubernetes_apt."""

    def __init__(self, stage, repository, version="1.29", **settings):
        self.root, self.folder = stage.machine.root, f"{RUN}/prepare-{stage.title}"
        self.repository = repository
        self._stand_in()
        self._apt()
        self.write(version, **settings)

    def put(self, path, text, mode=0o644):
        full = f"{self.root}/{path.lstrip('/')}"
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(full, mode)

    def _stand_in(self):
        os.makedirs(f"{self.root}/opt/prepare")
        for command in STOOD_IN_FOR:
            shutil.copy(f"{HERE}/asked.sh", f"{self.root}/opt/prepare/{command}")
        self.put("etc/fstab", FSTAB)

    def _apt(self):
        """Its distribution is the repository's; dpkg does not wait for the disk."""
        for name in os.listdir(f"{self.root}/etc/apt/sources.list.d"):
            os.remove(f"{self.root}/etc/apt/sources.list.d/{name}")
        self.put("etc/apt/sources.list", f"deb [trusted=yes] {self.repository.url}/debian/ ./\n")
        self.put("etc/dpkg/dpkg.cfg.d/test", "force-unsafe-io\n")

    def write(self, version, **settings):
        """Puts in place what the templates make of the homelab's worker with these settings."""
        tree = f"{self.folder}/seed"
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(admin.SEED, tree)
        self._change(f"{tree}/clusters/homelab.yaml", 'version: "1.29"', f'version: "{version}"')
        apt = yaml.safe_dump({"url": f"{self.repository.url}/", **settings},
                             default_flow_style=True, width=10000, default_style='"')
        self._change(f"{tree}/site.yaml", "variables:\n",
                     f"variables:\n  kubernetes_apt: {apt.strip()}\n")
        done = subprocess.run(
            [str(BUILD / "cloudseed"), "render", "k8s-worker-2", "user-data", "--seed", tree,
             "--templates", str(admin.TEMPLATES)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for entry in yaml.safe_load(done.stdout)["write_files"]:
            self.put(entry["path"], entry["content"], int(entry["permissions"], 8))

    @staticmethod
    def _change(path, old, new):
        text = evidence.text(path)
        assert old in text, (path, old)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new, 1))

    def run(self, *command):
        """(status, all that it said)"""
        done = subprocess.run(["chroot", self.root, *command], env={"PATH": PATH, "HOME": "/root"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, timeout=300, check=False)
        return done.returncode, done.stdout

    def prepare(self):
        return self.run("cloudseed-prepare")

    def asked(self):
        """The commands that were stood in for, since the last time."""
        path = f"{self.root}/var/log/asked.log"
        said = evidence.text(path).splitlines() if os.path.exists(path) else []
        if said:
            os.remove(path)
        return said

    def installed(self):
        """{package: (its version, whether it is held)} of what the repository has."""
        _, said = self.run("dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n",
                           *aptrepo.KUBERNETES, "containerd")
        found = re.findall(r"^(\S+) (\S+) (hold|install) ok installed$", said, re.M)
        return {name: (version, status == "hold") for name, version, status in found}

    def changed_files(self):
        """{path: (inode, time of change, size)} of all of /etc and /opt."""
        found = {}
        for folder, _, names in os.walk(f"{self.root}/etc"):
            for name in names:
                said = os.lstat(f"{folder}/{name}")
                found[f"{folder}/{name}"] = (said.st_ino, said.st_mtime_ns, said.st_size)
        return found

    def nothing_was_installed(self):
        tap.eq(self.installed(), {})
        for path in (KEYRING, SOURCES):
            assert not os.path.exists(f"{self.root}/{path}"), path


def version_held(version):
    return {**{name: (version, True) for name in aptrepo.KUBERNETES},
            "containerd": (aptrepo.CONTAINERD[1], False)}


def ready(node, version):
    """It ended well, with that version installed and held, and containerd set up."""
    status, said = node.prepare()
    tap.eq(status, 0, said)
    tap.contains(said, "cloudseed-prepare: ready for kubeadm\n")
    tap.eq(node.installed(), version_held(version), said)
    config = evidence.text(f"{node.root}/etc/containerd/config.toml")
    tap.contains(config, 'sandbox_image = "registry.k8s.io/pause:3.9"\n')
    tap.contains(config, "SystemdCgroup = true\n")
    tap.eq(evidence.text(f"{node.root}/etc/fstab"), FSTAB.replace("/swap.img", "# /swap.img"))
    asked = node.asked()
    for command in ("modprobe -a overlay br_netfilter", "swapoff -a",
                    "systemctl mask -q swap.target", "systemctl restart containerd.service",
                    "systemctl enable -q --now --no-block cloudseed-join.service"):
        tap.contains(asked, command)
    return said


def changes_nothing(node):
    """Run again, it finds all done, and asks nobody."""
    before = node.changed_files()
    node.repository.offer_key("gone")
    status, said = node.prepare()
    tap.eq(status, 0, said)
    after = node.changed_files()
    tap.eq({path for path in before.keys() | after.keys() if before.get(path) != after.get(path)},
           set(), "files that the second run changed")
    assert "systemctl restart containerd.service" not in node.asked()


def trusted_keys(node):
    """The fingerprints in apt's keyring."""
    _, said = node.run("gpg", "--batch", "--show-keys", "--with-colons", f"/{KEYRING}")
    return [line.split(":")[9] for line in said.splitlines() if line.startswith("fpr:")]


def with_repository(play):
    def played(stage):
        repository = aptrepo.Repository(f"{RUN}/repository-{stage.title}")
        try:
            return play(stage, repository)
        finally:
            repository.stop()
            shutil.rmtree(repository.folder)
    return played


@with_repository
def installs_and_holds(stage, repository):
    """The key that is fetched has the fingerprint of the site; the newest 1.29 is taken."""
    keys = repository.keys
    spaced = " ".join(re.findall("....", repository.ours.lower()))
    repository.offer_key(keys.public(repository.ours) + keys.public(repository.other))
    node = Node(stage, repository, fingerprint=spaced)
    ready(node, "1.29.15-1.1")
    tap.eq(trusted_keys(node), [repository.ours], "of two keys that were offered")
    changes_nothing(node)
    _, said = node.run("apt-get", "-s", "-y", "dist-upgrade")
    assert "Inst kube" not in said, said
    # Another version of the cluster's is kubeadm's to bring, not ours.
    node.write("1.30", fingerprint=repository.ours)
    status, said = node.prepare()
    tap.eq(status, 1, said)
    tap.contains(said, "refused: kubelet 1.29.15-1.1 is installed, and the cluster has 1.30.*")
    tap.eq(node.installed(), version_held("1.29.15-1.1"))
    return {"kubelet": "1.29.15-1.1, held"}


@with_repository
def takes_one_version(stage, repository):
    """The key comes in user-data, and packages alone are fetched; 1.29.14 is not the newest."""
    node = Node(stage, repository, version="1.29.14",
                key=repository.keys.public(repository.ours))
    ready(node, "1.29.14-1.1")
    return {"kubelet": "1.29.14-1.1, held"}


@with_repository
def refuses_keys(stage, repository):
    """Another key than the site's, no key at all, and one that nobody could check."""
    node = Node(stage, repository, fingerprint=repository.other)
    keys = repository.keys
    for offered, settings, why in (
            (keys.public(repository.ours), {"fingerprint": repository.other},
             f"has the fingerprint {repository.ours}, and the site says {repository.other}: "
             "nothing was installed"),
            ("<html>", {"fingerprint": repository.ours}, "is not an OpenPGP key"),
            (keys.public(repository.ours), {}, "is not https: kubernetes_apt.fingerprint or .key"),
            (None, {"fingerprint": repository.ours}, "given up after five tries: fetch_key")):
        repository.offer_key(offered)
        node.write("1.29", **settings)
        status, said = node.prepare()
        tap.eq(status, 1, said)
        tap.contains(said, "cloudseed-prepare: refused: ")
        tap.contains(said, why)
        node.nothing_was_installed()
        assert not any("cloudseed-join" in command for command in node.asked())
    node.write("1.29", key=keys.public(repository.ours), fingerprint=repository.other)
    status, said = node.prepare()
    tap.eq(status, 1, said)
    tap.contains(said, f"the key from this node's user-data has the fingerprint {repository.ours}")
    node.nothing_was_installed()
    # A key that did not sign what is there: apt's own refusal.
    node.write("1.29", key=keys.public(repository.other))
    status, said = node.prepare()
    tap.eq(status, 1, said)
    tap.contains(said, "refused: given up after five tries: apt ")
    tap.eq(node.installed(), {})
    return {"refused": "6 of 6"}
