"""A policy's figures both ways: where requests will bring new templates, and where they will be of these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning.baselines import ranking, share_for
from autopicker_lab.tuning.group_figures import GroupFigures
from autopicker_lab.tuning.judging import conclude, saving_of
from autopicker_lab.tuning.metrics import interval_of
from autopicker_lab.tuning.per_task import with_tasks
from autopicker_lab.tuning.repeats import fit_repeatedly
from autopicker_lab.tuning.settings import cross_fitted_choices

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.runtime.progress import Progress
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.prompts import Prompts
    from autopicker_lab.tuning.settings import Asked

    Array = np.ndarray[Any, Any]


def figures_of(
    outcomes: OutcomeMatrix, order: Array, choices: Array | None, within: float | None, seed: int
) -> GroupFigures:
    """Figures of an order and choices that are there, by the groups of `outcomes`, which is not the assumed way."""
    apgr = interval_of(ranking(outcomes, order, seed), null=0.5)
    saving = None if choices is None else saving_of(outcomes, choices, seed)
    verdict = conclude(outcomes, apgr, share_for(outcomes, order, 0.5), saving, within)
    return GroupFigures.of(outcomes, apgr, saving, verdict.pays, assumed=False)


def tuned_figures(
    outcomes: OutcomeMatrix,
    prompts: Prompts,
    folds: int,
    asked: Asked,
    seed: int,
    progress: Progress | None = None,
    per_task: bool = False,
) -> GroupFigures:
    """Figures of tuning anew, out of folds by the groups of `outcomes`, which is not the assumed way."""
    prompts = replace(prompts, groups=outcomes.groups)
    fits = fit_repeatedly(prompts, outcomes.scores, folds, 1, seed, progress)
    fits = with_tasks(outcomes, fits) if per_task else fits
    choices = cross_fitted_choices(outcomes, fits, asked)
    return figures_of(outcomes, fits.orders(outcomes)[0], choices, asked.allowance, seed)
