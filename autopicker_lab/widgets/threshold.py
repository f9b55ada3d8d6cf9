"""Tune a policy: what may it cost in quality? The curve beside the figures; then save, compare, deploy."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import gain_score
from autopicker_lab.routing import policy_text
from autopicker_lab.tuning.charts import guard_chart, quality_chart, with_setting
from autopicker_lab.tuning.guard import STEPS
from autopicker_lab.widgets.outcomes_intake import OutcomesIntake, TuningModel
from autopicker_lab.widgets.parts import IntakeBox, JobBar, Panel, Save, sortable
from autopicker_lab.widgets.serving import ServingModel
from autopicker_lab.widgets.threshold_model import ALLOWANCE, ESTIMATES, TIERS, ThresholdModel
from autopicker_lab.widgets.threshold_words import (
    leaving,
    replies_of,
    request_head,
    requests_frame,
    summary_html,
    waiting_html,
)

if TYPE_CHECKING:
    import pandas as pd

    from autopicker_lab.tuning import TuningReport
    from autopicker_lab.workbench import Workbench

_ALL = "all tasks"
_CHART = 560  # pixels across
_REQUESTS = 100  # that are shown of those that leave: more would hold the sliders up


class ThresholdPanel(Panel):
    """The panel in a notebook: `ThresholdPanel(report)` as the last line of a cell.

    Args:
        report: of `tune`; None asks for a table first, which is then tuned in the background.
        path: where the policy is saved.
        table: that was tuned, for its answers.
        lab: whose settings say what serves now; None: those of the environment.
        options: of `tune`, for tables that are given to the panel.
    """

    def __init__(
        self,
        report: TuningReport | None = None,
        path: str = "policy.json",
        *,
        table: pd.DataFrame | None = None,
        lab: Workbench | None = None,
        **options: Any,
    ):
        import ipywidgets as w

        self.tuning = TuningModel(options=options)
        self.serving = ServingModel(lab=lab)
        self.model: ThresholdModel | None = None
        self._path = path
        self._shown: TuningReport | None = None
        self._replies: dict[tuple[str, str], str] = {}
        self.intake = IntakeBox(OutcomesIntake(on_table=self.tuning.start), noun="your table of outcomes")
        self.bar, self.body = JobBar(self.tuning.job), w.VBox()
        self.tuning.listeners.append(self._on_tuning)
        self.watch(self.tuning)
        self.serving.listeners.append(self._draw_serving)
        self.view = w.VBox([self.intake.view, self.bar.view, self.body])
        if report is not None:
            self._show(report, table)

    @property
    def report(self) -> TuningReport:
        """The report that is shown: the one that was given, or of the table that was loaded since."""
        assert self.model is not None, "no table was tuned yet"
        return self.model.report

    def _on_tuning(self) -> None:
        self.bar.draw()
        if self.tuning.report is not None and self.tuning.report is not self._shown:
            self._show(self.tuning.report, self.tuning.table)

    def _show(self, report: TuningReport, table: pd.DataFrame | None) -> None:
        """Build the controls anew for a report."""
        import ipywidgets as w

        self._shown, self._replies = report, replies_of(table)
        self.model = model = ThresholdModel(report)
        self._plane = quality_chart(report.outcomes, model.curve, _CHART)
        self.question = w.SelectionSlider(
            options=[(f"{100 * within:g} points", within) for within in model.allowances],
            value=model.within if model.within in model.allowances else model.allowances[0],
            description="what may it cost in quality?",
            disabled=not model.asks_allowance,
            layout=w.Layout(width="99%"),
            style={"description_width": "14em"},
        )
        self.on(self.question, lambda within: model.set(rule=ALLOWANCE, within=within))
        self.picture, self.table = (
            w.HTML(layout=w.Layout(flex=f"1 1 {_CHART // 2}px", max_width=f"{_CHART}px")),
            w.HTML(),
        )
        self.table.layout = w.Layout(flex="1 1 20em", min_width="20em", margin="0 0 0 1em")
        beside = w.HBox([self.picture, self.table], layout=w.Layout(flex_flow="row wrap", align_items="flex-start"))
        tabs = {"Requests": self._requests(), "By hand": self._by_hand(), "Save and deploy": self._save()}
        self.tabs = w.Tab(children=list(tabs.values()), titles=list(tabs))
        self.tabs.observe(lambda _: self._draw_requests(), "selected_index")
        self.body.children = [self.question, beside, self.tabs]
        model.listeners.append(self._draw)
        self.watch(model)
        self._draw()
        model.prepare()

    def _requests(self) -> Any:
        import ipywidgets as w

        assert self.model is not None
        tasks = sorted(set(self.model.report.outcomes.tasks.tolist()) - {""})
        self.task = w.Dropdown(options=[_ALL, *tasks], description="task")
        self.head, self.requests = w.HTML(), w.VBox()
        self.task.observe(lambda _: self._draw_requests(), "value")
        return w.VBox([w.HBox([self.task, self.head]), self.requests])

    def _by_hand(self) -> Any:
        """The cost weight, the cost that is aimed at, the guard, and the tiers."""
        import ipywidgets as w

        model = self.model
        assert model is not None
        curve, scores = model.curve, gain_score(model.report.scores)
        self.rule = w.ToggleButtons(options=[ALLOWANCE, ESTIMATES, TIERS], value=model.rule)
        self.rule.style.button_width = "16em"
        self._costs = sorted(set(curve.costs.tolist()))
        # a slider of numbers would be rounded by the browser, and so move by itself
        words = {"layout": w.Layout(width="99%"), "style": {"description_width": "14em"}}
        weights = [(f"{weight:.4g}", i) for i, weight in enumerate(curve.weights)]
        self.weight = w.SelectionSlider(
            options=weights, value=curve.nearest(model.cost_weight), description="cost weight λ", **words
        )
        costs = [(f"{1000 * cost:.4g}", i) for i, cost in enumerate(self._costs)]
        self.cost = w.SelectionSlider(
            options=costs, value=self._nearest(model.cost), description="target cost of 1,000", **words
        )
        self._steps = sorted({*STEPS, model.z})
        steps = [(f"{z:g}" if z else "no guard", z) for z in self._steps]
        self.z = w.SelectionSlider(options=steps, value=model.z, description="guard z", **words)
        # whole steps: a browser rounds to them, and a control that rounds itself would look like one that was moved
        model.thresholds = (float(round(scores.mean())), float(round(scores.mean())))
        low, high = math.floor(scores.min()), math.ceil(scores.max()) + 1
        self.thresholds = w.FloatRangeSlider(
            value=model.thresholds, min=low, max=high, step=0.25, description="thresholds of the score", **words
        )
        self.risk = w.HTML()
        self.on(self.rule, lambda value: model.set(rule=value))
        self.on(self.weight, lambda i: model.set(rule=ESTIMATES, cost_weight=float(curve.weights[i])))
        self.on(self.cost, lambda i: model.aim(self._costs[i]))
        self.on(self.z, lambda z: model.set(rule=ESTIMATES, z=z))
        self.on(self.thresholds, lambda ends: model.set(rule=TIERS, thresholds=(float(ends[0]), float(ends[1]))))
        return w.VBox([self.rule, self.weight, self.cost, self.z, self.thresholds, self.risk])

    def _save(self) -> Any:
        import ipywidgets as w

        model, serving = self.model, self.serving
        assert model is not None
        self.path = w.Text(self._path, description="save as", layout=w.Layout(width="24em"))
        self.save = w.Button(description="Save policy", button_style="primary", layout=w.Layout(width="auto"))
        self.download = Save("Download policy", Path(self._path).name, lambda: policy_text(model.policy()))
        self.compare = w.Button(description="Compare with what serves", layout=w.Layout(width="auto"))
        self.why = w.Text(placeholder="why, for the audit log", layout=w.Layout(width="20em"))
        self.share = w.BoundedIntText(100, min=1, max=100, description="% of requests", layout=w.Layout(width="12em"))
        self.deploy = w.Button(
            description="Deploy", disabled=True, tooltip="what was compared with the policy that serves"
        )
        self.difference, self.kept = w.HTML(), w.HTML()
        self.save.on_click(lambda _: model.save(self.path.value))
        self.compare.on_click(lambda _: serving.compare(model.policy(), model.report.outcomes))
        self.deploy.on_click(lambda _: serving.deploy(model.policy(), self.why.value, self._canary_share()))
        rows = [[self.path, self.save, self.download], [self.compare, self.share, self.why, self.deploy]]
        boxes = [w.HBox(row, layout=w.Layout(flex_flow="row wrap")) for row in rows]
        return w.VBox([boxes[0], self.kept, boxes[1], self.difference])

    def _canary_share(self) -> float:
        """The share of a canary; 0 deploys to all requests."""
        return 0.0 if self.share.value == 100 else float(self.share.value) / 100

    def _nearest(self, cost: float) -> int:
        return min(range(len(self._costs)), key=lambda i: abs(self._costs[i] - cost))

    def _follow(self, model: ThresholdModel) -> None:
        """Put all controls where the model is."""
        with self.following():
            self.rule.value = model.rule
            if model.rule == ALLOWANCE:
                self.question.value = model.within
            elif model.rule == ESTIMATES:
                self.weight.value = model.curve.nearest(model.cost_weight)
                self.cost.value = self._nearest(model.cost)
                self.z.value = min(self._steps, key=lambda z: abs(z - model.z))
            else:
                self.thresholds.value = model.thresholds

    def _draw(self) -> None:
        model = self.model
        assert model is not None
        self._follow(model)
        if model.waiting:
            self._draw_waiting()
            return
        name = "this policy, as judged" if model.is_tuned or model.allowed else "this setting"
        plane = self._plane.copy()
        unit = model.report.outcomes.cost_unit
        self.picture.value = with_setting(plane, name, model.cost, model.figures.quality, unit).to_html()
        self.table.value = summary_html(model)
        self.risk.value = guard_chart(model.risk, model.z).to_html() if model.rule == ESTIMATES else ""
        self.kept.value = f"<span role='status'>{escape(model.message)}</span>"
        self.deploy.disabled = model.policy().id != self.serving.seen
        self._draw_requests()

    def _draw_waiting(self) -> None:
        """Show no figure of another setting while those of this one are worked out."""
        assert self.model is not None
        self.picture.value, self.table.value = self._plane.to_html(), waiting_html(self.model)
        self.risk.value = self.kept.value = self.head.value = ""
        self.requests.children, self.deploy.disabled = [], True

    def _draw_requests(self) -> None:
        """Draw the requests where they are looked at: tables are sent whole."""
        model = self.model
        if model is None or model.waiting or self.tabs.selected_index != 0:
            return
        task = "" if self.task.value == _ALL else self.task.value
        rows = leaving(model, task)
        self.head.value = request_head(model, len(rows), _REQUESTS)
        shown = requests_frame(model, rows[:_REQUESTS], self._replies)
        self.requests.children = [sortable(shown, rows=5)] if len(shown) else []

    def _draw_serving(self) -> None:
        if self.model is not None and not self.model.waiting:
            self.difference.value = self.serving.to_html()
            self.deploy.disabled = self.model.policy().id != self.serving.seen
