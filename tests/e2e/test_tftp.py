#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""TFTP by the packet: what is answered, what is not, and who must go when there is no room."""
import os
import random
import resource
import socket
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402
from tftp import DATA, ERROR, OACK, Peer, ack  # noqa: E402

assets = world.scratch()
SMALL, LARGE = b"0123456789" * 200, random.Random(2).randbytes(400_000)
for name, content in (("small", SMALL), ("large", LARGE), ("grub/menu.cfg", b"set timeout=5\n"),
                      ("empty", b"")):
    (assets / name).parent.mkdir(exist_ok=True)
    (assets / name).write_bytes(content)
(assets / "out").symlink_to("/etc/passwd")


def start(config=None, tftp_at=("127.0.0.1:0",), **options):
    args = ["--assets", assets, *(a for at in tftp_at for a in ("--tftp", at))]
    server = world.start(config=config or {}, args=args, **world.HOMELAB, **options)
    server.tftp = [(host.strip("[]"), int(port)) for host, port in
                   (a.rsplit(":", 1) for a in server.listening["tftp"].split(","))]
    return server


lab = tap.enter(start(tftp_at=("127.0.0.1:0", "[::1]:0", "0.0.0.0:0")))
FOUR, SIX, ANY = lab.tftp


def refused(name, **options):
    return tap.raises(tftp.Refused, lambda: tftp.fetch(FOUR, name, **options))


def asked(peer, name, **options):
    peer.ask(name, **options)
    return peer.receive()


# As its time-out: however long we are kept from answering, nothing is sent a second time.
PATIENT = 255


def block(peer, number):
    """That block of a small file. What came before it may come again, where we were slow to answer."""
    while True:
        packet = peer.receive()
        if packet.opcode != OACK and (packet.opcode != DATA or packet.number >= number):
            tap.eq((packet.opcode, packet.number), (DATA, number))
            return packet


def finish(peer, first, blksize=512):
    """Takes the rest of a file one block at a time; `first` is its first block."""
    got = [first.data]
    while len(got[-1]) == blksize:
        peer.send(ack(len(got)))
        got.append(block(peer, len(got) + 1).data)
    peer.send(ack(len(got)))
    return b"".join(got)


# --- options ---

def test_without_options_data_comes_at_once():
    with Peer(FOUR) as peer:
        first = asked(peer, "small")
        tap.eq((first.opcode, first.number, len(first.data)), (DATA, 1, 512))
        tap.eq(finish(peer, first), SMALL)
        done = lab.wait_event("tftp", peer=f"127.0.0.1:{peer.socket.getsockname()[1]}")
        tap.eq({k: done[k] for k in ("file", "bytes", "blocks", "outcome")},
               {"file": "/small", "bytes": "2000", "blocks": "4", "outcome": "done"})


def test_only_what_was_asked_is_granted():
    for options, want in (
            ({"tsize": 0}, {"tsize": "2000"}),
            ({"BLKSIZE": 1468, "WindowSize": 4}, {"blksize": "1468", "windowsize": "4"}),
            ({"timeout": 3, "unheard-of": "x"}, {"timeout": "3"}),
            ({"blksize": 65535}, {"blksize": "65464"}),
            ({"windowsize": 64}, {"windowsize": "16"}),
            ({"multicast": "", "blksize": 8}, {"blksize": "8"})):
        with Peer(FOUR) as peer:
            packet = asked(peer, "small", **options)
            tap.eq((packet.opcode, packet.options), (OACK, want))
            peer.send(tftp.error(0, "enough"))


def test_options_that_make_no_sense_are_not_there():
    for options in ({"blksize": 7}, {"timeout": 0}, {"timeout": 256}, {"windowsize": 0},
                    {"blksize": "many"}, {"unheard-of": 1}):
        with Peer(FOUR) as peer:
            first = asked(peer, "small", **options)
            tap.eq((first.opcode, len(first.data)), (DATA, 512))
            tap.eq(finish(peer, first), SMALL)


def test_an_empty_file_has_no_tsize():
    """curl takes tsize=0 for an error."""
    with Peer(FOUR) as peer:
        tap.eq(asked(peer, "empty", tsize=0, blksize=512).options, {"blksize": "512"})


def test_a_probe_of_the_size_is_no_failure():
    """EDK2 asks, hangs up, and asks again from another port."""
    with Peer(FOUR) as peer:
        packet = asked(peer, "large", tsize=0, blksize=1468, windowsize=4)
        tap.eq(packet.options["tsize"], "400000")
        peer.send(tftp.error(8, "User aborted the transfer"))
        port = peer.socket.getsockname()[1]
        told = lab.wait_event("tftp", peer=f"127.0.0.1:{port}")
        tap.eq((told["outcome"], told["level"]), ("probed", "info"))
    tap.eq(tftp.fetch(FOUR, "large", blksize=1468, windowsize=4), LARGE)


# --- names ---

def test_names_as_strange_clients_write_them():
    for name in ("grub/menu.cfg", "/grub/menu.cfg", "//grub/menu.cfg", "\\grub\\menu.cfg",
                 "/assets/grub/menu.cfg", "grub//menu.cfg", "./grub/menu.cfg", "grub/./menu.cfg",
                 ".\\grub\\\\menu.cfg", "/assets//grub/menu.cfg"):
        tap.eq(tftp.fetch(FOUR, name), b"set timeout=5\n", name)


def test_names_with_what_follows_them_in_the_dhcp_answer():
    for junk in ("\xff", "\xff\xff", "\xff\x03\x04", "\r\n", " ", "  \xff", "\x01", "\x7f"):
        tap.eq(tftp.fetch(FOUR, "grub/menu.cfg" + junk), b"set timeout=5\n", junk)
    for name in ("\xff", " ", "\n", "\xffgrub/menu.cfg"):
        tap.eq(refused(name).code, 1, name)


def test_a_name_that_is_too_long():
    for name in ("a" * 300, "grub/" + "é" * 300, "a" * 600, "/".join(["b" * 200] * 3)):
        why = refused(name)
        tap.eq((why.code, why.text), (1, "no asset has a name that long"), len(name))
        told = lab.wait_event("tftp", reason="no asset has a name that long")
        tap.eq(told["outcome"], "refused")


def test_nothing_outside_is_served():
    for name in ("../secret", "/../../etc/passwd", "..\\..\\etc\\passwd", "grub/../../secret",
                 "/etc/passwd", "out", "grub", "grub/", ".", "/", "%2e%2e/secret"):
        assert refused(name).code in (1, 2), name


def test_what_is_missing_is_told():
    why = refused("ipxe.efi")
    tap.eq(why.code, 1)
    assert 10 < len(why.text) < 200 and why.text.isprintable(), why.text
    lab.wait_event("tftp", file="/ipxe.efi", outcome="refused")


def test_other_modes_and_writing_are_refused():
    tap.eq(refused("small", mode="mail").code, 4)
    with Peer(FOUR) as peer:
        peer.send(tftp.request("up", opcode=tftp.WRQ))
        packet = peer.receive()
        tap.eq((packet.opcode, packet.number), (ERROR, 2))


# --- loss, copies, strangers ---

def test_copies_of_an_acknowledgement_are_not_answered():
    with Peer(FOUR) as peer:
        tap.eq(asked(peer, "small", timeout=PATIENT).opcode, OACK)
        peer.send(ack(0))
        tap.eq(peer.receive().number, 1)
        for _ in range(5):
            peer.send(ack(1))
        tap.eq(peer.receive().number, 2)
        peer.send(ack(2))
        tap.eq(peer.receive().number, 3)
        peer.send(ack(3))
        tap.eq(peer.receive().number, 4)
        peer.send(ack(4))
        told = lab.wait_event("tftp", peer=f"127.0.0.1:{peer.socket.getsockname()[1]}")
        tap.eq((told["outcome"], told["retransmits"]), ("done", "0"))
        assert peer.silent()


def test_what_gets_lost_is_sent_again():
    with Peer(FOUR) as peer:
        tap.eq([asked(peer, "small", blksize=500).opcode, peer.receive().opcode], [OACK, OACK])
        peer.send(ack(0))
        packet = tap.wait_until(lambda: (p := peer.receive()).opcode == DATA and p)
        tap.eq([packet.number, peer.receive().number], [1, 1])
        peer.send(ack(1))
        tap.eq(block(peer, 2).number, 2)
        peer.send(ack(2))


def test_goes_back_within_the_window():
    with Peer(FOUR) as peer:
        asked(peer, "large", windowsize=8, timeout=PATIENT)
        peer.send(ack(0))
        tap.eq([peer.receive().number for _ in range(8)], [1, 2, 3, 4, 5, 6, 7, 8])
        peer.send(ack(3))
        tap.eq([peer.receive().number for _ in range(8)], [4, 5, 6, 7, 8, 9, 10, 11])
        peer.send(tftp.error(0, "enough"))
        told = lab.wait_event("tftp", file="/large", outcome="aborted", blocks="3")
        tap.eq((told["retransmits"], told["reason"]), ("5", "enough"))


def test_a_repeated_request_is_one_transfer():
    with Peer(FOUR) as peer:
        for _ in range(5):
            peer.ask("small", timeout=PATIENT)
        tap.eq(peer.receive().opcode, OACK)
        peer.send(ack(0))
        tap.eq(finish(peer, block(peer, 1)), SMALL)
        lab.wait_event("tftp", peer=f"127.0.0.1:{peer.socket.getsockname()[1]}", outcome="done")
        assert peer.silent()


def test_a_machine_that_was_reset_asks_again_from_its_port():
    with Peer(FOUR) as peer:
        old = asked(peer, "small")

        def new():
            peer.ask("small")
            while not peer.silent():
                packet = peer.receive()
                if packet.sender != old.sender:
                    peer.transfer = packet.sender
                    return packet
            return None
        tap.eq(finish(peer, tap.wait_until(new)), SMALL)


def test_strangers_disturb_nothing():
    with Peer(FOUR) as peer, Peer(FOUR) as stranger:
        first = asked(peer, "small")
        for packet in (ack(1), tftp.error(0, "stop"), b"", b"\0"):
            stranger.socket.sendto(packet, first.sender)
        tap.eq(finish(peer, first), SMALL)


def test_what_is_no_request_is_not_answered():
    with Peer(FOUR) as peer:
        for packet in (b"", b"\0\1", b"\0\1small", tftp.error(1, "no"), ack(1), b"\0\3\0\1data",
                       b"\0\6", b"\0\7\0\0", b"x" * 3000):
            peer.socket.sendto(packet, FOUR)
        first = asked(peer, "small")  # what came before it was looked at before it
        tap.eq(finish(peer, first), SMALL)


def test_a_client_that_leaves():
    with Peer(FOUR) as peer:
        asked(peer, "large", blksize=1428)
        peer.send(ack(0))
        peer.receive()
        port = peer.socket.getsockname()[1]
    lab.wait_event("tftp", peer=f"127.0.0.1:{port}", outcome="aborted")


# --- addresses and ports ---

def test_answers_come_from_the_address_that_was_asked():
    for address in ("127.0.0.1", "127.0.0.2", "127.9.8.7"):
        with Peer((address, ANY[1])) as peer:
            tap.eq(asked(peer, "small").sender[0], address)
        with Peer((address, ANY[1])) as peer:
            tap.eq(asked(peer, "missing").sender[0], address)


def test_ipv6():
    tap.eq(tftp.fetch(SIX, "large", blksize=1428, windowsize=16), LARGE)
    with Peer(SIX) as peer:
        tap.eq(asked(peer, "missing").opcode, ERROR)


def free_ports(count):
    """The first of so many that were free a moment ago."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        taken = []
        try:
            for port in range(first, first + count):
                taken.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                taken[-1].bind(("127.0.0.1", port))
            return first
        except (OSError, OverflowError):
            continue
        finally:
            for used in taken:
                used.close()


def test_ports_of_transfers():
    first = free_ports(2)
    with start({"tftp_ports": f"{first}-{first + 1}"}) as server:
        peers = [tap.enter(Peer(server.tftp[0])) for _ in range(3)]
        ports = {asked(peer, "small").sender[1] for peer in peers[:2]}
        tap.eq(ports, {first, first + 1})
        peers[2].ask("small")
        server.wait_event("tftp", reason="no port of tftp_ports is free")
        assert peers[2].silent()
        for peer in peers[:2]:
            peer.send(tftp.error(0, "enough"))
        server.wait_event("tftp", outcome="aborted", count=2)
        tap.eq(tftp.fetch(server.tftp[0], "small"), SMALL)


def test_ports_cannot_be_predicted():
    first, count = free_ports(64), 64
    with start({"tftp_ports": f"{first}-{first + count - 1}"}) as server:
        peers = [tap.enter(Peer(server.tftp[0])) for _ in range(8)]
        ports = [asked(peer, "small").sender[1] for peer in peers]
        assert all(first <= port < first + count for port in ports), ports
        assert any(b - a not in (1, 1 - count) for a, b in zip(ports, ports[1:])), ports


# --- forged requests ---

def test_a_host_that_never_asked_gets_two_packets():
    asks = ({}, {"mode": "netascii"}, {"blksize": 1428, "windowsize": 16},
            {"timeout": 1, "tsize": 0})
    peers = [tap.enter(Peer(FOUR)) for _ in asks]
    for peer, ask in zip(peers, asks):
        peer.ask("large", **ask)
    for peer, ask in zip(peers, asks):
        lab.wait_event("tftp", peer=f"127.0.0.1:{peer.socket.getsockname()[1]}",
                       outcome="unanswered")
        got = []
        while not peer.silent():
            got.append(peer.receive())
        plain = not set(ask) - {"mode"}
        tap.eq([(p.opcode, p.number) for p in got], [(DATA, 1) if plain else (OACK, None)] * 2)


def test_acknowledgements_outside_of_the_window():
    with Peer(FOUR) as peer:
        tap.eq(asked(peer, "small", timeout=PATIENT, windowsize=2).opcode, OACK)
        for number in (1, 2, 65535):
            peer.send(ack(number))
        peer.send(ack(0))
        tap.eq([block(peer, 1).number, block(peer, 2).number], [1, 2])
        for number in (3, 4, 65535):
            peer.send(ack(number))
        peer.send(ack(2))
        tap.eq([block(peer, 3).number, block(peer, 4).number], [3, 4])
        peer.send(ack(4))
        told = lab.wait_event("tftp", peer=f"127.0.0.1:{peer.socket.getsockname()[1]}")
        tap.eq((told["outcome"], told["retransmits"], told["stray"]), ("done", "0", "6"))


# --- limits ---

def test_no_descriptor_is_left():
    """An ERROR would end a boot; silence makes the client ask again."""
    with start() as server:
        server.wait_event("checked")  # which reads files
        pid = server.process.pid
        usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)

        def open_files():
            return {int(fd.name) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        used = open_files()
        tap.eq(tftp.fetch(server.tftp[0], "small"), SMALL)  # a thread of the pool has begun
        for left in range(2):  # the folder cannot be opened; the file in it cannot
            tap.wait_until(lambda: open_files() == used)
            free = [fd for fd in range(len(used) + left + 1) if fd not in used]
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[left], usual[1]))
            with Peer(server.tftp[0]) as peer:
                for count in range(2):
                    peer.ask("small")
                    said = server.wait_event("tftp", file="/small", count=2 + 2 * left + count)
                    tap.contains(said["reason"], "no file descriptor is left")
                assert peer.silent(), peer.receive()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        tap.eq(tftp.fetch(server.tftp[0], "small"), SMALL)



def test_limit_for_an_address():
    with start({"limits": {"tftp_transfers_per_address": 2}}) as server:
        peers = [tap.enter(Peer(server.tftp[0])) for _ in range(3)]
        firsts = [asked(peer, "small") for peer in peers[:2]]
        peers[2].ask("small")
        server.wait_event("tftp-limit")
        with Peer(server.tftp[0], source="127.0.0.3") as other:
            tap.eq(finish(other, asked(other, "small")), SMALL)
        tap.eq(finish(peers[0], firsts[0]), SMALL)
        server.wait_event("tftp", outcome="done", count=2)
        tap.eq(finish(peers[2], asked(peers[2], "small")), SMALL)


def test_who_never_answers_makes_room():
    with start({"limits": {"tftp_transfers": 4}}) as server:
        with Peer(server.tftp[0]) as running:
            asked(running, "large", blksize=1428)
            running.send(ack(0))
            first = block(running, 1)
            mute = [tap.enter(Peer(server.tftp[0])) for _ in range(20)]
            for peer in mute:
                peer.ask("small")
            server.wait_event("tftp", outcome="unanswered", reason="its place was needed", count=17)
            tap.eq(finish(running, first, 1428), LARGE)


def is_sanitized(server):
    return "libasan" in Path(f"/proc/{server.process.pid}/maps").read_text(encoding="utf-8")


def resident_kib(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if "VmRSS" in line).split()[1])


def test_flood():
    """Requests with forged addresses: some of them of machines that are there, most of none."""
    number = int(os.environ.get("CLOUDSEED_TEST_FLOOD", "20000"))
    dice = random.Random(3)
    with start({"log": {"level": "info"}}, tftp_at=("0.0.0.0:0",)) as server:
        at = ("127.0.0.1", server.tftp[0][1])
        with Peer(at) as running:
            asked(running, "large", blksize=1428)
            running.send(ack(0))
            first, before = block(running, 1), resident_kib(server)
            got, kept = [first.data], []
            for count in range(number):
                forged = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                forged.bind((f"127.{dice.randrange(1, 255)}.{dice.randrange(255)}."
                             f"{dice.randrange(1, 255)}", 0))
                forged.sendto(tftp.request("large", blksize=dice.choice((512, 65464))), at)
                kept.append(forged)
                if len(kept) > 400:
                    kept.pop(0).close()
                if count % (number // 200) == 0:  # the transfer goes on meanwhile
                    running.send(ack(len(got)))
                    got.append(block(running, len(got) + 1).data)
            grown = resident_kib(server) - before
            print(f"# {number} requests: {grown} KiB more")
            assert grown < (600_000 if is_sanitized(server) else 60_000), grown
            running.send(ack(len(got)))
            tap.eq(b"".join(got) + finish_from(running, len(got)), LARGE)
            for used in kept:
                used.close()
        assert len(server.events("tftp")) < 1000, "a flood of lines"
        tap.eq(tftp.fetch(at, "small"), SMALL)


def finish_from(peer, number, blksize=1428):
    got = b""
    while True:
        packet = block(peer, number + 1)
        number += 1
        got += packet.data
        peer.send(ack(number))
        if len(packet.data) < blksize:
            return got


# --- files that change, and the end ---

def test_a_file_that_gets_shorter():
    (assets / "shrinks").write_bytes(LARGE)
    with Peer(FOUR) as peer:
        asked(peer, "shrinks", blksize=1428)
        peer.send(ack(0))
        packet = peer.receive()
        (assets / "shrinks").write_bytes(b"")
        while packet.opcode == DATA:
            peer.send(ack(packet.number))
            packet = peer.receive()
        tap.eq(packet.opcode, ERROR)
        tap.contains(packet.data.decode(), "the file changed")


def test_a_file_that_is_replaced_stays_as_it_was():
    (assets / "replaced").write_bytes(LARGE)
    with Peer(FOUR) as peer:
        asked(peer, "replaced", blksize=1428)
        peer.send(ack(0))
        first = block(peer, 1)
        (assets / "replaced.new").write_bytes(SMALL)
        (assets / "replaced.new").rename(assets / "replaced")
        tap.eq(finish(peer, first, 1428), LARGE)
    tap.eq(tftp.fetch(FOUR, "replaced"), SMALL)


def test_the_end_waits_for_transfers():
    with start({"limits": {"shutdown_seconds": 600}}) as server, Peer(server.tftp[0]) as peer, \
            Peer(server.tftp[0]) as late:
        first = asked(peer, "small")
        server.process.terminate()
        tap.eq(server.wait_event("stopping")["transfers"], "1")
        late.ask("small")
        tap.eq(finish(peer, first), SMALL)
        server.wait_event("tftp", outcome="done")
        tap.eq(server.wait(), 0)


def test_the_end_does_not_wait_for_ever():
    with start({"limits": {"shutdown_seconds": 0}}) as server, Peer(server.tftp[0]) as peer:
        asked(peer, "small")
        server.process.terminate()
        packet = peer.receive()
        tap.eq(packet.opcode, ERROR)
        tap.contains(packet.data.decode(), "shut down")
        tap.eq(server.wait(), 0)


def test_a_socket_that_was_passed():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as made, world.listener() as http:
        made.bind(("::", 0))  # both families, as systemd opens it
        port = made.getsockname()[1]
        with world.start(args=["--assets", assets], **world.HOMELAB,
                         **world.activated(http, made)) as server:
            tap.eq(server.listening["tftp"], f"[::]:{port}")
            for host in ("127.0.0.1", "127.0.0.5", "::1"):
                tap.eq(tftp.fetch((host, port), "large", blksize=1428, windowsize=16), LARGE)
                with Peer((host, port)) as peer:
                    tap.eq(asked(peer, "missing").sender[0], host)


def test_no_tftp_unless_asked():
    with world.start(**world.HOMELAB) as server:
        tap.eq(server.listening["tftp"], "none")


if __name__ == "__main__":
    tap.main()
