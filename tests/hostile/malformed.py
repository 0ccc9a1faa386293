#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that are no requests: each is refused, or read in the only way that it can be read, in
one answer; and the server goes on.
"""
import contextlib
import socket
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]
import figures  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
from figures import Figures, Visitor, dial, read_all  # noqa: E402

tree = world.Tree()
tree.node("n1")
server = tap.enter(tree.start(env=figures.environment()))
KEY = world.key_of(server.state, "n1")
GET = "GET /healthz HTTP/1.1\r\nHost: test\r\n"
POST = f"POST /s/{KEY}/report HTTP/1.1\r\nHost: test\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n"

# What comes back: a status; NOTHING: it is closed without an answer; either of several.
NOTHING = 0
REFUSED = {NOTHING, 400, 431, 501, 505}
TABLE = [
    # the request line
    ("", {NOTHING}),
    ("\r\n", {NOTHING}),
    ("\r\n\r\n\r\n", {NOTHING}),
    ("\0", REFUSED),
    ("\0\0\0\0\r\n\r\n", REFUSED),
    ("GET", REFUSED),
    ("GET\r\n\r\n", REFUSED),
    ("GET \r\n\r\n", REFUSED),
    ("GET /healthz\r\n\r\n", REFUSED),
    ("GET  HTTP/1.1\r\nHost: t\r\n\r\n", REFUSED | {404}),
    ("GET /healthz HTTP/\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz HTTP/1\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz HTTP/1.\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz HTTP/2.0\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz HTTP/0.9\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz HTTP/9999999999.1\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz http/1.1\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz FTP/1.1\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz HTTP/1.1 x\r\nHost: t\r\n\r\n", REFUSED | {404}),
    ("GET /hea lthz HTTP/1.1\r\nHost: t\r\n\r\n", REFUSED | {404}),
    ("GET\t/healthz\tHTTP/1.1\r\nHost: t\r\n\r\n", REFUSED | {404}),
    (" GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n", REFUSED | {404, 405}),
    ("get /healthz HTTP/1.1\r\nHost: t\r\n\r\n", {405}),
    ("G\0T /healthz HTTP/1.1\r\nHost: t\r\n\r\n", REFUSED | {405}),
    ("GET /heal\0thz HTTP/1.1\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz\0 HTTP/1.1\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz HTTP/1.1\0\r\nHost: t\r\n\r\n", REFUSED),
    ("GET /healthz HTTP/1.1\0\nHost: t\0\n\0\n", REFUSED),
    ("GET healthz HTTP/1.1\r\nHost: t\r\n\r\n", {400}),
    ("GET * HTTP/1.1\r\nHost: t\r\n\r\n", {400}),
    ("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", {400, 405}),
    ("GET //healthz HTTP/1.1\r\nHost: t\r\n\r\n", {200}),
    ("GET /./healthz HTTP/1.1\r\nHost: t\r\n\r\n", {200}),
    ("GET /../healthz HTTP/1.1\r\nHost: t\r\n\r\n", {404}),
    ("GET /assets/../../etc/passwd HTTP/1.1\r\nHost: t\r\n\r\n", {400, 404}),
    ("GET /assets/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: t\r\n\r\n", {400, 404}),
    ("GET /assets/%00 HTTP/1.1\r\nHost: t\r\n\r\n", {400, 404}),
    ("GET /assets/% HTTP/1.1\r\nHost: t\r\n\r\n", {400, 404}),
    ("GET /assets/%zz HTTP/1.1\r\nHost: t\r\n\r\n", {400, 404}),
    ("GET /assets/\xff\xfe HTTP/1.1\r\nHost: t\r\n\r\n", {400, 404, 503}),
    ("GET http:// HTTP/1.1\r\nHost: t\r\n\r\n", {400, 404}),
    ("GET http:/healthz HTTP/1.1\r\nHost: t\r\n\r\n", {400}),
    ("GET https://t/healthz HTTP/1.1\r\nHost: t\r\n\r\n", {400}),
    ("CONNECT t:80 HTTP/1.1\r\nHost: t\r\n\r\n", {400, 405}),
    ("TRACE /healthz HTTP/1.1\r\nHost: t\r\n\r\n", {405}),
    (f"{'A' * 3000} /healthz HTTP/1.1\r\nHost: t\r\n\r\n", REFUSED | {405}),
    ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 32, REFUSED),  # TLS
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    ("\x80\x00\x00\x05\x00\x00\x00\x00", REFUSED),
    # the head
    ("GET /healthz HTTP/1.1\r\n\r\n", {400}),
    (f"{GET}Host: other\r\n\r\n", {400}),
    (f"{GET}host: test\r\n\r\n", {400}),
    ("GET /healthz HTTP/1.1\nHost: t\n\n", {200, 400}),
    ("GET /healthz HTTP/1.1\r\nHost: t\n\r\n", {400}),
    ("GET /healthz HTTP/1.1\r\rHost: t\r\r\r\r", REFUSED | {200}),
    (f"{GET}X\r\n\r\n", REFUSED),
    (f"{GET}: y\r\n\r\n", REFUSED | {200}),
    (f"{GET}X : y\r\n\r\n", {400}),
    (f"{GET}X\0: y\r\n\r\n", {400}),
    (f"{GET}X: y\0z\r\n\r\n", {400}),
    (f"{GET}X: y\r\n z\r\n\r\n", {400}),
    (f"{GET}\tX: y\r\n\r\n", {400}),
    (f"{GET} X: y\r\n\r\n", {400}),
    (f"{GET}Content-Length: 0\r\n\r\n", {400}),
    (f"{GET}Content-Length: 5\r\n\r\nabcde", {400}),
    (f"{GET}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    (f"{GET}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", {400}),
    (f"{GET}Expect: 100-continue\r\n\r\n", {200, 400, 417}),
    (f"{GET}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", {200}),
    (f"{GET}Range: bytes=9-1,-,x\r\n\r\n", {200}),
    (f"{GET}If-None-Match: \"\r\n\r\n", {200}),
    (f"{GET}Accept-Encoding: gzip;q=,;;,\xff\r\n\r\n", {200}),
    (f"{GET}Cookie: =;==;a=\xff\r\n\r\n", {200}),
    (f"{GET}Cookie: =;==;a=\xff;{';' * 500}\r\n\r\n", {431}),
    (f"{GET}Cookie: {'a=b; ' * 500}\r\n\r\n", {431}),
    (f"{GET}{'X: y' * 1000}\r\n\r\n", {431, NOTHING}),
    (f"{GET}" + "X: y\r\n" * 800 + "\r\n", {431, NOTHING}),
    # lengths
    *[(f"{POST}Content-Length: {n}\r\n\r\nabc", {400}) for n in
      ("-1", "+3", "0x3", "3 3", "3,3", "3;", "", " ", "abc", "1e1", "3.0", "9" * 30,
       "18446744073709551616", "\xb2")],
    (f"{POST}Content-Length: 18446744073709551615\r\n\r\n", {400, 413}),
    (f"{POST}Content-Length: 99999999\r\n\r\n", {413}),
    (f"{POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", {400}),
    (f"{POST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", {400}),
    (f"{POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    (f"{POST}Content-Length : 3\r\n\r\nabc", {400}),
    (f"{POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", {400}),
    (f"{POST}Content-Length: 0\r\n\r\n", {400}),
    (f"{POST}\r\n", {400, 411}),
    *[(f"{POST}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n", {400}) for coding in
      ("identity", "gzip", "gzip, chunked", "chunked, chunked", "xchunked", "chunked;x", "\"chunked\"",
       "", "chunked\0")],
    (f"{CHUNKED}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}),
    (f"{CHUNKED.replace('1.1', '1.0')}\r\n0\r\n\r\n", {400}),
    # chunks
    *[(f"{CHUNKED}\r\n{size}\r\nabc\r\n0\r\n\r\n", REFUSED) for size in
      ("-3", "+3", "0x3", "g", "", " 3", "ffffffffffffffff", "3\0")],
    (f"{CHUNKED}\r\n10000000000000003\r\nabc\r\n0\r\n\r\n", {413}),
    (f"{CHUNKED}\r\n3\r\nabcd\r\n0\r\n\r\n", REFUSED),
    (f"{CHUNKED}\r\n3abc\r\n0\r\n\r\n", REFUSED),
    (f"{CHUNKED}\r\n3;{'x' * 4000}", {NOTHING}),
    (f"{CHUNKED}\r\n{'0' * 4000}", REFUSED),
    (f"{CHUNKED}\r\n0\r\n{'X: y' * 2000}\r\n\r\n", {431, NOTHING}),
]


def status_of(data):
    """The status of the answer, NOTHING where there is none. It must be the only one."""
    made = dial(server)
    with contextlib.suppress(OSError):  # it may be refused before all of it is sent
        made.sendall(data.encode("latin-1"))
        made.shutdown(socket.SHUT_WR)
    got = read_all(made)
    made.close()
    if not got:
        return NOTHING
    if not got.startswith(b"HTTP/1."):
        raise AssertionError(f"not an answer: {got!r}")
    got = got.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert got.count(b"HTTP/1.1 ") == 1, f"more than one answer: {got!r}"
    return int(got.split(b" ", 2)[1])


def test_a_table_of_malformed_requests():
    before, wrong = Figures(server), []
    with Visitor(server):
        for data, wanted in TABLE:
            try:
                got = status_of(data)
                if got not in wanted:
                    wrong.append(f"{data[:120]!r}: {got}, not {sorted(wanted)}")
            except (AssertionError, OSError) as error:
                wrong.append(f"{data[:120]!r}: {error!r}")
    print(f"# {len(TABLE)} requests")
    before.same_again()
    assert not wrong, "\n".join(wrong)


def test_each_cut_at_each_byte():
    """A client that stops anywhere, on 2,000 connections."""
    good = (f"{CHUNKED}X: y\r\n\r\n3\r\nabc\r\n0\r\nY: z\r\n\r\n{GET}\r\n").encode()
    before = Figures(server)
    with Visitor(server):
        for end in range(0, 2000):
            made = dial(server)
            made.sendall(good[:end % len(good)])
            (figures.reset if end % 3 else socket.socket.close)(made)
    before.same_again()


tap.main()
