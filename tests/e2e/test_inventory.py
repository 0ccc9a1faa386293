#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed inventory` and `cloudseed ssh-config`, read by the real Ansible and the real ssh."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

TREE = world.scratch()
shutil.copytree(daemon.SOURCE / "seed", TREE / "seed")
NODES = TREE / "seed/nodes/homelab.yaml"
if not NODES.exists():
    NODES = next((TREE / "seed/nodes").glob("*.yaml"))
NODES.write_text(NODES.read_text().replace(
    "  variables:\n", "  variables:\n    admin_user: third\n    node_labels: {disk: ssd}\n", 1))
SERVER = tap.enter(daemon.Daemon(seed=TREE / "seed", templates=daemon.SOURCE / "templates"))
PROGRAM = daemon.BUILD.resolve() / "cloudseed"
ALL = ["k8s-master-1", "k8s-worker-2", "k8s-worker-3"]
# On the server's own machine the socket stands in the configuration, and the tree beside it.
CONFIG = TREE / "cloudseedd.yaml"
CONFIG.write_text(json.dumps({"socket": str(SERVER.socket), "seed": str(TREE / "seed"),
                              "templates": str(daemon.SOURCE / "templates")}))
HERE = {"CLOUDSEED_SERVER": ""}
THERE = {"CLOUDSEED_SERVER": str(SERVER.socket)}


def run(*words, env=None, status=0, server="none"):
    where = ["--server", server] if server else []
    done = subprocess.run([PROGRAM, "--config", CONFIG, *where, *words],
                          env={**os.environ, **(env or {})}, capture_output=True, text=True,
                          timeout=daemon.SECONDS, check=False)
    tap.eq(done.returncode, status, done.stderr)
    return done.stdout if status == 0 else done.stderr


def inventory(*words, **options):
    return json.loads(run("inventory", *words, **options))


def need(program):
    if not shutil.which(program):
        raise tap.Skip(f"{program} is not installed")


# --- the inventory --------------------------------------------------------------------------------

def test_groups_and_variables_of_the_tree():
    shown = inventory("--list")
    tap.eq(shown["role_worker"], {"hosts": ALL[1:]})
    tap.eq(shown["role_master"], {"hosts": ALL[:1]})
    tap.eq(shown["cluster_homelab"], {"hosts": ALL})
    tap.eq(shown["cloudseed"], {"hosts": ALL})
    assert not [name for name in shown if name.startswith("state_")], shown
    tap.eq(shown["_meta"]["hostvars"]["k8s-worker-3"], {
        "ansible_host": "10.0.20.13", "ansible_user": "third",
        "cloudseed_addresses": ["10.0.20.13"], "cloudseed_cluster": "homelab",
        "cloudseed_fqdn": "k8s-worker-3.home.arpa", "cloudseed_labels": {"disk": "ssd"},
        "cloudseed_macs": ["bc:24:11:00:20:0d"], "cloudseed_role": "worker"})
    tap.eq(shown, inventory())
    for name in ALL:
        tap.eq(inventory("--host", name), shown["_meta"]["hostvars"][name])


def test_the_server_adds_states():
    subprocess.run([PROGRAM, "node", "arm", "k8s-worker-2"], env={**os.environ, **THERE}, check=True,
                   capture_output=True)
    subprocess.run([PROGRAM, "node", "add", "extra-1", "--role", "plain", "--address", "10.0.20.77"],
                   env={**os.environ, **THERE}, check=True, capture_output=True)
    beside = inventory("--list", server=None, env=HERE)
    named = inventory("--list", server=None, env=THERE)
    for shown in (beside, named):
        tap.eq(shown["state_armed"], {"hosts": ["k8s-worker-2"]})
        tap.eq(shown["role_plain"], {"hosts": ["extra-1"]})
        tap.eq(shown["_meta"]["hostvars"]["extra-1"]["ansible_host"], "10.0.20.77")
        tap.eq(shown["_meta"]["hostvars"]["k8s-worker-3"]["ansible_user"], "third")
        tap.eq(shown["_meta"]["hostvars"]["k8s-worker-3"]["cloudseed_labels"], {"disk": "ssd"})
    # The site's variables are the tree's: another machine does not know them.
    tap.eq(beside["_meta"]["hostvars"]["k8s-worker-2"]["ansible_user"], "admin")
    assert "ansible_user" not in named["_meta"]["hostvars"]["k8s-worker-2"], named
    tap.eq(inventory("--host", "extra-1", server=None, env=THERE),
           named["_meta"]["hostvars"]["extra-1"])


def test_group_names_that_ansible_takes():
    copy = world.scratch() / "seed"
    shutil.copytree(TREE / "seed", copy)
    (copy / "roles/own.yaml").write_text('storage-node-2: {extends: plain}\n')
    (copy / "nodes/own.yaml").write_text("s1: {role: storage-node-2}\n")
    shown = inventory("--list", "--seed", str(copy))
    tap.eq(shown["role_storage_node_2"], {"hosts": ["s1"]})
    assert "ansible_host" not in shown["_meta"]["hostvars"]["s1"], shown


def test_a_node_that_is_not_there():
    for server, env, says in (("none", None, "there is no node 'nobody'"),
                              (None, THERE, "there is no such node: 'nobody'")):
        for words in (["inventory", "--host"], ["ssh-config"]):
            tap.contains(run(*words, "nobody", status=1, server=server, env=env), says)
    tap.contains(run("inventory", "--list", "--host", "x", status=64),
                 "give either --list or --host")


def test_ansible_reads_it():
    need("ansible-inventory")
    script = daemon.SOURCE / "contrib/ansible/inventory"
    env = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
           "CLOUDSEED_SERVER": str(SERVER.socket), "ANSIBLE_LOCAL_TEMP": str(TREE / "ansible"),
           "HOME": str(TREE), "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    done = subprocess.run(["ansible-inventory", "-i", script, "--list"], env=env, text=True,
                          capture_output=True, timeout=daemon.SECONDS, check=False)
    tap.eq(done.returncode, 0, done.stderr)
    assert "WARNING" not in done.stderr, done.stderr
    shown = json.loads(done.stdout)
    tap.eq(shown["role_worker"]["hosts"], ALL[1:])
    tap.eq(shown["_meta"]["hostvars"]["k8s-worker-2"]["ansible_host"], "10.0.20.12")


# --- ssh ------------------------------------------------------------------------------------------

def ssh_says(file, host):
    """What ssh would do, by keyword in lower case."""
    done = subprocess.run(["ssh", "-G", "-F", file, host], capture_output=True, text=True,
                          timeout=daemon.SECONDS, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def test_ssh_reads_the_blocks():
    need("ssh")
    file = TREE / "ssh_config"
    file.write_text(run("ssh-config", "--known-hosts", str(TREE / "known hosts")))
    for host in ("k8s-worker-3", "k8s-worker-3.home.arpa"):
        said = ssh_says(file, host)
        tap.eq((said["hostname"], said["user"], said["hostkeyalias"]),
               ("10.0.20.13", "third", "k8s-worker-3"))
        tap.contains(said["userknownhostsfile"], "known hosts")
    tap.eq(ssh_says(file, "k8s-master-1")["user"], "admin")
    tap.eq(ssh_says(file, "elsewhere")["hostname"], "elsewhere")
    file.write_text(run("ssh-config", "--user", "root", "k8s-worker-2"))
    tap.eq(ssh_says(file, "k8s-worker-2")["user"], "root")
    tap.eq(ssh_says(file, "k8s-worker-3")["hostname"], "k8s-worker-3")


def test_hosts_as_json():
    shown = {host["name"]: host for host in json.loads(run("ssh-config", "--json"))}
    tap.eq(shown["k8s-worker-3"], {"name": "k8s-worker-3", "fqdn": "k8s-worker-3.home.arpa",
                                   "host_name": "10.0.20.13", "host_key_alias": "k8s-worker-3",
                                   "user": "third"})
    assert len(shown) > 2, shown
    one = json.loads(run("ssh-config", "--json", "--user", "root", "k8s-worker-2"))
    tap.eq([(host["name"], host["user"]) for host in one], [("k8s-worker-2", "root")])


def test_nothing_breaks_out_of_a_block():
    copy = world.scratch() / "seed"
    shutil.copytree(TREE / "seed", copy)
    site = copy / "site.yaml"
    site.write_text(site.read_text().replace("admin_user: admin", 'admin_user: "a\\n  ProxyCommand x"'))
    shown = run("ssh-config", "--seed", str(copy))
    assert "ProxyCommand" not in shown, shown
    for option, value in (("--user", "-oProxyCommand=x"), ("--user", "a b"),
                          ("--known-hosts", 'a"b'), ("--known-hosts", "%h"),
                          ("--known-hosts", "a\nProxyCommand x")):
        run("ssh-config", f"{option}={value}", status=64)


tap.main()
