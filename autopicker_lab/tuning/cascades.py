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
from autopicker_lab.routing.cascade_rule import mixed_gains, signal_gains
from autopicker_lab.routing.rule import margins_of, prefer_by_estimates
from autopicker_lab.tuning.cascade_columns import checking_costs, with_columns_for
from autopicker_lab.tuning.choices import gone_up
from autopicker_lab.tuning.column_layout import CascadeColumns
from autopicker_lab.tuning.curve import Curve, switching_weights
from autopicker_lab.tuning.fitting import grouped_folds
from autopicker_lab.tuning.guard import guard_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from autopicker_lab.core import Guard
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
    """A cascade beside a cost weight and a guard: a policy's way to cascade, before it is a policy."""

    cascade: Cascade
    cost_weight: float
    guard: Guard | None = None


def first_models(outcomes: OutcomeMatrix) -> list[int]:
    """Columns of the models that may be asked before the best one: cheaper, and with signals."""

    costs, best = outcomes.mean_costs, outcomes.best
    return [k for k in range(outcomes.singles) if costs[k] < costs[best] and _signal_names(outcomes, k)]


def _signal_names(outcomes: OutcomeMatrix, column: int) -> list[str]:
    """The signals that nearly all answers of a model have."""
    import numpy as np

    signals = outcomes.signals.items()
    return [name for name, values in signals if np.isfinite(values[:, column]).mean() >= _COVERED]


def signals_to_try(outcomes: OutcomeMatrix, first: int) -> list[str]:
    """Of those that cost nothing, the one that ranks a model's answers best; and one that costs and ranks better."""
    names = _signal_names(outcomes, first)
    right = outcomes.scores[:, first]
    ranked = sorted(names, key=lambda name: -_rank_correlation(outcomes.signals[name][:, first], right))
    free = [name for name in ranked if checking_costs(outcomes, name, first) is None]
    return ranked[:1] if ranked[:1] == free[:1] else ranked[:1] + free[:1]


def with_columns(outcomes: OutcomeMatrix, name: str, first: int) -> OutcomeMatrix:
    """With the columns of a cascade by a signal, always one for what is kept; see `with_columns_for`."""
    import numpy as np

    checking = checking_costs(outcomes, name, first)
    return with_columns_for(outcomes, first, outcomes.best, np.zeros(len(outcomes)) if checking is None else checking)


def fit_cascade(outcomes: OutcomeMatrix, estimates: Array, name: str, first: int, always: bool, seed: int) -> Cascade:
    """A calibrated cascade from one model to the best, by a signal; `least_gain` is open.

    Args:
        estimates: out of fold, shape (n, models).
    """
    import numpy as np

    best = outcomes.best
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
    """The column of each prompt by a plan, of those of `with_columns`; shape (n,).

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
        margins = None if plan.guard is None else margins_of(plan.guard, names[: outcomes.singles])
        begun = prefer_by_estimates(estimates, mean_costs, plan.cost_weight, margins)
    columns = CascadeColumns(first, then, outcomes.singles, outcomes.singles + 1)
    return gone_up(cascade, begun, columns, by_signal, estimates[:, then] - estimates[:, first])


def frontier(
    outcomes: OutcomeMatrix,
    estimates: Array,
    cascade: Cascade,
    weights: Sequence[float],
    guard: Guard | None,
    seed: int,
) -> tuple[list[Plan], Curve]:
    """Plans from the dearest to the cheapest, and what each gives by calibrations that have not seen the prompt.

    Row k of the curve belongs to plan k, its choices are columns of `with_columns`.
    """
    import numpy as np

    first, then = outcomes.models.index(cascade.first), outcomes.models.index(cascade.then)
    gains = out_of_fold_gains(outcomes, cascade.signal, first, then, seed)
    plans = list(_plans(cascade, gains, estimates[:, then] - estimates[:, first], weights, guard))
    paid = with_columns(outcomes, cascade.signal, first)
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


def _plans(
    cascade: Cascade, gains: Array, by_prompt: Array, weights: Sequence[float], guard: Guard | None
) -> Iterator[Plan]:
    import numpy as np

    mixed = mixed_gains(cascade, gains, by_prompt)
    steps = np.unique(np.nanquantile(mixed, np.linspace(0, 1, _GAINS)).round(_DIGITS))
    for least in (_EVER, *steps.tolist(), _NEVER):
        for weight in weights[-1:] if cascade.always else weights:
            yield Plan(replace(cascade, least_gain=least), weight, guard)


def plans_from(
    outcomes: OutcomeMatrix,
    estimates: Array,
    name: str,
    first: int,
    always: bool,
    guard_z: float | None,
    seed: int,
) -> tuple[list[Plan], Curve]:
    """The `frontier` of cascades from one model by one signal, beside a guard of so many standard errors, if any."""
    import numpy as np

    cascade = fit_cascade(outcomes, estimates, name, first, always, seed)
    guard = None if guard_z is None else guard_of(outcomes, estimates, guard_z)
    held_back = estimates if guard is None else estimates - np.array(margins_of(guard, outcomes.models))
    weights = switching_weights(held_back, outcomes.mean_costs)
    tried = np.unique(np.linspace(0, len(weights) - 1, _WEIGHTS).round().astype(int))
    return frontier(outcomes, estimates, cascade, weights[tried].tolist(), guard, seed)
