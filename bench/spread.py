# SPDX-License-Identifier: Apache-2.0
"""What many measurements of one thing say together: the median, and how far they lie apart."""
import statistics
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float
    quarter: float  # a quarter of the measurements lies below it,
    three_quarters: float  # and a quarter above this one
    count: int

    @property
    def iqr(self):
        return self.three_quarters - self.quarter

    def as_dict(self):
        return {**asdict(self), "iqr": self.iqr}


def spread_of(values):
    values = sorted(values)
    if len(values) == 1:
        quarter, three_quarters = values[0], values[0]
    else:
        quarter, _, three_quarters = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(statistics.median(values), values[0], values[-1], quarter, three_quarters,
                  len(values))


def ratios(pairs):
    """The spread of first / second, pair by pair: what both of a pair suffered alike drops out."""
    return spread_of([first / second for first, second in pairs])
