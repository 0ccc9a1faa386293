# SPDX-License-Identifier: Apache-2.0
"""What an admin sees of a real boot: `cloudseed watch` on a terminal, and the keys that ssh needs."""
import os
import subprocess

import evidence
import life
import server
import tap
from daemon import BUILD, SECONDS
from machine import ip

COLUMNS, LINES = 132, 7
WAITING, FAILING = "k8s-worker-2", "broken-timezone"
SSHD = ["/usr/sbin/sshd", "-D", "-e", "-o", "PidFile=none"]


def tool(stage, *arguments):
    """The admin's tool as a command line, asking this stage's server."""
    return [str(BUILD.resolve() / "cloudseed"), *arguments, "--color", "never",
            "--server", str(stage.server.daemon.socket)]


def says(stage, *arguments):
    done = subprocess.run(tool(stage, *arguments), capture_output=True, text=True, check=False,
                          timeout=SECONDS)
    tap.eq((done.returncode, done.stderr), (0, ""), " ".join(arguments))
    return done.stdout


class Terminal:
    """One that nobody looks at, and a command in it."""

    def __init__(self, folder, command):
        self.tmux = ["tmux", "-f", "/dev/null", "-S", f"{folder}/tmux"]
        subprocess.run([*self.tmux, "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES),
                        *command], check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})

    def capturing(self, path):
        """A command that writes what it shows at that moment."""
        return ["sh", "-c", '"$@" >"$0"', path, *self.tmux, "capture-pane", "-p"]

    def shows(self):
        return subprocess.run([*self.tmux, "capture-pane", "-p"], check=True, capture_output=True,
                              text=True).stdout

    def end(self):
        subprocess.run([*self.tmux, "kill-server"], check=True)


def row(screen, node):
    """Its line of the table, as words; none: it is not there."""
    lines = [line.split() for line in screen.splitlines() if line.startswith(node + " ")]
    return lines[0] if lines else []


def is_on_screen(stage, terminal):
    """A boot with a terminal beside it: one fails, one is armed, and one comes up."""
    logs = stage.logs("anew")
    tap.wait_until(lambda: "armed" in row(terminal.shows(), stage.node), what="the table")
    after = {name: [terminal.capturing(f"{logs}/screen-{name}")] for name in ("init", "config")}
    evidence.stages_passed(stage.boot("anew", after=after))
    tap.wait_until(lambda: "ready" in row(terminal.shows(), stage.node), what="ready")
    subprocess.run(terminal.capturing(f"{logs}/screen-end"), check=True)
    for moment in ("init", "config"):
        screen = evidence.text(f"{logs}/screen-{moment}")
        tap.contains(row(screen, stage.node), "booting")
        tap.contains(screen, "%")  # it is known how long such a boot takes
        tap.contains(row(screen, WAITING), "armed")
        tap.contains(row(screen, FAILING), "failed")
        tap.contains(screen, "modules-config/config-timezone")


def boot_as(stage, node, name):
    """The same machine, told to be another one."""
    stage.server.arm(node)
    stage.machine.change_card(stage.server.node(node)["macs"][0])
    stage.machine.boot(stage.logs(name), serial=stage.scenario.string.replace(
        "URL", server.seed_url(stage.site, node, stage.state)))
    stage.machine.run("cloud-init", "clean")


def watched(stage):
    """The second build of a node: the pace of its first one is known."""
    boot_as(stage, FAILING, "failing")
    boot_as(stage, stage.node, "first")
    stage.server.arm(WAITING)
    stage.server.ask("POST", f"/v1/nodes/{stage.node}/reprovision")
    terminal = Terminal(stage.machine.folder, tool(stage, "watch", stage.node, WAITING, FAILING))
    try:
        is_on_screen(stage, terminal)
    finally:
        terminal.end()
    return {"screens captured": 3}


# --- ssh -----------------------------------------------------------------------------------------

class Sshd:
    """The machine's own sshd, while the machine is otherwise switched off."""

    def __init__(self, stage, address):
        machine = stage.machine
        ip("-n", machine.name, "link", "set", "eth0", "up")
        ip("-n", machine.name, "address", "replace", f"{address}/24", "dev", "eth0")
        os.makedirs(f"{machine.root}/run/sshd", exist_ok=True)
        with open(f"{stage.logs('first')}/sshd.log", "wb") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{machine.name}", "unshare", "--pid", "--fork",
                 "--kill-child", "chroot", machine.root, *SSHD],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self):
        self.process.kill()
        self.process.wait(SECONDS)


def log_in(stage, address):
    """(status, what was said) of a command over ssh by the keys that cloudseed knows alone."""
    known = " ".join(tool(stage, "known-hosts", "%H"))
    done = subprocess.run(
        ["ssh", "-F", "/dev/null", "-i", life.admin_key(stage.site), "-o", "BatchMode=yes",
         "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=/dev/null",
         "-o", "GlobalKnownHostsFile=/dev/null", "-o", f"KnownHostsCommand={known}",
         f"admin@{address}", "cat /etc/hostname"],
        capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.returncode, done.stdout + done.stderr


def known_to_ssh(stage):
    """One that cloudseed has built can be logged in to, without a question and without a risk."""
    stage.server.arm(stage.node)
    evidence.came_up(stage, "first", stage.boot("first"))
    address = stage.server.node(stage.node)["addresses"][0]
    root = stage.machine.root
    keys = {" ".join(key.split()[:2]) for key in evidence.host_keys(root).values()}
    for host in (stage.node, address):
        lines = [line.split(" ", 1) for line in says(stage, "known-hosts", host).splitlines()]
        tap.eq({key for _, key in lines}, keys, f"known-hosts {host}")
        assert all(host in names.split(",") for names, _ in lines), lines
    tap.eq(says(stage, "known-hosts", "nobody-1"), "")
    sshd = Sshd(stage, address)
    try:
        status, said = tap.wait_until(lambda: connected(stage, address), what="sshd")
        tap.eq((status, said), (0, f"{stage.node}\n"))
        for kind in ("rsa", "ecdsa", "ed25519"):  # another machine at its address
            for name in (f"ssh_host_{kind}_key", f"ssh_host_{kind}_key.pub"):
                os.remove(f"{root}/etc/ssh/{name}")
        stage.machine.run("ssh-keygen", "-A")
        sshd.end()
        sshd = Sshd(stage, address)
        status, said = tap.wait_until(lambda: connected(stage, address), what="sshd")
        tap.eq(status, 255, said)
        tap.contains(said, "Host key verification failed")
    finally:
        sshd.end()
    return {"ssh by KnownHostsCommand": "in, and not into another machine"}


def connected(stage, address):
    """What came of it; None while nobody listens."""
    status, said = log_in(stage, address)
    return None if "Connection refused" in said else (status, said)
