#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `cloudseed` asks of the server, and how it tells the answers: against tests/golden/api/."""
import base64
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import standin  # noqa: E402
import tap  # noqa: E402
from standin import StandIn, cut, exchange, golden  # noqa: E402

WORLD = tap.enter(cli.World())
MAC = "bc:24:11:00:20:0e"
SERIAL = ("ds=nocloud;dsmode=net;s=http://10.0.10.5:8080/s/ab4clv4tfkzxpkjmrkt3cildunf/ "
          "cs=abcdefghijklmnopqrstuvwxyz.q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k")


def play(names, *words, status=0, more=(), **options):
    """(standard output, standard error) of the tool, with these golden files for its server."""
    with StandIn(*(golden(n) for n in names), *more) as server:
        done = WORLD.run(*words, "--server", server.socket, **options)
        tap.eq(done.returncode, status, done.stdout + done.stderr)
    return done.stdout, done.stderr


# --- nodes ---------------------------------------------------------------------------------------

ADD = ["node", "add", "k8s-worker-4", "--role", "worker", "--cluster", "homelab", "--mac",
       "bc:24:11:00:20:0e", "--address", "10.0.20.14", "--var", "rack=2", "--var", "zone=north"]


def test_add():
    tap.eq(play(["add"], *ADD), ("k8s-worker-4 is registered: role worker\n", ""))
    out, _ = play(["add"], *ADD, "--json")
    tap.eq(json.loads(out), golden("add")["answer"]["body"])


def test_add_and_arm_only_what_was_made():
    out, _ = play(["add", "add-arm"], *ADD, "--arm")
    tap.contains(out, "k8s-worker-4 is registered")
    tap.contains(out, "\nds=nocloud;dsmode=net;s=http://10.0.10.5:8080/s/aqrst")
    _, said = play(["add", "add-arm-changed"], *ADD, "--arm", status=1)
    tap.eq(said, "cloudseed: somebody else has changed this node since: look at it again\n")
    out, _ = play(["add", "add-arm"], *ADD, "--arm", "--json")
    tap.eq(json.loads(out), golden("add-arm")["answer"]["body"])


def test_refusals_say_what_is_wrong():
    _, said = play(["add-faults"], "node", "add", "n", "--role", "wrker", "--mac", "zz", status=1)
    tap.eq(said, "cloudseed: the definition has faults\n"
                 "cloudseed: macs: 'zz' is not the MAC address of one card, like "
                 "bc:24:11:0a:14:0b\n"
                 "cloudseed: role: there is no role 'wrker'; did you mean 'worker'?\n")
    _, said = play(["add-taken"], "node", "add", "k8s-worker-2", "--role", "worker", status=1)
    tap.contains(said, "is declared at seed/nodes/homelab.yaml:14")
    _, said = play(["arm-full"], "node", "arm", "k8s-worker-2", status=1)
    tap.eq(said, "cloudseed: /var/lib/cloudseed/state.db: no space left for the state\n")


def test_misuse_asks_nobody():
    for words in (["node", "add", "n"], ["node", "add", "n", "--role", "r", "--for", "2h"],
                  ["node", "add", "n", "--role", "r", "--var", "x"], ["node", "set", "n"],
                  ["node", "add", "n", "--role", "r", "--var", "x=1", "--var", "x=2"],
                  ["node", "discovered", "--json", "--names"], ["node", "adopt", MAC],
                  ["node", "adopt", "n", MAC, "--role", "r"], ["node", "adopt", MAC, "n"],
                  ["node", "adopt", "01:00:00:00:00:01", "n", "--role", "r"],
                  ["node", "adopt", MAC, "n", "--role", "r", "--for", "2h"],
                  ["node", "adopt", MAC, "n", "--role", "r", "--mac", MAC],
                  ["node", "arm", "n", "--for", "90s"], ["node", "arm", "n", "--for", "2"],
                  ["events", "--since", "x"], ["audit", "--since", "x"], ["wait", "n", "--for", "rady"],
                  ["wait", "n", "--timeout", "5"], ["node", "list", "--server", "http://"]):
        with StandIn() as server:
            where = [] if "--server" in words else ["--server", server.socket]
            WORLD.bad(cli.MISUSED, *words, *where)
            tap.eq(server.asked, [])


def test_set():
    out, _ = play(["set"], "node", "set", "k8s-worker-4", "--mac", "bc:24:11:00:20:0e", "--mac",
                  "bc:24:11:00:20:0f", "--unset", "addresses", "--var", "rack=3", "--unset", "zone")
    tap.eq(out, "k8s-worker-4 is changed: role worker\n")


def test_all_that_can_be_done_is_done():
    out, said = play(["rm", "rm-declared"], "node", "rm", "k8s-worker-2", "k8s-worker-4", status=1)
    tap.eq(out, "k8s-worker-4 is removed\n")
    tap.contains(said, "cloudseed: k8s-worker-2: 'k8s-worker-2' is declared")
    out, said = play(["arm-unknown", "arm"], "node", "arm", "nobody", "k8s-worker-2", "--json",
                     status=1)
    tap.eq(json.loads(out), [golden("arm")["answer"]["body"]])
    tap.eq(said, "cloudseed: nobody: there is no such node: 'nobody'\n")


def test_arm_says_what_to_set():
    out, _ = play(["arm-minutes"], "node", "arm", "k8s-worker-2", "--for", "90m")
    first, serial, proxmox, _ = out.splitlines()
    tap.eq(first, "k8s-worker-2 is armed until 2026-11-22 12:30:00 UTC; set its SMBIOS serial "
                  "to:")
    tap.eq(serial, SERIAL)
    head, _, encoded = proxmox.partition(",serial=")
    tap.eq(head, "Proxmox: qm set VMID --smbios1 uuid=UUID,base64=1")
    tap.eq(base64.b64decode(encoded, validate=True).decode(), SERIAL)


def test_the_other_actions():
    for name, node, part in (("disarm", "k8s-worker-2", "is disarmed"),
                             ("unlock", "k8s-worker-2", "is unlocked"),
                             ("rekey", "k8s-worker-4", "has a new seed key"),
                             ("reprovision", "k8s-worker-2", "is armed until")):
        out, _ = play([name], "node", name, node)
        tap.contains(out, f"{node} {part}")


def test_names_are_encoded():
    here = exchange("POST", "/v1/nodes/a%20b%2F..%3F/disarm", body="{}")
    play([], "node", "disarm", "a b/..?", more=[here])


# --- machines that were discovered ---------------------------------------------------------------

UUID = "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1"
ADOPT = ["k8s-worker-4", "--role", "worker", "--cluster", "homelab", "--address", "10.0.20.14"]


def test_discovered():
    out, _ = play(["discovered"], "node", "discovered")
    rows = [re.split("  +", line) for line in out.splitlines()]
    tap.eq(rows[0], ["MAC", "ADDRESS", "PRODUCT", "FIRMWARE", "TIMES", "AGO", "UUID"])
    tap.eq(rows[1][:5], ["bc:24:11:00:20:0e", "10.0.20.101",
                         "QEMU Standard PC (Q35 + ICH9, 2009)", "efi x86_64", "2"])
    assert re.fullmatch(r"\d+ d|[\d:]+|\d+ s", rows[1][5]), rows[1]
    tap.eq(rows[1][6], UUID)
    tap.eq(rows[2][:5] + rows[2][6:], ["bc:24:11:00:20:0f", "10.0.20.102", "-", "-", "1", "-"])
    tap.eq(len(rows), 3)
    out, _ = play(["discovered"], "node", "discovered", "--json")
    tap.eq(json.loads(out), golden("discovered")["answer"]["body"]["machines"])
    tap.eq(play(["discovered"], "node", "discovered", "--names")[0],
           "bc:24:11:00:20:0e\nbc:24:11:00:20:0f\n")


def test_nobody_is_discovered():
    tap.eq(play(["discovered-none"], "node", "discovered")[0].split()[0], "MAC")
    tap.eq(play(["discovered-none"], "node", "discovered", "--json")[0], "[]\n")
    tap.eq(play(["discovered-none"], "node", "discovered", "--names")[0], "")


def test_machines_that_say_half():
    half = {"mac": MAC, "manufacturer": "Manufacturer", "product": None, "arch": "i386"}
    here = exchange("GET", "/v1/discovered", body={"machines": [half]})
    tap.eq(play([], "node", "discovered", more=[here])[0],
           "MAC                ADDRESS  PRODUCT       FIRMWARE  TIMES  AGO  UUID\n"
           f"{MAC}  -        Manufacturer  i386      0      -    -\n")


def test_adopt():
    for mac in (MAC, "BC-24-11-00-20-0E", "bc241100200e"):
        tap.eq(play(["discovered", "adopt"], "node", "adopt", mac, *ADOPT),
               ("k8s-worker-4 is registered: role worker\n", ""))
    out, _ = play(["discovered", "adopt"], "node", "adopt", MAC, *ADOPT, "--json")
    tap.eq(json.loads(out), golden("adopt")["answer"]["body"])


def test_adopt_one_without_a_uuid():
    made = exchange("POST", "/v1/nodes", 201, {"name": "n", "role": "plain"}, sent={
        "name": "n", "role": "plain", "macs": ["bc:24:11:00:20:0f"], "variables": {"rack": 2}})
    play(["discovered"], "node", "adopt", "bc:24:11:00:20:0f", "n", "--role", "plain", "--var",
         "rack=2", more=[made])


def test_adopt_and_arm_only_what_was_made():
    words = ["node", "adopt", MAC, *ADOPT, "--arm"]
    out, _ = play(["discovered", "adopt", "adopt-arm"], *words)
    tap.contains(out, "k8s-worker-4 is registered")
    tap.contains(out, "\nds=nocloud;dsmode=net;s=http://10.0.10.5:8080/s/aqrst")
    tap.contains(out, f"--smbios1 uuid={UUID},")
    _, said = play(["discovered", "adopt", "add-arm-changed"], *words, status=1)
    tap.eq(said, "cloudseed: somebody else has changed this node since: look at it again\n")
    out, _ = play(["discovered", "adopt", "adopt-arm"], *words, "--json")
    tap.eq(json.loads(out), golden("adopt-arm")["answer"]["body"])
    armed = exchange("POST", "/v1/nodes/k8s-worker-4/arm", sent={"minutes": 30},
                     body=golden("adopt-arm")["answer"]["body"])
    play(["discovered", "adopt"], *words, "--for", "30m", more=[armed])


def test_adopt_whom_nobody_knows():
    near, far = "bc:24:11:00:20:1f", "02:aa:bb:cc:dd:ee"
    pages = ["nodes-page-1", "nodes-page-2"]
    _, said = play(["discovered", *pages], "node", "adopt", near, *ADOPT, status=1)
    tap.eq(said, f"cloudseed: no machine with the MAC {near} has asked for its boot script; did "
                 "you mean 'bc:24:11:00:20:0f'? `cloudseed node discovered` lists those that "
                 "have\n")
    _, said = play(["discovered", *pages], "node", "adopt", far, *ADOPT, status=1)
    tap.eq(said, f"cloudseed: no machine with the MAC {far} has asked for its boot script: "
                 "`cloudseed node discovered` lists those that have\n")
    _, said = play(["discovered-none", *pages], "node", "adopt", "BC-24-11-00-20-0E", *ADOPT,
                   status=1)
    tap.eq(said, "cloudseed: bc:24:11:00:20:0e is node 'k8s-worker-4' already\n")


def test_adopt_what_another_node_has():
    _, said = play(["discovered", "adopt-taken"], "node", "adopt", MAC, "k8s-worker-5",
                   "--role", "worker", status=1)
    tap.eq(said, "cloudseed: it conflicts with another node\n"
                 "cloudseed: uuid: the registered node 'k8s-worker-4' has it already\n")


def test_a_server_that_knows_of_no_machines():
    """An older one."""
    none = exchange("GET", "/v1/discovered", 404, {"detail": "no such path"})
    for words in (["discovered"], ["adopt", MAC, *ADOPT]):
        _, said = play([], "node", *words, status=1, more=[none])
        tap.eq(said, "cloudseed: no such path\n")


# --- list and show -------------------------------------------------------------------------------

PAGES = ["server", "nodes-page-1", "nodes-page-2"]


def locked_pages():
    """With k8s-worker-3 locked, which takes more than the files of the API play; and with a step that
    failed on k8s-worker-2, as on a node that joins a cluster."""
    pages = [golden(name) for name in PAGES]
    pages[1]["answer"]["body"]["nodes"][1]["locked"] = True
    pages[1]["answer"]["body"]["nodes"][0]["boot"]["failed"] = "modules-config/config-ntp"
    return pages


def test_list_of_the_server():
    out, _ = play([], "node", "list", more=locked_pages())
    rows = [line.split() for line in out.splitlines()]
    tap.eq(rows[0], ["NAME", "STATE", "FOR", "ROLE", "CLUSTER", "ADDRESSES", "NOTES"])
    tap.eq(rows[1][:2], ["k8s-worker-2", "ready"])
    tap.contains(out, "in modules-final: the step failed")
    tap.contains(out, "; locked")
    tap.contains(out, "modules-config/config-ntp failed\n")
    tap.eq(len(rows), 4)
    cut = play([], "node", "list", more=locked_pages(), env={"COLUMNS": "80"})[0]
    assert max(map(len, cut.splitlines())) <= 80, cut
    tap.contains("".join(cut.split()), "".join("the step failed: cloud-init's log".split()))
    tap.contains(play([], "node", "list", "-o", "wide", more=locked_pages())[0], " MACS ")
    tap.eq(play(PAGES, "node", "list", "--names")[0].split(),
           ["k8s-worker-2", "k8s-worker-3", "k8s-worker-4"])
    nodes = json.loads(play(PAGES, "node", "list", "--json")[0])
    tap.eq(nodes, [n for page in PAGES[1:] for n in golden(page)["answer"]["body"]["nodes"]])


def test_a_named_tree_needs_no_server():
    for words in (["--seed", WORLD.path / "seed"], ["--server", "none"], ["--check"]):
        out = WORLD.good("node", "list", *words)
        assert "STATE" not in out and "k8s-worker-2" in out, out


def test_what_scripts_read_is_what_is_shown():
    with StandIn(*locked_pages()) as server:
        config = WORLD.write("served.yaml", f"socket: {server.socket}\n" + "".join(
            f"{key}: {WORLD.path}/{key}\n" for key in ("seed", "templates", "state")))
        where = ["--config", config]
        nodes = json.loads(WORLD.good("node", "list", "--json", *where, config=False))
        assert nodes[1]["locked"], nodes
        tap.contains(WORLD.good("node", "list", *where, config=False), "locked")
        tree = json.loads(WORLD.good("node", "list", "--json", *where, "--server", "none", config=False))
        tap.eq({*nodes[0]} - {*tree[0]}, set())
        tap.eq(tree[0]["state"], None)


def test_a_server_and_files_exclude_each_other():
    for option in (["--seed", "seed"], ["--templates", "templates"]):
        for words in (["list"], ["show", "k8s-worker-2"], ["url", "k8s-worker-2"]):
            said = WORLD.bad(64, "node", *words, "--server", "/nonexistent", *option)
            tap.contains(said, f"--server asks a server, and {option[0]} is about the files")
    tap.contains(WORLD.bad(64, "node", "list", "--server", "/nonexistent", "--check"), "--check is")


def test_without_a_server_the_tree_is_shown_and_a_note_says_so():
    config = WORLD.write("lost.yaml", f"socket: {WORLD.path}/none.sock\n" + "".join(
        f"{key}: {WORLD.path}/{key}\n" for key in ("seed", "templates", "state")))
    done = WORLD.run("node", "list", "--config", config, config=False)
    tap.eq(done.stdout, WORLD.good("node", "list"))
    tap.contains(done.stderr, "note: ")
    tap.contains(done.stderr, "only the seed tree is shown")


def test_show():
    out, _ = play(["server", "node-registered"], "node", "show", "k8s-worker-4")
    tap.contains(out, "variable zone  \"north\"")
    tap.contains(out, "state          registered")
    out, _ = play(["server", "node"], "node", "show", "k8s-worker-2")
    tap.contains(out, "packages  ")  # the tree's variables, with their places
    tap.contains(out, "state          ready")
    tap.contains(out, "ssh host keys  ed25519")
    out, _ = play(["server", "node"], "node", "show", "k8s-worker-2", "--json")
    shown = json.loads(out)
    tap.eq(shown.pop("tree")["networks"], ["nodes"])
    tap.eq(shown, golden("node")["answer"]["body"])
    out, _ = play(["server", "node-registered"], "node", "show", "k8s-worker-4", "--json")
    tap.eq(json.loads(out), {**golden("node-registered")["answer"]["body"], "tree": None})
    # A tree that is not the server's:
    WORLD.write("empty/site.yaml", "name: other\nurl: http://10.0.10.5:8080\n")
    other = WORLD.write("other.yaml", f"seed: {WORLD.path}/empty\n"
                                      f"templates: {WORLD.path}/templates\n")
    with StandIn(golden("server"), golden("node")) as server:
        out = WORLD.good("node", "show", "k8s-worker-2", "--json", "--config", other, "--server",
                         server.socket, config=False)
    tap.eq(json.loads(out), {**golden("node")["answer"]["body"], "tree": None})
    _, said = play(["server", "node-unknown"], "node", "show", "nobody", status=1)
    tap.eq(said, "cloudseed: there is no such node: 'nobody'\n")


# --- the server itself ---------------------------------------------------------------------------

def test_reload():
    tap.eq(play(["reload"], "reload")[0],
           "the seed tree is in use: 3 nodes, loaded in 12 ms\n")
    out, said = play(["reload-faults"], "reload", status=1)
    tap.eq((out, said), ("", "seed/nodes/homelab.yaml:15:9: error: role: there is no role 'workr'; "
                             "did you mean 'worker'?\n"
                             "cloudseed: the seed tree has faults; the previous one stays in use\n"))


def test_backup():
    tap.eq(play(["backup"], "backup", "/var/backups/cloudseed.db")[0],
           "/var/backups/cloudseed.db: 32768 bytes\n")
    here = exchange("POST", "/v1/backup", sent={"path": f"{WORLD.path}/x.db"}, body={"bytes": 1})
    play([], "backup", "x.db", more=[here])


# --- no answer -----------------------------------------------------------------------------------

def test_no_server():
    _, said = WORLD.run("events", "--server", "none"), WORLD.bad(1, "events", "--server", "none")
    tap.contains(said, "this asks the server")
    said = WORLD.bad(1, "events", "--server", WORLD.path / "x.sock")
    tap.contains(said, "x.sock: there is no such socket; is cloudseedd running? (--server or "
                       "CLOUDSEED_SERVER names another place)")
    standin.socket_without_listener(WORLD.path / "dead.sock")
    said = WORLD.bad(1, "events", "--server", WORLD.path / "dead.sock")
    tap.contains(said, "dead.sock: nobody listens there; is cloudseedd running?")
    tap.contains(WORLD.bad(1, "reload", "--server", "http://127.0.0.1:9"), "no connection")


def test_no_permission():
    if os.geteuid() != 0:
        raise tap.Skip("only root can become somebody else")
    with StandIn() as server:
        os.chmod(WORLD.path, 0o755)
        os.chmod(server.folder, 0o755)
        os.chmod(server.socket, 0o660)
        said = WORLD.bad(1, "events", "--server", server.socket, user=65534, group=65534,
                        extra_groups=[])
    tap.contains(said, "admin.sock: permission denied: only root and members of group 'root' may")


def test_answers_that_are_none():
    _, said = play([], "reload", status=1, more=[cut("POST", "/v1/reload")])
    tap.contains(said, "the connection ended before the answer did")
    _, said = play([], "reload", status=1, more=[exchange("POST", "/v1/reload", body="<html>")])
    tap.contains(said, "this is not cloudseedd's API")
    _, said = play([], "reload", status=1, more=[exchange("POST", "/v1/reload", 502, "<html>")])
    tap.contains(said, "the server answers with status 502")


def test_text_of_strangers_harms_no_terminal():
    evil = "\x1b]0;x\x07\n\"'"
    here = exchange("POST", "/v1/nodes/n/disarm", 409, {"detail": evil})
    _, said = play([], "node", "disarm", "n", status=1, more=[here])
    tap.eq(said, "cloudseed: \\x1b]0;x\\x07\\n\"'\n")
    page = json.loads(json.dumps(golden("nodes-page-2")))
    page["request"]["target"] = "/v1/nodes?limit=1000"
    page["answer"]["body"]["nodes"][0].update(state=evil, role=evil)
    out, _ = play(["server"], "node", "list", more=[page])
    assert "\x1b" not in out and out.count("\n") == 2, out
    found = json.loads(json.dumps(golden("discovered")))
    texts = ("manufacturer", "product", "platform", "arch", "address", "uuid")
    found["answer"]["body"]["machines"][0].update({key: f"{evil}\x9b\u202e" for key in texts})
    found["answer"]["body"]["machines"][1].update(mac=evil, last=evil, times=evil)
    out, _ = play([], "node", "discovered", more=[found])
    assert out.count("\n") == 3 and out.replace("\n", "").isprintable(), out
    tap.contains(out, "\\x1b]0;x\\x07\\n\"'")
    out, _ = play([], "node", "discovered", "--json", more=[found], lies=True)
    assert out.replace("\n", "").isprintable(), out
    tap.eq(json.loads(out), found["answer"]["body"]["machines"])
    tap.eq(play([], "node", "discovered", "--names", more=[found])[0], f"{MAC}\n")


# --- events --------------------------------------------------------------------------------------

def test_events():
    out, _ = play(["events-newest"], "events")
    head, *lines = out.splitlines()
    tap.eq(head.split(), ["TIME", "ID", "KIND", "NODE", "WHAT"])
    tap.eq([line.split()[3] for line in lines], ["1", "2", "3", "4"])
    tap.eq(lines[0], "2026-11-22 10:39:01 UTC  1   armed     k8s-worker-2  was registered, for 120 "
                     "minutes, generation 1, by uid 0")
    tap.contains(lines[1], "was armed, fetched meta-data, by mac")
    tap.contains(lines[2], "init-local ends: SUCCESS after 1.2 s: searching for local datasources")
    tap.contains(lines[3], "in modules-final, the step failed: cloud-init's log on the node")
    out, _ = play(["events-newest"], "events", "--color", "always")
    tap.eq([line.startswith("\x1b[1;31m") for line in out.splitlines()],
           [False, False, False, False, True])
    out, _ = play(["events-newest"], "events", env={"COLUMNS": "80"})
    tap.eq([len(line) for line in out.splitlines() if len(line) > 80], [])
    tap.contains(" ".join(out.split()), "cloud-init's log on the node says why")
    out, _ = play(["events-newest"], "events", "-o", "wide", env={"COLUMNS": "80"})
    tap.eq(out.splitlines()[1], lines[0])


def test_times_are_local_unless_utc_is_asked_for():
    env = {"TZ": "CET-1CEST,M3.5.0,M10.5.0/3"}
    with StandIn(golden("events-newest"), golden("events-newest")) as server:
        words = ["events", "--server", server.socket]
        tap.contains(WORLD.good(*words, env=env), "\n2026-11-22 11:39:01 CET  1   armed ")
        tap.contains(WORLD.good(*words, "--utc", env=env), "\n2026-11-22 10:39:01 UTC  1   armed ")


def test_events_since_in_pages():
    out, _ = play(["events-since-1", "events-since-3"], "events", "--since", "1", "--json")
    tap.eq([e["id"] for e in json.loads(out)], [2, 3, 4])


def test_events_of_a_node_and_kind():
    out, _ = play(["events-of-node"], "events", "k8s-worker-3", "--kind", "failed", "--json")
    tap.eq(json.loads(out), golden("events-of-node")["answer"]["body"]["events"])


def follow(server, *words):
    return subprocess.Popen(WORLD.command("events", "--follow", *words, "--server", server.socket),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process):
    """Its standard error, once it was interrupted."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=cli.SECONDS)
    tap.eq(process.returncode, -signal.SIGINT)
    return said


def test_follow_goes_on_over_a_restart_of_the_server():
    with StandIn(golden("events-newest"), golden("events-last")) as server:
        process = follow(server, "--json")
        got = [json.loads(process.stdout.readline())["id"] for _ in range(4)]
        tap.eq(server.wait_stream(), "4")
        server.send(":\n\n" + standin.sse(5, "k8s-worker-2", "up"))
        got.append(json.loads(process.stdout.readline())["id"])
        server.send("id: 6\nevent: up\ndata: {\"half", end=True)
        tap.eq(server.wait_stream(2), "5")  # what was cut off is no event
        server.send(standin.sse(7, "k8s-worker-2", "ready", result="SUCCESS"))
        got.append(json.loads(process.stdout.readline())["id"])
        tap.eq(got, [1, 2, 3, 4, 5, 7])
        server.end()
        server.send("", end=True)
        server.start()
        tap.eq(server.wait_stream(3), "7")
        tap.contains(ended(process), "trying again")


def test_follow_tells_of_lost_events_and_filters():
    with StandIn(golden("events-last"), golden("events-of-node")) as server:
        process = follow(server, "k8s-worker-3", "--kind", "failed")
        tap.eq(process.stdout.readline().split(), ["TIME", "ID", "KIND", "WHAT"])
        process.stdout.readline()
        server.wait_stream()
        server.send("event: lost\ndata: {\"from\": 5, \"to\": 9}\n\n"
                    + standin.sse(10, "k8s-worker-2", "failed", reason="of another")
                    + standin.sse(11, "k8s-worker-3", "up")
                    + standin.sse(12, "k8s-worker-3", "failed", reason="\x1b[2J\nno space"))
        line = process.stdout.readline()
        tap.contains(line, "\\x1b[2J\\nno space")
        tap.contains(line, "  12  ")
        tap.contains(ended(process), "note: events 5 to 9 are lost")


OPERANDS = {
    "render": ["n"], "node show": ["n"], "node url": ["n"], "dhcp": ["--for", "kea"],
    "firewall": ["--for", "nftables"], "reference": ["seed"], "asset add": ["linux"], "asset rm": ["linux"],
    "node add": ["n", "--role", "worker"], "node adopt": [MAC, "n", "--role", "worker"],
    "node set": ["n", "--var", "x=1"], "node rm": ["n"], "node arm": ["n"], "node disarm": ["n"],
    "node unlock": ["n"], "node rekey": ["n"], "node reprovision": ["n"], "node accept-keys": ["n"],
    "node join": ["n", "--dry-run"], "pve login": ["https://pve1:8006"], "pve template": ["t"],
    "pve create": ["n"], "pve destroy": ["n"], "pve rebuild": ["n"], "pve replace": ["n", "--host", "pve1"],
    "pve register": ["n", "--vmid", "102"], "pve unregister": ["n"], "pve start": ["n"],
    "pve stop": ["n"], "cluster show": ["c"], "cluster kubeconfig": ["c"],
    "cluster adopt": ["c", "--kubeconfig", "kubeconfig"], "cluster certs": ["c"],
    "cluster harden": ["c"], "cluster reset": ["c"], "wait": ["n"], "backup": ["x.db"],
    "restore": ["x.db"], "complete": ["node"], "diff": ["--against", "seed"],
    "token create": ["n", "--role", "viewer"], "token revoke": ["n"],
    "login": ["https://127.0.0.1:1"], "context remove": ["c"],
}


def test_each_command_obeys_server_or_says_why_not():
    commands = re.findall(r"^  ([a-z][a-z -]*?)(?: \[?[A-Z]\S*)* {2,}", WORLD.good("help").partition(
        "Options of all")[0], re.M)
    assert len(commands) > 60, commands
    standin.socket_without_listener(WORLD.path / "gone.sock")
    known = WORLD.path / "config/cloudseed/pve"  # a host, which nobody asks before the server
    known.mkdir(parents=True)
    (known / "home.json").write_text('{"url": "https://127.0.0.1:1", "ca": null}')
    (known / "home.token").write_text("cloudseed@pve!t=12345678-1234-1234-1234-123456789abc\n")
    (known / "home.token").chmod(0o600)
    refuse = set()
    for command in commands:
        done = WORLD.run(*command.split(), *OPERANDS.get(command, ()), "--server",
                         WORLD.path / "gone.sock", env={"XDG_CONFIG_HOME": f"{WORLD.path}/config"})
        if done.returncode == cli.MISUSED:
            tap.contains(done.stderr, f"'{command}' asks no server, so leave out --server: ")
            refuse.add(command)
        else:
            tap.eq(done.returncode, 1, f"{command}: {done.stdout}{done.stderr}")
            tap.contains(f"{command}: {done.stdout}{done.stderr}", "kubeconfig: No such file"
                         if command == "cluster adopt" else "gone.sock: nobody listens there")
    tap.eq(refuse, {"firewall", "reference", "asset add", "asset list", "asset verify", "asset rm",
                    "asset bootloaders", "pve login", "pve check", "pve template", "doctor dhcp",
                    "restore", "complete", "help", "storm tree",
                    "login", "context list", "context use", "context remove"})


tap.main()
