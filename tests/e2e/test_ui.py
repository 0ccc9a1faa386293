#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The web page's server side: its files, and sessions by cookie, as a browser asks for them."""
import gzip
import http.client
import os
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


class Browser:
    """Asks one listener over TLS; who its certificate is of, other tests look at."""

    def __init__(self, address):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.wire = http.client.HTTPSConnection(address, timeout=world.SECONDS, context=context)

    def ask(self, method, path, headers=None):
        self.wire.request(method, path, headers=headers or {})
        return Answer(self.wire.getresponse())

    def get(self, path, **headers):
        return self.ask("GET", path, {k.replace("_", "-"): v for k, v in headers.items()})


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


tap.main()
