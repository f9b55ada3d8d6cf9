"""Whether live requests still look like those that a policy was fitted on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.metrics import psi

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.core import RoutePolicy

    Array = np.ndarray[Any, Any]

ENOUGH = 500  # of fewer, chance alone moves the index by some hundredths
_STABLE, _CHANGED = 0.1, 0.25


@dataclass(frozen=True)
class Drift:
    """Attributes:
    psi: population stability index of the routing scores over the deciles of the policy; None for too few, or for a
        policy that knows no distribution.
    shares: of the requests in each part of the policy's own distribution.
    """

    policy: str
    n: int
    psi: float | None
    shares: tuple[float, ...]
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def cuts(scores: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A policy's edges and shares: where deciles cut `scores`, without repeats, and the share in each part."""
    import numpy as np

    edges = np.unique(np.quantile(scores, np.linspace(0.1, 0.9, 9)).round(6))
    cut: list[float] = edges.tolist()
    return tuple(cut), tuple(parts(cut, scores).tolist())


def parts(edges: Sequence[float], scores: Sequence[float]) -> Array:
    """Share of `scores` in each of the len(edges) + 1 parts between `edges`."""
    import numpy as np

    counts = np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)
    shares: Array = counts / len(scores)
    return shares


def drift(policy: RoutePolicy, scores: Sequence[float]) -> Drift:
    """Compare live routing scores with the distribution that the policy was fitted on (see metrics.psi)."""
    import numpy as np

    n = len(scores)
    if not policy.shares:
        return Drift(policy.id, n, None, (), "the policy was not fitted on data: nothing to drift from")
    if n < ENOUGH:
        return Drift(policy.id, n, None, (), f"too few routed requests yet: {n} of {ENOUGH}")
    expected, found = np.asarray(policy.shares), parts(policy.edges, scores)
    value = psi(expected, found)
    if value < _STABLE:
        verdict = f"stable (PSI {value:.2f})"
    elif value < _CHANGED:
        verdict = f"shifting (PSI {value:.2f}): watch it, and collect outcomes of recent requests"
    else:
        verdict = f"changed (PSI {value:.2f}): collect outcomes of recent requests and tune again"
    return Drift(policy.id, n, value, tuple(found.round(4).tolist()), verdict)
