"""Whether to route, to cascade, or both: the forms on one frontier of cost and quality, each measured out of fold.

A form is `route` (one model a request, chosen before), `cascade` (a cheaper model is always asked first, and the best
one where the signal of its answer says so) or `both` (routed first, and of what goes to the cheaper model the doubtful
goes up). What goes up costs both calls. Signals are calibrated by isotonic regression (Zadrozny and Elkan, 2002,
https://doi.org/10.1145/775047.775151), of groups of prompts that the calibration of a fold has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Cascade
from autopicker_lab.routing.rule import mixed_gains, prefer_by_estimates, signal_gains
from autopicker_lab.tuning.choices import gone_up
from autopicker_lab.tuning.clusters import mean_bound
from autopicker_lab.tuning.curve import CHOICE, Curve, losses, switching_weights
from autopicker_lab.tuning.fitting import grouped_folds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]

_INNER = 4
_COVERED = 0.9  # of the prompts must have the signal
_PROMPT_WEIGHTS = (0.0, 0.25, 0.5, 0.75)
_GAINS = 21  # of `least_gain` that are tried
_WEIGHTS = 12  # cost weights that are tried beside them
_NEVER, _EVER = 1.0, -1.0 - 1e-9  # of least_gain: no answer goes up, each does
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class Plan:
    """A cascade beside a cost weight: a policy's way to cascade, before it is a policy."""

    cascade: Cascade
    cost_weight: float


def first_models(outcomes: OutcomeMatrix) -> list[int]:
    """Columns of the models that may be asked before the best one: cheaper, and with signals."""

    costs, best = outcomes.mean_costs, outcomes.best
    return [k for k in range(outcomes.singles) if costs[k] < costs[best] and _signal_names(outcomes, k)]


def _signal_names(outcomes: OutcomeMatrix, column: int) -> list[str]:
    """The signals that nearly all answers of a model have."""
    import numpy as np

    signals = outcomes.signals.items()
    return [name for name, values in signals if np.isfinite(values[:, column]).mean() >= _COVERED]


def fit_cascade(outcomes: OutcomeMatrix, estimates: Array, first: int, always: bool, seed: int) -> Cascade:
    """A calibrated cascade from one model to the best, by the signal that ranks its answers best; `least_gain` is open.

    Args:
        estimates: out of fold, shape (n, models).
    """
    import numpy as np

    best = outcomes.best
    right = outcomes.scores[:, first]
    names = _signal_names(outcomes, first)
    name = max(names, key=lambda name: _rank_correlation(outcomes.signals[name][:, first], right))
    cascade = _calibrated(outcomes, name, first, best, always)
    by_signal = out_of_fold_gains(outcomes, name, first, best, seed)
    by_prompt, gained = estimates[:, best] - estimates[:, first], outcomes.scores[:, best] - outcomes.scores[:, first]
    known = ~np.isnan(by_signal)

    def error(weight: float) -> float:
        mixed = mixed_gains(replace(cascade, prompt_weight=weight), by_signal, by_prompt)
        return float(((mixed - gained)[known] ** 2).mean())

    return replace(cascade, prompt_weight=min(_PROMPT_WEIGHTS, key=error))


def _rank_correlation(values: Array, scores: Array) -> float:
    """Spearman's, over the values that are known; 0 where one of the two never differs."""
    import numpy as np
    from scipy.stats import rankdata

    known = np.isfinite(values)
    ranks = [rankdata(each[known]) for each in (values, scores)]
    return float(np.corrcoef(ranks)[0, 1]) if all(np.ptp(each) for each in ranks) else 0.0


def _calibrated(outcomes: OutcomeMatrix, name: str, first: int, best: int, always: bool) -> Cascade:
    """The cascade whose quality of either model is isotonic in the signal."""
    import numpy as np
    from sklearn.isotonic import IsotonicRegression

    values = outcomes.signals[name][:, first]
    right, then = outcomes.scores[:, first], outcomes.scores[:, best]
    known = np.isfinite(values)
    fitted = [
        IsotonicRegression(increasing=rises, out_of_bounds="clip").fit(values[known], scores[known])
        for scores, rises in ((right, True), (then, _rank_correlation(values, then) >= 0))
    ]
    knots = np.unique(np.concatenate([each.X_thresholds_ for each in fitted]).round(_DIGITS))
    right_at, then_at = (each.predict(knots) for each in fitted)
    return Cascade(
        outcomes.models[first],
        outcomes.models[best],
        name,
        tuple(knots.tolist()),
        tuple(right_at.round(_DIGITS).tolist()),
        tuple((then_at - right_at).round(_DIGITS).tolist()),
        always=always,
    )


def out_of_fold_gains(outcomes: OutcomeMatrix, name: str, first: int, best: int, seed: int) -> Array:
    """What the best model is expected to add to each prompt, by the signal, calibrated on other prompts; shape (n,)."""
    import numpy as np

    gains = np.full(len(outcomes), np.nan)
    for train, test in grouped_folds(outcomes.groups, _INNER, seed + 2):
        cascade = _calibrated(outcomes.at(train), name, first, best, always=True)
        gains[test] = signal_gains(cascade, outcomes.signals[name][test, first])
    return gains


def choices_by(
    plan: Plan, outcomes: OutcomeMatrix, estimates: Array, mean_costs: Array, by_signal: Array | None = None
) -> Array:
    """The column of each prompt by a plan, in `outcomes.with_cascade`; shape (n,).

    Args:
        mean_costs: of the models by the policy. by_signal: gains, in place of what the cascade reads off the signal.
    """
    import numpy as np

    cascade, names = plan.cascade, outcomes.models
    first, then = names.index(cascade.first), names.index(cascade.then)
    if by_signal is None:
        by_signal = signal_gains(cascade, outcomes.signals[cascade.signal][:, first])
    begun = np.full(len(outcomes), first)
    if not cascade.always:
        begun = prefer_by_estimates(estimates, mean_costs, plan.cost_weight)
    by_prompt = estimates[:, then] - estimates[:, first]
    return gone_up(cascade, begun, first, outcomes.singles, by_signal, by_prompt)


def frontier(
    outcomes: OutcomeMatrix, estimates: Array, cascade: Cascade, weights: Sequence[float], seed: int
) -> tuple[list[Plan], Curve]:
    """Plans from the dearest to the cheapest, and what each gives by calibrations that have not seen the prompt.

    Row k of the curve belongs to plan k, its choices are columns of `outcomes.with_cascade`.
    """
    import numpy as np

    first, then = outcomes.models.index(cascade.first), outcomes.models.index(cascade.then)
    gains = out_of_fold_gains(outcomes, cascade.signal, first, then, seed)
    plans = list(_plans(cascade, gains, estimates[:, then] - estimates[:, first], weights))
    paid = outcomes.with_cascade(first, then)
    choices = np.stack([choices_by(plan, outcomes, estimates, outcomes.mean_costs, gains) for plan in plans])
    rows = np.arange(len(outcomes))
    order = np.argsort(-paid.costs[rows, choices].mean(1), kind="stable")
    plans, choices = [plans[i] for i in order], choices[order]
    quality = paid.scores[rows, choices]
    curve = Curve(
        weights=np.arange(len(plans), dtype=float),
        costs=paid.costs[rows, choices].mean(1),
        qualities=quality.mean(1),
        errors=quality.std(1) / np.sqrt(len(outcomes)),
        choices=choices,
    )
    return plans, curve


def _plans(cascade: Cascade, gains: Array, by_prompt: Array, weights: Sequence[float]) -> Iterator[Plan]:
    import numpy as np

    mixed = mixed_gains(cascade, gains, by_prompt)
    steps = np.unique(np.nanquantile(mixed, np.linspace(0, 1, _GAINS)).round(_DIGITS))
    for least in (_EVER, *steps.tolist(), _NEVER):
        for weight in weights[-1:] if cascade.always else weights:
            yield Plan(replace(cascade, least_gain=least), weight)


def fit_plan(outcomes: OutcomeMatrix, estimates: Array, first: int, always: bool, within: float, seed: int) -> Plan:
    """The plan of least cost that loses at most `within` of the best model's mean score, by a one-sided bound.

    Where none keeps it, the one that loses least by it.
    """
    import numpy as np

    plans, curve = plans_from(outcomes, estimates, first, always, seed)
    lost = losses(curve, outcomes.with_cascade(first, outcomes.models.index(plans[0].cascade.then)))
    bounds = mean_bound(lost, outcomes.groups, CHOICE)  # of so many plans the luckiest is chosen
    kept = np.flatnonzero(bounds <= within + 1e-12)
    return plans[int(kept[np.argmin(curve.costs[kept])] if len(kept) else np.argmin(bounds))]


def plans_from(
    outcomes: OutcomeMatrix, estimates: Array, first: int, always: bool, seed: int
) -> tuple[list[Plan], Curve]:
    """The `frontier` of cascades from one model."""
    import numpy as np

    cascade = fit_cascade(outcomes, estimates, first, always, seed)
    weights = switching_weights(estimates, outcomes.mean_costs)
    tried = np.unique(np.linspace(0, len(weights) - 1, _WEIGHTS).round().astype(int))
    return frontier(outcomes, estimates, cascade, weights[tried].tolist(), seed)


def cross_fitted_plan_choices(
    outcomes: OutcomeMatrix,
    estimates: Array,
    folds: Sequence[tuple[Array, Array]],
    first: int,
    always: bool,
    within: float,
    seed: int,
) -> Array:
    """The column of each prompt in `outcomes.with_cascade`, by a plan fitted on the other folds; shape (n,)."""
    import numpy as np

    choices = np.empty(len(outcomes), int)
    for train, test in folds:
        fitted = outcomes.at(train)
        plan = fit_plan(fitted, estimates[train], first, always, within, seed)
        choices[test] = choices_by(plan, outcomes.at(test), estimates[test], fitted.mean_costs)
    return choices
