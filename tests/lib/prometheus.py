# SPDX-License-Identifier: Apache-2.0
"""The real Prometheus, unpacked from Debian's packages, and what a server shows it."""
import json
import os
import re
import subprocess
import tempfile
import threading
import urllib.request
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode

import debian
import tap
from daemon import BUILD, SECONDS

PACKAGES = {"prometheus": "prometheus", "promtool": "prometheus",
            "amtool": "prometheus-alertmanager"}
_SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? ([-0-9.e+]+|NaN)')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


@lru_cache
def program(name):
    """Its path. A package that is installed would start a service: it is only unpacked."""
    try:
        tree = debian.download(PACKAGES[name], debian.codename(), str(BUILD / "prometheus"))
    except (debian.NotDebian, subprocess.SubprocessError, FileNotFoundError) as why:
        if "CI" in os.environ:
            raise
        raise tap.Skip(f"Debian's packages could not be fetched: {why}") from why
    return f"{tree}/usr/bin/{name}"


class Family:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.samples = []  # (suffix, labels, value)

    def labels(self):
        """The sets of names that its samples have, without a histogram's own."""
        return [set(labels) - {"le"} for _, labels, _ in self.samples]

    def values(self, suffix="", **wanted):
        return [value for end, labels, value in self.samples
                if end == suffix and wanted.items() <= labels.items()]

    def value(self, suffix="", **wanted):
        """Of the one sample that has these labels."""
        found = self.values(suffix, **wanted)
        assert len(found) == 1, f"{self.name}{suffix} {wanted}: {self.samples}"
        return found[0]


def parse(text):
    found, family = {}, None
    for line in text.splitlines():
        words = line.split(" ")
        if words[:2] == ["#", "TYPE"]:
            family = found[words[2]] = Family(words[2], words[3])
        elif not line.startswith("#"):
            match = _SAMPLE.fullmatch(line)
            assert match and match[1].startswith(family.name), line
            family.samples.append((match[1][len(family.name):], dict(_LABEL.findall(match[2] or "")),
                                   float(match[3])))
    return found


def families(server):
    """{name: Family} as the server shows them on its socket."""
    answer = server.admin("GET", "/metrics")
    assert answer.status == 200, answer.text
    return parse(answer.text)


class Prometheus:
    """The real one on a free port of the loopback, by the text of its configuration."""

    def __init__(self, config):
        self.folder = tempfile.TemporaryDirectory(prefix="cloudseed-prometheus-")
        file = Path(self.folder.name, "prometheus.yml")
        file.write_text(config)
        self.lines, self.url = [], None
        self.process = subprocess.Popen(
            [program("prometheus"), f"--config.file={file}", "--web.listen-address=127.0.0.1:0",
             f"--storage.tsdb.path={self.folder.name}/data"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def _listens(self):
        assert self.process.poll() is None, "".join(self.lines)
        text = "".join(self.lines)
        address = re.search(r'"Listening on" address=(\S+)', text)
        self.url = address and f"http://{address[1]}"
        return address and "ready to receive web requests" in text

    def __enter__(self):
        try:
            tap.wait_until(self._listens, SECONDS, "Prometheus")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(SECONDS)
        self._reader.join()
        self.process.stderr.close()
        self.folder.cleanup()

    def api(self, path, **parameters):
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}",
                                    timeout=SECONDS) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """[(labels, value)]"""
        return [(found["metric"], float(found["value"][1]))
                for found in self.api("query", query=expression)["result"]]

    def range(self, expression, start, end):
        """All values of all series in that time, one a second."""
        found = self.api("query_range", query=expression, start=start, end=end, step=1)["result"]
        return [float(value) for series in found for _, value in series["values"]]
