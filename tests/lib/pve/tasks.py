# SPDX-License-Identifier: Apache-2.0
"""Tasks of Proxmox VE: work that goes on after the answer, under an UPID."""
import re
import threading
import time

from pve.schema import Refused, wrong


class Task:
    def __init__(self, upid, node, kind, name, owner, steps):
        self.upid, self.node, self.kind, self.name, self.owner = upid, node, kind, name, owner
        self.steps, self.undo = steps, None
        self.exit, self.log, self.began = None, [], time.time()
        self.unseen = 0  # times that it is not found, right after its begin
        self.ended = threading.Event()

    def vmid(self):
        return int(self.name) if self.name.isdigit() else None


class Killed(Exception):
    """The worker's process went away."""


class Tasks:
    """Each runs on a thread of its own; `lock` is held within a step, and pauses lie between them.

    `plans` says how tasks of a kind go wrong: see Pve.plan_task."""

    def __init__(self, lock, pause):
        self.lock, self.pause = lock, pause
        self.all, self.plans = {}, []
        self._count = 0

    def _plan(self, kind):
        for plan in self.plans:
            if re.fullmatch(plan["kind"], kind) and plan["times"] > 0:
                plan["times"] -= 1
                return plan
        return {}

    def begin(self, node, kind, name, owner, steps, undo=None):
        """Called with the lock held. The answer's text."""
        self._count += 1
        pid, pstart = 0x3E8 + self._count, 0x10000 + self._count
        upid = f"UPID:{node}:{pid:08X}:{pstart:08X}:{int(time.time()):08X}:{kind}:{name}:{owner}:"
        task = Task(upid, node, kind, str(name), owner, steps)
        task.undo = undo
        plan = self._plan(kind)
        task.unseen = plan.get("unseen", 0)
        self.all[upid] = task
        threading.Thread(target=self._run, args=(task, plan), daemon=True).start()
        return upid

    def _run(self, task, plan):
        warnings = plan.get("warnings", 0)
        try:
            for number, step in enumerate(task.steps):
                time.sleep(self.pause * plan.get("slower", 1))
                gate = plan.get("gate")
                if gate and number == plan.get("gate_at", 0):
                    gate.wait(120)
                with self.lock:
                    if plan.get("killed_at") == number:
                        raise Killed
                    if plan.get("fails_at") == number:
                        raise Refused(500, plan["text"])
                    step()
            end = f"WARNINGS: {warnings}" if warnings else "OK"
        except Killed:
            end = "unexpected status"  # nothing is undone, locks stay
        except Refused as why:
            with self.lock:
                if task.undo:
                    task.undo()
            end = why.message
        with self.lock:
            task.log.append(f"TASK {end}")
            task.exit = end
        task.ended.set()

    def find(self, token, upid):
        """Readable only by the token that began it, or one of the same user without separation."""
        if not re.fullmatch(r"UPID:[^:]+:[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:[^:]+:[^:]*:[^:]+:",
                            upid):
            raise wrong(upid=f"unable to parse worker upid '{upid}'")
        task = self.all.get(upid)
        if task and task.unseen > 0:
            task.unseen -= 1
            task = None
        if not task:
            raise wrong(upid="no such task")
        if task.owner not in (token.name, token.user):
            raise Refused(403, "Permission check failed (/nodes/" + task.node + ", Sys.Audit)")
        return task

    def status(self, task):
        found = {"upid": task.upid, "node": task.node, "type": task.kind, "id": task.name,
                 "user": task.owner, "starttime": int(task.began), "pid": 1, "pstart": 1,
                 "status": "stopped" if task.exit else "running"}
        return {**found, "exitstatus": task.exit} if task.exit else found

    def wait_all(self, seconds=120):
        for task in list(self.all.values()):
            assert task.ended.wait(seconds), task.upid
