# SPDX-License-Identifier: Apache-2.0
"""A TFTP client that does exactly what it is told, and a network that loses, copies and swaps.

    with Peer(address) as peer:
        peer.ask("ipxe.efi", blksize=1428)
        peer.receive()              # Packet(OACK, options={"blksize": "1428"})
"""
import collections
import random
import select
import socket
import struct
import threading
import time

RRQ, WRQ, DATA, ACK, ERROR, OACK = range(1, 7)
SECONDS = 120

Packet = collections.namedtuple("Packet", "opcode number data options sender")


def request(name, mode="octet", opcode=RRQ, **options):
    words = [name, mode, *(str(w) for pair in options.items() for w in pair)]
    return struct.pack("!H", opcode) + b"".join(w.encode("latin-1") + b"\0" for w in words)


def ack(number):
    return struct.pack("!HH", ACK, number & 0xFFFF)


def error(code, text):
    return struct.pack("!HH", ERROR, code) + text.encode() + b"\0"


def parse(data, sender=None):
    opcode = struct.unpack("!H", data[:2])[0]
    if opcode == OACK:
        words = data[2:].decode("latin-1").rstrip("\0").split("\0")
        return Packet(opcode, None, b"", dict(zip(words[0::2], words[1::2])), sender)
    number = struct.unpack("!H", data[2:4])[0]
    return Packet(opcode, number, data[4:], {}, sender)


class Peer:
    """One UDP socket of a client. After the first answer it talks to whoever sent that."""

    def __init__(self, server, source=None, seconds=SECONDS):
        self.server = server
        self.socket = socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET,
                                    socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.settimeout(seconds)
        self.socket.bind((source or ("::1" if ":" in server[0] else "127.0.0.1"), 0))
        self.transfer = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, name, mode="octet", **options):
        self.socket.sendto(request(name, mode, **options), self.server)

    def send(self, data):
        self.socket.sendto(data, self.transfer or self.server)

    def receive(self):
        data, sender = self.socket.recvfrom(70000)
        self.transfer = self.transfer or sender
        return parse(data, sender)

    def silent(self, seconds=0.05):
        """True where nothing comes for a moment."""
        return not select.select([self.socket], [], [], seconds)[0]


class Refused(Exception):
    def __init__(self, packet):
        super().__init__(packet.number, packet.data.rstrip(b"\0").decode())
        self.code, self.text = self.args


def _next(peer, last_sent, patience):
    """A client's own time-out: what it said last is said again."""
    for _ in range(20):
        if not peer.silent(patience):
            return peer.receive()
        peer.send(last_sent) if peer.transfer else peer.socket.sendto(last_sent, peer.server)
    raise AssertionError("the server fell silent")


def fetch(server, name, patience=1.0, **options):
    """The file's bytes, as RFC 7440 has a client take them."""
    with Peer(server) as peer:
        window, block = int(options.get("windowsize", 1)), int(options.get("blksize", 512))
        said, got, number, run, gap = request(name, **options), [], 0, 0, False
        peer.send(said)
        while True:
            packet = _next(peer, said, patience)
            if packet.opcode == ERROR:
                raise Refused(packet)
            if packet.opcode == OACK:
                window = int(packet.options.get("windowsize", 1))
                block = int(packet.options.get("blksize", 512))
                if number == 0:
                    said = ack(0)
                    peer.send(said)
                continue
            if packet.number != (number + 1) & 0xFFFF:
                if not gap:  # once, until it goes on
                    peer.send(said := ack(number))
                gap, run = True, 0
                continue
            number, run, gap = number + 1, run + 1, False
            got.append(packet.data)
            if run == window or len(packet.data) < block:
                peer.send(said := ack(number))
                run = 0
            if len(packet.data) < block:
                return b"".join(got)


class BadNetwork:
    """Stands between clients and a server: `address` is the server as clients see it there. It
    may spare options and their acknowledgement."""

    def __init__(self, server, seed, loss=0.04, copies=0.04, swaps=0.04, spares_options=False):
        self.server, self.random = server, random.Random(seed)
        self.loss, self.copies, self.swaps = loss, copies, swaps
        self.spares_options = spares_options
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.front.bind(("127.0.0.1", 0))
        self.address = self.front.getsockname()
        self.backs, self.clients, self.transfers = {}, {}, {}  # by client, by socket, by socket
        self.held, self.lost = [], 0
        self.over, self.bell = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.bell.send(b"x")
        self.thread.join()
        for used in (self.front, self.over, self.bell, *self.clients):
            used.close()

    def _back_of(self, client):
        if client not in self.backs:
            back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            back.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            back.bind(("127.0.0.1", 0))
            self.backs[client], self.clients[back] = back, client
        return self.backs[client]

    def _pass_on(self, out, data, to):
        dice = self.random.random()
        if self.spares_options and (data[:2] == b"\0\6" or data == ack(0)):
            out.sendto(data, to)
        elif dice < self.loss:
            self.lost += 1
        elif dice < self.loss + self.swaps:
            self.held.append((time.monotonic() + 0.02, out, data, to))
            return
        else:
            out.sendto(data, to)
            if dice > 1 - self.copies:
                out.sendto(data, to)
        self._release(time.monotonic() + 1)

    def _release(self, now):
        """What was held back comes after the one that was behind it, or after a moment."""
        for due, out, data, to in self.held:
            if due <= now:
                out.sendto(data, to)
        self.held = [h for h in self.held if h[0] > now]

    def _take(self, sock):
        data, sender = sock.recvfrom(70000)
        if sock is self.front:
            back = self._back_of(sender)
            if data[:2] == b"\0\1":  # to say it again is the client's affair: curl takes minutes
                back.sendto(data, self.server)
            else:
                self._pass_on(back, data, self.transfers.get(back, self.server))
        else:
            self.transfers.setdefault(sock, sender)
            self._pass_on(self.front, data, self.clients[sock])

    def _run(self):
        while True:
            ready = select.select([self.over, self.front, *self.clients], [], [],
                                  0.02 if self.held else None)[0]
            if self.over in ready:
                return
            for sock in ready:
                try:
                    self._take(sock)
                except ConnectionError:  # ICMP: that end has left
                    pass
            if not ready:
                self._release(time.monotonic())
