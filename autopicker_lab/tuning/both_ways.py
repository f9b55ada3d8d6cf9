"""A policy's figures both ways: where requests will bring new templates, and where they will be of these."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.baselines import ranking, share_for
from autopicker_lab.tuning.group_figures import GroupFigures
from autopicker_lab.tuning.judging import conclude, cross_fitted_choices, saving_of
from autopicker_lab.tuning.metrics import interval_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.runtime.progress import Progress
    from autopicker_lab.tuning.fitting import Prompts
    from autopicker_lab.tuning.matrix import OutcomeMatrix

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
    outcomes: OutcomeMatrix, prompts: Prompts, folds: int, within: float, seed: int, progress: Progress | None = None
) -> GroupFigures:
    """Figures of tuning anew, out of folds by the groups of `outcomes`, which is not the assumed way."""
    prompts = replace(prompts, groups=outcomes.groups)
    parts = fitting.grouped_folds(outcomes.groups, folds, seed)
    estimates = fitting.out_of_fold(prompts, outcomes.scores, parts, seed, progress)
    choices = cross_fitted_choices(outcomes, estimates, parts, within)
    order = across_folds(estimates[:, outcomes.strong] - estimates[:, outcomes.weak], outcomes, parts)
    return figures_of(outcomes, order, choices, within, seed)


def across_folds(gains: Array, outcomes: OutcomeMatrix, folds: Sequence[tuple[Array, Array]]) -> Array:
    """Out-of-fold gains made comparable across folds.

    The mean that a fit has learned is that of the other folds, which leans against that of the fold itself; it is taken
    out of each fold, and the mean of all is put in, which changes no order.
    """
    level = gains.copy()
    for train, test in folds:
        level[test] += outcomes.gains.mean() - outcomes.gains[train].mean()
    return level
