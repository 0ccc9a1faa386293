# SPDX-License-Identifier: Apache-2.0
"""Requests in bulk, by wrk, and what they cost the server."""
import re
import subprocess
from dataclasses import dataclass

from processes import on_core

_DONE = re.compile(r"(\d+) requests in ([\d.]+)(us|ms|s|m),")
_ERRORS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
ACCEPT_ENCODING = "gzip, deflate"  # as cloud-init asks
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
BUSY = 0.95  # a server that idles more than this says nothing about requests/s


class LoadFailed(Exception):
    """Not every request was answered as it should be: the run measures something else."""


@dataclass(frozen=True)
class Load:
    connections: int
    keep_alive: bool
    seconds: int
    gzip: bool = False

    def __str__(self):
        kind = "keep-alive" if self.keep_alive else "a connection each"
        return f"{'gzip, ' if self.gzip else ''}{kind}, {self.connections} at once"


@dataclass(frozen=True)
class Cost:
    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def us_each(self):
        return self.cpu_seconds * 1e6 / self.requests

    @property
    def busy(self):
        return self.cpu_seconds / self.seconds

    @property
    def per_second(self):
        """None where the server was not what limited it."""
        return self.requests / self.seconds if self.busy > BUSY else None


def _check(text):
    """Time-outs count too: a request that was never answered."""
    errors = _ERRORS.search(text)
    refused = _REFUSED.search(text)
    if errors and any(int(n) for n in errors.groups()):
        raise LoadFailed(errors[0])
    if refused:
        raise LoadFailed(refused[0])


def wrk(url, load, core, script=None, arguments=()):
    """(requests, seconds) of one run of wrk on its own core."""
    command = on_core(core) + ["wrk", "--threads", "1", "--connections", str(load.connections),
                               "--duration", f"{load.seconds}s", "--timeout", "10s"]
    if not load.keep_alive:
        command += ["--header", "Connection: close"]
    if load.gzip:
        command += ["--header", f"Accept-Encoding: {ACCEPT_ENCODING}"]
    if script:
        command += ["--script", str(script)]
    command += [url] + (["--", *map(str, arguments)] if arguments else [])
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=load.seconds + 60)
    match = _DONE.search(done.stdout)
    if done.returncode or not match or match[1] == "0":
        raise LoadFailed(done.stdout)
    _check(done.stdout)
    return int(match[1]), float(match[2]) * _SECONDS[match[3]]


def cost(server, path, load, core, script=None, arguments=()):
    """What `load` costs `server`, which has cpu_ns() and url."""
    before = server.cpu_ns()
    requests, seconds = wrk(server.url + path, load, core, script, arguments)
    return Cost(requests, seconds, (server.cpu_ns() - before) / 1e9)


def pair(number, first, second):
    """(first(), second()): they take turns in who begins."""
    if number % 2 == 0:
        one = first()
        return one, second()
    other = second()
    return first(), other
