"""The load test panel: set a test, watch it run, stop it, save its report, and compare reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.show import BLUE, ORANGE, html_table
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
    compare_reports,
    find_saturation,
    in_thread,
    label_of,
    percentile_curve,
    sweep,
    told_figures,
)
from autopicker_lab.widgets.parts import Job, JobBar, Panel, PanelModel, Save, png, require, sortable

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from autopicker_lab.workbench import Workbench

_MAX_POINTS = 240  # of a line
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
            return str(self.last_search)

        self._begin(work)

    def save(self, path: str | Path) -> None:
        """Write the latest report to a file; an error becomes `message`."""
        self.act(lambda: self.require_report().save(path), f"saved: {path}")

    def load(self, path: str | Path) -> None:
        """Read a report from a file, to compare it with those of this panel."""

        def read() -> None:
            self.reports = {**self.reports, f"{len(self.reports) + 1}: {Path(path).name}": LoadReport.load(path)}

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
        return _outcome(report)

    def _on_progress(self, live: Live, run: int = 0, runs: int = 1) -> bool:
        self.history.append(live)
        words = f"{live.seconds:.0f} of {live.total_s:.0f} s, {live.done:,} done, {live.in_flight} under way"
        return self.job.report((run + min(live.seconds / live.total_s, 1.0)) / runs, words)


class LoadPanel(Panel):
    """The panel in a notebook: `LoadPanel(lab)` as the last line of a cell."""

    def __init__(self, lab: Workbench, url: str = IN_PROCESS, **fields: Any):
        import ipywidgets as w

        self.model = model = LoadModel(lab, url, **fields)
        wide = w.Layout(width="99%")
        self.url = w.Text(model.url, description="address", layout=wide)
        self.chat = w.Checkbox(model.chat, description="chat completions, token by token", indent=False)
        self.prompt = w.Text(model.prompt, description="prompt", layout=wide)
        self.model_name = w.Text(model.model, description="model", layout=w.Layout(width="20em"))
        self.key = w.Password(model.key, description="key", layout=w.Layout(width="20em"))
        self.max_tokens = w.BoundedIntText(
            model.max_tokens, min=0, max=1_000_000, description="tokens ≤", layout=w.Layout(width="14em")
        )
        self.loop = w.ToggleButtons(options=[CLOSED, OPEN], value=model.loop, style={"button_width": "12em"})
        self.loop.layout = w.Layout(min_width="26em")
        self.users = w.IntSlider(model.users, min=1, max=200, description="users")
        self.rate = w.FloatLogSlider(model.rate, min=-1, max=4, description="rate", readout_format=".3g")
        self.seconds = w.FloatSlider(model.seconds, min=1, max=120, step=1, description="seconds")
        self.ttft = w.BoundedFloatText(
            model.ttft_s, min=0, max=600, description="TTFT ≤ s", layout=w.Layout(width="14em")
        )
        self.tpot = w.BoundedFloatText(
            model.tpot_s, min=0, max=600, description="TPOT ≤ s", layout=w.Layout(width="14em")
        )
        self.latency = w.BoundedFloatText(
            model.latency_s, min=0, max=600, description="latency ≤ s", layout=w.Layout(width="14em")
        )
        self.begin = w.Button(description="Start", button_style="primary")
        self.bar = JobBar(model.job)
        self.rates = w.Text("1,2,4,8", description="sweep", layout=w.Layout(width="16em"))
        self.sweep = w.Button(description="Sweep rates")
        self.most = w.Button(
            description="Find the most it holds", tooltip="the highest rate, or the most users, within the bounds above"
        )
        self.path = w.Text("load.json", description="report", layout=w.Layout(width="20em"))
        self.keep = w.Button(description="Save")
        self.other = w.Button(description="Load", tooltip="lay a report that was saved beside these")
        self.csv = Save(
            "Requests as CSV", "requests.csv", lambda: model.require_report().to_frame().to_csv(index=False)
        )
        self.words = w.HTML()
        self.chart = w.HTML()
        self.picture = w.Image(format="png", layout=w.Layout(display="none"))
        self.table = w.VBox()
        self._drawn: tuple[object, ...] = (None, None, None)  # reports, sweep and search
        names = ("url", "chat", "prompt", "loop", "users", "rate", "seconds", "key", "max_tokens")
        bounds = [("latency_s", self.latency), ("ttft_s", self.ttft), ("tpot_s", self.tpot), ("model", self.model_name)]
        for name, control in [(n, getattr(self, n)) for n in names] + bounds:
            self.on(control, lambda value, name=name: model.set(**{name: value}))  # type: ignore[misc]
        self.begin.on_click(lambda _: model.start())
        self.sweep.on_click(lambda _: model.sweep(self.rates.value))
        self.most.on_click(lambda _: model.search())
        self.keep.on_click(lambda _: model.save(self.path.value))
        self.other.on_click(lambda _: model.load(self.path.value))
        model.listeners.append(self._draw)
        self.view = w.VBox(
            [
                self.url,
                w.HBox([self.chat, self.prompt]),
                w.HBox([self.model_name, self.key, self.max_tokens]),
                w.HBox([self.loop, self.users, self.rate]),
                w.HBox([self.seconds, self.latency, self.ttft, self.tpot]),
                w.HBox([self.begin, self.rates, self.sweep, self.most]),
                self.bar.view,
                self.words,
                self.chart,
                self.picture,
                self.table,
                w.HBox([self.path, self.keep, self.other, self.csv]),
            ]
        )
        model.notify()

    def _draw(self) -> None:
        model, running = self.model, self.model.job.running
        self.bar.draw()
        self.begin.disabled = self.sweep.disabled = self.most.disabled = running
        self.users.disabled, self.rate.disabled = model.loop == OPEN, model.loop == CLOSED
        live = model.history[-1] if model.history else None
        self.words.value = html_table([], _current_figures(live) if running else [], model.message)
        self.chart.value = _chart(model.history) if running else ""
        self.csv.disabled = model.latest is None
        results = (model.reports, model.last_sweep, model.last_search)
        same = all(new is old for new, old in zip(results, self._drawn, strict=True))
        if not running and any(results) and not same:
            self._drawn = results
            self.picture.value = _picture(model)
            self.picture.layout.display = "block"
            tables = [_comparison(model.reports)] if model.reports else []
            tables += [study.to_frame() for study in (model.last_sweep, model.last_search) if study]
            self.table.children = [sortable(table.round(3), rows=30) for table in tables]


def _current_figures(live: Live | None) -> list[tuple[str, str]]:
    if live is None:
        return []
    rows = [("a second", live.per_second), ("p50, ms", live.p50_ms), ("p99, ms", live.p99_ms)]
    failed = [(f"failed: {name}", str(count)) for name, count in live.errors.items()]
    return [(name, "-" if value is None else f"{value:,.4g}") for name, value in rows] + failed


def _comparison(reports: dict[str, LoadReport]) -> pd.DataFrame:
    """The figures of all reports in people's words; a percentile that one of them cannot tell is left out."""
    table = compare_reports(reports)
    told = {name for report in reports.values() for name in told_figures(report.to_dict())}
    table = table.loc[[name for name in table.index if name in told]]
    return table.rename(index=label_of).reset_index(names="")


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


def _chart(history: list[Live]) -> str:
    """Draw the run as SVG lines: text is made quickly, a picture would take time from the measurement."""
    lines = (("per_second", "answers a second", BLUE), ("p99_ms", "p99, ms", ORANGE))
    return "".join(_line([getattr(live, name) for live in history], label, colour) for name, label, colour in lines)


def _line(values: list[float | None], label: str, colour: str) -> str:
    points = [(i, value) for i, value in enumerate(values) if value is not None][-_MAX_POINTS:]
    if not points:
        return ""
    first, width, top = points[0][0], max(1, points[-1][0] - points[0][0]), max(value for _, value in points) or 1.0
    path = " ".join(f"{300 * (i - first) / width:.1f},{60 - 55 * value / top:.1f}" for i, value in points)
    line = f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2'/>"
    picture = f"<svg viewBox='0 0 300 62' width='300' height='62' role='img' aria-label='{label}'>{line}</svg>"
    return f"<div style='display:inline-block;margin-right:2em'>{label}: up to {top:,.4g}<br>{picture}</div>"


def _picture(model: LoadModel) -> bytes:
    """Draw every request of the latest report, the percentiles of all reports, and the last sweep."""
    plots: list[Callable[[Any], object]] = []
    if model.latest is not None:
        plots += [model.latest.plot, lambda ax: percentile_curve(model.reports, ax)]
    plots += [study.plot for study in (model.last_sweep, model.last_search) if study is not None]
    return png(*plots, size=(11.0, 3.2))
