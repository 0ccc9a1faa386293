# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of a running process: its CPU time and its memory."""
import os
from pathlib import Path


def cpu_ns(pid):
    """Time on a CPU of all threads that live, in nanoseconds. The kernel's part is in it, and with
    it the network's as far as it runs in the thread's own calls."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


def memory_bytes(pid):
    """{'pss': …, 'rss': …, 'private': …}: PSS counts a page that n processes share as 1/n."""
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, _ = line.split()
        fields[name.rstrip(":")] = int(value) * 1024
    return {"pss": fields["Pss"], "rss": fields["Rss"],
            "private": fields["Private_Clean"] + fields["Private_Dirty"]}


def peak_bytes(pid):
    """The most memory that it has had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/status has no VmHWM")


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def two_cores():
    """(the server's, the load's)"""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("bench: two cores are needed: one for the server, one for the load")
    return cores[0], cores[1]


def pin(pid, core):
    """To one core, with all of its threads and those that they start."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def on_core(core):
    """What to put in front of a command so that it stays on one core."""
    return ["taskset", "--cpu-list", str(core)]
