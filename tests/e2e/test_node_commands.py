#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tool and the real server: nodes registered, armed, changed and removed; backup and reload."""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import shapes  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

SERVER = tap.enter(daemon.Daemon(**world.HOMELAB))
PROGRAM = str(daemon.BUILD.resolve() / "cloudseed")


def run(*words, status=0):
    """(standard output, standard error); the server is found by the environment."""
    env = {**os.environ, "CLOUDSEED_SERVER": str(SERVER.socket)}
    done = subprocess.run([PROGRAM, *map(str, words)], env=env, capture_output=True, text=True,
                          timeout=daemon.SECONDS, check=False)
    tap.eq(done.returncode, status, done.stdout + done.stderr)
    shapes.printed(words, done.returncode, done.stdout)
    return done.stdout, done.stderr


def show(node):
    return json.loads(run("node", "show", node, "--json")[0])


def kinds(node):
    return [e["kind"] for e in json.loads(run("events", node, "--json")[0])]


def test_a_registered_nodes_life():
    run("node", "add", "lab-1", "--role", "worker", "--cluster", "homelab", "--mac",
        "02:00:00:00:00:01", "--address", "10.0.20.77", "--var", "rack=2", "--var", "zone=north")
    made = show("lab-1")
    tap.eq((made["variables"], made["declared"]), ({"rack": 2, "zone": "north"}, None))
    tap.contains(run("node", "list")[0], "lab-1")
    run("node", "set", "lab-1", "--var", "rack=[3]", "--unset", "zone", "--unset", "addresses")
    changed = show("lab-1")
    tap.eq((changed["variables"], changed["addresses"]), ({"rack": [3]}, []))
    out, _ = run("node", "arm", "lab-1", "--for", "30m")
    serial = out.splitlines()[1]
    pin = json.loads(run("ca", "show", "--json")[0])["pin"]
    seed, secret = serial.split()
    tap.eq((seed, secret.partition(".")[2]), (changed["discovery"], pin))
    tap.eq(run("node", "url", "lab-1", "--smbios")[0].split(), serial.split())
    run("node", "rekey", "lab-1")
    assert show("lab-1")["seed_url"] != changed["seed_url"]
    run("node", "reprovision", "lab-1")
    tap.eq(show("lab-1")["instance_id"], "lab-1-2")
    run("node", "disarm", "lab-1")
    tap.eq(show("lab-1")["state"], "registered")
    want = ["created", "changed", "armed", "rekeyed", "reprovisioned"]
    tap.eq([k for k in kinds("lab-1") if k in want][:5], want)
    run("node", "rm", "lab-1")
    assert "lab-1" not in run("node", "list", "--names")[0].split()


def test_declared_nodes_are_changed_in_their_files():
    for words in (["set", "k8s-worker-2", "--var", "a=1"], ["rm", "k8s-worker-2"],
                  ["rekey", "k8s-worker-2"], ["add", "k8s-worker-2", "--role", "worker"]):
        tap.contains(run("node", *words, status=1)[1], "nodes/homelab.yaml:")


def test_wrong_definitions_are_told_member_by_member():
    _, said = run("node", "add", "n", "--role", "workr", "--mac", "zz", status=1)
    tap.contains(said, "cloudseed: macs: ")
    tap.contains(said, "did you mean 'worker'?")
    _, said = run("node", "set", "nobody", "--role", "worker", status=1)
    tap.eq(said.count("\n"), 1, said)


def test_reload_and_backup():
    tap.contains(run("reload")[0], "the seed tree is in use: 3 nodes")
    file = world.scratch() / "backup.db"
    os.chmod(file.parent, 0o777)
    run("backup", file)
    tap.eq(file.read_bytes()[:15], b"SQLite format 3")


def test_urls_of_all_that_are_listed():
    """Registered nodes are in no tree: the server says their URLs."""
    run("node", "add", "lab-2", "--role", "plain", "--mac", "02:00:00:00:00:02")
    names = run("node", "list", "--names")[0].split()
    assert "lab-2" in names and "k8s-worker-2" in names, names
    for name in names:
        shown = show(name)
        tap.eq(run("node", "url", name), (shown["seed_url"] + "\n", ""))
        tap.eq(run("node", "url", name, "--discovery"), (shown["discovery"] + "\n", ""))
        tap.eq(json.loads(run("node", "url", name, "--json")[0]),
               {"name": name, "url": shown["seed_url"], "discovery": shown["discovery"]})
    run("node", "rm", "lab-2")
    tap.eq(run("node", "url", "lab-2", status=1)[1], "cloudseed: there is no such node: 'lab-2'\n")


def test_one_schema_of_tree_and_server():
    """Whoever tells of a declared node, its members are the same; null is what only a server knows."""
    tree = ["--seed", str(world.HOMELAB["seed"]), "--templates", str(world.HOMELAB["templates"])]
    served = {n["name"]: n for n in json.loads(run("node", "list", "--json")[0])}
    for node in json.loads(run("node", "list", "--json", *tree)[0]):
        told = served[node["name"]]
        tap.eq(list(node), [key for key in node if key in told])
        tap.eq(set(told) - set(node), set())
        for key in ("uid", "role", "cluster", "bootstrap", "fqdn", "macs", "addresses", "variables",
                    "key_epoch", "uuid", "serial"):
            tap.eq(node[key], told[key], key)
        tap.eq((node["state"], node["seed_url"]), (None, None))
    shown = [json.loads(run("node", "show", "k8s-worker-3", "--json", *words)[0])
             for words in ([], tree)]
    tap.eq(set(shown[0]), set(shown[1]))


def test_check_of_what_is_registered_too():
    """The server would refuse that tree. Only of its own tree, or where it is named."""
    tree = world.Tree()
    tree.role("worker")
    tree.node("other", macs=["02:00:00:00:00:09"], addresses=["10.0.20.99"])
    tree.put("nodes/more.yaml", {"lab-9": {"role": "plain"}, "third": {"role": "plain"}})
    where = ["--seed", tree.seed, "--templates", tree.templates]
    run("node", "add", "lab-9", "--role", "plain")
    run("node", "add", "lab-8", "--role", "master", "--cluster", "homelab", "--mac",
        "02:00:00:00:00:09", "--address", "10.0.20.99")
    tap.contains(run("check", *where)[0], "no faults")
    out, _ = run("check", *where, "--server", SERVER.socket, status=1)
    for said in (
            "more.yaml:1:2: error: node 'lab-9' has the name lab-9, and so has 'lab-9', which is "
            "registered with the server",
            "other.yaml:1:2: error: node 'other' has the MAC 02:00:00:00:00:09, and so has 'lab-8'",
            "error: node 'other' has the address 10.0.20.99, and so has 'lab-8'",
            "there is no role 'master', which node 'lab-8' has",
            "there is no cluster 'homelab', which node 'lab-8' has"):
        tap.contains(out, said)
    tap.contains(out, "5 errors\n")
    config = world.scratch() / "cloudseedd.yaml"
    config.write_text(json.dumps({"seed": str(tree.seed), "templates": str(tree.templates)}))
    tap.contains(run("check", "--config", config, status=1)[0], "5 errors\n")
    tap.contains(run("check", "--config", config, "--server", "none")[0], "no faults")
    tap.contains(run("check", "--config", config, "--server", "/nonexistent.sock", status=1)[1],
                 "/nonexistent.sock: ")
    run("node", "rm", "lab-9", "lab-8")
    tap.contains(run("check", "--config", config)[0], "no faults")


def test_registered_nodes_in_commands_of_the_tree():
    """They have the tree's roles and templates; the server only says that they are there."""
    config = world.scratch() / "cloudseedd.yaml"
    config.write_text(json.dumps({key: str(path) for key, path in world.HOMELAB.items()}))
    where, alone = ["--config", config], ["--config", config, "--server", "none"]
    run("node", "add", "lab-7", "--role", "plain", "--mac", "02:00:00:00:00:07", "--var",
        "timezone=Etc/UTC", "--address", "10.0.20.77")
    try:
        for form in ("kea", "dnsmasq", "opnsense"):
            out, _ = run("dhcp", "--for", form, *where)
            tap.contains(out, "02:00:00:00:00:07")
            tap.contains(out, "10.0.20.77")
            assert "02:00:00:00:00:07" not in run("dhcp", "--for", form, *alone)[0]
        tap.contains(run("render", "lab-7", "meta-data", *where)[0], 'instance-id: "lab-7-1"')
        tap.contains(run("render", "lab-7", *where)[0], "Etc/UTC")
        tap.contains(run("render", "lab-7", "user-data", "--provenance", *where)[0], "timezone")
        tap.contains(run("render", "lab-77", *where, status=1)[1], "did you mean 'lab-7'?")
        tap.contains(run("render", "lab-7", *alone, status=1)[1], "there is no node 'lab-7'")
        folder = world.scratch() / "rendered"
        tap.contains(run("render", "--all", folder, *where)[0], " of 4 nodes")
        assert (folder / "lab-7" / "user-data").exists()
        tap.contains(run("check", *where)[0], "4 nodes, ")
        tap.contains(run("check", *alone)[0], "3 nodes, ")
        old = world.scratch() / "old"
        for part in world.HOMELAB:
            shutil.copytree(world.HOMELAB[part], old / part)
        for file in (old / "templates").rglob("user-data"):
            file.write_text(file.read_text() + "# changed\n")
        changed = json.loads(run("diff", "--json", "--against", old, *where, status=2)[0])["changed"]
        assert "lab-7" in changed, changed
        changed = json.loads(run("diff", "--json", "--against", old, *alone, status=2)[0])["changed"]
        assert "lab-7" not in changed, changed
    finally:
        run("node", "rm", "lab-7")


def test_events_of_nothing():
    _, said = run("events", "--kind", "armd", status=1)
    tap.eq(said, "cloudseed: kind: there are no events 'armd'; did you mean 'armed'?\n")
    tap.contains(run("events", "--kind", "bogus", status=1)[1], "'bogus'; there are armed, booting")
    _, said = run("events", "--kind", "x\x1b[2J", "--follow", status=1)
    tap.contains(said, "there are no events 'x\\x1b[2J'")
    tap.eq(run("events", "nobody", status=1), ("", "cloudseed: there is no such node: 'nobody'\n"))
    tap.eq(run("events", "k8s-worker-2", "--kind", "locked"), ("", ""))


def test_a_url_where_admins_are_not_answered():
    """Also with the commands that follow: they would wait for ever."""
    for words in (["node", "list"], ["events", "--follow"], ["watch"], ["wait", "k8s-worker-2"],
                  ["reload"], ["ca", "show"], ["backup", "/tmp/x"], ["node", "url", "k8s-worker-2"]):
        out, said = run(*words, "--server", SERVER.url, status=1)
        tap.eq(out, "")
        tap.contains(said, f"{SERVER.url}: this is not cloudseedd's API (status 404, no such path: ")
        tap.contains(said, "admins are answered at its unix socket")


def test_a_backup_where_the_server_may_not_write():
    """The message names a folder where it may: under systemd that is hardly any other."""
    for file in ("/nonexistent/cloudseed.db", "/sys/cloudseed.db", "/dev/null/cloudseed.db"):
        _, said = run("backup", file, status=1)
        tap.contains(said, f"cloudseed: {file}: ")
        tap.contains(said, f"; the server can write to {SERVER.state}\n")
    run("backup", SERVER.state / "backup.db")


def test_wait():
    run("node", "arm", "k8s-worker-3")
    _, said = run("wait", "k8s-worker-3", "--timeout", "1s", status=3)
    tap.contains(said, "k8s-worker-3 is not ready in time: it is armed")
    run("wait", "k8s-worker-3", "--for", "armed")
    _, said = run("wait", "nobody", status=1)
    tap.eq(said.count("\n"), 1, said)


tap.main()
