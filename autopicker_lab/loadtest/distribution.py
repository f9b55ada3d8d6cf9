"""Times in a histogram that merges with others: its percentiles are right to three digits, the rarest too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hdrh.histogram import HdrHistogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONGEST_US = 3_600_000_000
PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


class Distribution:
    """An HDR histogram of seconds, from a microsecond to an hour (http://hdrhistogram.org)."""

    def __init__(self, encoded: str | None = None):
        self._histogram = HdrHistogram(1, _LONGEST_US, 3)
        if encoded:
            self._histogram.decode_and_add(encoded.encode())

    def __len__(self) -> int:
        return int(self._histogram.total_count)

    def extend(self, seconds: Iterable[float]) -> None:
        """Record times, in seconds; what is under a microsecond or over an hour counts as that."""
        record = self._histogram.record_value
        for value in seconds:
            record(min(max(round(value * 1e6), 1), _LONGEST_US))

    def merge(self, other: Distribution) -> None:
        """Add the times of another distribution."""
        self._histogram.add(other._histogram)

    def encode(self) -> str:
        """Write the histogram in HdrHistogram's own compressed form, in base 64."""
        return str(self._histogram.encode().decode())

    def percentile_ms(self, percent: float) -> float | None:
        """Time (ms) that `percent` of the recorded ones did not exceed; None where nothing was recorded."""
        return self._histogram.get_value_at_percentile(percent) / 1000 if len(self) else None

    @property
    def mean_ms(self) -> float | None:
        """Mean time (ms); None where nothing was recorded."""
        return float(self._histogram.get_mean_value()) / 1000 if len(self) else None

    @property
    def max_ms(self) -> float | None:
        """Longest time (ms); None where nothing was recorded."""
        return float(self._histogram.get_max_value()) / 1000 if len(self) else None

    def percentiles_ms(self, percents: Sequence[float] = PERCENTILES) -> dict[str, float | None]:
        """Percentiles (ms) by name: p50, p99, p99.9 ...; None where nothing was recorded."""
        return {f"p{percent:g}": self.percentile_ms(percent) for percent in percents}

    def curve(self) -> tuple[list[float], list[float]]:
        """Percents and the milliseconds at each, both ascending: the points of a percentile curve."""
        if not len(self):
            return [], []
        total, below = len(self), 0
        percents: list[float] = []
        times: list[float] = []
        for item in self._histogram.get_recorded_iterator():
            below += item.count_added_in_this_iter_step
            percents.append(100 * below / total)
            times.append(item.value_iterated_to / 1000)
        return percents, times
