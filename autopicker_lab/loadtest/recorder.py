"""Folds samples into a report, a few at a time: each is cheaper than alone, and none that is due has to wait."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from autopicker_lab.loadtest.arrivals import Closed
from autopicker_lab.loadtest.distribution import Distribution
from autopicker_lab.loadtest.report import LoadReport, RequestCounts, RequestRow

if TYPE_CHECKING:
    from autopicker_lab.loadtest.plan import LoadPlan
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
            streams=plan.chat is not None and plan.chat.stream,
            has_slo=plan.slo is not None,
        )
        self._new: list[Sample] = []
        self._until = plan.seconds - plan.cool_down_s
        self._chance = random.Random(plan.seed)
        self._recent: deque[tuple[float, float]] = deque()
        self._last = plan.warm_up_s
        self._priced = False
        self.done = 0
        self.spent_usd = 0.0

    def add(self, sample: Sample) -> None:
        self.done += 1
        self._last = max(self._last, sample.end)
        if sample.usd is not None:
            self.spent_usd += sample.usd
            self._priced = True
        self._new.append(sample)
        if len(self._new) >= _TOGETHER:
            self.fold()

    def fold(self) -> None:
        """Put what was added since the last time into the report."""
        new, self._new = self._new, []
        self._recent += [(sample.end, sample.latency) for sample in new if sample.error is None]
        while self._recent and self._recent[0][0] < self._last - _WINDOW_S:
            self._recent.popleft()
        self._throughput([s for s in new if s.error is None and self._plan.warm_up_s <= s.end < self._until])
        counted = [sample for sample in new if self._plan.warm_up_s <= sample.due < self._until]
        if not counted:
            return
        report = self.report
        answered = [sample for sample in counted if sample.error is None]
        self._count(report.count, counted)
        for sample in counted:
            report.lost += sample.lost
            report.undone += sample.undone
            report.cached += sample.cached and sample.error is None
            report.truncated += sample.error == "truncated"
            self._keep(sample)
        times = report.times
        times["latency"].extend([sample.latency for sample in answered])
        times["service"].extend([sample.end - sample.sent for sample in answered])
        times["ttft"].extend([sample.ttft for sample in answered if sample.ttft is not None])
        times["tpot"].extend([sample.tpot for sample in answered if sample.tpot is not None])
        times["itl"].extend([gap for sample in answered for gap in sample.gaps])
        if report.open_loop:
            times["late"].extend([sample.sent - sample.due for sample in counted if sample.error != "not sent"])
        self._by_kind(counted)

    def finished(self, stopped_at: float | None, by_time: bool) -> LoadReport:
        """The report, when nothing more comes.

        Args:
            stopped_at: when somebody ended the run; None: nobody did.
            by_time: whether it ended because its time was up, and not because all requests were sent.
        """
        self.fold()
        report, plan = self.report, self._plan
        until = self._until if by_time else min(self._until, self._last)
        if stopped_at is not None:
            until = min(self._until, stopped_at)
        report.seconds = max(0.0, until - plan.warm_up_s)
        if (plan.price_in or plan.price_out) and self._priced:
            report.cost_usd = self.spent_usd
        if plan.max_cost_usd is not None and self.done and not self._priced:
            report.warnings.append("no answer said its usage, so max_cost_usd could not end the run")
        if self.done and not report.count.sent:
            report.warnings.append("no request fell between warm-up and cool-down")
        return report

    def _good(self, sample: Sample) -> bool:
        slo = self._plan.slo
        return slo is not None and slo.met(sample.latency, sample.ttft, sample.tpot)

    def _throughput(self, ended: list[Sample]) -> None:
        """Count what ended within the time that is measured, whenever it was due."""
        count = self.report.count
        count.finished += len(ended)
        count.finished_good += sum(map(self._good, ended))
        count.finished_tokens += sum([sample.tokens for sample in ended])

    def live(self, seconds: float, in_flight: int) -> Live:
        known = [(end, latency) for end, latency in self._recent if end > seconds - _WINDOW_S]
        recent = Distribution()
        recent.extend([latency for _, latency in known])
        bound = self._plan.bound
        return Live(
            self.done,
            int(bound) if bound < float("inf") else None,
            seconds,
            self._plan.seconds,
            len(known) / min(seconds, _WINDOW_S) if known and seconds else None,
            recent.percentile_ms(50),
            recent.percentile_ms(99),
            dict(self.report.errors),
            in_flight,
        )

    def _by_kind(self, counted: list[Sample]) -> None:
        for name in {sample.kind for sample in counted}:
            count, times = self.report.kinds.setdefault(name, (RequestCounts(), Distribution()))
            own = [sample for sample in counted if sample.kind == name]
            self._count(count, own)
            times.extend([sample.latency for sample in own if sample.error is None])

    def _count(self, count: RequestCounts, samples: list[Sample]) -> None:
        count.sent += len(samples)
        for sample in samples:
            if sample.error is None:
                count.answered += 1
                count.good += self._good(sample)
                count.tokens += sample.tokens
            else:
                count.errors[sample.error] = count.errors.get(sample.error, 0) + 1

    def _keep(self, sample: Sample) -> None:
        """All rows, or a reservoir of them (Vitter's algorithm R) where there are very many."""
        s = sample
        row = RequestRow(s.due, s.sent - s.due, s.ttft, s.latency, s.tokens, s.kind, s.error)
        rows = self.report.rows
        if len(rows) < _ROWS:
            rows.append(row)
            return
        place = self._chance.randrange(self.report.count.sent)
        if place < _ROWS:
            rows[place] = row
