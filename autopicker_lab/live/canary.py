"""A canary: whether a new policy is to be promoted, rolled back, or watched further, by what its requests showed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from autopicker_lab.live.sequences import Bounds, bounded_mean, difference, difference_of_means

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from autopicker_lab.storage import Decision


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
    alpha: float = 0.05
    auto: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Guardrails:
        """Those that a canary's step holds; what a newer version added to them is passed over."""
        return cls(**{each.name: settings[each.name] for each in fields(cls) if each.name in settings})


@dataclass
class Arm:
    """What is known of the requests of one policy, in the order in which it became known."""

    scores: list[float] = field(default_factory=list)
    costs_usd: list[float] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    failures: list[float] = field(default_factory=list)


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
    """The arms of a canary. Each score counts from when it was first seen, so that intervals hold at all times."""

    def __init__(self, stable: str, canary: str):
        self._arms = {stable: Arm(), canary: Arm()}
        self.stable, self.canary = self._arms[stable], self._arms[canary]
        self._measured: set[str] = set()
        self._scored: set[str] = set()

    def add(self, decisions: Iterable[Decision]) -> None:
        """Take over what is new among decisions of both policies."""
        for decision in decisions:
            arm = self._arms.get(decision.policy or "")
            if arm is None:
                continue
            if decision.chat_id not in self._measured and decision.latency_s is not None:
                self._measured.add(decision.chat_id)
                arm.latencies_s.append(decision.latency_s)
                arm.costs_usd.append(decision.cost_usd or 0.0)
            if decision.chat_id not in self._scored and decision.score is not None:
                self._scored.add(decision.chat_id)
                arm.scores.append(decision.score)

    def ended(self, policy: str, failed: bool) -> None:
        """Count a request of a policy, and whether it failed."""
        if (arm := self._arms.get(policy)) is not None:
            arm.failures.append(float(failed))

    def report(self, rails: Guardrails) -> CanaryReport:
        """What is to be done, and the intervals that say so."""
        return judge(self.stable, self.canary, rails)


def judge(stable: Arm, canary: Arm, rails: Guardrails) -> CanaryReport:
    """What two arms show. All of it holds however often it is asked (see live.sequences).

    A canary is rolled back where it is shown to be worse, to fail, or to be slower or dearer than its guardrails; it is
    to be promoted where it is shown to be better, or to cost less without being worse by more than the margin.
    """
    alpha = rails.alpha  # better by quality or by cost: one side each of two intervals
    quality = difference_of_means(canary.scores, stable.scores, alpha)
    errors = difference(bounded_mean(canary.failures, alpha / 2), bounded_mean(stable.failures, alpha / 2))
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
        "scored": {"canary": len(canary.scores), "stable": len(stable.scores)},
        "answered": {"canary": len(canary.costs_usd), "stable": len(stable.costs_usd)},
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


def _excess(canary: list[float], stable: list[float], ratio: float, alpha: float) -> float:
    """By how much the canary's mean surely exceeds `ratio` times the stable one's; negative where it may not."""
    return difference_of_means(canary, [ratio * value for value in stable], alpha).low


def rounded(bounds: Bounds) -> dict[str, float | None]:
    """An interval as JSON has it; None for what is not known."""
    return {name: round(value, 6) if math.isfinite(value) else None for name, value in bounds._asdict().items()}
