"""Prompts ranked once by an order, so that each resample of them costs counts instead of sorting anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

BINS = 10


class RankedPair:
    """Two models' scores of prompts that are ranked by an order. All arrays have shape (n,).

    Args:
        order: higher for prompts that sooner go to the strong model.
    """

    def __init__(self, order: Array, weak: Array, strong: Array):
        import numpy as np

        self._scores, self._ranks = np.unique(order, return_inverse=True)
        self._weak, self._strong = weak, strong
        self._gains: Array = strong - weak

    def curve(self, rows: Array | None = None, bins: int = BINS) -> tuple[Array, Array]:
        """As metrics.quality_curve, of some rows (which may be repeated) or of all.

        A threshold may be told twice, where bins end at one score.
        """
        import numpy as np

        rows = np.arange(len(self._ranks)) if rows is None else rows
        ranks, several = self._ranks[rows], len(self._scores)
        below = np.concatenate([[0], np.bincount(ranks, minlength=several).cumsum()])
        lost = np.concatenate([[0.0], np.bincount(ranks, weights=self._gains[rows], minlength=several).cumsum()])
        at = np.append(self._edges(below, bins), several) if bins else np.unique(below, return_index=True)[1]
        shares = 1 - below[at] / len(rows)
        return shares[::-1], (self._weak[rows].mean() + (lost[-1] - lost[at]) / len(rows))[::-1]

    def _edges(self, below: Array, bins: int) -> Array:
        """The first rank at or above each quantile that cuts the rows into `bins`, but for the highest score.

        Args:
            below: how many rows are below each rank, and how many there are.
        """
        import numpy as np

        places = (below[-1] - 1) * np.linspace(0, 1, bins + 1)
        first = np.searchsorted(below, places.astype(int), side="right") - 1
        last = np.searchsorted(below, np.ceil(places).astype(int), side="right") - 1
        low, high, past = self._scores[first], self._scores[last], places - places.astype(int)
        edges = np.where(past < 0.5, low + (high - low) * past, high - (high - low) * (1 - past))  # as np.quantile
        at = np.where(edges <= low, first, last)
        kept: Array = at[edges < edges[-1]]
        return kept if len(kept) else at[:1]

    def apgr(self, rows: Array | None = None, bins: int = BINS) -> float | None:
        """As metrics.apgr, of some rows (which may be repeated) or of all."""
        import numpy as np

        weak, strong = (self._weak, self._strong) if rows is None else (self._weak[rows], self._strong[rows])
        low, high = float(weak.mean()), float(strong.mean())
        if high == low:
            return None
        shares, qualities = self.curve(rows, bins)
        return float(np.trapezoid((qualities - low) / (high - low), shares))
