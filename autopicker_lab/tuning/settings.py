"""What is asked of a policy, and the cost weight and guard that keep it, chosen on one part and measured on another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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


class SettingSearch:
    """The settings there are on outcomes that estimates were not fitted on, worked out once for all that may be asked.

    Args:
        estimates: one row a prompt, or several draws of that one after the other, shape (draws * n, models).
        guard_z: as in Asked; what is asked of `setting` has the same.
    """

    def __init__(self, outcomes: OutcomeMatrix, estimates: Array, guard_z: float | None):
        import numpy as np

        draws = len(estimates) // len(outcomes)
        self._outcomes = outcomes if draws == 1 else outcomes.at(np.tile(np.arange(len(outcomes)), draws))
        self._estimates = self._held_back = estimates
        self._guard = None if guard_z is None else guard_of(self._outcomes, estimates, guard_z)
        if self._guard is not None:
            self._held_back = estimates - np.array(margins_of(self._guard, outcomes.models))
        self._curve = cost_quality_curve(self._held_back, self._outcomes.scores, self._outcomes.costs)

    def setting(self, asked: Asked) -> Setting:
        """The setting that saves most of those that keep what is asked."""
        weight = asked.weight(self._curve, self._outcomes, self._held_back)
        if self._guard is None:
            return Setting(weight)
        return Setting(weight, decided(self._guard, self._outcomes, self._estimates, weight, asked.within))


def setting_for(outcomes: OutcomeMatrix, estimates: Array, asked: Asked) -> Setting:
    """The setting that saves most of those that keep what is asked; see SettingSearch."""
    return SettingSearch(outcomes, estimates, asked.guard_z).setting(asked)


def settings_along(weights: Array, outcomes: OutcomeMatrix, estimates: Array, guard_z: float | None) -> list[Setting]:
    """A setting for each cost weight, with the guard that is asked for."""
    if guard_z is None:
        return [Setting(float(weight)) for weight in weights]
    guard = guard_of(outcomes, estimates, guard_z)
    return [Setting(float(weight), guard) for weight in weights]


class CrossFit:
    """The settings of each fold, searched for on the other folds, once for all that may be asked with a guard."""

    def __init__(self, outcomes: OutcomeMatrix, fits: Fits, guard_z: float | None):
        self._outcomes, self._fits, self.guard_z = outcomes, fits, guard_z

    def setting(self, asked: Asked) -> Setting:
        """The setting that all prompts together choose."""
        import numpy as np

        return setting_for(self._outcomes, self._fits.of(np.arange(len(self._outcomes))), asked)

    @cached_property
    def _searches(self) -> list[tuple[int, Array, OutcomeMatrix, SettingSearch]]:
        """The repeat, the prompts of the fold, and the outcomes of the others with the settings on them."""
        return [
            (i, test, known := self._outcomes.at(train), SettingSearch(known, self._fits.of(train), self.guard_z))
            for i, folds in enumerate(self._fits.folds)
            for train, test in folds
        ]

    def choices(self, asked: Asked) -> Array:
        """The model of each prompt by a setting that was chosen on the other folds, shape (repeats, n)."""
        import numpy as np

        choices = np.empty(self._fits.each.shape[:2], int)
        for i, test, known, search in self._searches:
            choices[i, test] = search.setting(asked).choices(known, self._fits.each[i, test])
        return choices


def cross_fitted_choices(outcomes: OutcomeMatrix, fits: Fits, asked: Asked) -> Array:
    """The model of each prompt by a setting that was chosen on the other folds, shape (repeats, n)."""
    return CrossFit(outcomes, fits, asked.guard_z).choices(asked)
