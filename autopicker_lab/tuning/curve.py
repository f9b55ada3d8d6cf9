"""Cost and quality of routing by estimates: from arrays that are there, so that a slider redraws at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.routing.rule import prefer_by_estimates
from autopicker_lab.tuning.metrics import hull

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

POINTS = 61


@dataclass(frozen=True, eq=False)
class Curve:
    """What each cost weight gives. Row k of each array belongs to weights[k], from best quality to least cost.

    Attributes:
        weights: quality that a unit of cost must buy, ascending, shape (k,).
        costs, qualities: means over prompts, shape (k,). errors: standard error of each quality, shape (k,).
        choices: the model (column) of each prompt, shape (k, n).
    """

    weights: Array
    costs: Array
    qualities: Array
    errors: Array
    choices: Array

    def nearest(self, weight: float) -> int:
        """The row whose cost weight is nearest."""
        return int(abs(self.weights - weight).argmin())


def switching_weights(estimates: Array, costs: Array, points: int = POINTS) -> Array:
    """Cost weights, ascending from 0, at which prompts change models: up to `points`, evenly over the changes.

    A prompt changes from a dearer model to a cheaper one where the weight passes lead / (difference of costs). Half of
    the weights are quantiles of these over all pairs of models, half of those that lead down to the cheapest.

    Args:
        estimates: shape (n, models). costs: of a call, shape (models,).
    """
    import numpy as np

    order = np.argsort(costs, kind="stable")
    sample = estimates[:: max(len(estimates) // 2000, 1)][:, order]
    rising = costs[order]
    breaks = [
        (sample[:, high] - sample[:, low]) / (rising[high] - rising[low])
        for low in range(len(order))
        for high in range(low + 1, len(order))
        if rising[high] > rising[low]
    ]
    if not breaks:
        return np.zeros(1)
    down = [
        (estimates[:, order[k]] - estimates[:, order[0]]) / (rising[k] - rising[0])
        for k in range(1, len(order))
        if rising[k] > rising[0]
    ]
    last = np.maximum(np.max(down, axis=0), 0.0)
    between = np.concatenate(breaks)
    between = between[between > 0]
    share = np.linspace(0, 1, points // 2)
    steps = [np.zeros(1), np.quantile(last, share), [float(last.max()) * 1.0001 + 1e-12]]
    if len(between):
        steps.append(np.quantile(between, share))
    return np.unique(np.concatenate(steps))


def cost_quality_curve(estimates: Array, scores: Array, costs: Array) -> Curve:
    """What `scores` and `costs` (both (n, models)) come of routing by `estimates` at each of `switching_weights`."""
    import numpy as np

    mean_costs = costs.mean(0)
    steps = switching_weights(estimates, mean_costs)
    choices = np.stack([prefer_by_estimates(estimates, mean_costs, float(step)) for step in steps])
    rows = np.arange(len(scores))
    quality = scores[rows, choices]
    return Curve(
        weights=steps,
        costs=costs[rows, choices].mean(1),
        qualities=quality.mean(1),
        errors=quality.std(1) / np.sqrt(len(scores)),
        choices=choices,
    )


def best_weight(curve: Curve, goal: float) -> float:
    """The weight of least cost whose quality reaches `goal`; that of the best quality where none does."""
    import numpy as np

    reached = np.flatnonzero(curve.qualities >= goal - 1e-12)
    if not len(reached):
        return float(curve.weights[int(np.argmax(curve.qualities))])
    return float(curve.weights[reached[np.argmin(curve.costs[reached])]])


def mixing_quality(scores: Array, costs: Array, cost: float) -> float:
    """The best mean quality to be had at a mean `cost` by tossing coins between single models."""
    import numpy as np

    x, y = hull(costs.mean(0), scores.mean(0))
    return float(np.interp(cost, x, y))


def oracle(scores: Array, costs: Array) -> tuple[Array, Array]:
    """Costs and qualities of routing that knows every score beforehand."""
    curve = cost_quality_curve(scores, scores, costs)
    return curve.costs, curve.qualities
