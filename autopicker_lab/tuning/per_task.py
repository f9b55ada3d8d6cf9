"""Policies per task, partially pooled: what it adds to the estimates of a model that a request tells its task.

What estimates leave over of the scores of a task is shrunk towards nothing by how little of the task was seen: of n
groups of alike prompts n / (n + k) of it is added (James and Stein, "Estimation with quadratic loss", 1961; partial
pooling: Gelman and Hill, "Data Analysis Using Regression and Multilevel/Hierarchical Models", 2007, section 12.2). k is
the one of least squared error on groups that are left out; where none is shown, at 95 %, to err less than no task,
nothing is added. A task that was not seen gets the pooled estimates.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.clusters import mean_bound
from autopicker_lab.tuning.curve import CHOICE
from autopicker_lab.tuning.settings import cross_fitted_choices
from autopicker_lab.tuning.verdict import signed_points

if TYPE_CHECKING:
    import numpy as np

    from autopicker_lab.tuning.matrix import OutcomeMatrix
    from autopicker_lab.tuning.repeats import Fits
    from autopicker_lab.tuning.settings import Asked

    Array = np.ndarray[Any, Any]

_PRIORS = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # k: groups that the pooled estimate counts for
_DIGITS = 6


@dataclass(frozen=True)
class TaskGain:
    """What a policy per task would save, out of fold, where each request tells its task, beside one that pools all.

    Attributes:
        tasks: that estimates differ by. saved, saved_pooled: share of the incumbent's cost. quality, quality_pooled:
            mean score.
    """

    tasks: int
    saved: float
    saved_pooled: float
    quality: float
    quality_pooled: float

    def to_dict(self) -> dict[str, Any]:
        """One JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"Where requests tell their task (metadata.task), a policy per task (--per-task) would save "
            f"{100 * self.saved:.0f} % in place of {100 * self.saved_pooled:.0f} %, "
            f"for {signed_points(self.quality - self.quality_pooled)} points of quality."
        )


def check_tasks(outcomes: OutcomeMatrix) -> None:
    """InvalidRequestError where the table does not tell two tasks from each other."""
    if len(set(outcomes.tasks) - {""}) < 2:
        detail = "the outcomes tell no tasks apart"
        raise InvalidRequestError(detail, "give a column 'task' with two or more, or leave out --per-task")


def by_task_of(outcomes: OutcomeMatrix, estimates: Array) -> dict[str, dict[str, float]]:
    """What is added to the estimate of each model, by task; tasks and models to which nothing is added are left out.

    Args:
        estimates: out of fold, shape (n, models).
    """
    names, added = _added(outcomes, estimates)
    rows = {
        str(task): {model: round(value, _DIGITS) for model, value in zip(outcomes.models, row, strict=True) if value}
        for task, row in zip(names, added.tolist(), strict=True)
    }
    return {task: row for task, row in rows.items() if row}


def with_tasks(outcomes: OutcomeMatrix, fits: Fits) -> Fits:
    """Estimates with what the task adds, each fold by what the others left over."""
    each = fits.each.copy()
    for i, folds in enumerate(fits.folds):
        for train, test in folds:
            names, added = _added(outcomes.at(train), fits.each[i, train])
            row = {name: k for k, name in enumerate(names)}
            for k in test:
                if (task := outcomes.tasks[k]) in row:
                    each[i, k] = (each[i, k] + added[row[task]]).clip(0.0, 1.0)
    return replace(fits, each=each)


def task_gain(outcomes: OutcomeMatrix, fits: Fits, choices: Array, asked: Asked) -> TaskGain | None:
    """What a policy per task would save beside `choices`, shape (repeats, n); None where it is not shown to save more.

    Args:
        fits: without what tasks add.
    """
    if len(set(outcomes.tasks) - {""}) < 2 or not (by_task := by_task_of(outcomes, fits.estimates)):
        return None
    before = float(outcomes.costs[:, outcomes.best].mean())
    told = cross_fitted_choices(outcomes, with_tasks(outcomes, fits), asked)
    (score, cost), (pooled_score, pooled_cost) = (_routed(outcomes, several) for several in (told, choices))
    if mean_bound((cost - pooled_cost)[None, :], outcomes.groups, CHOICE)[0] >= 0:
        return None
    saved, pooled = (1 - float(each.mean()) / before if before else 0.0 for each in (cost, pooled_cost))
    return TaskGain(len(by_task), saved, pooled, float(score.mean()), float(pooled_score.mean()))


def _routed(outcomes: OutcomeMatrix, choices: Array) -> tuple[Array, Array]:
    """Score and cost of each prompt, means over several fits' choices, each of shape (n,)."""
    scores, costs = zip(*map(outcomes.routed, choices), strict=True)
    return sum(scores) / len(scores), sum(costs) / len(costs)


def _added(outcomes: OutcomeMatrix, estimates: Array) -> tuple[Array, Array]:
    """Names of the tasks that are told, and what each adds to each model, shape (tasks, models)."""
    import numpy as np

    rows = np.flatnonzero(outcomes.tasks != "")
    names, at = np.unique(outcomes.tasks[rows].astype(str), return_inverse=True)
    left, groups = (outcomes.scores - estimates)[rows], outcomes.groups[rows]
    return names, np.stack([_shrunk(each, at, groups) for each in left.T], axis=1)


def _shrunk(left: Array, at: Array, groups: Array) -> Array:
    """What is left over of one model's scores, by task (`at`, shape (n,)), as far as groups left out bear it out."""
    import numpy as np

    parts, which = np.unique(np.stack([at, groups]), axis=1, return_inverse=True)
    of, which = parts[0], which.ravel()  # a part is what a task has of a group of alike prompts
    sizes, sums = np.bincount(which), np.bincount(which, left)
    seen, total = np.bincount(of, sizes), np.bincount(of, sums)
    unit = np.bincount(of, sizes**2) / seen  # prompts of a group, as the average prompt has it
    prior = np.array(_PRIORS)[:, None]
    others = np.maximum((seen[of] - sizes) + prior * unit[of], 1e-9)
    gained = (sums / sizes - (total[of] - sums) / others) ** 2 - (sums / sizes) ** 2
    bounds = mean_bound(gained[:, which], groups, CHOICE)
    k = int(np.argmin(bounds))
    added: Array = total / (seen + _PRIORS[k] * unit) if bounds[k] < 0 else np.zeros(len(seen))
    return added
