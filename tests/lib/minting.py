# SPDX-License-Identifier: Apache-2.0
"""The daemon's minter on a real loop (mint_drive.c).

    with StandIn() as api, Minter(api) as minter:
        minter.mint(new_token()).ended()["outcome"]

Leaving a Minter ends its input and asserts a clean end: status 0, and nothing on standard error.
"""
import json
import queue
import subprocess
import threading
import time

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


class Minter:
    def __init__(self, api):
        self.api = api
        self._child = subprocess.Popen([BUILD / "tests" / "lib" / "mint_drive"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
        self.output, self._errors, self._mints = [], [], []
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._hear, self._fail)]
        for thread in self._threads:
            thread.start()

    def _hear(self):
        for line in self._child.stdout:
            self.output.append(line)
            state = json.loads(line)
            self._mints[state["id"]].states.put(state)

    def _fail(self):
        self._errors.append(self._child.stderr.read())

    def say(self, **command):
        self._child.stdin.write(json.dumps(command) + "\n")
        self._child.stdin.flush()

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

    def close(self):
        self._child.stdin.close()
        status = self._child.wait(SECONDS)
        for thread in self._threads:
            thread.join(SECONDS)
        self._child.stdout.close()
        self._child.stderr.close()
        said = "".join(self._errors)
        assert status == 0 and not said, f"status {status}: {said}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self._child.kill()
            self._child.wait(SECONDS)
        else:
            self.close()
