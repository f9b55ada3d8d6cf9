"""The search for the highest rate of arrivals that a server holds."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.show import html_table
from autopicker_lab.loadtest.arrivals import Closed, Open, Poisson
from autopicker_lab.loadtest.compare import by_rate
from autopicker_lab.loadtest.engine import Progress, run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.loadtest.plan import LoadPlan, Slo
    from autopicker_lab.loadtest.recorder import Live
    from autopicker_lab.loadtest.report import LoadReport
    from autopicker_lab.loadtest.targets import AnswerSource

_FEWEST = 5  # requests of a probe
_IDLE_MS = 5.0  # that a single request may take longer than one among many
_PAUSE_S = 0.1
Tried = Callable[[float, bool], bool | None]


@dataclass(frozen=True)
class Saturation:
    """The highest arrival rate that holds an SLO.

    Attributes:
        held: the highest rate (requests a second) that held it; None where the lowest tried did not.
        failed: the lowest one above that did not; None where the highest allowed held. The truth lies between.
        tried: reports by rate, in the order of the search.
        failure: why the search ended where not one request was answered.
    """

    held: float | None
    failed: float | None
    tried: tuple[tuple[float, LoadReport], ...] = field(repr=False)
    stopped_early: bool = False
    failure: str = ""

    @property
    def rate(self) -> float | None:
        """The middle of what is held and what is not."""
        if self.held is None or self.failed is None:
            return self.held
        return (self.held + self.failed) / 2

    def __str__(self) -> str:
        if self.failure:
            return self.failure
        end = "stopped early: " if self.stopped_early else ""
        if self.held is None:
            low = f"not even {self.failed:g} requests a second hold the SLO" if self.failed else ""
            return end + (low or "no rate was tried to its end")
        if self.failed is None:
            return f"{end}at least {self.held:,.4g} requests a second hold the SLO; none higher was tried"
        middle = f"{(self.held + self.failed) / 2:,.4g}"
        return f"{end}{middle} requests a second: {self.held:,.4g} hold the SLO, {self.failed:,.4g} do not"

    def to_frame(self) -> pd.DataFrame:
        """One row a try, by rate: rate, held, good share, answers a second, p50 and p99 (ms), errors, sent."""
        return by_rate(self.tried, self.held)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Latency by arrival rate, with the bound between what is held and what is not."""
        from autopicker_lab.loadtest.plots import throughput_latency

        return throughput_latency(self.tried, ax, held=self.held)

    def _repr_html_(self) -> str:
        return html_table([""], [(str(self),)])


async def saturation(
    plan: LoadPlan,
    *,
    low: float = 1.0,
    high: float = 10_000.0,
    precision: float = 0.1,
    seconds: float = 60.0,
    shape: Callable[[float], Open] = Poisson,
    tried: Tried | None = None,
    progress: Progress | None = None,
    ask: AnswerSource | None = None,
) -> Saturation:
    """Search the highest rate of arrivals at which the plan's SLO holds, and waiting does not grow.

    Rates grow two- to fourfold until one fails, then the gap is halved (in logarithms) until it is within `precision`
    of the rate, and both ends are tried once more; one that does not stand moves. A probe takes a tenth of the time or
    the plan's duration_s, whichever is less, and longer where five requests take longer. After one that failed, the
    server is waited for until a single request takes about as long as usual.

    Args:
        seconds: in all; where they are up, the search ends with the bounds that it has.
        shape: arrivals of a rate: Poisson as users come, Constant as a capacity is stated; the former hold less.
        tried: told each rate and whether it held; returning False ends the search.
        progress: as of `run`, for each probe; returning False ends the search.
    """
    if plan.slo is None:
        raise InvalidRequestError("a saturation search needs an SLO", "give bounds for latency, TTFT or TPOT")
    if not 0 < low < high:
        raise InvalidRequestError("a saturation search needs 0 < low < high")
    search = _Search(plan, seconds, shape, tried, progress, ask)
    rate, confirmed = low, set[float]()
    while await search.probe(rate):
        held, failed = search.held, search.failed
        if failed is None:
            if rate >= high:
                break
            rate = min(high, rate * search.stride)
        elif held is None:
            rate = failed / 4
        elif failed / held > 1 + precision:
            rate = math.sqrt(held * failed)
        else:
            open_ends = [end for end in (failed, held) if end not in confirmed]
            if not open_ends:
                break
            rate = open_ends[0]
            confirmed.add(rate)
    return Saturation(search.held, search.failed, tuple(search.found), search.stopped, search.failure)


class _Search:
    """What is known so far: of a rate that was tried twice, the worse."""

    def __init__(
        self,
        plan: LoadPlan,
        seconds: float,
        shape: Callable[[float], Open],
        tried: Tried | None,
        progress: Progress | None,
        ask: AnswerSource | None,
    ):
        self._plan = plan
        self._until = time.perf_counter() + seconds
        self._probe_s = min(plan.duration_s or math.inf, seconds / 10)
        self._shape = shape
        self._tried = tried
        self._progress = progress
        self._ask = ask
        self._held: dict[float, list[bool]] = {}
        self.found: list[tuple[float, LoadReport]] = []
        self.stopped = False
        self.failure = ""
        self.stride = 2.0

    @property
    def failed(self) -> float | None:
        """The lowest rate of which the last try failed."""
        return min((rate for rate, tries in self._held.items() if not tries[-1]), default=None)

    @property
    def held(self) -> float | None:
        """The highest rate below that which held every time."""
        bound = self.failed or math.inf
        return max((rate for rate, tries in self._held.items() if all(tries) and rate < bound), default=None)

    async def probe(self, rate: float) -> bool:
        """Try a rate; False where there is no time for it, or somebody ended the search."""
        lasts = max(self._probe_s, _FEWEST / rate)
        left = self._until - time.perf_counter()
        if self.stopped or lasts > left:
            return False
        timeout_s = min(self._plan.timeout_s, max(1.0, left - lasts))
        plan = self._plan.at(self._shape(rate), duration_s=lasts, requests=None, warm_up_s=lasts / 10, cool_down_s=0.0)
        report = await run(dataclasses.replace(plan, timeout_s=timeout_s), self._going, self._ask)
        if self.stopped:
            return False
        good = _holds(plan, report)
        self.found.append((rate, report))
        if report.count.sent and not report.count.answered and self.held is None:
            self.failure = f"not one request was answered: {', '.join(report.errors)}"
            return False
        self._held.setdefault(rate, []).append(good)
        p99, bound = report.percentile_ms(99), plan.slo and plan.slo.latency_s
        self.stride = 4.0 if bound and p99 is not None and p99 < 250 * bound else 2.0
        self.stopped = self._tried is not None and self._tried(rate, good) is False
        if not good and not self.stopped:
            await self._recovered()
        return not self.stopped

    async def _recovered(self) -> None:
        """Wait until the server has worked off what a probe left behind: it would be counted against the next."""
        usual = min([v for _, report in self.found if (v := report.percentile_ms(50)) is not None], default=None)
        plan = self._plan.at(Closed(1), requests=1, duration_s=None, warm_up_s=0.0, cool_down_s=0.0)
        while usual is not None and time.perf_counter() < self._until:
            latency = (await run(plan, None, self._ask)).percentile_ms(50)
            if latency is not None and latency < 2 * usual + _IDLE_MS:
                return
            await asyncio.sleep(_PAUSE_S)

    def _going(self, live: Live) -> bool:
        """Ends a probe whose last answers cannot be good any more, and the search where somebody wants that."""
        if self._progress is not None and self._progress(live) is False:
            self.stopped = True
        bound = self._plan.slo.latency_s if self._plan.slo else None
        hopeless = bound is not None and live.in_flight > 0 and live.seconds > live.total_s + 2 * bound + 1
        return not self.stopped and not hopeless


def _holds(plan: LoadPlan, report: LoadReport) -> bool:
    slo, share = plan.slo, report.good_share
    if slo is None or share is None or report.stopped_early or report.unfinished:
        return False
    return share >= slo.share and not _grows(report, slo)


def _grows(report: LoadReport, slo: Slo) -> bool:
    """Whether requests of the last third waited for their answers, or first tokens, longer than those of the first.

    By more than a quarter of the bound: then the bound is only a matter of time.
    """
    bound, name = (slo.ttft_s, "ttft") if slo.ttft_s is not None else (slo.latency_s, "latency")
    rows = sorted(report.rows, key=lambda row: row.due)
    waited = [value for row in rows if row.error is None and (value := getattr(row, name)) is not None]
    third = len(waited) // 3
    if bound is None or third < _FEWEST:
        return False
    return bool(statistics.median(waited[-third:]) - statistics.median(waited[:third]) > bound / 4)
