"""Ridge regression of several targets under several penalties at once, on columns of which some are sparse.

Conjugate gradients on the dual equations, as scikit-learn's `Ridge(solver="sparse_cg")` where columns outnumber rows,
which solves them one by one: all that share a design are iterated together here, as products of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from scipy import sparse

    Array = np.ndarray[Any, Any]

_TOLERANCE = 1e-3  # of what is not yet explained, relative to where it began
_MOST_STEPS = 500


class Design:
    """Columns of n rows, the sparse ones first, taken from their means.

    Args:
        weighted: shape (n, sparse columns). block: shape (n, dense columns).
    """

    def __init__(self, weighted: sparse.csr_matrix, block: Array):
        import numpy as np

        self._sparse = weighted.astype(np.float32)
        self._turned = self._sparse.T.tocsr()
        self._dense = block.astype(np.float32)
        means = (np.asarray(self._sparse.mean(0)).ravel(), self._dense.mean(0))
        self.means: Array = np.concatenate(means).astype(np.float32)

    def __matmul__(self, coefficients: Array) -> Array:
        """The product with coefficients of shape (columns, k), shape (n, k)."""
        known = self._sparse.shape[1]
        product: Array = self._sparse @ coefficients[:known] + self._dense @ coefficients[known:]
        product -= self.means @ coefficients
        return product

    def turned(self, rows: Array) -> Array:
        """The product of the turned design with an array of shape (n, k), shape (columns, k)."""
        import numpy as np

        product: Array = np.concatenate([self._turned @ rows, self._dense.T @ rows])
        product -= np.outer(self.means, rows.sum(0))
        return product


@dataclass(frozen=True, eq=False)
class Ridge:
    """A fit; `coefficients` has shape (columns, targets), `intercept` (targets,)."""

    coefficients: Array
    intercept: Array

    def predict(self, weighted: sparse.csr_matrix, block: Array) -> Array:
        """The targets of other rows, shape (n, targets)."""
        import numpy as np

        known = weighted.shape[1]
        coefficients = self.coefficients
        predicted: Array = weighted.astype(np.float32) @ coefficients[:known] + block @ coefficients[known:]
        return predicted + self.intercept


def fit_ridges(design: Design, targets: Array, penalties: Sequence[float]) -> list[Ridge]:
    """A fit of all `targets`, shape (n, targets), for each penalty of the squared coefficients."""
    import numpy as np

    means = targets.mean(0)
    right = np.tile((targets - means).astype(np.float32), (1, len(penalties)))
    solved = design.turned(_solve(design, right, np.repeat(np.array(penalties, np.float32), targets.shape[1])))
    parts = np.split(solved, len(penalties), axis=1)
    return [Ridge(part, means - design.means @ part) for part in parts]


def _solve(design: Design, right: Array, penalties: Array) -> Array:
    """What rows count for: the turned design times it are the coefficients (Hestenes and Stiefel, 1952, by column)."""
    import numpy as np

    solved = np.zeros_like(right)
    rest, step = right.copy(), right.copy()
    size = (rest**2).sum(0)
    small = _TOLERANCE**2 * size
    for _ in range(_MOST_STEPS):
        going = np.flatnonzero(size > small)
        if not len(going):
            break
        along = step[:, going]
        turned = design @ design.turned(along) + penalties[going] * along
        length = size[going] / (along * turned).sum(0)
        solved[:, going] += length * along
        rest[:, going] -= length * turned
        grown = (rest[:, going] ** 2).sum(0)
        step[:, going] = rest[:, going] + grown / size[going] * along
        size[going] = grown
    return solved
