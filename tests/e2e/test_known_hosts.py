#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed known-hosts`: what ssh may trust, and nothing else."""
import os
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

SERVER = tap.enter(daemon.Daemon(**world.HOMELAB))
PROGRAM = str(daemon.BUILD.resolve() / "cloudseed")
KEY = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICnVGhyY0rnhqZR1uJMWB7+CBCJq1wMS+HWtSRZm7fK0")
ENV = {**os.environ, "CLOUDSEED_SERVER": str(SERVER.socket)}


def known_hosts(*words):
    done = subprocess.run([PROGRAM, "known-hosts", *words], env=ENV, capture_output=True, text=True,
                          timeout=daemon.SECONDS, check=False)
    tap.eq((done.returncode, done.stderr), (0, ""))
    return done.stdout


def phone_home(node, **fields):
    """Arms the node, and lets it tell that it is up."""
    subprocess.run([PROGRAM, "node", "arm", node], env=ENV, check=True, capture_output=True)
    key = world.key_of(SERVER.state, node)
    body = urllib.parse.urlencode({"hostname": node, "instance_id": f"{node}-1", **fields})
    answer = SERVER.request("POST", f"/s/{key}/phone-home", body,
                            {"Content-Type": "application/x-www-form-urlencoded"})
    tap.eq(answer.status, 200, answer.text)


def test_names_and_addresses():
    phone_home("k8s-worker-2", fqdn="k8s-worker-2.home.arpa",
               pub_key_ed25519=KEY + " root@k8s-worker-2\n")
    want = f"k8s-worker-2,k8s-worker-2.home.arpa,10.0.20.12 {KEY}\n"
    for host in ("k8s-worker-2", "K8S-Worker-2.home.arpa", "10.0.20.12"):
        tap.eq(known_hosts(host), want, host)
    tap.eq(known_hosts("[10.0.20.12]:2222"),
           f"[k8s-worker-2]:2222,[k8s-worker-2.home.arpa]:2222,[10.0.20.12]:2222 {KEY}\n")
    tap.eq(known_hosts("k8s-master-1"), "")
    tap.eq(known_hosts("example.org"), "")
    assert want in known_hosts()


def test_the_server_looks_up_one_node():
    def listed(host, more=""):
        answer = SERVER.admin("GET", f"/v1/nodes?host={host}{more}")
        tap.eq((answer.status, answer.json["next"]), (200, None), host)
        return [node["name"] for node in answer.json["nodes"]]

    for host in ("k8s-worker-2", "K8S-worker-2", "k8s-worker-2.HOME.arpa", "10.0.20.12",
                 "k8s%2Dworker-2"):
        tap.eq(listed(host), ["k8s-worker-2"], host)
    for host in ("", ".", "k8s-worker", "k8s-worker-2.", "k8s-worker-2.home",
                 "k8s-worker-2.home.arpa.x", "10.0.20.99", "10.0.20", "%00", "a" * 300):
        tap.eq(listed(host), [], host)
    tap.eq(listed("k8s-worker-2", "&state=up&limit=1"), ["k8s-worker-2"])
    tap.eq(listed("k8s-worker-2", "&state=failed"), [])


def test_a_node_speaks_for_itself_alone():
    phone_home("k8s-worker-3", fqdn="forge.example.org", pub_key_ed25519=KEY)
    tap.eq(known_hosts("forge.example.org"), "")
    tap.eq(known_hosts("k8s-worker-3"), f"k8s-worker-3,k8s-worker-3.home.arpa,10.0.20.13 {KEY}\n")


def test_no_line_but_keys():
    for fqdn, key in (("k8s-master-1.*", KEY), ("k8s-master-1.x,github.com", KEY),
                      ("k8s-master-1.x", "@cert-authority AAAA"),
                      ("k8s-master-1.x\n* " + KEY, "ssh-ed25519 AAAA\n* " + KEY)):
        subprocess.run([PROGRAM, "node", "disarm", "k8s-master-1"], env=ENV, check=False,
                       capture_output=True)
        try:
            phone_home("k8s-master-1", fqdn=fqdn, pub_key_ed25519=key)
        except AssertionError:
            continue  # the server would not even hear of it
        for line in known_hosts().splitlines():
            names, kind, _ = line.split(" ")
            assert kind == "ssh-ed25519" and "*" not in names and "github" not in names, line


def test_ssh_reads_them():
    if not shutil.which("ssh-keygen"):
        raise tap.Skip("openssh-client is not installed")
    file = world.scratch() / "known_hosts"
    file.write_text(known_hosts("k8s-worker-2"))
    done = subprocess.run(["ssh-keygen", "-lf", str(file)], capture_output=True, text=True,
                          check=True)
    tap.contains(done.stdout, "(ED25519)")
    found = subprocess.run(["ssh-keygen", "-F", "10.0.20.12", "-f", str(file)],
                           capture_output=True, text=True, check=True)
    tap.contains(found.stdout, KEY)


tap.main()
