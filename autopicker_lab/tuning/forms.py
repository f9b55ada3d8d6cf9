"""Which form pays on some outcomes: to route, to cascade, or both; compared at equal cost, with intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing.rule import prefer_by_estimates
from autopicker_lab.routing.signals import told_as
from autopicker_lab.tuning.baselines import mean_of
from autopicker_lab.tuning.cascade_search import CrossedPlans, CrossFitPlans, PlanSearch, as_columns_of
from autopicker_lab.tuning.cascades import (
    Plan,
    choices_by,
    first_models,
    plans_from,
    with_columns,
)
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.dealing import p_of_dealing
from autopicker_lab.tuning.guard import leaving_pays
from autopicker_lab.tuning.metrics import Interval, hull
from autopicker_lab.tuning.promise import certify, in_testing_order, needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.promise import Promise, Terms
    from autopicker_lab.tuning.settings import Asked

    Array = np.ndarray[Any, Any]

AUTO, OFF, ONLY = "auto", "off", "only"
MODES = (AUTO, OFF, ONLY)
ROUTE, CASCADE, BOTH = "route", "cascade", "both"
_SHOWN = 0.025  # p of the best of the cascades, times how many were tried (Bonferroni)
_MOST_FIRST = 3  # models that are tried as the first of a cascade


@dataclass(frozen=True, eq=False)
class Form:
    """One way to spend on answers, each fold by what the others chose.

    Attributes:
        name: CASCADE or BOTH. first: the model that is asked first. signal: of its answers, by most of the plans.
        quality, cost: mean score and cost, with what signals cost. seconds: until an answer is whole; None: unknown.
        went_up: share of prompts for which both models are asked.
        over_route: quality over what routing alone gives at the same cost; its p-value is that of the bootstrap or of
            dealing the choices anew, whichever is more.
        outcomes, choices: the column of each prompt, of a table that has one for what went up.
        pays: whether leaving the incumbent is shown to pay by the guard that is asked for, if one is.
    """

    name: str
    first: str
    quality: Interval
    cost: float
    went_up: float
    over_route: Interval
    outcomes: OutcomeMatrix
    choices: Array
    signal: str
    seconds: float | None = None
    pays: bool = True

    def to_dict(self) -> dict[str, Any]:
        """One JSON object; intervals as a figure, its bounds and its p."""
        return {
            "form": self.name,
            "first": self.first,
            "signal": self.signal,
            "quality": self.quality.value,
            "quality_ci": [self.quality.low, self.quality.high],
            "cost": self.cost,
            "seconds": self.seconds,
            "went_up": round(self.went_up, 4),
            "over_route": self.over_route.value,
            "over_route_ci": [self.over_route.low, self.over_route.high],
            "p": self.over_route.p,
        }


@dataclass(frozen=True, eq=False)
class Forms:
    """The cascades that were compared with routing, and the form that is taken.

    Attributes:
        looks: how many cascades these are the best of.
        why_none: why no cascade was tried; "" where some were.
    """

    tried: tuple[Form, ...]
    taken: str = ROUTE
    why_none: str = ""
    looks: int = 0

    @property
    def form(self) -> Form | None:
        """The form that is taken; None for routing alone."""
        return next((form for form in self.tried if form.name == self.taken), None)

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return {"taken": self.taken, "why_none": self.why_none, "tried": [form.to_dict() for form in self.tried]}

    def __str__(self) -> str:
        """What was found, in a sentence."""
        if self.why_none:
            return f"no cascade was tried: {self.why_none}"
        told = "; ".join(
            f"{form.name} from {form.first} by {told_as(form.signal)}, {100 * form.went_up:.0f} % asked of both: "
            f"{100 * form.over_route.value:+.1f} points [{100 * form.over_route.low:.1f}, "
            f"{100 * form.over_route.high:.1f}]"
            for form in self.tried
        )
        end = "not shown to pay: route" if self.taken == ROUTE else f"taken: {self.taken}"
        if not all(form.pays for form in self.tried):
            end += " (by the guard, leaving the incumbent is not shown to pay)"
        return f"cascades against routing at equal cost: {told}; {end}"


def compare_forms(
    outcomes: OutcomeMatrix,
    estimates: Array,
    folds: Sequence[tuple[Array, Array]],
    *,
    asked: Asked,
    mode: str,
    seed: int,
) -> Forms:
    """Measure each form, and take a cascade where it is shown to beat routing at equal cost (`mode` AUTO).

    Beside a guard, leaving the incumbent for the cascade must be shown to pay as well, in either mode.

    Args:
        estimates: out of fold, shape (n, models).
        mode: AUTO; or ONLY, which takes the better of the cascades, shown or not.

    Raises:
        InvalidRequestError: `mode` is ONLY, and no model can be asked first.
    """
    firsts = first_models(outcomes)[-_MOST_FIRST:]
    if not firsts:
        why = _why_none(outcomes)
        if mode == ONLY:
            raise InvalidRequestError(f"no cascade can be tuned: {why}", "collect outcomes with signals")
        return Forms((), why_none=why)
    tried = []
    for name, always in ((CASCADE, True), (BOTH, False)):
        several = []
        for first in firsts:
            crossed = CrossFitPlans(outcomes, estimates, folds, first, always, asked.guard_z, seed).crossed(
                asked.within
            )
            several.append(_form(name, outcomes.models[first], outcomes, crossed, estimates, folds, asked, seed))
        tried.append(max(several, key=lambda form: form.over_route.value))
    best = max(tried, key=lambda form: (form.pays, form.over_route.value))
    looks, p = 2 * len(firsts), best.over_route.p
    shown = best.over_route.low > 0 and p is not None and looks * p < _SHOWN
    return Forms(tuple(tried), best.name if best.pays and (shown or mode == ONLY) else ROUTE, looks=looks)


def plan_of(form: Form, outcomes: OutcomeMatrix, estimates: Array, asked: Asked, seed: int) -> Plan:
    """A form's plan, fitted on all outcomes."""
    first = outcomes.models.index(form.first)
    return PlanSearch(outcomes, estimates, first, form.name == CASCADE, asked.guard_z, seed).plan(asked.within)


def promised_plan(
    form: Form,
    outcomes: OutcomeMatrix,
    estimates: Array,
    kept_out: OutcomeMatrix,
    unseen: Array,
    terms: Terms,
    asked: Asked,
    seed: int,
) -> tuple[Plan | None, Array, Promise]:
    """A form's plan that keeps `terms` (None where none does), its choices out of fold, and the promise.

    Args:
        outcomes, estimates: that it is fitted on, the estimates out of fold.
        kept_out, unseen: outcomes that fitted nothing, and the policy's estimates of them, shape (n, models).
    """
    first, then = outcomes.models.index(form.first), outcomes.best
    always = form.name == CASCADE
    signal = plan_of(form, outcomes, estimates, asked, seed).cascade.signal
    plans, curve = plans_from(outcomes, estimates, signal, first, always, asked.guard_z, seed)
    paid = with_columns(outcomes, signal, first)
    order = in_testing_order(paid, curve.choices, then, terms, kept_out.different, seed)
    choices = [choices_by(plans[i], kept_out, unseen, outcomes.mean_costs) for i in order]
    passed, promise = certify(with_columns(kept_out, signal, first), choices, then, terms, seed)
    if not passed:
        return None, form.choices, replace(promise, needed_n=needed(paid, curve.choices, then, terms, seed))
    row = order[passed - 1]
    return plans[row], as_columns_of(form.outcomes, curve.choices[row]), promise


def _why_none(outcomes: OutcomeMatrix) -> str:
    if not outcomes.signals:
        return "the outcomes have no signals of answers"
    return "no model that is cheaper than the best one has signals of nearly all its answers"


def _form(
    name: str,
    first: str,
    outcomes: OutcomeMatrix,
    crossed: CrossedPlans,
    estimates: Array,
    folds: Sequence[tuple[Array, Array]],
    asked: Asked,
    seed: int,
) -> Form:
    paid, choices = crossed.outcomes, crossed.choices
    scores, costs = paid.routed(choices)
    leads = _leads(outcomes, scores, costs, estimates, folds)

    def measured(values: Array, null: float | None = None) -> Interval:
        interval = mean_of(outcomes, values, seed).interval(null)
        assert interval is not None  # a mean is never undefined
        return interval

    assert paid.composite is not None
    over_route = measured(leads, null=0.0)
    p = max(over_route.p or 0.0, p_of_dealing(paid.scores, choices, paid.groups, seed))
    return Form(
        name,
        first,
        measured(scores),
        float(costs.mean()),
        float((choices == paid.composite.up).mean()),
        replace(over_route, p=p),
        paid,
        choices,
        crossed.signal,
        None if paid.seconds is None else float(paid.seconds[range(len(paid)), choices].mean()),
        asked.guard_z is None or leaving_pays(paid, choices, asked.guard_z, asked.within),
    )


def _leads(
    outcomes: OutcomeMatrix, scores: Array, costs: Array, estimates: Array, folds: Sequence[tuple[Array, Array]]
) -> Array:
    """What each prompt gains over routing at equal cost, shape (n,).

    For each fold, the others choose the setting of routing that costs about as much; what is left of a difference in
    cost counts at the price of quality there, along the upper hull of routing's settings.
    """
    import numpy as np

    table, leads = outcomes.costs, np.empty(len(outcomes))
    for train, test in folds:
        curve = cost_quality_curve(estimates[train], outcomes.scores[train], table[train])
        mean_costs = table[train].mean(0)
        x, y = hull(curve.costs, curve.qualities)
        if len(x) < 2:
            x, y = np.array([x[0], x[0] + 1]), np.array([y[0], y[0]])
        k = int(np.clip(np.searchsorted(x, costs[train].mean()), 1, len(x) - 1))
        price = (y[k] - y[k - 1]) / (x[k] - x[k - 1])
        weight = float(curve.weights[int(np.argmin(np.abs(curve.costs - x[k]) + np.abs(curve.qualities - y[k])))])
        routed = prefer_by_estimates(estimates[test], mean_costs, weight)
        quality, cost = outcomes.scores[test, routed], outcomes.costs[test, routed]
        leads[test] = scores[test] - quality - price * (costs[test] - cost)
    return leads
