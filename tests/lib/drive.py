# SPDX-License-Identifier: Apache-2.0
"""A program on a real loop that takes commands and tells events, a line of JSON each (commands.h).

Leaving it ends its input and asserts a clean end: status 0, and nothing on standard error.
"""
import json
import subprocess
import threading

from daemon import SECONDS


class Program:
    def __init__(self, command, env=None):
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, env=env)
        self.pid = self._child.pid
        self.output = []
        self._lock = threading.Lock()
        self._stderr = []
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._hear, self._errors)]
        for thread in self._threads:
            thread.start()

    def heard(self, event):
        """Called for each event, on a thread of its own."""
        raise NotImplementedError

    def _hear(self):
        for line in self._child.stdout:
            self.output.append(line)
            self.heard(json.loads(line))

    def _errors(self):
        self._stderr.append(self._child.stderr.read())

    def say(self, **command):
        with self._lock:
            self._child.stdin.write(json.dumps(command) + "\n")
            self._child.stdin.flush()

    def close(self):
        self._child.stdin.close()
        status = self._child.wait(SECONDS)
        for thread in self._threads:
            thread.join(SECONDS)
        self._child.stdout.close()
        self._child.stderr.close()
        said = "".join(self._stderr)
        assert status == 0 and not said, f"status {status}: {said}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self._child.kill()
            self._child.wait(SECONDS)
        else:
            self.close()
