# SPDX-License-Identifier: Apache-2.0
"""The shipped seed tree, the real cloudseedd that serves it over HTTP and TLS, and its machines."""
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import enclosed
import kubeapi
import node
import rootfs
import tap
import yaml
from certs import openssl
from daemon import BUILD, SECONDS, SOURCE, Daemon
from machine import SERVER

MASTER, WORKERS = "k8s-master-1", ["k8s-worker-2", "k8s-worker-3"]
ALL = [MASTER, *WORKERS]
ENDPOINT = "k8s-api.home.arpa"
LOGS = os.path.join(enclosed.LOGS, "cluster")
SUITE = "bookworm"
NODES_READY = 300  # seconds; 20 to 60 is usual, by how busy this host is


class World:
    """Everything of one play."""

    def __init__(self, name, programs, cloud_init=False, hardened=True, masters=()):
        self.folder = Path(enclosed.RUN, name)
        self.logs = os.path.join(LOGS, name)
        self.programs, self.cloud_init = str(programs), cloud_init
        shutil.rmtree(self.logs, ignore_errors=True)
        os.makedirs(self.logs)
        self.state = self.folder / "state"
        for part in ("seed", "templates"):
            shutil.copytree(SOURCE / part, self.folder / part)
        self._change_cluster(hardened)
        (self.folder / "seed/nodes/masters.yaml").write_text(yaml.safe_dump({
            name: {"role": "master", "cluster": "homelab", "macs": [f"bc:24:11:00:20:{30 + i}"],
                   "addresses": [f"10.0.20.{30 + i}"]} for i, name in enumerate(masters)}))
        self.server, self.nodes, self.serials, self._api = None, {}, {}, None
        self.server_up()

    def _change_cluster(self, hardened):
        """What addons would pull is not there: one that needs no image is applied and waited for."""
        file = self.folder / "seed/clusters/homelab.yaml"
        clusters = yaml.safe_load(file.read_text())
        clusters["homelab"]["version"] = "1.22"  # as build.py has the API server call itself
        clusters["homelab"]["hardened"] = hardened
        clusters["homelab"]["addons"] = [{"name": "limits", "template": "addons/limits", "wait": ["node"]}]
        file.write_text(yaml.safe_dump(clusters))
        (self.folder / "templates/addons/limits").write_text(json.dumps({
            "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits", "namespace": "default"},
            "spec": {"limits": [{"type": "Container", "default": {"memory": "512Mi"}}]}}))

    # --- the server ---

    def server_up(self):
        self.server = Daemon(seed=self.folder / "seed", templates=self.folder / "templates",
                             state=self.state, http=f"{SERVER}:8080",
                             args=["--https", f"{SERVER}:8443", "--log-level", "debug"])

    def server_killed(self):
        self.server.signal(signal.SIGKILL)
        self.server.wait()
        self.keep_log()

    def keep_log(self):
        with open(f"{self.logs}/cloudseedd.log", "a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in self.server.lines)

    def command(self, *words):
        """A command line of the admin's tool, asking this server."""
        return [str(BUILD.resolve() / "cloudseed"), *words, "--server", str(self.server.socket)]

    def cloudseed(self, *words):
        done = subprocess.run(self.command(*words), text=True, stdout=subprocess.PIPE, check=True,
                              timeout=SECONDS)
        return done.stdout

    def known(self, name):
        """What admins are told of a node."""
        return json.loads(self.cloudseed("node", "show", name, "--json"))

    def kinds(self, name):
        """Its events, the oldest first."""
        answer = self.server.admin("GET", f"/v1/events?node={name}&limit=1000")
        return [event["kind"] for event in answer.json["events"]]

    def ids(self, kind):
        """{node: the id of its first event of that kind}: what happened later has a higher one."""
        found = self.server.admin("GET", f"/v1/events?kind={kind}&limit=1000").json["events"]
        return {event["node"]: event["id"] for event in reversed(found)}

    def wait_kind(self, name, kind, seconds=NODES_READY):
        tap.wait_until(lambda: kind in self.kinds(name), seconds, f"{kind} of {name}", pause=0.2)

    # --- machines ---

    def arm(self, name):
        """The serial of a new window."""
        return re.search(r"ds=nocloud\S* cs=\S+", self.cloudseed("node", "arm", name))[0]

    def switch_on(self, name, files=None):
        """A machine as that node is declared, armed, with these files besides: {path: text}."""
        serial = self.serials[name] = self.arm(name)
        declared = self.known(name)
        base = rootfs.folder(SUITE, enclosed.CACHE, node.PACKAGES)
        one = node.Node(name, base, self.programs, declared["macs"][0], declared["addresses"][0],
                        len(self.nodes) + 1, self.cloud_init)
        self.nodes[name] = one
        one.put("/opt/asked/packages", "qemu-guest-agent\nnfs-common\nsmartmontools\n")
        if not self.cloud_init:
            key = re.search(r"(/s/\w+/)", serial)[1]
            one.write_files(self.server.get(f"{key}user-data").text)
        for path, text in (files or {}).items():
            one.put(path, text)
        one.start(os.path.join(self.logs, name), serial)
        return one

    # --- the cluster ---

    @property
    def admin_conf(self):
        return self.nodes[MASTER].file("/etc/kubernetes/admin.conf")

    @property
    def api(self):
        """As its admin; no accounts are made."""
        if not self._api:
            self._api = kubeapi.Real(self.admin_conf)
        return self._api

    def node_is_ready(self, name):
        try:
            answer = self.api.ask("admin", "GET", f"{kubeapi.NODES}/{name}")
        except OSError:
            return False
        conditions = answer.json["status"]["conditions"] if answer.status == 200 else []
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def wait_ready(self, *names):
        for name in names:
            tap.wait_until(lambda n=name: self.node_is_ready(n), NODES_READY, f"Node {name} Ready", pause=0.2)

    @staticmethod
    def process(program):
        """The one process of that program: there is no other in this PID namespace."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if os.path.basename(os.readlink(folder / "exe")) == program:
                    found.append(int(folder.name))
        tap.eq(len(found), 1, f"processes of {program}")
        return found[0]

    def signal(self, program, number):
        os.kill(self.process(program), number)

    def api_killed(self):
        """It stays away until api_back()."""
        self.nodes[MASTER].put("/run/lab/hold-kube-apiserver", "")
        self.signal("kube-apiserver", signal.SIGKILL)

    def api_back(self):
        self.nodes[MASTER].file("/run/lab/hold-kube-apiserver").unlink()

    def tokens(self):
        """The bootstrap tokens that are in the cluster: {token: its Secret's fields}."""
        found = {}
        for secret in self.api.ask("admin", "GET", kubeapi.SECRETS).json["items"]:
            if secret["type"] == "bootstrap.kubernetes.io/token":
                fields = {k: base64.b64decode(v).decode() for k, v in secret["data"].items()}
                found[f"{fields['token-id']}.{fields['token-secret']}"] = fields
        return found

    def token_of(self, name):
        """The one that was minted for that node; None: there is none yet."""
        return next((t for t, fields in self.tokens().items() if name in fields["description"]), None)

    def requests(self):
        """The cluster's certificate requests."""
        return self.api.ask("admin", "GET", kubeapi.CSRS).json["items"]

    def requests_of(self, token, name):
        """Those that were made with that token, for that node."""
        user = f"system:bootstrap:{token[:6]}"
        return [r for r in self.requests() if r["spec"]["username"] == user
                and f"CN = system:node:{name}" in self._subject(r)]

    @staticmethod
    def _subject(request):
        return openssl("req", "-noout", "-subject", data=base64.b64decode(request["spec"]["request"])).decode()

    def ask_for(self, token, name):
        """Asks for a node's certificate with that token; the request's name."""
        key = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")
        pem = openssl("req", "-new", "-key", "/dev/stdin", "-subj",
                      f"/O=system:nodes/CN=system:node:{name}", data=key)
        body = {"apiVersion": kubeapi.CERTIFICATES, "kind": "CertificateSigningRequest",
                "metadata": {"name": f"for-{name}"},
                "spec": {"request": base64.b64encode(pem).decode(),
                         "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
                         "usages": ["digital signature", "client auth"]}}
        answer = self.api.ask(token, "POST", kubeapi.CSRS, body)
        tap.eq(answer.status, 201, answer.text)
        return body["metadata"]["name"]

    def answers(self, name, port):
        """Whether it has a certificate of the cluster's CA for its address there."""
        context = ssl.create_default_context(cadata=self.api.ca)
        try:
            with socket.create_connection((self.nodes[name].address, port), SECONDS) as link:
                context.wrap_socket(link, server_hostname=self.nodes[name].address).close()
            return True
        except OSError:
            return False

    def end(self):
        for one in self.nodes.values():
            one.remove()
        self.keep_log()
        ended = self.server.process.poll()
        assert ended is None, "\n".join(["cloudseedd has ended", *self.server.lines[-5:]])
        self.server.stop()
        if self._api:
            shutil.rmtree(self._api.folder)


def hosts():
    """This host knows the cluster's name, as its site's DNS would have it."""
    file = Path(enclosed.RUN, "hosts")
    file.write_text(f"127.0.0.1 localhost\n10.0.20.11 {ENDPOINT}\n")
    subprocess.run(["mount", "--bind", str(file), "/etc/hosts"], check=True)
