#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which servers the daemon's HTTP client trusts, and to whom it shows a token."""
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from certs import Authority, openssl  # noqa: E402
from daemon import SECONDS  # noqa: E402
from fetching import Drive, Server, memory_of, tls_of  # noqa: E402

FOLDER = tap.enter(tempfile.TemporaryDirectory(prefix="cloudseed-test-"))
OURS, OTHER = Authority(FOLDER, "ours"), Authority(FOLDER, "other")
GOOD = OURS.server("good")
TOKEN = "eyJhbGciOi" + os.urandom(24).hex()
SHORT_MS = 1000


def secure(handler, certificate=GOOD):
    return Server(handler, tls=tls_of(certificate))


def hello(peer):
    while peer.answer(b"hello"):
        pass


def untrusted(server, drive, message, **options):
    done = drive.get(server.url(), bearer=TOKEN, **options).done()
    tap.eq((done["fault"], done["status"]), ("tls", 0), done["message"])
    tap.contains(done["message"], f"https://127.0.0.1:{server.port}: TLS: ")
    tap.contains(done["message"], message)


# --- Trust ---------------------------------------------------------------------------------------

def test_trusts_the_given_ca():
    with secure(hello) as server, Drive() as drive:
        tap.eq(drive.get(server.url(), ca=OURS.pem).done()["body"], "hello")
        tap.eq(drive.get(server.url(), ca=OTHER.pem + OURS.pem).done()["body"], "hello")


def test_trusts_no_other_ca():
    asked = []
    with secure(lambda peer: asked.append(peer.request())) as server, Drive() as drive:
        untrusted(server, drive, "certificate", ca=OTHER.pem)
        untrusted(server, drive, "certificate")  # none of the system's
        untrusted(server, drive, "", ca="no PEM at all")
        untrusted(server, drive, "", ca="")
    tap.eq([a for a in asked if a], [])


def test_connection_of_another_ca_is_not_used():
    with secure(hello) as server, Drive() as drive:
        tap.eq(drive.get(server.url(), ca=OURS.pem).done()["body"], "hello")
        untrusted(server, drive, "certificate", ca=OTHER.pem)
        tap.eq(drive.get(server.url(), ca=OURS.pem).done()["body"], "hello")


def test_wrong_name():
    wrong = OURS.server("wrong", address="IP:127.0.0.2,DNS:localhost.example")
    with secure(hello, wrong) as server, Drive() as drive:
        untrusted(server, drive, "127.0.0.1", ca=OURS.pem)
    common = OURS.server("127.0.0.1", address="DNS:other.example")
    with secure(hello, common) as server, Drive() as drive:
        untrusted(server, drive, "127.0.0.1", ca=OURS.pem)


def test_ended():
    with secure(hello, OURS.server("ended", days=-1)) as server, Drive() as drive:
        untrusted(server, drive, "certificate has expired", ca=OURS.pem)
    with secure(hello) as server, Drive() as drive:
        untrusted(server, drive, "certificate has expired", ca=OURS.ended())


def test_not_a_server_of_ours():
    """A server's certificate signs nothing."""
    leaf = Authority.__new__(Authority)
    leaf.folder, leaf.file, leaf.key = Path(FOLDER), GOOD[0], GOOD[1]
    forged, key = leaf.server("forged")
    chain = Path(FOLDER, "chain.pem")
    chain.write_bytes(forged.read_bytes() + GOOD[0].read_bytes())
    with secure(hello, (chain, key)) as server, Drive() as drive:
        untrusted(server, drive, "", ca=OURS.pem)


def test_how_far_it_came():
    """A server that hangs up, of which nothing is known, and one that has said anything at all."""
    def after_hello(act):
        return lambda peer: (peer.connection.recv(65536), act(peer))

    def far(handler, reach, fault="tls", tls=None, **options):
        with Server(handler, tls=tls) as server, Drive() as drive:
            done = drive.get(f"https://127.0.0.1:{server.port}/", **options).done()
            tap.eq((done["fault"], done["reach"]), (fault, reach), done["message"])

    far(lambda peer: None, "accepted")
    far(after_hello(lambda peer: None), "accepted")
    far(after_hello(lambda peer: peer.reset()), "accepted")
    far(lambda peer: peer.closed(), "accepted", "late", connect_ms=SHORT_MS)
    far(after_hello(lambda peer: peer.send(b"HTTP/1.0 400 Bad Request\r\n\r\n")), "answered")
    far(after_hello(lambda peer: peer.send(b"\x15\x03\x03\0\2\2\x28")), "answered")
    far(hello, "answered", tls=tls_of(GOOD))
    far(hello, "answered", "ok", tls=tls_of(GOOD), ca=OURS.pem)
    far(lambda peer: peer.request(), "answered", "cut off", tls=tls_of(GOOD), ca=OURS.pem)
    with socket.socket() as bound, Drive() as drive:
        bound.bind(("127.0.0.1", 0))
        done = drive.get(f"https://127.0.0.1:{bound.getsockname()[1]}/").done()
        tap.eq((done["fault"], done["reach"]), ("unreached", "nowhere"))
    with Drive() as drive:
        tap.eq(drive.get("https://no.such.name.invalid/").done()["reach"], "nowhere")


# The system's CAs, as seen by a child in a mount namespace: only OURS.
NAMESPACE = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])


def system_of_ours():
    if not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], capture_output=True,
                                                     check=False).returncode:
        raise tap.Skip("no mount namespace can be made")
    system = Path(FOLDER, "system")
    system.mkdir()
    shutil.copy(OURS.file, system / "ours.pem")
    (system / "ca-certificates.crt").write_text(OURS.pem)
    openssl("rehash", system)
    return [*NAMESPACE, "sh", "-c", 'mount --bind "$0" /etc/ssl/certs && exec "$@"', system]


def test_a_given_ca_replaces_those_of_the_system():
    before = system_of_ours()
    with secure(hello) as server, Drive(before=before) as drive:
        tap.eq(drive.get(server.url()).done()["body"], "hello")
        untrusted(server, drive, "certificate", ca=OTHER.pem)


# --- The protocol --------------------------------------------------------------------------------

def lax():
    """An OpenSSL configuration that allows what is weak."""
    file = Path(FOLDER, "lax.cnf")
    file.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"
                    "MinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n")
    return {**os.environ, "OPENSSL_CONF": str(file)}


def of_version(version):
    context = tls_of(GOOD)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    warnings.simplefilter("ignore", DeprecationWarning)
    context.minimum_version = context.maximum_version = version
    return Server(hello, tls=context)


def test_versions():
    with Drive(env=lax()) as drive:
        for version, fault in ((ssl.TLSVersion.TLSv1_3, "ok"), (ssl.TLSVersion.TLSv1_2, "ok"),
                               (ssl.TLSVersion.TLSv1_1, "tls")):
            with of_version(version) as server:
                tap.eq(drive.get(server.url(), ca=OURS.pem).done()["fault"], fault, version)


def test_renegotiation():
    """openssl s_server begins a second handshake before its answer."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", GOOD[0], "-key", GOOD[1],
         "-tls1_2", "-naccept", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    said = []

    def hear():
        for line in server.stdout:
            said.append(line.strip())
    listener = threading.Thread(target=hear)
    listener.start()
    try:
        tap.wait_until(lambda: b"ACCEPT" in said)
        with Drive() as drive:
            fetch = drive.get(f"https://127.0.0.1:{port}/", ca=OURS.pem)
            tap.wait_until(lambda: any(line.startswith(b"User-Agent: cloudseed") for line in said))
            server.stdin.write(b"r\n")
            server.stdin.flush()
            tap.wait_until(lambda: any(b"SSL_do_handshake" in line for line in said))
            server.stdin.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmore")
            server.stdin.flush()
            done = fetch.done()
            tap.eq((done["fault"], done["body"]), ("ok", "more"), done["message"])
    finally:
        server.kill()
        server.wait()
        listener.join()
        server.stdin.close()
        server.stdout.close()


def test_cut_without_an_end_of_tls():
    """Whoever cuts the connection must not be able to shorten an answer."""
    def handler(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
        peer.connection.shutdown(socket.SHUT_WR)  # of the socket below
    with secure(handler) as server, Drive() as drive:
        done = drive.get(server.url(), ca=OURS.pem).done()
        tap.eq((done["fault"], done["body"]), ("cut off", "half"), done["message"])
        tap.contains(done["message"], "it has neither a length nor chunks")


def test_handshake_hangs():
    with Server(lambda peer: peer.closed()) as silent, secure(hello) as quick, Drive() as drive:
        url = silent.url().replace("http:", "https:")
        cancelled = drive.get(url, ca=OURS.pem)
        done = drive.get(url, ca=OURS.pem, connect_ms=SHORT_MS).done()
        tap.eq(done["fault"], "late")
        tap.contains(done["message"], "the TLS handshake does not end")
        tap.eq(drive.get(quick.url(), ca=OURS.pem).done()["body"], "hello")
        cancelled.end()
        drive.ping()
        assert cancelled.events.empty()


def test_handshake_with_something_else():
    for handler, faults in ((lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls"),
                            (lambda peer: None, "tls"),
                            # This may be noticed before or after the connection is:
                            (lambda peer: peer.reset(), "tls unreached")):
        with Server(handler) as server, Drive() as drive:
            done = drive.get(server.url().replace("http:", "https:"), ca=OURS.pem).done()
            assert done["fault"] in faults, done


# --- The token -----------------------------------------------------------------------------------

def test_token():
    seen = []

    def handler(peer):
        while (request := peer.request()):
            seen.append(request[1].get("authorization"))
            peer.reply()
    with secure(handler) as server, Drive() as drive:
        tap.eq(drive.get(server.url(), ca=OURS.pem, bearer=TOKEN).done()["fault"], "ok")
        tap.eq(drive.get(server.url(), ca=OURS.pem).done()["fault"], "ok")
    tap.eq(seen, [f"Bearer {TOKEN}", None])


def redirects(url, seen):
    def handler(peer):
        while (request := peer.request()):
            seen.append((request[0], request[1].get("authorization")))
            moved = request[0].startswith("GET /again")
            peer.reply(b"", "200 OK" if moved else "307 Moved", [] if moved else
                       [f"Location: {url()}"])
    return handler


def test_token_stays_with_its_server():
    here, there = [], []

    def foreign(peer):
        there.append(peer.request()[1].get("authorization"))
        peer.reply(b"there")
    with secure(foreign) as other, secure(redirects(other.url, here)) as server, Drive() as drive:
        done = drive.get(server.url(), ca=OURS.pem, bearer=TOKEN, follows=True).done()
        tap.eq((done["fault"], done["body"]), ("ok", "there"))
    tap.eq((here, there), ([("GET / HTTP/1.1", f"Bearer {TOKEN}")], [None]))
    del here[:]
    with secure(redirects(lambda: server.url("/again"), here)) as server, Drive() as drive:
        tap.eq(drive.get(server.url(), ca=OURS.pem, bearer=TOKEN, follows=True).done()["fault"],
               "ok")
    tap.eq([token for _, token in here], [f"Bearer {TOKEN}"] * 2)


def test_redirects_do_not_leave_tls():
    with Server(hello) as plain, secure(redirects(plain.url, [])) as server, Drive() as drive:
        done = drive.get(server.url(), ca=OURS.pem, follows=True).done()
        tap.eq(done["fault"], "bad answer", done["message"])
        tap.eq(plain.accepted, 0)


def test_proxy_sees_no_request():
    """It is asked for a tunnel; what is in the tunnel is TLS with the server."""
    seen, refuse = [], []

    def proxy(peer):
        first, fields, _ = peer.request()
        seen.append((first, fields))
        if refuse:
            peer.reply(b"", "403 Forbidden")
            return
        peer.send(b"HTTP/1.1 200 Connection established\r\nX-Proxy: p\r\n\r\n")
        with socket.create_connection(("127.0.0.1", server.port)) as onward:
            back = threading.Thread(target=pump, args=(onward, peer.connection))
            back.start()
            pump(peer.connection, onward)
            back.join(SECONDS)

    def pump(source, to):
        try:
            while (some := source.recv(65536)):
                to.sendall(some)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    with secure(hello) as server, Server(proxy) as between, Drive() as drive:
        options = {"ca": OURS.pem, "bearer": TOKEN, "proxy": between.url("")}
        done = drive.get(server.url(), want=["X-Proxy"], **options).done()
        tap.eq((done["fault"], done["body"], done["headers"]), ("ok", "hello", {"X-Proxy": None}))
        untrusted(server, drive, "certificate", **{k: v for k, v in options.items()
                                                   if k == "proxy"}, ca=OTHER.pem)
        refuse.append(True)
        done = drive.start(server.url(), method="POST", **options).done()
        tap.eq((done["fault"], done["status"]), ("unreached", 0), done["message"])
    tap.eq(seen[0][0], f"CONNECT 127.0.0.1:{server.port} HTTP/1.1")
    assert TOKEN not in str(seen), seen


def test_token_is_wiped():
    """Also while its connection is kept open."""
    gate = threading.Event()

    def handler(peer):
        while peer.request():
            gate.wait(SECONDS)
            peer.reply(b"hello")
    with secure(handler) as server, Drive() as drive:
        fetch = drive.get(server.url(), ca=OURS.pem, bearer=TOKEN)
        tap.wait_until(lambda: server.accepted)
        drive.ping()
        assert any(TOKEN.encode() in part for part in memory_of(drive.pid)), "nothing is found"
        gate.set()
        tap.eq(fetch.done()["body"], "hello")
        fetch.end()
        drive.ping()
        assert not any(TOKEN.encode() in part for part in memory_of(drive.pid))


tap.main()
