# SPDX-License-Identifier: Apache-2.0
"""The server that the machines boot from: the real cloudseedd over the seed tree of a site."""
import json
import tempfile
import urllib.error
import urllib.request

import admin
import callbacks
import tap
from daemon import Daemon
from machine import SERVER

URL = f"http://{SERVER}"  # port 80: this network is nobody else's
SECRETS = ["odd_password", "registry_login"]  # that the sites' sealed templates ask for


class Server:
    """With `deaf`, a front before it takes what machines tell, and answers as it likes."""

    def __init__(self, site, state, deaf=False):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            json.dump({"secrets": {name: {"env": "ODD_SECRET"} for name in SECRETS}}, config)
            config.flush()
            self.daemon = Daemon(seed=site.seed, templates=site.templates, state=state,
                                 http="127.0.0.1:0" if deaf else f"{SERVER}:80",
                                 args=["--url", URL, "--config", config.name],
                                 env={"ODD_SECRET": "it's a: \"secret\""})
        self.front = (callbacks.Front((SERVER, 80), (self.daemon.host, self.daemon.port))
                      if deaf else None)

    def stop(self):
        if self.front:
            self.front.stop()
        self.daemon.stop()

    def ask(self, method, path, body=None):
        """What admins are told of it."""
        answer = self.daemon.admin(method, path, body)
        tap.eq(answer.status, 200, f"{method} {path}: {answer.text}")
        return answer.json

    def arm(self, name):
        self.ask("POST", f"/v1/nodes/{name}/arm")

    def node(self, name):
        return self.ask("GET", f"/v1/nodes/{name}")

    def events(self, name, after=0):
        """All of the node's events behind that id, the oldest first."""
        found, more = [], after
        while more is not None:
            page = self.ask("GET", f"/v1/events?node={name}&after={more}&limit=1000")
            found += page["events"]
            more = page["next"]
        return found

    def progress(self, name):
        """What the node told of its boots, step by step."""
        return [event["data"] for event in self.events(name) if event["kind"] == "progress"]


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


def status(url):
    """Of a GET, whatever it is."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
