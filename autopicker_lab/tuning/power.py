"""How many outcomes would settle what these leave open, and how much better more of them make a policy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.metrics import apgr

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.routing.estimator import LearnedEstimator
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.metrics import Interval
    from autopicker_lab.tuning.prompts import Prompts
    from autopicker_lab.tuning.verdict import Saving

    Array = np.ndarray[Any, Any]

SHARES = (0.25, 0.5, 0.75, 1.0)
_PAYS_Z = 2.326  # of a one-sided test at 1 %, as the verdict asks for
_ALLOWANCE_Z = 1.645  # at 5 %
_POWER_Z = 0.842  # to pass it in 8 of 10 tables
_MANY = 20_000  # scores, of which two folds are measured for a learning curve
_MOST = 1_000_000  # prompts, beyond which nobody collects any


def needed_prompts(outcomes: OutcomeMatrix, saving: Saving | None, within: float | None) -> dict[str, int | None]:
    """Prompts in all that would settle each doubt in 8 of 10 tables, if things are as they look; None: no number would.

    Doubts are that routing beats coins at the same cost ("pays"), and that its loss keeps the allowance ("allowance");
    what is no doubt is left out. A normal test of a mean: Cohen, "Statistical Power Analysis" (1988), section 2.4.
    """
    if saving is None:
        return {}
    n = len(outcomes)
    needed = {"pays": _needed(saving.excess, 0.0, n, _PAYS_Z)}
    if within is not None:
        needed["allowance"] = _needed(saving.quality, -within, n, _ALLOWANCE_Z)
    return {doubt: wanted for doubt, wanted in needed.items() if wanted is None or wanted > n}


def _needed(interval: Interval, least: float, n: int, test_z: float) -> int | None:
    """Prompts at which the interval's figure would be shown to be more than `least`."""
    error, lead = (interval.high - interval.low) / (2 * 1.96), interval.value - least
    if interval.value - test_z * error > least:
        return n
    if lead <= 0 or (wanted := n * ((test_z + _POWER_Z) * error / lead) ** 2) > _MOST:
        return None
    return max(math.ceil(wanted), n + 1)


def learning_curve(
    outcomes: OutcomeMatrix,
    prompts: Prompts,
    folds: list[tuple[Array, Array]],
    estimator: LearnedEstimator,
    seed: int,
) -> list[dict[str, Any]]:
    """APGR out of fold of fits on 25, 50, 75 and 100 % of the training groups: n of each, apgr, a row each.

    Args:
        estimator: of all prompts, whose two penalties these fits take over. Nothing where the pair's lead is noise.
    """
    import numpy as np

    if not outcomes.separated:
        return []
    random, rows = np.random.default_rng(seed), []
    folds = folds if outcomes.scores.size <= _MANY else folds[:2]
    measured = np.concatenate([test for _, test in folds])
    weak, strong = (scores[measured] for scores in outcomes.pair_scores)
    orders = [random.permutation(np.unique(prompts.groups[train])) for train, _ in folds]
    for share in SHARES:
        gains, sizes = np.zeros(len(outcomes)), []
        for (train, test), order in zip(folds, orders, strict=True):
            taken = train[np.isin(prompts.groups[train], order[: max(round(share * len(order)), 1)])]
            fitted = fitting.fit(prompts.at(taken), outcomes.scores[taken], outcomes.models, seed, like=estimator)
            estimates = fitting.predict(fitted, prompts.at(test))
            level = outcomes.gains.mean() - outcomes.gains[taken].mean()
            gains[test] = estimates[:, outcomes.strong] - estimates[:, outcomes.weak] + level
            sizes.append(len(taken))
        rows.append({"n": round(float(np.mean(sizes))), "apgr": apgr(gains[measured], weak, strong)})
    return rows
