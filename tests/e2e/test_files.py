#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A node's four files, as HTTP sees them: any order, any number of times, in every form asked for."""
import http.client
import sys
import zlib
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

NODES = ("k8s-master-1", "k8s-worker-2", "k8s-worker-3")
CACHE = "private, no-cache"
TEXT = "text/plain; charset=utf-8"
GZIP_MIN = 14600

lab = tap.enter(world.start(**world.HOMELAB))
KEYS = {name: world.key_of(lab.state, name) for name in NODES}

big_tree = world.Tree()
big_tree.role("below", user_data="x" * (GZIP_MIN - 1))
big_tree.role("at", user_data="x" * GZIP_MIN)
big_tree.role("big", user_data="".join(f"line {i}\n" for i in range(20000)))
for role in ("below", "at", "big"):
    big_tree.node(role, role)
big = tap.enter(big_tree.start())


def big_path(name):
    return f"/s/{world.key_of(big.state, name)}/user-data"


def tell(answer):
    return (answer.status, sorted((k, v) for k, v in answer.headers.items() if k != "Date"))


def test_all_four_files_of_every_node():
    for name, key in KEYS.items():
        for file in world.FILES:
            answer = lab.get(f"/s/{key}/{file}")
            tap.eq(answer.status, 200)
            tap.eq(answer.headers["Content-Type"], TEXT)
            tap.eq(answer.headers["Cache-Control"], CACHE)
            tap.eq(answer.headers["Content-Length"], str(len(answer.body)))
            assert answer.headers["ETag"].startswith('"')
            tap.eq("Vary" in answer.headers, len(answer.body) >= GZIP_MIN)
            assert "Content-Encoding" not in answer.headers
            tap.eq(lab.get(f"/s/{key}{file}").body, answer.body)  # as 22.4.2 asks
        tap.eq(lab.get(f"/s/{key}/meta-data").text,
               f'instance-id: "{name}-1"\nlocal-hostname: "{name}"\n')
        assert lab.get(f"/s/{key}/user-data").text.startswith("#cloud-config\n")
        tap.contains(lab.get(f"/s/{key}/vendor-data").text, f"/s/{key}/report")


def test_empty_where_unset():
    """Never a 404."""
    for name in ("vendor-data", "network-config"):
        answer = big.get(big_path("big").replace("user-data", name))
        tap.eq((answer.status, answer.body), (200, b""), name)


def test_any_order_and_repeat_gives_the_same_bytes():
    first = {}
    for turn in range(3):
        for name, key in sorted(KEYS.items(), reverse=turn % 2 == 1):
            for file in world.FILES[turn:] + world.FILES[:turn]:
                answer = lab.get(f"/s/{key}/{file}")
                tap.eq(first.setdefault((name, file), (answer.body, tell(answer))),
                       (answer.body, tell(answer)))


def test_a_query_is_ignored():
    path = f"/s/{KEYS['k8s-worker-2']}/user-data"
    plain = lab.get(path)
    for query in ("?", "?t=TOKEN", "?a=1&b=%00", "?x=/../..", "?meta-data", "?%", "?a=%zz&&=&"):
        answer = lab.get(path + query)
        tap.eq((answer.body, tell(answer)), (plain.body, tell(plain)), query)
    tap.eq(lab.get(f"/s/{KEYS['k8s-worker-2']}user-data?a=b").body, plain.body)


def test_head_tells_what_get_tells():
    for server, path in ((lab, f"/s/{KEYS['k8s-master-1']}/user-data"), (big, big_path("big")),
                         (lab, "/healthz"), (lab, "/nothing"), (lab, "/s/" + "a" * 27 + "/user-data")):
        for headers in ({}, {"Accept-Encoding": "gzip"}):
            get = server.request("GET", path, headers=headers)
            head = server.request("HEAD", path, headers=headers)
            tap.eq(tell(head), tell(get), path)
            tap.eq(head.body, b"")


def test_head_leaves_the_connection_in_step():
    with world.Wire(big) as wire:
        wire.get(big_path("big"), method="HEAD")
        wire.get("/healthz")
        tap.eq(wire.answer(method="HEAD").status, 200)
        tap.eq(wire.answer().body, b"alive\n")


def test_etag_and_304():
    path = f"/s/{KEYS['k8s-master-1']}/user-data"
    full = lab.get(path)
    etag = full.headers["ETag"]
    for listed in (etag, f"W/{etag}", f'"other", {etag}', f'{etag},"other"', "*"):
        for method in ("GET", "HEAD"):
            answer = lab.request(method, path, headers={"If-None-Match": listed})
            tap.eq((answer.status, answer.body), (304, b""), listed)
            tap.eq(answer.headers["ETag"], etag)
            tap.eq(answer.headers["Cache-Control"], CACHE)
            # What a 304 says of the length is what the 200 would say: RFC 9110, section 8.6.
            tap.eq(answer.headers.get("Content-Length", str(len(full.body))), str(len(full.body)))
    for listed in ('"other"', etag.strip('"'), etag[:-1], f'"{etag}"'):
        answer = lab.get(path, headers={"If-None-Match": listed})
        tap.eq((answer.status, answer.body), (200, full.body), listed)


def test_a_304_has_no_body():
    with world.Wire(lab) as wire:
        wire.get(f"/s/{KEYS['k8s-master-1']}/user-data", "If-None-Match: *")
        tap.eq(wire.answer().status, 304)
        tap.eq(wire.get("/healthz").answer().body, b"alive\n")


def test_etags_follow_the_bytes():
    tags = {}
    for key in KEYS.values():
        for file in world.FILES:
            answer = lab.get(f"/s/{key}/{file}")
            tap.eq(tags.setdefault(answer.headers["ETag"], answer.body), answer.body)
    assert len(tags) == 12, list(tags)  # three different ones of each file


def test_gzip_of_large_documents():
    plain = big.get(big_path("big"))
    packed = big.get(big_path("big"), headers={"Accept-Encoding": "gzip, deflate"})
    tap.eq(packed.headers["Content-Encoding"], "gzip")
    tap.eq(zlib.decompress(packed.body, wbits=31), plain.body)
    tap.eq(packed.headers["Content-Length"], str(len(packed.body)))
    assert len(packed.body) < len(plain.body) / 2
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for answer in (plain, packed):
        tap.eq(answer.headers["Vary"], "Accept-Encoding")
    tap.eq(big.get(big_path("big"), headers={"Accept-Encoding": "gzip"}).body, packed.body)


def test_gzip_is_the_same_document():
    """Put together from pieces, for every node: what zlib reads is what a plain request gets."""
    packed_files = 0
    for key in KEYS.values():
        for file in world.FILES:
            plain = lab.get(f"/s/{key}/{file}")
            packed = lab.get(f"/s/{key}/{file}", headers={"Accept-Encoding": "gzip, deflate"})
            large = len(plain.body) >= GZIP_MIN
            tap.eq(packed.headers.get("Content-Encoding"), "gzip" if large else None, file)
            tap.eq(zlib.decompress(packed.body, wbits=31) if large else packed.body, plain.body)
            tap.eq(packed.headers["ETag"].replace("-gzip", ""), plain.headers["ETag"])
            assert not large or len(packed.body) < len(plain.body) / 2, len(packed.body)
            packed_files += large
    assert packed_files >= 3, packed_files


def test_gzip_only_where_it_is_wanted():
    for accept in ("identity", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", ""):
        answer = big.get(big_path("big"), headers={"Accept-Encoding": accept})
        assert "Content-Encoding" not in answer.headers, accept
        tap.eq(answer.headers["Vary"], "Accept-Encoding")
    for accept in ("x-gzip", "*", "br;q=1, gzip;q=0.1"):
        answer = big.get(big_path("big"), headers={"Accept-Encoding": accept})
        tap.eq(answer.headers["Content-Encoding"], "gzip", accept)


def test_gzip_begins_at_its_size():
    gzip = {"Accept-Encoding": "gzip"}
    below, at = big.get(big_path("below"), headers=gzip), big.get(big_path("at"), headers=gzip)
    assert "Content-Encoding" not in below.headers and "Vary" not in below.headers
    tap.eq(len(below.body), GZIP_MIN - 1)
    tap.eq(at.headers["Content-Encoding"], "gzip")
    tap.eq(zlib.decompress(at.body, wbits=31), b"x" * GZIP_MIN)


def test_each_encoding_has_its_304():
    gzip = {"Accept-Encoding": "gzip"}
    plain, packed = big.get(big_path("big")), big.get(big_path("big"), headers=gzip)
    for accept, asked, status in (({}, plain, 304), ({}, packed, 200), (gzip, packed, 304),
                                  (gzip, plain, 200)):
        answer = big.get(big_path("big"), headers={**accept,
                                                   "If-None-Match": asked.headers["ETag"]})
        tap.eq(answer.status, status)
        tap.eq(answer.headers["Vary"], "Accept-Encoding")


def test_keep_alive_and_a_connection_each():
    connection = http.client.HTTPConnection(lab.host, lab.port, timeout=world.SECONDS)
    connection.connect()
    socket = connection.sock
    for key in KEYS.values():
        for file in world.FILES:
            connection.request("GET", f"/s/{key}/{file}")
            answer = connection.getresponse()
            tap.eq(answer.read(), lab.get(f"/s/{key}/{file}").body)
            assert connection.sock is socket, "the connection was closed"
    connection.close()


def test_connection_close_is_heeded():
    with world.Wire(lab) as wire:
        answer = wire.get("/healthz", "Connection: close").answer()
        tap.eq(answer.header("Connection").lower(), "close")
        wire.ends()


def test_pipelined_requests_come_back_in_order():
    key = KEYS["k8s-worker-3"]
    want = [lab.get(f"/s/{key}/{file}").body for file in world.FILES]
    with world.Wire(lab) as wire:
        wire.send("".join(f"GET /s/{key}/{file} HTTP/1.1\r\nHost: test\r\n\r\n"
                          for file in world.FILES * 25))
        for turn in range(25):
            tap.eq([wire.answer().body for _ in world.FILES], want, f"turn {turn}")
        assert wire.is_open()


def test_pipelined_large_documents():
    want = big.get(big_path("big")).body
    with world.Wire(big) as wire:
        for _ in range(20):
            wire.get(big_path("big"))
        for _ in range(20):
            tap.eq(wire.answer().body == want, True)


def test_unknown_keys_are_told_at_once():
    answers = [lab.get(f"/s/{'a' * 27}/{file}") for file in world.FILES]
    with world.Wire(lab) as wire:
        answer = wire.get(f"/s/{'a' * 27}/meta-data").answer()
        tap.eq(answer.status, 404)
        tap.contains(world.one_line(answer), "no node has this seed key")
        tap.eq(answer.header("Cache-Control"), "no-store")
        assert wire.is_open()
    tap.eq([a.status for a in answers], [404] * 4)


def test_health():
    for path, body in (("/healthz", b"alive\n"), ("/readyz", b"ready\n")):
        answer = lab.get(path)
        tap.eq((answer.status, answer.body), (200, body))
        tap.eq(answer.headers["Cache-Control"], "no-store")


tap.main()
