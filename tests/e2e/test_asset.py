#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed asset`: what is put into the folder, kept beside it, and found changed."""
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402

WORLD = tap.enter(cli.World())
FOLDER = WORLD.path / "assets"
with open(WORLD.path / "cloudseedd.yaml", "a", encoding="ascii") as config:
    config.write(f"assets: {FOLDER}\n")


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def files():
    return sorted(str(p.relative_to(FOLDER)) for p in FOLDER.rglob("*") if p.is_file())


def fresh():
    subprocess.run(["rm", "-rf", str(FOLDER)], check=True)


def test_add():
    fresh()
    WORLD.write("linux", "kernel")
    tap.eq(WORLD.good("asset", "add", "linux"), f"{sha256('kernel')}  linux\n")
    WORLD.good("asset", "add", "linux", "debian/12/linux", preexec_fn=lambda: os.umask(0o077))
    tap.eq(files(), ["debian/12/linux", "debian/12/linux.sha256", "linux", "linux.sha256"])
    tap.eq((FOLDER / "debian/12/linux").read_text(), "kernel")
    subprocess.run(["sha256sum", "--check", "--strict", "linux.sha256"], check=True,
                   cwd=FOLDER / "debian/12", capture_output=True)
    for name in ("debian", "debian/12"):  # the server is another user
        tap.eq(stat.S_IMODE((FOLDER / name).stat().st_mode), 0o755)
    for name in ("debian/12/linux", "linux.sha256"):
        tap.eq(stat.S_IMODE((FOLDER / name).stat().st_mode), 0o644)


def test_nothing_is_made_where_no_folder_is_configured():
    """The built-in default is a server's: on another machine it is nobody's."""
    default = Path(re.search(r"`assets` .*?`(/[^`]+)`", WORLD.good("reference", "config"))[1])
    was_there = default.parent.exists()
    hide = []
    if was_there:  # a server is installed on this machine
        hide = ["unshare", "--map-root-user", "--mount", "sh", "-c",
                'mount -t tmpfs none "$0" && exec "$@"', str(default.parent.parent)]
        if subprocess.run([*hide, "true"], capture_output=True).returncode:
            raise tap.Skip(f"{default.parent} is there, and cannot be hidden")
    config = WORLD.write("bare.yaml", "socket: none\n")
    WORLD.write("program", "x")
    programs = WORLD.path / "programs"
    programs.mkdir()
    for name in ("undionly.kpxe", "ipxe.efi", "snponly.efi"):
        (programs / name).write_text(name)
    for words in (["add", "program"], ["bootloaders", programs]):
        said = WORLD.bad(1, "asset", *words, "--config", config, config=False, within=hide)
        tap.contains(said, f"there is no {default.parent}, and no configuration names a folder")
        tap.eq(default.parent.exists(), was_there)
        WORLD.good("asset", *words, "--config", config, "--assets", WORLD.path / "named/one",
                   config=False)
    tap.eq((WORLD.path / "named/one/ipxe.efi").read_text(), "ipxe.efi")


BOOTS = """\
base:
  boot:
    kind: menu
    menu:
      - {title: a, kind: kernel, kernel: deb/linux, initrd: [deb/initrd, more], discovery: none}
      - {title: b, kind: chain, chain: m.efi}
heir: {extends: base}
far:
  boot: {kind: chain, chain: "http://other/m.efi"}
"""


def missing(*words):
    """The warnings of a check, without their places."""
    out = WORLD.run("check", "boots", *words).stdout
    return re.findall(r"^boots/\S+?:(\d+):\d+: warning: (\S+): there is no file '(\S+)'", out, re.M)


def test_check_looks_for_what_boots():
    shutil.copytree(WORLD.path / "seed", WORLD.path / "boots")
    WORLD.write("boots/roles/boots.yaml", BOOTS)
    cluster = WORLD.path / "boots/clusters" / next(os.walk(WORLD.path / "boots/clusters"))[2][0]
    text = cluster.read_text()
    cluster.write_text(text.rstrip("\n") + "\n  addons: [{name: cni, asset: cni.yaml}]\n")
    line = str(len(text.splitlines()) + 1)
    fresh()
    tap.eq(missing(), [], "without a folder there is nothing to look in")
    all_of_it = [(line, "asset", "cni.yaml"), ("5", "kernel", "deb/linux"),
                 ("5", "initrd", "deb/initrd"), ("5", "initrd", "more"), ("6", "chain", "m.efi")]
    tap.eq(missing("--assets", FOLDER), all_of_it)
    WORLD.write("x", "x")
    WORLD.good("asset", "add", "x", "deb/linux")
    WORLD.good("asset", "add", "x", "m.efi/no-folder")
    tap.eq(missing(), all_of_it[:1] + all_of_it[2:])
    for name in ("deb/initrd", "more", "cni.yaml"):
        WORLD.good("asset", "add", "x", name)
    tap.eq(missing(), [("6", "chain", "m.efi")])
    out = WORLD.run("check", "boots").stdout
    tap.contains(out, f"in {FOLDER}; put it there: cloudseed asset add FILE m.efi")


def test_add_replaces():
    fresh()
    WORLD.write("one", "one")
    WORLD.write("two", "two, longer")
    WORLD.good("asset", "add", "one", "x")
    with open(FOLDER / "x", encoding="ascii") as reader:
        WORLD.good("asset", "add", "two", "x")
        tap.eq(reader.read(), "one", "who reads it goes on with the old one")
    tap.eq((FOLDER / "x").read_text(), "two, longer")
    tap.eq(WORLD.good("asset", "verify"), "x: ok\n")


def test_add_from_standard_input():
    fresh()
    WORLD.good("asset", "add", "-", "piped", input="from a pipe")
    tap.eq((FOLDER / "piped").read_text(), "from a pipe")
    tap.contains(WORLD.bad(cli.MISUSED, "asset", "add", "-"), "needs a name")


def test_add_what_it_must_be():
    fresh()
    WORLD.write("linux", "kernel")
    WORLD.good("asset", "add", "linux", "--sha256", sha256("kernel").upper())
    said = WORLD.bad(1, "asset", "add", "linux", "other", "--sha256", sha256("another"))
    tap.contains(said, f"its SHA-256 is {sha256('kernel')}: it was not added")
    tap.eq(files(), ["linux", "linux.sha256"])
    tap.contains(WORLD.bad(cli.MISUSED, "asset", "add", "linux", "--sha256", "abc"), "64")


def test_add_refuses():
    fresh()
    for name in ("../up", "/abs", ".hidden", "a//b", "a/", "", "a\nb", "x.sha256", "a" * 600):
        WORLD.bad(cli.MISUSED, "asset", "add", "seed/site.yaml", name)
    tap.contains(WORLD.bad(1, "asset", "add", "none"), "No such file")
    tap.contains(WORLD.bad(1, "asset", "add", "seed"), "directory")
    tap.contains(WORLD.bad(1, "asset", "add", "seed/site.yaml", "--assets", "/proc/none"),
                 "/proc/none")
    assert not FOLDER.exists() or files() == []


def test_add_interrupted():
    """Nothing is left behind, and the old file stays."""
    fresh()
    WORLD.good("asset", "add", "-", "image", input="old")
    process = subprocess.Popen(WORLD.command("asset", "add", "-", "image"), stdin=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    process.stdin.write(b"new")
    process.stdin.flush()
    tap.wait_until(lambda: any(p.name.startswith(".image.") and p.stat().st_size == 3
                               for p in FOLDER.iterdir()), what="the part")
    process.send_signal(signal.SIGINT)
    process.stdin.close()
    tap.eq(process.wait(cli.SECONDS), -signal.SIGINT)
    tap.eq(sorted(p.name for p in FOLDER.iterdir()), ["image", "image.sha256"])
    tap.eq((FOLDER / "image").read_text(), "old")


def test_progress_on_a_terminal():
    """A bar on a terminal, where it takes long; none elsewhere."""
    fresh()
    master, slave = pty.openpty()
    process = subprocess.Popen(WORLD.command("asset", "add", "-", "slow"), stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=slave,
                               env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    shown = b""
    while b"adding slow: 0 MiB" not in shown:
        shown += os.read(master, 1000)
    process.stdin.close()
    tap.eq(process.wait(cli.SECONDS), 0)
    os.close(master)


def test_list():
    fresh()
    WORLD.good("asset", "add", "-", "b/x", input="12345")
    WORLD.good("asset", "add", "-", "a", input="1")
    (FOLDER / "by-hand").write_text("123")
    (FOLDER / ".hidden").write_text("1")
    (FOLDER / "gone.sha256").write_text(f"{sha256('x')}  gone\n")
    heads, *rows = [re.split("  +", line) for line in WORLD.good("asset", "list").splitlines()]
    tap.eq(heads, ["NAME", "SIZE", "CHANGED", "SHA256"])
    tap.eq([(name, size, digest) for name, size, _, digest in rows],
           [("a", "1", sha256("1")), ("b/x", "5", sha256("12345")), ("by-hand", "3", "-"),
            ("gone", "missing", sha256("x"))])
    cut = WORLD.good("asset", "list", env={"COLUMNS": "80"}).splitlines()
    assert max(map(len, cut)) == 80 and cut[1].endswith("\u2026"), cut
    assert all(when.endswith(" UTC") for when in (row[2] for row in rows[:3])), rows
    tap.eq(WORLD.good("asset", "list", "-o", "wide", env={"COLUMNS": "80"}),
           WORLD.good("asset", "list"))
    tap.eq(WORLD.good("asset", "list", "-o", "name"), WORLD.good("asset", "list", "--names"))
    tap.eq(WORLD.good("asset", "list", "--names").split(), ["a", "b/x", "by-hand", "gone"])
    listed = json.loads(WORLD.good("asset", "list", "--json"))
    tap.eq([(a["name"], a["size"], a["sha256"], a["missing"]) for a in listed],
           [("a", 1, sha256("1"), False), ("b/x", 5, sha256("12345"), False),
            ("by-hand", 3, None, False), ("gone", 0, sha256("x"), True)])
    assert listed[0]["changed"].endswith("Z")
    fresh()
    tap.contains(WORLD.bad(1, "asset", "list"), "no such folder")
    FOLDER.mkdir()
    tap.eq(WORLD.good("asset", "list", "--json"), "[]\n")


def test_verify():
    fresh()
    for name in ("good", "bad", "gone"):
        WORLD.good("asset", "add", "-", name, input=name)
    tap.eq(WORLD.good("asset", "verify"), "bad: ok\ngone: ok\ngood: ok\n")
    (FOLDER / "bad").write_text("bat")
    (FOLDER / "gone").unlink()
    (FOLDER / "by-hand").write_text("123")
    done = WORLD.run("asset", "verify")
    tap.eq((done.returncode, done.stdout), (
        1, "bad: differs\nby-hand: no hash is recorded\ngone: missing\ngood: ok\n"))
    tap.eq(WORLD.good("asset", "verify", "good", "by-hand"),
           "good: ok\nby-hand: no hash is recorded\n")
    done = WORLD.run("asset", "verify", "bad", "--json")
    tap.eq((done.returncode, json.loads(done.stdout)), (1, [
        {"name": "bad", "verdict": "differs", "recorded": sha256("bad"),
         "sha256": sha256("bat")}]))
    tap.contains(WORLD.bad(1, "asset", "verify", "none"), "no such asset: none")


def test_rm():
    fresh()
    for name in ("a/b/one", "a/two", "three"):
        WORLD.good("asset", "add", "-", name, input=name)
    tap.contains(WORLD.bad(1, "asset", "rm", "three", "none"), "no such asset: none")
    assert (FOLDER / "three").exists(), "all or none"
    WORLD.good("asset", "rm", "a/b/one", "three")
    tap.eq(files(), ["a/two", "a/two.sha256"])
    assert not (FOLDER / "a/b").exists()
    WORLD.good("asset", "rm", "a/two")
    tap.eq(list(FOLDER.iterdir()), [])
    WORLD.bad(1, "asset", "rm", "../seed/site.yaml")
    assert (WORLD.path / "seed/site.yaml").exists()


def test_bootloaders():
    fresh()
    programs = ("undionly.kpxe", "ipxe.efi", "snponly.efi")
    for name in programs[:2]:
        WORLD.write(f"ipxe/{name}", name)
    tap.contains(WORLD.bad(1, "asset", "bootloaders", "ipxe"),
                 "ipxe/snponly.efi is not there: apt install ipxe")
    assert not FOLDER.exists(), "all or none"
    WORLD.write("ipxe/snponly.efi", "snponly.efi")
    WORLD.good("asset", "bootloaders", "ipxe")
    for name in programs:
        tap.eq((FOLDER / name).read_text(), name)


def test_bootloaders_of_arm64():
    """Where they are there; and newer packages have another name for ipxe.efi."""
    for name in ("undionly.kpxe", "ipxe-amd64.efi", "snponly.efi", "ipxe-arm64.efi"):
        WORLD.write(f"ipxe-new/{name}", f"{name}\n")
    WORLD.good("asset", "bootloaders", "ipxe-new", "--assets", "assets-new")
    folder = WORLD.path / "assets-new"
    tap.eq((folder / "ipxe.efi").read_text(), "ipxe-amd64.efi\n")
    tap.eq((folder / "ipxe-arm64.efi").read_text(), "ipxe-arm64.efi\n")


def test_bootloaders_of_debian():
    if not Path("/usr/lib/ipxe/undionly.kpxe").exists():
        raise tap.Skip("the package ipxe is not installed")
    fresh()
    WORLD.good("asset", "bootloaders")
    assert (FOLDER / "undionly.kpxe").stat().st_size > 10000
    tap.eq((FOLDER / "ipxe.efi").read_bytes()[:2], b"MZ")


tap.main()
