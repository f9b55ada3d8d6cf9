"""What each way of answering gives, in the order in which a person decides: share, quality, cost, time; by task."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.routing.rule import prefer_by_estimates
from autopicker_lab.tuning.baseline import ALWAYS, ORACLE, POLICY, SAME_SHARES
from autopicker_lab.tuning.clusters import clustered_error, quantile
from autopicker_lab.tuning.dealing import shares_of
from autopicker_lab.tuning.metrics import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class WayRow:
    """One way of answering all prompts: the policy, one model, or what they are compared with.

    Attributes:
        name: as in the report's `rows`.
        share: of the requests that the policy gives this model; None for what is no single model.
        quality: mean score. cost_per_1000: in the report's unit of cost. seconds: of an answer; None where unknown.
    """

    name: str
    share: Interval | None
    quality: Interval | None
    cost_per_1000: Interval | None
    seconds: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class PartRow:
    """The policy against the best single model on some of the prompts: of one task, say.

    Attributes:
        n: prompts. share: of them that go to the best single model.
        best, routed: mean scores of that model, and of the policy; `change` is their difference.
        saved: share of that model's cost that the policy saves; None where it costs nothing.
    """

    name: str
    n: int
    share: float
    best: float
    routed: float
    change: Interval
    saved: float | None

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self)


def mean_interval(values: Array, groups: Array, low: float = -1.0) -> Interval:
    """Mean of a value a prompt, with its 95 % interval by groups of alike prompts, not below `low`.

    Of one group, from the least to the greatest value: nothing else is known.
    """
    mean, error = float(values.mean()), float(clustered_error(values[None, :], groups)[0])
    if not math.isfinite(error):
        return Interval(mean, float(values.min()), float(values.max()))
    half = quantile(0.975, groups) * error
    return Interval(mean, max(mean - half, low), mean + half)


def share_interval(share: float, n: int) -> Interval:
    """A share with its 95 % interval by Wilson's score, which has a width also at 0 and 1.

    Wilson (1927), https://doi.org/10.1080/01621459.1927.10502953.
    """
    z = 1.96
    centre, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((centre + side * half) / (1 + z * z / n) for side in (-1, 1))
    return Interval(share, max(low, 0.0), min(high, 1.0))


def way_rows(outcomes: OutcomeMatrix, routed: Array | None, qualities: Mapping[str, Interval | None]) -> list[WayRow]:
    """A row a way of answering, in the order of `qualities`; those that choose no models are left out.

    Args:
        routed: how often the policy gives each prompt each model, shape (n, models): 0 or 1 of one fit, shares of
            several; None where it chooses none. qualities: of the ways, by name.
    """
    rows = []
    for name, weights in _weights(outcomes, routed, qualities):
        cost = mean_interval(1000 * _each(outcomes, weights, outcomes.costs), outcomes.groups, 0.0)
        seconds = None
        if outcomes.seconds is not None:
            seconds = mean_interval(_each(outcomes, weights, outcomes.seconds), outcomes.groups, 0.0)
        rows.append(WayRow(name, _share(outcomes, routed, name), qualities[name], cost, seconds))
    return rows


def part_rows(outcomes: OutcomeMatrix, routed: Array | None, labels: Array) -> list[PartRow]:
    """A row for each label of prompts, shape (n,), the most frequent first; none for one label, or without choices."""
    import numpy as np

    names, counts = np.unique(labels.astype(str), return_counts=True)
    if routed is None or len(names) < 2:
        return []
    best = outcomes.best
    score, cost = _each(outcomes, routed, outcomes.scores), _each(outcomes, routed, outcomes.costs)
    rows = []
    for i in np.argsort(-counts, kind="stable"):
        at = labels == names[i]
        alone, usual = outcomes.scores[at, best], float(outcomes.costs[at, best].mean())
        rows.append(
            PartRow(
                str(names[i]),
                int(counts[i]),
                float(_answered_by(best, outcomes, routed)[at].mean()),
                float(alone.mean()),
                float(score[at].mean()),
                mean_interval(score[at] - alone, outcomes.groups[at]),
                1 - float(cost[at].mean()) / usual if usual else None,
            )
        )
    return rows


def routed_by(choices: Array | None, models: int) -> Array | None:
    """`shares_of` choices; None where there are none."""
    return None if choices is None else shares_of(choices, models)


def _weights(outcomes: OutcomeMatrix, routed: Array | None, names: Iterable[str]) -> Iterator[tuple[str, Array]]:
    """How often each prompt is given each model, shape (n, models) or (models,), by the row's name."""
    import numpy as np

    columns = np.eye(len(outcomes.models))
    for name in names:
        if name.startswith(ALWAYS):
            yield name, columns[outcomes.models.index(name.removeprefix(ALWAYS))]
        elif name == ORACLE:
            yield name, columns[prefer_by_estimates(outcomes.scores, outcomes.mean_costs, 0.0)]
        elif routed is not None and name == POLICY:
            yield name, routed
        elif routed is not None and name == SAME_SHARES:
            yield name, routed.mean(0)


def _each(outcomes: OutcomeMatrix, weights: Array, values: Array) -> Array:
    """Of each prompt what is to be expected of a value (n, models), shape (n,)."""
    import numpy as np

    each: Array = (np.broadcast_to(weights, outcomes.scores.shape) * values).sum(1)
    return each


def _share(outcomes: OutcomeMatrix, routed: Array | None, name: str) -> Interval | None:
    if routed is None or not name.startswith(ALWAYS):
        return None
    model = outcomes.models.index(name.removeprefix(ALWAYS))
    return share_interval(float(_answered_by(model, outcomes, routed).mean()), outcomes.different)


def _answered_by(model: int, outcomes: OutcomeMatrix, routed: Array) -> Array:
    """How often a model answers each prompt, in a cascade or alone, shape (n,)."""
    columns = [column for column, answerer in enumerate(outcomes.answerers) if answerer == model]
    answered: Array = routed[:, columns].sum(1)
    return answered
