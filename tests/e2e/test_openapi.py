#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/v1/openapi.json as clients fetch it. What it says is compared with the routes by
tests/unit/core/test_openapi.c, and with what is answered by test_walker.py."""
import gzip
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import tap
from daemon import SOURCE, Daemon

PATH = "/v1/openapi.json"
daemon = tap.enter(Daemon(seed=SOURCE / "seed", templates=SOURCE / "templates"))


def test_it_is_whole():
    answer = daemon.admin("GET", PATH)
    tap.eq((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
    document = answer.json
    tap.eq(document["openapi"], "3.1.0")
    tap.eq(document["info"]["version"], daemon.admin("GET", "/v1/server").json["version"])
    tap.eq(document["paths"]["/v1/openapi.json"]["get"]["x-cloudseed-role"], "viewer")
    url = daemon.admin("GET", "/v1/server").json["url"]
    tap.eq(document["paths"]["/boot.ipxe"]["get"]["servers"], [{"url": url}])


def test_a_client_that_has_it_already():
    whole = daemon.admin("GET", PATH)
    again = daemon.admin("GET", PATH, headers={"If-None-Match": whole.headers["ETag"]})
    tap.eq((again.status, again.body), (304, b""))
    tap.eq(daemon.admin("HEAD", PATH).headers["ETag"], whole.headers["ETag"])


def test_compressed():
    whole = daemon.admin("GET", PATH)
    packed = daemon.admin("GET", PATH, headers={"Accept-Encoding": "gzip"})
    tap.eq((packed.headers["Content-Encoding"], packed.headers["Vary"]), ("gzip", "Accept-Encoding"))
    tap.eq(json.loads(gzip.decompress(packed.body)), whole.json)
    assert len(packed.body) < len(whole.body) / 4, len(packed.body)
    assert packed.headers["ETag"] != whole.headers["ETag"]
    again = daemon.admin("GET", PATH, headers={"Accept-Encoding": "gzip",
                                               "If-None-Match": packed.headers["ETag"]})
    tap.eq((again.status, again.headers["Content-Encoding"]), (304, None))


def test_it_takes_no_parameter():
    tap.eq(daemon.admin("GET", PATH + "?pretty=1").status, 400)


tap.main()
