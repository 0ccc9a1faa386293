# SPDX-License-Identifier: Apache-2.0
"""What clients asked for and what was answered, and whether the server's journal agrees.

What was answered 200 is there; what was asked without an answer may be there; nothing else is, and nothing
more often than it was asked.
"""
import collections
import threading

import nodelife

COUNTED = {"armed", "created", "changed", "deleted", "rekeyed", "reprovisioned"}
NAMED = {"token-created", "token-revoked"}
OF_CLUSTERS = {"cluster-init", "cluster-reset"}


def keys_of(event):
    """What of the ledger the event is: (node or cluster, what, which)."""
    kind, data, node = event["kind"], event["data"], event["node"]
    if kind == "progress":
        yield node, kind, data["stage"]
    if kind in ("up", "identity") and data.get("hostname", node) != node:
        yield node, "hostname", data["hostname"]
    if kind in COUNTED:
        yield node, kind, ""
    if kind in NAMED:
        yield "", kind, data["name"]
    if kind in OF_CLUSTERS:
        yield data["cluster"], kind, data["epoch"]


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.asked, self.done, self.seen = (collections.Counter() for _ in range(3))
        self.lives = nodelife.Lives()
        self.told = {}  # id of an event: what a follower was told of it
        self.journal = {}  # id: the event
        self.registered, self.tokens = {}, {}  # name: True, False, or None where no answer came
        self.inits, self.joins = {}, {}  # (cluster, epoch): (node, claim); token: (claim, moves of the clock)

    def asking(self, *key):
        with self.lock:
            self.asked[key] += 1

    def answered(self, *key):
        with self.lock:
            self.done[key] += 1

    def heard(self, event):
        with self.lock:
            self.told[event["id"]] = event

    def given_init(self, cluster, epoch, node, claim):
        with self.lock:
            first = self.inits.setdefault((cluster, epoch), (node, claim))
        assert first == (node, claim), f"init of {cluster}, epoch {epoch}: to {first} and to {node} {claim}"

    def given_token(self, token, cluster, epoch, claim, moves):
        """A claim has one token while the clock runs evenly, and no other claim has it."""
        with self.lock:
            claim = cluster, epoch, claim
            assert self.joins.setdefault(token, (claim, moves))[0] == claim, f"{token[:6]} for two claims"
            others = [t for t, given in self.joins.items() if given == (claim, moves) and t != token]
        assert not others, f"two tokens for one claim of {cluster}: {token[:6]} and {others[0][:6]}"

    # --- comparing it with the server ---

    def read(self, server):
        """The journal from where it was read last."""
        after = self.lives.last
        while after is not None:
            page = server.admin("GET", f"/v1/events?limit=1000&after={after}").json
            for event in page["events"]:
                self._read_one(event)
            after = page["next"]

    def _read_one(self, event):
        self.lives.hear(event)
        self.journal[event["id"]] = event
        self.seen.update(keys_of(event))

    def history(self, node):
        return [event for event in self.journal.values() if event["node"] == node]

    def check(self, server):
        """While nobody asks for anything. Names the node that something is wrong with first."""
        self.read(server)
        nodes = nodelife.nodes(server)
        last = None
        while last != self.lives.last:  # a cluster may have news
            last = self.lives.last
            nodes = nodelife.nodes(server)
            self.read(server)
        assert not self.lives.wrong, self.lives.wrong
        for number, told in self.told.items():
            assert self.journal.get(number) == told, f"told {told}, and the journal has {self.journal.get(number)}"
        self.told.clear()
        for key in self.asked.keys() | {k for k in self.seen if k[1] not in OF_CLUSTERS}:
            if not self.done[key] <= self.seen[key] <= self.asked[key]:
                raise Wrong(key[0], f"{key}: asked {self.asked[key]} times, answered {self.done[key]}, "
                            f"in the journal {self.seen[key]}")
        for (cluster, what, epoch), times in self.seen.items():
            if what == "cluster-init" and times > 1:
                raise Wrong("", f"{cluster}, epoch {epoch}: init {times} times")
        for name, node in nodes.items():
            if problems := self.lives.nodes.get(name, nodelife.Life()).problems(node):
                raise Wrong(name, "; ".join(problems))
        self._check_names(server, nodes)

    def _check_names(self, server, nodes):
        tokens = {t["name"] for t in server.admin("GET", "/v1/tokens").json["tokens"]}
        there = {n for n, node in nodes.items() if not node["declared"]}
        for what, names, known in (("node", there, self.registered), ("token", tokens, self.tokens)):
            lost = {n for n, state in known.items() if state} - names
            back = names - {n for n, state in known.items() if state is not False}
            assert not lost, f"a {what} that was made is lost: {sorted(lost)}"
            assert not back, f"a {what} that was deleted is there: {sorted(back)}"


class Wrong(AssertionError):
    """Something is wrong with this node."""

    def __init__(self, node, text):
        super().__init__(text)
        self.node = node
