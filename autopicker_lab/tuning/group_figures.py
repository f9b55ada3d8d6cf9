"""GroupFigures: what is to be expected of a policy by one assumption about the requests to come."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from autopicker_lab.tuning.grouping import REQUESTS

if TYPE_CHECKING:
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.metrics import Interval
    from autopicker_lab.tuning.verdict import Saving


@dataclass(frozen=True)
class GroupFigures:
    """What is to be expected of a policy by one assumption about the requests to come.

    Attributes:
        requests: "new templates" or "these templates".
        groups: how many pieces of evidence there are: templates, or prompts that differ.
        assumed: the report's verdict rests on this one.
        share, quality: see Saving; None where the policy chooses no models.
        pays: routing is shown to pay.
    """

    requests: str
    groups: int
    assumed: bool
    apgr: Interval | None
    share: Interval | None
    quality: Interval | None
    pays: bool

    @classmethod
    def of(
        cls, outcomes: OutcomeMatrix, apgr: Interval | None, saving: Saving | None, pays: bool, assumed: bool
    ) -> Self:
        """Of what was measured on outcomes that are grouped so."""
        share, quality = (saving.share, saving.quality) if saving else (None, None)
        return cls(REQUESTS[outcomes.assumed], outcomes.different, assumed, apgr, share, quality, pays)

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        figures = {"APGR": self.apgr, "saving": self.share, "quality": self.quality}
        known = ", ".join(f"{name} {interval}" for name, interval in figures.items() if interval is not None)
        pays = "routing pays" if self.pays else "routing is not shown to pay"
        return f"{self.requests} ({self.groups:,}): {pays}{', ' + known if known else ''}"
