# SPDX-License-Identifier: Apache-2.0
"""Admins of all kinds, machines that only fetch, and clients that mean no good."""
import gzip
import http.client
import json
import socket
import ssl
import subprocess
import time

import daemon
import shapes
import tftp
import world
from clients import Booting, Client, find_version
from house import IMAGE, LOADER

KEPT_MAX = 12  # nodes and tokens that a client has at a time
FEED_SECONDS = 2


class Registrar(Client):
    """Registers nodes, changes and deletes them; and tokens, by the socket."""

    def __init__(self, house, name, seed):
        super().__init__(house, name, seed)
        self.nodes, self.tokens = [], []

    def made(self, known, what, name, ask):
        """What becomes of `name`: it is not known until the answer is there."""
        known[name] = None
        answer = self.noted(("" if known is self.ledger.tokens else name, what, name if "token" in what else ""), ask)
        known[name] = "deleted" not in what and "revoked" not in what
        return answer

    def one(self):
        if self.random.random() < 0.4:
            self.one_token()
        elif len(self.nodes) > KEPT_MAX or self.nodes and self.random.random() < 0.3:
            self.delete(self.nodes.pop(self.random.randrange(len(self.nodes))))
        else:
            self.add()

    def add(self):
        name = f"{self.name}-{self.next()}"
        self.made(self.ledger.registered, "created", name, lambda: self.socket(
            "node add", "POST", "/v1/nodes", {"name": name, "role": "plain", "variables": {"n": 1}}, (201,)))
        self.nodes.append(name)
        if self.random.random() < 0.5:
            self.noted((name, "changed", ""), lambda: self.socket(
                "node set", "PATCH", f"/v1/nodes/{name}", {"variables": {"n": self.next()}}))
        if self.random.random() < 0.3:
            self.noted((name, "rekeyed", ""), lambda: self.socket("rekey", "POST", f"/v1/nodes/{name}/rekey"))
        if self.random.random() < 0.5:
            boots = Booting(self, name)
            boots.arm()
            if self.random.random() < 0.3:
                self.noted((name, "armed", ""), lambda: boots.arm("reprovision"))
            boots.fetch()
            boots.report()

    def delete(self, name):
        self.made(self.ledger.registered, "deleted", name, lambda: self.socket(
            "node rm", "DELETE", f"/v1/nodes/{name}", good=(204,)))

    def one_token(self):
        if len(self.tokens) > KEPT_MAX or self.tokens and self.random.random() < 0.4:
            name = self.tokens.pop()
            self.made(self.ledger.tokens, "token-revoked", name, lambda: self.socket(
                "token revoke", "DELETE", f"/v1/tokens/{name}", good=(204,)))
        else:
            name = f"{self.name}-token-{self.next()}"
            self.made(self.ledger.tokens, "token-created", name, lambda: self.socket(
                "token create", "POST", "/v1/tokens", {"name": name, "role": "viewer", "days": None}, (201,)))
            self.tokens.append(name)


class Remote(Client):
    """An admin by token over TLS, and in sessions of the web page. The token is good until the end."""

    def __init__(self, house, name, seed):
        super().__init__(house, name, seed)
        self.bearer = None
        self.boots = Booting(self, self.name)
        house.declare(name)

    def one(self):
        if not self.bearer:
            name = f"{self.name}-{self.next()}"
            self.ledger.tokens[name] = None
            self.bearer = self.noted(("", "token-created", name), lambda: self.socket(
                "token create", "POST", "/v1/tokens", {"name": name, "role": "admin", "days": None},
                (201,))).json["token"]
            self.ledger.tokens[name] = True
        what = self.random.randrange(8)
        if what == 0:
            self.session()
        elif what == 1:
            self.noted((self.name, "armed", ""), lambda: self.ask("POST", f"/v1/nodes/{self.name}/arm"))
        elif what == 2:
            self.ask("POST", "/v1/ca/renew", (200, 409, 503))
        else:
            self.ask("GET", self.random.choice((
                "/v1/nodes", "/v1/self", "/v1/clusters", "/metrics", "/v1/sd/prometheus", "/v1/audit?order=newest",
                f"/v1/nodes/{self.name}/documents/user-data", "/v1/openapi.json", "/v1/ca", "/ui/")))

    def ask(self, method, path, good=(200,)):
        return self.tls(f"by token {method}", "admin", method, path, {} if method == "POST" else None,
                        {"Authorization": f"Bearer {self.bearer}"}, good)

    def session(self):
        """Sessions end with the server that they are of."""
        run = self.house.runs
        made = self.tls("page session", "admin", "POST", "/ui/session", {"token": self.bearer})
        signed_in = {"Cookie": made.headers["Set-Cookie"].partition(";")[0],
                     "X-Cloudseed-CSRF": json.loads(made.body)["csrf"]}
        for path in ("/ui/session", "/v1/nodes", "/v1/events?order=newest"):
            got = self.tls("page", "admin", "GET", path, None, signed_in, (200, 401))
            assert got.status == 200 or run != self.house.runs, f"{path}: the session is lost"
        self.tls("page session", "admin", "DELETE", "/ui/session", None, signed_in, (204, 401))


class Reader(Client):
    """Reads all that an admin can read at the socket, backs up and reloads."""
    PATHS = ("/v1/nodes", "/v1/nodes?state=ready", "/v1/events?order=newest&limit=200", "/v1/audit?order=newest",
             "/v1/server", "/metrics", "/v1/tokens", "/v1/clusters", "/v1/discovered", "/v1/ca", "/v1/self")

    def one(self):
        if self.random.random() < 0.05:
            self.socket("reload", "POST", "/v1/reload", good=(200, 409))
        elif self.random.random() < 0.03:
            path = self.house.assets.parent / f"backup-{self.house.assets.name}-{self.next()}"
            self.socket("backup", "POST", "/v1/backup", {"path": str(path)})
            path.unlink()
        else:
            self.socket("read", "GET", self.random.choice(self.PATHS))


class Follower(Client):
    """Follows the feed of events in pieces; none is left out, and each is in the journal afterwards."""

    def __init__(self, house, name, seed):
        super().__init__(house, name, seed)
        self.last = 0

    def one(self):
        self.guarded("event feed", self.follow)
        self.count("event feed")

    def follow(self, server):
        link = server.connect_admin()
        try:
            link.connect()
            sock = link.sock  # which the answer may take over
            link.request("GET", "/v1/events", headers={"Accept": "text/event-stream", "Last-Event-ID": str(self.last)})
            answer = link.getresponse()
            if answer.status != 200:
                self.judged("event feed", daemon.Answer(answer), ())
            sock.settimeout(FEED_SECONDS)
            end, kind = time.monotonic() + FEED_SECONDS, ""
            while time.monotonic() < end:
                line = answer.readline().decode().rstrip("\n")
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    self.hear(kind, json.loads(value))
                elif not line and answer.isclosed():
                    return
        except TimeoutError:
            pass
        finally:
            link.close()

    def hear(self, kind, event):
        if kind == "lost":
            assert event["from"] == self.last + 1, (self.last, event)
            self.last = event["to"]
            return
        assert event["id"] == self.last + 1, f"the feed has {event['id']} after {self.last}"
        self.last = event["id"]
        self.ledger.heard(event)


class Fetcher(Client):
    """Many requests on a connection: compressed, in ranges, conditional, by key and by MAC."""

    def one(self):
        self.guarded("fetches", self.several)

    def several(self, server):
        link = http.client.HTTPConnection(server.host, server.port, timeout=daemon.SECONDS)
        try:
            for _ in range(self.random.randrange(1, 20)):
                self.random.choice((self.whole, self.part, self.document, self.script))(server, link)
        finally:
            link.close()

    def get(self, link, path, good, **headers):
        link.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = daemon.Answer(link.getresponse())
        return self.judged("keep-alive GET", answer, good)

    def whole(self, _, link):
        got = self.get(link, "/assets/loader.efi", (200,), Accept_Encoding="gzip")
        assert got.body == LOADER
        self.get(link, "/assets/loader.efi", (304,), If_None_Match=got.headers["ETag"])

    def part(self, _, link):
        first = self.random.randrange(len(IMAGE))
        last = min(first + self.random.randrange(100_000), len(IMAGE) - 1)
        got = self.get(link, "/assets/image", (206,), Range=f"bytes={first}-{last}")
        assert got.body == IMAGE[first:last + 1]

    def document(self, server, link):
        node = self.random.choice(sorted(self.house.declared))
        before = self.house.version
        got = self.get(link, f"/s/{world.key_of(server.state, node)}/user-data", (200,), Accept_Encoding="gzip")
        text = gzip.decompress(got.body) if got.headers["Content-Encoding"] == "gzip" else got.body
        if text.startswith(b"#cloud-config"):
            assert find_version(text.decode()) <= self.house.version, (before, text[:100])

    def script(self, _, link):
        mac = "52:54:00:%02x:%02x:%02x" % tuple(self.random.randrange(256) for _ in range(3))
        got = self.get(link, f"/boot.ipxe?mac={mac}&uuid=", (200,))
        assert got.body.startswith(b"#!ipxe"), got.body[:80]


class Firmware(Client):
    """TFTP of loaders and scripts, in blocks and windows of any size."""

    def one(self):
        name, want = self.random.choice((("loader.efi", LOADER), ("boot.ipxe", None), ("grub/grub.cfg", None)))
        options = self.random.choice(({}, {"blksize": 1428}, {"blksize": 1428, "windowsize": 16}))
        got = self.guarded("TFTP", lambda server: tftp.fetch(server.tftp, name, patience=0.5, **options),
                           (OSError, AssertionError, tftp.Refused))
        self.count("TFTP")
        assert (got == want if want else got), f"{name}: {len(got)} other bytes"


class Commands(Client):
    """The admin's tool."""

    def one(self):
        node = self.random.choice(sorted(self.house.declared))
        words = self.random.choice((
            ["node", "list", "--json"], ["node", "show", node, "--json"], ["cluster", "list"],
            ["token", "list", "--json"], ["events", node], ["audit"], ["known-hosts"], ["inventory"],
            ["node", "discovered", "--json"], ["ca", "show"]))

        def run(server):
            done = subprocess.run([daemon.BUILD / "cloudseed", *words, "--server", server.socket], text=True,
                                  capture_output=True, check=False, timeout=daemon.SECONDS)
            if done.returncode != 0 and server.ended:
                raise ConnectionError
            return done
        done = self.guarded("command", run)
        self.count("command", done.returncode)
        assert done.returncode == 0, (words, done.stderr)
        shapes.printed(words, 0, done.stdout)


class Vandal(Client):
    """Malformed, slow, aborted, with wrong keys; the server answers as it likes, but it goes on."""
    HTTP = (b"\0\0\0\0\r\n\r\n", b"GET /healthz HT", b"GET /s/x HTTP/1.1\r\nHost: t\r\n\r\n" * 20,
            b"GET /?" + b"&a" * 1700, b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3",
            b"POST /s/%s/report HTTP/1.1\r\nHost: t\r\nContent-Length: 500\r\n\r\n{",
            b"POST /s/%s/report HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nabc",
            b"GET /assets/image HTTP/1.1\r\nHost: t\r\n\r\n")
    UDP = (b"", b"\0\1", b"\0\2x\0octet\0", b"\0\1loader.efi\0octet\0blksize\0" + b"9" * 400, b"\0\4\0\1",
           b"\0\1../x\0octet\0")

    def one(self):
        kind, attack = self.random.choice((("half requests", self.half), ("datagrams", self.datagram),
                                           ("wrong tokens", self.wrong_token), ("TLS that ends early", self.early)))
        self.guarded(kind, attack)
        self.count(kind, "done")

    def half(self, server):
        data = self.random.choice(self.HTTP)
        if b"%s" in data:
            node = self.random.choice(sorted(self.house.declared))
            data %= world.key_of(server.state, node).encode()
        with socket.create_connection((server.host, server.port), timeout=5) as made:
            for part in (data[:len(data) // 2], data[len(data) // 2:]):  # slowly
                try:
                    made.sendall(part)
                except OSError:  # it has had enough
                    return
                time.sleep(self.random.random() / 10)
            if self.random.random() < 0.5:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def datagram(self, server):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.sendto(self.random.choice(self.UDP), server.tftp)

    def wrong_token(self, server):
        link = http.client.HTTPSConnection(server.listening["admin"], timeout=daemon.SECONDS,
                                           source_address=("127.9.9.9", 0),
                                           context=ssl.create_default_context(cadata=server.ca))
        try:
            link.request("GET", "/v1/nodes", headers={"Authorization": "Bearer cloudseed_" + "a" * 52})
            self.judged("wrong token", daemon.Answer(link.getresponse()), (401, 429))
        finally:
            link.close()

    def early(self, server):
        host, port = server.listening[self.random.choice(("https", "admin"))].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=5) as made:
            made.sendall(self.random.choice((b"\x16\3\1\0\xff\1\0", b"GET / HTTP/1.1\r\n\r\n", b"")))
