#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Started as root it is root no longer when it reads its first file."""
import grp
import os
import pwd
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

tree = world.Tree()
tree.role("r", user_data="one")
tree.node("n1", "r")
NOBODY = pwd.getpwnam("nobody")


def state():
    folder = world.scratch()
    if os.geteuid() == 0:
        os.chmod(folder, 0o755)
        os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    return folder / "state"


def start(*args, **options):
    if os.geteuid() != 0:
        raise tap.Skip("not root")
    os.chmod(tree.folder, 0o755)
    options = {"seed": tree.seed, "templates": tree.templates, **options}
    return daemon.Daemon(args=["--user", "nobody", *args], **options)


def ids(text):
    return {int(number) for number in text.split()}


def test_nothing_of_root_is_left():
    with start(state=state()) as server:
        for task in Path(f"/proc/{server.process.pid}/task").iterdir():
            try:
                status = world.status_of(f"{server.process.pid}/task/{task.name}")
            except (FileNotFoundError, ProcessLookupError):
                continue  # the checker's has ended meanwhile
            tap.eq(ids(status["Uid"]), {NOBODY.pw_uid})
            tap.eq(ids(status["Gid"]), {NOBODY.pw_gid})
            tap.eq(ids(status["Groups"]), {NOBODY.pw_gid})
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                tap.eq(int(status[kind], 16), 0, kind)
            tap.eq(status["NoNewPrivs"], "1")


def test_its_memory_is_in_no_core():
    """Whatever the limits and the kernel's settings were before it."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.chmod(tree.folder, 0o755)
    users = [["--user", "nobody"], []] if os.geteuid() == 0 else [[]]
    for user in users:
        server = daemon.Daemon(args=user, seed=tree.seed, templates=tree.templates, state=state())
        try:
            limits = Path(f"/proc/{server.process.pid}/limits").read_text(encoding="ascii")
            tap.eq(re.search(r"^Max core file size +(\S+) +(\S+)", limits, re.M).groups(), ("0", "0"))
            # A process that is not dumpable has files in /proc that are root's.
            owner = os.stat(f"/proc/{server.process.pid}/environ").st_uid
            tap.eq(owner, 0)
            server.stop(signal.SIGQUIT, -signal.SIGQUIT)  # whose default is a core
            assert not list(Path.cwd().glob("core*")) and not list(server.state.glob("core*"))
        finally:
            server.process.kill()


def test_its_secret_is_its_own():
    folder = state()
    with start(state=folder) as server:
        for path in (folder, folder / "secret"):
            tap.eq((path.stat().st_uid, path.stat().st_gid), (NOBODY.pw_uid, NOBODY.pw_gid))
        tap.eq(server.get(f"/s/{world.key_of(folder, 'n1')}/user-data").text, "one")


def test_a_reload_works_without_root():
    folder = state()
    with start(state=folder) as server:
        for count in (1, 2, 3):
            tree.template("r-user-data", f"turn {count}")
            server.signal(1)
            server.wait_event("reloaded", count=count)
            tap.eq(server.get(f"/s/{world.key_of(folder, 'n1')}/user-data").text, f"turn {count}")
        for task in Path(f"/proc/{server.process.pid}/task").iterdir():  # the loader's, too
            try:
                status = world.status_of(f"{server.process.pid}/task/{task.name}")
            except (FileNotFoundError, ProcessLookupError):
                continue  # the checker's has ended meanwhile
            tap.eq((ids(status["Uid"]), int(status["CapEff"], 16)), ({NOBODY.pw_uid}, 0))


def test_a_file_for_root_alone_is_found_out_at_the_start():
    hidden = tree.seed / "nodes/n1.yaml"
    hidden.chmod(0o600)
    try:
        server = start(state=state(), wait=False)
        tap.eq(server.wait(), 1)
        fault = server.events("fault")[0]
        tap.eq((fault["file"], fault["reason"]), (str(hidden), "Permission denied"))
    finally:
        hidden.chmod(0o644)


def test_a_state_folder_for_root_alone():
    folder = world.scratch()
    server = start(state=folder / "state", wait=False)
    tap.eq(server.wait(), 1)
    tap.contains(server.events("start-failed")[0]["reason"], "Permission denied")


def test_a_low_port_is_taken_before():
    with start(state=state(), http="127.0.0.77:80") as server:
        tap.eq((server.host, server.port), ("127.0.0.77", 80))
        tap.eq(server.get("/healthz").status, 200)


def test_a_group_of_its_own():
    """The configuration's user and group, where no flag names another."""
    if os.geteuid() != 0:
        raise tap.Skip("not root")
    path = world.scratch() / "cloudseedd.yaml"
    os.chmod(path.parent, 0o755)
    command = [daemon.BUILD / "cloudseedd", "--config", path, "--seed", tree.seed, "--templates",
               tree.templates, "--state", state(), "--socket", path.parent / "run" / "admin.sock",
               "--http", "127.0.0.1:0"]
    path.write_text('{"user": "nobody", "group": "daemon"}', encoding="utf-8")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        tap.contains(process.stderr.readline(), "event=listening")
        status = world.status_of(process.pid)
        process.terminate()
        tap.eq(process.wait(world.SECONDS), 0)
    group = grp.getgrnam("daemon").gr_gid
    tap.eq((ids(status["Uid"]), ids(status["Gid"]), ids(status["Groups"])),
           ({NOBODY.pw_uid}, {group}, {group}))
    path.write_text('{"user": "nobody", "group": "no-such-group"}', encoding="utf-8")
    got = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, timeout=300)
    tap.eq(got.returncode, 1)
    tap.contains(got.stderr, "there is no group 'no-such-group'")


def test_who_is_not_root_stays_who_he_is():
    if os.geteuid() != 0:
        with tree.start() as server:
            tap.eq(ids(world.status_of(server.process.pid)["Uid"]), {os.geteuid()})
        return
    binary = (daemon.BUILD / "cloudseedd").resolve()
    if not all(path.stat().st_mode & 1 for path in (binary, *binary.parents)):
        raise tap.Skip("the build folder is for its owner alone")
    folder = state()
    for option in ([], ["--user", "root"]):  # no wish makes it more
        with daemon.Daemon(seed=tree.seed, templates=tree.templates, state=folder, args=option,
                           user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[]) as server:
            status = world.status_of(server.process.pid)
            tap.eq((ids(status["Uid"]), status["NoNewPrivs"]), ({NOBODY.pw_uid}, "1"))


tap.main()
