"""Out-of-fold estimates by folds that are drawn several times, so that figures do not hang on one draw.

Repeated cross-validation: Kim, "Estimating classification error rate" (2009), https://doi.org/10.1016/j.csda.2009.04.009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.runtime.progress import report_progress
from autopicker_lab.tuning import fitting

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.runtime.progress import Progress
    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.prompts import Prompts

    Array = np.ndarray[Any, Any]
    Folds = list[tuple[Array, Array]]

_FEWEST, _MOST = 2, 10  # draws
_SCORES = 60_000  # that are fitted in a minute or so on two processor cores
_APART = 101  # between the seeds of two draws, whose inner folds take the next ones


@dataclass(frozen=True, eq=False)
class Fits:
    """Estimates of the same prompts, each by a fit that did not see it.

    Attributes:
        each: by draw of the folds, shape (repeats, n, models).
        folds: train and test rows of each fold of each draw.
    """

    each: Array
    folds: tuple[Folds, ...]

    @property
    def estimates(self) -> Array:
        """The mean over the draws, shape (n, models)."""
        means: Array = self.each.mean(0)
        return means

    def of(self, rows: Array) -> Array:
        """Estimates of some prompts by all draws, one draw after the other, shape (repeats * rows, models)."""
        estimates: Array = self.each[:, rows].reshape(-1, self.each.shape[2])
        return estimates

    def orders(self, outcomes: OutcomeMatrix) -> Array:
        """What the strong model of the pair is expected to gain, comparable across folds, shape (repeats, n)."""
        import numpy as np

        gains = self.each[:, :, outcomes.strong] - self.each[:, :, outcomes.weak]
        return np.stack([across_folds(*each, outcomes) for each in zip(gains, self.folds, strict=True)])


def repeats_for(scores: Array) -> int:
    """How often folds are drawn for a table of so many scores: ten times, less often where that takes minutes."""
    return min(max(_SCORES // scores.size, _FEWEST), _MOST)


def fit_repeatedly(
    prompts: Prompts, scores: Array, folds: int, repeats: int, seed: int, progress: Progress | None = None
) -> Fits:
    """Estimates out of `folds` folds, drawn `repeats` times.

    Args:
        progress: called with (folds done, folds in all).

    Raises:
        StoppedError: `progress` returned False.
    """
    import numpy as np

    drawn = tuple(fitting.grouped_folds(prompts.groups, folds, seed + _APART * i) for i in range(repeats))
    in_all = sum(map(len, drawn))
    each = []
    for i, parts in enumerate(drawn):
        before = sum(map(len, drawn[:i]))

        def told(done: int, _: int, before: int = before) -> bool | None:
            return report_progress(progress, before + done, in_all)

        each.append(fitting.out_of_fold(prompts, scores, parts, seed + _APART * i, told))
    return Fits(np.stack(each), drawn)


def across_folds(gains: Array, folds: Folds, outcomes: OutcomeMatrix) -> Array:
    """Out-of-fold gains made comparable across folds.

    The mean that a fit has learned is that of the other folds, which leans against that of the fold itself; it is taken
    out of each fold, and the mean of all is put in, which changes no order.
    """
    level = gains.copy()
    for train, test in folds:
        level[test] += outcomes.gains.mean() - outcomes.gains[train].mean()
    return level
