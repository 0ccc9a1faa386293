# SPDX-License-Identifier: Apache-2.0
"""What a node's events say of its state, told from docs/formats/api.md and not from the server.

    lives = Lives()
    lives.hear(event)            every event of the journal, from the first on
    lives.nodes["n1"].problems(NODE)   where the server says something else
"""

STATES = {"registered", "armed", "installing", "booting", "up", "joining", "ready", "failed"}
REPEATS = {"armed"}  # may follow itself


class Life:
    def __init__(self):
        self.state, self.since = "registered", None
        self.window = False
        self.generation = 1
        self.reports, self.stage = None, None  # of the boot; None: there is none
        self.stages = []  # all that were ever told
        self.hostnames = []
        self.wrong = []

    def _enter(self, event):
        left = event["data"].get("from")
        if left != self.state:
            self.wrong.append(f"event {event['id']} leaves {left}, but it was {self.state}")
        if event["kind"] == self.state and event["kind"] not in REPEATS:
            self.wrong.append(f"event {event['id']} enters {self.state} again")
        self.state, self.since = event["kind"], event["at"]

    def hear(self, event):
        kind, data = event["kind"], event["data"]
        if kind in STATES:
            self._enter(event)
        if kind == "armed":
            self.window, self.reports, self.stage = True, None, None
            self.generation = data["generation"]
        elif kind in ("ready", "disarmed", "expired", "registered"):
            self.window = False
        elif (kind in ("installing", "rebooted") or data.get("from") == "installing"
              or kind == "booting" and self.reports is None):
            self.reports, self.stage = 0, None
        elif kind == "progress":
            self.reports = (self.reports or 0) + 1
            self.stage = data["stage"]
            self.stages.append(data["stage"])
        if kind in ("up", "identity"):
            self.reports = self.reports or 0
            self.hostnames.append(data.get("hostname"))

    def problems(self, node):
        """Where what the server says of the node is not what its events say."""
        boot = node["boot"] or {"events": None, "stage": None}
        told = [("state", node["state"], self.state), ("since", node["since"], self.since),
                ("window", bool(node["window"]), self.window),
                ("generation", node["generation"], self.generation),
                ("reports", boot["events"], self.reports), ("stage", boot["stage"], self.stage)]
        return self.wrong + [f"{what}: the server says {got!r}, its events {want!r}"
                             for what, got, want in told if got != want]


class Lives:
    def __init__(self):
        self.nodes, self.last = {}, 0
        self.wrong = []

    def hear(self, event):
        if event["id"] != self.last + 1:
            self.wrong.append(f"event {event['id']} follows {self.last}")
        self.last = event["id"]
        self.nodes.setdefault(event["node"], Life()).hear(event)


def read(server, lives=None):
    """The lives of all nodes by the server's journal, from where `lives` ended."""
    lives = lives or Lives()
    after = lives.last
    while after is not None:
        page = server.admin("GET", f"/v1/events?limit=1000&after={after}").json
        for event in page["events"]:
            lives.hear(event)
        after = page["next"]
    return lives


def nodes(server):
    """{name: NODE} of all."""
    found, after = {}, ""
    while after is not None:
        page = server.admin("GET", f"/v1/nodes?limit=1000&after={after}" if after else
                            "/v1/nodes?limit=1000").json
        found.update((node["name"], node) for node in page["nodes"])
        after = page["next"]
    return found
