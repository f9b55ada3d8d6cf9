"""The stack of an estimator: what the mean over models, and a model's deviation from it, count for in each score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.routing.estimator import stacked

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_DRAWN_IN = (0.1, 0.2, 0.3, 0.4)  # shares of the differences between models
_WORTH = 0.001  # of mean score: drawn in, estimates are nearer to each other than outcomes are


def unstacked(scores: Array) -> Array:
    """The stack that adds each model's mean score, the mean and the deviation, shape (models, 4)."""
    import numpy as np

    ones, zeros = np.ones(scores.shape[1]), np.zeros(scores.shape[1])
    return np.stack([scores.mean(0), ones, zeros, ones], axis=1)


def fit_stack(raw: Array, scores: Array) -> Array:
    """Coefficients of intercept, mean, mean squared and deviation for each model, shape (models, 4).

    Args:
        raw: mean and deviations of prompts, by fits that did not see them, shape (n, 1 + models).
        scores: shape (n, models).
    """
    return _drawn_together(_regressed(raw, scores), raw, scores)


def _regressed(raw: Array, scores: Array) -> Array:
    """The coefficients of least squares: those of the mean score, and what each model's own add to them.

    What a model's own add is shrunk by how surely it is not noise. A deviation that would count against its own model
    counts for nothing (Breiman, "Stacked Regressions", 1996, https://doi.org/10.1007/BF00117832).
    """
    import numpy as np

    mean, level = raw[:, :1], scores.mean(1)
    bent = np.hstack([mean, mean * mean])
    common, _ = _least_squares(bent, level)
    rows = []
    for model in range(scores.shape[1]):
        own = scores[:, model] - level
        columns = np.hstack([bent, raw[:, 1 + model : 2 + model]])
        added, variances = _least_squares(columns, own)
        if added[2] < 0:
            columns[:, 2] = 0
            added, variances = _least_squares(columns, own)
        added[:2] *= _shares(added, variances)[:2]
        intercept = scores[:, model].mean() - bent.mean(0) @ common - columns.mean(0) @ added
        rows.append([intercept, *(common + added[:2]), added[2]])
    return np.array(rows, np.float64)


def _least_squares(columns: Array, target: Array) -> tuple[Array, Array]:
    """Coefficients beside an intercept, and their variances; shape (k,) each."""
    import numpy as np

    centred, wanted = columns - columns.mean(0), target - target.mean()
    inverse = np.linalg.inv(centred.T @ centred + np.eye(columns.shape[1]))
    coefficients: Array = inverse @ (centred.T @ wanted)
    return coefficients, inverse.diagonal() * ((wanted - centred @ coefficients) ** 2).mean()


def _shares(coefficients: Array, variances: Array) -> Array:
    """How much of each coefficient is kept: of its square, what is more than its variance.

    Empirical Bayes by the method of moments, which is the non-negative garrote of orthogonal columns (Breiman, "Better
    Subset Regression Using the Nonnegative Garrote", 1995, https://doi.org/10.1080/00401706.1995.10484371).
    """
    import numpy as np

    kept: Array = np.maximum(1 - variances / np.maximum(coefficients**2, 1e-12), 0)
    return kept


def _drawn_together(stack: Array, raw: Array, scores: Array) -> Array:
    """The stack, with the differences between three or more models drawn in where that is shown to choose better.

    Of many models, the one with the greatest estimate is often the one that is overestimated most (Smith and Winkler,
    "The Optimizer's Curse", 2006, https://doi.org/10.1287/mnsc.1050.0451). Shown: by
    `_WORTH` more than a standard error.
    """
    import numpy as np

    if len(stack) < 3:
        return stack
    rows = np.arange(len(raw))

    def chosen(coefficients: Array) -> Array:
        found: Array = scores[rows, stacked(raw, coefficients).argmax(1)]
        return found

    level = stack.mean(0)
    level = np.column_stack([level[0] + scores.mean(0) - scores.mean(), *np.tile(level[1:3], (len(stack), 1)).T])
    best, most, before = stack, _WORTH, chosen(stack)
    for share in _DRAWN_IN:
        drawn = (1 - share) * stack
        drawn[:, :3] += share * level
        gained = chosen(drawn) - before
        least = float(gained.mean() - gained.std() / np.sqrt(len(gained)))
        if least > most:
            best, most = drawn, least
    return best
