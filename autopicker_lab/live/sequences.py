"""Confidence sequences: intervals that hold at all times together, so that one may look whenever one likes.

With probability 1 - alpha, the true mean is in the interval at every number of observations. A test that stops when an
interval leaves zero therefore errs at most alpha of the time, however often it is looked at.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.runtime.moments import Moments

_LARGEST_BET = 0.75
_TIGHT_AT = 500  # observations at which the asymptotic sequence is narrowest
LEAST_ASYMPTOTIC = 50  # observations of each arm before which a normal approximation is not trusted


class Bounds(NamedTuple):
    """An interval, and the mean that it is about; infinite where nothing can be said yet."""

    mean: float
    low: float
    high: float


class BoundedMean:
    """Bounds of the mean of values of 0 to 1 that come in turn: the predictable plug-in empirical-Bernstein sequence.

    Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 2024, theorem 2; after
    Howard, Ramdas, McAuliffe and Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, 2021. What is
    kept of the values does not grow with them.
    """

    def __init__(self, alpha: float):
        self._log = math.log(2 / alpha)
        self._n = 0
        self._sum = self._squares = 0.0  # of the values, and of their distances from the means of then
        self._bets = self._won = self._cost = 0.0

    def extend(self, values: Sequence[float]) -> None:
        """Take values, in the order in which they became known."""
        import numpy as np

        x = np.asarray(values, float)
        if not len(x):
            return
        t = np.arange(self._n + 1, self._n + len(x) + 1)
        means = (0.5 + self._sum + np.cumsum(x)) / (t + 1)
        variances = (0.25 + self._squares + np.cumsum((x - means) ** 2)) / (t + 1)
        before = np.concatenate([[(0.5 + self._sum) / (self._n + 1)], means[:-1]])
        spread = np.concatenate([[(0.25 + self._squares) / (self._n + 1)], variances[:-1]])
        bets = np.minimum(np.sqrt(2 * self._log / (spread * t * np.log(t + 1))), _LARGEST_BET)
        self._bets += float(bets.sum())
        self._won += float((bets * x).sum())
        self._cost += float(((x - before) ** 2 * (-np.log1p(-bets) - bets)).sum())
        self._n += len(x)
        self._sum += float(x.sum())
        self._squares += float(((x - means) ** 2).sum())

    @property
    def bounds(self) -> Bounds:
        """The interval after the values that have come so far."""
        if not self._n:
            return Bounds(math.nan, 0.0, 1.0)
        centre, radius = self._won / self._bets, (self._log + self._cost) / self._bets
        return Bounds(self._sum / self._n, max(0.0, centre - radius), min(1.0, centre + radius))


def bounded_mean(values: Sequence[float], alpha: float) -> Bounds:
    """Bounds of the mean of values of 0 to 1 (see BoundedMean), in the order in which they became known."""
    sequence = BoundedMean(alpha)
    sequence.extend(values)
    return sequence.bounds


def difference_of_means(ones: Moments, others: Moments, alpha: float) -> Bounds:
    """Bounds of the mean of `ones` minus that of `others`, values of any size: an asymptotic confidence sequence.

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence
    sequences, Annals of Statistics 2024: theorem 2.2 on the influence function of a difference between two arms that
    were drawn (section 3). Nothing is said before there are LEAST_ASYMPTOTIC of each.
    """
    mean = ones.mean - others.mean if ones.n and others.n else math.nan
    if min(ones.n, others.n) < LEAST_ASYMPTOTIC:
        return Bounds(mean, -math.inf, math.inf)
    n = ones.n + others.n
    variance = n * (ones.variance / ones.n + others.variance / others.n)
    rho2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / _TIGHT_AT
    width = math.sqrt(2 * (n * rho2 + 1) / (n * n * rho2) * math.log(math.sqrt(n * rho2 + 1) / alpha))
    radius = math.sqrt(variance) * width
    return Bounds(mean, mean - radius, mean + radius)


def difference(one: Bounds, other: Bounds) -> Bounds:
    """Bounds of one mean minus another; where each errs with alpha, this errs with twice that at most."""
    return Bounds(one.mean - other.mean, one.low - other.high, one.high - other.low)
