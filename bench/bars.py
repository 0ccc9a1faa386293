# SPDX-License-Identifier: Apache-2.0
"""What each figure must reach, and what we aim at. Lower is better for all of them."""
from dataclasses import dataclass, field

MB = 1000 * 1000
MIB = 1024 * 1024


@dataclass(frozen=True)
class Bar:
    must: float
    aim: float | None = None


BARS = {
    "nginx.keep-alive": Bar(0.95, 0.85),
    "nginx.connection-each": Bar(1.2, 1.1),
    "nginx.gzip": Bar(1.25, 1.0),
    "assets.cpu": Bar(1.6, 1.2),
    "nodes.cpu": Bar(1.15, 1.05),
    "durable.time": Bar(1.2, 1 / 0.9),
    "render.small": Bar(5.0),
    "start.seconds": Bar(2.0, 1.0),
    "check.command": Bar(4.0, 2.5),
    "check.background": Bar(60.0, 40.0),
    "check.longest-wait": Bar(10.0),
    "tftp.1": Bar(1 / 1.1, 1 / 1.2),
    "tftp.4": Bar(1 / 2, 1 / 2.8),
    "tftp.16": Bar(1 / 4, 1 / 6),
    "tls.handshake": Bar(1.15, 1.0),
    "tls.half-open-200": Bar(5.0),
    "tls.half-open-2000": Bar(30.0),
    "minting.own": Bar(5.0),
    "minting.first": Bar(20.0),
    "minting.all": Bar(10.0),
    "minting.in-flight": Bar(50),
    "metrics.scrape": Bar(20.0),
    "memory.idle": Bar(12 * MB),
    "memory.per-node": Bar(1024),
    "memory.connections": Bar(100 * MB),
    "memory.tls-connections": Bar(45 * MB, 35 * MB),
}


@dataclass
class Figure:
    """One line of the report. `bar` names its bar, or None for what is only told."""
    part: str
    what: str
    value: float
    unit: str  # "x", "s", "ms", "µs", "bytes"; empty: a number
    bar: str | None = None
    spread: object = None
    detail: dict = field(default_factory=dict)

    @property
    def verdict(self):
        """"aim", "must", "miss", or "" where there is no bar."""
        bar = BARS.get(self.bar)
        if not bar:
            return ""
        if bar.aim is not None and self.value <= bar.aim:
            return "aim"
        return "must" if self.value <= bar.must else "miss"
