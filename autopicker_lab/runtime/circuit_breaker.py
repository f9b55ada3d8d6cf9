"""A circuit breaker: whatever fails again and again is not asked for a while (Nygard, Release It!, 2007)."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)
_MAX_DOUBLINGS = 30  # more would overflow, and no rest is that long


@dataclass(frozen=True)
class BreakerPolicy:
    """When a circuit breaker opens, and for how long.

    Attributes:
        failures: failures in a row that open it.
        first_rest_s, longest_rest_s: seconds of the first rest, and of the longest; each is twice the one before.
        jitter: share by which a rest is longer or shorter at random, so that processes do not try at the same moment.
    """

    failures: int
    first_rest_s: float
    longest_rest_s: float
    jitter: float = 0.0


STORE_TIMEOUT_S = 0.5  # of one call to a store that processes share, such as Redis
STORE_POLICY = BreakerPolicy(failures=1, first_rest_s=5.0, longest_rest_s=5.0)  # a hanging store costs that once in 5 s


class CircuitBreaker:
    """Counts failures, and says whether the thing that fails may be asked.

    Args:
        name: the thing, such as "Redis", for one log line when it goes and one when it is back; "" logs nothing.
        fallback: what is done while it is away, for that line.
        clock: gives seconds.

    Attributes:
        failures: failures since the last success.
    """

    def __init__(
        self, policy: BreakerPolicy, name: str = "", fallback: str = "", clock: Callable[[], float] = time.monotonic
    ):
        self._policy = policy
        self._name = name
        self._fallback = fallback
        self._clock = clock
        self._rest_until = 0.0
        self._rests = 0
        self.failures = 0

    def resting_s(self) -> float:
        """Seconds until the next request may try; 0: now."""
        return max(0.0, self._rest_until - self._clock())

    def admit(self) -> float:
        """As resting_s, but after a rest only one caller gets 0: for the others the next rest has begun.

        The one that got 0 reports `succeeded`, which ends the rests, or `failed`, which lengthens them.
        """
        wait = self.resting_s()
        if not wait and self.failures >= self._policy.failures:
            self._rest_until = self._clock() + self._policy.first_rest_s
        return wait

    def succeeded(self) -> None:
        """Count a success, which ends all rests."""
        if not self.failures:
            return
        if self._rests and self._name:
            log.info("%s answers again", self._name)
        self.failures = self._rests = 0
        self._rest_until = 0.0

    def rest(self, seconds: float) -> None:
        """Begin a rest that is no failure: the thing itself says when it may be asked again."""
        self._rest_until = max(self._rest_until, self._clock() + seconds)

    def failed(self, error: Exception | None = None) -> None:
        """Count a failure, which may begin a rest; `error` is the reason in the log."""
        self.failures += 1
        if self.failures < self._policy.failures:
            return
        if not self._rests and self._name:
            log.warning("%s does not answer (%s): %s until it does", self._name, error, self._fallback)
        rest_s = min(self._policy.first_rest_s * 2 ** min(self._rests, _MAX_DOUBLINGS), self._policy.longest_rest_s)
        self._rests += 1
        jitter = self._policy.jitter
        self._rest_until = self._clock() + rest_s * random.uniform(1 - jitter, 1 + jitter)
