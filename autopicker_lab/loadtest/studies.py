"""Several runs that answer one question: where the knee is, how sure a figure, what lies between two servers."""

from __future__ import annotations

import dataclasses
import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autopicker_lab.core.optional import require
from autopicker_lab.core.show import frame
from autopicker_lab.loadtest.arrivals import Poisson
from autopicker_lab.loadtest.compare import by_rate, compared
from autopicker_lab.loadtest.engine import Progress, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.loadtest.plan import LoadPlan
    from autopicker_lab.loadtest.report import LoadReport
    from autopicker_lab.loadtest.targets import AnswerSource


@dataclass(frozen=True)
class Sweep:
    """Reports by arrival rate, ascending."""

    points: tuple[tuple[float, LoadReport], ...] = field(repr=False)
    stopped_early: bool = False

    def knee(self, factor: float = 2.0, percent: float = 95.0, errors: float = 0.01) -> float | None:
        """The highest rate up to which answers stay quick and right.

        Args:
            factor: of the lowest percentile up to a rate, which its own may not pass.
            percent: of latency.
            errors: share of requests that may fail.
        """
        found, quickest = None, math.inf
        for rate, report in self.points:
            value = report.percentile_ms(percent)
            quickest = min(quickest, math.inf if value is None else value)
            failed = report.count.sent - report.count.answered
            if value is None or value > factor * quickest or failed > errors * report.count.sent:
                break
            found = rate
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row a rate: rate, good share, answers a second, p50 and p99 (ms), errors, sent."""
        return by_rate(self.points, None)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Latency by arrival rate, with the knee."""
        from autopicker_lab.loadtest.plots import throughput_latency

        return throughput_latency(self.points, ax, held=self.knee())

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, float_format="{:.4g}".format, na_rep=""))


@dataclass(frozen=True)
class Repeats:
    """The same plan run several times."""

    reports: tuple[LoadReport, ...] = field(repr=False)
    stopped_early: bool = False

    def interval(self, of: Callable[[LoadReport], float | None]) -> tuple[float, float, float] | None:
        """Mean and 95 % interval (Student's t) of a figure; None with fewer than two runs that have it."""
        values = [value for value in map(of, self.reports) if value is not None]
        if len(values) < 2:
            return None
        require("scipy")
        from scipy.stats import t

        mean = statistics.fmean(values)
        half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
        return mean, mean - half, mean + half

    def to_frame(self) -> pd.DataFrame:
        """One row a figure, others' share of the machine among them: mean, and low and high of its 95 % interval."""
        rows = []
        for name in ("per_second", "p50_ms", "p99_ms", "ttft_p50_ms", "tokens_per_second", "others"):
            found = self.interval(_FIGURES[name])
            if found is not None:
                rows.append({"figure": name, "mean": found[0], "low": found[1], "high": found[2]})
        return frame(rows)

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False, float_format="{:.4g}".format, na_rep=""))


_FIGURES: Mapping[str, Callable[[LoadReport], float | None]] = {
    "per_second": lambda report: report.per_second,
    "p50_ms": lambda report: report.percentile_ms(50),
    "p99_ms": lambda report: report.percentile_ms(99),
    "ttft_p50_ms": lambda report: report.percentile_ms(50, "ttft"),
    "tokens_per_second": lambda report: report.tokens_per_second,
    "others": lambda report: report.others,
}


async def sweep(
    plan: LoadPlan, rates: Sequence[float], progress: Progress | None = None, ask: AnswerSource | None = None
) -> Sweep:
    """The plan at each of `rates` in turn, as Poisson arrivals; for plan.duration_s each, or ten seconds."""
    points: list[tuple[float, LoadReport]] = []
    for rate in sorted(rates):
        report = await run(plan.at(Poisson(rate), duration_s=plan.duration_s or 10.0), progress, ask)
        points.append((rate, report))
        if report.stopped_early:
            break
    return Sweep(tuple(points), any(report.stopped_early for _, report in points))


async def repeat(
    plan: LoadPlan, times: int = 5, progress: Progress | None = None, ask: AnswerSource | None = None
) -> Repeats:
    """The plan several times, each with a seed of its own."""
    reports: list[LoadReport] = []
    for i in range(times):
        reports.append(await run(dataclasses.replace(plan, seed=plan.seed + i), progress, ask))
        if reports[-1].stopped_early:
            break
    return Repeats(tuple(reports), reports[-1].stopped_early if reports else False)


async def difference(
    plan: LoadPlan, urls: Mapping[str, str], rounds: int = 2, progress: Progress | None = None
) -> pd.DataFrame:
    """The plan against several addresses, such as a model's server and a gateway before it, in turn.

    Returns:
        One column an address, as `compared` makes it, of all rounds together; ratios are to the first.
    """
    found: dict[str, LoadReport] = {}
    for i in range(rounds):
        for name, url in urls.items():
            report = await run(dataclasses.replace(plan, url=url, seed=plan.seed + i), progress)
            if name in found:
                seconds = found[name].seconds + report.seconds
                found[name].merge(report)
                found[name].seconds = seconds  # one after the other
            else:
                found[name] = report
            if report.stopped_early:
                return compared(found)
    return compared(found)
