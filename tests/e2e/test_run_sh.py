#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run.sh, with what this build made: it serves, says what to try, plays its demo, and ends cleanly."""
import contextlib
import os
import pty
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from daemon import BUILD, SECONDS, SOURCE  # noqa: E402

ENV = {**os.environ, "CLOUDSEED_BUILD": str(BUILD.resolve()), "CLOUDSEED_PACE": "0"}
RUN = BUILD.resolve() / "run"


def run(*words, program=SOURCE / "run.sh", **env):
    return subprocess.run([program, *words], env={**ENV, **env}, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=3 * SECONDS, check=False)


def test_check_fetches_once_and_ends():
    done = run("--check")
    tap.eq(done.returncode, 0, done.stdout + done.stderr)
    tap.contains(done.stdout, "k8s-master-1's user-data was served at http://127.0.0.1:")
    tap.contains(done.stderr, "event=stopped")


def test_check_fails_where_nothing_is_served():
    done = run("--check", CLOUDSEED_BUILD="/bin")
    assert done.returncode != 0
    tap.contains(done.stderr, "cloudseedd does not start")


def test_unknown_argument_shows_the_usage():
    done = run("--frobnicate")
    tap.eq(done.returncode, 2)
    for option in ("--check", "--demo"):
        tap.contains(done.stderr, f"./run.sh {option}")


class Serving:
    """run.sh in the foreground, its output to pipes or, with `terminal`, to a terminal of its own."""

    def __init__(self, terminal=False, program=SOURCE / "run.sh", **env):
        self.out, self.log = [], []
        options = {"env": {**ENV, **env}, "start_new_session": True}
        self.keys = None
        if terminal:
            self.keys, slave = pty.openpty()
            self.process = subprocess.Popen([program], stdin=slave, stdout=slave,
                                            stderr=slave, **options)
            os.close(slave)
            streams = [(os.fdopen(self.keys, "rb", buffering=0, closefd=False), self.out)]
        else:
            self.process = subprocess.Popen([program], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
            streams = [(self.process.stdout, self.out), (self.process.stderr, self.log)]
        self.readers = [self._gather(*each) for each in streams]

    @staticmethod
    def _gather(stream, parts):
        def read():
            with contextlib.suppress(OSError):  # how a terminal says that nobody has it open
                for some in iter(lambda: stream.read1() if hasattr(stream, "read1")
                                 else stream.read(65536), b""):
                    parts.append(some.decode(errors="replace"))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def __enter__(self):
        return self

    def text(self):
        return "".join(self.out).replace("\r\n", "\n")

    def wait(self, text, where=None):
        where = self.out if where is None else where
        tap.wait_until(lambda: text in "".join(where) or self.process.poll() is not None,
                       3 * SECONDS, f"{text!r} of run.sh")
        for thread in self.readers if text not in "".join(where) else ():
            thread.join(SECONDS)
        tap.contains("".join(where), text)
        return self

    def end(self):
        """By Ctrl-C, as a terminal does it; what the log then is."""
        os.killpg(self.process.pid, signal.SIGINT)
        tap.eq(self.process.wait(SECONDS), 0, self.text())
        for thread in self.readers:
            thread.join(SECONDS)
        return "".join(self.log or self.out)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()  # so that it ends its server
            self.process.wait(SECONDS)
        if self.keys:
            os.close(self.keys)


def advised(text):
    """The commands that it advises, and the alias's words."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("  ")]
    alias = next(line for line in lines if line.startswith("alias "))
    (assigned,) = shlex.split(alias)[1:]
    return lines, shlex.split(assigned.removeprefix("cloudseed="))


def test_foreground_advises_what_works_and_ends_by_ctrl_c():
    with Serving() as serving:
        text = serving.wait("Ctrl-C ends the server").text()
        assert "Enter plays" not in text, text  # there is nobody to press it
        lines, tool = advised(text)
        assert all(len(line) < 80 for line in text.splitlines() if "alias" not in line), text
        tap.eq((tool[0], tool[1]), (str(BUILD.resolve() / "cloudseed"), "--config"))
        config = Path(tool[2])
        assert config.is_absolute(), config
        tap.contains(config.read_text(), f"assets: '{RUN}/assets'")
        assert (RUN / "assets").is_dir()
        commands = [line.split("   ")[0] for line in lines if not line.startswith("alias ")]
        tap.eq(len(commands), 6)
        for command in commands:
            script = f'cloudseed() {{ {shlex.join(tool)} "$@"; }}; {command.replace("| less", "")}'
            done = subprocess.run(["bash", "-c", script], cwd="/", timeout=SECONDS, text=True,
                                  capture_output=True, check=True)
            if command.startswith("curl"):
                assert done.stdout.startswith("#cloud-config\n"), done.stdout
        serving.wait("event=reloaded", serving.log)
        tap.contains(serving.end(), "event=stopped")


def test_a_second_one_says_that_one_runs():
    with Serving() as serving:
        text = serving.wait("Ctrl-C ends the server").text()
        url = re.search(r"serves ./seed at (http://127.0.0.1:\d+)\.", text)[1]
        before = {f: (f.stat().st_ino, f.stat().st_mtime_ns) for f in sorted(RUN.iterdir())}
        second = run()
        tap.eq(second.returncode, 1)
        tap.contains(second.stderr, f"run.sh: a server of this checkout runs already: {url} (pid ")
        tap.contains(second.stderr, "end it with Ctrl-C")
        tap.eq({f: (f.stat().st_ino, f.stat().st_mtime_ns) for f in sorted(RUN.iterdir())}, before)
        tap.eq(run("--check").returncode, 0)  # it has files of its own
        serving.end()


def test_a_port_in_use_is_said_in_words():
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # another program has it: as good
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        with Serving() as serving:
            text = serving.wait("Ctrl-C ends the server").text()
            tap.contains(text, "Port 8080 is in use by another program (ss -lntp shows which)")
            assert ":8080" not in text.partition("serves ./seed")[2], text
            assert "start-failed" not in serving.end()


SCREEN = re.compile(r"\x1b\[\?1049h.*?\x1b\[\?1049l", re.S)
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def plays_whole_story(text):
    for words in ("k8s-worker-2 is armed until", "ds=nocloud;dsmode=net;s=http://127.0.0.1:",
                  "error: role: there is no role 'wroker'; did you mean 'worker'?",
                  "3 nodes, 4 roles, 1 cluster: no faults", "That was the whole way, in "):
        tap.contains(text, words)
    assert re.search(r"^k8s-worker-2 +ready +\S", text, re.M), text
    assert "Traceback" not in text, text
    assert len(text) < 12000, len(text)


def test_the_demo_in_a_pipe():
    done = run("--demo")
    tap.eq((done.returncode, done.stderr), (0, ""), done.stdout)
    plays_whole_story(done.stdout)
    journal = done.stdout.partition("$ cloudseed events k8s-worker-2 --since ")[2]
    rows = journal.partition("\n\n")[0].splitlines()[2:]
    kinds = [re.split(r"  +", row)[2] for row in rows]
    tap.eq(kinds, ["joining", "waits", "minting", "minted", "joined", "ready"])


def test_the_demo_from_the_terminal_of_the_server():
    with Serving(terminal=True) as serving:
        serving.wait("Enter plays two nodes")
        os.write(serving.keys, b"\n")
        serving.wait("Enter plays again")
        shown = serving.text()
        tap.contains(shown, "\x1b[?1049h")  # watch had the screen
        plays_whole_story(COLOR.sub("", SCREEN.sub("", shown)))
        tap.contains(serving.end(), "event=stopped")


class Own:
    """A checkout with this build and a tree of one's own: these nodes, none of them the example's."""

    def __init__(self, *nodes):
        self.path = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
        tap.defer(shutil.rmtree, self.path)
        for name in ("seed", "templates", "scripts"):
            shutil.copytree(SOURCE / name, self.path / name)
        (self.path / "tests").symlink_to(SOURCE / "tests")
        subprocess.run(["chmod", "-R", "u+w", self.path / "seed"], check=True)
        (self.path / "seed/nodes/homelab.yaml").write_text("".join(
            f"{node}: {{role: plain, addresses: [10.0.20.{i}]}}\n" for i, node in enumerate(nodes, 77)))
        self.build = self.path / "build"
        self.build.mkdir()
        for name in ("cloudseed", "cloudseedd"):
            (self.build / name).symlink_to(BUILD.resolve() / name)
        self.how = {"program": self.path / "run.sh", "CLOUDSEED_BUILD": str(self.build)}
        shutil.copy(SOURCE / "run.sh", self.path)


def test_a_tree_of_ones_own():
    for nodes, what in ((("nas", "backup"), "backup's user-data was served at http://127.0.0.1:"),
                        (("nas",), "nas's user-data was served at http://127.0.0.1:"),
                        ((), "the tree has no nodes; the server answers at http://127.0.0.1:")):
        done = run("--check", **Own(*nodes).how)
        tap.eq(done.returncode, 0, done.stderr)
        tap.contains(done.stdout, what)


def test_hints_of_a_tree_of_ones_own():
    for nodes in ((), ("nas",)):
        with Serving(terminal=True, **Own(*nodes).how) as serving:
            text = serving.wait("Ctrl-C ends the server").text()
            assert "Enter plays" not in text, text
            for hint in ("node show nas", "render nas user-data"):
                tap.eq(f"  cloudseed {hint}" in text, bool(nodes), text)
            tap.eq("  curl -s http" in text, bool(nodes), text)
            tap.contains(text, "  cloudseed node list\n")
            tap.contains(text, "  cloudseed reload ")
            tap.contains(serving.end(), "event=stopped")


def test_the_demo_needs_the_example():
    done = run("--demo", **Own("nas").how)
    tap.eq(done.returncode, 1)
    tap.contains(done.stderr, "the demo plays on the example in seed/, which is not there any more\n")
    assert "Traceback" not in done.stderr, done.stderr


STUBS = {
    "scripts/deps.sh": "echo deps: $*",
    "scripts/configure.sh": "echo configure: $*",
}
MAKEFILE = """\
cloudseedd: a.o b.o; @:
cloudseed: c.o; @:
%.o:
\t@echo "  CC      " src/$@; {}
"""


def test_a_build_shows_how_far_it_is():
    """In a checkout of stubs, whose make compiles nothing."""
    folder = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
    tap.defer(shutil.rmtree, folder)
    (folder / "scripts").mkdir()
    (folder / "build").mkdir()
    shutil.copy(SOURCE / "run.sh", folder)
    for name, text in STUBS.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    (folder / "scripts/demo.py").write_text("print('the demo')\n")
    (folder / "build/Makefile").write_text(MAKEFILE.format("true"))
    done = run("--demo", program=folder / "run.sh", CLOUDSEED_BUILD="")
    tap.eq((done.returncode, done.stderr), (0, ""))
    first, *_, last = lines = done.stdout.splitlines()
    tap.contains(first, "Looking for the Debian packages")
    tap.contains(done.stdout, "deps: build run\n")
    tap.contains(done.stdout, "Compiling: 3 of 3\n")
    tap.eq((last, len(lines)), ("the demo", 8))
    (folder / "build/Makefile").write_text("cloudseedd cloudseed: ; @:\n")
    done = run("--demo", program=folder / "run.sh", CLOUDSEED_BUILD="")
    tap.eq((done.returncode, done.stderr), (0, ""))
    assert "Compiling" not in done.stdout, done.stdout
    (folder / "build/Makefile").write_text(MAKEFILE.format("echo a.c:1: error: no >&2; false"))
    done = run("--demo", program=folder / "run.sh", CLOUDSEED_BUILD="")
    tap.eq(done.returncode, 1)
    tap.contains(done.stderr, "a.c:1: error: no\n")
    tap.contains(done.stderr, "run.sh: the build failed")


def test_configuring_is_said_where_it_is_done():
    folder = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
    tap.defer(shutil.rmtree, folder)
    for name in ("scripts", "build-aux"):
        (folder / name).mkdir()
    for name in ("Makefile.in", "build-aux/tap-driver.sh"):
        (folder / name).touch()
    (folder / "configure").write_text("#!/bin/sh\necho \"$@\" >>Makefile\n")
    (folder / "configure").chmod(0o755)
    program = Path(shutil.copy(SOURCE / "scripts/configure.sh", folder / "scripts"))
    said = "Configuring in build/ (half a minute) ...\n"
    for options, out in (((), said), ((), ""), (("--enable-asan",), said), (("--enable-asan",), "")):
        done = run("build", *options, program=program)
        tap.eq((done.returncode, done.stdout, done.stderr), (0, out, ""))
    tap.eq((folder / "build/Makefile").read_text(), "-q\n-q --enable-asan\n")


tap.main()
