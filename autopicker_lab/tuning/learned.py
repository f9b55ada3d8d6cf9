"""What a table taught, before anything is chosen: estimates out of fold, a fit on all of it, and the curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError, StoppedError
from autopicker_lab.core.lazy import lazy
from autopicker_lab.routing.estimator import estimate_each
from autopicker_lab.routing.rule import with_added
from autopicker_lab.runtime.progress import Progress, report_progress
from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.curve import cost_quality_curve
from autopicker_lab.tuning.grouping import OFF, copies, count
from autopicker_lab.tuning.novelty import with_novelty
from autopicker_lab.tuning.per_task import by_task_of, check_tasks, with_tasks
from autopicker_lab.tuning.repeats import fit_repeatedly, repeats_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from autopicker_lab.routing.estimator import LearnedEstimator
    from autopicker_lab.tuning.curve import Curve
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.prompts import Prompts
    from autopicker_lab.tuning.repeats import Fits

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Learned:
    """What a table taught, before anything is chosen.

    Attributes:
        kept_out: outcomes that fitted nothing, for a promise; None without one.
        by_task: what tasks add to estimates of models, see tuning.per_task; empty where all is pooled.
        pooled: the fits without that.
        other: the same outcomes, grouped by the other assumption; None where it changes nothing.
        folds, repeats, seed: how estimates out of fold were made.
        steps: of progress, in all.
    """

    outcomes: OutcomeMatrix
    kept_out: OutcomeMatrix | None
    other: OutcomeMatrix | None
    prompts: Prompts
    fits: Fits
    pooled: Fits
    by_task: Mapping[str, Mapping[str, float]]
    estimator: LearnedEstimator
    folds: int
    repeats: int
    seed: int
    steps: int

    @lazy
    def estimates(self) -> Array:
        """Of each prompt, out of fold, shape (n, models)."""
        return self.fits.estimates

    @property
    def unseen(self) -> Array:
        """Estimates of what was kept out, as the policy makes them, shape (n, models)."""
        assert self.kept_out is not None
        estimates = estimate_each(self.estimator, self.kept_out.questions)
        return with_added(self.by_task, self.outcomes.models, estimates, self.kept_out.tasks.tolist())

    @lazy
    def curve(self) -> Curve:
        """Cost and quality of routing by them."""
        return cost_quality_curve(self.estimates, self.outcomes.scores, self.outcomes.costs, self.outcomes.groups)


def learn(
    outcomes: OutcomeMatrix,
    kept_out: OutcomeMatrix | None,
    folds: int,
    repeats: int | None,
    seed: int,
    progress: Progress | None,
    per_task: bool = False,
) -> Learned:
    """Fit estimates out of fold and on all outcomes.

    Args:
        repeats: how often the folds are drawn; None: by the size of the table.
        per_task: whether estimates have what the tasks of the table add to them.

    Raises:
        InvalidRequestError: more folds than groups of different prompts, or no tasks.
        StoppedError: `progress` returned False.
    """
    _check_size(outcomes, folds)
    if per_task:
        check_tasks(outcomes)
    prompts = fitting.prepare_to_fit(outcomes.questions, outcomes.groups, seed)
    other = outcomes.by_the_other()
    draws = repeats_for(outcomes.scores) if repeats is None else repeats
    fitted_folds = draws * len(fitting.grouped_folds(prompts.groups, folds, seed))
    steps = fitted_folds * (1 if other is None else 2) + 2
    pooled = fit_repeatedly(
        prompts, outcomes.scores, folds, draws, seed, lambda done, _: report_progress(progress, done, steps)
    )
    estimator = with_novelty(fitting.fit(prompts, outcomes.scores, outcomes.models, seed), prompts, seed)
    if not report_progress(progress, fitted_folds + 1, steps):
        raise StoppedError.of("tuning")
    fits, by_task = pooled, {}
    if per_task:
        fits, by_task = with_tasks(outcomes, pooled), by_task_of(outcomes, pooled.estimates)
    return Learned(outcomes, kept_out, other, prompts, fits, pooled, by_task, estimator, folds, draws, seed, steps)


def _check_size(outcomes: OutcomeMatrix, folds: int) -> None:
    different = count(outcomes.groups if outcomes.assumed == OFF else copies(outcomes.prompts))
    if outcomes.different < 2:
        detail = "too few templates: one alone is left to learn from, which says nothing of new ones"
        raise InvalidRequestError(detail, "where requests will be of these, say so: --groups off")
    if not 2 <= folds <= different // 10:
        detail = f"too little data for {folds} folds: {different} different prompts"
        raise InvalidRequestError(detail, "collect more, or use fewer folds (at least 2)")
