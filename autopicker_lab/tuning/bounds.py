"""Tests and bounds of a mean that hold for every sample size, not only for large ones.

The tests are of a mean being at least `limit`: a small p-value says that it lies below. Each p-value is valid: where
the mean is at least `limit`, it is at most u with a probability of at most u.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Array = np.ndarray[Any, Any]

_STEPS = 40  # halvings: a bound to twelve digits
_MOST_STAKE = 0.5  # of the capital, on one observation


def p_of_mean(losses: Array, limit: float) -> float:
    """Of a mean loss of at least `limit`: by the binomial distribution where losses are 0 or 1, else by betting.

    Args:
        losses: independent, 0 to 1, shape (n,), in an order that does not depend on their values.
    """
    import numpy as np

    if not len(losses):
        return 1.0
    if np.isin(losses, (0.0, 1.0)).all():
        return binomial_p(int(losses.sum()), len(losses), limit)
    return betting_p(losses, limit)


def binomial_p(failures: int, n: int, limit: float) -> float:
    """Of a rate of at least `limit`, where n trials had so many failures: exact (Clopper and Pearson, 1934)."""
    from scipy.stats import binom

    return float(binom.cdf(failures, n, min(max(limit, 0.0), 1.0)))


def betting_p(losses: Array, limit: float) -> float:
    """Of a mean of at least `limit`: one over the most that a gambler ever had who bets that it lies below.

    The stakes are the predictable plug-in ones of Waudby-Smith and Ramdas, "Estimating means of bounded random
    variables by betting" (2024), section 4.1, https://arxiv.org/abs/2010.09686.
    """
    import numpy as np

    n = len(losses)
    counts = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(losses)) / (counts + 1)
    variances = (0.25 + np.cumsum((losses - means) ** 2)) / (counts + 1)
    before = np.concatenate([[0.25], variances[:-1]])
    stakes = np.minimum(np.sqrt(2 * math.log(10) / (before * n)), _MOST_STAKE / max(1 - limit, 1e-9))
    capital = np.cumsum(np.log1p(stakes * (limit - losses)))
    return float(min(1.0, math.exp(-max(float(capital.max()), 0.0))))


def upper_bound(p_of: Callable[[float], float], delta: float) -> float:
    """The least limit of 0 to 1 at which a test is significant at `delta`: the mean lies above with that probability.

    Args:
        p_of: the p-value by limit, which falls where the limit rises.
    """
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if p_of(middle) <= delta else (middle, high)
    return high
