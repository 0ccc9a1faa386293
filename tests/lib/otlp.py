# SPDX-License-Identifier: Apache-2.0
"""A collector of OpenTelemetry that takes traces by OTLP over HTTP with JSON, and is strict.

    with Collector() as collector:             .url for the configuration
        (trace,) = collector.wait(1)           {span's name: span}; each was checked
"""
import json
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from daemon import SECONDS

# opentelemetry-proto, trace.proto; what may be left out is marked by "?".
SPAN = {"traceId": str, "spanId": str, "parentSpanId": str, "name": str, "kind": int,
        "startTimeUnixNano": str, "endTimeUnixNano": str, "attributes": list, "events": list,
        "status": dict}
EVENT = {"timeUnixNano": str, "name": str, "attributes": list}
VALUES = {"stringValue": str, "intValue": str, "doubleValue": (int, float), "boolValue": bool}
KIND_INTERNAL, ERROR = 1, 2


def _members(thing, shape):
    assert set(thing) <= set(shape), f"unknown members: {set(thing) - set(shape)}"
    for name, value in thing.items():
        assert isinstance(value, shape[name]), (name, value)


def _hex(text, digits):
    assert re.fullmatch(f"[0-9a-f]{{{digits}}}", text) and text.strip("0"), text


def _nanoseconds(text):
    assert re.fullmatch(r"[1-9]\d{18}", text), text  # of this century
    return int(text)


def attributes(pairs):
    """{key: value}, none of them twice."""
    found = {}
    for pair in pairs:
        _members(pair, {"key": str, "value": dict})
        ((kind, value),) = pair["value"].items()
        assert isinstance(value, VALUES[kind]), pair
        if kind == "intValue":
            value = int(value)
        assert pair["key"] and pair["key"] not in found, pair
        found[pair["key"]] = value
    return found


def _span(span):
    _members(span, SPAN)
    _hex(span["traceId"], 32)
    _hex(span["spanId"], 16)
    if span["parentSpanId"]:
        _hex(span["parentSpanId"], 16)
    assert span["name"] and span["kind"] == KIND_INTERNAL, span
    assert _nanoseconds(span["startTimeUnixNano"]) <= _nanoseconds(span["endTimeUnixNano"]), span
    assert span["status"]["code"] in (0, 1, 2), span
    assert not span["status"]["message"] or span["status"]["code"] == ERROR, span
    for event in span["events"]:
        _members(event, EVENT)
        _nanoseconds(event["timeUnixNano"])
        attributes(event["attributes"])
    return {**span, "attributes": attributes(span["attributes"])}


def check(request):
    """The spans of one boot: one of them is the whole, and holds all others."""
    (of_resource,) = request["resourceSpans"]
    assert attributes(of_resource["resource"]["attributes"])["service.name"] == "cloudseed"
    (scoped,) = of_resource["scopeSpans"]
    spans = [_span(s) for s in scoped["spans"]]
    by_id = {s["spanId"]: s for s in spans}
    assert len(by_id) == len(spans), "two spans have one id"
    assert len({s["traceId"] for s in spans}) == 1
    (whole,) = [s for s in spans if not s["parentSpanId"]]
    for span in spans:
        outer = by_id[span["parentSpanId"]] if span is not whole else whole
        assert int(outer["startTimeUnixNano"]) <= int(span["startTimeUnixNano"]), span
        assert int(span["endTimeUnixNano"]) <= int(outer["endTimeUnixNano"]), span
        span["parent"] = outer["name"] if span is not whole else None
    return spans


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass

    def do_POST(self):  # pylint: disable=invalid-name
        collector = self.server.collector
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = collector.take(self.path, self.headers, body)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class Collector:
    """`answers`: (status, object) for each request in turn; afterwards each is accepted."""

    def __init__(self, answers=(), certificate=None):
        self.answers, self.requests, self.wrong = list(answers), [], []
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.collector = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        kind = "https" if certificate else "http"
        self.url = f"{kind}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        assert not self.wrong, self.wrong

    def take(self, path, headers, body):
        with self._news:
            try:
                assert path == "/v1/traces", path
                assert headers["Content-Type"] == "application/json", headers
                self.requests.append(check(json.loads(body)))
            except (AssertionError, KeyError, ValueError) as why:
                self.wrong.append((repr(why), body.decode(errors="replace")))
            self._news.notify_all()
            return self.answers.pop(0) if self.answers else (200, {"partialSuccess": {}})

    def wait(self, n):
        """The spans of the first n requests."""
        end = time.monotonic() + SECONDS
        with self._news:
            while len(self.requests) < n:
                assert not self.wrong, self.wrong
                assert self._news.wait(end - time.monotonic()), f"{len(self.requests)} of {n} came"
            return self.requests[:n]
