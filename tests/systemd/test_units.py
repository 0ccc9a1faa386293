#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd files as installed: systemd itself reads them, and finds the service confined."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402

BUILD = Path(os.environ.get("CLOUDSEED_BUILD", "."))
EXPOSURE_MAX = 2.0
UNITS = ("cloudseedd.service", "cloudseedd.socket", "cloudseedd-node.socket")


def run(*command):
    """Standard output and error of a command that must succeed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, check=False, env=clean)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def scratch():
    folder = Path(tempfile.mkdtemp(prefix="cloudseed-units-"))
    tap.defer(shutil.rmtree, folder)
    return folder


def make(target, root):
    run("make", "-s", "-C", str(BUILD), target, f"DESTDIR={root}")


ROOT = scratch()
make("install", ROOT)


def installed(name):
    found = list(ROOT.rglob(name))
    tap.eq(len(found), 1, f"installed files {name}")
    return found[0]


def need_systemd():
    if not shutil.which("systemd-analyze"):
        raise tap.Skip("systemd-analyze is not installed")


def copies_beside_the_binary():
    """The units in a folder of their own, with the installed daemon's real place in them."""
    need_systemd()
    folder = scratch()
    for name in UNITS:
        text = installed(name).read_text()
        text = re.sub(r"^ExecStart=", f"ExecStart={ROOT}", text, flags=re.M)
        (folder / name).write_text(text)
    return folder


def test_nothing_is_left_to_be_replaced():
    for name in (*UNITS, "cloudseed.conf"):
        for file in ROOT.rglob(name):
            assert not re.search(r"@\w+@", file.read_text()), file


def test_service_starts_what_is_installed():
    path = re.search(r"^ExecStart=(\S+)", installed("cloudseedd.service").read_text(), re.M)[1]
    assert os.access(f"{ROOT}{path}", os.X_OK), path


def test_systemd_finds_no_fault():
    folder = copies_beside_the_binary()
    said = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
               *(str(folder / name) for name in UNITS))
    assert "cloudseed" not in said, said


def test_the_service_takes_both_sockets():
    """Also those that started later; each by the name that says what it is for."""
    service = installed("cloudseedd.service").read_text()
    tap.eq(re.search(r"^Sockets=(.*)$", service, re.M)[1].split(), list(UNITS[1:]))
    named = {}
    for name in UNITS[1:]:
        text = installed(name).read_text()
        named[re.search(r"^FileDescriptorName=(.*)$", text, re.M)[1]] = \
            re.search(r"^ListenStream=(.*)$", text, re.M)[1]
    tap.eq(named, {"http": "8080", "node": "8443"})


def test_verify_sees_a_fault():
    folder = copies_beside_the_binary()
    with (folder / "cloudseedd.service").open("a") as unit:
        unit.write("[Service]\nProtectEverything=yes\n")
    error = tap.raises(AssertionError, run, "systemd-analyze", "verify", "--man=no",
                       "--recursive-errors=no", str(folder / "cloudseedd.service"))
    tap.contains(str(error), "ProtectEverything")


def test_service_has_a_limit_of_memory():
    """With the reason beside it; systemd-analyze verify takes it (above)."""
    text = installed("cloudseedd.service").read_text()
    tap.eq(re.findall(r"^(?:#.*\n)+MemoryMax=(\d+[MG])$", text, re.M), ["1G"])


def test_service_is_confined():
    folder = copies_beside_the_binary()
    said = run("systemd-analyze", "security", "--offline=yes", "--no-pager",
               str(folder / "cloudseedd.service"))
    exposure = float(re.search(r"exposure level for cloudseedd.service: ([\d.]+)", said)[1])
    print(f"# exposure {exposure}")
    assert exposure < EXPOSURE_MAX, said


def test_the_service_reaches_api_servers():
    service = installed("cloudseedd.service").read_text()
    assert not re.search(r"^(PrivateNetwork=(yes|true|on|1)|IPAddressDeny=)", service, re.M)
    families = re.search(r"^RestrictAddressFamilies=(.*)$", service, re.M)[1].split()
    tap.eq(families, ["AF_UNIX", "AF_INET", "AF_INET6"])


def test_sysusers_makes_the_user():
    if not shutil.which("systemd-sysusers"):
        raise tap.Skip("systemd-sysusers is not installed")
    root = scratch()
    (root / "etc").mkdir()
    file = next(f for f in ROOT.rglob("cloudseed.conf") if f.parent.name == "sysusers.d")
    run("systemd-sysusers", f"--root={root}", str(file))
    tap.contains((root / "etc/passwd").read_text(), "cloudseed:")


def test_tmpfiles_makes_the_folders():
    if not shutil.which("systemd-tmpfiles"):
        raise tap.Skip("systemd-tmpfiles is not installed")
    if os.geteuid():
        raise tap.Skip("only root gives folders away")
    root = scratch()
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/:\ncloudseed:x:654:654::/:\n")
    (root / "etc/group").write_text("root:x:0:\ncloudseed:x:654:\n")
    file = next(f for f in ROOT.rglob("cloudseed.conf") if f.parent.name == "tmpfiles.d")
    run("systemd-tmpfiles", "--create", f"--root={root}", str(file))
    state = next(root.rglob("lib/cloudseed")).stat()
    tap.eq((state.st_uid, state.st_gid, oct(state.st_mode & 0o7777)), (654, 654, "0o700"))


def test_templates_are_installed_whole():
    source = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
    for folder in ("templates", "seed"):
        here = {f.relative_to(source) for f in (source / folder).rglob("*") if f.is_file()}
        there = {f.relative_to(d.parent) for d in ROOT.rglob(folder)
                 if d.parent.name in ("cloudseed", "examples") for f in d.rglob("*") if f.is_file()}
        tap.eq(sorted(map(str, here)), sorted(map(str, there)), folder)


def test_uninstall_leaves_no_file():
    other = scratch()
    make("install", other)
    make("uninstall", other)
    tap.eq([str(f) for f in other.rglob("*") if f.is_file()], [])


tap.main()
