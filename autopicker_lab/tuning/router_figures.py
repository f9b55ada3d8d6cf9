"""RouterFigures: what was measured of a router on outcomes, and what a policy file says of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.baseline import interval_entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autopicker_lab.tuning.baseline import Baseline
    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.group_figures import GroupFigures
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.metrics import Interval
    from autopicker_lab.tuning.stability import Stability
    from autopicker_lab.tuning.verdict import Saving, Verdict


@dataclass(frozen=True, eq=False, repr=False)
class RouterFigures:
    """What was measured of a router on outcomes.

    Attributes:
        scores: what prompts are ranked by, shape (n,); out of fold where the report tunes.
        quality, cost: mean score and cost of routing, each fold by what the others chose where the report tunes; None
            where the policy knows no quality of these models.
        estimates: P(a good answer), shape (n, models); None for a policy without estimates.
        curve: cost and quality over cost weights; None without estimates.
        choices: the model (column) of each prompt, shape (n,), by the first of the draws that `quality` and `cost` are
            means of.
        calibration: expected calibration error by model.
        needed: prompts in all that would settle each doubt; None where no number would (see tuning.power).
        learning: prompts fitted on and APGR, a row each, as more of them are taken.
        transfer: a row for each task that was held out whole.
        by_groups: figures by both assumptions about requests, the one that was made first; () where they agree.
        stability: of its choices under rewording; None where that was not measured.
    """

    outcomes: OutcomeMatrix
    scores: Any
    apgr: Interval | None
    apgr_full: float | None
    cpt50: float | None
    cpt80: float | None
    aiq: Interval | None
    baselines: Mapping[str, Baseline]
    verdict: Verdict
    quality: Interval | None = None
    cost: float | None = None
    estimates: Any = None
    curve: Curve | None = None
    choices: Any = None
    draws: Any = None
    saving: Saving | None = None
    needed: Mapping[str, int | None] = field(default_factory=dict)
    learning: tuple[Mapping[str, Any], ...] = ()
    calibration: Mapping[str, float] = field(default_factory=dict)
    transfer: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    by_groups: tuple[GroupFigures, ...] = ()
    stability: Stability | None = None

    def card(self) -> dict[str, Any]:
        """What a policy file says of its policy: verdict first."""
        return {
            "null": None if self.verdict.null is None else asdict(self.verdict.null),
            "verdict": self.verdict.sentence,
            "pays": self.verdict.pays,
            "n": len(self.outcomes),
            **interval_entries("apgr", self.apgr),
            "cpt50": self.cpt50,
            "cpt80": self.cpt80,
            "aiq": self.aiq.value if self.aiq else None,
            "saving": self._saving(),
            "calibration": dict(self.calibration),
            "transfer": [dict(row) for row in self.transfer],
            "groups": self.outcomes.assumed,
            "by_groups": [figures.to_dict() for figures in self.by_groups],
            **({"stability": self.stability.to_dict()} if self.stability else {}),
        }

    def _saving(self) -> dict[str, Any] | None:
        if self.saving is None:
            return None
        return {
            "best": self.saving.best,
            **interval_entries("share", self.saving.share),
            **interval_entries("quality", self.saving.quality),
            **interval_entries("excess", self.saving.excess),
            "p": self.saving.excess.p,
        }
