"""Tuning at each point of a grid, in several processes or on a cluster."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.runtime.executors import Scheduler, submit_all, worker_pool
from autopicker_lab.tuning.outcomes import as_outcomes
from autopicker_lab.tuning.tuner import tune

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from autopicker_lab.runtime.progress import Progress

VARIED = ("strong", "weak", "folds", "seed", "within", "groups")


def tune_grid(
    table: pd.DataFrame | str | Path,
    grid: Mapping[str, Sequence[Any]],
    *,
    jobs: int | None = None,
    scheduler: Scheduler = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Tune a table with every combination of `grid` ({"folds": [3, 5], "seed": range(5)}).

    Args:
        table: or the path of its file.

    Returns:
        One row a combination, in the grid's order, those that were not reached left out: its values, APGR with its
        interval, cost weight, the policy's id, whether routing pays, the verdict, and the error of one that failed.

    Raises:
        InvalidRequestError: something that cannot be varied, or an empty grid.
    """
    require("pandas")
    import pandas

    unknown = set(grid) - set(VARIED)
    if unknown:
        raise InvalidRequestError(f"'{unknown.pop()}' cannot be varied", f"these can: {', '.join(VARIED)}")
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    if not points or not grid:
        raise InvalidRequestError("the grid is empty", "give at least one value for each name")
    rows: dict[int, dict[str, Any]] = {}
    table = as_outcomes(table)
    with worker_pool(scheduler, jobs) as (pool, at_once):
        numbered = list(range(len(points)))
        for i, future, _ in submit_all(
            numbered, lambda i: pool.submit(_tune_point, table, points[i]), at_once, progress
        ):
            try:
                rows[i] = points[i] | future.result() | {"error": None}
            except AutopickerError as error:
                rows[i] = points[i] | {"error": str(error)}
    return pandas.DataFrame([rows[i] for i in sorted(rows)])


def _tune_point(table: pd.DataFrame, point: Mapping[str, Any]) -> dict[str, Any]:
    report = tune(table, **point)
    apgr = report.apgr
    return {
        "apgr": apgr and apgr.value,
        "apgr_low": apgr and apgr.low,
        "apgr_high": apgr and apgr.high,
        "cost_weight": report.policy.cost_weight,
        "policy": report.policy.id,
        "pays": report.verdict.pays,
        "verdict": str(report.verdict),
    }
