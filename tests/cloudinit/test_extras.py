#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the shipped user-data takes from variables: packages, commands and files of one's own, mirrors and
proxies; set at site, cluster, role and node. cloud-init's own schema reads the result, too.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE), str(HERE.parent / "e2e")]

import tap  # noqa: E402
import world  # noqa: E402
from daemon import BUILD, SOURCE  # noqa: E402
from test_cloudinit import SUITES, client_of, once  # noqa: E402

LEVELS = {"site": "site.yaml", "cluster": "clusters/homelab.yaml", "role": "roles/kubernetes.yaml",
          "node": "nodes/homelab.yaml"}
NAMES = {"cluster": "homelab", "role": "worker", "node": "k8s-worker-2"}
PROXY = "http://10.0.10.9:3128"


class Homelab:
    """The example's tree, with variables put into its levels: Homelab(site={…}, node={…})."""

    def __init__(self, **levels):
        self.folder = world.scratch()
        shutil.copytree(SOURCE / "seed", self.folder / "seed")
        for level, variables in levels.items():
            path = self.folder / "seed" / LEVELS[level]
            whole = yaml.safe_load(path.read_text(encoding="utf-8"))
            part = whole if level == "site" else whole[NAMES[level]]
            part.setdefault("variables", {}).update(variables)
            path.write_text(yaml.safe_dump(whole), encoding="utf-8")

    def run(self, *args):
        return subprocess.run(
            [str((BUILD / "cloudseed").resolve()), *args, "--templates", str(SOURCE / "templates")],
            cwd=self.folder, capture_output=True, text=True, timeout=300, check=False)

    def text(self, node="k8s-worker-2"):
        done = self.run("check", "seed")
        tap.contains(done.stdout + done.stderr, "no faults")
        return self.run("render", node, "user-data", "--seed", "seed").stdout

    def user_data(self, node="k8s-worker-2"):
        return yaml.safe_load(self.text(node))


def files_of(user_data):
    return {entry["path"]: entry for entry in user_data["write_files"]}


def proxy_settings(user_data):
    """As a shell reads them, and systemd."""
    text = files_of(user_data)["/etc/cloudseed/proxy.env"]["content"]
    done = subprocess.run(["env", "-i", "sh", "-ac", f"{text}\nenv"], capture_output=True, text=True,
                          check=True)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_packages_of_all_levels():
    lab = Homelab(site={"extra_packages": ["htop"]}, cluster={"extra_packages+": ["jq"]},
                  role={"extra_packages+": "iotop"}, node={"extra_packages+": ["vim"]})
    packages = lab.user_data()["packages"]
    tap.eq(packages[-4:], ["htop", "jq", "iotop", "vim"])
    assert "qemu-guest-agent" in packages
    tap.eq(lab.user_data("k8s-worker-3")["packages"][-3:], ["htop", "jq", "iotop"])
    tap.eq(lab.user_data("k8s-master-1")["packages"][-2:], ["htop", "jq"])


def test_packages_without_others():
    tap.eq(Homelab(node={"packages": [], "extra_packages": "htop"}).user_data()["packages"], ["htop"])


def test_role_adds_to_packages():
    tap.eq(Homelab(role={"packages+": ["zfsutils-linux"]}).user_data()["packages"],
           ["qemu-guest-agent", "nfs-common", "zfsutils-linux"])


def test_commands():
    data = Homelab(site={"extra_runcmd": ["echo 'a: \"b\"' >/tmp/x", ["touch", "/tmp/y"]],
                         "extra_bootcmd": "modprobe nfs"}).user_data()
    runcmd = data["runcmd"]
    at = runcmd.index("echo 'a: \"b\"' >/tmp/x")
    tap.eq(runcmd[at + 1], ["touch", "/tmp/y"])
    assert at < runcmd.index(["cloudseed-prepare"]), runcmd
    tap.eq(data["bootcmd"], ["modprobe nfs"])


def test_files():
    one = {"path": "/etc/motd", "content": "a\n\"b\" {{ c }}\n", "permissions": "0644"}
    two = {"path": "/etc/x", "content": "eA==", "encoding": "b64", "append": True}
    found = files_of(Homelab(site={"extra_write_files": one},
                             node={"extra_write_files+": [two]}).user_data())
    tap.eq([found["/etc/motd"], found["/etc/x"]], [one, two])


def test_plain_machines_have_them_too():
    lab = Homelab(site={"extra_packages": ["htop"], "extra_runcmd": ["true"], "proxy": PROXY})
    nodes = lab.folder / "seed/nodes/nas.yaml"
    nodes.write_text("nas: {role: plain, addresses: [10.0.10.20]}\n", encoding="utf-8")
    data = lab.user_data("nas")
    tap.eq((data["packages"][-1], data["runcmd"][-1]), ("htop", "true"))
    tap.eq(proxy_settings(data)["HTTPS_PROXY"], PROXY)
    assert not [path for path in files_of(data) if path.startswith("/etc/systemd")]


def test_apt():
    mirror = "http://mirror.home.arpa/ubuntu"
    apt = Homelab(site={"apt_proxy": "http://10.0.10.9:3142", "apt_mirrors": {"primary": mirror},
                        "proxy": {"http": PROXY}}).user_data()["apt"]
    tap.eq(apt, {"http_proxy": "http://10.0.10.9:3142", "https_proxy": "http://10.0.10.9:3142",
                 "primary": [{"arches": ["default"], "uri": mirror}]})
    assert "apt" not in Homelab().user_data()


def test_proxy():
    lab = Homelab(site={"proxy": {"http": PROXY, "https": "http://u:p%40a$s@10.0.10.9:3129",
                                  "no_proxy": [".home.arpa", "10.9.0.0/16"]}})
    data = lab.user_data()
    tap.eq(data["apt"], {"http_proxy": PROXY, "https_proxy": "http://u:p%40a$s@10.0.10.9:3129"})
    found = proxy_settings(data)
    tap.eq([found[name] for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")],
           [PROXY, PROXY, *["http://u:p%40a$s@10.0.10.9:3129"] * 2])
    tap.eq(found["NO_PROXY"], found["no_proxy"])
    around = found["NO_PROXY"].split(",")
    tap.eq(sorted(around), sorted(set(around)))
    for name in ["localhost", "127.0.0.1", "::1", "10.0.10.5", "10.0.10.0/24", "10.0.20.0/24",
                 "10.0.20.12", "k8s-api.home.arpa", "192.168.0.0/16", "10.96.0.0/12", ".svc",
                 ".cluster.local", ".home.arpa", "10.9.0.0/16"]:
        assert name in around, (name, around)
    for service in ("containerd", "cloudseed-join"):
        text = files_of(data)[f"/etc/systemd/system/{service}.service.d/proxy.conf"]["content"]
        tap.eq(text, "[Service]\nEnvironmentFile=/etc/cloudseed/proxy.env\n")


def test_nothing_is_asked_for():
    data = Homelab().user_data()
    assert not {"apt", "bootcmd"} & set(data), data
    assert not [path for path in files_of(data) if "proxy" in path]


EMOJI = "\U0001f600 \u00e9 <&'> \U0010ffff"
WITH_EMOJI = {"extra_runcmd": [f"echo {EMOJI}", ["echo", EMOJI]], "extra_bootcmd": [["echo", EMOJI]],
              "extra_write_files": [{"path": f"/srv/{EMOJI}", "content": f"{EMOJI}\n"}]}


def has_emoji(data):
    for command in WITH_EMOJI["extra_runcmd"]:
        tap.contains(data["runcmd"], command)
    tap.eq(data["bootcmd"], WITH_EMOJI["extra_bootcmd"])
    tap.contains(data["write_files"], WITH_EMOJI["extra_write_files"][0])


def test_characters_beyond_the_first_plane():
    has_emoji(Homelab(site=WITH_EMOJI).user_data())


def check_emoji(suite):
    def test():
        path = world.scratch() / "user-data"
        path.write_text(Homelab(site=WITH_EMOJI).text(), encoding="utf-8")
        client = once(client_of, suite)
        tap.eq(client.validate([str(path)]), {})
        has_emoji(client.python(
            f"from cloudinit import util\nanswer(util.load_yaml(open({str(path)!r}, 'rb').read()))"))
    return test


def check_schema(suite):
    def test():
        text = Homelab(site={"extra_packages": ["htop"], "extra_bootcmd": ["true", ["echo", "x"]],
                             "extra_runcmd": ["true"], "proxy": {"http": PROXY, "https": PROXY},
                             "extra_write_files": [{"path": "/etc/x", "content": "x"}],
                             "apt_mirrors": {"primary": "http://m.test/u",
                                             "security": "http://m.test/s"}}).text()
        path = world.scratch() / "user-data"
        path.write_text(text, encoding="utf-8")
        tap.eq(once(client_of, suite).validate([str(path)]), {})
    return test


for _suite in SUITES:
    globals()[f"test_schema_{_suite}"] = check_schema(_suite)
    globals()[f"test_emoji_{_suite}"] = check_emoji(_suite)

if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    tap.main()
