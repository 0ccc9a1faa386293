#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The daemon's HTTP client against servers that are slow, wrong, or gone."""
import errno
import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
from daemon import SECONDS  # noqa: E402
from fetching import Drive, Server, memory_of  # noqa: E402

SHORT_MS = 300
LONGER_MS = 2000  # a server with a busy machine is not silent for so long
LINE = "x" * 1000 + "\n"


def fails(handler, fault, message, **options):
    """The one fetch fails, without a body, and says so in a line that names only the server."""
    with Server(handler) as server, Drive() as drive:
        done = drive.get(server.url("/path?word"), **options).done()
        tap.eq(done["fault"], fault, done["message"])
        tap.contains(done["message"], f"http://127.0.0.1:{server.port}: ")
        tap.contains(done["message"], message)
        assert "word" not in done["message"] and "\n" not in done["message"], done["message"]
        assert done["number"] < 0, done
        return done


def hangs_after(*pieces):
    """Reads a request, sends these, and waits for the client to close."""
    def handler(peer):
        peer.request()
        for piece in pieces:
            peer.send(piece)
        peer.closed()
    return handler


def ends_after(*pieces):
    def handler(peer):
        peer.request()
        for piece in pieces:
            peer.send(piece)
    return handler


# --- What is asked, and answered -----------------------------------------------------------------

def test_request_and_answer():
    asked = []

    def handler(peer):
        asked.append(peer.request())
        peer.reply(b"made\0it", "201 Created", ["ETag: \"7\"", "Warning: a", "Warning: b", "Empty:"])
    with Server(handler) as server, Drive() as drive:
        done = drive.start(server.url("/a/b?c=d"), method="POST", body='{"x": 1}',
                           headers=[["Content-Type", "application/json"], ["X-Word", "w"],
                                    ["X-Empty", ""]],
                           want=["etag", "Warning", "Retry-After", "Empty"]).done()
    first, fields, body = asked[0]
    tap.eq(first, "POST /a/b?c=d HTTP/1.1")
    tap.eq(body, b'{"x": 1}')
    tap.eq((fields["content-type"], fields["x-word"]), ("application/json", "w"))
    assert fields["user-agent"].startswith("cloudseed/"), fields
    tap.eq(set(fields), {"host", "user-agent", "accept", "content-type", "content-length", "x-word",
                         "x-empty:"})
    tap.eq((done["fault"], done["status"], done["body"], done["message"], done["number"]),
           ("ok", 201, "made\0it", "", 0))
    tap.eq(done["headers"], {"etag": '"7"', "Warning": "b", "Retry-After": None, "Empty": ""})


def test_methods():
    asked = []

    def handler(peer):
        while (request := peer.request()):
            asked.append((request[0].split()[0], request[1].get("content-length"), request[2]))
            peer.reply(b"" if request[0].startswith("HEAD") else b"body", length=4)
    with Server(handler) as server, Drive() as drive:
        for method, body in (("GET", None), ("HEAD", None), ("DELETE", None), ("DELETE", "{}"),
                             ("PUT", "p"), ("PATCH", "q"), ("POST", ""), ("POST", None)):
            more = {} if body is None else {"body": body}
            done = drive.start(server.url(), method=method, **more).done()
            tap.eq((done["fault"], done["body"]), ("ok", "" if method == "HEAD" else "body"))
    tap.eq(asked, [("GET", None, b""), ("HEAD", None, b""), ("DELETE", None, b""),
                   ("DELETE", "2", b"{}"), ("PUT", "1", b"p"), ("PATCH", "1", b"q"),
                   ("POST", "0", b""), ("POST", "0", b"")])


def test_large_body_is_sent_at_once():
    """No 'Expect: 100-continue', which servers may let one wait for."""
    asked = []

    def handler(peer):
        asked.append(peer.request())
        peer.reply()
    with Server(handler) as server, Drive() as drive:
        tap.eq(drive.start(server.url(), method="PUT", body="y" * 3_000_000).done()["fault"], "ok")
    assert "expect" not in asked[0][1]
    tap.eq(len(asked[0][2]), 3_000_000)


def test_malformed_requests_are_refused():
    good = "http://127.0.0.1:1/"
    with Drive() as drive:
        for url, options in (
                ("ftp://127.0.0.1/", {}), ("file:///etc/passwd", {}), ("127.0.0.1", {}), ("", {}),
                ("http://", {}), ("http://user:word@127.0.0.1/", {}), ("http://a b/", {}),
                ("http://127.0.0.1/\r\nX: word", {}), ("http://127.0.0.1/" + "x" * 8192, {}),
                (good, {"method": "GET x"}), (good, {"method": ""}),
                (good, {"headers": [["A", "word\r\nB: c"]]}), (good, {"headers": [["A:", "b"]]}),
                (good, {"headers": [["", "b"]]}), (good, {"proxy": "socks5://127.0.0.1:1"}),
                ("https://127.0.0.1:1/", {"bearer": "word\n"}),
                (good, {"bearer": "word"})):  # it would cross the network in clear
            event = drive.start(url, **options).until("refused")
            assert "word" not in event["message"] and event["number"] < 0, event


def test_environment_changes_nothing():
    def wrong(peer):
        peer.answer(b"proxy")
    with Server(lambda peer: peer.answer(b"direct")) as server, Server(wrong) as proxy:
        env = {**os.environ, "http_proxy": proxy.url(), "all_proxy": proxy.url(),
               "ALL_PROXY": proxy.url(), "no_proxy": "127.0.0.1"}
        with Drive(env={k: v for k, v in env.items() if k != "no_proxy"}) as drive:
            tap.eq(drive.get(server.url()).done()["body"], "direct")
        with Drive(env=env) as drive:
            tap.eq(drive.get(server.url(), proxy=proxy.url("")).done()["body"], "proxy")


def test_netrc_is_not_read():
    asked = []

    def handler(peer):
        asked.append(peer.request())
        peer.reply()
    with tempfile.TemporaryDirectory(prefix="cloudseed-test-") as home, Server(handler) as server:
        Path(home, ".netrc").write_text("machine 127.0.0.1 login l password p\n")
        with Drive(env={**os.environ, "HOME": home}) as drive:
            drive.get(server.url()).done()
    assert "authorization" not in asked[0][1]


# --- Faults --------------------------------------------------------------------------------------

def test_nobody_listens():
    with socket.socket() as bound, Drive() as drive:
        bound.bind(("127.0.0.1", 0))
        done = drive.get(f"http://127.0.0.1:{bound.getsockname()[1]}/").done()
        tap.eq((done["fault"], done["status"]), ("unreached", 0))
        tap.contains(done["message"], "no connection: Connection refused")


def test_reset():
    fails(lambda peer: (peer.request(), peer.reset()), "cut off", "cut off: ")


def test_reset_in_the_body():
    """What came before it is read first, in several turns."""
    def handler(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"r" * 300_000)
        read.wait(SECONDS)
        peer.reset()
    for manual in (False, True):
        read = threading.Event()
        with Server(handler) as server, Drive() as drive:
            stream = drive.get(server.url(), stream=True, manual=manual)
            while manual and stream.length < 300_000:
                if not stream.take():
                    stream.until("woken")
            read.set()
            tap.eq(stream.done()["fault"], "cut off")


def test_closed_without_an_answer():
    fails(ends_after(), "cut off", "cut off: ")


def test_cut_in_the_headers():
    for part in (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-"):
        fails(ends_after(part), "cut off", "cut off: ")


def test_cut_in_the_body():
    done = fails(ends_after(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "cut off",
                 "cut off: ")
    tap.eq(done["status"], 200)


def test_cut_in_a_chunk():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    fails(ends_after(head, b"8\r\nhal"), "cut off", "cut off: ")
    fails(ends_after(head, b"4\r\nhalf\r\n"), "cut off", "cut off: ")
    fails(ends_after(head, b"zz\r\nhalf\r\n"), "cut off", "cut off: ")


def test_cut_before_the_final_answer():
    for first in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"):
        done = fails(ends_after(first), "cut off", "cut off: ")
        tap.eq(done["body"], "")
        with Server(ends_after(first, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as server, \
                Drive() as drive:
            done = drive.get(server.url()).done()
            tap.eq((done["fault"], done["status"], done["body"]), ("ok", 200, "ok"))


def test_trailers():
    whole = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
             b"X-Sum: 1\r\nX-Other: 2\r\n\r\n")
    with Server(ends_after(whole)) as server, Drive() as drive:
        done = drive.get(server.url(), want=["X-Sum"]).done()
        tap.eq((done["fault"], done["body"], done["headers"]), ("ok", "ok", {"X-Sum": None}))
    fails(ends_after(whole[:-10]), "cut off", "cut off: ")


def test_without_a_length():
    """It might have been cut off; answers that never have a body need no length."""
    fails(ends_after(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it?"), "cut off",
          "neither a length nor chunks")
    for head, method in ((b"204 No Content", "DELETE"), (b"304 Not Modified", "GET"),
                         (b"200 OK", "HEAD")):
        with Server(ends_after(b"HTTP/1.1 " + head + b"\r\n\r\n")) as server, Drive() as drive:
            tap.eq(drive.start(server.url(), method=method).done()["fault"], "ok", head)


def test_longer_than_its_length():
    """What follows is no answer to anything: the connection is not used again."""
    def handler(peer):
        peer.request()
        peer.reply(b"body and HTTP/1.1 200 OK", length=4)
        peer.closed()
    with Server(handler) as server, Drive() as drive:
        tap.eq(drive.get(server.url()).done()["body"], "body")
        tap.eq(drive.get(server.url()).done()["body"], "body")
        tap.eq(server.accepted, 2)


def test_not_http():
    fails(ends_after(b"SSH-2.0-OpenSSH_9.2\r\n"), "bad answer", "bad answer: ")
    fails(ends_after(b"\0" * 100), "bad answer", "bad answer: ")


def test_huge_body():
    def handler(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.send(b"z" * 65536)
    done = fails(handler, "too large", "larger than 1000 bytes", max=1000)
    tap.eq(done["status"], 200)
    fails(lambda peer: peer.answer(b"z" * 1001), "too large", "larger than 1000 bytes", max=1000)
    with Server(lambda peer: peer.answer(b"z" * 1000)) as server, Drive() as drive:
        tap.eq(drive.get(server.url(), max=1000).done()["length"], 1000)


def test_huge_headers():
    def many(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            peer.send(b"X-A: " + b"z" * 1000 + b"\r\n")

    def long(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nX-A: ")
        while True:
            peer.send(b"z" * 1000)
    fails(many, "too large", "headers are larger than 65536 bytes")
    fails(long, "too large", "headers are larger than 65536 bytes")


def test_compressed_only_if_asked():
    """A body that unpacks to a thousand times its size would not be seen by the cap in time."""
    asked = []

    def handler(peer):
        asked.append(peer.request())
        peer.reply(b"\x1f\x8b as it is", headers=["Content-Encoding: gzip"])
    with Server(handler) as server, Drive() as drive:
        tap.eq(drive.get(server.url()).done()["fault"], "ok")
    assert "accept-encoding" not in asked[0][1]


# --- Time-outs -----------------------------------------------------------------------------------

def test_never_accepts():
    """A backlog that is full: the connection is neither made nor refused."""
    with socket.socket() as full, Drive() as drive:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        done = drive.get(url, connect_ms=SHORT_MS).done()
        tap.eq((done["fault"], done["reach"]), ("late", "nowhere"))
        tap.contains(done["message"], f"no connection within {SHORT_MS} ms: it does not accept")
        for one in waiting:
            one.close()


def test_no_answer():
    fails(hangs_after(), "late", f"no answer within {SHORT_MS} ms", answer_ms=SHORT_MS)


def test_answer_stops():
    for pieces in ([b"HTTP/1.1 200"], [b"HTTP/1.1 200 OK\r\nA: b\r\n"],
                   [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
                   [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha"]):
        fails(hangs_after(*pieces), "late", "", silence_ms=SHORT_MS, answer_ms=SHORT_MS)


def test_drips_for_ever():
    """A byte now and then is not silence; the whole has a bound of its own."""
    def handler(peer):
        stop = threading.Event()
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not stop.wait(0.02):
            peer.send(b"d")
    fails(handler, "late", f"not done within {SHORT_MS} ms", whole_ms=SHORT_MS, silence_ms=60_000)


def test_one_byte_at_a_time():
    def handler(peer):
        peer.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.request()
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\nX-Y: z\r\n\r\n" + b"b" * 300:
            peer.send(bytes([byte]))
    with Server(handler) as server, Drive() as drive:
        done = drive.get(server.url(), want=["X-Y"]).done()
        tap.eq((done["fault"], done["body"], done["headers"]), ("ok", "b" * 300, {"X-Y": "z"}))


# --- Many ----------------------------------------------------------------------------------------

def test_others_go_on_while_some_hang():
    with Server(hangs_after()) as silent, Server(hangs_after(b"HTTP/1.1 2")) as slow, \
            Server(lambda peer: peer.answer(b"quick")) as quick, Drive() as drive:
        hanging = [drive.get(s.url()) for s in (silent, slow) for _ in range(10)]
        for _ in range(20):
            tap.eq(drive.get(quick.url()).done()["body"], "quick")
        assert all(h.events.empty() for h in hanging)


def test_a_thousand_with_fifty_in_flight():
    lock, now, most = threading.Lock(), [0], [0]

    def handler(peer):
        while (request := peer.request()):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            peer.connection.setblocking(True)
            with lock:
                now[0] -= 1
            peer.reply(request[0].encode())
    with Server(handler) as server, Drive(transfers=50, per_server=50, waiting=1000) as drive:
        many = [drive.get(server.url(f"/{i}")) for i in range(1000)]
        for i, fetch in enumerate(many):
            done = fetch.done()
            tap.eq((done["fault"], done["body"]), ("ok", f"GET /{i} HTTP/1.1"), done["message"])
            fetch.end()
        assert server.accepted <= 50, server.accepted


def caps(transfers, per_server, servers):
    """How many connections are open, with 10 requests to each server that none answers."""
    gate = threading.Event()

    def handler(peer):
        while peer.request():
            gate.wait(SECONDS)
            peer.reply(b"x")
    made = [Server(handler) for _ in range(servers)]
    with Drive(transfers, per_server, waiting=100) as drive:
        many = [drive.get(s.url()) for s in made for _ in range(10)]
        tap.wait_until(lambda: sum(s.accepted for s in made) >= min(transfers,
                                                                    per_server * servers))
        drive.ping()
        counts = [s.accepted for s in made]
        gate.set()
        for fetch in many:
            tap.eq(fetch.done()["fault"], "ok")
    for server in made:
        server.close()
    return counts


def test_caps():
    tap.eq(sum(caps(transfers=5, per_server=4, servers=3)), 5)
    tap.eq(caps(transfers=50, per_server=3, servers=2), [3, 3])


def test_queue():
    with Server(hangs_after()) as server, Server(lambda peer: peer.answer(b"b")) as other, \
            Drive(transfers=2, per_server=1, waiting=2) as drive:
        first = drive.get(server.url())
        second = drive.get(server.url())
        third = drive.get(server.url())
        tap.eq(drive.get(other.url()).until("refused")["number"], -errno.EBUSY)
        third.end()
        late = drive.get(server.url(), connect_ms=SHORT_MS).done()
        tap.contains(late["message"], "no connection within 300 ms: waited for other requests")
        tap.eq(drive.get(other.url()).done()["body"], "b")  # it does not wait for another server's
        first.end()
        tap.wait_until(lambda: server.accepted == 2)  # the second one has its turn
        second.end()


# --- Connections ---------------------------------------------------------------------------------

def test_connection_is_used_again():
    def handler(peer):
        while peer.answer(str(peer.number).encode()):
            pass
    with Server(handler) as server, Drive() as drive:
        for _ in range(5):
            tap.eq(drive.get(server.url()).done()["body"], "1")
        tap.eq(drive.start(server.url(), method="POST").done()["body"], "2")
        tap.eq(drive.start(server.url(), method="POST", repeatable=True).done()["status"], 200)
        tap.eq(server.accepted, 2)


def test_closed_while_idle():
    closed = threading.Semaphore(0)

    def handler(peer):
        peer.answer(b"once")
        peer.connection.close()
        closed.release()
    with Server(handler) as server, Drive() as drive:
        for i in range(1, 5):
            tap.eq(drive.start(server.url(), method="POST", repeatable=True).done()["body"], "once")
            closed.acquire(timeout=SECONDS)
            tap.eq(server.accepted, i)


def closes_idle_ones():
    """A server that answers one request of each connection and resets it at the second one."""
    asked = []

    def handler(peer):
        asked.append(peer.request()[0])
        peer.reply(b"1")
        request = peer.request()
        if request:
            asked.append(request[0])
            peer.reset()
    return asked, handler


def test_dead_connection_is_replaced():
    asked, handler = closes_idle_ones()
    with Server(handler) as server, Drive() as drive:
        for _ in range(3):
            tap.eq(drive.get(server.url("/g")).done()["fault"], "ok")
        tap.eq(drive.start(server.url("/p"), method="PUT", body="b", repeatable=True)
               .done()["fault"], "ok")
    tap.eq(asked, ["GET /g HTTP/1.1"] * 5 + ["PUT /p HTTP/1.1"] * 2)


def test_nothing_else_is_sent_twice():
    """The server that reset the connection may have done what it was asked."""
    asked, handler = closes_idle_ones()
    with Server(handler) as server, Drive() as drive:
        tap.eq(drive.get(server.url("/g")).done()["fault"], "ok")
        tap.eq(drive.start(server.url("/p"), method="POST", body="b").done()["fault"], "ok")
    tap.eq(asked, ["GET /g HTTP/1.1", "POST /p HTTP/1.1"])
    with Server(lambda peer: (asked.append(peer.request()), peer.reset())) as server, \
            Drive() as drive:
        del asked[:]
        tap.eq(drive.start(server.url("/p"), method="POST", body="b").done()["fault"], "cut off")
        tap.eq(len(asked), 1)


def test_connections_are_kept_from_other_programs():
    with Server(hangs_after()) as server, Drive() as drive:
        drive.get(server.url())
        tap.wait_until(lambda: server.accepted)
        link = f"/proc/{drive.pid}/fd"
        tcp = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()}
        sockets = [fd for fd in os.listdir(link)
                   if os.readlink(f"{link}/{fd}").strip("socket:[]") in tcp]
        assert sockets
        for fd in sockets:
            flags = Path(f"/proc/{drive.pid}/fdinfo/{fd}").read_text().split("flags:")[1].split()[0]
            assert int(flags, 8) & os.O_CLOEXEC, (fd, flags)


def test_ipv6():
    with Server(lambda peer: peer.answer(b"six"), host="::1") as server, Drive() as drive:
        tap.eq(drive.get(server.url()).done()["body"], "six")


# --- Redirects -----------------------------------------------------------------------------------

def redirects_to(url):
    def handler(peer):
        while peer.answer(b"elsewhere", "302 Found", [f"Location: {url()}"]):
            pass
    return handler


def test_redirects_are_followed_only_if_asked():
    with Server(lambda peer: peer.answer(b"there")) as there, \
            Server(redirects_to(there.url)) as here, Drive() as drive:
        done = drive.get(here.url(), want=["Location"]).done()
        tap.eq((done["status"], done["body"], done["headers"]),
               (302, "elsewhere", {"Location": there.url()}))
        tap.eq(there.accepted, 0)
        done = drive.get(here.url(), follows=True).done()
        tap.eq((done["status"], done["body"]), (200, "there"))
        stream = drive.get(here.url(), follows=True, stream=True)
        tap.eq((stream.done()["fault"], stream.text), ("ok", "there"))


def test_redirects_end():
    with Server(redirects_to(lambda: server.url())) as server, Drive() as drive:
        tap.eq(drive.get(server.url(), follows=True).done()["fault"], "bad answer")
    with Server(redirects_to(lambda: "file:///etc/passwd")) as server, Drive() as drive:
        done = drive.get(server.url(), follows=True).done()
        tap.eq((done["fault"], done["body"]), ("bad answer", ""))


# --- Streams -------------------------------------------------------------------------------------

def test_stream():
    gate = threading.Semaphore(0)

    def handler(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Y: z\r\n\r\n")
        for piece in (b'{"n": 1}\n', b'{"n"', b': 2}\n'):
            gate.acquire(timeout=SECONDS)
            peer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        gate.acquire(timeout=SECONDS)
        peer.send(b"0\r\n\r\n")
    with Server(handler) as server, Drive() as drive:
        stream = drive.get(server.url(), stream=True, max=0, whole_ms=0, silence_ms=600_000,
                           want=["X-Y"])
        tap.eq(stream.until("begun")["status"], 200)
        for piece in ('{"n": 1}\n', '{"n"', ': 2}\n'):
            gate.release()
            tap.eq(stream.until("bytes")["text"], piece)
        gate.release()
        done = stream.done()
        tap.eq((done["fault"], done["length"], done["body"], done["headers"]),
               ("ok", 18, "", {"X-Y": "z"}))


def test_stream_is_cut():
    def handler(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n")
    with Server(handler) as server, Drive() as drive:
        stream = drive.get(server.url(), stream=True)
        tap.eq((stream.done()["fault"], stream.text), ("cut off", "a\n"))


def test_stream_falls_silent():
    """Its owner is late in taking it first: that is not the server's silence."""
    with Server(hangs_after(b"HTTP/1.1 200 OK\r\n\r\n" + b"s" * 300_000)) as server, \
            Drive() as drive:
        stream = drive.get(server.url(), stream=True, manual=True, silence_ms=LONGER_MS)
        for _ in range(2):
            other = drive.get(server.url(), stream=True, silence_ms=LONGER_MS)
            tap.eq(other.done()["fault"], "late")
        stream.until("woken")
        assert stream.take()
        while stream.length < 300_000:
            if not stream.take():
                stream.until("woken")
        tap.contains(stream.done()["message"], f"the answer stopped for {LONGER_MS} ms")


def test_stream_is_late_while_nobody_takes_it():
    """What is held can still be taken, and its place is free for another one."""
    with Server(hangs_after(b"HTTP/1.1 200 OK\r\n\r\n" + b"s" * 300_000)) as server, \
            Server(lambda peer: peer.answer(b"next")) as other, Drive(transfers=1) as drive:
        stream = drive.get(server.url(), stream=True, manual=True, whole_ms=LONGER_MS)
        tap.contains(stream.done()["message"], f"not done within {LONGER_MS} ms")
        assert stream.take()
        tap.eq(stream.take(), "")
        stream.end()
        for _ in range(3):
            fetch = drive.get(other.url())
            tap.eq(fetch.done()["body"], "next")
            fetch.end()


def test_back_pressure():
    """The server cannot send more than the sockets and the fetch hold; nothing is lost."""
    sent = [0]
    total = 8 << 20

    def handler(peer):
        peer.request()
        peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        block = LINE.encode() * 64
        while sent[0] < total:
            sent[0] += peer.connection.send(block[sent[0] % len(LINE):][:total - sent[0]])
    with Server(handler) as server, Drive() as drive:
        stream = drive.get(server.url(), stream=True, manual=True)
        stream.until("woken")
        seen = [-1]

        def stands_still():
            before, seen[0] = seen[0], sent[0]
            return before == seen[0]
        tap.wait_until(stands_still, pause=0.2)
        assert sent[0] < total, sent[0]
        drive.ping()
        while stream.length < total:
            if not stream.take():
                stream.until("woken")
        tap.eq(stream.done()["fault"], "ok")
        tap.eq(stream.text[:total - total % len(LINE)], LINE * (total // len(LINE)))


# --- Cancelling ----------------------------------------------------------------------------------

STAGES = {
    "asked": [],
    "in the first line": [b"HTTP/1"],
    "in the headers": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n"],
    "in the body": [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
    "in a chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf"],
}


def test_cancelled_at_each_stage():
    """The connection is closed at once, and nothing is heard of it."""
    for stage, pieces in STAGES.items():
        for stream in (False, True):
            reached, closed = threading.Event(), threading.Event()

            def handler(peer, pieces=pieces, reached=reached, closed=closed):
                peer.request()
                for piece in pieces:
                    peer.send(piece)
                reached.set()
                peer.closed()
                closed.set()
            with Server(handler) as server, Drive() as drive:
                fetch = drive.get(server.url(), stream=stream)
                assert reached.wait(SECONDS), stage
                fetch.end()
                assert closed.wait(SECONDS), stage
                drive.ping()
                while not fetch.events.empty():
                    assert fetch.events.get()["event"] in ("begun", "bytes"), stage


def test_cancelled_while_it_connects_or_waits():
    with socket.socket() as full, Drive(transfers=1) as drive:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            first, second, third = drive.get(url), drive.get(url), drive.get(url)
            drive.ping()
            second.end()
            first.end()
            drive.ping()
            third.end()
            drive.ping()
            assert all(f.events.empty() for f in (first, second, third))


def test_cancelled_while_it_is_paused():
    with Server(hangs_after(b"HTTP/1.1 200 OK\r\n\r\n" + b"p" * 1_000_000)) as server, \
            Drive() as drive:
        stream = drive.get(server.url(), stream=True, manual=True)
        stream.until("woken")
        stream.take()
        stream.end()
        drive.ping()


def test_shut_down_with_all_in_flight():
    with Server(hangs_after(b"HTTP/1.1 200 OK\r\n\r\nhalf")) as server:
        with Drive(transfers=20, per_server=20) as drive:
            many = [drive.get(server.url(), stream=i % 2 == 0) for i in range(40)]
            many[0].until("bytes")


# --- Secrets -------------------------------------------------------------------------------------

def test_answers_are_wiped():
    word = os.urandom(32).hex().encode()
    with Server(lambda peer: peer.answer(b"secret " * 100 + word)) as server, Drive() as drive:
        fetch = drive.get(server.url(), quiet=True)
        tap.eq(fetch.done()["length"], 764)
        assert any(word in part for part in memory_of(drive.pid)), "the search finds nothing"
        fetch.end()
        drive.ping()
        assert not any(word in part for part in memory_of(drive.pid))


tap.main()
