#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The web page's server side: its files, and sessions by cookie, as a browser asks for them."""
import gzip
import http.client
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import shapes  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
FILES = {p.name: p.read_bytes() for p in (ROOT / "src/ui").iterdir()
         if p.suffix in (".html", ".css", ".js", ".svg")}
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
WORLD = tap.enter(cli.World())
TREE = world.Tree(evidence=["name"])
TREE.node("n1")


def start(**options):
    return TREE.start(args=["--admin", "127.0.0.1:0", "--https", "127.0.0.1:0"], **options)


class Answer:
    def __init__(self, real):
        self.status, self.headers, self.body = real.status, real.headers, real.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        tap.eq(self.headers["Content-Type"], "application/problem+json")
        return self.json["detail"]


class Browser:
    """Asks one listener over TLS, as a page of it. Whose certificate it is, other tests look at.
    Without TLS what `cloudseed ui` passes on."""

    def __init__(self, address, tls=True):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if tls:
            self.wire = http.client.HTTPSConnection(address, timeout=world.SECONDS, context=context)
        else:
            self.wire = http.client.HTTPConnection(address, timeout=world.SECONDS)
        self.cookie = self.csrf = None

    def start(self, method, path, body=None, headers=None):
        """Only the request; None for a header's value leaves it out."""
        sent = {"Sec-Fetch-Site": "same-origin"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.cookie:
            sent["Cookie"] = f"theme=dark; {self.cookie}; lang=en"
        if self.csrf:
            sent["X-Cloudseed-CSRF"] = self.csrf
        sent.update(headers or {})
        self.wire.request(method, path, None if body is None else json.dumps(body),
                          {k: v for k, v in sent.items() if v is not None})

    def send(self, *what, **more):
        self.start(*what, **more)
        return self.wire.getresponse()

    def ask(self, method, path, body=None, headers=None):
        return Answer(self.send(method, path, body, headers))

    def get(self, path, **headers):
        return self.ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def sign_in(self, **secret):
        answer = self.ask("POST", "/ui/session", secret)
        if answer.status == 200:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
            self.csrf = answer.json["csrf"]
        return answer


def token(server, name, role="operator", **more):
    answer = server.admin("POST", "/v1/tokens", {"name": name, "role": role, **more})
    tap.eq(answer.status, 201, answer.text)
    return answer.json["token"]


def signed_in(server, name="laptop", role="operator"):
    browser = Browser(server.listening["admin"])
    tap.eq(browser.sign_in(token=token(server, name, role)).status, 200)
    return browser


def test_the_pages_files_are_served_to_anyone_who_reaches_the_listener():
    with start() as server:
        browser = Browser(server.listening["admin"])
        for path in ("/", "/ui"):
            answer = browser.get(path)
            tap.eq((answer.status, answer.headers["Location"]), (308, "/ui/"))
        tap.eq(browser.get("/ui/").body, FILES["index.html"])
        for name, content in FILES.items():
            plain = browser.get(f"/ui/{name}")
            tap.eq((plain.status, plain.body, plain.headers["Content-Type"]),
                   (200, content, TYPES[Path(name).suffix]), name)
            head = browser.ask("HEAD", f"/ui/{name}")
            tap.eq((head.status, head.headers["Content-Length"]), (200, str(len(content))))
        for path in ("/ui/none", "/ui/app.css/", "/ui/../ui/", "/ui/files.h"):
            tap.eq(browser.get(path).status, 404, path)
        answer = browser.ask("POST", "/ui/app.js")
        tap.eq((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"))
        for path in ("/ui/", "/ui/app.js"):
            tap.eq(Browser(server.listening["https"]).get(path).status, 404)
            tap.eq(server.get(path).status, 404)


def test_the_page_runs_only_its_own_files():
    with start() as server:
        answer = Browser(server.listening["admin"]).get("/ui/")
        policy = dict(part.split(" ", 1)
                      for part in answer.headers["Content-Security-Policy"].split("; "))
        tap.eq(policy, {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'",
                        "frame-ancestors": "'none'",
                        **{f"{kind}-src": "'self'" for kind in ("script", "style", "img", "connect")}})
        for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                            ("Cross-Origin-Opener-Policy", "same-origin")):
            tap.eq(answer.headers[name], value)
        # With this policy a script, a style or a handler within the page would be dead text.
        page = FILES["index.html"].decode()
        assert "style=" not in page and "<style" not in page, page
        tap.eq(page.count("<script"), page.count("<script src="))


def test_a_browser_that_has_a_file_is_not_sent_it_again():
    with start() as server:
        browser = Browser(server.listening["admin"])
        for name, content in FILES.items():
            path = f"/ui/{name}"
            small = browser.get(path, Accept_Encoding="gzip, br")
            if small.headers["Content-Encoding"]:
                tap.eq(gzip.decompress(small.body), content)
                assert len(small.body) < len(content)
                tap.eq(small.headers["Vary"], "Accept-Encoding")
            for answer, coding in ((browser.get(path), "identity"), (small, "gzip, br")):
                again = browser.get(path, Accept_Encoding=coding,
                                    If_None_Match=answer.headers["ETag"])
                tap.eq((again.status, again.body, again.headers["Cache-Control"]),
                       (304, b"", "no-cache"))
                assert again.headers["Content-Security-Policy"]
            tap.eq(browser.get(path, If_None_Match='"other"').status, 200)
        assert browser.get("/ui/app.js", Accept_Encoding="gzip").headers["Content-Encoding"] == "gzip"


# --- Sessions ------------------------------------------------------------------------------------


def test_a_token_opens_a_session_with_its_role():
    with start() as server:
        browser = Browser(server.listening["admin"])
        answer = browser.sign_in(token=token(server, "laptop"))
        ends = answer.json["ends"]
        tap.eq(answer.json, {"name": "token laptop", "role": "operator", "csrf": browser.csrf,
                             "ends": ends})
        assert re.fullmatch(r"__Host-cloudseed=[a-z2-7]{52}; Path=/; HttpOnly; SameSite=Strict; Secure",
                            answer.headers["Set-Cookie"]), answer.headers["Set-Cookie"]
        tap.eq(answer.headers["Cache-Control"], "no-store")
        again = browser.get("/ui/session")
        tap.eq((again.status, again.json), (200, {**answer.json, "ends": again.json["ends"]}))
        assert "Set-Cookie" not in again.headers
        tap.eq(browser.get("/v1/self").json,
               {"token": "laptop", "uid": None, "role": "operator",
                "ends": server.admin("GET", "/v1/tokens").json["tokens"][0]["ends"]})
        tap.eq(browser.ask("POST", "/v1/nodes/n1/arm", {}).status, 200)
        refused = browser.ask("POST", "/v1/nodes/n1/unlock", {})
        tap.eq(refused.status, 403)
        tap.contains(refused.detail, "takes the role admin, and the token laptop has operator")
        armed = [e for e in server.admin("GET", "/v1/events").json["events"] if e["kind"] == "armed"]
        tap.eq([(e["cause"], e["peer"]) for e in armed], [("token laptop", "127.0.0.1")])
        server.wait_event("signed-in", token="laptop")
        for line in server.lines:  # nothing that opens anything
            assert browser.csrf not in line and browser.cookie.split("=")[1] not in line, line


def test_a_session_ends_with_its_token_if_that_ends_first():
    with start() as server:
        first, second = Browser(server.listening["admin"]), Browser(server.listening["admin"])
        begun = first.sign_in(token=token(server, "long", days=None))
        tap.eq(second.sign_in(token=token(server, "short", days=1)).status, 200)
        day = server.admin("GET", "/v1/tokens").json["tokens"][1]["ends"]
        assert begun.json["ends"] < day  # twelve hours
        assert second.get("/ui/session").json["ends"] < day


def test_wrong_tokens_open_nothing_and_are_counted():
    with start() as server:
        good = token(server, "good")
        browser = Browser(server.listening["admin"])
        for body, status in (({}, 400), ({"token": good, "code": "x"}, 400), ({"name": good}, 400),
                             ({"token": good, "code": 1}, 400), ({"token": 5}, 400), ([], 400)):
            answer = browser.ask("POST", "/ui/session", body)
            tap.eq(answer.status, status, body)
            assert answer.detail and "Set-Cookie" not in answer.headers
        answer = browser.ask("POST", "/ui/session", {"token": good}, {"Content-Type": "text/plain"})
        tap.eq(answer.status, 415)
        tap.eq(browser.ask("POST", "/ui/session", {"token": "x" * 5000}).status, 413)
        browser = Browser(server.listening["admin"])
        for number in range(10):
            answer = browser.sign_in(**{"code": "x"} if number % 2 else {"token": good[:-1] + "1"})
            tap.eq(answer.status, 401, answer.body)
        answer = browser.sign_in(code="x")
        tap.eq(answer.status, 429)
        assert int(answer.headers["Retry-After"]) in range(1, 62)
        tap.eq(browser.sign_in(token=good).status, 200)  # what is right is always answered


def test_a_request_takes_more_than_the_cookie():
    """A browser gives that to every port of the host; the rest is known to the page only."""
    with start() as server:
        browser, other = signed_in(server), signed_in(server, "other")
        for csrf in (None, "", "x", browser.csrf[:-1], browser.csrf + "0", other.csrf):
            answer = browser.ask("POST", "/v1/nodes/n1/arm", {}, {"X-Cloudseed-CSRF": csrf})
            tap.eq(answer.status, 403, csrf)
            tap.contains(answer.detail, "X-Cloudseed-CSRF")
            browser.wire.close()
            tap.eq(browser.ask("DELETE", "/ui/session", None, {"X-Cloudseed-CSRF": csrf}).status, 403)
            for path in ("/ui/session", "/v1/nodes", "/v1/self", "/v1/events"):
                refused = browser.get(path, X_Cloudseed_CSRF=csrf)
                tap.eq(refused.status, 403, (path, csrf))
                assert browser.csrf.encode() not in refused.body
            stream = browser.get("/v1/events?after=0", X_Cloudseed_CSRF=csrf, Accept="text/event-stream")
            tap.eq(stream.status, 403)
        tap.eq(browser.get("/v1/nodes/n1").json["state"], "registered")
        tap.eq(browser.ask("POST", "/v1/nodes/n1/arm", {}).status, 200)


def test_other_pages_are_refused():
    with start() as server:
        browser = signed_in(server)
        for site, status in (("same-origin", 200), ("none", 200), (None, 200), ("same-site", 403),
                             ("cross-site", 403), ("", 403)):
            tap.eq(browser.get("/v1/nodes", Sec_Fetch_Site=site).status, status, site)
            tap.eq(browser.ask("POST", "/v1/nodes/n1/arm", {}, {"Sec-Fetch-Site": site}).status,
                   status, site)
            browser.wire.close()
        answer = Browser(server.listening["admin"]).ask(
            "POST", "/ui/session", {"token": token(server, "x")}, {"Sec-Fetch-Site": "cross-site"})
        tap.eq(answer.status, 403)
        assert "Set-Cookie" not in answer.headers


def test_a_token_that_is_shown_wins_over_the_cookie():
    with start() as server:
        browser = signed_in(server, role="viewer")
        other = {"Authorization": f"Bearer {token(server, 'other', 'admin')}"}
        tap.eq(browser.ask("GET", "/v1/self", headers=other).json["token"], "other")
        tap.eq(browser.ask("POST", "/v1/reload", {},
                           {**other, "X-Cloudseed-CSRF": None, "Sec-Fetch-Site": None}).status, 200)
        tap.eq(browser.ask("GET", "/v1/self", headers={"Authorization": "Bearer x"}).status, 401)
        # It is no session.
        tap.eq(Browser(server.listening["admin"]).ask("GET", "/ui/session", headers=other).status, 401)


def test_without_a_session_there_is_none():
    with start() as server:
        browser = Browser(server.listening["admin"])
        for cookie in (None, "__Host-cloudseed=", "__Host-cloudseed", "x=y", "=", ";;;",
                       "__Host-cloudseed=" + "a" * 52, "__Host-cloudseed=" + "a" * 500):
            for path in ("/ui/session", "/v1/nodes"):
                answer = browser.get(path, Cookie=cookie)
                tap.eq(answer.status, 401, (path, cookie))
                assert answer.detail
        tap.eq(server.events("refused", method="GET", status="429"), [])
        tap.eq(browser.get("/ui/session").detail, "there is no session: sign in")
        ended = browser.get("/ui/session", Cookie="__Host-cloudseed=" + "a" * 52)
        tap.contains(ended.detail, "this session has ended")
        browser = signed_in(server)
        for other in ("cloudseed", "_Host-cloudseed", "X__Host-cloudseed"):
            secret = browser.cookie.split("=")[1]
            tap.eq(browser.get("/v1/nodes", Cookie=f"{other}={secret}").status, 401, other)
        # The socket and the nodes' listeners know no cookies.
        for path in ("/ui/session", "/v1/nodes"):
            for address in (server.listening["https"],):
                tap.eq(Browser(address).get(path, Cookie=browser.cookie).status, 404)


def test_asking_for_a_session_without_one_is_no_refusal():
    """Each page does when it is opened: neither a log line nor an entry of the audit."""
    with start() as server:
        browser = Browser(server.listening["admin"])
        for cookie in (None, "theme=dark", "__Host-cloudseed=" + "a" * 52):
            tap.eq(browser.get("/ui/session", Cookie=cookie).status, 401)

        def noted():
            audit = server.admin("GET", "/v1/audit?limit=1000").json["entries"]
            return [e["times"] for e in audit if e["what"] == "GET /ui/session"]
        tap.wait_until(noted, what="the audit")
        tap.eq(noted(), [1])
        tap.eq(len(server.events("refused", method="GET")), 1)


def test_signing_out_ends_the_session():
    with start() as server:
        browser, other = signed_in(server), signed_in(server, "other")
        stream = other.send("GET", "/v1/events", headers={"Accept": "text/event-stream"})
        answer = browser.ask("DELETE", "/ui/session")
        tap.eq(answer.status, 204)
        assert re.fullmatch(r"__Host-cloudseed=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0",
                            answer.headers["Set-Cookie"]), answer.headers["Set-Cookie"]
        tap.eq(browser.get("/v1/nodes").status, 401)
        tap.contains(browser.get("/v1/nodes").detail, "sign in again")
        server.arm("n1")
        read_event(stream)


def read_event(stream):
    for line in stream:
        if line.startswith(b"id: "):
            return
    raise AssertionError("the stream has ended")


def read_to_end(stream):
    """Of a stream that the server ends. Signs of life come every 15 seconds, or when something was
    written that is no event."""
    signs = 0
    for line in stream:
        signs += line == b":\n"
        assert signs < 3, "it goes on"


def test_a_session_and_its_streams_end_with_the_token():
    for end in (lambda server, _: server.admin("DELETE", "/v1/tokens/laptop"),
                lambda _, tab: tab.ask("DELETE", "/ui/session")):
        with start() as server:
            browser, tab = signed_in(server), Browser(server.listening["admin"])
            tab.cookie, tab.csrf = browser.cookie, browser.csrf
            stream = browser.send("GET", "/v1/events", headers={"Accept": "text/event-stream"})
            tap.eq(stream.status, 200)
            server.arm("n1")
            read_event(stream)
            tap.eq(end(server, tab).status, 204)
            read_to_end(stream)
            tap.eq(tab.get("/v1/nodes").status, 401)
            tap.eq(tab.get("/ui/session").status, 401)


def test_a_restart_ends_sessions():
    state = world.scratch() / "state"
    with start(state=state) as server:
        browser = signed_in(server)
    with start(state=state) as again:
        other = Browser(again.listening["admin"])
        other.cookie, other.csrf = browser.cookie, browser.csrf
        tap.eq(other.get("/v1/nodes").status, 401)
        tap.eq(len(again.admin("GET", "/v1/tokens").json["tokens"]), 1)


def test_a_token_has_sixteen_sessions_at_most():
    with start() as server:
        secret = token(server, "laptop")
        browsers = []
        for _ in range(17):
            browsers.append(Browser(server.listening["admin"]))
            tap.eq(browsers[-1].sign_in(token=secret).status, 200)
            browsers[0].wire.close()
            if len(browsers) < 17:  # the first one is used all the time
                tap.eq(browsers[0].get("/v1/self").status, 200)
        tap.eq([b.get("/v1/self").status for b in browsers], [200, 401] + [200] * 15)


# --- Codes ---------------------------------------------------------------------------------------


def code(server, secret):
    answer = Browser(server.listening["admin"]).ask(
        "POST", "/v1/ui/codes", {}, {"Authorization": f"Bearer {secret}"})
    tap.eq(answer.status, 201, answer.body)
    assert re.fullmatch(r"[a-z2-7]{26}", answer.json["code"]), answer.body
    return answer.json["code"]


def test_a_code_signs_in_once():
    with start() as server:
        secret = token(server, "laptop", "viewer")
        made = code(server, secret)
        browser = Browser(server.listening["admin"])
        tap.eq(browser.sign_in(code=made[:-1] + ("a" if made[-1] != "a" else "b")).status, 401)
        answer = browser.sign_in(code=made)
        tap.eq((answer.status, answer.json["name"], answer.json["role"]),
               (200, "token laptop", "viewer"))
        again = Browser(server.listening["admin"]).sign_in(code=made)
        tap.eq(again.status, 401)
        tap.contains(again.detail, "'cloudseed ui' makes another")
        tap.eq(browser.get("/v1/nodes").status, 200)
        assert not any(made in line for line in server.lines)


def test_a_code_is_of_no_use_without_its_token():
    with start() as server:
        made = code(server, token(server, "laptop"))
        tap.eq(server.admin("DELETE", "/v1/tokens/laptop").status, 204)
        tap.eq(Browser(server.listening["admin"]).sign_in(code=made).status, 401)


def test_codes_are_few():
    with start() as server:
        secret = token(server, "laptop")
        codes = [code(server, secret) for _ in range(5)]
        tap.eq([Browser(server.listening["admin"]).sign_in(code=c).status for c in codes],
               [401, 200, 200, 200, 200])


def test_a_session_makes_no_codes():
    with start() as server:
        answer = signed_in(server, role="admin").ask("POST", "/v1/ui/codes", {})
        tap.eq(answer.status, 403)
        tap.contains(answer.detail, "a session makes no codes")


# --- cloudseed ui --------------------------------------------------------------------------------


URL = re.compile(r"(https?)://([^/]+)/ui/#code=([a-z2-7]{26})\n")


class Ui:
    """`cloudseed ui` at a server's socket."""

    def __init__(self, where, *words, **options):
        self.process = subprocess.Popen(
            WORLD.command("ui", "--server", where, *words), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **options)
        found = URL.fullmatch(self.process.stdout.readline())
        assert found, self.process.communicate()
        self.scheme, self.address, self.code = found.groups()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.out, self.said = self.process.communicate(timeout=world.SECONDS)

    def browser(self):
        return Browser(self.address, tls=False)

    def signed_in(self):
        browser = self.browser()
        tap.eq(browser.sign_in(code=self.code).status, 200)
        return browser


def test_ui_brings_the_socket_to_a_browser():
    with start() as server, Ui(server.socket) as ui:
        tap.eq((ui.scheme, ui.address.split(":")[0]), ("http", "127.0.0.1"))
        tap.eq(ui.browser().get("/ui/").body, FILES["index.html"])
        tap.eq(ui.browser().get("/readyz").status, 200)
        browser = ui.browser()
        answer = browser.sign_in(code=ui.code)
        tap.eq((answer.json["name"], answer.json["role"]), (f"uid {os.getuid()}", "admin"))
        assert re.fullmatch(r"cloudseed=[a-z2-7]{52}; Path=/; HttpOnly; SameSite=Strict",
                            answer.headers["Set-Cookie"]), answer.headers["Set-Cookie"]
        tap.eq(browser.get("/v1/self").json["uid"], os.getuid())
        tap.eq(browser.ask("POST", "/v1/nodes/n1/arm", {}).status, 200)
        tap.eq([e["cause"] for e in server.admin("GET", "/v1/events").json["events"]
                if e["kind"] == "armed"], [f"uid {os.getuid()}"])
        tap.eq(browser.ask("POST", "/v1/nodes/n1/arm", {}, {"X-Cloudseed-CSRF": None}).status, 403)
        tap.eq(ui.browser().sign_in(code=ui.code).status, 401)
        stream = browser.send("GET", "/v1/events?after=0", headers={"Accept": "text/event-stream"})
        read_event(stream)
        for node in ("/s/x/meta-data", "/boot.ipxe", "/nocloud/name/n1/meta-data", "/v1/ui/relay"):
            tap.eq(ui.browser().get(node).status, 404, node)
    tap.eq(ui.process.returncode, -signal.SIGINT)
    tap.contains(ui.said, "this goes on until Ctrl-C")


def test_what_ui_passes_on_has_no_rights_of_the_socket():
    with start() as server, Ui(server.socket) as ui:
        for method, path in (("GET", "/v1/nodes"), ("POST", "/v1/nodes/n1/arm"), ("GET", "/v1/self"),
                             ("POST", "/v1/ui/codes"), ("POST", "/v1/tokens")):
            answer = ui.browser().ask(method, path, {} if method == "POST" else None)
            tap.eq(answer.status, 401, path)
        tap.eq(ui.browser().ask("POST", "/v1/ui/relay", {}).status, 404)
        secret = token(server, "laptop")  # as everywhere
        tap.eq(ui.browser().ask("GET", "/v1/self",
                                headers={"Authorization": f"Bearer {secret}"}).json["token"], "laptop")
        # Two requests in one go, of which the second must not be the socket's either.
        with socket.create_connection(ui.address.split(":"), world.SECONDS) as wire:
            wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                         b"GET /v1/nodes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            said = b"".join(iter(lambda: wire.recv(65536), b""))
        tap.eq(re.findall(rb"HTTP/1.1 (\d+)", said), [b"200", b"401"])


def test_only_the_loopbacks_names_are_answered():
    with start() as server, Ui(server.socket) as ui:
        browser = ui.signed_in()
        port = ui.address.split(":")[1]
        for host, status in ((f"127.0.0.1:{port}", 200), ("localhost", 200), ("LOCALHOST:1", 200),
                             (f"[::1]:{port}", 200), (f"evil.example:{port}", 403), ("127.0.0.2", 403),
                             ("127.0.0.1.evil.example", 403), ("localhost.evil.example:80", 403),
                             ("", 403)):
            tap.eq(browser.get("/v1/nodes", Host=host).status, status, host)
            tap.eq(browser.get("/ui/", Host=host).status, status, host)
        tap.eq(ui.browser().ask("POST", "/ui/session", {"code": "x"}, {"Host": "evil"}).status, 403)


def test_a_session_counts_only_where_it_began():
    with start() as server, Ui(server.socket) as ui:
        local, elsewhere = ui.signed_in(), signed_in(server)
        for browser, name, address in (
                (elsewhere, "__Host-cloudseed", server.listening["admin"]),
                (local, "cloudseed", ui.address)):
            other = Browser(server.listening["admin"]) if browser is local else ui.browser()
            secret = browser.cookie.split("=")[1]
            for cookie in (f"cloudseed={secret}", f"__Host-cloudseed={secret}"):
                tap.eq(other.get("/v1/nodes", Cookie=cookie).status, 401)
            tap.eq(browser.cookie.split("=")[0], name)
            tap.eq(browser.get("/v1/nodes").status, 200, address)
        # A code, too.
        tap.eq(ui.browser().sign_in(code=code(server, token(server, "x"))).status, 401)
        with Ui(server.socket) as again:
            tap.eq(Browser(server.listening["admin"]).sign_in(code=again.code).status, 401)
            # One relay is as good as the other.
            other = again.browser()
            other.cookie, other.csrf = local.cookie, local.csrf
            tap.eq(other.get("/v1/nodes").status, 200)


def test_ui_takes_twelve_connections_at_a_time():
    with start() as server, Ui(server.socket) as ui:
        browser = ui.signed_in()
        streams = []
        for _ in range(11):
            other = ui.browser()
            other.cookie, other.csrf = browser.cookie, browser.csrf
            streams.append(other.send("GET", "/v1/events?after=0",
                                      headers={"Accept": "text/event-stream"}))
        tap.eq(browser.get("/v1/nodes").status, 200)
        late = ui.browser()
        late.cookie, late.csrf = browser.cookie, browser.csrf
        late.start("GET", "/v1/nodes")  # waits its turn
        # Beside these twelve, the command's own and ours.
        tap.eq(server.admin("GET", "/v1/server").json["load"]["connections"], 14)
        browser.wire.close()
        tap.eq(late.wire.getresponse().status, 200)


def test_ui_survives_a_restart_of_the_server():
    state = world.scratch() / "state"
    with start(state=state) as server:
        with Ui(server.socket) as ui:
            path = server.socket
            tap.eq(ui.browser().get("/ui/").status, 200)
            server.stop()
            try:
                ui.browser().get("/ui/")
                raise AssertionError("nobody is there to answer")
            except (http.client.BadStatusLine, ConnectionError):
                pass
            path.parent.mkdir(parents=True, exist_ok=True)
            with TREE.start(args=["--socket", path], state=state):
                tap.eq(ui.browser().get("/ui/").status, 200)


def test_large_answers_and_bodies_pass():
    with start() as server, Ui(server.socket) as ui:
        browser = ui.signed_in()
        for _ in range(40):
            tap.eq(server.admin("POST", "/v1/nodes/n1/arm", {}).status, 200)
        whole = browser.get("/v1/openapi.json")
        tap.eq(whole.body, server.admin("GET", "/v1/openapi.json").body)
        assert len(whole.body) > 50000, len(whole.body)
        refused = browser.ask("POST", "/v1/nodes", {"name": "x" * 200000})
        tap.eq(refused.status, 422)


def test_ui_gives_the_browser_a_file_that_only_its_user_reads():
    folder = world.scratch()
    seen = folder / "seen"
    os.mkfifo(seen)
    (folder / "xdg-open").write_text(f'#!/bin/sh\necho "$@" >{seen}\n')
    (folder / "xdg-open").chmod(0o755)
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "DISPLAY": ":0",
           "XDG_RUNTIME_DIR": str(folder)}
    with start() as server, Ui(server.socket, env=env) as ui:
        page = Path(seen.read_text().strip())
        tap.eq(page, folder / "cloudseed-ui.html")
        tap.eq(stat.S_IMODE(page.stat().st_mode), 0o600)
        tap.contains(page.read_text(), f'content="0; url=http://{ui.address}/ui/#code={ui.code}"')
        words = Path(f"/proc/{ui.process.pid}/cmdline").read_text()
        assert ui.code not in words
    page.unlink()
    for words, more in ((["--no-browser"], {}), ([], {"DISPLAY": ""}), ([], {"XDG_RUNTIME_DIR": ""})):
        with start() as server, Ui(server.socket, *words, env={**env, **more}):
            assert not page.exists()


def test_ui_by_a_url_prints_the_servers_own():
    with start() as server:
        ca = world.scratch() / "ca.pem"
        ca.write_text(server.get("/ca.pem").text, encoding="ascii")
        where = "https://" + server.listening["admin"]
        env = {"CLOUDSEED_TOKEN": token(server, "laptop", "viewer"), "CLOUDSEED_CA": str(ca)}
        out = WORLD.good("ui", "--server", where, env=env)
        found = URL.fullmatch(out)
        tap.eq(found.groups()[:2], ("https", server.listening["admin"]))
        answer = Browser(server.listening["admin"]).sign_in(code=found[3])
        tap.eq((answer.json["name"], answer.json["role"]), ("token laptop", "viewer"))
        tap.contains(WORLD.bad(cli.MISUSED, "ui", "--server", where, "--port", "1", env=env), "--port")


def test_ui_says_what_is_wrong():
    with start() as server:
        for port in ("x", "65536", "-1"):
            tap.contains(WORLD.bad(cli.MISUSED, "ui", "--server", server.socket, "--port", port),
                         "expected a number from 0 to 65535")
        with Ui(server.socket) as ui:
            port = ui.address.split(":")[1]
            said = WORLD.bad(1, "ui", "--server", server.socket, "--port", port)
            tap.contains(said, f"127.0.0.1:{port}: Address already in use")
    tap.contains(WORLD.bad(1, "ui", "--server", server.socket), "is cloudseedd running?")


# --- Where a document comes from -------------------------------------------------------------------


def test_a_documents_parts_are_traced():
    tree = world.Tree()
    tree.role("r", user_data="#cloud-config\nhostname: {{ node.name }}\nfinal_message: {{ rack }}\n")
    tree.node("n1", "r", variables={"rack": "r7"})
    with tree.start(args=["--admin", "127.0.0.1:0", "--https", "127.0.0.1:0"]) as server:
        path = "/v1/nodes/n1/documents/user-data"
        traced = server.admin("GET", path + "?trace=1")
        tap.eq(traced.status, 200, traced.text)
        shapes.hold(traced.json, "DOCUMENT", path)
        tap.eq(traced.json["text"], server.admin("GET", path).text)
        tap.eq("".join(p["text"] for p in traced.json["pieces"]), traced.json["text"])
        (piece,) = [p for p in traced.json["pieces"] if p["text"] == "r7"]
        tap.eq((piece["template"], piece["at"]["line"], piece["value"]), ("r-user-data", 3, True))
        (name,) = piece["names"]
        tap.eq(name["name"], "rack")
        tap.contains(name["set"]["file"], "nodes")
        tap.eq(server.admin("GET", path + "?trace=2").status, 400)
        tap.eq(server.admin("GET", "/v1/nodes/n1/documents/none?trace=1").status, 404)
        for role, status in (("viewer", 403), ("operator", 200)):
            tap.eq(signed_in(server, role, role).get(path + "?trace=1").status, status)


def test_a_template_that_takes_long_holds_nothing_up():
    tree = world.Tree()
    loops = "{% for a in range(3000) %}{% for b in range(3000) %}{% if a == b %}{% endif %}{% endfor %}{% endfor %}"
    tree.role("r", user_data="#cloud-config\n" + loops)
    tree.node("n1", "r")
    with tree.start(args=["--admin", "127.0.0.1:0", "--https", "127.0.0.1:0"]) as server:
        path = "/v1/nodes/n1/documents/user-data?trace=1"
        stays, leaves = signed_in(server, "a"), signed_in(server, "b")
        for browser in (stays, leaves):
            browser.start("GET", path)
        tap.wait_until(lambda: server.admin("GET", "/v1/server").json["load"]["exchanges"] == 3)
        third = server.admin("GET", path)
        tap.eq(third.status, 503)
        tap.contains(third.text, "other documents are looked at now")
        leaves.wire.close()
        ended = Answer(stays.wire.getresponse())
        tap.eq(ended.status, 422)
        tap.contains(ended.detail, "r-user-data:2:")
        tap.wait_until(lambda: server.admin("GET", "/v1/nodes/n1/documents/meta-data?trace=1").status
                       == 200)


tap.main()
