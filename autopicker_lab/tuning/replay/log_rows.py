"""A log of traffic as rows: who answered each request, how well, and with which probability it could be each model.

A row is `{"request_id", "prompt", "model", "score", "cost_usd", "propensities": {MODEL: p}}`, with `task` if known.
"""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.conversations import as_prompt
from autopicker_lab.tuning.table_files import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

NEEDED = ("prompt", "model", "score", "propensities")
_ROUNDING = 1e-3  # of probabilities that were written with few digits
_EXPLORE = "serve with EXPLORE_SHARE=0.1, DECISION_LOG and DECISION_LOG_PROMPTS=true"
_SURE = 5.0  # standard errors by which models were drawn more or less often than the log says


@dataclass(frozen=True, eq=False)
class TrafficLog:
    """Logged requests whose answers were graded; row i of each array belongs to request i.

    Attributes:
        ids, prompts, tasks: of the requests; a task is "" where it is not known.
        models: that answered, or could have.
        chosen: the model (column) that answered, shape (n,).
        scores: 0 to 1, shape (n,). costs: USD, shape (n,), NaN where unknown.
        propensities: with which each model could have been chosen, shape (n, models).
        rows: in the log, graded or not. notes: what was left out, and why the figures may be doubtful.
    """

    ids: tuple[str, ...]
    prompts: tuple[str, ...]
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    chosen: Array
    scores: Array
    costs: Array
    propensities: Array
    rows: int
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def drawn(self) -> Array:
        """The probability of what was chosen, shape (n,)."""
        import numpy as np

        probabilities: Array = self.propensities[np.arange(len(self)), self.chosen]
        return probabilities


def read_log(source: pd.DataFrame | Sequence[Mapping[str, Any]] | str | Path) -> TrafficLog:
    """The graded requests of a log: rows, a table, or a file (JSONL, CSV, Parquet, a service's decision log).

    Raises:
        InvalidRequestError: names the row, and what is missing of it or cannot be; or says what to log.
    """
    import pandas

    if isinstance(source, str | Path):
        table = _read(Path(source).expanduser())
    else:
        table = source if isinstance(source, pandas.DataFrame) else pandas.DataFrame([dict(row) for row in source])
    if table.empty:
        raise InvalidRequestError("the log has no rows", _EXPLORE)
    for column in NEEDED:
        if column not in table or table[column].isna().all():
            raise InvalidRequestError(f"the log has no '{column}'", _hint(column))
    return _log(table.reset_index(drop=True))


def _hint(column: str) -> str:
    if column == "score":
        return "grade answers: POST /api/v1/feedback with the id of the answer, or add a column score"
    if column == "prompt":
        return "a policy decides by the prompt: serve with DECISION_LOG_PROMPTS=true"
    if column == "propensities":
        return f"without probabilities nobody knows what another policy would have got: {_EXPLORE}"
    return f"needed: {', '.join(NEEDED)}"


def _read(path: Path) -> pd.DataFrame:
    if path.suffix.lower() != ".sqlite" or not path.is_file():
        return read_table(path, ())
    import pandas

    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        try:
            return pandas.read_sql_query("SELECT * FROM decisions ORDER BY created", db)
        except (sqlite3.Error, pandas.errors.DatabaseError) as error:
            raise InvalidRequestError(f"cannot read '{path}': {error}", "name a decision log of the service") from None


def _log(table: pd.DataFrame) -> TrafficLog:
    import numpy as np
    import pandas

    notes = []
    scores = pandas.to_numeric(table["score"], errors="coerce").to_numpy(float)
    propensities = [_probabilities(cell) for cell in table["propensities"]]
    prompts = [as_prompt(cell) for cell in table["prompt"]]
    whole = [
        isinstance(prompt, str) and prompt.strip() != "" and bool(p)
        for prompt, p in zip(prompts, propensities, strict=True)
    ]
    kept = np.flatnonzero(np.array(whole) & np.isfinite(scores))
    if len(kept) < len(table):
        notes.append(
            f"{len(table) - len(kept):,} of {len(table):,} requests have no score, prompt or propensities: the figures "
            "are about the others"
        )
    if not len(kept):
        raise InvalidRequestError("no request of the log has a prompt, a score and propensities", _EXPLORE)
    names = sorted({name for i in kept for name in propensities[i]} | set(map(str, table["model"].iloc[kept])))
    chosen = np.array([names.index(str(name)) for name in table["model"].iloc[kept]])
    probabilities = np.array([[propensities[i].get(name, 0.0) for name in names] for i in kept])
    _check(kept, scores[kept], chosen, probabilities, names)
    ids = (table["request_id"] if "request_id" in table else pandas.Series(range(1, len(table) + 1))).tolist()
    tasks = table["task"].fillna("").astype(str) if "task" in table else pandas.Series([""] * len(table))
    costs = (
        pandas.to_numeric(table["cost_usd"], errors="coerce")
        if "cost_usd" in table
        else pandas.Series([np.nan] * len(table))
    )
    return TrafficLog(
        ids=tuple(str(ids[i]) for i in kept),
        prompts=tuple(str(prompts[i]) for i in kept),
        tasks=tuple(tasks.iloc[kept]),
        models=tuple(names),
        chosen=chosen,
        scores=scores[kept],
        costs=costs.to_numpy(float)[kept],
        propensities=probabilities,
        rows=len(table),
        notes=(*notes, *_doubts(chosen, probabilities, names)),
    )


def _probabilities(cell: object) -> dict[str, float]:
    """Of a row, by model; empty where there are none."""
    found = cell
    if isinstance(cell, str) and cell.strip():
        try:
            found = json.loads(cell)
        except ValueError:
            raise InvalidRequestError(f"propensities {cell!r:.60} are no JSON", 'write {"MODEL": 0.9, ...}') from None
    if not isinstance(found, dict):
        return {}
    try:
        return {str(name): float(value) for name, value in found.items() if value is not None}
    except (TypeError, ValueError):
        raise InvalidRequestError(f"propensities {cell!r:.60} are no numbers", 'write {"MODEL": 0.9, ...}') from None


def _check(rows: Array, scores: Array, chosen: Array, probabilities: Array, names: Sequence[str]) -> None:
    """InvalidRequestError for the first row that cannot be, counted from 1."""
    import numpy as np

    within = (
        (scores >= 0) & (scores <= 1),
        "its score is not from 0 to 1",
        "divide scores by the highest there can be",
    )
    possible = (
        ((probabilities >= 0) & (probabilities <= 1)).all(1) & (np.abs(probabilities.sum(1) - 1) <= _ROUNDING),
        "its propensities are no probabilities that add up to 1",
        "log those of all models that could have been chosen, before the draw",
    )
    able = probabilities[np.arange(len(chosen)), chosen] > 0
    drawn = (able, "the model that answered had no probability", "log a row for the model that was drawn alone")
    for right, what, hint in (within, possible, drawn):
        if not right.all():
            at = int(np.argmin(right))
            raise InvalidRequestError(f"row {int(rows[at]) + 1} of the log ({names[chosen[at]]}): {what}", hint)


def _doubts(chosen: Array, probabilities: Array, names: Sequence[str]) -> list[str]:
    """Models that were drawn more or less often than their propensities say."""
    notes = []
    for k, name in enumerate(names):
        expected = probabilities[:, k].sum()
        error = math.sqrt((probabilities[:, k] * (1 - probabilities[:, k])).sum())
        found = int((chosen == k).sum())
        if abs(found - expected) > _SURE * max(error, 1.0):
            notes.append(
                f"{name} answered {found:,} requests where the propensities say about {expected:,.0f}: these are not "
                "the probabilities of the draw, or rows are missing for a reason, and the figures cannot be trusted"
            )
    return notes
