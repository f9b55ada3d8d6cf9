"""Baseline: figures of one router, a row of a report; and what the rows are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autopicker_lab.tuning.metrics import Interval

ALWAYS = "always:"
SAME_SHARES = "same shares, at random"
ORACLE = "oracle"
POLICY = "policy"


@dataclass(frozen=True)
class Baseline:
    """A router to compare with; None where a figure has no meaning for it.

    Attributes:
        p: of the report's APGR not being above this one's, by paired bootstrap.
        quality, cost: of a single model asked always, of the oracle, or of the policy itself.
    """

    apgr: Interval | None = None
    cpt50: float | None = None
    cpt80: float | None = None
    aiq: float | None = None
    quality: Interval | None = None
    cost: float | None = None
    p: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """One flat JSON object; intervals as a figure and its bounds."""
        return {
            **interval_entries("apgr", self.apgr),
            "cpt50": self.cpt50,
            "cpt80": self.cpt80,
            "aiq": self.aiq,
            **interval_entries("quality", self.quality),
            "cost": self.cost,
            "p": self.p,
        }


def interval_entries(name: str, interval: Interval | None) -> dict[str, Any]:
    """A figure and its bounds as entries of a JSON object."""
    bounds = [interval.low, interval.high] if interval else None
    return {name: interval.value if interval else None, f"{name}_ci": bounds}
