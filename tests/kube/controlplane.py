# SPDX-License-Identifier: Apache-2.0
"""A control plane without a kubelet: etcd, the API server and the controllers that joining needs, as
processes of the caller.

Its certificates and kubeconfigs are kubeadm's own. It imports nothing but the standard library, as it
also runs within machines that are namespaces.
"""
import json
import os
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

# Those that sign cluster-info, end tokens, handle certificate requests and make accounts' tokens.
CONTROLLERS = ("bootstrapsigner,tokencleaner,csrsigning,csrapproving,csrcleaner,serviceaccount,"
               "serviceaccount-token,root-ca-cert-publisher,garbagecollector,nodelifecycle")
SECONDS = 120


class ControlPlane:
    """`programs` has the binaries; `etc` is what is /etc/kubernetes elsewhere; data and logs go into
    `folder`. `ports` are those of the API server, etcd and its peers. With `etcd`, the URL of another
    one's, it is only an API server."""

    def __init__(self, programs, etc, folder, address, ports, etcd=None):
        self.programs, self.etc, self.folder = Path(programs), Path(etc), Path(folder)
        self.address, (self.port, self.etcd_port, self.peer_port) = address, ports
        self.etcd = etcd
        self.running = {}

    @property
    def pki(self):
        return self.etc / "pki"

    def command(self, name):
        local, peer = (f"http://127.0.0.1:{port}" for port in (self.etcd_port, self.peer_port))
        etcd = self.etcd or f"http://{self.address}:{self.etcd_port}"
        clients = ",".join(sorted({local, etcd}))
        pki, controllers = self.pki, self.etc / "controller-manager.conf"
        return {
            "etcd": [
                "etcd", "--name=one", f"--data-dir={self.folder}/etcd",
                f"--listen-client-urls={clients}",
                f"--advertise-client-urls={etcd}", f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=one={peer}",
                # What is lost with the power is lost: nobody waits for a disk here.
                "--unsafe-no-fsync"],
            "kube-apiserver": [
                "kube-apiserver", f"--etcd-servers={etcd}", f"--bind-address={self.address}",
                f"--advertise-address={self.address}", f"--secure-port={self.port}",
                "--insecure-port=0", "--endpoint-reconciler-type=none",
                f"--client-ca-file={pki}/ca.crt", f"--tls-cert-file={pki}/apiserver.crt",
                f"--tls-private-key-file={pki}/apiserver.key",
                f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
                f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
                f"--service-account-key-file={pki}/sa.pub",
                f"--service-account-signing-key-file={pki}/sa.key",
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
                "--requestheader-allowed-names=front-proxy-client",
                "--requestheader-username-headers=X-Remote-User",
                "--requestheader-group-headers=X-Remote-Group",
                "--requestheader-extra-headers-prefix=X-Remote-Extra-",
                "--service-cluster-ip-range=10.96.0.0/12", "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction", "--enable-bootstrap-token-auth=true"],
            "kube-controller-manager": [
                "kube-controller-manager", f"--kubeconfig={controllers}",
                f"--master=https://{self.address}:{self.port}",
                f"--authentication-kubeconfig={controllers}",
                f"--authorization-kubeconfig={controllers}", "--bind-address=127.0.0.1",
                "--secure-port=0", "--port=0", "--leader-elect=false",
                "--use-service-account-credentials=true", f"--controllers={CONTROLLERS}",
                # kubelets tell every 10 s that they live; it takes 40 s elsewhere to believe otherwise.
                "--node-monitor-grace-period=20s", "--node-monitor-period=2s",
                f"--cluster-signing-cert-file={pki}/ca.crt",
                f"--cluster-signing-key-file={pki}/ca.key", f"--root-ca-file={pki}/ca.crt",
                f"--service-account-private-key-file={pki}/sa.key"]}[name]

    def start(self, name):
        program, *options = self.command(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / f"{name}.log", "ab") as log:
            # None of them outlives what started it.
            self.running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(self.programs / program), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def up(self):
        for name in ("etcd", "kube-apiserver") if not self.etcd else ("kube-apiserver",):
            self.start(name)
        self.wait_ready()
        if not self.etcd:  # controllers do not elect a leader here
            self.start("kube-controller-manager")

    def stop(self, name, how=signal.SIGTERM):
        process = self.running.pop(name, None)
        if process:
            process.send_signal(how)
            process.wait()

    def down(self):
        for name in ("kube-controller-manager", "kube-apiserver", "etcd"):
            self.stop(name, signal.SIGKILL)

    def wait_ready(self):
        """Until the API server says so; it is killed by an impatient caller, not here."""
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        context.load_cert_chain(self.pki / "apiserver-kubelet-client.crt",
                                self.pki / "apiserver-kubelet-client.key")
        end = time.monotonic() + SECONDS
        while True:
            dead = [n for n, p in self.running.items() if p.poll() is not None]
            if dead or time.monotonic() > end:
                log = self.folder / f"{(dead or ['kube-apiserver'])[0]}.log"
                raise RuntimeError(f"the control plane does not come up: {dead}\n"
                                   + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))
            try:
                with urllib.request.urlopen(f"https://{self.address}:{self.port}/readyz", timeout=5,
                                            context=context):
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)

    def make_node(self, name):
        """The Node of a master without a kubelet: kubeadm's phases look for it."""
        body = {"apiVersion": "v1", "kind": "Node", "metadata": {
            "name": name, "labels": {"kubernetes.io/hostname": name}}}
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        context.load_cert_chain(self.pki / "apiserver-kubelet-client.crt",
                                self.pki / "apiserver-kubelet-client.key")
        request = urllib.request.Request(f"https://{self.address}:{self.port}/api/v1/nodes",
                                         json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=SECONDS, context=context):
            pass


def run_phases(programs, config, phases, log, *options):
    """kubeadm's own, in that order."""
    with open(log, "ab") as out:
        for phase in phases:
            subprocess.run([str(Path(programs, "kubeadm")), "init", "phase", *phase.split(), "--config",
                            str(config), *options], stdout=out, stderr=out, check=True, timeout=SECONDS,
                           stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"})
