"""Folds samples into a report, a few at a time: each is cheaper than alone, and none that is due has to wait."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from autopicker_lab.loadtest.arrivals import Closed
from autopicker_lab.loadtest.distribution import Distribution
from autopicker_lab.loadtest.plan import LoadPlan
from autopicker_lab.loadtest.report import Count, LoadReport, Row
from autopicker_lab.loadtest.sample import Sample

_ROWS = 100_000
_TOGETHER = 32
_WINDOW_S = 2.0


@dataclass(frozen=True)
class Live:
    """How a run is going.

    Attributes:
        done: requests that were answered or failed, of `planned` (None: bounded by time alone).
        seconds: since it began, of about `total_s`.
        per_second, p50_ms, p99_ms: of what was answered in the last two seconds or so; None where nothing was.
        in_flight: requests under way.
    """

    done: int
    planned: int | None
    seconds: float
    total_s: float
    per_second: float | None
    p50_ms: float | None
    p99_ms: float | None
    errors: dict[str, int]
    in_flight: int


class Recorder:
    """Collects the samples of one run."""

    def __init__(self, plan: LoadPlan):
        self._plan = plan
        about = type(plan.arrivals).__name__.lower()
        self.report = LoadReport(
            about,
            plan.url,
            begun=datetime.now(UTC).isoformat(timespec="seconds"),
            open_loop=not isinstance(plan.arrivals, Closed),
            has_slo=plan.slo is not None,
        )
        self._new: list[Sample] = []
        self._until = plan.seconds - plan.cool_down_s
        self._chance = random.Random(plan.seed)
        self._recent: list[tuple[float, float]] = []
        self._last = plan.warm_up_s
        self.done = 0
        self.spent_usd = 0.0

    def add(self, sample: Sample) -> None:
        self._new.append(sample)
        if len(self._new) >= _TOGETHER:
            self.fold()

    def fold(self) -> None:
        """Put what was added since the last time into the report."""
        new, self._new = self._new, []
        self.done += len(new)
        self.spent_usd += sum([sample.spent_usd for sample in new])
        self._recent += [(sample.end, sample.latency) for sample in new if sample.error is None]
        counted = [sample for sample in new if self._plan.warm_up_s <= sample.due < self._until]
        if not counted:
            return
        report, slo = self.report, self._plan.slo
        answered = [sample for sample in counted if sample.error is None]
        self._last = max(self._last, *[sample.end for sample in counted])
        report.seconds = self._last - self._plan.warm_up_s
        self._count(report.count, counted)
        for sample in counted:
            report.lost += sample.lost
            report.undone += sample.undone
            report.truncated += sample.error == "truncated"
            self._keep(sample)
        if slo is not None:
            report.count.good += sum([slo.met(s.latency, s.ttft, s.tpot) for s in answered])
        times = report.times
        times["latency"].extend([sample.latency for sample in answered])
        times["service"].extend([sample.end - sample.sent for sample in answered])
        times["ttft"].extend([sample.ttft for sample in answered if sample.ttft is not None])
        times["tpot"].extend([sample.tpot for sample in answered if sample.tpot is not None])
        times["itl"].extend([gap for sample in answered for gap in sample.gaps])
        if report.open_loop:
            times["late"].extend([sample.sent - sample.due for sample in counted])
        self._by_kind(counted)

    def live(self, seconds: float, in_flight: int) -> Live:
        self._recent = [(end, latency) for end, latency in self._recent if end > seconds - _WINDOW_S]
        recent = Distribution()
        recent.extend([latency for _, latency in self._recent])
        bound = self._plan.bound
        return Live(
            self.done,
            int(bound) if bound < float("inf") else None,
            seconds,
            self._plan.seconds,
            len(self._recent) / min(seconds, _WINDOW_S) if self._recent and seconds else None,
            recent.percentile_ms(50),
            recent.percentile_ms(99),
            dict(self.report.errors),
            in_flight,
        )

    def _by_kind(self, counted: list[Sample]) -> None:
        for name in {sample.kind for sample in counted}:
            count, times = self.report.kinds.setdefault(name, (Count(), Distribution()))
            own = [sample for sample in counted if sample.kind == name]
            self._count(count, own)
            times.extend([sample.latency for sample in own if sample.error is None])

    @staticmethod
    def _count(count: Count, samples: list[Sample]) -> None:
        count.sent += len(samples)
        for sample in samples:
            if sample.error is None:
                count.answered += 1
                count.tokens += sample.tokens
            else:
                count.errors[sample.error] = count.errors.get(sample.error, 0) + 1

    def _keep(self, sample: Sample) -> None:
        """All rows, or a reservoir of them (Vitter's algorithm R) where there are very many."""
        s = sample
        row = Row(s.due, s.sent - s.due, s.ttft, s.latency, s.tokens, s.kind, s.error)
        rows = self.report.rows
        if len(rows) < _ROWS:
            rows.append(row)
            return
        place = self._chance.randrange(self.report.count.sent)
        if place < _ROWS:
            rows[place] = row
