"""Several runs that answer one question: how much is held, where the knee is, how sure, and what lies between."""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.show import frame, html_table
from autopicker_lab.loadtest.arrivals import Open, Poisson
from autopicker_lab.loadtest.engine import Progress, run
from autopicker_lab.loadtest.plan import LoadPlan
from autopicker_lab.loadtest.recorder import Live
from autopicker_lab.loadtest.report import LoadReport, compared
from autopicker_lab.loadtest.targets import Ask

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_FEWEST = 5  # requests of a probe
_KEPT_UP = 0.97  # of the rate asked for, which answers have to reach for it to be held
Tried = Callable[[float, bool], bool | None]


@dataclass(frozen=True)
class Saturation:
    """The highest arrival rate that holds an SLO.

    Attributes:
        held: the highest rate (requests a second) that held it; None where the lowest tried did not.
        failed: the lowest one above that did not; None where the highest allowed held. The truth lies between.
        tried: reports by rate, in the order of the search.
    """

    held: float | None
    failed: float | None
    tried: tuple[tuple[float, LoadReport], ...]
    stopped_early: bool = False

    @property
    def rate(self) -> float | None:
        """The middle of what is held and what is not."""
        if self.held is None or self.failed is None:
            return self.held
        return (self.held + self.failed) / 2

    def __str__(self) -> str:
        if self.held is None:
            return f"not even {self.failed:g} requests a second hold the SLO" if self.failed else "nothing was tried"
        if self.failed is None:
            return f"{self.held:.3g} requests a second hold the SLO; no higher rate was tried"
        half = (self.failed - self.held) / 2
        return f"{self.rate:.3g} ± {half:.2g} requests a second hold the SLO"

    def to_frame(self) -> pd.DataFrame:
        """One row a rate that was tried, ascending: rate, held, good share, answered a second, p50 and p99 (ms)."""
        return _frame(self.tried, self.held)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Latency by arrival rate, with the bound between what is held and what is not."""
        from autopicker_lab.loadtest.show import throughput_latency

        return throughput_latency(self.tried, ax, held=self.held)

    def _repr_html_(self) -> str:
        return html_table([""], [(str(self),)])


@dataclass(frozen=True)
class Sweep:
    """Reports by arrival rate, ascending."""

    points: tuple[tuple[float, LoadReport], ...]
    stopped_early: bool = False

    def knee(self, factor: float = 2.0, percent: float = 95.0) -> float | None:
        """The highest rate up to which a percentile of latency stays within `factor` times its lowest."""
        times = [(rate, report.percentile_ms(percent)) for rate, report in self.points]
        known = [value for _, value in times if value is not None]
        if not known:
            return None
        found = None
        for rate, value in times:
            if value is None or value > factor * min(known):
                break
            found = rate
        return found

    def to_frame(self) -> pd.DataFrame:
        """One row a rate, as Saturation.to_frame."""
        return _frame(self.points, None)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Latency by arrival rate, with the knee."""
        from autopicker_lab.loadtest.show import throughput_latency

        return throughput_latency(self.points, ax, held=self.knee())


@dataclass(frozen=True)
class Repeats:
    """The same plan run several times."""

    reports: tuple[LoadReport, ...]
    stopped_early: bool = False

    def interval(self, of: Callable[[LoadReport], float | None]) -> tuple[float, float, float] | None:
        """Mean and 95 % interval (Student's t) of a figure; None with fewer than two runs that have it."""
        values = [value for value in map(of, self.reports) if value is not None]
        if len(values) < 2:
            return None
        from scipy.stats import t

        mean = statistics.fmean(values)
        half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
        return mean, mean - half, mean + half

    def to_frame(self) -> pd.DataFrame:
        """One row a figure: mean, low and high of its 95 % interval, runs, and others' share of the machine."""
        rows = []
        for name in ("per_second", "p50_ms", "p99_ms", "ttft_p50_ms", "tokens_per_second", "others"):
            found = self.interval(_FIGURES[name])
            if found is not None:
                rows.append({"figure": name, "mean": found[0], "low": found[1], "high": found[2]})
        return frame(rows)


_FIGURES: Mapping[str, Callable[[LoadReport], float | None]] = {
    "per_second": lambda report: report.per_second,
    "p50_ms": lambda report: report.percentile_ms(50),
    "p99_ms": lambda report: report.percentile_ms(99),
    "ttft_p50_ms": lambda report: report.percentile_ms(50, "ttft"),
    "tokens_per_second": lambda report: report.tokens_per_second,
    "others": lambda report: report.others,
}


async def saturation(
    plan: LoadPlan,
    *,
    low: float = 1.0,
    high: float = 10_000.0,
    precision: float = 0.1,
    seconds: float = 60.0,
    shape: Callable[[float], Open] = Poisson,
    tried: Tried | None = None,
    ask: Ask | None = None,
) -> Saturation:
    """Search the highest rate of arrivals at which the plan's SLO holds, and answers keep up.

    Rates are doubled until one fails, then the gap is halved (in logarithms) until it is within `precision` of the
    rate or the time is up. A probe takes a tenth of the time or the plan's duration_s, whichever is less, and ends
    early where it has clearly failed.

    Args:
        seconds: in all, give or take the answers of the last probe.
        shape: arrivals of a rate: Poisson as users come, Constant as a capacity is stated; the former hold less.
        tried: told each rate and whether it held; returning False ends the search.
    """
    if plan.slo is None:
        raise InvalidRequestError("a saturation search needs an SLO", "give bounds for latency, TTFT or TPOT")
    if not 0 < low < high:
        raise InvalidRequestError("a saturation search needs 0 < low < high")
    begun = time.perf_counter()
    probe_s = min(plan.duration_s or math.inf, seconds / 10)
    found: list[tuple[float, LoadReport]] = []
    held: float | None = None
    failed: float | None = None
    rate, stopped = low, False
    while not stopped:
        lasts = max(probe_s, _FEWEST / rate)
        if time.perf_counter() - begun + lasts > seconds:
            break
        report = await run(_probe(plan, shape(rate), lasts), _gives_up, ask)
        found.append((rate, report))
        good = _holds(plan, report, rate)
        held, failed = (rate, failed) if good else (held, rate)
        stopped = tried is not None and tried(rate, good) is False
        if failed is None:
            if rate >= high:
                break
            rate = min(high, rate * _stride(report, plan))
        elif held is None:
            rate /= 4
        elif failed / held <= 1 + precision:
            break
        else:
            rate = math.sqrt(held * failed)
    return Saturation(held, failed, tuple(found), stopped)


def _probe(plan: LoadPlan, arrivals: Open, seconds: float) -> LoadPlan:
    return plan.at(arrivals, duration_s=seconds, requests=None, warm_up_s=seconds / 10, cool_down_s=0.0)


def _stride(report: LoadReport, plan: LoadPlan) -> float:
    """How far to go on from a rate that held: far where there was room in the bounds, little where there was not."""
    bound = plan.slo.latency_s if plan.slo else None
    p99 = report.percentile_ms(99)
    return 4.0 if bound is None or p99 is None or p99 < 250 * bound else 2.0


def _gives_up(live: Live) -> bool:
    """Ends a probe that drags on: many requests are still under way when it has lasted twice its time."""
    return not (live.in_flight > 50 and live.seconds > 2 * live.total_s)


def _holds(plan: LoadPlan, report: LoadReport, rate: float) -> bool:
    assert plan.slo is not None
    share, done = report.good_share, report.per_second
    if share is None or done is None or report.stopped_early:
        return False
    few = 3 / math.sqrt(max(1, report.count.sent))  # so far may a Poisson count stray
    return share >= plan.slo.share and done >= rate * (_KEPT_UP - few)


async def sweep(
    plan: LoadPlan, rates: Sequence[float], progress: Progress | None = None, ask: Ask | None = None
) -> Sweep:
    """The plan at each of `rates` in turn, as Poisson arrivals; for plan.duration_s each, or ten seconds."""
    points: list[tuple[float, LoadReport]] = []
    for rate in sorted(rates):
        report = await run(plan.at(Poisson(rate), duration_s=plan.duration_s or 10.0), progress, ask)
        points.append((rate, report))
        if report.stopped_early:
            break
    return Sweep(tuple(points), any(report.stopped_early for _, report in points))


async def repeat(plan: LoadPlan, times: int = 5, progress: Progress | None = None, ask: Ask | None = None) -> Repeats:
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


def _frame(points: Sequence[tuple[float, LoadReport]], held: float | None) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "rate": rate,
            "held": None if held is None else rate <= held,
            "good_share": report.good_share,
            "per_second": report.per_second,
            "p50_ms": report.percentile_ms(50),
            "p99_ms": report.percentile_ms(99),
            "errors": sum(report.errors.values()),
        }
        for rate, report in sorted(points, key=lambda point: point[0])
    ]
    return frame(rows)
