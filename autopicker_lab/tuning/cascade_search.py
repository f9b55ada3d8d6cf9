"""The plan of a cascade that keeps an allowance, chosen on one part of the outcomes and measured on another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.tuning.cascade_columns import checking_costs, with_columns_for
from autopicker_lab.tuning.cascades import choices_by, plans_from, signals_to_try, with_columns
from autopicker_lab.tuning.clusters import mean_bound
from autopicker_lab.tuning.curve import CHOICE, losses

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.tuning.cascades import Plan
    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]


class _Bounded(NamedTuple):
    """Plans by one signal, with what each costs and the bound of what it loses, both of shape (plans,)."""

    plans: list[Plan]
    costs: Array
    bounds: Array


class PlanSearch:
    """The plans there are on outcomes, worked out once for all allowances.

    Args:
        estimates: of the outcomes, by fits that did not see them, shape (n, models).
        first: column of the model that is asked first.
        always: whether it always is; else estimates decide.
        guard_z: standard errors of the incumbent's guard; None: no guard.
    """

    def __init__(
        self,
        outcomes: OutcomeMatrix,
        estimates: Array,
        first: int,
        always: bool,
        guard_z: float | None,
        seed: int,
    ):
        self._found = []
        for name in signals_to_try(outcomes, first):
            plans, curve = plans_from(outcomes, estimates, name, first, always, guard_z, seed)
            lost = losses(curve, with_columns(outcomes, name, first))
            bounds = mean_bound(lost, outcomes.groups, CHOICE, guard_z or 0.0)
            self._found.append(_Bounded(plans, curve.costs, bounds))

    def plan(self, within: float) -> Plan:
        """The plan of least cost that loses no more of the best model's mean score than that, by a one-sided bound.

        The bound is that of `curve.best_weight`. Where none keeps it, the one that loses least by it.
        """
        import numpy as np

        best: list[tuple[bool, float, Plan]] = []
        for plans, costs, bounds in self._found:
            kept = np.flatnonzero(bounds <= within + 1e-12)
            row = int(kept[np.argmin(costs[kept])] if len(kept) else np.argmin(bounds))
            best.append((not len(kept), float(costs[row] if len(kept) else bounds[row]), plans[row]))
        return min(best, key=lambda each: each[:2])[2]


@dataclass(frozen=True, eq=False)
class CrossedPlans:
    """What plans that were fitted on the other folds choose.

    Attributes:
        outcomes: with the columns of the cascade. choices: the column of each prompt, shape (n,).
        signal: that most of the plans go by.
    """

    outcomes: OutcomeMatrix
    choices: Array
    signal: str


class CrossFitPlans:
    """Plans of each fold that were fitted on the other folds, searched for once for all allowances.

    Args: see PlanSearch.
        folds: train and test rows of each.
    """

    def __init__(
        self,
        outcomes: OutcomeMatrix,
        estimates: Array,
        folds: Sequence[tuple[Array, Array]],
        first: int,
        always: bool,
        guard_z: float | None,
        seed: int,
    ):
        self._outcomes, self._estimates, self._folds, self._first = outcomes, estimates, folds, first
        self._how = (first, always, guard_z, seed)

    @cached_property
    def _searches(self) -> list[tuple[Array, OutcomeMatrix, Array, PlanSearch]]:
        """The prompts of the fold and their outcomes, mean costs of the others, and the plans on these."""
        return [
            (test, self._outcomes.at(test), known.mean_costs, PlanSearch(known, self._estimates[train], *self._how))
            for train, test in self._folds
            for known in [self._outcomes.at(train)]
        ]

    def crossed(self, within: float) -> CrossedPlans:
        """What each prompt gets by a plan that keeps this allowance on the other folds."""
        import numpy as np

        outcomes, first, signals = self._outcomes, self._first, []
        choices, checking = np.empty(len(outcomes), int), np.zeros(len(outcomes))
        for test, tested, mean_costs, search in self._searches:
            plan = search.plan(within)
            choices[test] = choices_by(plan, tested, self._estimates[test], mean_costs)
            signals.append(plan.cascade.signal)
            costs = checking_costs(outcomes, plan.cascade.signal, first)
            checking[test] = 0.0 if costs is None else costs[test]
        signal = max(sorted(set(signals)), key=signals.count)
        paid = with_columns_for(outcomes, first, outcomes.best, checking if checking.any() else None)
        return CrossedPlans(paid, as_columns_of(paid, choices), signal)


def as_columns_of(paid: OutcomeMatrix, choices: Array) -> Array:
    """Choices of columns of `with_columns` as those of a table that may have no column for what is kept; shape (n,)."""
    import numpy as np

    assert paid.composite is not None
    singles, columns = paid.singles, paid.composite
    chosen: Array = np.select([choices == singles, choices == singles + 1], [columns.kept, columns.up], choices)
    return chosen
