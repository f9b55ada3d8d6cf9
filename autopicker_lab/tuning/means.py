"""Bootstrap of what depends on nothing but means over prompts: by the draws of `metrics.bootstrap`, but sooner.

A resample of groups is known by how often it has each of them, so that the means of a thousand resamples are one
product of matrices.
"""

from __future__ import annotations

from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning import metrics
from autopicker_lab.tuning.clusters import are_few, freedom
from autopicker_lab.tuning.metrics import Bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

_AT_ONCE = 4_000_000  # counts of groups


class ResampledMeans:
    """Means of columns over all prompts, and over each resample of them.

    Args:
        fits: the columns, shape (n, columns), by one or several fits, each of which is resampled in its turn, so that
            intervals carry what fits vary.
        groups: a number for each prompt, shape (n,); see metrics.bootstrap.
        rounds: how many resamples.
    """

    def __init__(self, fits: Sequence[Array], groups: Array, seed: int = 0, rounds: int | None = None):
        import numpy as np

        self._groups, self._seed = groups, seed
        self._rounds = rounds or metrics.rounds_for(len(groups))
        in_order = np.argsort(groups, kind="stable")
        self._sizes = np.unique(groups, return_counts=True)[1]
        starts = np.cumsum(self._sizes) - self._sizes
        self._sums = [np.add.reduceat(columns[in_order], starts, axis=0) for columns in fits]

    def bootstrap(self, measure: Callable[[Array], float | None]) -> Bootstrap:
        """The bootstrap of a measure that is given the means of all columns; its value is the mean over the fits."""
        import numpy as np

        n = len(self._groups)
        each = [measure(sums.sum(0) / n) for sums in self._sums]
        value = fmean(np.array(each, float))
        if not are_few(self._groups):
            return Bootstrap(value, np.array([measure(means) for means in self._means], float))
        rest = (n - self._sizes)[:, None]
        left_out = [[measure(means) for means in (sums.sum(0) - sums) / rest] for sums in self._sums]
        return Bootstrap(
            value, np.array(left_out, float).mean(0), freedom(self._groups), float(np.var(np.array(each, float)))
        )

    @cached_property
    def _means(self) -> Array:
        """Those of each resample, shape (rounds, columns)."""
        import numpy as np

        random, groups = np.random.default_rng(self._seed), len(self._sizes)
        step = max(1, _AT_ONCE // groups)
        return np.concatenate(
            [self._drawn(random, start, min(step, self._rounds - start)) for start in range(0, self._rounds, step)]
        )

    def _drawn(self, random: np.random.Generator, start: int, rounds: int) -> Array:
        """The means of some resamples; the first is that of number `start`."""
        import numpy as np

        groups = len(self._sizes)
        counts = np.stack([np.bincount(row, minlength=groups) for row in random.integers(0, groups, (rounds, groups))])
        shares = counts / (counts @ self._sizes)[:, None]
        means = np.empty((rounds, self._sums[0].shape[1]))
        for i, sums in enumerate(self._sums):
            turn = slice((i - start) % len(self._sums), None, len(self._sums))
            means[turn] = shares[turn] @ sums
        return means
