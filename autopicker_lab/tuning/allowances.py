"""Which allowance would do: the loss of a policy counted two ways, and greater allowances tried in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.advice import Losses
from autopicker_lab.tuning.clusters import mean_bound
from autopicker_lab.tuning.judging import beats_coins, conclude, saving_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.verdict import Verdict

    Array = np.ndarray[Any, Any]

_LADDER = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2)


def losses_where_doubtful(
    outcomes: OutcomeMatrix, verdict: Verdict, these: Array, choices_for: Callable[[float], Array], seed: int
) -> Losses | None:
    """The losses against the best single model, counted both ways; None where the verdict leaves no doubt of them.

    Args:
        these: the model (column) of each prompt by the setting that was chosen on all of them, shape (n,).
        choices_for: the same for an allowance, by settings that other folds chose, shape (n,) or (repeats, n).
    """
    within = verdict.allowance
    if within is None or verdict.saving is None or (verdict.pays and verdict.allowance_met):
        return None
    this, this_bound = _loss(outcomes, these)
    new, new_bound = _loss(outcomes, choices_for(within))
    return Losses(this, this_bound, new, new_bound, within, _enough(outcomes, within, choices_for, seed))


def _enough(outcomes: OutcomeMatrix, within: float, choices_for: Callable[[float], Array], seed: int) -> float | None:
    """The least allowance of the ladder above `within` at which a policy pays and keeps it; None where none does."""
    for allowance in (step for step in _LADDER if step > within):
        choices = choices_for(allowance)
        if _loss(outcomes, choices)[1] > 1.5 * allowance:
            continue  # far from it, and not worth its intervals
        verdict = conclude(outcomes, None, None, saving_of(outcomes, choices, seed), allowance)
        if verdict.allowance_met and _pays(verdict):
            return allowance
    return None


def _pays(verdict: Verdict) -> bool:
    """Whether something is saved, and more than by coins: what the verdict asks, but for the ranking."""
    assert verdict.saving is not None  # it was concluded from one
    return verdict.saving.share.low > 0 and beats_coins(verdict.saving)


def _loss(outcomes: OutcomeMatrix, choices: Array) -> tuple[float, float]:
    """Mean score lost against the best single model, and its one-sided upper bound."""
    import numpy as np

    best = outcomes.scores[:, outcomes.best]
    lost = np.mean([best - outcomes.routed(each)[0] for each in np.atleast_2d(choices)], axis=0)
    return float(lost.mean()), float(mean_bound(lost[None, :], outcomes.groups)[0])
