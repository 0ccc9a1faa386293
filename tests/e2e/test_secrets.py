#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Secrets for sealed templates: where they come from, what happens when they do not come, and that
no value of them is ever to be seen."""
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

VALUE = "correct-horse-battery-staple"  # is to be found nowhere
CLUSTER = {"k8s": {"version": "1.29.15", "endpoint": "api.lab:6443", "pods": "192.168.0.0/16",
                   "services": "10.96.0.0/12"}}


class Site:
    """A tree whose workers are given a file with secrets, and its server's configuration."""

    def __init__(self, *names):
        self.tree = world.Tree()
        (self.tree.templates / "sealed").mkdir()
        self.tree.template("sealed/kubeadm", "token: {{ bootstrap.token }}\n")
        self.tree.put("clusters/c.yaml", CLUSTER)
        self.tree.put("roles/w.yaml", {"w": {
            "bootstrap": "worker", "kubeadm": "sealed/kubeadm", "sealed": {"/etc/s": {"template": "sealed/s"}}}})
        self.tree.node("n1", "w", cluster="k8s")
        self.ask(*names)
        self.state = self.tree.folder / "state"
        self.file = self.tree.folder / "value"
        self.file.write_text(VALUE + "\n", encoding="ascii")
        self.file.chmod(0o600)
        self.secrets = {"a": {"file": str(self.file)}}

    def ask(self, *names):
        self.tree.template("sealed/s", "".join(f"{{{{ secrets.{n} }}}}\n" for n in names))

    def start(self, **options):
        return world.start({"secrets": self.secrets}, seed=self.tree.seed, state=self.state,
                           templates=self.tree.templates, **options)

    def nowhere(self, server):
        """The value is in no line of the log and no byte of the state."""
        assert not any(VALUE in line for line in server.lines), "\n".join(server.lines)
        files = [p for p in self.state.iterdir() if p.is_file()]
        assert any(p.name == "state.db" for p in files), files
        for path in files:
            data = path.read_bytes()
            assert VALUE.encode() not in data, path
            assert VALUE.encode().hex().encode() not in data, path


def records(state, kind):
    """{key: bytes} of a state that no server has."""
    with contextlib.closing(sqlite3.connect(state / "state.db")) as db:
        return dict(db.execute("SELECT key, bytes FROM record WHERE kind = ?", (kind,)))


def refused(server, reason, **fields):
    tap.eq(server.wait(), 1, "\n".join(server.lines))
    assert any(reason in f["reason"] and fields.items() <= f.items()
               for f in server.events("fault")), "\n".join(server.lines)


def test_values_are_kept_sealed_and_shown_nowhere():
    site = Site("a", "b", "c")
    site.secrets["b"] = {"env": "CLOUDSEED_TEST_B"}
    site.secrets["c"] = {"command": ["/bin/echo", VALUE, "c"]}
    with site.start(env={"CLOUDSEED_TEST_B": VALUE}) as server:
        tap.eq(server.get(f"/s/{world.key_of(site.state, 'n1')}/user-data").status, 200)
        server.wait_event("checked")
        site.nowhere(server)
    kept = records(site.state, "secret")
    tap.eq(sorted(kept), ["a", "b", "c"])
    assert all(text.startswith(b"1:") for text in kept.values()), kept
    assert kept["a"] != kept["b"]
    site.nowhere(server)


def test_shown_documents_have_placeholders():
    site = Site("a")
    with site.start() as server:
        path = "/v1/nodes/n1/documents/sealed/etc/s"
        tap.eq(server.admin("GET", path).text, "SECRET-a\n")


def test_what_nothing_defines_is_refused_at_its_place():
    site = Site("a", "missing")
    server = site.start(wait=False)
    refused(server, "secrets.missing: nothing says where its value comes from", line="2",
            column="4", file=str(site.tree.templates / "sealed/s"))
    config = world.scratch() / "c.yaml"
    config.write_text("secrets: {}\n", encoding="ascii")
    got = subprocess.run([daemon.BUILD / "cloudseedd", "--check", "--config", config, "--seed",
                          site.tree.seed, "--templates", site.tree.templates], check=False,
                         stderr=subprocess.PIPE, text=True, timeout=300)
    tap.eq(got.returncode, 1)
    tap.contains(got.stderr, "secrets.missing: nothing says")


def check(site):
    """What cloudseedd --check says, which reads no value. Its kubeadm template has a fault, too."""
    config = world.scratch() / "cloudseedd.yaml"
    config.write_text(json.dumps({"secrets": site.secrets}))
    done = subprocess.run([daemon.BUILD / "cloudseedd", "--check", "--config", config, "--seed",
                           site.tree.seed, "--templates", site.tree.templates, "--state",
                           site.state], capture_output=True, text=True, check=False)
    assert VALUE not in done.stderr and "Sanitizer" not in done.stderr, done.stderr
    tap.eq(done.returncode, 1)
    return done.stderr


def test_check_sees_what_cannot_be_read():
    site = Site("a")
    with site.start():
        pass
    without = check(site)
    for path in (site.file, site.state / "secret", site.state / "sealing-key"):
        assert str(path) not in without, without
        path.chmod(0o644)
        tap.contains(check(site), f"{path}: others than its owner")
        path.chmod(0o600)
    site.file.unlink()
    tap.contains(check(site), f"secret 'a' cannot be read: {site.file}: No such file")
    site.file.mkdir()
    tap.contains(check(site), f"{site.file}: not a regular file")
    site.secrets["a"] = {"command": ["/nonexistent/pass"]}
    tap.contains(check(site), "secret 'a' cannot be read: /nonexistent/pass cannot be run: No such")
    site.secrets["a"] = {"env": "ONLY_THE_DAEMON_HAS_IT"}
    assert "secret 'a'" not in check(site)


def test_what_no_node_is_given_need_not_be_defined():
    site = Site("a")
    site.tree.template("sealed/unused", "{{ secrets.nobody }}\n")
    with site.start() as server:
        tap.eq(server.events("fault"), [])


def test_a_value_that_cannot_be_read_at_first():
    site = Site("a")
    site.file.chmod(0o644)
    refused(site.start(wait=False), "secret 'a' cannot be read: ")
    site.file.unlink()
    server = site.start(wait=False)
    refused(server, "No such file or directory", line="1")
    site.secrets["a"] = {"command": ["/bin/sh", "-c", f"echo {VALUE}; echo {VALUE} >&2; exit 7"]}
    server = site.start(wait=False)
    refused(server, "/bin/sh ended with status 7")
    assert not any(VALUE in line for line in server.lines), server.lines


def test_a_reload_that_cannot_read_changes_nothing():
    site = Site("a")
    with site.start() as server:
        site.file.chmod(0o644)
        server.signal(1)
        server.wait_event("reload-refused")
        tap.contains(server.events("fault")[0]["reason"], "others than its owner and group")
        site.file.chmod(0o600)
        server.signal(1)
        server.wait_event("reloaded")
        site.ask("a", "b")
        server.signal(1)
        server.wait_event("reload-refused", count=2)
        tap.contains(server.events("fault")[-1]["reason"], "secrets.b: nothing says")
        site.nowhere(server)


def test_a_restart_goes_on_with_the_last_good_value():
    site = Site("a")
    with site.start():
        pass
    kept = records(site.state, "secret")
    site.file.unlink()
    with site.start() as server:
        tap.contains(server.events("warning")[0]["reason"],
                     "secret 'a' cannot be read, its last good value is used: ")
        server.signal(1)
        server.wait_event("reload-refused")
        site.nowhere(server)
    tap.eq(records(site.state, "secret"), kept)


def test_a_value_is_written_when_it_changes_and_goes_when_nobody_asks():
    site = Site("a")
    with site.start():
        pass
    first = records(site.state, "secret")["a"]
    with site.start():
        pass
    tap.eq(records(site.state, "secret")["a"], first)
    with site.start() as server:
        site.file.write_text(VALUE + "2", encoding="ascii")
        server.signal(1)
        server.wait_event("reloaded")
    assert records(site.state, "secret")["a"] != first
    with site.start() as server:
        site.ask()
        server.signal(1)
        server.wait_event("reloaded")
    tap.eq(records(site.state, "secret"), {})


def test_a_command_does_not_hold_the_loop_nor_the_end():
    site = Site("a")
    os.mkfifo(site.tree.folder / "pipe")
    site.secrets["a"] = {"command": ["/bin/cat", str(site.tree.folder / "pipe")]}

    def feed():
        with open(site.tree.folder / "pipe", "w", encoding="ascii") as pipe:
            pipe.write(VALUE)

    writer = threading.Thread(target=feed)
    writer.start()
    with site.start() as server:
        writer.join(world.SECONDS)
        server.signal(1)  # nobody writes now: the loader waits, and nobody else
        for _ in range(3):
            tap.eq(server.get(f"/s/{world.key_of(site.state, 'n1')}/user-data").status, 200)
        tap.eq(server.events("reloaded") + server.events("reload-refused"), [])


tap.main()
