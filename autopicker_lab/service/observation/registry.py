"""Counters and histograms for Prometheus whose counting is an addition: the client library's take a lock for each."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
Labels = tuple[str, ...]


class MetricsRegistry(Collector):
    """The metrics of one event loop, which alone may change them; any thread may collect them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._counters: list[Counter] = []
        self._histograms: list[Histogram] = []
        self._gauges: list[tuple[str, str, str, Callable[[], Mapping[str, float]]]] = []

    def counter(self, name: str, about: str, *labels: str) -> Counter:
        """A new counter with these labels; its name without Prometheus' `_total`."""
        counter = Counter(name, about, labels)
        self._counters.append(counter)
        return counter

    def histogram(self, name: str, about: str, *labels: str) -> Histogram:
        """A new histogram of seconds with these labels."""
        histogram = Histogram(name, about, labels)
        self._histograms.append(histogram)
        return histogram

    def gauge(self, name: str, about: str, label: str, values: Callable[[], Mapping[str, float]]) -> None:
        """Add a gauge whose `values`, by the value of its one label or under "" without one, are read when it is."""
        self._gauges.append((name, about, label, values))

    def collect(self) -> Iterator[Metric]:
        """All metrics as they are now, in Prometheus' families."""
        yield from [counter.family() for counter in self._counters]
        yield from [histogram.family() for histogram in self._histograms]
        for name, about, label, values in self._gauges:
            family = GaugeMetricFamily(name, about, labels=[label] if label else [])
            for key, value in values().items():
                family.add_metric([key] if label else [], value)
            yield family


class Counter:
    """A sum for each combination of label values."""

    def __init__(self, name: str, about: str, labels: Labels):
        self._name, self._about, self._labels = name, about, labels
        self._values: dict[Labels, float] = {}

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        """Add to the sum of these label values, given in the order of the labels."""
        self._values[labels] = self._values.get(labels, 0.0) + amount

    def family(self) -> Metric:
        """All sums in Prometheus' form."""
        family = CounterMetricFamily(self._name, self._about, labels=self._labels)
        for labels, value in list(self._values.items()):
            family.add_metric(labels, value)
        return family


class Histogram:
    """Seconds counted in BUCKETS for each combination of label values."""

    def __init__(self, name: str, about: str, labels: Labels):
        self._name, self._about, self._labels = name, about, labels
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, labels: Labels, seconds: float) -> None:
        """Count one time under these label values, given in the order of the labels."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(BUCKETS) + 1)
            self._sums[labels] = 0.0
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._sums[labels] += seconds

    def family(self) -> Metric:
        """All buckets and sums in Prometheus' form."""
        family = HistogramMetricFamily(self._name, self._about, labels=self._labels)
        for labels, counts in list(self._counts.items()):
            running = 0
            buckets = []
            for bound, count in zip([*map(str, BUCKETS), "+Inf"], counts, strict=True):
                running += count
                buckets.append((bound, running))
            family.add_metric(labels, buckets, self._sums[labels])
        return family
