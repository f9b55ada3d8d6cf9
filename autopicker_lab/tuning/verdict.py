"""Whether routing pays, in figures and in words a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.baselines import rounds_for
from autopicker_lab.tuning.board import CALL, Board
from autopicker_lab.tuning.curve import best_weight, choose_at, curve, mixing_quality
from autopicker_lab.tuning.metrics import Interval, bootstrap, cpt
from autopicker_lab.tuning.report import Saving

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

WITHIN = 0.01
_SURE = 0.05


def cross_fitted(data: Board, estimates: Array, folds: Sequence[tuple[Array, Array]], within: float) -> Array:
    """The model of each prompt, by a cost weight that was chosen on the other folds."""
    import numpy as np

    choices = np.empty(len(data), int)
    for train, test in folds:
        seen = curve(estimates[train], data.scores[train], data.costs[train])
        goal = float(data.scores[train].mean(0).max()) - within
        choices[test] = choose_at(estimates[test], data.costs[train].mean(0), best_weight(seen, goal))
    return choices


def saving_of(data: Board, choices: Array, seed: int) -> Saving:
    import numpy as np

    rows = np.arange(len(data))
    best = int(np.argmax(data.scores.mean(0)))
    cost, quality = data.costs[rows, choices], data.scores[rows, choices]

    def over_coins(drawn: Array) -> float:
        mixed = mixing_quality(data.scores[drawn], data.costs[drawn], float(cost[drawn].mean()))
        return float(quality[drawn].mean()) - mixed

    def measured(measure: Callable[[Array], float], null: float | None = None) -> Interval:
        found = bootstrap(measure, len(data), rounds=rounds_for(data), seed=seed, null=null)
        assert found is not None  # a mean is never undefined
        return found

    return Saving(
        best=data.models[best],
        share=measured(lambda r: 1 - float(cost[r].mean()) / float(data.costs[r, best].mean())),
        quality=measured(lambda r: float(quality[r].mean() - data.scores[r, best].mean()), null=0.0),
        excess=measured(over_coins, null=0.0),
    )


def verdict_of(data: Board, order: Array, ranked: Interval | None, saving: Saving | None, within: float) -> str:
    n = f"n={len(data):,}"
    if ranked is None:
        return f"the two models are equally good here ({n}): keep {data.models[data.weak]}"
    told = f"APGR {ranked}, {n}"
    if saving is None:
        if (ranked.p or 0.0) < _SURE:
            return f"the score ranks prompts better than chance ({told}); tune on these outcomes to use it"
        return f"no evidence that this score ranks prompts better than chance here ({told}, p={ranked.p:.2f})"
    p = saving.excess.p if saving.excess.p is not None else 1.0
    sure = p < _SURE and (len(data.models) > 2 or (ranked.p or 0.0) < _SURE)
    points = 100 * saving.quality.value
    lost = f"{points:+.1f} points [{100 * saving.quality.low:+.1f}, {100 * saving.quality.high:+.1f}] of quality"
    if sure and saving.share.low > 0:
        of = f"the calls to {saving.best}" if data.cost_unit == CALL else f"the cost of always {saving.best}"
        share = saving.share
        told = f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}] of {of}"
        return f"routing saves {told}, for {lost} ({n}, APGR {ranked}, p={p:.3f})"
    if sure and saving.quality.low > 0:
        return f"routing gains {lost} over always {saving.best} ({told}, p={p:.3f})"
    half = cpt(order, data.scores[:, data.weak], data.scores[:, data.strong], 0.5)
    if ranked.low > 0.5 and half is not None:
        weak, strong = data.pair
        return (
            f"no evidence that routing saves at the quality of {saving.best} minus {100 * within:g} points "
            f"({n}, p={p:.2f}), but it ranks prompts (APGR {ranked}): {100 * half:.0f} % of the calls to {strong} "
            f"recover half of its lead over {weak}; allow a greater loss (--within) to use that"
        )
    keep = _single(data)
    return f"no evidence that routing beats always {keep} here: {n}, p={p:.2f} (APGR {ranked}); keep one model: {keep}"


def _single(data: Board) -> str:
    """The cheapest model whose quality is within a point of the best."""
    means, prices = data.scores.mean(0), data.costs.mean(0)
    good = [i for i in range(len(means)) if means[i] >= means.max() - WITHIN]
    return data.models[min(good, key=lambda i: prices[i])]
