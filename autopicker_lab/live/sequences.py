"""Confidence sequences: intervals that hold at all times together, so that one may look whenever one likes.

With probability 1 - alpha, the true mean is in the interval at every number of observations. A test that stops when an
interval leaves zero therefore errs at most alpha of the time, however often it is looked at.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_LARGEST_BET = 0.75
_TIGHT_AT = 500  # observations at which the asymptotic sequence is narrowest
LEAST_ASYMPTOTIC = 50  # observations of each arm before which a normal approximation is not trusted


class Bounds(NamedTuple):
    """An interval, and the mean that it is about; infinite where nothing can be said yet."""

    mean: float
    low: float
    high: float


def bounded_mean(values: Sequence[float], alpha: float) -> Bounds:
    """Bounds of the mean of values of 0 to 1: the predictable plug-in empirical-Bernstein confidence sequence.

    Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 2024, theorem 2; after
    Howard, Ramdas, McAuliffe and Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, 2021.

    Args:
        values: in the order in which they became known.
    """
    import numpy as np

    x = np.asarray(values, float)
    if not len(x):
        return Bounds(math.nan, 0.0, 1.0)
    t = np.arange(1, len(x) + 1)
    means = (0.5 + np.cumsum(x)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
    before = np.concatenate([[0.5], means[:-1]])
    spread = np.concatenate([[0.25], variances[:-1]])
    bets = np.minimum(np.sqrt(2 * math.log(2 / alpha) / (spread * t * np.log(t + 1))), _LARGEST_BET)
    cost = (x - before) ** 2 * (-np.log1p(-bets) - bets)
    total = float(bets.sum())
    centre, radius = float((bets * x).sum()) / total, (math.log(2 / alpha) + float(cost.sum())) / total
    return Bounds(float(x.mean()), max(0.0, centre - radius), min(1.0, centre + radius))


def difference_of_means(ones: Sequence[float], others: Sequence[float], alpha: float) -> Bounds:
    """Bounds of the mean of `ones` minus that of `others`, values of any size: an asymptotic confidence sequence.

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence
    sequences, Annals of Statistics 2024: theorem 2.2 on the influence function of a difference between two arms that
    were drawn (section 3). Nothing is said before there are LEAST_ASYMPTOTIC of each.
    """
    import numpy as np

    x, y = np.asarray(ones, float), np.asarray(others, float)
    mean = float(x.mean() - y.mean()) if len(x) and len(y) else math.nan
    if min(len(x), len(y)) < LEAST_ASYMPTOTIC:
        return Bounds(mean, -math.inf, math.inf)
    n = len(x) + len(y)
    variance = n * float(x.var() / len(x) + y.var() / len(y))
    rho2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / _TIGHT_AT
    width = math.sqrt(2 * (n * rho2 + 1) / (n * n * rho2) * math.log(math.sqrt(n * rho2 + 1) / alpha))
    radius = math.sqrt(variance) * width
    return Bounds(mean, mean - radius, mean + radius)


def difference(one: Bounds, other: Bounds) -> Bounds:
    """Bounds of one mean minus another; where each errs with alpha, this errs with twice that at most."""
    return Bounds(one.mean - other.mean, one.low - other.high, one.high - other.low)
