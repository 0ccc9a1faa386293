# SPDX-License-Identifier: Apache-2.0
"""What a machine and cloud-init on it ask and say while they boot, by a client of ours.

    machine = Machine(server, serial)          its SMBIOS serial, as `cloudseed node arm` prints it
    machine.fetch("user-data")
    machine.report("init-network", "finish", "SUCCESS")
    machine.phone_home("k8s-worker-2")
    status, value, headers = machine.ask("bootstrap", {...})       how it joins, over TLS

The server is one of daemon.py that listens for HTTPS, too.
"""
import http.client
import json
import re
import ssl
import time
from urllib.parse import urlencode

from daemon import SECONDS


def event(stage, kind, result=None, text=""):
    """The report of a stage's start or finish, as cloud-init's webhook handler posts it."""
    return json.dumps({"name": stage, "description": text, "event_type": kind,
                       "origin": "cloudinit", "timestamp": time.time(),
                       **({"result": result} if result else {})})


class Machine:
    def __init__(self, server, serial):
        self.server = server
        self.key, self.join_key = re.search(r"/s/(\w+)/ cs=(\w+)\.", serial).groups()

    def _good(self, answer):
        assert answer.status == 200, (answer.status, answer.text)
        return answer.text

    def fetch(self, document):
        return self._good(self.server.get(f"/s/{self.key}/{document}"))

    def report(self, *what, **more):
        self._good(self.server.request("POST", f"/s/{self.key}/report", event(*what, **more),
                                       {"Content-Type": "application/json"}))

    def phone_home(self, hostname, **keys):
        """keys: of its ssh server, by their kind."""
        form = {"hostname": hostname, **{f"pub_key_{kind}": key for kind, key in keys.items()}}
        self._good(self.server.request("POST", f"/s/{self.key}/phone-home", urlencode(form),
                                       {"Content-Type": "application/x-www-form-urlencoded"}))

    def ask(self, what, message):
        """(status, the answer's value, its headers) of a POST over TLS."""
        context = ssl.create_default_context(cadata=self.server.get("/ca.pem").text)
        link = http.client.HTTPSConnection(self.server.listening["https"], context=context,
                                           timeout=SECONDS)
        link.request("POST", f"/s/{self.key}/{what}", json.dumps(message), {
            "Authorization": f"Bearer {self.join_key}", "Content-Type": "application/json"})
        answer = link.getresponse()
        value = json.loads(answer.read())
        link.close()
        return answer.status, value, answer.headers
