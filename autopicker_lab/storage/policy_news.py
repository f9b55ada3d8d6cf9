"""What decisions say of the policies behind them, as a canary is judged by it: sums, not rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.runtime.moments import Moments


class ReadTo(NamedTuple):
    """How far a log was read: the numbers of the last decision and of the last score that were seen."""

    decision: int = 0
    score: int = 0


class PolicyNews(NamedTuple):
    """What came of one policy's answers since a look.

    Attributes:
        latencies_s, costs_usd: seconds and USD of the answers that came; those without an end are left out.
        scores: 0 to 1, by the number of their decision, of those that were scored, or scored anew.
    """

    latencies_s: Moments
    costs_usd: Moments
    scores: Mapping[int, float]
