# SPDX-License-Identifier: Apache-2.0
"""The server that the machines boot from: the real cloudseedd over the homelab's seed tree."""
import urllib.request

import admin
import callbacks
from daemon import Daemon
from machine import SERVER

URL = f"http://{SERVER}"  # port 80: this network is nobody else's


class Server:
    def __init__(self, state):
        self.daemon = Daemon(seed=admin.SEED, templates=admin.TEMPLATES, state=state,
                             args=["--url", URL])
        self.front = callbacks.Front((SERVER, 80), (self.daemon.host, self.daemon.port))

    def stop(self):
        self.front.stop()
        self.daemon.stop()


def start(state):
    return Server(state)


def seeds(url):
    """The four files, as any client gets them."""
    served = {}
    for name in admin.FILES:
        with urllib.request.urlopen(url + name, timeout=10) as answer:
            served[name] = answer.read().decode()
    return served
