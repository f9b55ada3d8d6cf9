"""What a table taught, before anything is chosen: estimates out of fold, a fit on all of it, and the curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, StoppedError
from autopicker_lab.core.lazy import lazy
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.grouping import OFF, copies, count
from autopicker_lab.tuning.repeats import fit_repeatedly, repeats_for

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.routing.estimator import LearnedEstimator
    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.repeats import Fits

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Learned:
    """What a table taught, before anything is chosen.

    Attributes:
        kept_out: outcomes that fitted nothing, for a promise; None without one.
        other: the same outcomes, grouped by the other assumption; None where it changes nothing.
        folds, repeats, seed: how estimates out of fold were made.
        steps: of progress, in all.
    """

    outcomes: OutcomeMatrix
    kept_out: OutcomeMatrix | None
    other: OutcomeMatrix | None
    prompts: fitting.Prompts
    fits: Fits
    estimator: LearnedEstimator
    folds: int
    repeats: int
    seed: int
    steps: int

    @lazy
    def estimates(self) -> Array:
        """Of each prompt, out of fold, shape (n, models)."""
        return self.fits.estimates

    @lazy
    def curve(self) -> Curve:
        """Cost and quality of routing by them."""
        return cost_quality_curve(self.estimates, self.outcomes.scores, self.outcomes.costs)


def learn(
    outcomes: OutcomeMatrix,
    kept_out: OutcomeMatrix | None,
    folds: int,
    repeats: int | None,
    seed: int,
    progress: Progress | None,
) -> Learned:
    """Fit estimates out of fold and on all outcomes.

    Args:
        repeats: how often the folds are drawn; None: by the size of the table.

    Raises:
        InvalidRequestError: more folds than groups of different prompts.
        StoppedError: `progress` returned False.
    """
    _check_size(outcomes, folds)
    prompts = fitting.prepare(outcomes.questions, outcomes.groups)
    other = outcomes.by_the_other()
    draws = repeats_for(outcomes.scores) if repeats is None else repeats
    fitted_folds = draws * len(fitting.grouped_folds(prompts.groups, folds, seed))
    steps = fitted_folds * (1 if other is None else 2) + 2
    fits = fit_repeatedly(
        prompts, outcomes.scores, folds, draws, seed, lambda done, _: report_progress(progress, done, steps)
    )
    estimator = fitting.fit(prompts, outcomes.scores, outcomes.models, seed)
    if not report_progress(progress, fitted_folds + 1, steps):
        raise StoppedError.of("tuning")
    return Learned(outcomes, kept_out, other, prompts, fits, estimator, folds, draws, seed, steps)


def _check_size(outcomes: OutcomeMatrix, folds: int) -> None:
    different = count(outcomes.groups if outcomes.assumed == OFF else copies(outcomes.prompts))
    if outcomes.different < 2:
        detail = "too few templates: one alone is left to learn from, which says nothing of new ones"
        raise InvalidRequestError(detail, "where requests will be of these, say so: --groups off")
    if not 2 <= folds <= different // 10:
        detail = f"too little data for {folds} folds: {different} different prompts"
        raise InvalidRequestError(detail, "collect more, or use fewer folds (at least 2)")
