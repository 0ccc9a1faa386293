#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The systemd files as installed: systemd itself reads them, and finds the service confined."""
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE / "lib"), str(HERE / "e2e")]
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402

BUILD = Path(os.environ.get("CLOUDSEED_BUILD", "."))
EXPOSURE_MAX = 2.0
UNITS = ("cloudseedd.service", "cloudseedd.socket", "cloudseedd-node.socket",
         "cloudseedd-tftp.socket", "cloudseed-pull.service", "cloudseed-pull.timer",
         "cloudseed-backup.service", "cloudseed-backup.timer")
SOCKETS = UNITS[1:4]
SERVICES = (UNITS[0], UNITS[4], UNITS[6])


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
    """The units in a folder of their own, with the installed programs' real places in them."""
    need_systemd()
    folder = scratch()
    for name in UNITS:
        text = installed(name).read_text()
        text = re.sub(r"^(Exec\w+)=", rf"\1={ROOT}", text, flags=re.M)
        (folder / name).write_text(text)
    return folder


def test_nothing_is_left_to_be_replaced():
    for name in (*UNITS, "cloudseed.conf"):
        for file in ROOT.rglob(name):
            assert not re.search(r"@\w+@", file.read_text()), file


def test_services_start_what_is_installed():
    for name in SERVICES:
        path = re.search(r"^ExecStart=(\S+)", installed(name).read_text(), re.M)[1]
        assert os.access(f"{ROOT}{path}", os.X_OK), path


def test_systemd_finds_no_fault():
    folder = copies_beside_the_binary()
    said = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
               *(str(folder / name) for name in UNITS))
    assert "cloudseed" not in said, said


def sockets():
    """[(name, kind, port)] of the socket units."""
    for unit in SOCKETS:
        text = installed(unit).read_text()
        kind, port = re.search(r"^Listen(Stream|Datagram)=(.*)$", text, re.M).groups()
        yield re.search(r"^FileDescriptorName=(.*)$", text, re.M)[1], kind, port


def test_the_service_takes_its_sockets():
    """Also those that started later; each by the name that says what it is for. `Sockets=` would
    start TFTP with the service: that unit is for an admin to enable."""
    service = installed("cloudseedd.service").read_text()
    tap.eq(re.search(r"^Sockets=(.*)$", service, re.M)[1].split(), list(SOCKETS[:2]))
    tap.eq(re.search(r"^Also=(.*)$", service, re.M)[1].split(), list(SOCKETS[:2]))
    for unit in SOCKETS[1:]:
        tap.contains(installed(unit).read_text(), "\nService=cloudseedd.service\n")
    tap.eq(list(sockets()), [("http", "Stream", "8080"), ("node", "Stream", "8443"),
                             ("tftp", "Datagram", "69")])


def test_one_command_enables_tftp():
    """At the next start of the service, too, and not only at the next boot."""
    install = installed("cloudseedd-tftp.socket").read_text().split("[Install]")[1]
    tap.eq(re.search(r"^WantedBy=(.*)$", install, re.M)[1].split(),
           ["sockets.target", "cloudseedd.service"])


def passed(kind):
    """A socket of the loopback, as systemd would pass it."""
    if kind == "Stream":
        return world.listener()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        moved = socket.socket(fileno=fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, 100))
    tap.defer(moved.close)
    return moved


def test_the_daemon_serves_on_all_of_them():
    names, kinds, _ = zip(*sockets())
    made = [passed(kind) for kind in kinds]
    assets = world.scratch()
    (assets / "ipxe.efi").write_bytes(b"a program")
    with world.Tree().start(args=["--assets", assets],
                            **world.activated(*made, names=names)) as server:
        tap.eq([server.listening[kind] for kind in ("http", "https", "tftp")],
               [f"127.0.0.1:{s.getsockname()[1]}" for s in made])
        tap.eq(tftp.fetch(made[2].getsockname(), "ipxe.efi"), b"a program")


def test_a_reload_waits_for_the_answer():
    """So that `systemctl reload` fails where the tree is refused."""
    command = re.search(r"^ExecReload=(.*)$", installed("cloudseedd.service").read_text(), re.M)[1]
    words = command.split()
    words[0] = f"{ROOT}{words[0]}"
    tree = world.Tree()
    with tree.start() as server:
        def reload():
            return subprocess.run(words, env={**os.environ, "CLOUDSEED_SERVER": str(server.socket)},
                                  capture_output=True, text=True, timeout=120, check=False)
        tree.node("n1")
        tap.eq(reload().returncode, 0)
        tap.eq(server.admin("GET", "/v1/nodes/n1").status, 200)
        tree.node("n2", role="missing")
        refused = reload()
        tap.eq(refused.returncode, 1)
        tap.contains(refused.stderr, "n2.yaml:1:17: error: role: there is no role 'missing'")
        tap.eq(server.admin("GET", "/v1/nodes/n2").status, 404)


def test_verify_sees_a_fault():
    folder = copies_beside_the_binary()
    with (folder / "cloudseedd.service").open("a") as unit:
        unit.write("[Service]\nProtectEverything=yes\n")
    error = tap.raises(AssertionError, run, "systemd-analyze", "verify", "--man=no",
                       "--recursive-errors=no", str(folder / "cloudseedd.service"))
    tap.contains(str(error), "ProtectEverything")


def test_backups_are_made_and_rotated():
    tree = world.Tree()
    with tree.start() as server:
        state = Path(server.state)
        folder = state / "backups"
        folder.mkdir()
        old = ["state-2026-01-01T000000Z.db", "state-2026-01-02T000000Z.db"]
        for name in old:
            (folder / name).touch()

        def back_up(keep):
            return subprocess.run([installed("cloudseed-backup.sh")], capture_output=True, text=True, timeout=120,
                                  check=False, env={"STATE": str(state), "KEEP": keep,
                                                    "CLOUDSEED_SERVER": str(server.socket),
                                                    "PATH": f"{ROOT}{installed_path()}:/usr/bin:/bin"})
        done = back_up("2")
        tap.eq(done.returncode, 0, done.stderr)
        left = sorted(p.name for p in folder.iterdir())
        tap.eq((len(left), left[0]), (2, old[1]))
        assert (folder / left[1]).stat().st_size > 0
        wrong = back_up("all")
        tap.eq(wrong.returncode, 1)
        tap.contains(wrong.stderr, "KEEP: 'all' is not a number above 0")


def installed_path():
    """The folder of the admin's tool."""
    return re.search(r"^Environment=PATH=([^:]*):", installed("cloudseed-backup.service").read_text(), re.M)[1]


def test_service_has_a_limit_of_memory():
    """With the reason beside it; systemd-analyze verify takes it (above)."""
    text = installed("cloudseedd.service").read_text()
    tap.eq(re.findall(r"^(?:#.*\n)+MemoryMax=(\d+[MG])$", text, re.M), ["1G"])


def exposure(unit, below):
    said = run("systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit))
    found = float(re.search(rf"exposure level for {unit.name}: ([\d.]+)", said)[1])
    print(f"# {unit.name}: exposure {found}")
    assert found < below, said
    return found


def test_services_are_confined():
    folder = copies_beside_the_binary()
    for name in SERVICES:
        exposure(folder / name, EXPOSURE_MAX)


def test_a_pull_sees_no_secret_of_the_server():
    text = installed("cloudseed-pull.service").read_text()
    state = re.search(r"^ReadWritePaths=-(.*)$", installed("cloudseedd.service").read_text(), re.M)[1]
    tap.eq(re.search(r"^InaccessiblePaths=-(.*)$", text, re.M)[1], state)


# What systemd makes a mount namespace for, and the values for which it makes none.
MOUNTS = {**dict.fromkeys(["PrivateDevices", "PrivateIPC", "PrivateMounts", "PrivateTmp",
                           "ProtectControlGroups", "ProtectHome", "ProtectKernelLogs",
                           "ProtectKernelModules", "ProtectKernelTunables", "ProtectSystem"], "no"),
          "ProcSubset": "all", "ProtectProc": "default",
          **dict.fromkeys(["BindPaths", "BindReadOnlyPaths", "ExecPaths", "InaccessiblePaths",
                           "NoExecPaths", "ReadOnlyPaths", "ReadWritePaths", "TemporaryFileSystem"], "")}
EXPOSURE_IN_CONTAINER_MAX = 3.5


def settings(text):
    """{name: its last value} of the part [Service]."""
    return dict(re.findall(r"^(\w+)=(.*)$", text.split("[Service]")[1].split("[Install]")[0], re.M))


def test_nothing_is_mounted_in_a_container():
    """With the drop-in; which takes nothing away that needs no mounts."""
    drop_in = settings(installed("container.conf").read_text())
    used = set()
    for name in SERVICES:
        unit = settings(installed(name).read_text())
        left = {k: v for k, v in {**unit, **drop_in}.items() if k in MOUNTS and v != MOUNTS[k]}
        tap.eq(left, {}, name)
        used |= set(unit)
    tap.eq(set(drop_in) - set(MOUNTS), set())
    tap.eq(set(drop_in) - used, set(), "settings that no unit has")


def test_services_are_confined_in_a_container():
    folder = copies_beside_the_binary()
    for name in SERVICES:
        (folder / f"{name}.d").mkdir()
        shutil.copy(installed("container.conf"), folder / f"{name}.d")
        said = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                   str(folder / name))
        assert "container.conf" not in said, said
        assert exposure(folder / name, EXPOSURE_IN_CONTAINER_MAX) > EXPOSURE_MAX, "no drop-in was read"


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


def test_pages_are_installed_with_what_they_link_to():
    source = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
    (top,) = {f.parent for f in ROOT.rglob("README.md")}
    here = {f.relative_to(source) for f in (source / "docs").rglob("*.md")}
    there = {f.relative_to(top) for f in (top / "docs").rglob("*.md")}
    tap.eq(sorted(map(str, there)), sorted(map(str, here)), "docs/Makefile.inc")
    for page in there:
        for link in re.findall(r"\]\(([^)#\s:]+)[#)]", (top / page).read_text()):
            assert (top / page.parent / link).exists(), f"{page}: {link}"


def test_uninstall_leaves_no_file():
    other = scratch()
    make("install", other)
    make("uninstall", other)
    tap.eq([str(f) for f in other.rglob("*") if f.is_file()], [])


tap.main()
