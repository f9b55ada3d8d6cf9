"""Tune a policy by hand: outcomes on a cost-quality plane, sliders, and the policy they stand for."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from autopicker_lab.core import gain_score
from autopicker_lab.core.show import VERMILION
from autopicker_lab.routing import policy_text
from autopicker_lab.tuning.guard import STEPS
from autopicker_lab.tuning.plots import draw_curve
from autopicker_lab.widgets.parts import Panel, Save
from autopicker_lab.widgets.threshold_model import ESTIMATES, TIERS, ThresholdModel

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from autopicker_lab.tuning import TuningReport


class ThresholdPanel(Panel):
    """The panel in a notebook: `ThresholdPanel(report)` as the last line of a cell."""

    def __init__(self, report: TuningReport, path: str = "policy.json"):
        import ipywidgets as w

        self.model = model = ThresholdModel(report)
        self._picture, self._risk = _Picture(model), _RiskPicture(model)
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
        self._steps = sorted({*STEPS, model.z})
        self.z = w.SelectionSlider(
            options=[(f"{z:g}" if z else "no guard", z) for z in self._steps],
            value=model.z,
            description="guard z",
            **words,
        )
        rows = []
        for slider in (self.weight, self.cost, self.z):
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
        self.picture, self.risk = w.Image(format="png"), w.Image(format="png")
        self.table = w.HTML()
        self.path = w.Text(path, description="save as", layout=w.Layout(width="60%"))
        self.save = w.Button(description="Save policy", button_style="primary", layout=w.Layout(width="auto"))
        self.download = Save("Download policy", "policy.json", lambda: policy_text(model.policy()))
        self.on(self.rule, lambda value: model.set(rule=value))
        self.on(self.weight, lambda i: model.set(rule=ESTIMATES, cost_weight=float(curve.weights[i])))
        self.on(self.cost, lambda i: model.aim(self._costs[i]))
        self.on(self.z, lambda z: model.set(rule=ESTIMATES, z=z))
        self.on(self.thresholds, lambda ends: model.set(rule=TIERS, thresholds=(float(ends[0]), float(ends[1]))))
        self.save.on_click(lambda _: model.save(self.path.value))
        model.listeners.append(self._draw)
        controls = w.VBox([self.rule, *rows, self.thresholds, w.HBox([self.path, self.save, self.download])])
        beside = w.HBox([self.picture, self.table, self.risk], layout=w.Layout(flex_flow="row wrap"))
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
                self.z.value = min(self._steps, key=lambda z: abs(z - model.z))
            else:
                self.thresholds.value = model.thresholds

    def _draw(self) -> None:
        self._follow()
        self.picture.value = self._picture.png()
        self.risk.value = self._risk.png()
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
        self._canvas.restore_region(self._empty)
        self._marker.set_data([self._model.cost], [self._model.quality])
        self._axes.draw_artist(self._marker)
        return _png(self._canvas)


class _RiskPicture:
    """Risk over coverage of the guard, drawn anew where the setting changed."""

    def __init__(self, model: ThresholdModel):
        self._model = model
        self._drawn: tuple[tuple[float, float], bytes] | None = None

    def png(self) -> bytes:
        """The picture with a mark at the model's z."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        setting = self._model.cost_weight, self._model.z
        if self._drawn is None or self._drawn[0] != setting:
            figure = Figure(figsize=(4.0, 3.0), dpi=80)
            figure.subplots_adjust(left=0.2, bottom=0.18, right=0.97, top=0.95)  # a layout takes as long as the rest
            canvas = FigureCanvasAgg(figure)
            self._model.risk.plot(figure.add_subplot(), z=self._model.z)
            canvas.draw()
            self._drawn = setting, _png(canvas)
        return self._drawn[1]


def _png(canvas: FigureCanvasAgg) -> bytes:
    import numpy as np
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").save(out, "png", compress_level=1)
    return out.getvalue()
