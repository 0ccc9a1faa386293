# SPDX-License-Identifier: Apache-2.0
"""The server that the machines boot from: the real cloudseedd over the homelab's seed tree."""
import urllib.request

import admin
from daemon import Daemon
from machine import SERVER

URL = f"http://{SERVER}"  # port 80: this network is nobody else's


def start(state):
    return Daemon(seed=admin.SEED, templates=admin.TEMPLATES, state=state, http=f"{SERVER}:80",
                  args=["--url", URL])


def seeds(url):
    """The four files, as any client gets them."""
    served = {}
    for name in admin.FILES:
        with urllib.request.urlopen(url + name, timeout=10) as answer:
            served[name] = answer.read().decode()
    return served
