"""Studies of several runs: where the knee is, how certain a figure is, how two servers differ."""

from __future__ import annotations

import dataclasses
import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autopicker_lab.core.optional import require
from autopicker_lab.core.show import frame
from autopicker_lab.loadtest.arrivals import Poisson
from autopicker_lab.loadtest.compare import by_rate, compare_reports
from autopicker_lab.loadtest.engine import LiveProgress, run, warm_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.loadtest.chat_target import AnswerSource
    from autopicker_lab.loadtest.plan import LoadPlan
    from autopicker_lab.loadtest.report import LoadReport


_NOISE_MS = 5.0


@dataclass(frozen=True)
class Sweep:
    """The reports of one plan at several arrival rates, ascending."""

    points: tuple[tuple[float, LoadReport], ...] = field(repr=False)
    stopped_early: bool = False

    def knee(self, factor: float = 2.0, percent: float = 95.0, errors: float = 0.01) -> float | None:
        """Find the highest rate up to which answers stay quick and right; None where the lowest rate is past it.

        A latency has risen where it exceeds the lowest one so far by `factor` and by five milliseconds, below which
        a busy machine explains it. Where nothing rose up to the highest rate, that one is given: the knee is beyond.

        Args:
            factor: by which the latency may exceed the lowest one so far.
            percent: the percentile of latency.
            errors: share of requests that may fail.
        """
        knee, quickest = None, math.inf
        for rate, report in self.points:
            value = report.percentile_ms(percent)
            quickest = min(quickest, math.inf if value is None else value)
            failed = report.count.sent - report.count.answered
            risen = value is not None and value > max(factor * quickest, quickest + _NOISE_MS)
            if value is None or risen or failed > errors * report.count.sent:
                break
            knee = rate
        return knee

    def to_frame(self) -> pd.DataFrame:
        """Make a table with a row a rate: rate, good share, answers a second, p50 and p99 (ms), errors, sent."""
        return by_rate(self.points, None)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw latency by arrival rate, with a line at the knee."""
        from autopicker_lab.loadtest.plots import throughput_latency

        return throughput_latency(self.points, ax, self.knee(), "knee")

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, float_format="{:.4g}".format, na_rep=""))


@dataclass(frozen=True)
class Repeats:
    """The reports of one plan that was run several times."""

    reports: tuple[LoadReport, ...] = field(repr=False)
    stopped_early: bool = False

    def interval(self, of: Callable[[LoadReport], float | None]) -> tuple[float, float, float] | None:
        """Mean, low and high end of the 95 % interval (Student's t) of a figure; None with fewer than two values."""
        values = [value for value in map(of, self.reports) if value is not None]
        if len(values) < 2:
            return None
        require("scipy")
        from scipy.stats import t

        mean = statistics.fmean(values)
        half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
        return mean, mean - half, mean + half

    def to_frame(self) -> pd.DataFrame:
        """Make a table with a row a figure: mean, and low and high end of its 95 % interval."""
        rows = []
        for name in ("per_second", "p50_ms", "p99_ms", "ttft_p50_ms", "tokens_per_second", "others_cpu"):
            interval = self.interval(_FIGURES[name])
            if interval is not None:
                rows.append({"figure": name, **dict(zip(("mean", "low", "high"), interval, strict=True))})
        return frame(rows)

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, float_format="{:.4g}".format, na_rep=""))


_FIGURES: Mapping[str, Callable[[LoadReport], float | None]] = {
    "per_second": lambda report: report.per_second,
    "p50_ms": lambda report: report.percentile_ms(50),
    "p99_ms": lambda report: report.percentile_ms(99),
    "ttft_p50_ms": lambda report: report.percentile_ms(50, "ttft"),
    "tokens_per_second": lambda report: report.tokens_per_second,
    "others_cpu": lambda report: report.others_cpu,
}


async def sweep(
    plan: LoadPlan, rates: Sequence[float], progress: LiveProgress | None = None, ask: AnswerSource | None = None
) -> Sweep:
    """Run the plan at each of `rates` in turn, as Poisson arrivals, for plan.duration_s each or ten seconds."""
    points: list[tuple[float, LoadReport]] = []
    if rates and not await warm_up(plan, plan.timeout_s, progress, ask):
        return Sweep((), True)
    for rate in sorted(rates):
        report = await run(plan.at(Poisson(rate), duration_s=plan.duration_s or 10.0), progress, ask)
        points.append((rate, report))
        if report.stopped_early:
            break
    return Sweep(tuple(points), any(report.stopped_early for _, report in points))


async def repeat(
    plan: LoadPlan, times: int = 5, progress: LiveProgress | None = None, ask: AnswerSource | None = None
) -> Repeats:
    """Run the plan several times, each with a seed of its own."""
    reports: list[LoadReport] = []
    for i in range(times):
        reports.append(await run(dataclasses.replace(plan, seed=plan.seed + i), progress, ask))
        if reports[-1].stopped_early:
            break
    return Repeats(tuple(reports), reports[-1].stopped_early if reports else False)


async def compare_servers(
    plan: LoadPlan, urls: Mapping[str, str], rounds: int = 2, progress: LiveProgress | None = None
) -> pd.DataFrame:
    """Run the plan against several addresses in turn, such as a model's server and a gateway before it.

    Returns:
        The table of `compare_reports`, a column for each address, in which all rounds count together.
    """
    reports: dict[str, LoadReport] = {}
    for i in range(rounds):
        for name, url in urls.items():
            report = await run(dataclasses.replace(plan, url=url, seed=plan.seed + i), progress)
            if name in reports:
                seconds = reports[name].seconds + report.seconds
                reports[name].merge(report)
                reports[name].seconds = seconds  # one run after the other
            else:
                reports[name] = report
            if report.stopped_early:
                return compare_reports(reports)
    return compare_reports(reports)
