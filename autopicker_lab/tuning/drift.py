"""Whether live requests still look like those that a policy was fitted on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Tier
from autopicker_lab.routing import as_policy
from autopicker_lab.tuning.metrics import psi

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

    from autopicker_lab.core import RoutePolicy

    Array = np.ndarray[Any, Any]

ENOUGH = 500  # of fewer, chance alone moves the index by some hundredths
_STABLE, _CHANGED = 0.1, 0.25


class DriftState(Enum):
    """How live requests stand to those that a policy was fitted on."""

    NOT_FITTED = "the policy was not fitted on data: nothing to drift from"
    TOO_FEW = "too few routed requests yet"
    STABLE = "stable"
    SHIFTING = "shifting"
    CHANGED = "changed"


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
    """

    policy: str
    n: int
    psi: float | None
    shares: tuple[float, ...]
    state: DriftState
    promised: bool = False
    on_drift: str = "keep"

    @property
    def verdict(self) -> str:
        """What to do, in words."""
        if self.state is DriftState.NOT_FITTED:
            return str(self.state.value)
        if self.state is DriftState.TOO_FEW:
            return f"{self.state.value}: {self.n} of {ENOUGH}"
        index = f"{self.state.value} (PSI {self.psi:.2f})"
        if self.state is DriftState.SHIFTING:
            return f"{index}: watch it, and collect outcomes of recent requests"
        if self.state is DriftState.CHANGED:
            withdrawn = ", and what the policy promised no longer holds" if self.promised else ""
            done = ", all requests go to its best single model" if self.on_drift == "incumbent" else ""
            return f"{index}{withdrawn}{done}: collect outcomes of recent requests and tune again"
        return index

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


def measure_drift(policy: RoutePolicy | str | Path, scores: Sequence[float]) -> Drift:
    """Compare live routing scores with the distribution that the policy was fitted on (see metrics.psi).

    Args:
        policy: or the path of its file.
    """
    import numpy as np

    n, policy = len(scores), as_policy(policy)
    words = bool(policy.promise.get("feasible")), policy.on_drift
    if not policy.shares:
        return Drift(policy.id, n, None, (), DriftState.NOT_FITTED, *words)
    if n < ENOUGH:
        return Drift(policy.id, n, None, (), DriftState.TOO_FEW, *words)
    observed = shares_between(policy.edges, scores)
    index = psi(np.asarray(policy.shares), observed)
    state = DriftState.STABLE if index < _STABLE else DriftState.SHIFTING if index < _CHANGED else DriftState.CHANGED
    return Drift(policy.id, n, index, tuple(observed.round(4).tolist()), state, *words)


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
