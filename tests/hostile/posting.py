# SPDX-License-Identifier: Apache-2.0
"""Clients that report their progress as fast as they can, and remember what was answered 200."""
import http.client
import json
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("lib", "e2e")]
import tap  # noqa: E402
import world  # noqa: E402


class Client(threading.Thread):
    """Posts until it is stopped, and knows what was answered 200."""

    def __init__(self, server, name, first=1):
        super().__init__(daemon=True)
        self.server, self.name, self.over = server, name, threading.Event()
        self.key = world.key_of(server.state, name)
        self.number, self.answered, self.statuses = first, [], set()

    def run(self):
        while not self.over.is_set():
            stage = f"{self.name}-{self.number}"
            self.number += 1
            body = json.dumps({"name": stage, "description": "d", "event_type": "start"})
            try:
                status = self.server.request("POST", f"/s/{self.key}/report", body).status
            except (OSError, http.client.HTTPException):
                return  # it was killed: not answered
            self.statuses.add(status)
            if status == 200:
                self.answered.append(stage)


def stages(server):
    """Those of all reports in the journal."""
    found, after = set(), 0
    while after is not None:
        page = server.admin("GET", f"/v1/events?kind=progress&limit=100&after={after}").json
        found |= {e["data"]["stage"] for e in page["events"]}
        after = page["next"]
    return found


def start(made, state, **options):
    """None if it does not start, which it must say."""
    server = made.start(state=state, wait=False, **options)
    tap.wait_until(lambda: server.events("listening") or server.events("start-failed"))
    if server.events("start-failed"):
        server.stop(status=1)
        return None
    server._learn_addresses()  # pylint: disable=protected-access
    return server
