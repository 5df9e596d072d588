"""Response times as counts in buckets that grow with the value, in the manner of DDSketch.

Every percentile is true to 2 % as a whole number of milliseconds, and histograms of parts add up to the
histogram of the whole. Percentiles themselves never can be averaged.

Up to 100 ms every millisecond is a bucket of its own. Past that the bucket of a value is
100 + ceil(ln(ms / 100) / ln(gamma)), told by a value within 1.5 % of all that it holds; rounding that to a
whole number is at most another 0.5 %. (Buckets of 2 % throughout would be rounded past their bound: 25 and
26 share one.)
"""

import math
from dataclasses import dataclass, field

RELATIVE_ERROR = 0.02
_EXACT_MS = 100
_ALPHA = RELATIVE_ERROR - 0.5 / _EXACT_MS
_GAMMA = (1 + _ALPHA) / (1 - _ALPHA)
_LOG_GAMMA = math.log(_GAMMA)


@dataclass(slots=True)
class Histogram:
    """Non-negative whole milliseconds. Count, sum, minimum and maximum are exact; the latter two are 0
    while it is empty."""

    buckets: dict[int, int] = field(default_factory=dict)
    count: int = 0
    sum_ms: int = 0
    min_ms: int = 0
    max_ms: int = 0

    def add(self, ms: int) -> None:
        key = _bucket_of(ms)
        self.buckets[key] = self.buckets.get(key, 0) + 1
        self.min_ms = min(self.min_ms, ms) if self.count else ms
        self.max_ms = max(self.max_ms, ms)
        self.count += 1
        self.sum_ms += ms

    def merge(self, other: "Histogram") -> None:
        """Take in the counts of another one."""
        if not other.count:
            return
        for key, times in other.buckets.items():
            self.buckets[key] = self.buckets.get(key, 0) + times
        self.min_ms = min(self.min_ms, other.min_ms) if self.count else other.min_ms
        self.max_ms = max(self.max_ms, other.max_ms)
        self.count += other.count
        self.sum_ms += other.sum_ms

    def percentile(self, percent: int) -> int:
        """The smallest value that at least `percent` in a hundred do not exceed, true to 2 %; 0 when
        empty."""
        rank = max(1, -(-percent * self.count // 100))
        seen = 0
        for key in sorted(self.buckets):
            seen += self.buckets[key]
            if seen >= rank:
                return min(max(_value_of(key), self.min_ms), self.max_ms)
        return 0

    @property
    def mean_ms(self) -> int:
        """Rounded half up; 0 when empty."""
        return (2 * self.sum_ms + self.count) // (2 * self.count) if self.count else 0


def _bucket_of(ms: int) -> int:
    if ms <= _EXACT_MS:
        return ms
    return _EXACT_MS + math.ceil(math.log(ms / _EXACT_MS) / _LOG_GAMMA)


def _value_of(key: int) -> int:
    """The value whose relative distance to both ends of the bucket is the same."""
    if key <= _EXACT_MS:
        return key
    return round(_EXACT_MS * _GAMMA ** (key - _EXACT_MS) * 2 / (_GAMMA + 1))
