# SPDX-License-Identifier: Apache-2.0
"""What every client of a soak has: requests whose answers are judged and counted, each with a deadline."""
import collections
import http.client
import json
import random
import re
import ssl
import threading
import time
import traceback
from urllib.parse import urlencode

import booting
from daemon import SECONDS
from house import Over

UNTIL_SECONDS = 420  # the server is away for a part of them, and its clock may be wrong
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HIGH = 40  # moments between two requests are this part of a second at most


class Lost(Exception):
    """No answer, as the server was ended; or one that says to ask again."""


class Moved(Exception):
    """What the client was about has another epoch now."""


class Client(threading.Thread):
    """one() is done over and over: some requests behind the gate each time."""
    counts, lock = collections.Counter(), threading.Lock()

    def __init__(self, house, name, seed):
        super().__init__(daemon=True, name=name)
        self.house, self.ledger = house, house.ledger
        self.random = random.Random(f"{seed} {name}")
        self.number = 0
        self.node = ""  # that it is about

    def one(self):
        raise NotImplementedError

    def run(self):
        try:
            while not self.house.gate.over:
                try:
                    self.one()
                except (Lost, Moved):
                    pass
                self.rest()
        except Over:
            pass
        except Exception:  # pylint: disable=broad-except
            self.house.fail(self.name, traceback.format_exc(), self.node)

    def rest(self):
        time.sleep(self.random.random() / 5)

    def next(self):
        self.number += 1
        return self.number

    def count(self, kind, outcome="200"):
        with self.lock:
            self.counts[kind, str(outcome)] += 1

    # --- asking ---

    def guarded(self, kind, ask, failures=(OSError, http.client.HTTPException)):
        """What ask(server) gives; Lost where it failed because the server was ended."""
        with self.house.gate.passed(self.name):
            server = self.house.server
            try:
                return ask(server)
            except failures as error:
                self.count(kind, "cut")
                if not server.ended:
                    raise AssertionError(f"{kind}: {error!r}, and the server was not ended") from error
                raise Lost from None

    def judged(self, kind, answer, good):
        self.count(kind, answer.status)
        if answer.status == 503 and int(answer.headers.get("Retry-After") or 0) > 0:
            raise Lost
        assert answer.status in good, f"{kind}: {answer.status} {answer.body[:300]!r} {dict(answer.headers)}"
        return answer

    def http(self, kind, method, path, body=None, headers=None, good=(200,)):
        return self.judged(kind, self.guarded(kind, lambda s: s.request(method, path, body, headers)), good)

    def socket(self, kind, method, path, body=None, good=(200,)):
        return self.judged(kind, self.guarded(kind, lambda s: s.admin(method, path, body)), good)

    def tls(self, kind, listener, method, path, body=None, headers=None, good=(200,)):
        """A connection of its own to the listener `https` or `admin`."""
        def ask(server):
            link = http.client.HTTPSConnection(server.listening[listener], timeout=SECONDS,
                                               context=ssl.create_default_context(cadata=server.ca))
            try:
                link.request(method, path, None if body is None else json.dumps(body), {**JSON, **(headers or {})})
                answer = link.getresponse()
                answer.body = answer.read()
                return answer
            finally:
                link.close()
        return self.judged(kind, self.guarded(kind, ask), good)

    def noted(self, key, ask):
        """ask(), which the journal will have under that key if it is answered."""
        self.ledger.asking(*key)
        answer = ask()
        self.ledger.answered(*key)
        return answer

    def until(self, what, true):
        """What true() gives at last, which is asked again where no answer came."""
        end = time.monotonic() + UNTIL_SECONDS
        why = None
        while time.monotonic() < end:
            try:
                if got := true():
                    return got
            except Lost as lost:
                why = lost
            time.sleep(self.random.random())
        raise AssertionError(f"{self.name}: {what} did not happen within {UNTIL_SECONDS} s ({why!r})")


class Booting:
    """What a machine asks and says, by a client."""

    def __init__(self, client, name):
        self.client, self.name = client, name
        self.key = self.join_key = None

    def arm(self, action="arm"):
        """A new window, by an admin at the socket."""
        key = self.name, {"arm": "armed", "reprovision": "reprovisioned"}[action], ""
        answer = self.client.noted(key, lambda: self.client.socket(
            action, "POST", f"/v1/nodes/{self.name}/{action}"))
        self.key, self.join_key = re.search(r"/s/(\w+)/ cs=(\w+)\.", answer.json["arm"]["serial"]).groups()

    def fetch(self):
        for file in ("meta-data", "network-config", "user-data", "vendor-data"):
            self.client.http("seed files", "GET", f"/s/{self.key}/{file}")

    def report(self, result="SUCCESS", stage=None):
        """Of a step that nobody else has, so that the journal tells which are there."""
        stage = stage or f"modules-config/{self.client.name}-{self.client.next()}"
        self.client.noted((self.name, "progress", stage), lambda: self.client.http(
            "report", "POST", f"/s/{self.key}/report", booting.event(stage, "finish", result), JSON))

    def phone_home(self, hostname=None):
        form = urlencode({"hostname": hostname or self.name})
        return self.client.http("phone-home", "POST", f"/s/{self.key}/phone-home", form, FORM)

    def node(self):
        return self.client.socket("node show", "GET", f"/v1/nodes/{self.name}").json


class Machine(Client):
    """A node without a cluster: armed, it fetches, reports and calls home under many names."""

    def __init__(self, house, name, seed):
        super().__init__(house, name, seed)
        self.node = name
        house.declare(name)
        self.boots = Booting(self, name)

    def one(self):
        if not self.boots.key or self.random.random() < 0.05:
            self.boots.arm()
        what = self.random.randrange(12)
        if what == 0:
            self.boots.fetch()
        elif what == 1:
            name = f"{self.name}-{self.next()}"
            self.noted((self.name, "hostname", name), lambda: self.boots.phone_home(name))
        else:
            self.boots.report(stage="modules-final" if what == 2 else None)

    def rest(self):
        time.sleep(self.random.random() / HIGH)


def find_version(text):
    return int(re.search(r"^# version (\d+)$", text, re.M)[1])
