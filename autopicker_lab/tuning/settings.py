"""What is asked of a policy, and the cost weight and guard that keep it, chosen on one part and measured on another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing.rule import margins_of, prefer_by_estimates
from autopicker_lab.tuning.aims import weight_for_share, weight_for_spend
from autopicker_lab.tuning.curve import best_weight, cost_quality_curve
from autopicker_lab.tuning.guard import decided, guard_of
from autopicker_lab.tuning.matrix import CALL

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.core import Guard
    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.repeats import Fits

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Asked:
    """What is asked of a policy.

    Attributes:
        within: mean score that may be lost against the incumbent.
        guard_z: standard errors by which a lead over it must clear zero; None: no guard.
        strong_share: of requests, out of fold, that are to go to the strong model, whatever that loses; None: no such.
        spend: USD per 1,000 requests that may be spent, for the best quality to be had; None: no such.
    """

    within: float
    guard_z: float | None = None
    strong_share: float | None = None
    spend: float | None = None

    def __post_init__(self) -> None:
        if self.strong_share is not None and self.spend is not None:
            raise InvalidRequestError("one thing decides the cost weight", "give a strong share, or what may be spent")
        if self.strong_share is not None and not 0 <= self.strong_share <= 1:
            raise InvalidRequestError(f"a share lies between 0 and 1, not at {self.strong_share:g}")

    @property
    def allowance(self) -> float | None:
        """Mean score that may be lost, where that decides the cost weight."""
        return self.within if self.strong_share is None and self.spend is None else None

    def check(self, outcomes: OutcomeMatrix) -> None:
        """InvalidRequestError where what may be spent is less than the cheapest model costs, or nobody knows costs."""
        if self.spend is None:
            return
        if outcomes.cost_unit == CALL:
            raise InvalidRequestError("calls are counted, so that nothing is known to be spent", "give --prices FILE")
        cheapest = 1000 * float(outcomes.mean_costs.min())
        if not self.spend >= cheapest * 0.999:
            detail = f"the cheapest model costs {cheapest:.3g} USD per 1,000 requests, more than {self.spend:g}"
            raise InvalidRequestError(detail, "allow that much to be spent, or add a cheaper model")

    def weight(self, curve: Curve, outcomes: OutcomeMatrix, estimates: Array) -> float:
        """The cost weight that keeps what is asked.

        Args:
            curve: of the estimates, shape (n, models), with which the outcomes' prompts are routed.
        """
        if self.strong_share is not None:
            return weight_for_share(estimates, outcomes.mean_costs, outcomes.strong, self.strong_share)
        if self.spend is not None:
            return weight_for_spend(curve, self.spend / 1000)
        return best_weight(curve, outcomes, self.within, self.guard_z or 0.0)


@dataclass(frozen=True)
class Setting:
    """How a policy decides by its estimates."""

    weight: float
    guard: Guard | None = None

    def choices(self, outcomes: OutcomeMatrix, estimates: Array) -> Array:
        """The model (column) for each row of estimates, where `outcomes` tell models and costs; shape (n,)."""
        margins = None if self.guard is None else margins_of(self.guard, outcomes.models)
        return prefer_by_estimates(estimates, outcomes.mean_costs, self.weight, margins)


def setting_for(outcomes: OutcomeMatrix, estimates: Array, asked: Asked) -> Setting:
    """The setting that saves most of those that keep what is asked, on outcomes that `estimates` were not fitted on.

    Args:
        estimates: one row a prompt, or several draws of that one after the other, shape (draws * n, models).
    """
    import numpy as np

    draws = len(estimates) // len(outcomes)
    if draws > 1:
        outcomes = outcomes.at(np.tile(np.arange(len(outcomes)), draws))
    if asked.guard_z is None:
        curve = cost_quality_curve(estimates, outcomes.scores, outcomes.costs)
        return Setting(asked.weight(curve, outcomes, estimates))
    guard = guard_of(outcomes, estimates, asked.guard_z)
    held_back = estimates - np.array(margins_of(guard, outcomes.models))
    curve = cost_quality_curve(held_back, outcomes.scores, outcomes.costs)
    weight = asked.weight(curve, outcomes, held_back)
    return Setting(weight, decided(guard, outcomes, estimates, weight, asked.within))


def settings_along(weights: Array, outcomes: OutcomeMatrix, estimates: Array, guard_z: float | None) -> list[Setting]:
    """A setting for each cost weight, with the guard that is asked for."""
    if guard_z is None:
        return [Setting(float(weight)) for weight in weights]
    guard = guard_of(outcomes, estimates, guard_z)
    return [Setting(float(weight), guard) for weight in weights]


def cross_fitted_choices(outcomes: OutcomeMatrix, fits: Fits, asked: Asked) -> Array:
    """The model of each prompt by a setting that was chosen on the other folds, shape (repeats, n)."""
    import numpy as np

    choices = np.empty(fits.each.shape[:2], int)
    for i, folds in enumerate(fits.folds):
        for train, test in folds:
            known = outcomes.at(train)
            choices[i, test] = setting_for(known, fits.of(train), asked).choices(known, fits.each[i, test])
    return choices
