#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The nodes' listener over TLS: openssl, curl and Python as clients, and peers that are none."""
import concurrent.futures
import contextlib
import ctypes
import ctypes.util
import http.client
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

tree = world.Tree()
tree.node("n1")
UNFINISHED_MAX = 1024


def start(args=("--https", "127.0.0.1:0"), limits=None, **options):
    """A server with its own CA, with what its clients need to know of it."""
    server = tree.start(args=args, config={"limits": limits or {}, **options.pop("config", {})},
                        **options)
    if server.listening:
        places = server.listening["https"].split(",")
        server.places = [(host.strip("[]"), int(port))
                         for host, port in (place.rsplit(":", 1) for place in places)]
        server.ca = world.scratch() / "ca.pem"
        server.ca.write_text(server.get("/ca.pem").text, encoding="ascii")
    return server


def context(server):
    return ssl.create_default_context(cafile=str(server.ca))


def request(server, method, path, body=None, place=0):
    host, port = server.places[place]
    connection = http.client.HTTPSConnection(host, port, timeout=world.SECONDS,
                                             context=context(server))
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def alive(server):
    tap.eq(request(server, "GET", "/healthz"), (200, b"alive\n"))


def wrapped(server):
    """A connection whose handshake is done."""
    raw = socket.create_connection(server.places[0], world.SECONDS)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context(server).wrap_socket(raw, server_hostname=server.places[0][0])


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="a.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def half_open(server, stack, n, hello=None):
    """Connections that have sent a ClientHello, and say nothing more."""
    hello = hello or client_hello()
    made = []
    for _ in range(n):
        made.append(stack.enter_context(socket.create_connection(server.places[0], world.SECONDS)))
        made[-1].sendall(hello)
    return made


def connections(server):
    found = 0
    for fd in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += os.readlink(fd).startswith("socket:")
    return found


# --- clients as they are ---

def test_what_is_served_there():
    with start() as server:
        alive(server)
        tap.eq(request(server, "GET", "/readyz")[0], 200)
        key = world.key_of(server.state, "n1")
        tap.eq(request(server, "GET", f"/s/{key}/user-data")[0], 404)
        tap.eq(request(server, "GET", "/boot.ipxe")[0], 404)
        tap.eq(request(server, "GET", "/v1/nodes")[0], 404)
        server.get(f"/s/{key}/user-data")
        tap.eq(request(server, "POST", f"/s/{key}/phone-home", "instance_id=i&hostname=n1")[0], 200)
        tap.eq(server.wait_event("phoned-home")["peer"], "127.0.0.1")


def s_client(server, *options, say="GET /healthz HTTP/1.0\r\n\r\n"):
    host, port = server.places[0]
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", str(server.ca),
               "-verify_return_error", "-ign_eof", *options]
    return subprocess.run(command, input=say, capture_output=True, text=True, check=False,
                          timeout=world.SECONDS)


def test_openssl_with_what_we_speak():
    with start() as server:
        for options, cipher in (
                (["-tls1_3"], "TLS_AES_128_GCM_SHA256"),
                (["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "CHACHA20"),
                (["-tls1_3", "-groups", "P-256"], "TLSv1.3"),
                (["-tls1_2"], "ECDHE-ECDSA-AES128-GCM-SHA256"),
                (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], "AES256-GCM"),
                # The server's order: the client would have the other.
                (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:"
                  "ECDHE-ECDSA-AES128-GCM-SHA256"], "AES128-GCM")):
            done = s_client(server, *options)
            tap.contains(done.stdout, "alive")
            tap.contains(done.stdout, "Verify return code: 0 (ok)")
            tap.contains(done.stdout, cipher)


def test_openssl_with_what_we_do_not_speak():
    weak = "ALL:@SECLEVEL=0"
    with start() as server:
        for options in (["-tls1", "-cipher", weak], ["-tls1_1", "-cipher", weak],
                        ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"],
                        ["-tls1_2", "-cipher", "AES128-GCM-SHA256:AES128-SHA:@SECLEVEL=0"],
                        ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
                        ["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"],
                        ["-tls1_3", "-groups", "ffdhe2048"]):
            done = s_client(server, *options)
            assert done.returncode != 0 and "alive" not in done.stdout, (options, done.stdout)
        server.wait_event("handshake-failed", count=7)
        alive(server)


def test_a_peer_that_refuses_the_certificate_is_logged():
    folder = world.scratch()
    make_pair(folder, 1)
    with start() as server:
        for options in (["-CAfile", str(folder / "chain.new")], ["-verify_ip", "10.9.9.9"]):
            done = s_client(server, "-tls1_3", *options)
            assert done.returncode != 0, done.stdout
        server.wait_event("handshake-failed", count=2)
        for event in server.events("handshake-failed"):
            tap.contains(event["reason"], "it may not trust the CA, or use a name")


def test_renegotiation_ends_the_connection():
    with start() as server:
        host, port = server.places[0]
        command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as client:
            client.stdin.write("R\n")
            client.stdin.flush()
            said = client.stdout.read()
            tap.contains(said, "RENEGOTIATING")
            client.stdin.close()
            assert client.wait(world.SECONDS) != 0
        alive(server)


def test_curl_checks_the_name_and_the_ca():
    with start() as server:
        host, port = server.places[0]
        url = f"https://{host}:{port}/healthz"
        curl = ["curl", "--silent", "--show-error", "--max-time", "60"]
        tap.eq(subprocess.check_output([*curl, "--cacert", str(server.ca), url]), b"alive\n")
        tap.eq(subprocess.run([*curl, url], capture_output=True, check=False).returncode, 60)
        tap.eq(subprocess.run([*curl, "--cacert", str(server.ca), "--connect-to",
                               f"other.example:{port}:{host}:{port}",
                               f"https://other.example:{port}/"],
                              capture_output=True, check=False).returncode, 60)


def test_several_addresses_and_both_families():
    with start(args=["--https", "127.0.0.1:0", "--https", "[::1]:0"]) as server:
        tap.eq([host for host, _ in server.places], ["127.0.0.1", "::1"])
        for place in (0, 1):
            tap.eq(request(server, "GET", "/healthz", place=place)[0], 200)


def test_a_passed_socket_named_node():
    boot, node = world.listener(), world.listener()
    options = world.activated(boot, node, names=["boot", "node"])
    with start(args=[], **options) as server:
        tap.eq(server.places, [node.getsockname()])
        tap.eq(server.addresses, [["127.0.0.1", str(boot.getsockname()[1])]])
        alive(server)


# --- requests in odd pieces ---

def test_records_of_one_byte_and_pipelined_requests():
    with start() as server, wrapped(server) as wire:
        text = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        for byte in text:
            wire.sendall(bytes([byte]))
        wire.sendall(text * 3)
        got = b""
        while got.count(b"alive\n") < 4:
            more = wire.recv(65536)
            assert more, got
            got += more
        tap.eq(got.count(b"HTTP/1.1 200"), 4)


class Keyed:
    """A connection of OpenSSL's own, which can change its keys; Python's ssl cannot."""

    KEY_UPDATE_NOT_REQUESTED = 0

    def __init__(self, server):
        lib = ctypes.CDLL(ctypes.util.find_library("ssl"))
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(lib, name).restype = ctypes.c_void_p
        self.lib, self.raw = lib, socket.create_connection(server.places[0])
        self.context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_client_method())))
        self.ssl = ctypes.c_void_p(lib.SSL_new(self.context))
        seconds = int(world.SECONDS).to_bytes(8, sys.byteorder) + bytes(8)
        self.raw.setblocking(True)
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, seconds)
        tap.eq((lib.SSL_set_fd(self.ssl, self.raw.fileno()), lib.SSL_connect(self.ssl)), (1, 1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()
        self.lib.SSL_free(self.ssl)
        self.lib.SSL_CTX_free(self.context)

    def change_keys(self):
        tap.eq((self.lib.SSL_key_update(self.ssl, self.KEY_UPDATE_NOT_REQUESTED),
                self.lib.SSL_do_handshake(self.ssl)), (1, 1))

    def say(self, data):
        tap.eq(self.lib.SSL_write(self.ssl, data, len(data)), len(data))

    def hear(self, end):
        got, data = b"", ctypes.create_string_buffer(65536)
        while not got.endswith(end):
            n = self.lib.SSL_read(self.ssl, data, len(data))
            assert n > 0, got
            got += data.raw[:n]
        return got

    def cork(self, held):
        """What is said meanwhile arrives at once."""
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, held)


def test_new_keys_and_a_request_in_one_segment():
    text = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    with start() as server, Keyed(server) as wire:
        for cut in (0, 9):  # also within a request
            if cut:
                wire.say(text[:cut])
            wire.cork(1)
            for _ in range(3):
                wire.change_keys()
            wire.say(text[cut:])
            wire.cork(0)
            tap.contains(wire.hear(b"alive\n").decode(), "200 OK")


def test_absolute_form():
    """The scheme is the listener's own."""
    with start() as server:
        for url, status in (("https://other/healthz", 200), ("HTTPS://other/healthz?q", 200),
                            ("https://other", 404), ("http://other/healthz", 400)):
            tap.eq((url, request(server, "GET", url)[0]), (url, status))


def test_a_body_too_large():
    with start() as server:
        key = world.key_of(server.state, "n1")
        for body in (b"x" * 2**23, iter([b"y" * 60000] * 80)):  # with its length, and chunked
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                tap.eq(request(server, "POST", f"/s/{key}/report", body)[0], 413)
        alive(server)


# --- peers that do not speak TLS, or not to the end ---

def test_plain_http_gets_a_400_that_says_https():
    with start() as server:
        class Plain:
            host, port = server.places[0]
        with world.Wire(Plain) as wire:
            answer = wire.get("/healthz").answer()
            tap.eq(answer.status, 400)
            tap.contains(answer.body.decode(), "https:")
            wire.ends()
        tap.contains(server.wait_event("limit")["reason"], "https://")


def say_and_end(peer, data):
    """Returns when the server has closed too."""
    with contextlib.suppress(OSError):
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionError):
        while peer.recv(65536):
            pass


def test_garbage():
    hello = client_hello()
    with start() as server:
        for junk in (b"\x16", b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x00" * 20, hello[:-1],
                     hello[:5] + bytes(len(hello) - 5), b"\x15\x03\x01\x00\x02\x02\x28",
                     b"\x16\x03\x01\x40\x00" + b"\xff" * 16384, hello + hello, os.urandom(4096),
                     b"\x80\x2e\x01\x03\x01" + bytes(41), hello + b"\x17\x03\x03\x00\x10" + bytes(16)):
            with socket.create_connection(server.places[0], world.SECONDS) as peer:
                say_and_end(peer, junk)
        alive(server)


def test_a_record_that_is_cut_short_or_forged():
    with start() as server:
        for tail in (b"\x17\x03\x03\x00\x40" + bytes(20), b"\x17\x03\x03\x00\x40" + bytes(64),
                     b"GET / HTTP/1.1\r\n\r\n"):
            wire = wrapped(server)
            with socket.socket(fileno=wire.detach()) as raw:
                raw.settimeout(world.SECONDS)
                say_and_end(raw, tail)
        alive(server)


def test_unfinished_handshakes_keep_nobody_out():
    """The one that has waited longest gives way to a client that comes after them all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tap.defer(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    limits = {"request_seconds": 3600, "connections_per_address": 5000}
    with start(limits=limits) as server, contextlib.ExitStack() as stack:
        before = connections(server)
        half_open(server, stack, UNFINISHED_MAX + 50)
        alive(server)
        tap.wait_until(lambda: connections(server) - before <= UNFINISHED_MAX)
        tap.contains(server.wait_event("limit")["reason"], "handshake")
        begun = world.cpu_seconds(server.process.pid), time.monotonic()
        time.sleep(1)
        used = world.cpu_seconds(server.process.pid) - begun[0]
        assert used < 0.2 * (time.monotonic() - begun[1]), f"{used} s of CPU for nothing"
        for _ in range(20):
            alive(server)


def test_one_deadline_for_handshake_and_request():
    """Half of a request does not begin another one."""
    with start(limits={"request_seconds": 1}) as server, contextlib.ExitStack() as stack:
        for peer in half_open(server, stack, 5) + half_open(server, stack, 5, client_hello()[:50]):
            with contextlib.suppress(ConnectionError):
                while peer.recv(65536):
                    pass
        wire = stack.enter_context(wrapped(server))
        wire.sendall(b"GET /healthz HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            tap.eq(wire.recv(1000), b"")
        alive(server)


# --- limits ---

def test_each_listener_leaves_room_for_the_other():
    limits = {"connections": 40, "connections_per_address": 40}
    with start(limits=limits) as server, contextlib.ExitStack() as stack:
        def come(connect):
            """As many as are served, each from an address of its own."""
            n = 0
            while n < 60:
                source = (f"127.0.1.{n + 1}", 0)
                wire = stack.enter_context(connect(source))
                try:
                    wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                    if b" 200 " not in wire.recv(1000):
                        break
                except OSError:
                    break
                n += 1
            return n

        def plain(source):
            return socket.create_connection((server.host, server.port), world.SECONDS, source)

        def secure(source):
            raw = socket.create_connection(server.places[0], world.SECONDS, source)
            stack.callback(raw.close)
            return context(server).wrap_socket(raw, server_hostname="127.0.0.1")
        tap.eq(come(plain), 30)
        with contextlib.suppress(OSError):
            tap.eq(come(secure), 10)
        reasons = {e["reason"] for e in server.events("limit")}
        assert any("all connections are taken" in reason for reason in reasons), reasons


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def test_no_descriptors_left():
    """Connections that have sent no request give way; where none is left, new ones are closed."""
    with start(preexec_fn=few_descriptors) as server, contextlib.ExitStack() as stack:
        half_open(server, stack, 100)
        alive(server)
        used = []
        with contextlib.suppress(OSError):
            while len(used) < 64:
                used.append(stack.enter_context(wrapped(server)))
                used[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                assert used[-1].recv(1000)
        assert 20 < len(used) < 64, len(used)
        tap.contains(server.wait_event("limit")["reason"], "descriptor")
        before, begun = world.cpu_seconds(server.process.pid), time.monotonic()
        time.sleep(1)
        spent = world.cpu_seconds(server.process.pid) - before
        assert spent < 0.2 * (time.monotonic() - begun), f"{spent} s of CPU"
        for wire in used[:10]:
            wire.close()
        tap.wait_until(lambda: request(server, "GET", "/healthz")[0] == 200)


def test_idle_costs_nothing():
    with start() as server, contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wrapped(server)) for _ in range(50)]
        for wire in wires:
            wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            tap.contains(wire.recv(1000).decode(), "200 OK")
        half_open(server, stack, 50)
        alive(server)
        before, begun = world.cpu_seconds(server.process.pid), time.monotonic()
        time.sleep(2)
        used = world.cpu_seconds(server.process.pid) - before
        assert used < 0.1 * (time.monotonic() - begun), f"{used} s of CPU"


# --- certificates ---

def make_pair(folder, serial):
    """A certificate that is its own CA."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.new", "-out",
                    folder / "chain.new", "-days", "30", "-subj", "/CN=seed", "-set_serial",
                    str(serial), "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    (folder / "key.new").chmod(0o600)


def put_pair(folder, serial):
    make_pair(folder, serial)
    for name in ("key", "chain"):
        (folder / f"{name}.new").rename(folder / f"{name}.pem")


def serial_of(wire):
    done = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-serial"],
                          input=wire.getpeercert(True), capture_output=True, check=True)
    return int(done.stdout.decode().strip().split("=")[1], 16)


def any_certificate():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def test_certificates_are_exchanged_under_load():
    """Not one request fails, and connections that exist go on."""
    folder = world.scratch()
    put_pair(folder, 1)
    tls = {"certificate": str(folder / "chain.pem"), "key": str(folder / "key.pem")}
    with start(config={"tls": tls}) as server:
        def ask(stop):
            n, trusting = 0, any_certificate()
            while not stop:
                raw = socket.create_connection(server.places[0], world.SECONDS)
                with trusting.wrap_socket(raw) as wire:
                    wire.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                    assert b" 200 " in wire.recv(1000)
                n += 1
            return n
        stop = []
        lasting = any_certificate().wrap_socket(
            socket.create_connection(server.places[0], world.SECONDS))
        with lasting, concurrent.futures.ThreadPoolExecutor(4) as pool:
            asking = [pool.submit(ask, stop) for _ in range(4)]
            try:
                for serial in range(2, 12):
                    put_pair(folder, serial)
                    server.signal(signal.SIGHUP)
                    server.wait_event("reloaded", count=serial - 1)
                    with any_certificate().wrap_socket(
                            socket.create_connection(server.places[0], world.SECONDS)) as wire:
                        tap.eq(serial_of(wire), serial)
            finally:
                stop.append(True)
            assert all(task.result() > 0 for task in asking)
            lasting.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            tap.contains(lasting.recv(1000).decode(), "200 OK")


# --- the end ---

def test_the_end_with_connections_of_all_kinds():
    with start(limits={"shutdown_seconds": 1}) as server, contextlib.ExitStack() as stack:
        half_open(server, stack, 20)
        idle = [stack.enter_context(wrapped(server)) for _ in range(5)]
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        got = b""
        while b"alive\n" not in got:
            got += idle[0].recv(1000)
        idle[1].sendall(b"POST /healthz HTTP/1.1\r\n")
        server.stop()
        tap.eq(idle[0].recv(1000), b"")


tap.main()
