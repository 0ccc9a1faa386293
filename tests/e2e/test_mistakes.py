#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Typical mistakes of the first hour: each message names the thing, and says what to do."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from booting import Machine  # noqa: E402

BUILD = daemon.BUILD.resolve()
NODES, SITE = "seed/nodes/homelab.yaml", "seed/site.yaml"
CLUSTER, TEMPLATE = "seed/clusters/homelab.yaml", "templates/worker/user-data"
WORKER = "k8s-worker-2:\n  role: worker\n  cluster: homelab\n"
REQUESTS = daemon.SOURCE / "tests/golden/bootstrap/requests"
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}

# name: (file, what stands there, what is written instead, where it is reported, parts of the message)
IN_THE_TREE = {
    "wrong indentation": (NODES, WORKER, WORKER.replace("  cluster", "   cluster"), f"{NODES}:16:11",
                          ["is it indented as its neighbours are"]),
    "a tab": (NODES, "  addresses: [10.0.20.12]", "\taddresses: [10.0.20.12]", f"{NODES}:18:1",
              ["YAML indents by spaces, never by tabs"]),
    "an unknown key": (NODES, "addresses: [10.0.20.12]", "adresses: [10.0.20.12]", f"{NODES}:18:3",
                       ["unknown key 'adresses'; did you mean 'addresses'?"]),
    "a wrong role": (NODES, "role: worker", "role: wroker", f"{NODES}:15:9",
                     ["there is no role 'wroker'; did you mean 'worker'?"]),
    "a MAC twice": (NODES, "20:0c", "20:0b", f"{NODES}:17:10",
                    [f"node 'k8s-master-1' at {NODES}:8 has it already"]),
    "host bits in a CIDR": (SITE, "10.0.20.0/24", "10.0.20.5/24", f"{SITE}:33:11",
                            ["'10.0.20.5/24'", "the network is 10.0.20.0/24"]),
    "a missing variable": (TEMPLATE, "#cloud-config\n", "#cloud-config\n# {{ admin_usr }}\n",
                           f"{TEMPLATE}:2:6", ["'admin_usr' is undefined", "set it under 'variables'",
                                               "user-data of node 'k8s-worker-2'"]),
    "a misspelt filter": (TEMPLATE, "#cloud-config\n", "#cloud-config\n# {{ timezone | uper }}\n",
                          f"{TEMPLATE}:2:17", ["there is no filter 'uper'; did you mean 'upper'?"]),
    "a template with wrong YAML": (TEMPLATE, "#cloud-config\n", "#cloud-config\na: [b\nc: d\n",
                                   f"{TEMPLATE}:3:2", ["did not find expected ',' or ']'",
                                                       "line 3 of user-data of node 'k8s-worker-2'"]),
    "capitals in a name": (NODES, "k8s-worker-2:", "K8s-Worker-2:", f"{NODES}:14:1",
                           ["'K8s-Worker-2' is not a valid name; use lower-case letters"]),
    "a version with a v": (CLUSTER, 'version: "1.29"', 'version: "v1.29.3"', f"{CLUSTER}:7:12",
                           ["leave the 'v' out: 1.29.3"]),
    "the latest version": (CLUSTER, 'version: "1.29"', "version: latest", f"{CLUSTER}:7:12",
                           ["'latest' is not a Kubernetes version, like 1.29 or 1.29.15"]),
}


class Checkout:
    """A copy of the example, which is made whole again after each mistake."""

    def __init__(self):
        self.path = world.scratch()
        self.path.chmod(0o755)
        for name in ("seed", "templates"):
            shutil.copytree(daemon.SOURCE / name, self.path / name)
        subprocess.run(["chmod", "-R", "u+w", self.path], check=True)
        (self.path / "none.yaml").touch()

    def run(self, *words, program="cloudseed", status=1, **options):
        """What it complains of, in its first line."""
        words = [*words] if "--config" in words else [*words, "--config", "none.yaml"]
        done = subprocess.run([str(w) for w in (BUILD / program, *words)], cwd=self.path, text=True,
                              capture_output=True, timeout=daemon.SECONDS, check=False, **options)
        tap.eq(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return (done.stderr + done.stdout).splitlines()[0]

    def check(self):
        return self.run("check", "--seed", "seed", "--templates", "templates")

    def serve(self, state, *words, **options):
        """Why the server does not start."""
        line = self.run("--seed", "seed", "--templates", "templates", "--state", state,
                        *(words or ("--http", "127.0.0.1:0", "--socket", "none")),
                        program="cloudseedd", **options)
        return daemon.parse_logfmt(line)["reason"]


HERE = Checkout()
SERVER = tap.enter(world.start(seed=HERE.path / "seed", templates=HERE.path / "templates",
                               args=["--https", "127.0.0.1:0"]))


def ask(*words, **more):
    return HERE.run(*words, "--server", SERVER.socket, **more)


def says(text, *parts):
    for part in parts:
        tap.contains(text, part)


def as_root(*words):
    return [*words, "--user", "root"] if NOBODY else [*words]


def test_in_the_tree():
    for name, (file, old, new, place, parts) in IN_THE_TREE.items():
        path = HERE.path / file
        whole = path.read_text()
        tap.contains(whole, old)
        path.write_text(whole.replace(old, new, 1))
        try:
            line = HERE.check()
        finally:
            path.write_text(whole)
        assert line.startswith(f"{place}: error: "), (name, line)
        says(f"{name}: {line}", *parts)


def test_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        says(HERE.serve(HERE.path / "other", *as_root("--http", where, "--socket", "none")),
             f"cannot listen on {where}: Address already in use", "who has it: ss -lntup")


def test_a_state_folder_that_is_not_writable():
    folder = HERE.path / "closed"
    folder.mkdir(mode=0o500)
    for state in (folder / "state", HERE.path / "none.yaml"):
        says(HERE.serve(state, **NOBODY), f"the state folder {state}: ", "may write",
             "name another with --state")


def test_a_secret_that_others_can_read():
    folder = HERE.path / "leaky"
    folder.mkdir(mode=0o700)
    shutil.copy(SERVER.state / "secret", folder)
    (folder / "secret").chmod(0o644)
    says(HERE.serve(folder, *as_root("--http", "127.0.0.1:0", "--socket", "none")),
         f"{folder}/secret: others than its owner may use it; run: chmod 600 {folder}/secret")


def test_two_daemons_on_one_state():
    says(HERE.serve(SERVER.state, *as_root("--http", "127.0.0.1:0", "--socket", "none")),
         f"{SERVER.state}: another process uses the state", "a folder of its own with --state")


def test_a_daemon_that_does_not_run():
    says(HERE.run("node", "arm", "k8s-worker-2", "--server", HERE.path / "no.sock"),
         "no.sock: there is no such socket; is cloudseedd running?", "CLOUDSEED_SERVER names another")


def test_a_socket_without_permission():
    if not NOBODY:
        SERVER.socket.chmod(0)
    try:
        says(ask("node", "arm", "k8s-worker-2", **NOBODY), f"{SERVER.socket}: permission denied",
             "members of group", "run this as one of them")
    finally:
        if not NOBODY:
            SERVER.socket.chmod(0o660)


def test_a_wrong_configuration():
    for program, words in (("cloudseed", ["check"]), ("cloudseedd", [])):
        says(HERE.run(*words, "--config", "nope.yaml", program=program), "nope.yaml",
             "there is no such file; --config names cloudseedd's configuration")
        says(HERE.run(*words, "--config", "seed", program=program), "seed", "not a regular file")
    (HERE.path / "own.yaml").write_text("sed: /etc/cloudseed/seed\n")
    says(HERE.run("check", "--config", "own.yaml"), "own.yaml:1:1: error: ",
         "unknown key 'sed'; did you mean 'seed'?")


def test_urls_with_a_bad_key():
    answer = SERVER.get("/s/k8s-worker-2/user-data")
    tap.eq(answer.status, 404)
    says(answer.text, "27 characters", "'cloudseed node url NAME' prints the right URL")
    answer = SERVER.get(f"/s/{'a' * 27}/user-data")
    tap.eq(answer.status, 404)
    says(answer.text, "no node has this seed key", "'cloudseed node url NAME' prints the right one")
    answer = SERVER.get(f"/s/{world.key_of(SERVER.state, 'k8s-worker-2')}/userdata")
    tap.eq(answer.status, 404)
    says(answer.text, "there are meta-data, user-data, vendor-data")


def test_the_key_of_a_closed_window():
    arm = SERVER.arm("k8s-worker-2")
    machine = Machine(SERVER, arm["serial"])
    tap.eq(SERVER.admin("POST", "/v1/nodes/k8s-worker-2/disarm").status, 200)
    request = REQUESTS / "bootstrap.json"
    status, value, _ = machine.ask("bootstrap", json.loads(request.read_text()))
    tap.eq((status, value["reason"]), (403, "window-closed"))
    says(value["detail"], "no build window is open for k8s-worker-2",
         "open one with 'cloudseed node arm k8s-worker-2'")
    path = re.sub(r"^http://[^/]+", "", arm["window_url"])
    answer = SERVER.get(f"{path}user-data")
    tap.eq(answer.status, 404)
    says(answer.text, "its build window is closed", "'cloudseed node arm NAME' opens a window")



def test_names_that_do_not_exist():
    nearest = "did you mean 'k8s-worker-2'?"
    for words in (["node", "show"], ["node", "arm"], ["wait"], ["watch"], ["events"], ["node", "url"],
                  ["ssh-config"], ["inventory", "--host"]):
        says(ask(*words, "k8s-wroker-2"), "'k8s-wroker-2'", nearest)
    says(HERE.run("render", "k8s-wroker-2", "--seed", "seed", "--templates", "templates"), nearest)
    says(ask("cluster", "show", "homlab"), "'homlab'; did you mean 'homelab'?")
    says(ask("wait", "k8s-worker-2", "--for", "rady", status=64), "'rady'", "did you mean 'ready'?")
    says(ask("events", "--kind", "armd"), "'armd'; did you mean 'armed'?")
    says(ask("node", "lst", status=64), "'node lst'; did you mean 'list'?")


tap.main()
