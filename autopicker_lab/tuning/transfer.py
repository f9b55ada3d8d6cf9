"""Whether what was learned carries over to requests of another kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.tuning import fitting
from autopicker_lab.tuning.matrix import OutcomeMatrix
from autopicker_lab.tuning.metrics import apgr
from autopicker_lab.tuning.prompts import Prompts, concatenated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from autopicker_lab.routing.estimator import LearnedEstimator

_LEAST = 20  # prompts, of a task and of the others


def transfer_to_tasks(
    outcomes: OutcomeMatrix, prompts: Prompts, fitted: LearnedEstimator, seed: int
) -> list[dict[str, Any]]:
    """For each task of at least 20 prompts: estimates and a threshold from the other tasks, met on this one.

    The threshold is to send half of the prompts up; `achieved_share` is what it does send on the task it never saw.
    There is no APGR where the strong model's lead (`gap`) on the task is within noise.
    """
    import numpy as np

    names, counts = np.unique(outcomes.tasks.astype(str), return_counts=True)
    rows = []
    for name in names[(counts >= _LEAST) & (counts < len(outcomes))]:
        in_task = outcomes.tasks == name
        excluded = in_task | np.isin(prompts.groups, prompts.groups[in_task])
        train, test = np.flatnonzero(~excluded), np.flatnonzero(in_task)
        if len(train) < _LEAST:
            continue  # the other tasks are of the same templates
        estimator = fitting.fit(prompts.at(train), outcomes.scores[train], outcomes.models, seed, like=fitted)
        estimates = fitting.predict(estimator, prompts)
        gains = estimates[:, outcomes.strong] - estimates[:, outcomes.weak]
        weak, strong = outcomes.scores[test, outcomes.weak], outcomes.scores[test, outcomes.strong]
        lead, noise = float((strong - weak).mean()), float((strong - weak).std()) / np.sqrt(len(test))
        rows.append(
            {
                "task": str(name),
                "n": len(test),
                "gap": round(lead, 4),
                "apgr": apgr(gains[test], weak, strong) if lead > 1.96 * noise else None,
                "target_share": 0.5,
                "achieved_share": round(float((gains[test] >= np.median(gains[train])).mean()), 4),
            }
        )
    return rows


def transfer_between(
    tables: Mapping[str, pd.DataFrame | str | Path], strong: Mapping[str, str], weak: Mapping[str, str]
) -> pd.DataFrame:
    """Leave one data set out: estimates of gain from the others, met on it.

    Args:
        tables: by name, or the paths of their files. strong, weak: the pair of each, which may differ.

    Returns:
        one row a data set: name, n, apgr there, and which share a threshold meant to send half of the prompts up sends.
    """
    import numpy as np
    import pandas

    matrices = {
        name: OutcomeMatrix.from_table(table, strong=strong[name], weak=weak[name]) for name, table in tables.items()
    }
    prompts = {name: fitting.prepare_to_fit(matrix.questions, matrix.groups) for name, matrix in matrices.items()}
    rows = []
    for name, matrix in matrices.items():
        others = [other for other in matrices if other != name]
        scores = np.concatenate([matrices[o].scores[:, [matrices[o].weak, matrices[o].strong]] for o in others])
        estimator = fitting.fit(concatenated([prompts[o] for o in others]), scores, ("weak", "strong"))
        training = np.concatenate([fitting.predict(estimator, prompts[o]) for o in others])
        here = fitting.predict(estimator, prompts[name])
        gains, threshold = here[:, 1] - here[:, 0], np.median(training[:, 1] - training[:, 0])
        achieved = float((gains >= threshold).mean())
        rows.append(
            {
                "held out": name,
                "n": len(matrix),
                "apgr": apgr(gains, *matrix.pair_scores) if matrix.separated else None,
                "target_share": 0.5,
                "achieved_share": achieved,
            }
        )
    return pandas.DataFrame(rows)
