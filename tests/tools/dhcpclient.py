# SPDX-License-Identifier: Apache-2.0
"""A DHCP client that asks as firmware, iPXE and systems do: whole Ethernet frames, no lease kept."""
import os
import socket
import struct
import time

MAGIC = b"\x63\x82\x53\x63"
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
(MASK, ROUTER, DNS, HOSTNAME, DOMAIN, VENDOR, WANTED, KIND, SERVER, LIST, CLASS, CLIENT, TFTP_NAME,
 FILE, USER_CLASS, ARCH, UNDI, UUID, SEARCH) = (
     1, 3, 6, 12, 15, 43, 50, 53, 54, 55, 60, 61, 66, 67, 77, 93, 94, 97, 119)
ASKS = bytes([MASK, ROUTER, DNS, HOSTNAME, DOMAIN, VENDOR, SERVER, CLASS, TFTP_NAME, FILE, UUID,
              SEARCH])
EVERYONE = b"\xff" * 6


def firmware(arch, name="PXEClient"):
    """What BIOS and UEFI send, as captured from SeaBIOS' ROM and from OVMF."""
    return {CLASS: f"{name}:Arch:{arch:05}:UNDI:003000".encode(), ARCH: struct.pack("!H", arch),
            UNDI: b"\x01\x03\x00", UUID: b"\x00" + bytes(range(16))}


def ipxe(arch):
    return {**firmware(arch), USER_CLASS: b"iPXE", 175: b"\xb1\x05\x01\x80\x86\x10\x0e"}


def system():
    """systemd-networkd's: no architecture, and a client id that is not the MAC."""
    return {CLIENT: b"\xff\x12\x34\x56\x78\x00\x02\x00\x00\xab\x11" + b"\x5a" * 8}


def ip_bytes(text):
    return socket.inet_aton(text)


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def _frame(source_mac, target_mac, source, target, payload):
    """source and target are (address, port)."""
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                       ip_bytes(source[0]), ip_bytes(target[0]))
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    return target_mac + source_mac + b"\x08\x00" + head + udp


def _options(data):
    found, at = {}, 0
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        value = data[at + 2:at + 2 + data[at + 1]]
        found[data[at]] = found.get(data[at], b"") + value
        at += 2 + data[at + 1]
    return found


class Answer:
    def __init__(self, payload):
        self.xid = struct.unpack("!I", payload[4:8])[0]
        self.mac = payload[28:34]
        self.address, self.next_server = (socket.inet_ntoa(payload[n:n + 4]) for n in (16, 20))
        self.options = _options(payload[240:])
        self.kind = self.options[KIND][0]
        self.file = (self.options.get(FILE) or payload[108:236]).split(b"\0")[0].decode()

    def addresses(self, option):
        value = self.options.get(option, b"")
        return [socket.inet_ntoa(value[n:n + 4]) for n in range(0, len(value), 4)]


class Client:
    """One interface with its MAC; many machines may stand behind it."""

    def __init__(self, interface):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.socket.bind((interface, 0))

    def close(self):
        self.socket.close()

    def send(self, mac, kind, options, source=("0.0.0.0", 68), target=("255.255.255.255", 67),
             target_mac=EVERYONE):
        """Returns the xid."""
        mac = bytes.fromhex(mac.replace(":", ""))
        xid = int.from_bytes(os.urandom(4), "big")
        payload = struct.pack("!BBBBIHH4s4s4s4s", 1, 1, 6, 0, xid, 0, 0x8000, ip_bytes(source[0]),
                              bytes(4), bytes(4), bytes(4)) + mac.ljust(208, b"\0") + MAGIC
        for code, value in {KIND: bytes([kind]), LIST: ASKS, CLIENT: b"\x01" + mac,
                            **options}.items():
            payload += bytes([code, len(value)]) + value
        self.socket.send(_frame(mac, target_mac, source, target, payload + b"\xff"))
        return xid

    def answer(self, xids, seconds):
        """The first answer to one of them; None: there was none in time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, where = self.socket.recvfrom(65536)
            except TimeoutError:
                return None
            udp = frame[14 + (frame[14] & 15) * 4:]
            if where[2] == socket.PACKET_OUTGOING or frame[23] != 17 or udp[8:9] != b"\x02":
                continue
            found = Answer(udp[8:])
            if found.xid in xids:
                return found
        return None

    def ask(self, mac, kind, options, seconds=30, **where):
        """Sends until there is an answer."""
        xids, end = set(), time.monotonic() + seconds
        while time.monotonic() < end:
            xids.add(self.send(mac, kind, options, **where))
            found = self.answer(xids, 1)
            if found:
                return found
        raise AssertionError(f"no answer for {mac} within {seconds} s")

    def lease(self, mac, options):
        """(OFFER, ACK)"""
        offer = self.ask(mac, DISCOVER, options)
        assert offer.kind == OFFER, offer.kind
        ack = self.ask(mac, REQUEST, {**options, WANTED: ip_bytes(offer.address),
                                      SERVER: offer.options[SERVER]})
        assert ack.kind == ACK, ack.kind
        return offer, ack
