"""What each model is expected to make of a logged request, by a fit that did not see it or any like it.

Ridge regression with a part that all models share and a part of each model's own, on the columns that estimates are
fitted on (see tuning.fitting), by its dual: a log has one answer a request, so that the estimates' own fit, which needs
all models' answers to each prompt, cannot be made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.prompts import Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from scipy import sparse

    Array = np.ndarray[Any, Any]

_SHARED, _OWN = 3.0, 10.0  # penalties, as fitting finds them on most tables
_FOLDS = 5
_MOST = 2500  # requests that one fold is fitted on: the dual is solved whole
_FEW = 3.0  # answers of a model that pull its mean as much as that of all models


@dataclass(frozen=True, eq=False)
class LoggedTexts:
    """Logged requests as a fit sees them: their columns, those that are sparse apart, and the folds of the fits."""

    weighted: sparse.csr_matrix
    block: Array
    folds: list[tuple[Array, Array]]

    def products(self, rows: Array, others: Array) -> Array:
        """Of the columns of some requests with those of others, shape (rows, others)."""
        found: Array = (self.weighted[rows] @ self.weighted[others].T).toarray() + self.block[rows] @ self.block[
            others
        ].T
        return found


def read_texts(texts: Sequence[str], groups: Array, seed: int = 0) -> LoggedTexts:
    """The columns of texts, scaled by all of them, which says nothing of what they got."""
    import numpy as np

    prompts = fitting.prepare(texts, groups)
    weighted, block = Space(prompts).columns(prompts)
    block = (block - block.mean(0)).astype(np.float32)
    return LoggedTexts(weighted.astype(np.float32).tocsr(), block, fitting.grouped_folds(groups, _FOLDS, seed))


def expectations(read: LoggedTexts, chosen: Array, got: Array, models: int, seed: int = 0) -> Array:
    """What each model is expected to get for each request, cross-fitted, shape (n, models).

    Args:
        chosen: the model (column) that answered, shape (n,). got: what it got, shape (n,).
    """
    import numpy as np

    random = np.random.default_rng(seed)
    expected = np.zeros((len(got), models))
    for train, test in read.folds:
        rows = np.sort(random.choice(train, _MOST, replace=False)) if len(train) > _MOST else train
        means = _means(chosen[rows], got[rows], models)
        same = chosen[rows][:, None] == chosen[rows][None, :]
        system = read.products(rows, rows) * (1 / _SHARED + same / _OWN) + np.eye(len(rows), dtype=np.float32)
        counts = np.linalg.solve(system, got[rows] - means[chosen[rows]])
        across = read.products(test, rows)
        by_model = np.stack([counts * (chosen[rows] == k) for k in range(models)], axis=1)
        expected[test] = means + across @ (counts[:, None] / _SHARED + by_model / _OWN)
    return expected


def _means(chosen: Array, got: Array, models: int) -> Array:
    """The mean of each model, drawn to that of all where it has few answers, shape (models,)."""
    import numpy as np

    counts = np.bincount(chosen, minlength=models)
    means: Array = (np.bincount(chosen, weights=got, minlength=models) + _FEW * got.mean()) / (counts + _FEW)
    return means
