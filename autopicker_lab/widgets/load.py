"""The load test panel: set a test, watch it run, stop it, save its report, and compare reports."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.figures import figure_html
from autopicker_lab.core.show import BLUE, ORANGE, html_table
from autopicker_lab.loadtest import (
    IN_PROCESS,
    Live,
    LoadReport,
    compare_reports,
    label_of,
    percentile_curve,
    told_figures,
)
from autopicker_lab.widgets.load_model import CLOSED, OPEN, LoadModel
from autopicker_lab.widgets.parts import JobBar, Panel, Save, sortable

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from autopicker_lab.workbench import Workbench

_MAX_POINTS = 240  # of a line


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
            tooltip="within the bounds above; about a minute",
            layout=w.Layout(width="auto"),
        )
        self.path = w.Text("load.json", description="report", layout=w.Layout(width="20em"))
        self.keep = w.Button(description="Save")
        self.other = w.Button(description="Load", tooltip="lay a report that was saved beside these")
        self.csv = Save(
            "Requests as CSV", "requests.csv", lambda: model.require_report().to_frame().to_csv(index=False)
        )
        self.words = w.HTML()
        self.chart = w.HTML()
        self.picture = w.HTML(layout=w.Layout(display="none"))
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
        self.most.description = f"Find the {'highest rate' if model.loop == OPEN else 'most users'} it holds"
        for control in (self.prompt, self.model_name, self.max_tokens, self.ttft, self.tpot):
            control.disabled = not model.chat
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
            studies = [study.to_frame() for study in (model.last_sweep, model.last_search) if study]
            tables += [_by_load(table) for table in studies if len(table)]  # none, where it was stopped at once
            self.table.children = [sortable(table, rows=30) for table in tables]


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
    return table.map(_number).rename(index=label_of).reset_index(names="")


def _by_load(table: pd.DataFrame) -> pd.DataFrame:
    """The table of a sweep or a search in people's words."""
    shown = table.assign(good_share=100 * table["good_share"])
    if "held" in shown:
        shown["held"] = shown["held"].map({True: "yes", False: "no"})
    return shown.map(_number).rename(columns=label_of)


def _number(value: object) -> object:
    """A number as text, in four digits where it has more; what is missing as a dash; else the value itself."""
    if value is None or (isinstance(value, Real) and math.isnan(value)):
        return "-"
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    number = float(value)
    return f"{number:,.0f}" if number.is_integer() or abs(number) >= 1000 else f"{number:,.4g}"


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


def _picture(model: LoadModel) -> str:
    """Draw every request of the latest report, the percentiles of all reports, and the last sweep."""
    plots: list[Callable[[Any], object]] = []
    if model.latest is not None:
        plots += [model.latest.plot, lambda ax: percentile_curve(model.reports, ax)]
    plots += [study.plot for study in (model.last_sweep, model.last_search) if study is not None]
    return figure_html(*plots, size=(11.0, 3.2))
