"""Cost and quality of routing by estimates: from arrays that are there, so that a slider redraws at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from autopicker_lab.routing.rule import prefer_by_estimates
from autopicker_lab.tuning.clusters import clustered_error, mean_bound
from autopicker_lab.tuning.metrics import hull

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]

POINTS = 61
CHOICE = 0.95  # of the one-sided bound that a setting is chosen by; above SURE, by which it is judged elsewhere


@dataclass(frozen=True, eq=False)
class Curve:
    """What each cost weight gives. Row k of each array belongs to weights[k], from best quality to least cost.

    Attributes:
        weights: quality that a unit of cost must buy, ascending, shape (k,).
        costs, qualities: means over prompts, shape (k,). errors: standard error of each quality, by groups of alike
            prompts, shape (k,).
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


def cost_quality_curve(estimates: Array, scores: Array, costs: Array, groups: Array | None = None) -> Curve:
    """What `scores` and `costs` (both (n, models)) come of routing by `estimates` at each of `switching_weights`.

    Args:
        groups: of alike prompts, shape (n,); None takes each prompt for itself.
    """
    import numpy as np

    mean_costs = costs.mean(0)
    steps = switching_weights(estimates, mean_costs)
    choices = np.stack([prefer_by_estimates(estimates, mean_costs, float(step)) for step in steps])
    rows = np.arange(len(scores))
    quality = scores[rows, choices]
    apart = quality.std(1) / np.sqrt(len(scores))
    return Curve(
        weights=steps,
        costs=costs[rows, choices].mean(1),
        qualities=quality.mean(1),
        errors=apart if groups is None else clustered_error(quality, groups),
        choices=choices,
    )


def best_weight(curve: Curve, outcomes: OutcomeMatrix, within: float, z: float = 0.0) -> float:
    """The weight of least cost that loses at most `within` of the incumbent's mean score, by an upper bound.

    The bound is one-sided, at 95 % or, if that is more, `z` standard errors from the mean: the curve of the same
    outcomes that choose flatters what is chosen. Weights are tried from the surest one on, up to the first that does
    not keep it: one that does beyond that is more likely luck.
    Where none keeps it, the one that loses least by it.
    """
    import numpy as np

    lost = losses(curve, outcomes)
    bounds = mean_bound(lost, outcomes.groups, CHOICE, z)
    surest = int(np.argmin(bounds))
    kept = list(takewhile(lambda i: bounds[i] <= within + 1e-12, range(surest, len(bounds))))
    return float(curve.weights[min(kept, key=lambda i: float(curve.costs[i]), default=surest)])


def losses(curve: Curve, outcomes: OutcomeMatrix) -> Array:
    """What each prompt loses against the incumbent, by weight; shape (weights, n)."""
    import numpy as np

    best: Array = outcomes.scores[:, outcomes.best]
    return best[None, :] - outcomes.scores[np.arange(len(outcomes)), curve.choices]


def mixing_quality(scores: Array, costs: Array, cost: float) -> float:
    """The best mean quality to be had at a mean `cost` by tossing coins between models of these means."""
    import numpy as np

    x, y = hull(costs, scores)
    return float(np.interp(cost, x, y))


def oracle(scores: Array, costs: Array) -> tuple[Array, Array]:
    """Costs and qualities of routing that knows every score beforehand."""
    curve = cost_quality_curve(scores, scores, costs)
    return curve.costs, curve.qualities
