"""Moments: how many values there were, their mean and their spread, without the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Moments(NamedTuple):
    """What is kept of values of which more come, and which are too many to keep.

    Attributes:
        n: how many there were. mean: of them; 0 of none.
        squares: sum of their squared distances from the mean.
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float]) -> Moments:
        """The moments of values."""
        n = len(values)
        if not n:
            return cls()
        mean = sum(values) / n
        return cls(n, mean, sum([(value - mean) ** 2 for value in values]))

    @property
    def variance(self) -> float:
        """Mean squared distance from the mean; 0 of none."""
        return self.squares / self.n if self.n else 0.0

    def plus(self, other: Moments) -> Moments:
        """Those of both together (Chan, Golub and LeVeque, Algorithms for computing the sample variance, 1983)."""
        n = self.n + other.n
        if not other.n:
            return self
        lead = other.mean - self.mean
        squares = self.squares + other.squares + lead * lead * self.n * other.n / n
        return Moments(n, self.mean + lead * other.n / n, squares)

    def times(self, factor: float) -> Moments:
        """Those of the values, each multiplied by a factor."""
        return Moments(self.n, factor * self.mean, factor * factor * self.squares)
