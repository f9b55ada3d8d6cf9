"""A canary: whether a new policy is to be promoted, rolled back, or watched further, by what its requests showed."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from autopicker_lab.live.sequences import BoundedMean, Bounds, difference, difference_of_means
from autopicker_lab.runtime.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.storage.policy_news import PolicyNews

_ALPHA = 0.05
_NOTICED_S = 0.1  # mean seconds more that nobody would notice, however many times as long that is


class Advice(StrEnum):
    """What to do with a canary."""

    CONTINUE = "continue"
    PROMOTE = "promote"
    ROLL_BACK = "roll back"


@dataclass(frozen=True)
class Guardrails:
    """What a canary may not do, and how sure one is to be.

    Attributes:
        margin: mean score that a canary which costs less may lose.
        error_rise: share of requests that may fail more than with the stable policy.
        latency_ratio, cost_ratio: how many times the mean seconds and USD of the stable policy it may take.
        alpha: probability of calling an equal canary better, at whatever time; and so for each guardrail.
        auto: promote it where it is shown to be better; else a person does.
    """

    margin: float = 0.02
    error_rise: float = 0.02
    latency_ratio: float = 1.5
    cost_ratio: float = 1.5
    alpha: float = _ALPHA
    auto: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Guardrails:
        """Those that a canary's step holds; what a newer version added to them is passed over."""
        return cls(**{each.name: settings[each.name] for each in fields(cls) if each.name in settings})


class Arm:
    """What is known of the requests of one policy; it does not grow with them.

    Args:
        alpha: that of the bounds of its failures.
    """

    def __init__(self, alpha: float = _ALPHA / 2):
        self.scores = self.costs_usd = self.latencies_s = Moments()
        self.failures = BoundedMean(alpha)

    def take(
        self,
        scores: Sequence[float],
        costs_usd: Sequence[float],
        latencies_s: Sequence[float],
        failures: Sequence[float] = (),
    ) -> None:
        """Add what became known since, in that order."""
        self.scores = self.scores.plus(Moments.of(scores))
        self.costs_usd = self.costs_usd.plus(Moments.of(costs_usd))
        self.latencies_s = self.latencies_s.plus(Moments.of(latencies_s))
        self.failures.extend(failures)


@dataclass(frozen=True)
class CanaryReport:
    """What a canary showed, canary minus stable.

    Attributes:
        figures: interval and numbers by name, as JSON can hold them.
    """

    advice: Advice
    why: str
    figures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self) | {"advice": str(self.advice)}


class CanaryComparison:
    """The arms of a canary. Each score counts from when it was first seen, so that intervals hold at all times.

    Attributes:
        waiting: by policy, whether each request failed that ended since the last report.
    """

    def __init__(self, stable: str, canary: str, rails: Guardrails):
        self._rails = rails
        self._arms = {name: Arm(rails.alpha / 2) for name in (stable, canary)}
        self.stable, self.canary = self._arms[stable], self._arms[canary]
        self._scored: set[int] = set()  # the numbers of decisions whose score has counted
        self.waiting: dict[str, deque[bool]] = {name: deque() for name in self._arms}

    @property
    def policies(self) -> tuple[str, ...]:
        """The ids of both."""
        return tuple(self._arms)

    def add(self, news: Mapping[str, PolicyNews]) -> None:
        """Take over what is new of both policies."""
        for policy, new in news.items():
            arm = self._arms[policy]
            arm.latencies_s = arm.latencies_s.plus(new.latencies_s)
            arm.costs_usd = arm.costs_usd.plus(new.costs_usd)
            arm.scores = arm.scores.plus(Moments.of([new.scores[i] for i in new.scores.keys() - self._scored]))
            self._scored |= new.scores.keys()

    def report(self) -> CanaryReport:
        """What is to be done, and the intervals that say so."""
        for policy, ended in self.waiting.items():
            self._arms[policy].failures.extend([ended.popleft() for _ in range(len(ended))])
        return judge(self.stable, self.canary, self._rails)


def judge(stable: Arm, canary: Arm, rails: Guardrails) -> CanaryReport:
    """What two arms show. All of it holds however often it is asked (see live.sequences).

    A canary is rolled back where it is shown to be worse, to fail, or to be slower or dearer than its guardrails; it is
    to be promoted where it is shown to be better, or to cost less without being worse by more than the margin.
    """
    alpha = rails.alpha  # better by quality or by cost: one side each of two intervals
    quality = difference_of_means(canary.scores, stable.scores, alpha)
    errors = difference(canary.failures.bounds, stable.failures.bounds)
    cost = difference_of_means(canary.costs_usd, stable.costs_usd, alpha)
    latency = difference_of_means(canary.latencies_s, stable.latencies_s, alpha)
    excess = (
        min(_excess(canary.latencies_s, stable.latencies_s, rails.latency_ratio, alpha), latency.low - _NOTICED_S),
        _excess(canary.costs_usd, stable.costs_usd, rails.cost_ratio, alpha),
    )
    figures = {
        "quality": rounded(quality),
        "cost_usd": rounded(cost),
        "latency_s": rounded(latency),
        "error_rate": rounded(errors),
        "scored": {"canary": canary.scores.n, "stable": stable.scores.n},
        "answered": {"canary": canary.costs_usd.n, "stable": stable.costs_usd.n},
    }
    advice, why = _concluded(quality, errors, cost, excess, rails)
    return CanaryReport(advice, why, figures)


def _concluded(
    quality: Bounds, errors: Bounds, cost: Bounds, excess: tuple[float, float], rails: Guardrails
) -> tuple[Advice, str]:
    if errors.low > rails.error_rise:
        return Advice.ROLL_BACK, f"it fails {errors.low:.1%} more often at least"
    if excess[0] > 0:
        return Advice.ROLL_BACK, f"its answers take over {rails.latency_ratio:g} times as long"
    if excess[1] > 0:
        return Advice.ROLL_BACK, f"its answers cost over {rails.cost_ratio:g} times as much"
    if quality.high < 0:
        return Advice.ROLL_BACK, f"its answers are worse, by {-quality.high:.3f} of mean score at least"
    if errors.mean > rails.error_rise:
        return Advice.CONTINUE, "it fails more often so far, which may be chance"
    if quality.low > 0:
        return Advice.PROMOTE, f"its answers are better, by {quality.low:.3f} of mean score at least"
    if cost.high < 0 and quality.low > -rails.margin:
        return Advice.PROMOTE, f"it costs less, and its answers are not worse by more than {rails.margin:g}"
    return Advice.CONTINUE, "nothing is shown yet: its answers may be better or worse"


def _excess(canary: Moments, stable: Moments, ratio: float, alpha: float) -> float:
    """By how much the canary's mean surely exceeds `ratio` times the stable one's; negative where it may not."""
    return difference_of_means(canary, stable.times(ratio), alpha).low


def rounded(bounds: Bounds) -> dict[str, float | None]:
    """An interval as JSON has it; None for what is not known."""
    return {name: round(value, 6) if math.isfinite(value) else None for name, value in bounds._asdict().items()}
