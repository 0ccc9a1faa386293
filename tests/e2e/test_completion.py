#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The completion of bash, zsh and fish knows the commands, options and names of `cloudseed`, and runs
nothing that is in a name."""
import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import standin  # noqa: E402
import tap  # noqa: E402

WORLD = tap.enter(cli.World())
SCRIPT = cli.SOURCE / "contrib" / "completion" / "cloudseed.bash"
WHERE = ["--config", str(WORLD.path / "cloudseedd.yaml")]
ASK = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_cloudseed "$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(*words):
    """What the last one of the words may become."""
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", str(SCRIPT), str(cli.PROGRAM), *words], cwd=WORLD.path,
        capture_output=True, text=True, timeout=cli.SECONDS, check=True)
    tap.eq(done.stderr, "")
    return sorted(done.stdout.split())


def test_script_is_sound():
    if not shutil.which("shellcheck"):
        raise tap.Skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", "-s", "bash", str(SCRIPT)], capture_output=True, text=True,
                          check=False)
    tap.eq((done.returncode, done.stdout), (0, ""))


def test_commands_are_those_of_the_program():
    shown = WORLD.good("help").split("\nOptions")[0]
    first = sorted(set(re.findall(r"^  ([a-z-]+)", shown, re.M)))
    tap.eq(complete(""), first)
    tap.eq(complete("help", ""), first)
    for group in ("node", "asset", "pve", "cluster", "storm", "context", "token", "server", "ca"):
        tap.eq(complete(group, ""), sorted(re.findall(rf"^  {group} ([a-z-]+)", shown, re.M)))
    tap.eq(complete("ch"), ["check"])


def test_options_are_those_of_the_program():
    shown = WORLD.good("help").split("\nOptions")[0]
    commands = re.findall(r"^  ((?:node|asset|pve|cluster|storm|context|token|server|ca) [a-z-]+|doctor dhcp|[a-z-]+)", shown, re.M)
    assert "known-hosts" in commands and "node rekey" in commands, commands
    for name in commands:
        shown = re.findall(r"^  (--[a-z0-9-]+)", WORLD.good("help", *name.split()), re.M)
        tap.eq(complete(*name.split(), "-"), sorted(shown), name)


def test_nodes():
    nodes = ["k8s-master-1", "k8s-worker-2"]
    tap.eq(complete(*WHERE, "render", ""), nodes)
    tap.eq(complete("node", "show", *WHERE, ""), nodes)
    tap.eq(complete("node", "url", *WHERE, "k8s-w"), ["k8s-worker-2"])
    tap.eq(complete("node", "url", *WHERE, "k8s-worker-2", ""), [])


def test_nodes_of_several():
    nodes = ["k8s-master-1", "k8s-worker-2"]
    for words in (["node", "arm", "k8s-worker-2"], ["watch"], ["wait", "k8s-master-1"], ["events"],
                  ["known-hosts"], ["node", "set"], ["wait", "--for", "up", "--timeout", "2m"]):
        tap.eq(complete(*words, *WHERE, ""), nodes, words)
    tap.eq(complete("node", "add", *WHERE, ""), [])
    tap.eq(complete("doctor", *WHERE, ""), ["dhcp", *nodes])
    tap.eq(complete("doctor", "dhcp", *WHERE, ""), [])


def test_nodes_that_the_server_knows():
    pages = [standin.golden(name) for name in ("server", "nodes-page-1", "nodes-page-2")]
    with standin.StandIn(*pages) as server:
        tap.eq(complete("node", "rm", "--server", str(server.socket), *WHERE, "k8s-worker-"),
               ["k8s-worker-2", "k8s-worker-3", "k8s-worker-4"])


def test_machines_that_were_discovered():
    """bash makes several words of a MAC address."""
    with standin.StandIn(standin.golden("discovered")) as server:
        where = ["--server", str(server.socket), *WHERE]
        tap.eq(complete("node", "adopt", *where, ""), ["bc:24:11:00:20:0e", "bc:24:11:00:20:0f"])
        pieces = "bc : 24 : 11 : 00 : 20 :".split()
        tap.eq(complete(*where, "node", "adopt", *pieces), ["0e", "0f"])
        tap.eq(complete(*where, "node", "adopt", *pieces, "0f"), ["0f"])
        asked = len(server.asked)
        tap.eq(complete("node", "adopt", *where, *pieces, "0e", ""), [])
        tap.eq(len(server.asked), asked)
    tap.eq(complete("node", "adopt", *WHERE, ""), [])


def test_nodes_of_a_tree_that_the_line_names():
    tap.eq(complete("node", "url", "--seed", "seed", "--templates", "templates", "k8s-m"),
           ["k8s-master-1"])
    tap.eq(complete("node", "url", "--seed", "=", "seed", "--templates", "=", "templates", "k8s-m"),
           ["k8s-master-1"])


def test_a_faulty_tree_says_nothing():
    tap.eq(complete("node", "url", "--seed", "/nonexistent", ""), [])


def test_files_of_a_node():
    tap.eq(complete("render", *WHERE, "k8s-worker-2", ""),
           sorted(WORLD.good("render", "k8s-worker-2", "--names").split()))
    tap.eq(complete("render", *WHERE, "k8s-worker-2", "user-data", ""), [])
    tap.eq(complete("render", *WHERE, "k8s-worker-9", ""), [])


def test_values():
    tap.eq(complete("dhcp", "--for", ""), ["dnsmasq", "kea", "opnsense"])
    tap.eq(complete("firewall", "--for", ""), ["nftables", "opnsense"])
    tap.eq(complete("node", "arm", "k8s-worker-2", "--for", ""), [])
    tap.eq(complete("--color", ""), ["always", "auto", "never"])
    tap.eq(complete("--color", "=", "n"), ["never"])
    tap.eq(complete("--color", "="), ["always", "auto", "never"])
    tap.eq(complete("check", "--seed", "s"), ["seed", "state"])
    tap.eq(complete("check", "see"), ["seed"])
    tap.eq(complete("--config", "cloud"), ["cloudseedd.yaml"])
    tap.eq(complete("--url", ""), [])
    tap.eq(complete("diff", "--against", "se"), ["seed"])
    tap.eq(complete("diff", "--against", "seed", ""), [])
    tap.eq(complete("render", "--all", "x", "--config", "cloud"), ["cloudseedd.yaml"])
    tap.eq(complete("reference", ""), ["config", "events", "seed", "templates"])
    tap.eq(complete("events", "--kind", "re"), ["ready", "ready-again", "rebooted", "registered", "rekeyed",
                                                "render-failed", "reprovisioned", "restored"])
    tap.eq(complete("backup", "cloud"), ["cloudseedd.yaml"])
    tap.eq(complete("wait", "--for", "r"), ["ready", "registered"])
    tap.eq(complete("node", "list", "-o", ""), ["json", "name", "wide"])
    tap.eq(complete("node", "add", *WHERE, "--role", ""), ["k8s-node", "master", "worker"])
    tap.eq(complete("node", "add", *WHERE, "--cluster", "="), ["homelab"])
    tap.eq(complete("cluster", "show", *WHERE, ""), ["homelab"])
    tap.eq(complete("dhcp", *WHERE, "--network", ""), ["nodes"])


# --- Names that bash would expand, or cut ---

# What each of them would do: make the file `pwned`, expand to other words, or end the command.
HOSTILE = ["img$(touch${IFS}pwned)", "img`touch pwned`", "img$((a[$(touch pwned)]))", "${x:=pwned}",
           "$HOME", "~root", "~", "~+", "a b", " lead", "trail ", "it's", 'say "x"', "*", "?", "[ab]",
           "{a,b}", "x;touch pwned", "x|touch pwned", "x&touch pwned", "x>pwned", "<x", "(x)", "#c",
           "!x", "a!!b", "^a^b", "a=b", "a:b", "a@b", "%1", "back\\slash", "\\", "-rf", "--help",
           "--seed=x", "\u00e4", "e\u0301", "a\u202eb", "c1\u009bb", "z\u200bz", "\ufeffbom",
           "$'a\\nb'", "plain-1.iso"]
OFFERED_AS_IT_IS = ["a b", "it's", "*", "$HOME", "~root", "img$(touch${IFS}pwned)", "a:b", "\u00e4",
                    "plain-1.iso", "{a,b}", "x;touch pwned"]
UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def spoken(*lines, cwd=None):
    """The words that bash makes of each line."""
    script = 'for l; do eval "set -- $l"; printf "%s\\0" "$#" "$@"; done'
    done = subprocess.run(["bash", "-c", script, "bash", *lines], cwd=cwd or WORLD.path,
                          capture_output=True, timeout=cli.SECONDS, check=True)
    words = done.stdout.decode().split("\0")[:-1]
    found = []
    while words:
        n = int(words.pop(0))
        found.append(words[:n])
        del words[:n]
    return found


def offered(*words):
    """What is offered, as it would be typed."""
    done = subprocess.run(
        ["bash", "-c", ASK.replace(r"\n", r"\0"), "bash", str(SCRIPT), str(cli.PROGRAM), *words],
        cwd=WORLD.path, capture_output=True, timeout=cli.SECONDS, check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"})
    tap.eq(done.stderr, b"")
    return [text for text in done.stdout.decode().split("\0")[:-1] if text]


def assert_harmless(names, *words, typed=""):
    """Each is offered as a word that says it, or not at all; returns those that are."""
    found = offered(*words, typed)
    said = [one for line in spoken(*found) for one in line]
    tap.eq(len(said), len(found), found)
    assert set(said) <= set(names), set(said) - set(names)
    for text in found:
        assert not UNREADABLE.search(text), repr(text)
        assert not text.startswith("-"), text
    assert not list(WORLD.path.rglob("pwned")), found
    return said


def assets():
    folder = WORLD.path / "assets"
    folder.mkdir(exist_ok=True)
    for name in HOSTILE:
        (folder / name).write_text("")
    return ["--assets", str(folder), *WHERE]


def test_names_of_assets_are_quoted_or_left_out():
    where = assets()
    for command in ("rm", "verify"):
        said = assert_harmless(HOSTILE, *where, "asset", command)
        assert set(OFFERED_AS_IT_IS) <= set(said), set(OFFERED_AS_IT_IS) - set(said)
    for name in HOSTILE:
        if name.startswith("-"):
            continue
        for n in range(1, len(name) + 1):
            if name[:n].strip() == name[:n]:
                assert_harmless(HOSTILE, *where, "asset", "rm", typed=spelled(name[:n]))


def spelled(text):
    """With backslashes, as bash quotes it."""
    return subprocess.run(["bash", "-c", 'printf %q "$1"', "bash", text], capture_output=True,
                          text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout


def test_sealed_paths_and_names_that_a_server_tells():
    paths = ["/etc/" + name.replace("/", "_") for name in HOSTILE if not UNREADABLE.search(name)]
    WORLD.write("hostile/roles/r.yaml", json.dumps({"r": {
        "extends": "worker", "sealed": {path: {"template": "sealed/kubeadm"} for path in paths}}}))
    for part in ("site.yaml", "clusters", "roles", "nodes"):
        source = WORLD.path / "seed" / part
        (shutil.copytree if source.is_dir() else shutil.copy)(
            source, WORLD.path / "hostile" / part, **({"dirs_exist_ok": True} if source.is_dir() else {}))
    WORLD.write("hostile/nodes/h.yaml", json.dumps({"h": {
        "role": "r", "cluster": "homelab", "macs": ["bc:24:11:00:77:01"], "addresses": ["10.0.20.77"]}}))
    where = ["--seed", str(WORLD.path / "hostile"), *WHERE]
    names = WORLD.run("render", "h", "--names", "--seed", WORLD.path / "hostile").stdout.splitlines()
    assert any("touch" in name for name in names), names
    said = assert_harmless(names, *where, "render", "h")
    assert any("touch" in name for name in said), said
    page = {"nodes": [{"name": name} for name in HOSTILE + ["new\nline", "\x1b[2J"]], "next": None}
    with standin.StandIn(standin.golden("server"),
                         standin.exchange("GET", "/v1/nodes?limit=1000", body=page)) as server:
        said = assert_harmless(HOSTILE, "node", "rm", "--server", str(server.socket), *WHERE)
    assert set(OFFERED_AS_IT_IS) <= set(said), said


def test_files_are_quoted_or_left_out():
    folder = WORLD.path / "files"
    folder.mkdir()
    for name in HOSTILE + ["new\nline"]:
        (folder / name).mkdir()
    paths = [f"files/{name}" for name in HOSTILE]
    said = assert_harmless(paths, *WHERE, "check", typed="files/")
    assert {f"files/{name}" for name in OFFERED_AS_IT_IS} <= set(said), said
    for option in ("--config", "--seed", "--against", "--sealing-key"):
        assert_harmless(paths, "diff", option, typed="files/")
    for typed in ("files/$(touch pwned)", "files/`touch pwned`", "files/$((a[$(touch pwned)]))",
                  "$(touch pwned)", '"files/$(touch pwned)', "~root/"):
        tap.eq(assert_harmless(paths, "check", typed=typed), [], typed)
        tap.eq(assert_harmless(paths, "node", "show", "--seed", typed, "--templates", typed), [], typed)


class Terminal:
    """An interactive bash; Ctrl-X shows the line as it stands, and drops it."""

    def __init__(self):
        self.master, slave = pty.openpty()
        setup = WORLD.write("bashrc", f"""PS1='READY'; bind 'set enable-bracketed-paste off'
PATH={shlex.quote(str(cli.PROGRAM.parent))}:$PATH
show() {{ printf '\\nLINE=%s=\\n' "$READLINE_LINE"; READLINE_LINE=; }}
bind -x '"\\C-x": show'
. {shlex.quote(str(SCRIPT.resolve()))}
""")
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["bash", "--noprofile", "--rcfile", str(setup), "-i"], cwd=WORLD.path, stdin=slave,
            stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "dumb", "HISTFILE": "", "COLUMNS": "4000"})
        os.close(slave)
        self._until(b"READY")

    def _until(self, end):
        shown = b""
        while end not in shown:
            assert select.select([self.master], [], [], cli.SECONDS)[0], shown
            shown += os.read(self.master, 65536)
        return shown

    def line(self, typed):
        os.write(self.master, typed.encode() + b"\x18")
        shown = self._until(b"LINE=")
        while not re.search(rb"LINE=.*=\r?\n", shown):
            shown += self._until(b"\n")
        return re.search(rb"LINE=(.*)=\r?\n", shown)[1].decode()

    def end(self):
        os.close(self.master)
        self.process.wait(cli.SECONDS)


def test_a_terminal():
    where = assets()
    head = "cloudseed " + " ".join(shlex.quote(word) for word in where) + " asset rm "
    terminal, completed = Terminal(), set()
    for name in HOSTILE:
        for typed in (spelled(name[:-1]), spelled(name), "'" + name[:-1], '"' + name[:-1]):
            others = [n for n in HOSTILE if n.startswith(name[:-1])]
            unsayable = {"'": "'", '"': '"\\$`!'}.get(typed[0], "")
            if len(name) < 3 or len(others) > 1 or name[0] == "-" or set(name) & set(unsayable):
                continue
            line = terminal.line(head + typed + "\t")
            if line == head + typed:
                continue  # left out
            line = line.removesuffix(" ")
            tap.eq(spoken(line), [[*head.replace("'", "").split(), name]], (typed, line))
            completed.add(typed)
    assert {"a\\ ", "'a ", '"a ', "it\\'", r"\$HOM", "'$HOM", r"\~roo", r"\{a\,b", "a:"} <= completed, \
        sorted(completed)
    tap.eq(terminal.line(head + "img\\$\\(t\t").strip(), head + r"img\$\(touch\$\{IFS\}pwned\)")
    tap.eq(terminal.line("cloudseed check fil\tit\t"), "cloudseed check files/it\\'s/")
    tap.eq(terminal.line("cloudseed render --config cloudseedd.yaml h --seed hostile sealed/etc/pl\t"),
           "cloudseed render --config cloudseedd.yaml h --seed hostile sealed/etc/plain-1.iso ")
    terminal.end()
    assert not list(WORLD.path.rglob("pwned"))


# --- zsh and fish ------------------------------------------------------------------------------

def installed(shell):
    if not shutil.which(shell):
        raise tap.Skip(f"{shell} is not installed")
    return shell


class Zsh(Terminal):
    """An interactive zsh with the same key."""

    def __init__(self):  # pylint: disable=super-init-not-called
        folder = WORLD.path / "zsh"
        folder.mkdir(exist_ok=True)
        shutil.copy(SCRIPT.with_name("_cloudseed"), folder / "_cloudseed")
        (folder / ".zshrc").write_text(f"""PS1=READY RPS1= PROMPT_EOL_MARK=
PATH={shlex.quote(str(cli.PROGRAM.parent.resolve()))}:$PATH
fpath=({shlex.quote(str(folder))} $fpath)
unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste
setopt no_list_beep no_auto_list
autoload -Uz compinit && compinit -u -d {shlex.quote(str(folder / "dump"))}
show() {{ print -r -- ; print -r -- "LINE=$BUFFER="; BUFFER= }}
zle -N show; bindkey '^X' show; bindkey '^I' complete-word
""")
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [installed("zsh"), "-i"], cwd=WORLD.path, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "dumb", "COLUMNS": "4000",
                 "ZDOTDIR": str(folder)})
        os.close(slave)
        self._until(b"READY")


def test_zsh():
    where = assets()
    head = "cloudseed " + " ".join(shlex.quote(word) for word in where) + " "
    installed("zsh")
    terminal = Zsh()
    for typed, want in (
            ("node sho\t", "node show "), ("node list --nam\t", "node list --names "),
            ("node show k8s-w\t", "node show k8s-worker-2 "), ("events --kind reboo\t",
                                                              "events --kind rebooted "),
            ("node add --role work\t", "node add --role worker "),
            ("dhcp --network=no\t", "dhcp --network=nodes "),
            ("diff --against see\t", "diff --against seed/")):
        tap.eq(terminal.line(head + typed), head + want, typed)
    completed = 0
    for name in HOSTILE:
        stem = name[:-1]
        if len(name) < 3 or name[0] == "-" or [n for n in HOSTILE if n.startswith(stem)] != [name]:
            continue
        line = terminal.line(head + "asset rm " + spelled(stem) + "\t").removesuffix(" ")
        words = subprocess.run(["zsh", "-fc", 'eval "set -- $1"; printf "%s\\0" "$@"', "zsh", line],
                               cwd=WORLD.path, capture_output=True, check=True, timeout=cli.SECONDS)
        said = words.stdout.decode().split("\0")[-2]
        assert said in (name, stem), (name, line)
        completed += said == name
    terminal.end()
    assert completed > 15, completed
    assert not list(WORLD.path.rglob("pwned"))


def fish(line, escaped=False):
    """What fish offers, without what it means."""
    script = "source $argv[1]; complete " + ("--escape " if escaped else "") + "-C $argv[2]"
    done = subprocess.run(
        [installed("fish"), "--no-config", "-c", script, str(SCRIPT.with_name("cloudseed.fish")), line],
        cwd=WORLD.path, capture_output=True, text=True, timeout=cli.SECONDS, check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(WORLD.path),
             "PATH": f"{cli.PROGRAM.parent.resolve()}:{os.environ['PATH']}"})
    tap.eq(done.stderr, "")
    return sorted(one.split("\t")[0] for one in done.stdout.splitlines())


def test_fish():
    where = assets()
    head = "cloudseed " + " ".join(shlex.quote(word) for word in where) + " "
    tap.eq(fish(head + "node sh"), ["show"])
    tap.eq(fish(head + "node list --na"), ["--names"])
    tap.eq(fish(head + "render k8s-w"), ["k8s-worker-2"])
    tap.eq(fish(head + "events --kind reb"), ["rebooted"])
    tap.eq(fish(head + "node add --role=wor"), ["--role=worker"])
    tap.eq(fish(head + "diff --against se"), ["seed/"])
    found = fish(head + "asset rm ", escaped=True)
    assert len(found) > 20, found
    script = "for w in $argv; eval set x $w; printf '%s\\0' $x; end"
    done = subprocess.run(["fish", "--no-config", "-c", script, *found], cwd=WORLD.path,
                          capture_output=True, check=True, timeout=cli.SECONDS,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(WORLD.path)})
    said = done.stdout.decode().split("\0")[:-1]
    tap.eq(len(said), len(found))
    assert set(said) <= set(HOSTILE), set(said) - set(HOSTILE)
    assert set(OFFERED_AS_IT_IS) - {"~root"} <= set(said), said
    assert not list(WORLD.path.rglob("pwned"))


tap.main()
