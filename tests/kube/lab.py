# SPDX-License-Identifier: Apache-2.0
"""A real control plane on free ports of the loopback, made by kubeadm's phases.

    with Lab() as lab:
        lab.kubeconfig      the admin's
        lab.plane           to stop its API server, and to start it again
"""
import os
import shutil
import socket
import tempfile
from pathlib import Path

import build
from controlplane import ControlPlane, run_phases
from daemon import BUILD

FOLDER = os.environ.get("CLOUDSEED_KUBE") or str(BUILD / "kube")
CONFIG = """\
apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
bootstrapTokens: [{{ttl: 1s}}]
localAPIEndpoint: {{advertiseAddress: 10.99.0.1, bindPort: {port}}}
nodeRegistration: {{name: k8s-master-1, criSocket: /run/containerd/containerd.sock}}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: {version}
clusterName: lab
controlPlaneEndpoint: 127.0.0.1:{port}
certificatesDir: {etc}/pki
networking: {{podSubnet: 192.168.0.0/16, serviceSubnet: 10.96.0.0/12}}
"""


def free_ports(count):
    """They were free a moment ago: a server that cannot have its port says so and ends."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in taken]
    for s in taken:
        s.close()
    return ports


class Lab:
    def __init__(self):
        self.programs = build.build(FOLDER)
        self.folder = Path(tempfile.mkdtemp(prefix="cloudseed-lab-"))
        self.etc = self.folder / "etc"
        self.kubeconfig = self.etc / "admin.conf"
        self.plane = ControlPlane(self.programs, self.etc, self.folder, "127.0.0.1", free_ports(3))

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self):
        config, log = self.folder / "kubeadm.yaml", self.folder / "kubeadm.log"
        config.write_text(CONFIG.format(port=self.plane.port, etc=self.etc, version=build.VERSION))
        confs = ["--kubeconfig-dir", str(self.etc)]
        run_phases(self.programs, config, ["certs all"], log)
        run_phases(self.programs, config, ["kubeconfig admin", "kubeconfig controller-manager"], log,
                   *confs)
        self.plane.up()
        self.plane.make_node("k8s-master-1")
        run_phases(self.programs, config, ["upload-config all", "bootstrap-token"], log,
                   "--kubeconfig", str(self.kubeconfig))

    def __exit__(self, *_):
        self.plane.down()
        shutil.rmtree(self.folder)
