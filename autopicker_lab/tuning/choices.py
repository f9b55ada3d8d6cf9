"""The model that a policy gives each prompt of an outcomes table: by the router's own obstacles and the one rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.core import ModelSpec, ModelUnavailableError, gain_score
from autopicker_lab.routing import ANSWER_TOKENS, Requirements, choose
from autopicker_lab.routing.cascade_rule import goes_up_each, signal_gains
from autopicker_lab.routing.estimator import estimate_each
from autopicker_lab.routing.requirements import obstacle
from autopicker_lab.routing.rule import cascade_pair, prefer_each, with_added
from autopicker_lab.tuning.baselines import heuristic_scores
from autopicker_lab.tuning.cascade_columns import checking_costs, with_columns_for
from autopicker_lab.tuning.conversations import earlier_of, request_of
from autopicker_lab.tuning.matrix import USD

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.core import Cascade, RoutePolicy
    from autopicker_lab.tuning.column_layout import CascadeColumns
    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]

ANY_REQUEST = Requirements(0)  # the models of a table have answered each of its prompts


@dataclass(frozen=True, eq=False)
class RoutedOutcomes:
    """What a policy makes of each prompt of a table.

    Attributes:
        scores: routing scores, 0 to 100, shape (n,).
        estimates: of each model's quality, shape (n, models), a column of NaN for a model that the policy has no
            estimates of; None for a policy without estimates.
        choices: the model (column of `outcomes`) that it prefers, shape (n,).
        outcomes: the table, with a column of the policy's cascade, if any (see tuning.cascade_columns).
    """

    scores: Array
    estimates: Array | None
    choices: Array
    outcomes: OutcomeMatrix

    @property
    def paid(self) -> tuple[Array, Array]:
        """Score and cost of each prompt, each of shape (n,)."""
        return self.outcomes.routed(self.choices)


def route_outcomes(policy: RoutePolicy, outcomes: OutcomeMatrix) -> RoutedOutcomes:
    """Route each prompt over the models of the table, as the service would if these were its catalogue.

    Where the policy knows no quality of a model, the model's mean score stands in for the catalogue's prior.

    Raises:
        ModelUnavailableError: the policy's budget lets none of the models take a request.
    """
    import numpy as np

    outcomes = _with_cascade_of(policy, outcomes)
    if policy.estimator is None:
        scores = heuristic_scores(outcomes.prompts)
        return RoutedOutcomes(scores, None, choose_each(policy, outcomes, scores, None), outcomes)
    column = {model: i for i, model in enumerate(policy.estimator.models)}
    all_estimates = estimates_of(policy, outcomes)
    unknown = np.full(len(outcomes), np.nan)
    names = [outcomes.models[i] for i in outcomes.answerers]
    estimates = np.stack([all_estimates[:, column[m]] if m in column else unknown for m in names], axis=1)
    if policy.pair is None:
        scores = heuristic_scores(outcomes.prompts)
    else:
        weak, strong = (column[name] for name in policy.pair)
        scores = gain_score(all_estimates[:, strong] - all_estimates[:, weak])
    return RoutedOutcomes(scores, estimates, choose_each(policy, outcomes, scores, estimates), outcomes)


def estimates_of(policy: RoutePolicy, outcomes: OutcomeMatrix) -> Array:
    """Estimates of each prompt by a policy that has an estimator, its models as columns, shape (n, models)."""
    assert policy.estimator is not None
    estimates = estimate_each(policy.estimator, outcomes.questions)
    return with_added(policy.by_task, policy.estimator.models, estimates, outcomes.tasks.tolist())


def _with_cascade_of(policy: RoutePolicy, outcomes: OutcomeMatrix) -> OutcomeMatrix:
    """The table with the column of the policy's cascade, where that has one of its models."""
    cascade, names = policy.cascade, outcomes.models[: outcomes.singles]
    if cascade is None or not {cascade.first, cascade.then} <= set(names):
        return outcomes
    first = names.index(cascade.first)
    checking = checking_costs(outcomes, cascade.signal, first)
    return with_columns_for(outcomes, first, names.index(cascade.then), checking)


def unfamiliar_to(policy: RoutePolicy, outcomes: OutcomeMatrix) -> Array:
    """Whether the policy leaves a prompt's question to another than its estimates, shape (n,)."""
    import numpy as np

    return np.array([policy.is_unfamiliar(question) for question in outcomes.questions], bool)


def choose_each(
    policy: RoutePolicy,
    outcomes: OutcomeMatrix,
    scores: Array,
    estimates: Array | None,
    unfamiliar: Array | None = None,
) -> Array:
    """The model (column) of each prompt by the policy's rule, among those that its budget allows; shape (n,).

    Args:
        outcomes: with the column of the policy's cascade, where that has one.
        scores: routing scores, 0 to 100, shape (n,). estimates: shape (n, models), or None.
        unfamiliar: see unfamiliar_to, where it is known already.
    """
    import numpy as np

    specs = stand_in_specs(outcomes)[: outcomes.singles]
    prices = np.array([ANY_REQUEST.price_usd(spec, 0) for spec in specs])
    obstacles = [obstacle(spec, policy, ANY_REQUEST, price) for spec, price in zip(specs, prices.tolist(), strict=True)]
    able = np.array([i for i, why in enumerate(obstacles) if not why], int)
    if estimates is not None:
        unfamiliar = unfamiliar_to(policy, outcomes) if unfamiliar is None else unfamiliar
        estimates = np.where(unfamiliar[:, None], np.nan, estimates)
        if unfamiliar.any():
            scores = np.where(unfamiliar, heuristic_scores(outcomes.prompts), scores)
    if not len(able):
        raise ModelUnavailableError(f"no model can take the requests ({obstacles[0]})", "raise the policy's budget")
    qualities = np.array([policy.qualities.get(spec.id, spec.quality) for spec in specs])
    names = [specs[i].id for i in able.tolist()]
    estimates_of_able = None if estimates is None else estimates[:, able]
    chosen: Array = able[prefer_each(policy, scores, names, qualities[able], estimates_of_able, prices[able])]
    chosen = _held_to_earlier(policy, outcomes, specs, chosen)
    if outcomes.composite is None or cascade_pair(policy, names, prices[able].tolist()) is None:
        return chosen
    return _gone_up(policy, outcomes, chosen, qualities, estimates)


def _held_to_earlier(policy: RoutePolicy, outcomes: OutcomeMatrix, specs: Sequence[ModelSpec], chosen: Array) -> Array:
    """The choices, those of conversations by the router itself: they do not go below what earlier questions got."""
    column = {model: i for i, model in enumerate(outcomes.models)}
    for i in outcomes.conversations:
        request = request_of(outcomes.prompts[i])
        context: Any = {"question": request.question, "earlier": earlier_of(request), "task": outcomes.tasks[i]}
        chosen[i] = column[choose(score(request), specs, policy, ANY_REQUEST, **context).model]
    return chosen


def _gone_up(
    policy: RoutePolicy, outcomes: OutcomeMatrix, chosen: Array, qualities: Array, estimates: Array | None
) -> Array:
    """The choices where answers of a cascade's first model that are not kept have the column of the cascade."""
    import numpy as np

    assert policy.cascade is not None
    assert outcomes.composite is not None
    expected = [
        qualities[k] if estimates is None else np.where(np.isnan(estimates[:, k]), qualities[k], estimates[:, k])
        for k in outcomes.composite[:2]
    ]
    first = outcomes.composite.first
    signals = outcomes.signals.get(policy.cascade.signal)
    values = np.full(len(outcomes), np.nan) if signals is None else signals[:, first]
    by_prompt = np.broadcast_to(expected[1] - expected[0], len(outcomes))
    by_signal = signal_gains(policy.cascade, values)
    return gone_up(policy.cascade, chosen, outcomes.composite, by_signal, by_prompt)


def gone_up(cascade: Cascade, begun: Array, columns: CascadeColumns, by_signal: Array, by_prompt: Array) -> Array:
    """The columns `begun`, those of the first model as the cascade's: kept, or gone up; shape (n,)."""
    import numpy as np

    held = np.where(goes_up_each(cascade, by_signal, by_prompt), columns.up, columns.kept)
    chosen: Array = np.where(begun == columns.first, held, begun)
    return chosen


def stand_in_specs(outcomes: OutcomeMatrix) -> list[ModelSpec]:
    """Models of a catalogue for those of a table: their mean quality, and a price that gives their mean cost."""
    usd = 1e6 / ANSWER_TOKENS if outcomes.cost_unit == USD else 1.0
    return [
        ModelSpec(name, "local", context_window=2**31, quality=quality, price_out=cost * usd)
        for name, quality, cost in zip(
            outcomes.models, outcomes.mean_scores.tolist(), outcomes.mean_costs.tolist(), strict=True
        )
    ]
