"""When requests are sent: users who wait for answers (a closed loop), or a schedule that does not (an open loop)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping


def _check_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InvalidRequestError(f"{name} must be above 0, not {value:g}", "give requests a second")


@dataclass(frozen=True)
class Closed:
    """A closed loop: each of `users` sends its next request `think_s` seconds after its last answer."""

    users: int = 5
    think_s: float = 0.0

    def __post_init__(self) -> None:
        if self.users < 1 or not (math.isfinite(self.think_s) and self.think_s >= 0):
            raise InvalidRequestError("a closed loop needs at least one user, and no negative time to think")


@dataclass(frozen=True)
class Constant:
    """An open loop of `rate` requests a second, evenly spaced."""

    rate: float

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)

    def due_times(self, seconds: float, generator: random.Random) -> Iterator[float]:
        """Give the moments at which requests are due: seconds since the start, ascending, below `seconds`."""
        return itertools.takewhile(lambda at: at < seconds, (i / self.rate for i in itertools.count()))


@dataclass(frozen=True)
class Poisson:
    """An open loop of `rate` requests a second on average, independent of each other, as many users send them."""

    rate: float

    def __post_init__(self) -> None:
        _check_positive("rate", self.rate)

    def due_times(self, seconds: float, generator: random.Random) -> Iterator[float]:
        """Give the due moments as Constant.due_times does."""
        at = generator.expovariate(self.rate)
        while at < seconds:
            yield at
            at += generator.expovariate(self.rate)


@dataclass(frozen=True)
class Ramp:
    """An open loop whose rate goes from `start` to `end` requests a second over the run, evenly spaced."""

    start: float
    end: float

    def __post_init__(self) -> None:
        _check_positive("the higher end of a ramp", max(self.start, self.end))
        if min(self.start, self.end) < 0:
            raise InvalidRequestError("a ramp's rates may not be negative")

    def due_times(self, seconds: float, generator: random.Random) -> Iterator[float]:
        """Give moments as Constant.due_times does; the i-th request is due when the area under the rate is i."""
        if not math.isfinite(seconds):
            raise InvalidRequestError("a ramp needs an end", "give duration_s")
        slope = (self.end - self.start) / seconds
        for i in range(math.floor((self.start + self.end) / 2 * seconds)):
            inside = max(0.0, self.start**2 + 2 * slope * i)
            # the root of start * t + slope / 2 * t**2 = i, in the form that bears a slope of 0
            yield 2 * i / (self.start + math.sqrt(inside)) if i else 0.0


@dataclass(frozen=True)
class Steps:
    """An open loop that keeps each of `rates` for `each_s` seconds."""

    rates: tuple[float, ...]
    each_s: float

    def __post_init__(self) -> None:
        if not self.rates:
            raise InvalidRequestError("steps need at least one rate")
        for value in (*self.rates, self.each_s):
            _check_positive("rates and seconds of steps", value)

    def due_times(self, seconds: float, generator: random.Random) -> Iterator[float]:
        """Give the due moments as Constant.due_times does."""
        for step, rate in enumerate(self.rates):
            step_start = step * self.each_s
            for at in Constant(rate).due_times(self.each_s, generator):
                if step_start + at >= seconds:
                    return
                yield step_start + at


@dataclass(frozen=True)
class Trace:
    """An open loop that repeats recorded moments (seconds from any origin); `speed` 2 takes half the time."""

    times: tuple[float, ...]
    speed: float = 1.0

    def __post_init__(self) -> None:
        _check_positive("speed", self.speed)
        if not self.times or any(not math.isfinite(at) for at in self.times):
            raise InvalidRequestError("a trace needs at least one moment, and numbers only")

    def due_times(self, seconds: float, generator: random.Random) -> Iterator[float]:
        """Give the due moments as Constant.due_times does."""
        ordered = sorted(self.times)
        return itertools.takewhile(lambda at: at < seconds, ((at - ordered[0]) / self.speed for at in ordered))


Open = Constant | Poisson | Ramp | Steps | Trace
Arrivals = Closed | Open

KINDS: Mapping[str, type[Arrivals]] = MappingProxyType(
    {kind.__name__.lower(): kind for kind in (Closed, Constant, Poisson, Ramp, Steps, Trace)}
)
