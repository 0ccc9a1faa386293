# SPDX-License-Identifier: Apache-2.0
"""The daemon's nodewatcher and csrapprover on a real loop (mint_drive.c).

    with StandIn() as api, Watcher(api) as watcher:
        watcher.nodes().sees("k8s-worker-2", ready=True)

Leaving a Watcher ends its input and asserts a clean end: status 0, and nothing on standard error.
"""
import queue

import drive
from daemon import BUILD, SECONDS


class Nodes:
    """What a nodewatch tells, in its order."""

    def __init__(self, watcher, number):
        self.watcher, self.number = watcher, number
        self.events = queue.Queue()
        self.known = {}  # of each node, what was told last
        self.state = {}  # what was told last of the whole

    def next(self):
        event = self.events.get(timeout=SECONDS)
        if "node" in event:
            self.known[event["node"]] = event
        if "message" in event:
            self.state = event
        return event

    def until(self, true):
        while True:
            event = self.next()
            if true(event):
                return event

    def is_so(self, true):
        """Until that is true of the whole, if it is not already."""
        return self.state if self.state and true(self.state) else self.until(
            lambda e: "message" in e and true(e))

    def in_step(self):
        return self.is_so(lambda e: e["in_step"])

    def sees(self, name, **what):
        """Until it tells that of the node."""
        def is_it(event):
            return event.get("node") == name and all(event[k] == v for k, v in what.items())

        return self.known[name] if is_it(self.known.get(name, {})) else self.until(is_it)

    def says(self, part):
        return self.is_so(lambda e: part in e["message"])

    def set_bearer(self, bearer):
        self.watcher.say(do="bearer", id=self.number, bearer=bearer)

    def end(self):
        self.watcher.say(do="end", id=self.number)


class Approver(Nodes):
    """What an approver tells, in its order."""

    def approves(self, request):
        event = self.until(lambda e: e.get("request") == request and e["approved"])
        return event

    def refuses(self, request):
        """The reason."""
        event = self.until(lambda e: e.get("request") == request)
        assert not event["approved"], event
        return event["reason"]

    def counts(self, pending):
        return self.is_so(lambda e: e["pending"] == pending)


class Watcher(drive.Program):
    def __init__(self, api):
        self.api, self._all = api, []
        super().__init__([BUILD / "tests" / "lib" / "mint_drive"])

    def heard(self, event):
        self._all[event["id"]].events.put(event)

    def nodes(self, **options):
        nodes = Nodes(self, len(self._all))
        self._all.append(nodes)
        self.say(**{"do": "nodes", "id": nodes.number, "endpoint": self.api.url, "ca": self.api.ca,
                    "bearer": self.api.bearers["minter"], **options})
        return nodes

    def approver(self, **options):
        approver = Approver(self, len(self._all))
        self._all.append(approver)
        self.say(**{"do": "approver", "id": approver.number, "endpoint": self.api.url,
                    "ca": self.api.ca, "bearer": self.api.bearers["approver"], **options})
        return approver

    def know(self, name, **what):
        """Says what is known of a node: token_id, joined, locked, declared, reported. quiet: the
        approvers are not told to look again."""
        self.say(**{"do": "know", "name": name, "token_id": "", "declared": [], "reported": [],
                    "joined": False, "locked": False, **what})

    def pass_time(self, seconds):
        """For the watches only."""
        self.say(do="pass", ms=int(seconds * 1000))
