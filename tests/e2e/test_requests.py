#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Requests in forms that well-meant clients have, and in forms that nobody means well with."""
import contextlib
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

server = tap.enter(world.start(**world.HOMELAB))
# For requests that are never whole. Any other would be cut as well where the machine is busy.
hasty = tap.enter(world.start(config={"limits": {"request_seconds": 1}}, **world.HOMELAB))
KEY = world.key_of(server.state, "k8s-master-1")
PATH = f"/s/{KEY}/meta-data"
BODY = b'instance-id: "k8s-master-1-1"\nlocal-hostname: "k8s-master-1"\n'


def ask(head, body=b""):
    """The answer to a request on a connection of its own, and whether that was then closed."""
    with world.Wire(server) as wire:
        wire.send(head.encode("latin-1") + b"\r\n\r\n" + body)
        answer = wire.answer()
        return answer, not wire.is_open()


def serves(head):
    answer, _ = ask(head)
    tap.eq((answer.status, answer.body), (200, BODY), head)


def refuses(head, status, reason, body=b"", closes=True):
    answer, closed = ask(head, body)
    tap.eq(answer.status, status, head)
    tap.contains(world.one_line(answer), reason)
    tap.eq(closed, closes, head)


def ends_in_time(data):
    """Whatever comes back is a refusal, and it ends."""
    try:
        got = world.exchange(hasty, data)
    except ConnectionError:
        return  # it was closed while we were still sending
    assert got[:10] in (b"", b"HTTP/1.1 4", b"HTTP/1.1 5"), got[:200]
    assert KEY.encode() not in got and b"instance-id" not in got


def test_forms_that_are_fine():
    serves(f"GET {PATH} HTTP/1.1\r\nHost: x")
    serves(f"GET {PATH} HTTP/1.1\r\nhOST:x")
    serves(f"GET {PATH} HTTP/1.1\r\nHost:")
    serves(f"\r\n\r\nGET {PATH} HTTP/1.1\r\nHost: x")
    serves(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX-Unknown: \x80\xff\"'\\")
    serves(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nUser-Agent: Cloud-Init/24.1\r\n"
           "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive")


def test_absolute_form():
    serves(f"GET http://10.0.10.5:8080{PATH} HTTP/1.1\r\nHost: 10.0.10.5:8080")
    serves(f"GET HTTP://other{PATH}?q=1 HTTP/1.1\r\nHost: x")
    refuses("GET http://other HTTP/1.1\r\nHost: x", 404, "no such path", closes=False)
    refuses(f"GET https://other{PATH} HTTP/1.1\r\nHost: x", 400, "slash")
    refuses(f"GET other{PATH} HTTP/1.1\r\nHost: x", 400, "slash")
    refuses("OPTIONS * HTTP/1.1\r\nHost: x", 400, "slash")


def test_http_1_0():
    answer, closed = ask(f"GET {PATH} HTTP/1.0")
    tap.eq((answer.status, answer.body, closed), (200, BODY, True))
    answer, closed = ask(f"GET {PATH} HTTP/1.0\r\nConnection: keep-alive")
    tap.eq((answer.status, closed), (200, False))


def test_exactly_one_host():
    refuses(f"GET {PATH} HTTP/1.1", 400, "exactly one Host")
    refuses(f"GET {PATH} HTTP/1.1\r\nHost: a\r\nHost: b", 400, "exactly one Host")
    refuses(f"GET {PATH} HTTP/1.1\r\nHost: a\r\nHost: a", 400, "exactly one Host")
    refuses(f"GET {PATH} HTTP/1.0\r\nHost: a\r\nhost: a", 400, "exactly one Host")


def test_lengths_that_two_programs_read_differently():
    both = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n"
    smuggled = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    refuses(both + "Content-Length: 3\r\nTransfer-Encoding: chunked", 400, "Content-Length",
            b"0\r\n\r\n" + smuggled)
    refuses(both.replace("GET", "POST") + "Transfer-Encoding: chunked\r\nContent-Length: 3", 400,
            "Content-Length", b"0\r\n\r\n" + smuggled)
    refuses(both + "Content-Length: 3\r\nContent-Length: 5", 400, "Content-Length", b"abcde")
    refuses(both + "Content-Length : 3", 400, "must not contain a space", smuggled)
    refuses(both + "Transfer-Encoding\t: chunked", 400, "must not contain a space",
            b"0\r\n\r\n" + smuggled)
    ends_in_time(both.encode() + b"Content-Length: x\r\n\r\n")
    ends_in_time(both.encode() + b"Content-Length: -1\r\n\r\n")
    ends_in_time(both.encode() + b"Content-Length: 99999999999999999999\r\n\r\n")


def test_nothing_behind_a_refused_body_is_a_request():
    """One answer and the end, whatever the body looks like."""
    smuggled = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n"
    for method in ("GET", "HEAD", "POST"):
        for framing in (f"Content-Length: {len(smuggled)}", "Content-Length: 3",
                        "Transfer-Encoding: chunked"):
            got = world.exchange(server, f"{method} {PATH} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n"
                                         f"{smuggled}")
            tap.eq(got.count(b"HTTP/1.1 "), 1, got)
            assert b"instance-id" not in got, got


def answered_once(data, status, reason):
    """One answer, and the end of the connection."""
    got = world.exchange(server, data.encode("latin-1"))
    tap.eq((got.count(b"HTTP/1.1 "), got[:12]), (1, b"HTTP/1.1 %d" % status), (data, got))
    assert b"instance-id" not in got, got
    tap.contains(got.decode(), reason)


def test_cookies_that_do_not_fit():
    head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nCookie: "
    for cookies in ("a=b; " * 500, "=;==;a=b;" + ";" * 500):
        answered_once(f"{head}{cookies}\r\n\r\n", 431, "Cookie header is too large")


def test_a_nul_byte():
    head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n"
    for data in (f"GET {PATH}\0 HTTP/1.1\r\nHost: x\r\n\r\n",
                 f"GET {PATH}\0.txt HTTP/1.1\r\nHost: x\r\n\r\n",
                 f"GET {PATH}\0HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n",
                 f"GET {PATH}?a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
                 f"GET {PATH}?a=b&\0 HTTP/1.1\r\nHost: x\r\n\r\n",
                 f"GET {PATH} HTTP/1.1\r\nHost: x\0y\r\n\r\n",
                 f"GET {PATH} HTTP/1.1\r\nHost: x\0\r\n\r\n",
                 f"GET {PATH} HTTP/1.1\r\nHost: \0x\r\n\r\n",
                 f"GET {PATH} HTTP/1.1\nHost: x\0\n\n",
                 f"GET {PATH} HTTP/1.1\nHost: x\nX: y\0\n\n",
                 f"{head}X: a\0b\r\nY: c\r\n\r\n", f"{head}X: a\0\r\nY: c\r\n\r\n",
                 f"{head}X: a\0\0\0\r\n\r\n", f"{head}X: \0\r\nY: c\r\n\r\n",
                 f"{head}Authorization: Bearer a\0b\r\n\r\n", f"{head}\0X: y\r\n\r\n",
                 f"{head}Range: bytes=0-1\0,5-9\r\n\r\n"):
        answered_once(data, 400, "NUL")
    answered_once(f"{head}X\0Y: z\r\n\r\n", 400, "")
    with world.Wire(server) as wire:  # the head in two pieces
        wire.send(f"GET {PATH}\0 HTTP/1.1\r\nHo")
        tap.wait_until(lambda: not world.unread(wire.socket))
        wire.send("st: x\r\n\r\n")
        tap.contains(world.one_line(wire.answer()), "NUL")


def test_lines_that_end_in_lf():
    for head in (f"GET {PATH} HTTP/1.0\n", f"GET {PATH} HTTP/1.1\nHost: x\nX:\nY: \t z \n"):
        got = world.exchange(server, f"{head}Connection: close\n\n")
        assert got.endswith(BODY), got
    got = world.exchange(server, f"GET {PATH} HTTP/1.0\n\n")
    assert got.endswith(BODY), got
    head = f"GET {PATH} HTTP/1.1\r\nHost: x\n"
    answered_once(f"{head}\r\n", 400, "lines that end differently")
    answered_once(f"{head}X: y\n\r\n", 400, "lines that end differently")
    answered_once(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400, "two lines")


REPORT = f"POST /s/{KEY}/report HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CALL = REPORT.replace("report", "phone-home")
NEXT = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n"


def test_transfer_encodings():
    for coding in ("gzip", "identity", "gzip, chunked", "chunked, gzip", "chunked,chunked", "",
                   "xchunked", "chunked;q=1", "chunked ", "\"chunked\"", "trailers"):
        answered_once(f"{REPORT}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{NEXT}", 400,
                      "Transfer-Encoding")
    for second in ("chunked", "identity", "gzip"):
        for both in (("chunked", second), (second, "chunked")):
            lines = "".join(f"Transfer-Encoding: {coding}\r\n" for coding in both)
            answered_once(f"{REPORT}{lines}\r\n0\r\n\r\n{NEXT}", 400, "Transfer-Encoding")
    old = REPORT.replace("HTTP/1.1", "HTTP/1.0")
    answered_once(f"{old}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "Transfer-Encoding")


def test_a_content_length_that_is_none():
    for length in ("x", "-1", "+1", "1,1", "1 ", "1x", "0x1", "", "99999999999999999999999"):
        for head in (REPORT, f"GET {PATH} HTTP/1.1\r\nHost: x\r\n"):
            answered_once(f"{head}Content-Length: {length}\r\n\r\n{NEXT}", 400, "Content-Length")
    with world.Wire(server) as wire, world.Wire(server) as other:
        other.send(f"{REPORT}Content-Length: 2\r\n")
        wire.send(f"{REPORT}Content-Length: ")
        tap.wait_until(lambda: not world.unread(wire.socket) and not world.unread(other.socket))
        wire.send("x\r\n\r\n")
        tap.eq(wire.rest().count(b"HTTP/1.1 "), 1)
        other.send("\r\n{}")
        assert b"Content-Length" not in other.answer().body


def test_nothing_behind_a_chunked_body_is_a_request():
    """Where its trailers end is not certain."""
    head = f"{REPORT}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n"
    for rest in ("\0", "\0X: y\r\n", "\0\r\n", "\0\r\n\r\n", "X: y\r\n\0Z: y\r\n", "\0\0\0\n", ""):
        got = world.exchange(server, f"{head}{rest}\r\n{NEXT}")
        tap.eq(got.count(b"HTTP/1.1 "), 1, (rest, got))
        assert b"instance-id" not in got, (rest, got)


def test_chunked_bodies_over_the_limit():
    piece = "1000\r\n" + "a" * 4096 + "\r\n"
    for body, rest in ((piece * 70, ""), (piece * 70, f"0\r\n\r\n{NEXT}"),
                       (f"{1 << 30:x}\r\n" + "a" * 300_000, "")):
        with world.Wire(server) as wire:
            wire.send(f"{CALL}Transfer-Encoding: chunked\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                wire.send(body + rest)
            answer = wire.answer()
            tap.eq(answer.status, 413)
            tap.contains(world.one_line(answer), "too large")
            wire.ends()
    tap.contains(server.wait_event("refused", status=413)["reason"], "too large")


def test_bodies_together_are_bounded():
    """Only nodes that have a key are read at all; and of these, no more than 64 MiB."""
    large = 4_000_000
    head = f"{REPORT}Content-Length: {large}\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            wire = stack.enter_context(world.Wire(server))
            wire.send(head + "a" * (large - 1))
            tap.wait_until(lambda: not world.unread(wire.socket))  # pylint: disable=W0640
        for _ in range(2):
            with world.Wire(server) as wire:
                with contextlib.suppress(ConnectionError):
                    wire.send(head + "a" * large)
                answer = wire.answer()
                tap.eq(answer.status, 503)
                tap.contains(world.one_line(answer), "too many large requests")
        body = '{"name": "s", "event_type": "start"}'
        tap.eq(server.request("POST", f"/s/{KEY}/report", body).status, 200)
        answer = server.request("POST", f"/s/{'a' * 27}/report", "a" * large)
        tap.eq((answer.status, answer.headers["Connection"]), (404, "close"))
    with world.Wire(server) as wire:
        tap.wait_until(lambda: server.admin("GET", "/v1/server").json["load"]["connections"] <= 2)
        wire.send(head + "a" * large)
        tap.eq(wire.answer().status, 400)


def test_a_refusal_reaches_a_client_that_sends_a_large_body():
    """Most clients read nothing before they have sent all."""
    body = b"a" * 8_000_000
    for method, path, status in (("POST", f"/s/{KEY}/report", 413), ("POST", "/nothing", 404),
                                 ("POST", PATH, 405), ("GET", PATH, 400)):
        answer = server.request(method, path, body)
        tap.eq((answer.status, answer.headers["Connection"]), (status, "close"), path)
        tap.eq(answer.headers["Allow"], "GET, HEAD" if status == 405 else None)
        tap.eq(len(answer.body), int(answer.headers["Content-Length"]))


def test_a_body_on_get():
    head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n"
    refuses(head + "Content-Length: 3", 400, "take no body", b"abc")
    refuses(head + "Content-Length: 3", 400, "take no body")  # not even waited for
    refuses(head + "Content-Length: 0", 400, "take no body")
    refuses(head + "Transfer-Encoding: chunked", 400, "take no body", b"3\r\nabc\r\n0\r\n\r\n")
    with world.Wire(server) as wire:
        wire.send(f"HEAD {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        tap.eq(wire.answer(method="HEAD").status, 400)
        wire.ends()


def test_other_methods():
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "get"):
        answer, closed = ask(f"{method} {PATH} HTTP/1.1\r\nHost: x")
        tap.eq((answer.status, answer.header("Allow"), closed), (405, "GET, HEAD", False), method)
        world.one_line(answer)
    refuses(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 3", 405, "only GET", b"abc")
    refuses(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000", 405, "only GET", b"abc")
    refuses(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9", 405,
            "only GET")


def test_paths_that_are_written_otherwise():
    """As URLs come out that are put together: http://seed:8080/ + /s/…"""
    for path in (f"/{PATH}", f"/./{PATH}", f"//s//{KEY}//meta-data", f"/s/./{KEY}/./meta-data",
                 f"http://h/{PATH}"):
        answer, _ = ask(f"GET {path} HTTP/1.1\r\nHost: x")
        tap.eq((answer.status, answer.body), (200, BODY), path)
    body = '{"name": "s", "event_type": "start"}'
    tap.eq(server.request("POST", f"//s/{KEY}//report", body).status, 200)
    tap.eq(server.admin("GET", "//v1//nodes").status, 200)
    tap.eq(server.admin("GET", "//v1//no").json["status"], 404)


def test_paths_that_lead_nowhere():
    for path in ("/", "//", "/%", "/%00", "/s/%00", f"{PATH}%00", f"{PATH}%00.txt", f"{PATH}/",
                 f"{PATH}#x", f"/s/../{PATH}", f"/x/..{PATH}", f"/%2e%2e{PATH}",
                 f"/s/{KEY}/../{KEY}/meta-data", f"/s/{KEY}/..%2f..%2fetc%2fpasswd",
                 f"/s/{KEY}/meta%2Ddata", "/etc/passwd", "/../../../../etc/passwd", "/s/\x1b[2J",
                 "/\xff\xfe", "/nocloud/name/%00/meta-data",
                 "/nocloud/serial/a\x01b/meta-data", "/nocloud", "/s", "/s/", "/healthz/x"):
        answer, _ = ask(f"GET {path} HTTP/1.1\r\nHost: x")
        assert answer.status in (400, 404), (path, answer.status)
        assert b"root:" not in answer.body and b"instance-id" not in answer.body, path


def test_no_more_than_one_line_of_reason():
    for path in ("/", "/s/short/meta-data", f"/s/{KEY}/nothing", f"/s/{'b' * 27}/meta-data",
                 "/nocloud/ip/1/meta-data", "/nocloud/mac/x", "/nocloud/name/%zz/meta-data"):
        refuses(f"GET {path} HTTP/1.1\r\nHost: x", 404, "", closes=False)


def test_what_is_too_long_ends_in_time():
    for n in (3000, 3500, 3900, 4000, 4096, 4100, 5000, 8000, 20000, 200000):
        for data in (f"GET /{'a' * n} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     f"GET /x?{'a&' * (n // 2)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                     f"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {'a' * n}\r\n\r\n",
                     f"GET /x HTTP/1.1\r\nHost: {'a' * n}\r\nConnection: close\r\n\r\n",
                     f"{'A' * n} /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            ends_in_time(data.encode())
    many = "".join(f"X-{i}: y\r\n" for i in range(500))
    ends_in_time(f"GET /x HTTP/1.1\r\nHost: x\r\n{many}\r\n".encode())


def test_three_kilobytes_of_headers_pass():
    serves(f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX: {'a' * 3000}")


def test_authorization_is_not_logged():
    secret = "Authorization: Bearer not-for-the-log"
    serves(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n{secret}")
    refuses(f"GET /nothing HTTP/1.1\r\nHost: x\r\n{secret}", 404, "no such path", closes=False)
    refuses(f"GET {PATH} HTTP/1.1\r\nHost: x\r\n{secret}\r\n{secret}", 400,
            "more than one Authorization header")
    server.wait_event("refused", reason="more than one Authorization header")
    assert not any("not-for-the-log" in line for line in server.lines), server.lines


def test_what_is_no_http_ends_in_time():
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x80" * 200, b"\r\n" * 3000,
                 b"GET\r\n\r\n", b"GET /x\r\n\r\n", b"\0" * 100, b"SSH-2.0-OpenSSH_9.2\r\n",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /x HTTP/0.9\r\n\r\n",
                 b"GET /x HTTP/1.1\r\nno colon\r\n\r\n", b" GET /x HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET  /x  HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /x HTTP/1.1\rHost: x\r\r",
                 b"GET /x HTTP/1.1\r\nHost: x\r\n"):
        ends_in_time(data)


def test_a_peer_that_closes_its_sending_side_is_answered():
    with world.Wire(server) as wire:
        wire.get(PATH)
        wire.socket.shutdown(1)
        tap.eq(wire.answer().body, BODY)
        wire.ends()
    body = json.dumps({"name": "modules-config", "description": "d", "event_type": "start"})
    with world.Wire(server) as idle:
        assert idle.is_open()
        for _ in range(10):  # answered once it is stored
            with world.Wire(server) as wire:
                wire.send(f"{REPORT}Content-Length: {len(body)}\r\n\r\n{body}")
                wire.socket.shutdown(1)
                tap.eq(wire.answer().status, 200)
                wire.ends()
        assert idle.is_open()


def test_it_is_well_afterwards():
    serves(f"GET {PATH} HTTP/1.1\r\nHost: x")


tap.main()
