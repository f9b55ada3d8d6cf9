"""Cost weights by what a person asks for: a share of requests for the strong model, or what may be spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.tuning.curve import Curve

    Array = np.ndarray[Any, Any]


def weight_for_spend(curve: Curve, cost: float) -> float:
    """The weight of best quality whose mean cost of a request is at most `cost`, the cheapest where none's is."""
    import numpy as np

    affordable = np.flatnonzero(curve.costs <= cost * (1 + 1e-9))
    rows = affordable if len(affordable) else np.array([int(np.argmin(curve.costs))])
    return float(curve.weights[rows[int(np.argmax(curve.qualities[rows]))]])


def weight_for_share(estimates: Array, costs: Array, column: int, share: float) -> float:
    """The weight, 0 or more, at which the share of prompts that go to one model is nearest to `share`.

    A prompt goes to it for weights between two bounds: against a cheaper model up to where the lead is worth the
    difference of costs, against a dearer one from there on. All bounds are tried, which is exact.

    Args:
        estimates: shape (n, models). costs: of a call, shape (models,).

    Raises:
        InvalidRequestError: all models cost the same, so that no weight changes anything.
    """
    import numpy as np

    dearer = costs - costs[column]
    if not dearer.any():
        detail = "all models cost the same, so that no cost weight sends another share of requests to the strong one"
        raise InvalidRequestError(detail, "give prices (--prices), or name two models (--strong, --weak)")
    lead = estimates[:, [column]] - estimates
    cheaper, equal = dearer < 0, dearer == 0
    highest = np.min(lead[:, cheaper] / -dearer[cheaper], axis=1, initial=np.inf)
    lowest = np.max(-lead[:, dearer > 0] / dearer[dearer > 0], axis=1, initial=0.0)
    lowest = np.where((lead[:, equal] < 0).any(1), np.inf, lowest)  # never, whatever the weight
    bounds = np.unique(np.concatenate([[0.0], *(b[np.isfinite(b) & (b > 0)] for b in (lowest, highest))]))
    tried = np.append((bounds[:-1] + bounds[1:]) / 2, bounds[-1] * 1.001 + 1e-9)
    begun = np.searchsorted(np.sort(lowest), tried, side="right")
    ended = np.searchsorted(np.sort(np.maximum(highest, lowest)), tried, side="left")
    return float(tried[int(np.argmin(np.abs((begun - ended) / len(estimates) - share)))])
