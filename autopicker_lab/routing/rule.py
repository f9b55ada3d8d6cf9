"""The rule: which of the models that can take a request a policy prefers, for one request and over arrays.

Every room decides by this file: the service and notebooks through `prefer`, one request at a time; `evaluate`, the
release gate, cost-quality curves, sliders and what-if through `prefer_each`, many at a time. Both forms give the same
model for the same figures (a property test holds them together), and both know one notion of cost:

    The cost of a model is what a call of it is expected to cost. That is the policy's own figure, measured on its
    outcomes, in its `cost_unit`, where the policy has one for every model that is compared; else, for all of them, the
    price of the request by the catalogue, in USD. The model that a conversation was with saves what its server has in
    its cache (see routing.earlier): any other would read it anew. (`max_cost_usd` is a limit and compares nothing: it
    is held against the catalogue's price, by the router, before the rule is asked.)

By estimates: the greatest estimated quality minus the policy's cost weight times the cost; of equals the cheapest;
where the policy has a guard and its incumbent can take the request, any other model must be worth more than the
incumbent by its margin (`Guard.margin`). On a question unlike all that was fitted there are no estimates: a policy
whose `unfamiliar` is the incumbent keeps that, where it can take the request; else tiers decide. By tiers: the cheapest
model whose mean quality reaches what the policy wants at this score, of equals the weakest; the best where none
reaches it.

A cascade begins where this prefers its first model, or `always`, if both of its models can take the request within the
policy's budget; whether its answer is kept, routing.cascade_rule says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.routing.signals import judge_of, samples_wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from autopicker_lab.core import Guard, RoutePolicy

    Array = np.ndarray[Any, Any]


class Option(NamedTuple):
    """A model beside one request, as the rule compares it.

    Attributes:
        name: what the policy calls it.
        quality: its mean quality, 0 to 1.
        estimate: of its quality on this request; None where the policy has no estimate of it.
        price_usd: of this request, by the catalogue.
        id: of the model in the catalogue.
        obstacle: why it cannot take the request, "" where it can; the rule is asked about those that can.
        cached_usd: what it saves on the part of a conversation that its server has in its cache.
    """

    name: str
    quality: float
    estimate: float | None
    price_usd: float
    id: str = ""
    obstacle: str = ""
    cached_usd: float = 0.0

    @property
    def expected_quality(self) -> float:
        """Estimated for this request where the policy can, else the mean."""
        return self.quality if self.estimate is None else self.estimate


class Preference(NamedTuple):
    """The position of the option that the rule prefers.

    Attributes:
        wanted: the quality that the tiers asked for; None where estimates decided.
    """

    position: int
    wanted: float | None


def prefer(policy: RoutePolicy, score: float, options: Sequence[Option]) -> Preference:
    """The preferred one of at least one option, for a request of this routing score (0 to 100)."""
    if policy.cascade is not None and policy.cascade.always:
        pair = cascade_pair(policy, [option.name for option in options], [option.price_usd for option in options])
        if pair is not None:
            return Preference(pair[0], None)
    if policy.estimator is not None and not policy.by_tiers:
        known = [i for i, option in enumerate(options) if option.estimate is not None]
        if known:
            several = [options[i] for i in known]
            return Preference(known[_by_estimates(policy, several)], None)
        kept = _kept(policy, [option.name for option in options])
        if kept is not None:
            return Preference(kept, None)
    wanted = policy.wanted_quality(score)
    return Preference(_by_tiers(wanted, options, _costs(policy, options)), wanted)


def _kept(policy: RoutePolicy, names: Sequence[str]) -> int | None:
    """The position of the model that is kept on a question without estimates; None where tiers decide."""
    keeps = policy.unfamiliar == "incumbent" and policy.incumbent in names
    return names.index(policy.incumbent) if keeps and policy.incumbent is not None else None


def _costs(policy: RoutePolicy, options: Sequence[Option]) -> list[float]:
    known = policy.costs
    costs = [known[option.name] for option in options if option.name in known] if known else []
    if len(costs) < len(options):
        return [option.price_usd - option.cached_usd for option in options]
    if policy.cost_unit != "usd":
        return costs
    return [cost - option.cached_usd for cost, option in zip(costs, options, strict=True)]


def _by_estimates(policy: RoutePolicy, options: Sequence[Option]) -> int:
    margins = None if policy.guard is None else margins_of(policy.guard, [option.name for option in options])
    return prefer_unguarded(policy, options, margins)


def prefer_unguarded(policy: RoutePolicy, options: Sequence[Option], margins: Sequence[float] | None = None) -> int:
    """The position that estimates prefer, of options that have them; margins are those of a guard."""
    costs = _costs(policy, options)
    worth = [(option.estimate or 0.0) - policy.cost_weight * cost for option, cost in zip(options, costs, strict=True)]
    if margins is not None:
        worth = [value - margin for value, margin in zip(worth, margins, strict=True)]
    return max(range(len(worth)), key=lambda i: (worth[i], -costs[i]))


def margins_of(guard: Guard, names: Sequence[str]) -> list[float] | None:
    """What each model must be worth more than the incumbent; None where the incumbent is not among them."""
    return [guard.margin(name) for name in names] if guard.incumbent in names else None


def _by_tiers(wanted: float, options: Sequence[Option], costs: Sequence[float]) -> int:
    enough = [(costs[i], option.quality, i) for i, option in enumerate(options) if option.quality >= wanted]
    if enough:
        return min(enough)[2]
    return max(range(len(options)), key=lambda i: options[i].quality)


def prefer_each(
    policy: RoutePolicy,
    scores: Array,
    names: Sequence[str],
    qualities: Array,
    estimates: Array | None,
    prices_usd: Array,
) -> Array:
    """The column of the preferred model for each of n requests, all of which each of the models can take; shape (n,).

    Args:
        scores: routing scores, 0 to 100, shape (n,).
        names: what the policy calls the models, as many as there are columns.
        qualities: mean quality of each model, shape (models,).
        estimates: of each model's quality on each request, shape (n, models), a column of NaN for a model that the
            policy has no estimates of, a row of NaN for a question unlike all that was fitted; None where it has none.
        prices_usd: of a request by the catalogue, shape (models,).
    """
    import numpy as np

    if policy.cascade is not None and policy.cascade.always:
        pair = cascade_pair(policy, names, prices_usd.tolist())
        if pair is not None:
            return np.full(len(scores), pair[0])
    if policy.estimator is not None and not policy.by_tiers:
        if estimates is None:
            return _without_estimates(policy, scores, names, qualities, prices_usd)
        familiar = ~np.isnan(estimates).all(1)
        chosen = _without_estimates(policy, scores, names, qualities, prices_usd)
        known = np.flatnonzero(~np.isnan(estimates[familiar]).any(0))
        if familiar.any() and len(known):
            some = [names[i] for i in known.tolist()]
            costs = costs_of(policy, some, prices_usd[known])
            margins = None if policy.guard is None else margins_of(policy.guard, some)
            by_estimates = prefer_by_estimates(estimates[np.ix_(familiar, known)], costs, policy.cost_weight, margins)
            chosen[familiar] = known[by_estimates]
        return chosen
    return prefer_by_tiers(wanted_qualities(policy, scores), qualities, costs_of(policy, names, prices_usd))


def _without_estimates(
    policy: RoutePolicy, scores: Array, names: Sequence[str], qualities: Array, prices_usd: Array
) -> Array:
    """The column for each request if it is unlike all that was fitted, shape (n,)."""
    import numpy as np

    kept = _kept(policy, names)
    if kept is not None:
        return np.full(len(scores), kept)
    return prefer_by_tiers(wanted_qualities(policy, scores), qualities, costs_of(policy, names, prices_usd))


def cascade_pair(policy: RoutePolicy, names: Sequence[str], prices_usd: Sequence[float]) -> tuple[int, int] | None:
    """Positions of the first and the second model of the policy's cascade.

    None where one of them is not there, or where both together, with what the signal costs, are more than the policy
    allows.
    """
    cascade = policy.cascade
    if cascade is None or cascade.first not in names or cascade.then not in names:
        return None
    first, then = names.index(cascade.first), names.index(cascade.then)
    if policy.max_cost_usd is not None:
        judge = judge_of(cascade.signal)
        judging = prices_usd[names.index(judge)] if judge in names else 0.0
        first_usd = prices_usd[first] * (1 + samples_wanted(cascade.signal))
        if first_usd + judging + prices_usd[then] > policy.max_cost_usd:
            return None
    return first, then


def costs_of(policy: RoutePolicy, names: Sequence[str], prices_usd: Array) -> Array:
    """The cost of each model by this module's one notion of it, shape (models,)."""
    import numpy as np

    if policy.costs and all(name in policy.costs for name in names):
        return np.array([policy.costs[name] for name in names])
    return prices_usd


def prefer_by_estimates(
    estimates: Array, costs: Array, cost_weight: float, margins: Sequence[float] | None = None
) -> Array:
    """Column of the model with the greatest estimate minus `cost_weight` times its cost; the cheapest among equals.

    Shapes: estimates (n, models), costs and margins (models,), result (n,). Margins are those of a guard.
    """
    import numpy as np

    order = np.argsort(costs, kind="stable")
    worth = estimates[:, order] - cost_weight * costs[order]
    if margins is not None:
        worth -= np.asarray(margins, float)[order]
    chosen: Array = order[np.argmax(worth, axis=1)]
    return chosen


def with_added(
    by_task: Mapping[str, Mapping[str, float]], names: Sequence[str], estimates: Array, tasks: Sequence[str]
) -> Array:
    """Estimates as `RoutePolicy.estimates` has them of requests that tell their tasks, shape (n, models).

    Args:
        names: of the models, one a column. estimates: without what the tasks add. tasks: one a row.
    """
    import numpy as np

    if not by_task:
        return estimates
    added = {task: [row.get(name, 0.0) for name in names] for task, row in by_task.items()}
    nothing = [0.0] * len(names)
    shifted: Array = estimates + np.array([added.get(task, nothing) for task in tasks]).reshape(estimates.shape)
    told = np.array([task in added for task in tasks], bool)
    return np.where(told[:, None], shifted.clip(0.0, 1.0), estimates)


def prefer_by_tiers(wanted: Array, qualities: Array, costs: Array) -> Array:
    """Column of the cheapest model whose quality is at least the `wanted` one, the best model where none's is.

    Shapes: wanted (n,), qualities and costs (models,), result (n,).
    """
    import numpy as np

    order = np.lexsort((qualities, costs))
    reaches = qualities[order][None, :] >= wanted[:, None]
    chosen: Array = np.where(reaches.any(1), order[reaches.argmax(1)], int(np.argmax(qualities)))
    return chosen


def wanted_qualities(policy: RoutePolicy, scores: Array) -> Array:
    """`RoutePolicy.wanted_quality` of each score, shape (n,)."""
    import numpy as np

    wanted = np.full(len(scores), -np.inf)
    for tier in policy.tiers:
        wanted = np.where(scores >= tier.min_score, np.maximum(wanted, tier.min_quality), wanted)
    return np.where(np.isneginf(wanted), 0.0, wanted)
