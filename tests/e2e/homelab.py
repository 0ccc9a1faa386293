# SPDX-License-Identifier: Apache-2.0
"""A server with the nodes that tests/golden/api/ tells of: their places are the same, too."""
import daemon
import tap
import world

daemon.BUILD = daemon.BUILD.resolve()  # the server's folder is the tree's, so that places are short
NODES = """\
# Lines as in tests/golden/api.












k8s-worker-2:
  role: worker
  cluster: homelab
  macs: ["bc:24:11:00:20:0c"]
  addresses: [10.0.20.12]
k8s-worker-3:
  role: worker
  cluster: homelab
  macs: ["bc:24:11:00:20:0d"]
  addresses: [10.0.20.13]
"""


class Homelab(world.Tree):
    def __init__(self):
        super().__init__(evidence=["mac"], alarms="lock", networks={"nodes": {
            "cidr": "10.0.20.0/24", "gateway": "10.0.20.1", "search": ["home.arpa"]}})
        self.role("worker")
        self.put("clusters/homelab.yaml", {"homelab": {
            "version": "1.29", "endpoint": "k8s-api.home.arpa:6443", "pods": "192.168.0.0/16",
            "services": "10.96.0.0/12"}})
        self.nodes(NODES)

    def nodes(self, text):
        (self.seed / "nodes/homelab.yaml").write_text(text, encoding="utf-8")

    def start(self, **options):
        return world.start(seed="seed", templates="templates", cwd=self.folder, **options)


def ok(answer, status=200):
    tap.eq(answer.status, status, answer.text)
    return answer
