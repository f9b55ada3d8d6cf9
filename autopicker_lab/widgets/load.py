"""Set a load test, watch it run, stop it, keep what it measured, and lay reports beside each other."""

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
    Slo,
    Sweep,
    compare_reports,
    in_thread,
    percentile_curve,
    sweep,
)
from autopicker_lab.widgets.parts import Job, JobBar, Panel, PanelModel, Save, png, present, sortable

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.workbench import Workbench

_SHOWN = 240  # points of a line
CLOSED, OPEN = "users who wait", "requests a second"


@dataclass
class LoadModel(PanelModel):
    """The state of the panel, without widgets.

    Tests run in a thread of their own, listeners are called from another: drawing must not hold up what is measured.

    Attributes:
        url: an address; with `chat` one that ends in /v1, or IN_PROCESS for the Workbench itself.
        loop: CLOSED (with `users`) or OPEN (with `rate`).
        ttft_s, tpot_s: of the SLO for chats; 0: none.
        history: how the current or last run went, oldest first.
        reports: what was measured, by name.
        swept: the last sweep.
    """

    lab: Workbench
    url: str = IN_PROCESS
    chat: bool = True
    prompt: str = "Why is the sky blue?"
    loop: str = CLOSED
    users: int = 2
    rate: float = 2.0
    seconds: float = 10.0
    ttft_s: float = 0.0
    tpot_s: float = 0.0
    history: list[Live] = field(default_factory=list)
    reports: dict[str, LoadReport] = field(default_factory=dict)
    swept: Sweep | None = None

    def __post_init__(self) -> None:
        self.job = Job(self.tell, every_s=0.25)  # drawing costs what is measured its time

    @property
    def latest(self) -> LoadReport | None:
        return next(reversed(self.reports.values()), None)

    def plan(self) -> LoadPlan:
        """What the fields stand for; InvalidRequestError says what is wrong with them."""
        slo = Slo(ttft_s=self.ttft_s or None, tpot_s=self.tpot_s or None) if self.ttft_s or self.tpot_s else None
        return LoadPlan(
            self.url.strip(),
            Closed(self.users) if self.loop == CLOSED else Poisson(self.rate),
            duration_s=self.seconds,
            chat=Chat((self.prompt,)) if self.chat else None,
            slo=slo if self.chat else None,
        )

    def set(self, **changes: Any) -> None:
        self.assign(changes)
        self.tell()

    def start(self) -> None:
        """Run the plan once, and keep its report; in the background (`job.wait()`)."""
        self._begin(self._measure)

    def sweep(self, rates: str) -> None:
        """Run the plan at each of several rates, separated by commas."""

        def work() -> str:
            wanted, plan = _numbers(rates), self.plan()
            ask = self.lab.answers if self.url.strip() == IN_PROCESS else None
            at = 0

            def told(live: Live) -> bool:
                nonlocal at
                at += bool(self.history) and live.seconds < self.history[-1].seconds
                return self._told(live, at, len(wanted))

            self.swept = found = in_thread(lambda: sweep(plan, wanted, told, ask))
            if self.job.stopping:
                return f"stopped at the rate {at + 1} of {len(wanted)}"
            if not any(report.count.answered for _, report in found.points):
                return "not one request was answered"
            knee = found.knee()
            return "swept; there is no knee" if knee is None else f"swept; the knee is at {knee:g} a second"

        self._begin(work)

    def save(self, path: str | Path) -> None:
        """Write the latest report; what fails becomes `message`."""
        self.act(lambda: self.found().save(path), f"saved: {path}")

    def load(self, path: str | Path) -> None:
        """Lay a report that was kept beside those of this panel."""

        def read() -> None:
            self.reports = {**self.reports, f"{len(self.reports) + 1}: {Path(path).name}": LoadReport.load(path)}

        self.act(read)

    def found(self) -> LoadReport:
        """The latest report; InvalidRequestError while there is none."""
        return present(self.latest, "there is no report yet", "start a test first")

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
        how = f"{self.users} user{'s'[: self.users > 1]}" if self.loop == CLOSED else f"{self.rate:g} a second"
        report = self.lab.loadtest(plan, progress=self._told)
        self.reports = {**self.reports, f"{len(self.reports) + 1}: {how}, {plan.url}": report}
        return _ended(report)

    def _told(self, live: Live, at: int = 0, runs: int = 1) -> bool:
        self.history.append(live)
        words = f"{live.seconds:.0f} of {live.total_s:.0f} s, {live.done:,} done, {live.in_flight} under way"
        return self.job.report((at + min(live.seconds / live.total_s, 1.0)) / runs, words)


class LoadPanel(Panel):
    """The panel in a notebook: `LoadPanel(lab)` as the last line of a cell."""

    def __init__(self, lab: Workbench, url: str = IN_PROCESS, **fields: Any):
        import ipywidgets as w

        self.model = model = LoadModel(lab, url, **fields)
        wide = w.Layout(width="99%")
        self.url = w.Text(model.url, description="address", layout=wide)
        self.chat = w.Checkbox(model.chat, description="chat completions, token by token", indent=False)
        self.prompt = w.Text(model.prompt, description="prompt", layout=wide)
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
        self.begin = w.Button(description="Start", button_style="primary")
        self.bar = JobBar(model.job)
        self.rates = w.Text("1,2,4,8", description="sweep", layout=w.Layout(width="16em"))
        self.sweep = w.Button(description="Sweep rates")
        self.path = w.Text("load.json", description="report", layout=w.Layout(width="20em"))
        self.keep = w.Button(description="Save")
        self.other = w.Button(description="Load", tooltip="lay a report that was saved beside these")
        self.csv = Save("Requests as CSV", "requests.csv", lambda: model.found().to_frame().to_csv(index=False))
        self.words = w.HTML()
        self.chart = w.HTML()
        self.picture = w.Image(format="png", layout=w.Layout(display="none"))
        self.table = w.VBox()
        self._drawn: tuple[object, object] = (None, None)
        names = ("url", "chat", "prompt", "loop", "users", "rate", "seconds")
        for name, control in [(n, getattr(self, n)) for n in names] + [("ttft_s", self.ttft), ("tpot_s", self.tpot)]:
            self.on(control, lambda value, name=name: model.set(**{name: value}))  # type: ignore[misc]
        self.begin.on_click(lambda _: model.start())
        self.sweep.on_click(lambda _: model.sweep(self.rates.value))
        self.keep.on_click(lambda _: model.save(self.path.value))
        self.other.on_click(lambda _: model.load(self.path.value))
        model.listeners.append(self._draw)
        self.view = w.VBox(
            [
                self.url,
                w.HBox([self.chat, self.prompt]),
                w.HBox([self.loop, self.users, self.rate]),
                w.HBox([self.seconds, self.ttft, self.tpot]),
                w.HBox([self.begin, self.rates, self.sweep]),
                self.bar.view,
                self.words,
                self.chart,
                self.picture,
                self.table,
                w.HBox([self.path, self.keep, self.other, self.csv]),
            ]
        )
        model.tell()

    def _draw(self) -> None:
        model, running = self.model, self.model.job.running
        self.bar.draw()
        self.begin.disabled = self.sweep.disabled = running
        self.users.disabled, self.rate.disabled = model.loop == OPEN, model.loop == CLOSED
        live = model.history[-1] if model.history else None
        self.words.value = html_table([], _now(live) if running else [], model.message)
        self.chart.value = _chart(model.history) if running else ""
        self.csv.disabled = model.latest is None
        shown = (model.reports, model.swept)
        same = all(new is old for new, old in zip(shown, self._drawn, strict=True))
        if not running and any(shown) and not same:
            self._drawn = shown
            self.picture.value = _picture(model)
            self.picture.layout.display = "block"
            tables = [compare_reports(model.reports).reset_index(names="")] if model.reports else []
            tables += [model.swept.to_frame()] if model.swept else []
            self.table.children = [sortable(table.round(3), rows=30) for table in tables]


def _now(live: Live | None) -> list[tuple[str, str]]:
    if live is None:
        return []
    rows = [("a second", live.per_second), ("p50, ms", live.p50_ms), ("p99, ms", live.p99_ms)]
    failed = [(f"failed: {name}", str(count)) for name, count in live.errors.items()]
    return [(name, "-" if value is None else f"{value:,.4g}") for name, value in rows] + failed


def _ended(report: LoadReport) -> str:
    if report.count.sent and not report.count.answered:
        return f"not one request was answered: {', '.join(report.errors)}"
    return "; ".join(report.client_limits) or ("stopped" if report.stopped_early else "done")


def _numbers(text: str) -> list[float]:
    try:
        if found := [float(part) for part in text.replace(";", ",").split(",") if part.strip()]:
            return found
        raise ValueError
    except ValueError:
        raise InvalidRequestError("rates are numbers, separated by commas", "write 1,2,4") from None


def _chart(history: list[Live]) -> str:
    """How it goes, as lines: a string costs little to make, and a picture would cost the measured its time."""
    lines = (("per_second", "answers a second", BLUE), ("p99_ms", "p99, ms", ORANGE))
    return "".join(_line([getattr(live, name) for live in history], label, colour) for name, label, colour in lines)


def _line(values: list[float | None], label: str, colour: str) -> str:
    known = [(i, value) for i, value in enumerate(values) if value is not None][-_SHOWN:]
    if not known:
        return ""
    first, last, top = known[0][0], max(1, known[-1][0] - known[0][0]), max(value for _, value in known) or 1.0
    points = " ".join(f"{300 * (i - first) / last:.1f},{60 - 55 * value / top:.1f}" for i, value in known)
    drawn = f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2'/>"
    picture = f"<svg viewBox='0 0 300 62' width='300' height='62' role='img' aria-label='{label}'>{drawn}</svg>"
    return f"<div style='display:inline-block;margin-right:2em'>{label}: up to {top:,.4g}<br>{picture}</div>"


def _picture(model: LoadModel) -> bytes:
    """Every request of the latest report, the percentiles of all, the last sweep."""
    plots: list[Callable[[Any], object]] = []
    if model.latest is not None:
        plots += [model.latest.plot, lambda ax: percentile_curve(model.reports, ax)]
    if model.swept is not None:
        plots.append(model.swept.plot)
    return png(*plots, size=(11.0, 3.2))
