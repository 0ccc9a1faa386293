# SPDX-License-Identifier: Apache-2.0
"""TFTP against dnsmasq, tftpd-hpa and atftpd, with the clients of bench/tftp.

Each server has one core, the clients have the other. A client that asks for a window gets it where
the server knows windows; of the others the best figure counts, with whatever it supports. They are
unpacked, never installed: nothing of theirs starts by itself. In a network namespace of our own,
for dnsmasq answers at port 69 alone; without root there is no comparison.

The loopback takes packets of 64 KiB and more, a wire takes 1500 bytes: once the clients also sit in
a namespace of their own, behind a pair of veth devices.
"""
import ctypes
import os
import random
import shutil
import socket
import statistics
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import processes
from bars import Figure
from daemon import BUILD, SOURCE, Daemon
from spread import spread_of

FILE_BYTES = 8 * 1024 * 1024
CLIENTS, BLKSIZE = 32, 1428
GATES = (1, 4, 16)
PACKAGES = {"tftpd-hpa": "usr/sbin/in.tftpd", "atftpd": "usr/sbin/atftpd",
            "dnsmasq-base": "usr/sbin/dnsmasq"}
LIBRARIES = ("libwrap0", "libnsl2", "libtirpc3")  # that they need and few machines have
CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Way:
    """Where the servers listen, and what to put in front of the clients' command."""
    what: str
    address: str
    inside: tuple = ()


LOOPBACK = Way("", "127.0.0.1")


def _own_network():
    """This process and those that it starts have a loopback of their own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # tftpd-hpa finds no address at all where there is none but the loopback's.
    subprocess.run(["ip", "address", "add", "192.0.2.1/32", "dev", "lo"], check=True)


@contextmanager
def _veth():
    """The way to clients behind a pair of devices, which end with the process that holds theirs."""
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"],
                          stdout=subprocess.PIPE) as holder:
        try:
            holder.stdout.readline()  # it has its namespace
            inside = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
            for command in (
                    ("ip", "link", "add", "bench0", "mtu", "1500", "type", "veth", "peer", "name",
                     "bench1", "mtu", "1500", "netns", str(holder.pid)),
                    ("ip", "address", "add", "198.51.100.1/24", "dev", "bench0"),
                    (*inside, "ip", "address", "add", "198.51.100.2/24", "dev", "bench1"),
                    ("ip", "link", "set", "bench0", "up"),
                    (*inside, "ip", "link", "set", "bench1", "up")):
                subprocess.run(command, check=True)
            yield Way("over veth with MTU 1500, ", "198.51.100.1", inside)
        finally:
            holder.kill()


def _unpack(package, folder):
    subprocess.run(["apt-get", "-qq", "download", package], cwd=folder, check=False,
                   stderr=subprocess.DEVNULL)
    for deb in folder.glob(f"{package}_*.deb"):
        subprocess.run(["dpkg-deb", "-x", deb, folder / package], check=True)


def _programs(folder):
    """{package: path}, of what is installed or can be fetched."""
    found = {}
    for package, path in PACKAGES.items():
        if not os.access(f"/{path}", os.X_OK):
            _unpack(package, folder)
        for place in (Path("/"), folder / package):
            if os.access(place / path, os.X_OK):
                found[package] = str(place / path)
    for library in LIBRARIES:
        _unpack(library, folder)
    places = {str(file.parent) for file in folder.glob("lib*/**/lib*.so.*")}
    os.environ["LD_LIBRARY_PATH"] = ":".join(sorted(places))
    return found


def _answers(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        probe.sendto(b"\0\1no-such-file\0octet\0", (address, port))
        try:
            return probe.recvfrom(600)[0][:2] in (b"\0\5", b"\0\3")
        except OSError:
            return False


@contextmanager
def _other(command, address, core):
    process = subprocess.Popen(processes.on_core(core) + command, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while not _answers(address, 69):
            if time.monotonic() > end or process.poll() is not None:
                raise RuntimeError(f"{command[0]} does not answer")
        yield 69
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def _ours(root, address, core):
    with Daemon(seed=SOURCE / "seed", templates=SOURCE / "templates",
                args=["--assets", root, "--tftp", f"{address}:0", "--log-level", "notice"],
                wrapper=processes.on_core(core)) as daemon:
        yield int(daemon.listening["tftp"].rsplit(":", 1)[1])


def _starts(root, programs, address):
    every = {
        "tftpd-hpa": ["-L", "-a", f"{address}:69", "-s", str(root)],
        "atftpd": ["--daemon", "--no-fork", "--bind-address", address, "--port", "69",
                   "--maxthread", "200", "--verbose=0", "--logfile", "-", "--user", "root",
                   "--group", "root", str(root)],
        "dnsmasq-base": ["--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
                         "--enable-tftp", f"--tftp-root={root}", "--tftp-max=200",
                         f"--listen-address={address}", "--bind-interfaces", "--user=root",
                         "--pid-file=", "--log-facility=/dev/null"],
    }
    return {name: [programs[name], *args] for name, args in every.items() if name in programs}


def _rate(way, port, windowsize, options):
    """MB/s that arrived."""
    said = subprocess.run(
        [*way.inside, *processes.on_core(options.cores[1]),
         str(BUILD / "bench/tftp"), way.address, str(port), "file", str(CLIENTS), str(BLKSIZE),
         str(windowsize), str(max(2, options.seconds))],
        check=True, stdout=subprocess.PIPE, text=True, timeout=120).stdout.split()
    return int(said[0]) / float(said[1]) / 1e6


def _measure(way, root, programs, options, rounds):
    """{(name, windowsize): [MB/s, …]}, all servers once in each round."""
    rates = {}
    commands = _starts(root, programs, way.address)
    for number in range(rounds):
        for name in ("cloudseed", *commands):
            options.progress(f"tftp, {way.what}round {number + 1}: {name}")
            server = (_ours(root, way.address, options.cores[0]) if name == "cloudseed"
                      else _other(commands[name], way.address, options.cores[0]))
            with server as port:
                for windowsize in GATES:
                    rates.setdefault((name, windowsize), []).append(
                        _rate(way, port, windowsize, options))
    return rates


def _figure(way, rates, windowsize):
    """How much of our rate the best of the others has."""
    ours = statistics.median(rates["cloudseed", windowsize])
    if 0 in rates["cloudseed", windowsize]:
        raise RuntimeError(f"{way.what}windowsize {windowsize}: nothing arrived from cloudseedd in a run: "
                           "measure for longer, on a quiet machine")
    others = {name: statistics.median(values) for (name, size), values in rates.items()
              if size == windowsize and name != "cloudseed"}
    best = max(others, key=others.get)
    pairs = [theirs / mine for theirs, mine in zip(rates[best, windowsize],
                                                   rates["cloudseed", windowsize])]
    return Figure("tftp",
                  f"{way.what}windowsize {windowsize}: MB/s of the best other ({best}) by ours",
                  others[best] / ours, "x", None if way.inside else f"tftp.{windowsize}",
                  spread_of(pairs),
                  {"MB/s": {"cloudseed": round(ours), **{n: round(r) for n, r in others.items()}}})


def run(options):
    if os.geteuid() or not shutil.which("ip"):
        raise RuntimeError("it needs root and ip, for a network of its own")
    folder = options.folder("tftp")
    programs = _programs(folder)
    if not programs:
        raise RuntimeError("none of tftpd-hpa, atftpd and dnsmasq is to be had")
    root = folder / "root"
    root.mkdir()
    (root / "file").write_bytes(random.Random(1).randbytes(FILE_BYTES))
    folder.chmod(0o755)
    _own_network()
    rates = _measure(LOOPBACK, root, programs, options, max(3, options.pairs // 3))
    figures = [_figure(LOOPBACK, rates, windowsize) for windowsize in GATES]
    with _veth() as way:
        rates = _measure(way, root, programs, options, 1)
    return figures + [_figure(way, rates, windowsize) for windowsize in GATES]
