"""Pictures of a tuning run: cost and quality, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.core.figures import axes
from autopicker_lab.core.show import BLUE, GREEN, GREY, ORANGE
from autopicker_lab.tuning.curve import oracle
from autopicker_lab.tuning.matrix import CALL
from autopicker_lab.tuning.metrics import hull

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.router_figures import RouterFigures


def draw_curve(target: Axes, outcomes: OutcomeMatrix, curve: Curve | None) -> None:
    """The cost-quality plane: every single model, coins between them, the oracle, a router's curve with its band."""
    means, costs = outcomes.mean_scores, outcomes.mean_costs
    best_costs, best_qualities = oracle(outcomes.scores, outcomes.costs)
    target.plot(best_costs, best_qualities, ":", color=GREY, label="oracle")
    target.plot(*hull(costs, means), color=GREY, lw=0.8, label="coins between models")
    target.plot(costs, means, "s", color=ORANGE, label="always one model")
    for name, x, y in zip(outcomes.models, costs, means, strict=True):
        side, shift = ("right", (0, 8)) if x > costs.mean() else ("left", (4, -10))
        target.annotate(name, (x, y), textcoords="offset points", xytext=shift, ha=side, fontsize=7, color=GREY)
    if curve is not None:
        band = 1.96 * curve.errors
        target.plot(curve.costs, curve.qualities, "-", color=BLUE, label="routed, out of fold")
        target.fill_between(curve.costs, curve.qualities - band, curve.qualities + band, color=BLUE, alpha=0.15, lw=0)
    unit = "share of calls to the strong model" if outcomes.cost_unit == CALL else "USD a request"
    target.set(xlabel=unit, ylabel="mean score")
    target.spines[["top", "right"]].set_visible(False)


def plot_calibration(report: RouterFigures, ax: Axes | None = None) -> Axes:
    """Measured over estimated quality in ten groups of equal size, a line for each model of the pair."""
    import numpy as np

    target = axes(ax, (4.5, 4.5))
    target.plot([0, 1], [0, 1], color=GREY, lw=0.8)
    for column, colour in ((report.outcomes.weak, ORANGE), (report.outcomes.strong, GREEN)):
        order = np.argsort(report.estimates[:, column], kind="stable")
        parts = np.array_split(order, 10)
        x = [report.estimates[part, column].mean() for part in parts]
        y = [report.outcomes.scores[part, column].mean() for part in parts]
        name = report.outcomes.models[column]
        target.plot(x, y, "o-", color=colour, label=f"{name} (ECE {report.calibration[name]:.3f})")
    target.set(xlabel="estimated quality", ylabel="measured quality", title="calibration, out of fold")
    target.legend(frameon=False)
    return target
