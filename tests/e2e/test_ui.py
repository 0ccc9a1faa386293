#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The web page's server side: its files, and sessions by cookie, as a browser asks for them."""
import gzip
import http.client
import json
import os
import re
import ssl
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import tap  # noqa: E402
import world  # noqa: E402

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
FILES = {p.name: p.read_bytes() for p in (ROOT / "src/ui").iterdir()
         if p.suffix in (".html", ".css", ".js", ".svg")}
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
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
    """Asks one listener over TLS, as a page of it. Whose certificate it is, other tests look at."""

    def __init__(self, address):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.wire = http.client.HTTPSConnection(address, timeout=world.SECONDS, context=context)
        self.cookie = self.csrf = None

    def send(self, method, path, body=None, headers=None):
        """Only the request; None for a header's value leaves it out."""
        sent = {"Sec-Fetch-Site": "same-origin"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if self.cookie:
            sent["Cookie"] = f"theme=dark; {self.cookie}; lang=en"
        if self.csrf and method not in ("GET", "HEAD"):
            sent["X-Cloudseed-CSRF"] = self.csrf
        sent.update(headers or {})
        self.wire.request(method, path, None if body is None else json.dumps(body),
                          {k: v for k, v in sent.items() if v is not None})
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
        assert server.events("signed-in", token="laptop")
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


def test_a_change_takes_more_than_the_cookie():
    with start() as server:
        browser, other = signed_in(server), signed_in(server, "other")
        for csrf in (None, "", "x", browser.csrf[:-1], browser.csrf + "0", other.csrf):
            answer = browser.ask("POST", "/v1/nodes/n1/arm", {}, {"X-Cloudseed-CSRF": csrf})
            tap.eq(answer.status, 403, csrf)
            tap.contains(answer.detail, "X-Cloudseed-CSRF")
            browser.wire.close()
            tap.eq(browser.ask("DELETE", "/ui/session", None, {"X-Cloudseed-CSRF": csrf}).status, 403)
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
        browser = signed_in(server)
        for other in ("cloudseed", "_Host-cloudseed", "X__Host-cloudseed"):
            secret = browser.cookie.split("=")[1]
            tap.eq(browser.get("/v1/nodes", Cookie=f"{other}={secret}").status, 401, other)
        # The socket and the nodes' listeners know no cookies.
        for path in ("/ui/session", "/v1/nodes"):
            for address in (server.listening["https"],):
                tap.eq(Browser(address).get(path, Cookie=browser.cookie).status, 404)


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
        other.cookie = browser.cookie
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


tap.main()
