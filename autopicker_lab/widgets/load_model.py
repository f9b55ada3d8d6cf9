"""The state of the load test panel: a test that is set, runs and is stopped, and the reports that are compared."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.loadtest import (
    IN_PROCESS,
    Chat,
    Closed,
    Live,
    LoadPlan,
    LoadReport,
    Poisson,
    Saturation,
    Slo,
    Sweep,
    advice_on,
    find_saturation,
    in_thread,
    sweep,
)
from autopicker_lab.widgets.parts import Job, PanelModel, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.workbench import Workbench

CLOSED, OPEN = "users who wait", "requests a second"


@dataclass
class LoadModel(PanelModel):
    """The state of the panel, without widgets.

    Tests run in a thread of their own and listeners are called from another, so that drawing does not disturb the
    measurement.

    Attributes:
        url: an address; with `chat` one that ends in /v1, or IN_PROCESS for the Workbench itself.
        model: that chats ask for.
        key: that the server wants, sent as a bearer's; "" for none. It is kept in no report.
        max_tokens: of an answer; 0 leaves the field out.
        loop: CLOSED (with `users`) or OPEN (with `rate`, requests a second).
        latency_s, ttft_s, tpot_s: bounds of the SLO, the last two for chats; 0: none.
        history: states of the current or last run, oldest first.
        reports: by name.
        last_sweep, last_search: None before the first.
    """

    lab: Workbench
    url: str = IN_PROCESS
    chat: bool = True
    prompt: str = "Why is the sky blue?"
    model: str = "auto"
    key: str = field(default="", repr=False)
    max_tokens: int = 64
    loop: str = CLOSED
    users: int = 2
    rate: float = 2.0
    seconds: float = 10.0
    latency_s: float = 0.0
    ttft_s: float = 0.0
    tpot_s: float = 0.0
    history: list[Live] = field(default_factory=list)
    reports: dict[str, LoadReport] = field(default_factory=dict)
    last_sweep: Sweep | None = None
    last_search: Saturation | None = None
    _newest: LoadReport | Saturation | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.job = Job(self.notify, every_s=0.25)  # drawing takes time from the measurement

    @property
    def latest(self) -> LoadReport | None:
        """The last report; None before the first."""
        return next(reversed(self.reports.values()), None)

    def plan(self) -> LoadPlan:
        """Make the plan of the fields; InvalidRequestError says what is wrong with them."""
        first, per_token = (self.ttft_s or None, self.tpot_s or None) if self.chat else (None, None)
        slo = Slo(self.latency_s or None, first, per_token) if self.latency_s or first or per_token else None
        chat = Chat((self.prompt,), self.model.strip() or "auto", self.max_tokens or None) if self.chat else None
        return LoadPlan(
            self.url.strip(),
            Closed(self.users) if self.loop == CLOSED else Poisson(self.rate),
            duration_s=self.seconds,
            headers={"Authorization": f"Bearer {self.key.strip()}"} if self.key.strip() else {},
            chat=chat,
            slo=slo,
        )

    def set(self, **changes: Any) -> None:
        """Change fields."""
        self.assign(changes)
        self.notify()

    def start(self) -> None:
        """Run the plan once in the background (`job.wait()`), and keep its report."""
        self._begin(self._measure)

    def sweep(self, rates: str) -> None:
        """Run the plan at each of several rates, separated by commas, in the background."""

        def work() -> str:
            numbers, plan = _numbers(rates), self.plan()
            ask = self.lab.answers if self.url.strip() == IN_PROCESS else None
            index = 0

            def on_progress(live: Live) -> bool:
                nonlocal index
                index += bool(self.history) and live.seconds < self.history[-1].seconds
                return self._on_progress(live, index, len(numbers))

            self.last_sweep = result = in_thread(lambda: sweep(plan, numbers, on_progress, ask))
            if self.job.stopping:
                return f"stopped at the rate {index + 1} of {len(numbers)}"
            if not any(report.count.answered for _, report in result.points):
                return "not one request was answered"
            knee = result.knee()
            if knee is None:
                return "swept; answers slow down at the lowest rate already"
            beyond = knee >= max(numbers)
            return f"swept; {'no knee up to' if beyond else 'the knee is at'} {knee:g} a second"

        self._begin(work)

    def search(self) -> None:
        """Search for the highest rate that holds the objective, or the most users, in the background (a minute)."""

        def work() -> str:
            plan, tried = self.plan(), 0
            ask = self.lab.answers if plan.url == IN_PROCESS else None

            def on_probe(rate: float, held: bool) -> bool:
                nonlocal tried
                tried += 1
                return self.job.report(min(0.95, tried / 12), f"{rate:,.4g} {'held' if held else 'did not hold'}")

            def on_progress(live: Live) -> bool:
                self.history.append(live)
                return not self.job.stopping

            users = self.loop == CLOSED
            self.last_search = in_thread(
                lambda: find_saturation(plan, users=users, on_probe=on_probe, progress=on_progress, ask=ask)
            )
            if self.last_search.probes:  # else it was stopped at once
                self._newest = self.last_search
            return str(self.last_search)

        self._begin(work)

    def save(self, path: str | Path) -> None:
        """Write the latest report, or the search that was made since, to a file; an error becomes `message`."""
        self.act(lambda: (self._newest or self.require_report()).save(path), f"saved: {path}")

    def load(self, path: str | Path) -> None:
        """Read a report from a file, to compare it with those of this panel; or a search."""

        def read() -> None:
            with suppress(InvalidRequestError):
                self._newest = self.last_search = Saturation.load(path)
                return
            report = self._newest = LoadReport.load(path)
            self.reports = {**self.reports, f"{len(self.reports) + 1}: {Path(path).name}": report}

        self.act(read)

    def require_report(self) -> LoadReport:
        """Return the latest report; InvalidRequestError while there is none."""
        return require(self.latest, "there is no report yet", "start a test first")

    def _begin(self, work: Callable[[], str]) -> None:
        if self.job.running:
            return
        self.message = self.job.words = ""
        self.act(self.plan)
        if not self.message:
            self.history = []
            self.job.start(work)

    def _measure(self) -> str:
        plan = self.plan()
        load = f"{self.users} user{'s'[: self.users > 1]}" if self.loop == CLOSED else f"{self.rate:g} a second"
        report = self.lab.loadtest(plan, progress=self._on_progress)
        self.reports = {**self.reports, f"{len(self.reports) + 1}: {load}, {plan.url}": report}
        self._newest = report
        return _outcome(report)

    def _on_progress(self, live: Live, run: int = 0, runs: int = 1) -> bool:
        self.history.append(live)
        words = f"{live.seconds:.0f} of {live.total_s:.0f} s, {live.done:,} done, {live.in_flight} under way"
        return self.job.report((run + min(live.seconds / live.total_s, 1.0)) / runs, words)


def _outcome(report: LoadReport) -> str:
    if report.count.sent and not report.count.answered:
        return f"not one request was answered: {'; '.join(advice_on(report) or report.errors)}"
    return "; ".join([report.summary, *report.client_limits, *advice_on(report)])


def _numbers(text: str) -> list[float]:
    try:
        if numbers := [float(part) for part in text.replace(";", ",").split(",") if part.strip()]:
            return numbers
        raise ValueError
    except ValueError:
        raise InvalidRequestError("rates are numbers, separated by commas", "write 1,2,4") from None
