# SPDX-License-Identifier: Apache-2.0
"""The server that the machines boot from: the real cloudseedd over the seed tree of a site."""
import urllib.request

import admin
import callbacks
from daemon import Daemon
from machine import SERVER

URL = f"http://{SERVER}"  # port 80: this network is nobody else's


class Server:
    def __init__(self, site, state):
        self.daemon = Daemon(seed=site.seed, templates=site.templates, state=state,
                             args=["--url", URL])
        self.front = callbacks.Front((SERVER, 80), (self.daemon.host, self.daemon.port))

    def stop(self):
        self.front.stop()
        self.daemon.stop()


def start(site, state):
    return Server(site, state)


def seed_url(site, node, state):
    """Where it serves that node."""
    return site.good("node", "url", node, "--state", state, "--url", URL).strip()


def seeds(url):
    """The four files, as any client gets them."""
    served = {}
    for name in admin.FILES:
        with urllib.request.urlopen(url + name, timeout=10) as answer:
            served[name] = answer.read().decode()
    return served
