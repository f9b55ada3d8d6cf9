"""Whether live requests still look like those that a policy was fitted on: their routing scores, and what is in them.

What a policy was fitted on is a sample, and so are live requests: an index that two samples of the same requests may
reach by chance is no drift. Under none it is about a chi-square of so many degrees of freedom as there are parts but
one, times the sum of one over each size (Yurdakul and Naranjo, "Statistical properties of the population stability
index", Journal of Risk Model Validation 14, 2020). Repeated requests count less (Kish, "Survey Sampling", 1965).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from enum import Enum
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity.features import measure
from autopicker_lab.core import Complexity, InvalidRequestError, Tier
from autopicker_lab.routing import as_policy
from autopicker_lab.tuning.conversations import question_of
from autopicker_lab.tuning.metrics import psi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from autopicker_lab.core import RoutePolicy

    Array = np.ndarray[Any, Any]

ENOUGH = 500  # of fewer, chance alone moves the index by some hundredths
_STABLE, _CHANGED = 0.1, 0.25
_BY_CHANCE = 0.01  # of requests that have not drifted, how often any of the indices may speak
_NAMED = 3  # features in a verdict
IS_UNFAMILIAR = "unfamiliar"  # 1 of a question that no estimate decided on, see tuning.novelty
_MIXTURES = 11  # shares of requests that the fit has seen, from none to all
FEATURES: Mapping[str, str] = {  # of a question, see complexity.features: what they are called
    "tokens": "length",
    "lines": "lines",
    "word_length": "length of words",
    "code": "words of code",
    "marks_code": "marks of code",
    "mathematics": "words of mathematics",
    "digits": "digits",
    "constraints": "conditions",
    "questions": "question words",
    "foreign": "letters beyond ASCII",
}
_CALLED = {**FEATURES, IS_UNFAMILIAR: "requests unlike all that was fitted"}


class DriftState(Enum):
    """How live requests stand to those that a policy was fitted on."""

    NOT_FITTED = "the policy was not fitted on data: nothing to drift from"
    TOO_FEW = "too few routed requests yet"
    STABLE = "stable"
    SHIFTING = "shifting"
    CHANGED = "changed"


@dataclass(frozen=True)
class Moved:
    """A feature of requests that has moved: its index, and whether there is more of it now."""

    feature: str
    psi: float
    more: bool

    def __str__(self) -> str:
        return f"{'more' if self.more else 'less'} {_CALLED.get(self.feature, self.feature)} (PSI {self.psi:.2f})"


@dataclass(frozen=True)
class Drift:
    """How far live requests have drifted from those that a policy was fitted on.

    Attributes:
        n: routed requests.
        psi: population stability index of the routing scores over the deciles of the policy; None for too few, or for
            a policy that knows no distribution.
        shares: of the requests in each part of the policy's own distribution.
        promised: the policy promised something of its losses, see tuning.promise.
        on_drift: what the policy wants done about it.
        by_chance: what the index of requests that have not drifted may reach; None where it is not known.
        moved: features of the requests that differ by more than chance, the furthest first.
        unfamiliar: share of the requests that are unlike all that was fitted, so that estimates do not decide; None
            where it is not known.
    """

    policy: str
    n: int
    psi: float | None
    shares: tuple[float, ...]
    state: DriftState
    promised: bool = False
    on_drift: str = "keep"
    by_chance: float | None = None
    moved: tuple[Moved, ...] = ()
    unfamiliar: float | None = None

    @property
    def verdict(self) -> str:
        """What moved and what to do, in words."""
        if self.state is DriftState.NOT_FITTED:
            return str(self.state.value)
        if self.state is DriftState.TOO_FEW:
            return f"{self.state.value}: {self.n} of {ENOUGH}"
        index = f"{self.state.value} (PSI {self.psi:.2f})"
        if self.state is DriftState.STABLE:
            return index
        index += f": {', '.join(map(str, self.moved[:_NAMED]))}" if self.moved else ""
        if self.state is DriftState.SHIFTING:
            return f"{index}: watch it, and collect outcomes of recent requests"
        withdrawn = ", and what the policy promised no longer holds" if self.promised else ""
        done = ", all requests go to its best single model" if self.on_drift == "incumbent" else ""
        return f"{index}{withdrawn}{done}: collect outcomes of recent requests and tune again"

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: the fields, the state by name, and the verdict in words."""
        return asdict(self) | {"state": self.state.name.lower(), "verdict": self.verdict}


def decile_shares(scores: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A policy's edges and shares: where deciles cut `scores`, without repeats, and the share in each part."""
    import numpy as np

    deciles = np.unique(np.quantile(scores, np.linspace(0.1, 0.9, 9)).round(6))
    edges: list[float] = deciles.tolist()
    return tuple(edges), tuple(shares_between(edges, scores).tolist())


def shares_between(edges: Sequence[float], scores: Sequence[float]) -> Array:
    """Share of `scores` in each of the len(edges) + 1 parts between `edges`."""
    import numpy as np

    counts = np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)
    shares: Array = counts / len(scores)
    return shares


def measure_drift(
    policy: RoutePolicy | str | Path,
    requests: Sequence[float] | Sequence[str],
    features: Sequence[Mapping[str, float]] = (),
) -> Drift:
    """Compare live requests with those that a policy was fitted on (see metrics.psi).

    Args:
        policy: or the path of its file.
        requests: their routing scores, or the prompts themselves, which are scored and whose features are counted.
        features: of requests that are given as scores, as complexity.features counts them, where they are known.
    """
    n, policy = len(requests), as_policy(policy)
    words = bool(policy.promise.get("feasible")), policy.on_drift
    if not policy.shares:
        return Drift(policy.id, n, None, (), DriftState.NOT_FITTED, *words)
    if n < ENOUGH:
        return Drift(policy.id, n, None, (), DriftState.TOO_FEW, *words)
    scores, features = _measured(policy, requests, features)
    observed = shares_between(policy.edges, scores)
    known = _known(policy) if len(features) >= ENOUGH else {}
    looks, different = 1 + len(known), _different(scores)
    index, chance = _index(policy, observed), _chance(policy, policy.shares, different, looks)
    states = [_state(index, chance)]
    moved = []
    for name, part in known.items():
        values = [row.get(name, 0.0) for row in features]
        found = shares_between(part["edges"], values)
        of_feature = psi(_array(part["shares"]), found)
        states.append(_state(of_feature, _chance(policy, part["shares"], different, looks)))
        if states[-1] is not DriftState.STABLE:
            moved.append(Moved(name, round(of_feature, 4), _centre(found) > _centre(_array(part["shares"]))))
    return Drift(
        policy.id,
        n,
        index,
        tuple(observed.round(4).tolist()),
        max(states, key=list(DriftState).index),
        *words,
        chance,
        tuple(sorted(moved, key=lambda each: -each.psi)),
        sum(row.get(IS_UNFAMILIAR, 0.0) for row in features) / len(features) if IS_UNFAMILIAR in known else None,
    )


def _known(policy: RoutePolicy) -> Mapping[str, Any]:
    """Edges and shares of the features that a policy decides by."""
    known: Mapping[str, Any] = policy.reference.get("features", {})
    return known if policy.doubts else {name: part for name, part in known.items() if name != IS_UNFAMILIAR}


def _measured(
    policy: RoutePolicy, requests: Sequence[Any], features: Sequence[Mapping[str, float]]
) -> tuple[list[float], Sequence[Mapping[str, float]]]:
    """Routing scores and features of requests that are given as scores or as prompts."""
    if not isinstance(requests[0], str):
        return [float(score) for score in requests], features
    if policy.estimator is None:
        raise InvalidRequestError("a policy without estimates scores no bare prompts", "give routing scores")
    questions = [question_of(prompt) for prompt in requests]
    counted = [measure(question) | {IS_UNFAMILIAR: float(policy.is_unfamiliar(question))} for question in questions]
    scores = []
    for question, row in zip(questions, counted, strict=True):
        complexity = Complexity((), 0, row)
        scores.append(policy.routing_score(complexity, policy.estimates(question, complexity)))
    return scores, counted


def _index(policy: RoutePolicy, observed: Array) -> float:
    """PSI of routing scores: the least over how many of the requests the fit may have seen."""
    expected, seen = _array(policy.shares), policy.reference.get("seen")
    if seen is None:
        return psi(expected, observed)
    shares = [i / (_MIXTURES - 1) for i in range(_MIXTURES)]
    return min(psi((1 - share) * expected + share * _array(seen), observed) for share in shares)


def _different(scores: Sequence[float]) -> float:
    """How many different requests tell as much as these; a tenth of them at least: a flood of one is a change."""
    times = Counter(scores).values()
    return max(len(scores) ** 2 / sum(count**2 for count in times), len(scores) / 10)


def _chance(policy: RoutePolicy, shares: Sequence[float], different: float, looks: int) -> float | None:
    """What the index of requests like those that were fitted stays below, in 99 of 100 times of so many looks."""
    prompts = policy.reference.get("prompts")
    if not prompts:
        return None
    freedom = max(sum(share > 0 for share in shares) - 1, 1)
    sizes = 1 / different + 1 / prompts
    return float(_chi_square(1 - _BY_CHANCE / looks, freedom) * sizes)


def _chi_square(level: float, freedom: int) -> float:
    """The quantile of a chi-square distribution (Wilson and Hilferty, 1931, https://doi.org/10.1073/pnas.17.12.684)."""
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + NormalDist().inv_cdf(level) * spread**0.5) ** 3)


def _state(index: float, chance: float | None) -> DriftState:
    if index < max(_STABLE, chance or 0.0):
        return DriftState.STABLE
    return DriftState.SHIFTING if index < _CHANGED else DriftState.CHANGED


def _array(values: Sequence[float]) -> Array:
    import numpy as np

    return np.asarray(values, float)


def _centre(shares: Array) -> float:
    """The mean part, counted from 0."""
    return float(shares @ range(len(shares)))


def after_drift(policy: RoutePolicy, drift: Drift) -> RoutePolicy:
    """What a service routes by, given how far its requests have drifted.

    Past the alarm that is the policy without its promise or, as its `on_drift` says, its best single model for all.
    """
    if drift.state is not DriftState.CHANGED:
        return policy
    if policy.on_drift == "incumbent" and policy.guard is not None and not policy.by_tiers:
        never_left = replace(policy.guard, errors={})
        return replace(policy, name=f"{policy.name}-incumbent", guard=never_left, promise={})
    if policy.on_drift == "incumbent":
        always_best = (Tier(0.0, 1.0),)
        name = f"{policy.name}-incumbent"
        return replace(policy, name=name, tiers=always_best, by_tiers=True, promise={}, cascade=None)
    return replace(policy, promise={})
