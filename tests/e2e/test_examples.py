#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every example of every help text, and those of the man pages that call cloudseedd: each is run as it
stands, by a user who is not root, beside a server that runs. What is not there fails with its name."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import daemon  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

SECONDS = daemon.SECONDS
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
NEW_MAC = "bc:24:11:00:20:0e"
# A server for storms has its ports in its configuration, and takes installed templates.
STORMS_OWN = (f"--templates {daemon.SOURCE.resolve()}/templates --http 127.0.0.1:0 "
              "--https 127.0.0.1:0 --tftp 127.0.0.1:0")
# Where examples look in places that are not ours; {} is a folder of the test's.
ELSEWHERE = {
    "/etc/dnsmasq.d/": "{}/", "/usr/local/share/ca-certificates/": "{}/", "/srv/old": "{}/seed",
    "/var/lib/cloudseed/": "{}/", "/srv/backup/": "{}/", "/root/sealing-key": "{}/state/sealing-key",
    "/tmp/cloudseed.sock": "{}/own.sock", "/tmp/state": "{}/own",
    "/tmp/storm": "{}/storm",
    "https://example.org/vmlinuz": "file://{}/linux", "/usr/bin/cloudseed": "cloudseed",
}
# ssh asks the command for the keys of the host that it is to connect to.
SSH = """#!/bin/sh
[ "$1" = -o ] || exit 0
exec sh -c "$(echo "${2#KnownHostsCommand }" | sed "s/%H/$3/")"
"""


class World:
    """A checkout of the homelab, a server for it, and a shell that finds both programs."""

    def __init__(self):
        self.path = world.scratch()
        self.listener = world.listener()
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self._write_tree()
        self._write_programs()
        self._give_away()
        self._git()
        self.server = tap.enter(world.start(
            seed=self.path / "seed", templates=self.path / "templates", state=self.path / "state",
            args=["--assets", self.path / "assets", "--url", self.url, "--admin", "127.0.0.1:0"],
            cwd=self.path, **world.activated(self.listener), **NOBODY))
        admin = "https://" + self.server.listening["admin"]
        pin = self.server.admin("GET", "/v1/ca").json["pin"]
        ELSEWHERE.update({"https://seed.home.arpa:8444": admin, "https://10.0.10.5:8444": admin,
                          "--pin PIN": f"--pin={pin}"})

    def write(self, name, text, mode=0o644):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def _write_tree(self):
        for name in ("seed", "templates"):
            shutil.copytree(daemon.SOURCE / name, self.path / name)
        roles = self.path / "seed/roles/kubernetes.yaml"
        text = roles.read_text()  # ready once it is up: no cluster is made here
        assert "  bootstrap: worker\n  kubeadm: sealed/kubeadm\n" in text
        roles.write_text(text.replace("  bootstrap: worker\n  kubeadm: sealed/kubeadm\n", ""))
        for name in ("debian-12.iso", "linux", "assets/debian/12/linux", "assets/debian/11/linux",
                     "assets/debian/11/initrd.gz", ".ssh/known_hosts"):
            self.write(name, name)

    def _write_programs(self):
        build = daemon.BUILD.resolve()
        self.write("cloudseedd.yaml", json.dumps({
            "socket": str(self.path / "admin.sock"), "http": "127.0.0.1:0",
            **{key: str(self.path / key) for key in ("seed", "templates", "state", "assets")}}))
        for name in ("cloudseed", "cloudseedd"):
            self.write(f"bin/{name}", f"""#!/bin/sh
case " $* " in *" --config "*|*" --seed "*) exec '{build}/{name}' "$@" ;; esac
exec '{build}/{name}' --config "${{CONFIG:-{self.path}/cloudseedd.yaml}}" "$@"
""", 0o755)
        self.write("bin/ssh", SSH, 0o755)

    def _give_away(self):
        if NOBODY:
            subprocess.run(["chown", "-R", "65534:65534", self.path], check=True)
        self.path.chmod(0o755)

    def _git(self):
        self.shell("git init -q -b main && git add seed templates && git -c user.name=a -c "
                   "user.email=a@b commit -qm one && git update-ref refs/remotes/origin/main HEAD")

    def environment(self, **more):
        return {**os.environ, "PATH": f"{self.path}/bin:{os.environ['PATH']}",
                "HOME": str(self.path), "NO_COLOR": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_CONFIG_SYSTEM": "/dev/null", **more}

    def options(self, **more):
        server = {"CLOUDSEED_SERVER": str(self.server.socket)} if hasattr(self, "server") else {}
        return {"cwd": self.path, "env": self.environment(**{**server, **more}), "text": True,
                "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **NOBODY}

    def shell(self, command, **more):
        """Its standard output; all of it must succeed, also what stands before a pipe."""
        done = subprocess.run(["bash", "-c", f"set -o pipefail\n{command}"], timeout=SECONDS,
                              check=False, **self.options(**more))
        assert done.returncode == 0, f"{command}\n{done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def here(self, command):
        for there, ours in ELSEWHERE.items():
            command = command.replace(there, ours.format(self.path))
        return command

    def report(self, node, *bodies):
        key = json.loads(self.shell(f"cloudseed node show {node} --json"))["seed_url"]
        path = urllib.parse.urlsplit(key).path
        for what, body in bodies:
            tap.eq(self.server.request("POST", path + what, body).status, 200, body)

    def boot(self, node, key=KEY):
        """From armed to ready."""
        home = urllib.parse.urlencode({"hostname": node, "pub_key_ed25519": key})
        self.report(node, ("phone-home", home), ("report", json.dumps(
            {"name": "modules-final", "event_type": "finish", "result": "SUCCESS"})))


HERE = World()


def text_of(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def examples_in(text):
    """Commands below "Examples:", each with the lines that continue it."""
    found = re.search(r"^Examples:\n((?:  .*\n)+)", text, re.M)
    return re.findall(r"^  (\S.*(?:\n {4,}.*)*)", found[1], re.M) if found else []


def commands():
    program = str(daemon.BUILD.resolve() / "cloudseed")
    shown = text_of(program, "help").split("\nOptions")[0]
    return re.findall(r"^  ([a-z -]+?)(?: [A-Z\[].*?| \S*\|\S*)?  +[a-z]", shown, re.M)


# --- what an example needs -----------------------------------------------------------------------

def add_worker_4():
    if "k8s-worker-4" not in HERE.shell("cloudseed node list --names").split():
        HERE.shell("cloudseed node add k8s-worker-4 --role worker --cluster homelab")


def remove_worker_4():
    if "k8s-worker-4" in HERE.shell("cloudseed node list --names").split():
        HERE.shell("cloudseed node rm k8s-worker-4")


def show_a_machine():
    remove_worker_4()
    tap.eq(HERE.server.get(f"/boot.ipxe?mac={NEW_MAC}").status, 200)


def boot_workers():
    HERE.shell("cloudseed node arm k8s-worker-2 k8s-worker-3")
    HERE.boot("k8s-worker-2")
    HERE.boot("k8s-worker-3")


def offer_other_keys():
    boot_workers()
    home = urllib.parse.urlencode({"hostname": "n", "pub_key_ed25519": KEY + "other"})
    HERE.report("k8s-worker-2", ("phone-home", home))


def make_token():
    HERE.shell("cloudseed token revoke login 2>/dev/null; "
               "(umask 077; cloudseed token create login --role admin >token)")


def save():
    (HERE.path / "cloudseed.db").unlink(missing_ok=True)
    HERE.shell(HERE.here("cloudseed backup /srv/backup/cloudseed.db"))
    HERE.write("restored.yaml", json.dumps({"state": str(HERE.path / "restored")}))


BEFORE = {
    "node add k8s-worker-4": remove_worker_4, "node adopt": show_a_machine,
    "node discovered": show_a_machine, "node set": add_worker_4, "node rm": add_worker_4,
    "node rekey": add_worker_4, "wait": boot_workers, "node accept-keys": offer_other_keys,
    "known-hosts": boot_workers, "login": make_token, "ssh": boot_workers, "restore": save,
    "node url k8s-worker-2 --smbios": lambda: HERE.shell("cloudseed node arm k8s-worker-2"),
}
# They end when they are told to; what they print first.
ENDLESS = re.compile(r"cloudseed (watch\b|ui\b|events --follow)")
# What needs more than a server that was just started: the reason that is told.
REFUSED = {"cloudseed server acknowledge": "nothing was lost",
           "cloudseed login https://seed.home.arpa:8444": "confirm it with --pin",
           "cloudseed cluster adopt": ".kube/config: No such file or directory",
           "ssh root@k8s-master-1 cat": "standard input: not a kubeconfig",
           "cloudseed cluster kubeconfig": "its CA is known once it stands",
           "cloudseed cluster harden": "approves nothing in the cluster homelab",
           "cloudseed cluster certs": "there is nothing to upload before it was reported",
           "cloudseed storm run --server": "there is no such socket",
           "cloudseed storm run": "a storm is only for a server of its own",
           "cloudseed doctor k8s-worker-2 --json": "\nurl\n",
           "cloudseed doctor": "no machine but this one reaches the loopback"}
# What needs a Proxmox VE host or a VLAN has tests of its own: here, that it is not a wrong usage.
HOSTLESS = ("cloudseed pve ", "cloudseed doctor dhcp ")


def prepare(command):
    words = command.replace("cloudseed ", "", 1)
    for begin, function in BEFORE.items():
        if words.startswith(begin) or command.startswith(f"{begin} "):
            function()


def run_endless(command):
    """Until something is printed: an event that happens meanwhile."""
    out = HERE.path / "out"
    script = HERE.here(command) if ">>" in command else f"{HERE.here(command)} >out"
    if ">>" in command:
        out = HERE.path / command.split(">>")[1].strip()
    with subprocess.Popen(["bash", "-c", script], start_new_session=True,
                          **HERE.options()) as process:
        def came():
            assert process.poll() is None, process.stderr.read()
            boot_workers()
            return out.exists() and out.read_text()
        try:
            tap.wait_until(came, what=command)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=SECONDS)


def run(command):
    prepare(command)
    reason = next((REFUSED[begin] for begin in REFUSED if command.startswith(begin)
                   and not command.startswith(HOSTLESS)), None)
    if reason:
        tap.contains(str(tap.raises(AssertionError, HERE.shell, HERE.here(command))), reason)
    elif ENDLESS.match(command):
        run_endless(command)
    elif command.startswith(HOSTLESS):
        done = subprocess.run(["bash", "-c", command], timeout=SECONDS, check=False,
                              **HERE.options())
        assert done.returncode in (0, 1), f"{command}\n{done.returncode}\n{done.stderr}"
    elif command.endswith(" &"):
        with serving(f"{HERE.here(command.removesuffix(' &'))} {STORMS_OWN}"):
            pass
    elif command.startswith("cloudseed restore"):
        def restore():
            HERE.shell(HERE.here(command), CONFIG=str(HERE.path / "restored.yaml"))
        if "--sealing-key" in command:
            restore()
        else:  # without the key's copy in the backup
            tap.contains(str(tap.raises(AssertionError, restore)), "no recovery passphrase")
    else:
        HERE.shell(HERE.here(command))


# --- the tests -----------------------------------------------------------------------------------

def test_examples_of_the_help():
    program = str(daemon.BUILD.resolve() / "cloudseed")
    missing = [t for t in ("jq", "less", "git", "curl") if not shutil.which(t)]
    if missing or not Path("/usr/lib/ipxe/ipxe.efi").exists() and not Path("/boot/ipxe.efi").exists():
        raise tap.Skip(f"not installed: {missing or 'ipxe'}")
    count = 0
    for name in ["", *commands()]:
        found = examples_in(text_of(program, "help", *name.split()) if name else
                            text_of(program, "--help"))
        assert found or name == "", f"'cloudseed help {name}' has no example"
        for command in found:
            run(command)
            count += 1
    assert count > 60, count


@contextlib.contextmanager
def serving(command):
    """The fields of its listening line; at the end of the block it is told to end."""
    with subprocess.Popen(["bash", "-c", f"exec {command}"], **HERE.options()) as process:
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "event=listening" in line:
                    break
            else:
                raise AssertionError(f"{command}\n{''.join(lines)}")
            yield daemon.parse_logfmt(line)
        finally:
            process.terminate()
            process.communicate(timeout=SECONDS)
    tap.eq(process.returncode, 0, command)


def on_free_port(command):
    """The port that examples name may be taken on this machine."""
    return command.replace("127.0.0.1:8080 --url http://127.0.0.1:8080", "127.0.0.1:0").replace(
        "--http 127.0.0.1:8080", "--http 127.0.0.1:0")


def test_examples_of_the_daemon():
    found = examples_in(text_of(str(daemon.BUILD.resolve() / "cloudseedd"), "--help"))
    tap.eq(len(found), 2)
    HERE.shell(found[0])
    with serving(on_free_port(HERE.here(found[1]))):
        pass


def page_examples():
    """What cloudseedd(8) shows on a console."""
    page = (cli.MAN / "cloudseedd.8").read_text().split(".Sh EXAMPLES")[1]
    return "".join(cli.literal(text) for text in cli.DISPLAY.findall(page))


def test_examples_of_the_daemons_page():
    page = page_examples()
    server, url, fetch, service = re.findall(r"^[$#] ((?:.*\\\n)*.*)", page, re.M)
    command = HERE.here(server).replace("--state state", "--state own")
    with serving(on_free_port(command)) as listening:
        address = listening["http"]
        shown = daemon.parse_logfmt(re.search(r"^time=(?:.*\\\n)*.*", page, re.M)[0])
        tap.eq(list(shown), list(listening), "the line that the page shows")
        script = f"{url}\n{fetch}".replace("127.0.0.1:8080", address).replace(
            "--state state", "--state own")
        tap.eq(HERE.shell(script, CLOUDSEED_SERVER=""),
               'instance-id: "k8s-worker-2-1"\nlocal-hostname: "k8s-worker-2"\n')
    tap.eq(service, "cloudseed check && systemctl reload cloudseedd")


# What is wanted besides operands, and what is missing first where that is no folder of the server's.
NEEDS = {"dhcp": "--for kea", "firewall": "--for nftables", "node add": "--role x", "node adopt": "--role x",
         "node set": "--var a=1", "token create": "--role viewer",
         "asset bootloaders": "/nonexistent", "cluster adopt": "--kubeconfig /nonexistent",
         "node join": "--dry-run",
         "pve replace": "--host x",
         "pve template": f"--image https://x.example/i.img --sha256 {'0' * 64}"}
NOT_ABOUT_IT = {"reference": 64, "help": 0, "storm tree": 0, "complete": 0, "doctor": 1, "restore": 1,
                "asset add": 1, "login": 64, "context list": 0, "context use": 0,
                "context remove": 1,
                **{f"node {name}": 64 for name in ("list", "show", "url")},  # a server and files
                "inventory": 64, "ssh-config": 64,
                **{f"pve {name}": 1 for name in (
                    "login", "check", "list", "template", "register", "unregister", "start", "stop")}}


def test_every_command_names_what_is_not_there():
    """No socket, no tree, no state, no assets: in one line, or in the list of faults of the tree."""
    where = " ".join(f"--{option} /nonexistent/{option}" for option in (
        "seed", "templates", "state", "assets"))
    for name in commands():
        usage = text_of(str(daemon.BUILD.resolve() / "cloudseed"), "help", *name.split())
        operands = re.search(rf"^Usage: cloudseed {name}(.*) \[OPTION\]", usage)[1]
        words = [NEW_MAC if word == "MAC" else "x"
                 for word in re.sub(r"\[.*?\]", "", operands).split()]
        command = f"cloudseed {name} {' '.join(words)} {NEEDS.get(name, '')} {where}"
        for server in (" --server /nonexistent/server", ""):  # which some refuse
            done = subprocess.run(["bash", "-c", command + server], timeout=SECONDS, check=False,
                                  **HERE.options(CLOUDSEED_SERVER=""))
            said = done.stdout + done.stderr
            if "asks no server" not in said:
                break
        tap.eq(done.returncode, NOT_ABOUT_IT.get(name, 1), f"{command}\n{said}")
        assert "Sanitizer" not in said, said
        if name not in NOT_ABOUT_IT:
            # A host of Proxmox is what most of these look for first.
            assert "/nonexistent" in said or name.startswith("pve "), said
            assert re.search(r"there is no |No such file|is not there|no Proxmox host", said), said
            assert len(said.splitlines()) <= 3, said


def test_a_wrong_example_is_seen():
    text = "Usage: x\n\nExamples:\n  one a \\\n    b\n  two\n\nOptions:\n  --x\n"
    tap.eq(examples_in(text), ["one a \\\n    b", "two"])
    error = tap.raises(AssertionError, run, "cloudseed node url nobody")
    tap.contains(str(error), "no such node")


tap.main()
