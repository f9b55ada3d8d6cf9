"""The recorder of a run: it adds samples to the report a few at a time, which is cheaper than one by one."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from autopicker_lab.loadtest.arrivals import Closed
from autopicker_lab.loadtest.counts import RequestCounts, RequestRow
from autopicker_lab.loadtest.distribution import Distribution
from autopicker_lab.loadtest.report import LoadReport
from autopicker_lab.loadtest.sample import http_error

if TYPE_CHECKING:
    from autopicker_lab.loadtest.plan import LoadPlan
    from autopicker_lab.loadtest.sample import Sample

_MAX_ROWS = 100_000
_BATCH = 32
_WINDOW_S = 2.0
_REFUSALS = frozenset(http_error(status) for status in (401, 403, 429))
_REFUSED_FROM_START = 20  # first answers; where all of them are refusals, nothing else will come


@dataclass(frozen=True)
class Live:
    """The state of a run at a moment, as progress callbacks get it.

    Attributes:
        done: requests that were answered or failed.
        planned: requests in all; None where time alone bounds the run.
        seconds, total_s: since the run began, and what it will take about.
        per_second, p50_ms, p99_ms: of the answers of the last two seconds; None without any.
        errors: how many requests failed by each kind of error.
        in_flight: requests that wait for their answer.
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
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            open_loop=not isinstance(plan.arrivals, Closed),
            streams=plan.chat is not None and plan.chat.stream,
            has_slo=plan.slo is not None,
        )
        self._batch: list[Sample] = []
        self._until = plan.seconds - plan.cool_down_s
        self._generator = random.Random(plan.seed)
        self._recent: deque[tuple[float, float]] = deque()
        self._last = plan.warm_up_s
        self._priced = False
        self._only_refusals = True
        self.done = 0
        self.spent_usd = 0.0

    def add(self, sample: Sample) -> None:
        """Take a request that was answered or has failed."""
        self.done += 1
        self._only_refusals = self._only_refusals and sample.error in _REFUSALS
        self._last = max(self._last, sample.ended_at)
        if sample.usd is not None:
            self.spent_usd += sample.usd
            self._priced = True
        self._batch.append(sample)
        if len(self._batch) >= _BATCH:
            self.fold()

    @property
    def refused(self) -> bool:
        """Whether all answers so far, and twenty at least, were refusals: a key is missing, or a limit is reached."""
        return self._only_refusals and self.done >= _REFUSED_FROM_START

    def fold(self) -> None:
        """Add the samples since the last call to the report."""
        new, self._batch = self._batch, []
        self._recent += [(sample.ended_at, sample.latency) for sample in new if sample.error is None]
        while self._recent and self._recent[0][0] < self._last - _WINDOW_S:
            self._recent.popleft()
        self._count_finished([s for s in new if s.error is None and self._plan.warm_up_s <= s.ended_at < self._until])
        counted = [sample for sample in new if self._plan.warm_up_s <= sample.due < self._until]
        if not counted:
            return
        report = self.report
        answered = [sample for sample in counted if sample.error is None]
        self._count(report.count, counted)
        for sample in counted:
            report.lost += sample.lost
            report.without_done += sample.without_done
            report.cached += sample.cached and sample.error is None
            report.truncated += sample.error == "truncated"
            self._note_tokens(sample)
            self._keep_row(sample)
        times = report.times
        times["latency"].extend([sample.latency for sample in answered])
        times["service"].extend([sample.ended_at - sample.sent_at for sample in answered])
        times["ttft"].extend([sample.ttft for sample in answered if sample.ttft is not None])
        times["tpot"].extend([sample.tpot for sample in answered if sample.tpot is not None])
        times["itl"].extend([gap for sample in answered for gap in sample.gaps])
        if report.open_loop:
            times["send_delay"].extend(
                [sample.sent_at - sample.due for sample in counted if sample.error != "not sent"]
            )
        self._count_kinds(counted)

    def finished(self, stopped_at: float | None, by_time: bool) -> LoadReport:
        """Complete the report when nothing more will come.

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
        if self.refused:
            report.warnings.append(f"stopped: the first {_REFUSED_FROM_START} answers were refusals, and no other came")
        if self.done and not report.count.sent:
            report.warnings.append("no request fell between warm-up and cool-down")
        return report

    def _is_good(self, sample: Sample) -> bool:
        slo = self._plan.slo
        return slo is not None and slo.met(sample.latency, sample.ttft, sample.tpot)

    def _count_finished(self, ended: list[Sample]) -> None:
        """Count what ended within the time that is measured, whenever it was due."""
        count = self.report.count
        count.finished += len(ended)
        count.finished_tokens += sum([sample.tokens for sample in ended])

    def live(self, seconds: float, in_flight: int) -> Live:
        """Describe the run `seconds` after its start, with `in_flight` requests in flight."""
        window = [(end, latency) for end, latency in self._recent if end > seconds - _WINDOW_S]
        recent = Distribution()
        recent.extend([latency for _, latency in window])
        bound = self._plan.bound
        return Live(
            self.done,
            int(bound) if bound < float("inf") else None,
            seconds,
            self._plan.seconds,
            len(window) / min(seconds, _WINDOW_S) if window and seconds else None,
            recent.percentile_ms(50),
            recent.percentile_ms(99),
            dict(self.report.errors),
            in_flight,
        )

    def _count_kinds(self, counted: list[Sample]) -> None:
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
                count.good += self._is_good(sample)
                count.tokens += sample.tokens
            else:
                count.errors[sample.error] = count.errors.get(sample.error, 0) + 1

    def _note_tokens(self, sample: Sample) -> None:
        """Note what answers say of their tokens, and what the server says of errors."""
        report = self.report
        if sample.error is not None:
            if sample.words:
                report.words.setdefault(sample.error, sample.words)
        elif sample.has_usage:
            report.prompt_tokens += sample.prompt_tokens
            report.prefix_cached_tokens += sample.prefix_cached_tokens
            if sample.pieces:
                report.pieces += sample.pieces
                report.piece_tokens += sample.tokens
        else:
            report.without_usage += self._plan.chat is not None

    def _keep_row(self, sample: Sample) -> None:
        """Keep all rows, or a reservoir of them (Vitter's algorithm R) where there are very many."""
        s = sample
        row = RequestRow(s.due, s.sent_at - s.due, s.ttft, s.latency, s.tokens, s.kind, s.error)
        rows = self.report.rows
        if len(rows) < _MAX_ROWS:
            rows.append(row)
            return
        place = self._generator.randrange(self.report.count.sent)
        if place < _MAX_ROWS:
            rows[place] = row
