"""A circuit breaker: a model that fails again and again is let rest (Nygard, Release It!, 2007)."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class CircuitBreaker:
    """Opens after `limit` failures in a row; each rest is twice the one before, give or take a fifth.

    When a rest is over, one request is let through and the others go on waiting until it has succeeded.

    Attributes:
        limit: failures in a row that open it.
        first_s, longest_s: seconds of the first rest, and of the longest.
    """

    limit = 5
    first_s = 5.0
    longest_s = 60.0

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._until = 0.0
        self._rests = 0
        self.failures = 0

    def resting_s(self) -> float:
        """Seconds until the next request may try; 0: now."""
        return max(0.0, self._until - self._clock())

    def admit(self) -> float:
        """As resting_s; whoever gets 0 after a rest is the one that tries, and the next rest has begun for others."""
        wait = self.resting_s()
        if not wait and self.failures >= self.limit:
            self._until = self._clock() + self.first_s
        return wait

    def succeeded(self) -> None:
        if not self.failures:
            return
        self.failures = self._rests = 0
        self._until = 0.0

    def failed(self) -> None:
        self.failures += 1
        if self.failures >= self.limit:
            rest = min(self.first_s * 2**self._rests, self.longest_s)
            self._rests += 1
            self._until = self._clock() + rest * random.uniform(0.8, 1.2)
