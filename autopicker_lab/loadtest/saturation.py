"""The search for the highest rate of arrivals, or the most users, at which a server holds an SLO."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.show import html_table
from autopicker_lab.loadtest.arrivals import Closed, Open, Poisson
from autopicker_lab.loadtest.compare import by_rate
from autopicker_lab.loadtest.engine import LiveProgress, run, warm_up
from autopicker_lab.loadtest.plan import Slo
from autopicker_lab.loadtest.report import LoadReport
from autopicker_lab.runtime.atomic_write import atomic_write

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from autopicker_lab.loadtest.arrivals import Arrivals
    from autopicker_lab.loadtest.chat_target import AnswerSource
    from autopicker_lab.loadtest.plan import LoadPlan
    from autopicker_lab.loadtest.recorder import Live

USERS, _RATE = "users", "requests a second"
_MIN_REQUESTS = 5  # of a probe
_IDLE_MS = 5.0  # by which a single request may take longer than one among many
_PAUSE_S = 0.1
OnProbe = Callable[[float, bool], bool | None]


@dataclass(frozen=True)
class Saturation:
    """The result of a saturation search: the bounds of the highest load that holds an SLO.

    Attributes:
        passing_rate: the highest rate (requests a second, or users) that held it; None where the lowest tried did not.
        failing_rate: the lowest rate above that did not hold it; None where the highest allowed did.
        probes: reports by rate, in the order of the search.
        failure: why the search ended, where not one request was answered.
        slo: the objective.
        unit: what rates count: "requests a second" or "users".
    """

    passing_rate: float | None
    failing_rate: float | None
    probes: tuple[tuple[float, LoadReport], ...] = field(repr=False)
    stopped_early: bool = False
    failure: str = ""
    slo: Slo | None = None
    unit: str = _RATE

    @property
    def rate(self) -> float | None:
        """The middle between the passing and the failing rate; None where no rate passed."""
        if self.passing_rate is None or self.failing_rate is None:
            return self.passing_rate
        return (self.passing_rate + self.failing_rate) / 2

    def __str__(self) -> str:
        if self.failure:
            return self.failure
        end = "stopped early: " if self.stopped_early else ""
        goal = f" ({self.slo})" if self.slo else ""
        if self.passing_rate is None:
            low = f"not even {self.failing_rate:g} {self.unit} hold the objective{goal}" if self.failing_rate else ""
            return end + (low or "no rate was tried to its end")
        held = f"{self.passing_rate:,.4g}"
        if self.failing_rate is None:
            return f"{end}at least {held} {self.unit} hold the objective{goal}; that is the highest that was tried"
        middle = "" if self.unit == USERS else f"{(self.passing_rate + self.failing_rate) / 2:,.4g} {self.unit}: "
        unit = f" {self.unit}" if self.unit == USERS else ""
        return f"{end}{middle}{held}{unit} hold the objective{goal}, {self.failing_rate:,.4g} do not"

    def save(self, path: str | Path) -> None:
        """Write the result and the reports of all probes as JSON; StorageError where it cannot be written."""
        body = {
            name: getattr(self, name) for name in ("passing_rate", "failing_rate", "stopped_early", "failure", "unit")
        }
        body["slo"] = dataclasses.asdict(self.slo) if self.slo else None
        body["probes"] = [(rate, report.to_json()) for rate, report in self.probes]
        with atomic_write(path) as scratch:
            scratch.write_text(json.dumps(body) + "\n", "utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Saturation:
        """Read what `save` wrote; InvalidRequestError for any other file."""
        try:
            body = json.loads(Path(path).read_text("utf-8"))
            body["slo"] = Slo(**body["slo"]) if body["slo"] else None
            body["probes"] = tuple((rate, LoadReport.of_json(report)) for rate, report in body["probes"])
            return cls(**body)
        except OSError as error:
            raise InvalidRequestError(f"cannot read '{path}': {error.strerror}", "check the path") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            detail = f"'{path}' is no saved search"
            raise InvalidRequestError(detail, "give one that Saturation.save or --saturate --out has written") from None

    def to_frame(self) -> pd.DataFrame:
        """Make a table with a row a probe: rate, held, good share, answers a second, p50 and p99 (ms), errors, sent."""
        return by_rate(self.probes, self.passing_rate, USERS if self.unit == USERS else "rate")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the time that the objective bounds by arrival rate, with lines at the bound and at the passing rate."""
        from autopicker_lab.loadtest.plots import throughput_latency

        return throughput_latency(self.probes, ax, self.passing_rate, "held", self.slo, self.unit)

    def _repr_html_(self) -> str:
        return html_table([""], [(str(self),)])


async def find_saturation(
    plan: LoadPlan,
    *,
    low: float = 1.0,
    high: float = 10_000.0,
    precision: float = 0.1,
    seconds: float = 60.0,
    shape: Callable[[float], Open] = Poisson,
    users: bool = False,
    on_probe: OnProbe | None = None,
    progress: LiveProgress | None = None,
    ask: AnswerSource | None = None,
) -> Saturation:
    """Search for the highest rate of arrivals at which the plan's SLO holds and waiting does not grow.

    Rates grow two- to fourfold until one fails; then the gap is halved (in logarithms) until it is within `precision`
    of the rate, and both ends are probed once more; an end that is not confirmed moves. A probe takes a tenth of the
    time or the plan's duration_s, whichever is less, but long enough for five requests. After a failed probe the
    search waits until a single request takes about as long as usual.

    Args:
        low, high: the lowest and the highest rate to try, requests a second, or users.
        seconds: of the whole search; then it ends with the bounds that it has.
        shape: arrivals of a rate: Poisson as users come, Constant as a capacity is stated; a server holds less of
            the former.
        users: search for the most users of a closed loop instead, who think as long as the plan's own.
        on_probe: called with each rate and whether it held; returning False ends the search.
        progress: as of `run`, for each probe; returning False ends the search.
        ask: as of `run`.
    """
    if plan.slo is None:
        raise InvalidRequestError("a saturation search needs an SLO", "give bounds for latency, TTFT or TPOT")
    if not 0 < low < high:
        raise InvalidRequestError("a saturation search needs 0 < low < high")
    unit = USERS if users else _RATE
    loop = plan.arrivals if isinstance(plan.arrivals, Closed) else Closed(1)
    arrivals = (lambda number: dataclasses.replace(loop, users=int(number))) if users else shape
    search = _Search(plan, seconds, arrivals, on_probe, progress, ask)
    search.stopped = not await warm_up(plan, seconds / 6, progress, ask)
    rate, confirmed = low, set[float]()
    while await search.probe(rate := float(max(1, round(rate))) if unit == USERS else rate):
        passing, failing = search.passing_rate, search.failing_rate
        if failing is None:
            if rate >= high:
                break
            rate = min(high, rate * search.stride)
        elif passing is None:
            if unit == USERS and failing <= 1:
                break
            rate = failing / 4
        elif failing / passing > 1 + precision and (unit == _RATE or failing - passing > 1):
            rate = math.sqrt(passing * failing)
        else:
            open_ends = [end for end in (failing, passing) if end not in confirmed]
            if not open_ends:
                break
            rate = open_ends[0]
            confirmed.add(rate)
    ends = (search.passing_rate, search.failing_rate)
    return Saturation(*ends, tuple(search.probes), search.stopped, search.failure, plan.slo, unit)


class _Search:
    """The state of a search; of a rate that was probed twice, the worse result counts."""

    def __init__(
        self,
        plan: LoadPlan,
        seconds: float,
        arrivals: Callable[[float], Arrivals],
        on_probe: OnProbe | None,
        progress: LiveProgress | None,
        ask: AnswerSource | None,
    ):
        self._plan = plan
        self._until = time.perf_counter() + seconds
        self._probe_s = min(plan.duration_s or math.inf, seconds / 10)
        self._arrivals = arrivals
        self._on_probe = on_probe
        self._progress = progress
        self._ask = ask
        self._results: dict[float, list[bool]] = {}
        self.probes: list[tuple[float, LoadReport]] = []
        self.stopped = False
        self.failure = ""
        self.stride = 2.0

    @property
    def failing_rate(self) -> float | None:
        """The lowest rate whose last probe failed."""
        return min((rate for rate, results in self._results.items() if not results[-1]), default=None)

    @property
    def passing_rate(self) -> float | None:
        """The highest rate below the failing one that held every time."""
        bound = self.failing_rate or math.inf
        return max((rate for rate, results in self._results.items() if all(results) and rate < bound), default=None)

    async def probe(self, rate: float) -> bool:
        """Probe a rate; False where there is no time for it, or somebody ended the search."""
        arrivals = self._arrivals(rate)
        closed = isinstance(arrivals, Closed)
        duration_s = self._probe_s if closed else max(self._probe_s, _MIN_REQUESTS / rate)
        remaining = self._until - time.perf_counter()
        if self.stopped or duration_s > remaining:
            return False
        timeout_s = min(self._plan.timeout_s, max(1.0, remaining - duration_s))
        plan = self._plan.at(arrivals, duration_s=duration_s, requests=None, warm_up_s=duration_s / 10)
        plan = dataclasses.replace(plan, cool_down_s=0.0, timeout_s=timeout_s)
        report = await run(plan, self._watch, self._ask)
        if self.stopped:
            return False
        held = _holds(plan, report)
        self.probes.append((rate, report))
        if report.count.sent and not report.count.answered and self.passing_rate is None:
            self.failure = f"not one request was answered: {', '.join(report.errors)}"
            return False
        self._results.setdefault(rate, []).append(held)
        p99, bound = report.percentile_ms(99), plan.slo and plan.slo.latency_s
        self.stride = 4.0 if bound and p99 is not None and p99 < 250 * bound else 2.0
        self.stopped = self._on_probe is not None and self._on_probe(rate, held) is False
        if not held and not self.stopped:
            await self._wait_until_idle()
        return not self.stopped

    async def _wait_until_idle(self) -> None:
        """Wait until the server has answered what a probe left behind, which would slow the next one down."""
        usual = min([v for _, report in self.probes if (v := report.percentile_ms(50)) is not None], default=None)
        plan = self._plan.at(Closed(1), requests=1, duration_s=None, warm_up_s=0.0, cool_down_s=0.0)
        while usual is not None and time.perf_counter() < self._until:
            latency = (await run(plan, None, self._ask)).percentile_ms(50)
            if latency is not None and latency < 2 * usual + _IDLE_MS:
                return
            await asyncio.sleep(_PAUSE_S)

    def _watch(self, live: Live) -> bool:
        """End a probe whose last answers cannot be good any more, and the search where the caller wants that."""
        if self._progress is not None and self._progress(live) is False:
            self.stopped = True
        bound = self._plan.slo.latency_s if self._plan.slo else None
        hopeless = bound is not None and live.in_flight > 0 and live.seconds > live.total_s + 2 * bound + 1
        return not self.stopped and not hopeless


def _holds(plan: LoadPlan, report: LoadReport) -> bool:
    slo, share = plan.slo, report.good_share
    if slo is None or share is None or report.stopped_early or report.unfinished:
        return False
    return share >= slo.share and not _waiting_grows(report, slo)


def _waiting_grows(report: LoadReport, slo: Slo) -> bool:
    """Whether requests of the last third waited for their answers, or first tokens, longer than those of the first.

    By more than a quarter of the bound: then the bound is only a matter of time.
    """
    bound, name = (slo.ttft_s, "ttft") if slo.ttft_s is not None else (slo.latency_s, "latency")
    rows = sorted(report.rows, key=lambda row: row.due)
    waits = [value for row in rows if row.error is None and (value := getattr(row, name)) is not None]
    third = len(waits) // 3
    if bound is None or third < _MIN_REQUESTS:
        return False
    return bool(statistics.median(waits[-third:]) - statistics.median(waits[:third]) > bound / 4)
