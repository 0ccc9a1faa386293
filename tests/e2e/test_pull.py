#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""contrib/systemd/cloudseed-pull.sh: a real git repository, the real server. What is good gets into
service, what is not leaves no trace but its faults."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

SCRIPT = daemon.SOURCE / "contrib" / "systemd" / "cloudseed-pull.sh"
SAYS = "#!/bin/sh\necho {}\n"
NOBODY = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "a",
          "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
          "GIT_COMMITTER_EMAIL": "a@example.org"}


class Pulled:
    """A repository with a tree, and what was pulled of it."""

    def __init__(self):
        if not shutil.which("git"):
            raise tap.Skip("git is not installed")
        self.tree = world.Tree()
        self.tree.role("r", user_data=SAYS.format("one"))
        self.tree.node("n1", "r")
        self.state = world.scratch()
        self.server = None
        self.git("init", "-q", "-b", "main")
        self.first = self.commit("first")

    def git(self, *words):
        return subprocess.run(["git", "-C", self.tree.folder, *words], check=True, capture_output=True,
                              text=True, env={**os.environ, **NOBODY}).stdout.strip()

    def commit(self, subject):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def pull(self, status=0, shell=(), **env):
        """What it printed."""
        done = subprocess.run(
            [*shell, SCRIPT], capture_output=True, text=True, timeout=world.SECONDS, check=False,
            env={**os.environ, **NOBODY, "PATH": f"{daemon.BUILD.resolve()}:{os.environ['PATH']}",
                 "REPOSITORY": f"file://{self.tree.folder}", "STATE_DIRECTORY": str(self.state),
                 "CLOUDSEED_SERVER": str(self.server.socket) if self.server else "/nonexistent", **env})
        tap.eq(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def in_place(self):
        return os.readlink(self.state / "current")

    def start(self):
        self.server = world.start(seed=self.state / "current/seed",
                                  templates=self.state / "current/templates", state=world.scratch() / "state")
        return self.server

    def served(self, node="n1"):
        return self.server.get(f"/s/{world.key_of(self.server.state, node)}/user-data").text[15:-1]


def test_the_way_from_git_to_the_server():
    pulled = Pulled()
    tap.contains(pulled.pull(TEMPLATES=f"templates:{daemon.SOURCE}/templates"),
                 "(first), the first; start the server with "
                 f"--seed {pulled.state}/current/seed --templates {pulled.state}/current/templates:"
                 f"{daemon.SOURCE}/templates\n")
    tap.eq(pulled.in_place(), f"trees/{pulled.first}")
    with pulled.start() as server:
        tap.eq((pulled.pull(), pulled.served()), ("", "one"))
        pulled.tree.template("r-user-data", SAYS.format("two"))
        second = pulled.commit("second")
        said = pulled.pull()
        tap.contains(said, f"in service: {second[:7]} (second)\n")
        tap.eq((pulled.in_place(), pulled.served()), (f"trees/{second}", "two"))
        # faults: all as check prints them, and nothing is loaded
        pulled.tree.node("n2", "missing")
        pulled.commit("bad")
        for _ in range(2):  # until it is fixed
            said = pulled.pull(status=1)
            tap.contains(said, "nodes/n2.yaml:1:17: error: role: there is no role 'missing'")
            tap.contains(said, f"(bad): its tree has faults; {second} stays in place")
            tap.eq((pulled.in_place(), pulled.served()), (f"trees/{second}", "two"))
        tap.eq(len(server.events("reloaded")), 1)
        # history that was written again is what the branch is
        pulled.git("reset", "-q", "--hard", pulled.first)
        tap.contains(pulled.pull(), "in service: ")
        tap.eq(pulled.served(), "one")
        tap.eq(sorted(p.name for p in (pulled.state / "trees").iterdir()), sorted([pulled.first, second]))


def test_what_only_the_server_can_refuse():
    """A name that is registered with it: the tree is taken out again."""
    pulled = Pulled()
    pulled.pull()
    with pulled.start() as server:
        tap.eq(server.admin("POST", "/v1/nodes", {"name": "n2", "role": "r"}).status, 201)
        pulled.tree.node("n2", "r")
        pulled.commit("conflict")
        tap.contains(pulled.pull(status=1), f"(conflict): the server did not take it; {pulled.first} stays")
        tap.eq(pulled.in_place(), f"trees/{pulled.first}")
        tap.eq(server.admin("POST", "/v1/reload").status, 200)


def test_a_pull_that_was_cut_off_before_the_reload():
    """The next one lets the server load what is in place, or puts back what it does not take."""
    pulled = Pulled()
    pulled.pull()
    with pulled.start():
        pulled.tree.template("r-user-data", SAYS.format("two"))
        second = pulled.commit("second")
        pulled.pull()
        for link, target in (("loaded", pulled.first), ("current", pulled.first)):
            (pulled.state / link).unlink()
            (pulled.state / link).symlink_to(f"trees/{target}")
            tap.contains(pulled.pull(), f"in service: {second[:7]} (second)")
            tap.eq((pulled.in_place(), pulled.served()), (f"trees/{second}", "two"))
            tap.eq(pulled.pull(), "")


def test_what_cannot_be_fetched_changes_nothing():
    pulled = Pulled()
    pulled.pull()
    tap.contains(pulled.pull(status=1, REPOSITORY="file:///nonexistent"),
                 "<3>cannot fetch main of file:///nonexistent")
    for shell in filter(shutil.which, ("sh", "dash", "bash")):
        tap.contains(pulled.pull(status=1, shell=[shell], BRANCH="gone"), "<3>cannot fetch gone of ")
    tap.eq(pulled.in_place(), f"trees/{pulled.first}")


def test_a_password_in_the_repositorys_url_is_not_logged():
    said = Pulled().pull(status=1, REPOSITORY="https://puller:s3cret@127.0.0.1:1/seed.git")
    tap.contains(said, "<3>cannot fetch main of 127.0.0.1:1/seed.git")
    assert "s3cret" not in said, said


def test_a_pull_that_was_interrupted():
    pulled = Pulled()
    for name in ("trees/part/seed", "next"):
        (pulled.state / name).mkdir(parents=True)
    (pulled.state / "next").rmdir()
    (pulled.state / "next").symlink_to("trees/gone")
    (pulled.state / "trees/part/seed/half").write_text("")
    pulled.pull()
    tap.eq(pulled.in_place(), f"trees/{pulled.first}")
    tap.eq(sorted(os.listdir(pulled.state / "trees")), [pulled.first])
    tap.eq(list(pulled.state.rglob("half")), [])


tap.main()
