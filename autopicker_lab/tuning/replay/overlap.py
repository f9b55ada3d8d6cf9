"""Where a log can tell of a policy, and where it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.baselines import heuristic_scores
from autopicker_lab.tuning.replay.estimators import effective_size
from autopicker_lab.tuning.replay.report import Overlap, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.core import RoutePolicy
    from autopicker_lab.tuning.replay.log_rows import TrafficLog

    Array = np.ndarray[Any, Any]

_MOST_KINDS = 30
_SURELY = 5.0  # requests that were to reach a model, of which none did


def told_by(log: TrafficLog, names: Sequence[str], chosen: Array) -> Array:
    """Whether what is chosen for a request could have been logged, shape (n,)."""
    return _probabilities(log, names, chosen) > 0


def _probabilities(log: TrafficLog, names: Sequence[str], chosen: Array) -> Array:
    import numpy as np

    padded = np.pad(log.propensities, ((0, 0), (0, len(names) - len(log.models))))
    probabilities: Array = padded[np.arange(len(log)), chosen]
    return probabilities


def kinds_of(log: TrafficLog) -> list[str]:
    """The kind of each request: its task, or the third of the complexity score that it is in."""
    import numpy as np

    if any(log.tasks):
        return [f"task {task}" if task else "no task" for task in log.tasks]
    thirds = np.searchsorted(np.quantile(scores := heuristic_scores(log.prompts), [1 / 3, 2 / 3]), scores)
    return [("simple", "middling", "complex")[third] for third in thirds]


def overlap_of(log: TrafficLog, chosen: Array, told: Array, weights: Array) -> tuple[Overlap, ...]:
    """By kind of request, the most frequent first."""
    import numpy as np

    kinds = np.array(kinds_of(log), object)
    names, counts = np.unique(kinds.astype(str), return_counts=True)
    found = []
    for at in np.argsort(-counts, kind="stable")[:_MOST_KINDS]:
        rows = kinds == names[at]
        could = rows & told
        least = float(log.propensities[could, chosen[could]].min()) if could.any() else None
        matched = float((log.chosen == chosen)[rows].mean())
        found.append(
            Overlap(
                str(names[at]), int(counts[at]), float(told[rows].mean()), matched, effective_size(weights[rows]), least
            )
        )
    return tuple(found)


def refusals(log: TrafficLog, names: Sequence[str], policy: RoutePolicy, chosen: Array, told: Array) -> list[Refusal]:
    """What the log cannot tell of a policy's choices: models that no request of a kind could reach, or did."""
    import numpy as np

    found, kinds = [], np.array(kinds_of(log), object)
    if policy.cascade is not None:
        first = policy.cascade.first
        what = f"{policy.id} asks {first} first and may ask {policy.cascade.then} then; a log has one answer a request"
        found.append(
            Refusal(
                what,
                int((chosen == names.index(first)).sum()) if first in names else 0,
                "the cascade was left out: tune and evaluate measure it",
            )
        )
    expected = _probabilities(log, names, chosen)
    for k, name in enumerate(names):
        mine = chosen == k
        if not mine.any():
            continue
        never = mine & ~told
        unlucky = mine & told & (expected > 0)
        hint = f"explore {name} on such requests (EXPLORE_SHARE), so that its propensity is above 0"
        if name not in log.models or not (log.propensities[:, log.models.index(name)] > 0).any():
            found.append(Refusal(f"no request ever reached {name}", int(never.sum()), hint))
            continue
        for kind in dict.fromkeys(kinds[never].tolist()):
            of_kind = never & (kinds == kind)
            reached = told & (kinds == kind) & (log.chosen == k)
            some = "some requests" if reached.any() else "no request"
            verb = "could not reach" if reached.any() else "of this kind ever reached"
            found.append(Refusal(f"{kind}: {some} {verb} {name}", int(of_kind.sum()), hint))
        if expected[unlucky].sum() >= _SURELY and not (log.chosen[unlucky] == k).any():
            what = f"none of the requests that {policy.id} gives {name} was answered by it, though they were to be"
            found.append(Refusal(what, int(unlucky.sum()), "check the propensities"))
    return found
