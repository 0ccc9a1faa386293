#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""TFTP with the clients of others, over a good network and over a bad one."""
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402

SEED = int(os.environ.get("CLOUDSEED_TEST_SEED", random.randrange(1 << 32)))
print(f"# seed {SEED}; CLOUDSEED_TEST_SEED={SEED} repeats it")
BIG = 34_000_000  # at 512 bytes a block, past the number 65535

assets = world.scratch()
bytes_of = random.Random(1).randbytes
for size in (0, 1, 511, 512, 513, 1428, 5 * 512, 5 * 1428, 65464, 300_000, BIG):
    (assets / f"f{size}").write_bytes(bytes_of(size))
(assets / "text").write_bytes(b"one\ntwo\r\nthree\r\n\nfour\r" * 100)
lab = tap.enter(world.start(args=["--assets", assets, "--tftp", "127.0.0.1:0", "--tftp", "[::1]:0"],
                            **world.HOMELAB))
FOUR, SIX = [(host.strip("[]"), int(port)) for host, port in
             (a.rsplit(":", 1) for a in lab.listening["tftp"].split(","))]
out = world.scratch()


def run(*command, status=0):
    if not shutil.which(command[0]):
        raise tap.Skip(f"there is no {command[0]}")
    done = subprocess.run(command, capture_output=True, timeout=300, check=False, cwd=out)
    tap.eq(done.returncode, status, f"{command}: {done.stdout + done.stderr}")
    return done.stdout + done.stderr


def hpa(server, name, target, **_):
    run("tftp", "-m", "binary", server[0], str(server[1]), "-c", "get", name, target)


def atftp(server, name, target, **options):
    words = [w for key, value in options.items() for w in ("--option", f"{key} {value}")]
    run("atftp", "--get", "-r", name, "-l", target, *words, server[0], str(server[1]))


def busybox(server, name, target, blksize=512, **_):
    run("busybox", "tftp", "-g", "-b", str(blksize), "-r", name, "-l", target, server[0],
        str(server[1]))


def curl(server, name, target, blksize=512, **_):
    host = f"[{server[0]}]" if ":" in server[0] else server[0]
    run("curl", "-q", "-sS", "--max-time", "100", "--tftp-blksize", str(blksize), "-o", target,
        f"tftp://{host}:{server[1]}/{name}")


def same(client, size, server=FOUR, **options):
    target = out / f"{client.__name__}-{size}"
    client(server, f"f{size}", target.name, **options)
    got = target.read_bytes() if target.exists() else b""  # of nothing some make no file
    assert got == (assets / f"f{size}").read_bytes(), (client.__name__, size, options, len(got))
    target.unlink(missing_ok=True)


def small_sizes(client, *blksizes):
    for size in (0, 1, 511, 512, 513, 1428, 5 * 512, 5 * 1428, 65464, 300_000):
        for blksize in blksizes:
            same(client, size, blksize=blksize)


def test_tftp_hpa():
    small_sizes(hpa, 512)


def test_atftp():
    small_sizes(atftp, 512, 1428, 65464)


def test_atftp_windowsize():
    for size in (0, 1, 512, 5 * 512, 300_000):
        for windowsize in (1, 2, 5, 16, 64):
            same(atftp, size, blksize=512, windowsize=windowsize)


def test_busybox():
    small_sizes(busybox, 512, 1428, 8192)


def test_curl():
    small_sizes(curl, 512, 1428, 65464)


def test_ipv6():
    same(curl, 300_000, server=SIX, blksize=1428)
    tap.eq(tftp.fetch(SIX, "f300000", blksize=1428, windowsize=16),
           (assets / "f300000").read_bytes())


def test_past_the_last_block_number():
    begun = time.monotonic()
    same(atftp, BIG, windowsize=16)
    same(curl, BIG)
    assert time.monotonic() - begun < 300


def test_netascii():
    run("tftp", "-m", "ascii", FOUR[0], str(FOUR[1]), "-c", "get", "text", "text")
    tap.eq((out / "text").read_bytes(), (assets / "text").read_bytes())
    want = (assets / "text").read_bytes().replace(b"\r", b"\r\0").replace(b"\n", b"\r\n")
    for blksize in (8, 11, 512, 1428):
        tap.eq(tftp.fetch(FOUR, "text", mode="netascii", blksize=blksize), want)


def test_writing_is_refused():
    (out / "up").write_bytes(b"x" * 1000)
    run("tftp", "-m", "binary", FOUR[0], str(FOUR[1]), "-c", "put", "up")
    run("atftp", "--put", "-r", "up", "-l", "up", FOUR[0], str(FOUR[1]), status=255)
    assert not (assets / "up").exists()
    lab.wait_event("tftp", count=2, file="up", outcome="refused")


def over_a_bad_network(number, client, size, **options):
    begun = time.monotonic()
    # atftp gives up when the same OACK comes twice, as it does when its answer was lost.
    with tftp.BadNetwork(FOUR, SEED + number, spares_options=client is atftp) as network:
        same(client, size, server=network.address, **options)
        assert network.lost or size < 300_000, "nothing was lost"
    assert time.monotonic() - begun < 300


def own(server, name, target, **options):
    (out / target).write_bytes(tftp.fetch(server, name, patience=0.5, **options))


def test_bad_network():
    for number, windowsize in enumerate((1, 8)):
        over_a_bad_network(number, own, 300_000, blksize=1428, windowsize=windowsize)
        over_a_bad_network(100 + number, own, 65464, blksize=512, windowsize=windowsize)


def test_bad_network_atftp():
    over_a_bad_network(200, atftp, 300_000, blksize=1428, windowsize=8)
    over_a_bad_network(201, atftp, 300_000, blksize=1428)


def test_bad_network_tftp_hpa():
    over_a_bad_network(300, hpa, 65464)


def test_bad_network_curl():
    """It asks for a time-out of five seconds, which each loss then takes."""
    for number in range(3):
        over_a_bad_network(400 + number, curl, 5 * 1428, blksize=1428)


if __name__ == "__main__":
    tap.main()
