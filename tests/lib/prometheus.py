# SPDX-License-Identifier: Apache-2.0
"""The real Prometheus, unpacked from Debian's packages, and what a server shows it."""
import os
import re
import subprocess
from functools import lru_cache

import debian
import tap
from daemon import BUILD

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
