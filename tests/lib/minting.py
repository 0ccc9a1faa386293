# SPDX-License-Identifier: Apache-2.0
"""The daemon's minter on a real loop (mint_drive.c).

    with StandIn() as api, Minter(api) as minter:
        minter.mint(new_token()).ended()["outcome"]

Leaving a Minter ends its input and asserts a clean end: status 0, and nothing on standard error.
"""
import queue
import time

import drive
from daemon import BUILD, SECONDS

FATES = ["absent", "unknown", "present"]


class Mint:
    """Its states, in their order."""

    def __init__(self, minter, number):
        self.minter, self.number = minter, number
        self.states = queue.Queue()
        self.all = []

    def next(self):
        self.all.append(self.states.get(timeout=SECONDS))
        return self.all[-1]

    def until(self, true):
        while not true(self.next()):
            pass
        return self.all[-1]

    def says(self, part):
        return self.until(lambda s: part in s["message"])

    def ended(self):
        return self.until(lambda s: s["outcome"] != "pending")

    def hurried(self):
        """The same, without its pauses."""
        while self.next()["outcome"] == "pending":
            self.minter.pass_time(20)
        return self.all[-1]

    def end(self):
        self.minter.say(do="end", id=self.number)


class Minter(drive.Program):
    def __init__(self, api):
        self.api, self._mints = api, []
        super().__init__([BUILD / "tests" / "lib" / "mint_drive"])

    def heard(self, event):
        self._mints[event["id"]].states.put(event)

    def mint(self, token, fate="absent", seconds=900, within_ms=600_000, **options):
        mint = Mint(self, len(self._mints))
        self._mints.append(mint)
        self.say(**{"do": "mint", "id": mint.number, "endpoint": self.api.url, "ca": self.api.ca,
                    "bearer": self.api.bearers["minter"], "token": token,
                    "end_wall_ms": int((time.time() + seconds) * 1000), "within_ms": within_ms,
                    "fate": FATES.index(fate), **options})
        return mint

    def pass_time(self, seconds):
        """For the minter only."""
        self.say(do="pass", ms=int(seconds * 1000))
