#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Assets on a share that hangs, comes back, and goes away: by a FUSE file system that is stopped."""
import contextlib
import http.client
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "lib"), str(HERE.parents[1] / "tools")]
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402

MIB = 1024 * 1024
SIZES = {"small": 1000, "large": 64 * MIB, "odd": 1_000_001}
DEADLINE = 5
MARK = "CLOUDSEED_TEST_MOUNTS"


def reason_to_skip():
    if os.geteuid() != 0:
        return "only root may mount"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse"
    probe = subprocess.run(["/usr/bin/python3", "-c", "import fusepy"], capture_output=True)
    if probe.returncode or not shutil.which("unshare"):
        return "python3-fusepy is not installed"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        return "no mount namespace can be made"
    return None


WHY_NOT = reason_to_skip()
if not WHY_NOT and MARK not in os.environ:  # what is mounted goes away with the test
    os.execvpe("unshare", ["unshare", "--mount", sys.executable, "-B", *sys.argv],
               {**os.environ, MARK: "1"})


def waits_for_the_share(pid):
    """Whether one of its threads does, in the kernel."""
    return any("fuse" in place or "request_wait_answer" in place
               for place in world.threads(pid, "wchan").values())


class Share:
    """The file system at `folder`, and a daemon that serves it."""

    def __init__(self, config=None):
        if WHY_NOT:
            raise tap.Skip(WHY_NOT)
        import sharefs
        self.content = sharefs.content
        self.folder = world.scratch() / "share"
        self.folder.mkdir()
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-B", sharefs.__file__, str(self.folder),
             *(f"{name}={size}" for name, size in SIZES.items())])
        tap.wait_until(lambda: os.path.ismount(self.folder), what="the share to be mounted")
        self.tree = world.Tree()
        self.tree.node("n1")
        self.server = self.tree.start(config=config, args=["--assets", self.folder, "--tftp", "127.0.0.1:0"])

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        self.go_on()
        self.process.kill()
        self.process.wait()
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.end()
        self.server.__exit__(*error)

    def ask(self, name, *headers, method="GET"):
        with world.Wire(self.server) as wire:
            return wire.get(f"/assets/{name}", *headers, method=method).answer(method)

    def threads(self):
        return int(world.status_of(self.server.process.pid)["Threads"])


def test_it_is_served_without_sendfile():
    with Share() as share:
        for name, size in SIZES.items():
            answer = share.ask(name)
            tap.eq((answer.status, answer.header("Content-Length")), (200, str(size)))
            assert answer.body == share.content(0, size), name
        answer = share.ask("large", "Range: bytes=300001-900000")
        tap.eq(answer.header("Content-Range"), f"bytes 300001-900000/{SIZES['large']}")
        assert answer.body == share.content(300001, 600000)
        tap.eq(share.ask("large", method="HEAD").header("Content-Length"), str(SIZES["large"]))
        tap.eq(share.ask("none").status, 404)
        with world.Wire(share.server, receive_bytes=4096) as wire:  # who leaves early
            wire.get("/assets/large").socket.recv(100)
        share.server.wait_event("served", file="large", outcome="peer left")
        tap.eq(share.ask("small").body, share.content(0, 1000))


def test_it_hangs_and_comes_back():
    with Share() as share:
        tap.eq(share.ask("small").status, 200)
        share.hang()
        waiting = [world.Wire(share.server).get("/assets/small") for _ in range(12)]
        begun = time.monotonic()
        assert world.elapsed(share.server.get, "/healthz") < DEADLINE, "the loop must not wait"
        for wire in waiting:
            answer = wire.answer()
            tap.eq((answer.status, answer.header("Retry-After")), (503, "1"))
            tap.contains(world.one_line(answer), "does not answer")
        took = time.monotonic() - begun
        assert DEADLINE - 1 < took < DEADLINE + 60, took
        threads = share.threads()
        for _ in range(20):  # with all threads stuck nobody waits, and no more threads are made
            assert world.elapsed(share.ask, "small") < DEADLINE
        tap.eq(share.ask("large").status, 503)
        tap.eq(share.threads(), threads)
        share.go_on()
        tap.wait_until(lambda: share.ask("small").status == 200, what="the share to be back")
        tap.eq(share.ask("large").body, share.content(0, SIZES["large"]))
        tap.eq(share.threads(), threads)


def test_it_hangs_in_the_middle():
    with Share() as share:
        with world.Wire(share.server, receive_bytes=8192) as wire:
            wire.get("/assets/large")
            while len(wire.pending) < 300_000:
                wire._more()
            share.hang()
            assert world.elapsed(share.server.get, "/healthz") < DEADLINE, "the loop must not wait"
            took = world.elapsed(wire.rest)
            assert took < DEADLINE + 60, took
        said = share.server.wait_event("served", file="large")
        tap.eq(said["outcome"], "the assets folder stopped answering")


def test_a_transfer_that_is_aborted_while_it_hangs():
    """Closing its file blocks for as long as the share hangs."""
    with Share() as share:
        host, port = share.server.listening["tftp"].rsplit(":", 1)
        with tftp.Peer((host, int(port))) as waiting, tftp.Peer((host, int(port))) as reading:
            for peer in (waiting, reading):
                peer.ask("large", blksize=1428)
                tap.eq(peer.receive().opcode, tftp.OACK)
            reading.send(tftp.ack(0))
            tap.eq(reading.receive().number, 1)
            share.hang()
            for count, peer in enumerate((waiting, reading), 1):
                peer.send(tftp.error(8, "User aborted the transfer"))
                share.server.wait_event("tftp", outcome="aborted", count=count)
                assert world.elapsed(share.server.get, "/healthz") < DEADLINE, "the loop waited"


def test_it_goes_away():
    with Share() as share:
        tap.eq(share.ask("small").status, 200)
        share.process.kill()
        share.process.wait()
        answer = share.ask("small")
        tap.eq(answer.status, 503)
        world.one_line(answer)


def test_the_server_ends_while_it_hangs():
    with Share() as share:
        share.hang()
        answer = share.ask("small")
        tap.eq(answer.status, 503)
        share.server.process.send_signal(signal.SIGTERM)
        share.server.wait_event("stopped")
        share.end()  # a thread in the kernel ends with its call, and only then does its process
        tap.eq(share.server.process.wait(world.SECONDS), 0)


def test_the_server_ends_while_a_reload_hangs():
    with Share() as share:
        (share.tree.seed / "roles" / "far.yaml").symlink_to(share.folder / "small")
        share.hang()
        share.server.process.send_signal(signal.SIGHUP)
        tap.wait_until(lambda: waits_for_the_share(share.server.process.pid), what="the reload")
        assert world.elapsed(share.server.get, "/healthz") < DEADLINE, "the loop waited"
        share.server.process.send_signal(signal.SIGTERM)
        share.server.wait_event("reload-stuck")
        share.server.wait_event("stopped")
        share.end()
        tap.eq(share.server.process.wait(world.SECONDS), 0)


def backup(share, answers):
    """In vain: its answer, if it gets one before the server ends."""
    path = share.folder / "far.db"
    with contextlib.suppress(OSError, http.client.HTTPException):
        answers.append(share.server.admin("POST", "/v1/backup", {"path": str(path)}))


def test_a_backup_to_it_holds_nothing_up():
    with Share({"limits": {"shutdown_seconds": 1}}) as share:
        answers = []
        share.hang()
        asking = threading.Thread(target=backup, args=(share, answers))
        asking.start()
        tap.wait_until(lambda: waits_for_the_share(share.server.process.pid), what="the backup")
        for action in ("arm", "disarm", "arm"):
            answer, took = timed(share.server.admin, "POST", f"/v1/nodes/n1/{action}")
            assert answer.status == 200 and took < DEADLINE, (answer.text, took)
        near = world.scratch() / "near.db"
        again = share.server.admin("POST", "/v1/backup", {"path": str(near)})
        tap.eq((again.status, near.exists()), (503, False))
        tap.contains(again.text, "another backup is being made")
        share.server.process.send_signal(signal.SIGTERM)
        share.server.wait_event("stopped")
        asking.join()
        assert all(a.status == 503 for a in answers), answers
        share.end()
        tap.eq(share.server.process.wait(world.SECONDS), 0)


def timed(function, *args):
    begin = time.monotonic()
    return function(*args), time.monotonic() - begin


tap.main()
