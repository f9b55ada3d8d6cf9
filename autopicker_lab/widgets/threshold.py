"""Tune a policy by hand: outcomes on a cost-quality plane, sliders, and the policy they stand for."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, RoutePolicy, Tier, gain_score
from autopicker_lab.core.show import VERMILION, html_table
from autopicker_lab.routing import policy_text, save_policy
from autopicker_lab.tuning.aims import weight_for_spend
from autopicker_lab.tuning.choices import choose_each
from autopicker_lab.tuning.matrix import CALL
from autopicker_lab.tuning.plots import draw_curve
from autopicker_lab.widgets.parts import Panel, PanelModel, Save

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.tuning import TuningReport
    from autopicker_lab.tuning.curve import Curve

ESTIMATES, TIERS = "quality minus weighted cost", "tiers of the routing score"


@dataclass
class ThresholdModel(PanelModel):
    """The state of the panel, without widgets. Every change re-slices arrays; nothing is scored again.

    Attributes:
        report: of `tune`.
        rule: ESTIMATES or TIERS.
        cost_weight: quality that a unit of cost must buy (rule ESTIMATES).
        thresholds: routing scores from which the middle and the strong model are asked (rule TIERS); with two models,
            or for one threshold, both are the same.
        cost, quality, error: means over the prompts at this setting, and the standard error of quality.
        seconds: mean of the answers; None where they were not measured.
        shares: of the requests, by model.
    """

    report: TuningReport
    rule: str = ESTIMATES
    cost_weight: float = 0.0
    thresholds: tuple[float, float] = (50.0, 50.0)
    cost: float = 0.0
    quality: float = 0.0
    error: float = 0.0
    seconds: float | None = None
    shares: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.report.estimates is None or self.report.curve is None:
            raise InvalidRequestError("this report has no estimates to tune with", "use the report of tune(...)")
        self.set(cost_weight=self.report.policy.cost_weight)

    @property
    def curve(self) -> Curve:
        """Cost and quality over cost weights, out of fold."""
        assert self.report.curve is not None  # see __post_init__
        return self.report.curve

    def set(self, **changes: Any) -> None:
        """Change fields and route all prompts anew."""
        import numpy as np

        self.message = ""
        self.assign(changes)
        outcomes = self.report.outcomes
        choices = choose_each(self._deciding(), outcomes, gain_score(self.report.scores), self.report.estimates)
        scores, costs = outcomes.routed(choices)
        self.cost, self.quality = float(costs.mean()), float(scores.mean())
        self.error = float(scores.std() / np.sqrt(len(outcomes)))
        if outcomes.seconds is not None:
            self.seconds = float(outcomes.seconds[np.arange(len(outcomes)), choices].mean())
        counts = np.bincount(choices, minlength=len(outcomes.models)) / len(outcomes)
        self.shares = dict(zip(outcomes.models, counts.tolist(), strict=True))
        self.notify()

    def aim(self, cost: float) -> None:
        """The cost weight of best quality whose mean cost is at most `cost`."""
        self.set(rule=ESTIMATES, cost_weight=weight_for_spend(self.curve, cost))

    def policy(self) -> RoutePolicy:
        """What the sliders say, ready to be saved and served."""
        if self._is_tuned:
            return self.report.policy
        by_hand = {"set by hand": {"cost": self.cost, "quality": self.quality, "before": "figures of the tuned policy"}}
        return replace(self._deciding(), card={**by_hand, **self.report.policy.card})

    def _deciding(self) -> RoutePolicy:
        """The policy as far as it decides; what the tuned one promises is of its own setting alone."""
        base = replace(self.report.policy, promise={})
        if self.rule == ESTIMATES:
            return replace(base, name=f"{base.name}-by-hand", by_tiers=False, cost_weight=self.cost_weight)
        _, middle, strong = self._ladder()
        low, high = self.thresholds
        steps = {0.0: 0.0, max(low, 1e-6): base.qualities[middle], max(high, 2e-6): base.qualities[strong]}
        tiers = tuple(Tier(score, quality) for score, quality in sorted(steps.items()))
        return replace(base, name=f"{base.name}-tiers-{low:g}-{high:g}", by_tiers=True, tiers=tiers)

    def save(self, path: str | Path) -> None:
        """Write the policy; what fails becomes `message`, with its next step."""
        self.act(lambda: save_policy(self.policy(), path), f"saved: set AUTOPICKER_POLICY={path} to serve it")

    def _ladder(self) -> tuple[str, str, str]:
        """Weak, middle and strong model; the middle one is the best between the pair that costs no more."""
        outcomes = self.report.outcomes
        means, costs = outcomes.mean_scores, outcomes.mean_costs
        weak, strong = outcomes.weak, outcomes.strong
        between = [i for i in range(len(means)) if means[weak] < means[i] < means[strong] and costs[i] <= costs[strong]]
        middle = max(between, key=lambda i: means[i]) if between else strong
        return outcomes.models[weak], outcomes.models[middle], outcomes.models[strong]

    def summary(self) -> str:
        """The setting as an HTML table."""
        outcomes = self.report.outcomes
        best = outcomes.best
        saved = 1 - self.cost / float(outcomes.costs[:, best].mean())
        unit = "calls per 1,000" if outcomes.cost_unit == CALL else "USD per 1,000"
        rows: list[tuple[str, str]] = [
            *((f"requests {name} gets", f"{100 * share:.0f} %") for name, share in self.shares.items() if share),
            ("quality", f"{self.quality:.3f} ± {1.96 * self.error:.3f}"),
            (unit, f"{1000 * self.cost:.4g}"),
            *([] if self.seconds is None else [("seconds", f"{self.seconds:.3g}")]),
            (f"saved against always {outcomes.models[best]}", f"{100 * saved:.0f} %"),
            *self._held(),
        ]
        if self.message or not self._is_tuned:
            return html_table(["", ""], rows, self.message or "set by hand")
        title, *steps = self.report.conclusion
        sentences = "".join(f"<div>{escape(step)}</div>" for step in steps)
        judged = f"as tuned; judged with a setting of each fold's own: {title}"
        return html_table(["", ""], rows, judged) + sentences

    @property
    def _is_tuned(self) -> bool:
        """Whether the setting is that of the tuned policy."""
        return self.rule == ESTIMATES and self.cost_weight == self.report.policy.cost_weight

    def _held(self) -> list[tuple[str, str]]:
        """What the policy is held by: its promise, which is of the tuned setting alone, and its guard."""
        promise, guard = self.report.promise, self.report.policy.guard
        rows = []
        if promise is not None:
            holds = "holds" if promise.feasible and self._is_tuned else "does not hold for this setting"
            rows.append(("promise", holds if promise.feasible else "cannot be given"))
        if guard is not None and self.rule == ESTIMATES:
            rows.append(("guard", f"{guard.incumbent} is left for a lead of {guard.z:g} standard errors or more"))
        return rows


class ThresholdPanel(Panel):
    """The panel in a notebook: `ThresholdPanel(report)` as the last line of a cell."""

    def __init__(self, report: TuningReport, path: str = "policy.json"):
        import ipywidgets as w

        self.model = model = ThresholdModel(report)
        self._picture = _Picture(model)
        wide = w.Layout(width="99%")
        curve = model.curve
        scores = gain_score(report.scores)
        self.rule = w.ToggleButtons(options=[ESTIMATES, TIERS], style={"button_width": "16em"})
        self._costs = sorted(set(curve.costs.tolist()))
        # a slider of numbers would be rounded by the browser, and so move by itself; and the number beside a slider of
        # choices looks as if one could type there
        words = {"layout": w.Layout(flex="1"), "style": {"description_width": "9em"}, "readout": False}
        self.weight = w.SelectionSlider(
            options=[(f"{weight:.4g}", i) for i, weight in enumerate(curve.weights)],
            value=curve.nearest(model.cost_weight),
            description="cost weight λ",
            **words,
        )
        self.cost = w.SelectionSlider(
            options=[(f"{cost:.3g}", i) for i, cost in enumerate(self._costs)],
            value=self._nearest(model.cost),
            description="target cost",
            **words,
        )
        rows = []
        for slider in (self.weight, self.cost):
            number = w.Label(slider.label, layout=w.Layout(width="6em"))
            w.dlink((slider, "label"), (number, "value"))
            rows.append(w.HBox([slider, number], layout=wide))
        low, high = math.floor(scores.min()), math.ceil(scores.max())
        # whole steps: a browser rounds to them, and a control that rounds itself would look like one that was moved
        model.thresholds = (float(round(scores.mean())), float(round(scores.mean())))
        self.thresholds = w.FloatRangeSlider(
            value=model.thresholds,
            min=low,
            max=high + 1,
            step=0.25,
            description="thresholds",
            layout=wide,
            style={"description_width": "9em"},
        )
        self.picture = w.Image(format="png")
        self.table = w.HTML()
        self.path = w.Text(path, description="save as", layout=w.Layout(width="60%"))
        self.save = w.Button(description="Save policy", button_style="primary", layout=w.Layout(width="auto"))
        self.download = Save("Download policy", "policy.json", lambda: policy_text(model.policy()))
        self.on(self.rule, lambda value: model.set(rule=value))
        self.on(self.weight, lambda i: model.set(rule=ESTIMATES, cost_weight=float(curve.weights[i])))
        self.on(self.cost, lambda i: model.aim(self._costs[i]))
        self.on(self.thresholds, lambda ends: model.set(rule=TIERS, thresholds=(float(ends[0]), float(ends[1]))))
        self.save.on_click(lambda _: model.save(self.path.value))
        model.listeners.append(self._draw)
        controls = w.VBox([self.rule, *rows, self.thresholds, w.HBox([self.path, self.save, self.download])])
        beside = w.HBox([self.picture, self.table], layout=w.Layout(flex_flow="row wrap"))
        self.view = w.VBox([controls, beside])
        self._draw()

    def _nearest(self, cost: float) -> int:
        return min(range(len(self._costs)), key=lambda i: abs(self._costs[i] - cost))

    def _follow(self) -> None:
        """Put all controls where the model is."""
        model = self.model
        with self.following():
            self.rule.value = model.rule
            if model.rule == ESTIMATES:
                self.weight.value = model.curve.nearest(model.cost_weight)
                self.cost.value = self._nearest(model.cost)
            else:
                self.thresholds.value = model.thresholds

    def _draw(self) -> None:
        self._follow()
        self.picture.value = self._picture.png()
        self.table.value = self.model.summary()


class _Picture:
    """The plane drawn once; only the marker moves over it, so that a slider redraws in milliseconds."""

    def __init__(self, model: ThresholdModel):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._model = model
        figure = Figure(figsize=(6.4, 4.2), dpi=100, layout="constrained")
        self._canvas = FigureCanvasAgg(figure)
        self._axes = figure.add_subplot()
        draw_curve(self._axes, model.report.outcomes, model.curve)
        (self._marker,) = self._axes.plot([], [], "o", color=VERMILION, ms=10, animated=True, label="this setting")
        self._axes.legend(frameon=False, fontsize=8)
        self._canvas.draw()
        self._empty = self._canvas.copy_from_bbox(figure.bbox)

    def png(self) -> bytes:
        """The picture with the marker at the model's cost and quality."""
        import numpy as np
        from PIL import Image

        self._canvas.restore_region(self._empty)
        self._marker.set_data([self._model.cost], [self._model.quality])
        self._axes.draw_artist(self._marker)
        out = io.BytesIO()
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB").save(out, "png", compress_level=1)
        return out.getvalue()
