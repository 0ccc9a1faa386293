#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two nodes, from bare machines to a cluster, without a VM: `./run.sh --demo` starts it.

A real cloudseedd and the real commands, on a copy of the example tree in a folder that goes away. The
machines are threads, which make the requests that cloud-init and the join script make; the API server
is the stand-in of the tests. CLOUDSEED_PACE is the time of one step in seconds (default: 1.4).
"""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
os.environ.setdefault("CLOUDSEED_BUILD", str(SOURCE / "build"))
sys.path[:0] = [str(SOURCE / "tests/lib")]
import booting  # noqa: E402
import daemon  # noqa: E402
from kubeapi import NODES, StandIn, b64url, node_object  # noqa: E402

MASTER, WORKER = "k8s-master-1", "k8s-worker-2"
EXAMPLE_URL, EXAMPLE_ENDPOINT = "url: http://10.0.10.5:8080", "k8s-api.home.arpa:6443"
PACE = float(os.environ.get("CLOUDSEED_PACE", "1.4"))
REQUESTS = SOURCE / "tests/golden/bootstrap/requests"
DOCUMENTS = ("meta-data", "user-data", "vendor-data", "network-config")
STAGES = {"init-network": ["config-ssh"], "modules-config": ["config-apt-configure"],
          "modules-final": ["config-package-update-upgrade-install", "config-scripts-user"]}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINotAKeyOfAnyMachineButOfTheDemoOfCloudseed0"
TERMINAL = sys.stdout.isatty()


def has_example():
    """Whether seed/ is still the example, and not a tree of one's own."""
    parts = {"site": EXAMPLE_URL, "clusters/homelab": EXAMPLE_ENDPOINT, "nodes/homelab": WORKER}
    files = {SOURCE / f"seed/{name}.yaml": part for name, part in parts.items()}
    return all(file.is_file() and part in file.read_text() for file, part in files.items())


class Site:
    """A copy of the example tree, a server for it, and the commands in that copy."""

    def __init__(self, api, *args):
        self.folder = Path(tempfile.mkdtemp(prefix="cloudseed-demo-"))
        for name in ("seed", "templates"):
            shutil.copytree(SOURCE / name, self.folder / name)
        (self.folder / "cloudseedd.yaml").touch()  # instead of one that is installed here
        self.nodes = self.folder / "seed/nodes/homelab.yaml"
        self.change("seed/clusters/homelab.yaml", EXAMPLE_ENDPOINT, f"{api.host}:{api.port}")
        self.server = daemon.Daemon(seed="seed", templates="templates", cwd=self.folder,
                                    start_new_session=True, args=["--https", "127.0.0.1:0", *args])

    def __enter__(self):
        self.change("seed/site.yaml", EXAMPLE_URL,
                    f"url: {self.server.url}\nnode_url: https://{self.server.listening['https']}")
        self.output("reload")
        return self

    def change(self, name, old, new):
        file = self.folder / name
        text = file.read_text()
        assert old in text, (name, old)
        file.write_text(text.replace(old, new, 1))

    def start(self, *words, **options):
        program = str(daemon.BUILD.resolve() / "cloudseed")
        where = ["--config", "cloudseedd.yaml"]
        if words[0] == "check":
            where += ["--seed", "seed", "--templates", "templates"]
        return subprocess.Popen([program, *words, *where], cwd=self.folder, **options,
                                env={**os.environ, "CLOUDSEED_SERVER": str(self.server.socket)})

    def output(self, *words):
        with self.start(*words, stdout=subprocess.PIPE, text=True) as process:
            out = process.communicate()[0]
        assert process.returncode == 0, (words, process.returncode, out)
        return out

    def show(self, *words, status=0):
        """Runs a command before the reader's eyes."""
        prompt(*words)
        with self.start(*words) as process:
            pass
        assert process.returncode == status, (words, process.returncode)
        pause(2)

    def serial(self, node):
        """Of the window that is open."""
        return self.output("node", "url", node, "--smbios")

    def is_in(self, node, state):
        return json.loads(self.output("node", "show", node, "--json"))["state"] == state

    def __exit__(self, *why):
        self.server.__exit__(*why)
        shutil.rmtree(self.folder)


# --- what the reader sees ---

def say(text):
    print(text, flush=True)


def title(text):
    say(f"\n\033[1m{text}\033[0m" if TERMINAL else f"\n{text}")


def prompt(*words):
    say(f"\n$ cloudseed {shlex.join(words)}")


def pause(steps=1):
    time.sleep(steps * PACE)


# --- the machines ---

class Player(threading.Thread):
    """One machine, from power on. A failure is raised by result()."""

    def __init__(self, site, api, name, address):
        super().__init__(daemon=True)
        self.site, self.api, self.name_of_node, self.address = site, api, name, address
        self.machine = booting.Machine(site.server, site.serial(name))
        self.claims = {"claim": b64url(os.urandom(32)), "machine": uuid.uuid4().hex}
        self.failure = None

    def run(self):
        try:
            self.boot()
            self.join_cluster()
        except Exception as e:  # pylint: disable=broad-except
            self.failure = e

    def result(self):
        self.join()
        if self.failure:
            raise self.failure

    def boot(self):
        """What cloud-init does."""
        for document in DOCUMENTS:
            self.machine.fetch(document)
        pause()
        for stage, parts in STAGES.items():
            self.machine.report(stage, "start", text=f"running {stage}")
            for part in parts:
                self.machine.report(f"{stage}/{part}", "start", text=f"running {part}")
                pause(1.5)
                self.machine.report(f"{stage}/{part}", "finish", "SUCCESS",
                                    f"{part} ran successfully")
            if stage == "modules-final":
                self.machine.phone_home(self.name_of_node, ed25519=HOST_KEY)
            self.machine.report(stage, "finish", "SUCCESS", f"finished {stage}")

    def ask(self, what, name, **change):
        """Asks again for as long as it is told to, as the join script does."""
        golden = json.loads((REQUESTS / f"{name}.json").read_text())
        message = {**golden, **{k: v for k, v in self.claims.items() if k in golden}, **change}
        while True:
            status, value, headers = self.machine.ask(what, message)
            if status == 200:
                return value
            if status != 503:
                raise RuntimeError(f"{self.name_of_node}: {value.get('detail')}")
            time.sleep(int(headers["Retry-After"]))

    def join_cluster(self):
        """What the join script does, and the kubelet."""
        told = self.ask("bootstrap", "bootstrap", uuid=None, hostname=self.name_of_node,
                        addresses=[self.address])
        pause(2)  # kubeadm
        if told["action"] == "init":
            self.api.hangs_up = False
            report = {"endpoint": self.api.url, "ca": self.api.ca}
            for who in ("minter", "approver"):
                report[who] = {"token": self.api.bearers[who], "expires": "2099-01-01T00:00:00Z"}
            self.ask("cluster", "cluster", **report)
        self.register(ready=False)
        self.ask("result", "result-ok")
        pause(2)  # the pods' network
        self.register(ready=True)

    def register(self, ready):
        self.api.put(f"{NODES}/{self.name_of_node}",
                     node_object(self.name_of_node, ready, [self.address]))


def play(site, api):
    """The worker is switched on first, and has to wait for the master to make the cluster."""
    worker = Player(site, api, WORKER, "10.0.20.12")
    master = Player(site, api, MASTER, "10.0.20.11")
    api.hangs_up = True  # there is no API server yet
    prompt("watch", MASTER, WORKER)
    pause(2)
    watch = site.start("watch", MASTER, WORKER)
    try:
        worker.start()
        while worker.is_alive() and not site.is_in(WORKER, "joining"):
            time.sleep(0.2)
        if worker.failure:
            worker.result()
        pause(3)
        master.start()
        master.result()
        worker.result()
        for name in (MASTER, WORKER):
            with site.start("wait", name, "--timeout", "60s", stderr=subprocess.DEVNULL) as wait:
                pass
            assert wait.returncode == 0, (name, wait.returncode)
        pause(3)
    finally:
        watch.send_signal(signal.SIGINT)
        watch.wait()


def story(site, api):
    title("1. The nodes are declared in YAML: seed/nodes/homelab.yaml")
    site.show("node", "list")
    title("2. Arming a node opens its build window: what its machine is given, to find us")
    site.show("node", "arm", WORKER)
    site.output("node", "arm", MASTER)
    say(f"\n({MASTER} is armed in the same way.)")
    title(f"3. Power on. {WORKER} boots first, and must wait until {MASTER} has made\n"
          "   the cluster. (q leaves the table; the machines go on.)")
    play(site, api)
    title("4. Both are nodes of the cluster. The server's journal has what happened.")
    site.show("node", "list")
    booted = [e["id"] for e in json.loads(site.output("events", WORKER, "--json"))
              if e["kind"] == "progress"]
    site.show("events", WORKER, "--since", str(booted[-1]))
    title("5. A mistake in the tree is found before a machine boots")
    line = next(i for i, text in enumerate(site.nodes.read_text().splitlines(), 1)
                if i > 1 and re.fullmatch(r"  role: worker", text))
    say(f"\nLine {line} of the copy's seed/nodes/homelab.yaml now says 'role: wroker':")
    site.change("seed/nodes/homelab.yaml", "role: worker", "role: wroker")
    site.show("check", status=1)
    say("\nMended:")
    site.change("seed/nodes/homelab.yaml", "role: wroker", "role: worker")
    site.show("check")


def main():
    if not has_example():
        sys.exit("demo.py: the demo plays on the example in seed/, which is not there any more")
    began = time.monotonic()
    say("The server and the commands are real. This program plays two machines and the\n"
        "cluster's API server, request by request, in a folder that goes away.")
    with StandIn() as api, Site(api) as site:
        try:
            story(site, api)
        except KeyboardInterrupt:
            say("\nStopped.")
            return 130
    title(f"That was the whole way, in {time.monotonic() - began:.0f} seconds.")
    say("README.md goes on: your own tree, a VM that boots, the installed server.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
