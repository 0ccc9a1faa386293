#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Starts that succeed, and starts that must not: one plain line says why, and the status tells."""
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

tree = world.Tree()
tree.node("n1")


def fails(reason, status=1, events=("start-failed",), **options):
    """A start that ends by itself; its lines."""
    server = tree.start(wait=False, **options)
    tap.eq(server.wait(), status, "\n".join(server.lines))
    parsed = server.events()
    told = [p for p in parsed if p["event"] in events]
    assert any(reason in p["reason"] for p in told), "\n".join(server.lines)
    tap.eq(server.events("listening"), [])
    for line in server.lines:
        assert line.startswith("time="), f"not a line of ours: {line}"
    return server.lines


def run(*args, env=None):
    got = subprocess.run([str(daemon.BUILD / "cloudseedd"), *map(str, args)], timeout=300,
                         capture_output=True, text=True, check=False,
                         env={**os.environ, **(env or {})})
    assert "Sanitizer" not in got.stderr and "runtime error" not in got.stderr, got.stderr
    return got


def loaded(folder):
    """What the programs that were given LD_DEBUG_OUTPUT=FOLDER/ld loaded, as the linker tells it."""
    return "".join(file.read_text() for file in folder.glob("ld.*"))


def test_libcurl_is_loaded_only_for_a_request():
    folder = world.scratch()
    folder.chmod(0o777)
    env = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(folder / "ld")}
    with tree.start(env=env) as server:
        tap.eq(server.get("/healthz").status, 200)
    cloudseed = [str(daemon.BUILD / "cloudseed")]
    subprocess.run([*cloudseed, "--version"], env={**os.environ, **env}, check=True, timeout=300,
                   stdout=subprocess.DEVNULL)
    tap.eq(len(list(folder.glob("ld.*"))), 2)
    assert "libyaml" in loaded(folder), loaded(folder)
    assert "libcurl" not in loaded(folder), loaded(folder)
    subprocess.run([*cloudseed, "--server", str(folder / "none"), "node", "list"], check=False,
                   env={**os.environ, **env}, timeout=300, stderr=subprocess.DEVNULL)
    assert "libcurl" in loaded(folder), loaded(folder)


def test_the_secret_is_made_once():
    state = world.scratch() / "state"
    before = os.umask(0)
    try:
        with tree.start(state=state):
            pass
    finally:
        os.umask(before)
    secret = state / "secret"
    tap.eq(secret.stat().st_mode & 0o7777, 0o600)
    tap.eq(state.stat().st_mode & 0o7777, 0o700)
    tap.eq(sorted(p.name for p in state.iterdir()), world.STATE_FILES)
    for file in state.iterdir():
        tap.eq(file.stat().st_mode & 0o7777, 0o600)
    text, key = secret.read_bytes(), world.key_of(state, "n1")
    for _ in range(2):
        with tree.start(state=state) as server:
            tap.eq(server.get(f"/s/{key}/meta-data").status, 200)
    tap.eq(secret.read_bytes(), text)


def test_each_state_has_a_secret_of_its_own():
    keys = set()
    for _ in range(3):
        with tree.start() as server:
            keys.add(world.key_of(server.state, "n1"))
    tap.eq(len(keys), 3)


def begins(server):
    try:
        server.wait_event("listening")
        return True
    except AssertionError:
        return False


def test_one_of_many_starts_at_once_has_the_state():
    state = world.scratch() / "state"
    servers = [tree.start(state=state, wait=False) for _ in range(4)]
    winners = [server for server in servers if begins(server)]
    tap.eq(len(winners), 1)
    for server in servers:
        if server not in winners:
            tap.contains(server.wait_event("start-failed")["reason"],
                         "another process uses the state")
            server.stop(status=1)
    server, = winners
    server._learn_addresses()  # pylint: disable=protected-access
    key = world.key_of(state, "n1")
    tap.eq(server.get(f"/s/{key}/meta-data").status, 200)
    server.stop()
    tap.eq(sorted(p.name for p in state.iterdir()), world.STATE_FILES)


def test_the_secrets_mode():
    state = world.scratch() / "state"
    with tree.start(state=state):
        pass
    for mode in (0o640, 0o604, 0o666, 0o601):
        (state / "secret").chmod(mode)
        lines = fails("chmod 600", events=("fault",), state=state)
        assert any(f"{state}/secret" in line for line in lines)
    (state / "secret").chmod(0o600)
    with tree.start(state=state):
        pass


def test_a_secret_that_is_none():
    state = world.scratch() / "state"
    state.mkdir()
    for text, reason in (("", "holds no secret"), ("a:123\n", "line 1"), ("\n\nnonsense", "line 3"),
                         ("a:" + "00" * 32 + "\na:" + "11" * 32, "line 2")):
        (state / "secret").write_text(text, encoding="ascii")
        (state / "secret").chmod(0o600)
        fails(reason, events=("fault",), state=state)
        tap.eq((state / "secret").read_text(encoding="ascii"), text)
    (state / "secret").unlink()
    (state / "secret").mkdir(mode=0o700)
    fails("directory", events=("fault",), state=state)


def test_no_place_for_state():
    folder = world.scratch()
    fails("cannot make the state folder", state=folder / "no" / "state")
    (folder / "file").write_text("", encoding="ascii")
    fails("Not a directory", state=folder / "file")
    if os.geteuid() != 0:
        (folder / "closed").mkdir(mode=0o500)
        fails("Permission denied", state=folder / "closed")


def test_closed_standard_descriptors():
    """No socket and no file takes the number of one that is closed: it would get the log."""
    log = world.scratch() / "log"
    for closed in ("0<&-", "1>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-"):
        shell = f'exec "$@" {"" if "2>" in closed else f"2>{log}"} {closed}'
        with world.listener() as passed:
            options = world.activated(passed)
            process = subprocess.Popen(
                ["bash", "-c", shell, "bash", *options["wrapper"], daemon.BUILD / "cloudseedd",
                 "--seed", tree.seed, "--templates", tree.templates, "--state",
                 world.scratch() / "state", "--socket", "none", "--log-level", "debug",
                 *(["--user", "root"] if os.geteuid() == 0 else [])],
                pass_fds=options["pass_fds"])
            tap.defer(process.kill)
            at = passed.getsockname()
        with socket.create_connection(at, timeout=world.SECONDS) as peer:
            peer.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            tap.contains(peer.recv(100).decode(), " 200 ")
        for number, text in enumerate(("0<", "1>", "2>")):
            if text in closed:
                tap.eq(os.readlink(f"/proc/{process.pid}/fd/{number}"), "/dev/null", closed)
        process.terminate()
        tap.eq(process.wait(world.SECONDS), 0, closed)
        if "2>" not in closed:
            tap.contains(log.read_text(encoding="ascii"), "event=stopped")


def test_the_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = "%s:%d" % other.getsockname()
        lines = fails(f"cannot listen on {address}: Address already in use", http=address)
        tap.eq(len(lines), 1)
        tap.contains(lines[0], "ss -lntup")
    fails("no such address", http="192.0.2.1:0")


def test_no_seed():
    folder = world.scratch()
    server = daemon.Daemon(seed=folder / "nothing", templates=tree.templates, wait=False)
    tap.eq(server.wait(), 1)
    tap.contains(server.events("fault")[0]["file"], f"{folder}/nothing/")
    tap.contains(server.events("start-failed")[0]["reason"], ": 1 fault")


def test_a_tree_with_faults():
    broken = world.Tree()
    broken.put("nodes/n1.yaml", {"n1": {"role": "nobody"}, "n2": {"rolle": "plain"}})
    server = broken.start(wait=False)
    tap.eq(server.wait(), 1)
    faults = server.events("fault")
    assert len(faults) >= 2 and all(f["file"].endswith("nodes/n1.yaml") for f in faults), faults
    tap.contains(server.events("start-failed")[0]["reason"], f"{len(faults)} faults")
    assert server.lines[-1].count("event=start-failed") == 1


def test_a_bad_configuration():
    for config, reason in (({"limits": {"connections": 0}}, "connections"),
                           ({"htps": ["0.0.0.0:1"]}, "htps"), ({"http": []}, "at least one"),
                           ({"http": "localhost:80"}, "localhost"), ({"log": {"level": "loud"}}, "loud")):
        server = tree.start(config=config, wait=False)
        tap.eq(server.wait(), 1)
        assert any(reason in f["reason"] for f in server.events("fault")), server.lines
        assert all(f["file"].endswith("cloudseedd.yaml") and int(f["line"]) >= 1
                   for f in server.events("fault")), server.lines


def test_a_configuration_that_is_not_there():
    server = tree.start(args=["--config", "/nonexistent/cloudseedd.yaml"], wait=False)
    tap.eq(server.wait(), 1)
    assert any("/nonexistent/cloudseedd.yaml" in line for line in server.lines), server.lines


def test_a_configuration_that_is_good():
    folder = world.scratch()
    path = folder / "cloudseedd.yaml"
    path.write_text(json.dumps({
        "seed": str(tree.seed), "templates": str(tree.templates), "state": str(folder / "s"),
        "http": ["127.0.0.1:0", "127.0.0.2:0"], "url": "http://from.config:1/",
        "log": {"level": "info"}}), encoding="utf-8")
    tree.role("shown", user_data="{{ seed.url }}")
    tree.node("shown", "shown")
    for flags, begins in ((), "http://from.config:1/s/"), (("--url", "http://flag"), "http://flag/s/"):
        server = daemon.Daemon(state=folder / "s", http=(), args=["--config", path, *flags])
        with server:
            tap.eq([host for host, _ in server.addresses], ["127.0.0.1", "127.0.0.2"])
            answer = server.get(f"/s/{world.key_of(folder / 's', 'shown')}/user-data")
            assert answer.text.startswith(begins), answer.text
            server.wait_event("served")  # at info; the port's flag won over the file's
    with daemon.Daemon(state=folder / "s", http="127.0.0.3:0",
                       args=["--config", path]) as server:
        tap.eq([host for host, _ in server.addresses], ["127.0.0.3"])


def test_a_wrong_command_line():
    for args, reason in ((["--nonsense"], "nonsense"), (["--http", "nowhere"], "nowhere"),
                         (["--http", "1.2.3.4"], "ADDR:PORT"), (["--http"], "argument"),
                         (["--log-level", "loud"], "debug info notice warning error"),
                         (["--log-format", "xml"], "logfmt json"), (["--url", "ftp://x"], "http://"),
                         (["extra"], "options only"), (["--http", "127.0.0.1:0"] * 17, "at most")):
        got = run(*args)
        tap.eq((got.returncode, got.stdout), (64, ""), got.stderr)  # as cloudseed
        tap.contains(got.stderr, reason)
        tap.eq(got.stderr.splitlines()[-1], "Try 'cloudseedd --help'.")
        tap.eq(len(got.stderr.splitlines()), 2)


def test_help_and_version():
    got = run("--help")
    tap.eq((got.returncode, got.stderr), (0, ""))
    for word in ("--seed", "--templates", "--state", "--http", "--check", "SIGHUP"):
        tap.contains(got.stdout, word)
    got = run("--version")
    tap.eq((got.returncode, got.stderr), (0, ""))
    assert got.stdout.startswith("cloudseedd ") and got.stdout.count("\n") == 1


def test_check():
    folder = world.scratch()
    sound = world.Tree()
    sound.role("r", user_data="#cloud-config\nruncmd: [true]\n")
    sound.node("n1", "r")
    flags = ["--check", "--seed", sound.seed, "--templates", sound.templates,
             "--state", folder / "state"]
    got = run(*flags)
    tap.eq(got.returncode, 1)
    tap.contains(got.stderr, "r-user-data line=2 column=10 node=n1 document=user-data")
    tap.contains(got.stderr, "event=checked nodes=1 faulty=1")
    sound.template("r-user-data", "#cloud-config\nruncmd: ['true']\n")
    got = run(*flags)
    tap.eq(got.returncode, 0, got.stderr)
    tap.contains(got.stderr, "event=checked nodes=1 faulty=0")
    assert not (folder / "state").exists()  # it looks, and makes nothing
    faulty = daemon.SOURCE / "tests/faulty/tree-25"
    got = run("--check", "--seed", faulty / "seed", "--templates", faulty / "templates")
    tap.eq(got.returncode, 1)
    assert got.stderr.count("event=fault ") >= 25, got.stderr
    assert "event=checked" not in got.stderr


def test_a_user_that_is_not_there():
    if os.geteuid() != 0:
        raise tap.Skip("not root")
    server = tree.start(wait=False, args=["--user", "no-such-user"])
    tap.eq(server.wait(), 1)
    tap.contains(server.events("start-failed")[0]["reason"], "there is no user 'no-such-user'")


def test_several_addresses():
    with tree.start(http=("127.0.0.1:0", "127.0.0.2:0", "[::1]:0")) as server:
        tap.eq([host for host, _ in server.addresses], ["127.0.0.1", "127.0.0.2", "[::1]"])
        for host, port in server.addresses:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as s:
                s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                tap.contains(s.makefile("rb").read().decode(), "alive")


tap.main()
