"""Whether routing pays, in figures and in words a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.baselines import bootstrapped, share_for
from autopicker_lab.tuning.curve import best_weight, choose_at, curve, mixing_quality
from autopicker_lab.tuning.matrix import CALL, OutcomeMatrix
from autopicker_lab.tuning.metrics import Interval, interval_of
from autopicker_lab.tuning.report import Saving

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

WITHIN = 0.01
_SURE = 0.05


def cross_fitted(data: OutcomeMatrix, estimates: Array, folds: Sequence[tuple[Array, Array]], within: float) -> Array:
    """The model of each prompt, by a cost weight that was chosen on the other folds."""
    import numpy as np

    choices = np.empty(len(data), int)
    for train, test in folds:
        seen = curve(estimates[train], data.scores[train], data.costs[train])
        goal = float(data.scores[train].mean(0).max()) - within
        choices[test] = choose_at(estimates[test], data.costs[train].mean(0), best_weight(seen, goal))
    return choices


def saving_of(data: OutcomeMatrix, choices: Array, seed: int) -> Saving:
    import numpy as np

    rows = np.arange(len(data))
    best = int(np.argmax(data.scores.mean(0)))
    cost, quality = data.costs[rows, choices], data.scores[rows, choices]

    def over_coins(drawn: Array) -> float:
        mixed = mixing_quality(data.scores[drawn], data.costs[drawn], float(cost[drawn].mean()))
        return float(quality[drawn].mean()) - mixed

    def measured(measure: Callable[[Array], float], null: float | None = None) -> Interval:
        interval = interval_of(bootstrapped(data, measure, seed), null)
        assert interval is not None  # a mean is never undefined
        return interval

    return Saving(
        best=data.models[best],
        share=measured(lambda r: 1 - float(cost[r].mean()) / float(data.costs[r, best].mean())),
        quality=measured(lambda r: float(quality[r].mean() - data.scores[r, best].mean()), null=0.0),
        excess=measured(over_coins, null=0.0),
    )


def verdict_of(data: OutcomeMatrix, order: Array, ranked: Interval | None, saving: Saving | None, within: float) -> str:
    """What to do, in one sentence with its figures."""
    if saving is None:
        return _of_ranking(data, ranked)
    p = 1.0 if saving.excess.p is None else saving.excess.p
    ranks = len(data.models) > 2 or (ranked is not None and (ranked.p or 0.0) < _SURE)
    if p < _SURE and ranks and (saving.share.low > 0 or saving.quality.low > 0):
        return _pays(data, saving, within, f"{_told(data, ranked)}; p={p:.3f} against coins tossed at the same cost")
    keep, weak, strong = _single(data, within), *data.pair
    if not data.separated and keep == weak:
        return f"the models are equally good within noise here ({data.size}): keep one model: {weak}"
    half = share_for(data, order, 0.5)
    if keep == saving.best and ranked is not None and ranked.low > 0.5 and half is not None:
        return (
            f"no evidence that routing saves at the quality of {keep} minus {100 * within:g} points "
            f"({_told(data, ranked)}, p={p:.2f}): keep one model: {keep}. It does rank prompts: {100 * half:.0f} % "
            f"of the calls to {strong} recover half of its lead over {weak}; allow a greater loss (--within) for that"
        )
    near = "" if keep == saving.best else f", which is within {100 * within:g} points of {saving.best}"
    told = f"{_told(data, ranked)}, p={p:.2f}"
    return f"no evidence that routing beats always {keep}{near}, here: {told}; keep one model: {keep}"


def _pays(data: OutcomeMatrix, saving: Saving, within: float, told: str) -> str:
    points, low, high = (100 * x for x in (saving.quality.value, saving.quality.low, saving.quality.high))
    lost = f"{points:+.1f} points [{low:+.1f}, {high:+.1f}] of quality"
    if saving.share.low <= 0:
        return f"routing gains {lost} over always {saving.best} ({told})"
    share = saving.share
    saved = f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"
    of = f"the calls to {saving.best}" if data.cost_unit == CALL else f"the cost of always {saving.best}"
    doubt = "" if saving.quality.low >= -within else f", which may be more than the {100 * within:g} allowed"
    return f"routing saves {saved} of {of}, for {lost}{doubt} ({told})"


def _of_ranking(data: OutcomeMatrix, ranked: Interval | None) -> str:
    """The verdict on a score that chooses no models."""
    if ranked is None:
        return f"the models are equally good within noise here ({data.size}): keep one model: {_single(data, WITHIN)}"
    if (ranked.p or 0.0) < _SURE:
        return f"the score ranks prompts better than chance ({_told(data, ranked)}); tune on these outcomes to use it"
    return (
        f"no evidence that this score ranks prompts better than chance here ({_told(data, ranked)}, p={ranked.p:.2f})"
    )


def _told(data: OutcomeMatrix, ranked: Interval | None) -> str:
    return data.size if ranked is None else f"{data.size}, APGR {ranked}"


def _single(data: OutcomeMatrix, within: float) -> str:
    """The cheapest model whose quality is within what may be lost of the best."""
    means, prices = data.scores.mean(0), data.costs.mean(0)
    good = [i for i in range(len(means)) if means[i] >= means.max() - within]
    return data.models[min(good, key=lambda i: prices[i])]
