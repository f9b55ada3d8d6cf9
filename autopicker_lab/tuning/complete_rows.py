"""The rows of an outcomes table that tuning can use: prompts that all models answered, in which models differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.grouping import OFF, TEMPLATE, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

ENOUGH = 50


def check_models(names: Sequence[str], strong: str | None, weak: str | None) -> None:
    """InvalidRequestError where a pair is not among the models of a table, or these are fewer than two."""
    for name in (strong, weak):
        if name is not None and name not in names:
            raise InvalidRequestError(f"no model '{name}' in the outcomes", f"known: {', '.join(names)}")
    if len(names) < 2 or (strong is not None and strong == weak):
        raise InvalidRequestError("routing needs two models", f"the outcomes hold {', '.join(names)}: collect another")


def complete_rows(table: pd.DataFrame, names: Sequence[str], most: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """Scores by prompt and model of the prompts that all models answered, at most so many, and notes on the others."""
    scores = table.pivot(index="prompt_id", columns="model", values="score").reindex(table["prompt_id"].unique())
    complete = scores.dropna()
    missing = len(scores) - len(complete)
    notes = [f"{missing:,} prompts lack a model and are left out"] if missing else []
    if len(complete) > most:
        notes.append(f"a sample of {most:,} of {len(complete):,} prompts is used (seed {seed})")
        complete = complete.sample(most, random_state=seed).sort_index()
    if len(complete) < ENOUGH:
        detail = f"too little data: {len(complete)} prompts were answered by all of {len(names)} models"
        raise InvalidRequestError(detail, f"collect at least {ENOUGH} (autopicker collect)")
    return complete[list(names)], notes


def check_differences(names: Sequence[str], scores: Array, groups: Array, assumed: str, strong: int, weak: int) -> None:
    """InvalidRequestError where nothing tells the models apart, or too few prompts differ."""
    import numpy as np

    if np.ptp(scores) == 0:
        raise InvalidRequestError(
            "every answer has the same score: nothing tells the models apart", "grade differently"
        )
    different = count(groups)
    if assumed == TEMPLATE and different == 1:
        detail = "all prompts are of one template, which says nothing of new ones"
        raise InvalidRequestError(detail, "where requests will be of this one, say so: --groups off")
    if assumed == OFF and different < ENOUGH:
        detail = f"too little data: {len(scores)} prompts, but only {different} of them differ"
        raise InvalidRequestError(detail, f"collect at least {ENOUGH} that differ")
    if scores[:, strong].mean() <= scores[:, weak].mean():
        detail = f"'{names[strong]}' is not better than '{names[weak]}' here"
        raise InvalidRequestError(detail, f"use {names[weak]} alone, or swap them")


def by_signal(table: pd.DataFrame, index: pd.Index[Any], names: Sequence[str], prefix: str) -> dict[str, Array]:
    """The columns of this prefix by the name of their signal, each of shape (prompts, models)."""
    columns = [name for name in table if str(name).startswith(prefix)]
    pivots = {name: table.pivot(index="prompt_id", columns="model", values=name) for name in columns}
    return {
        str(name).removeprefix(prefix): pivot.reindex(index)[list(names)].to_numpy(float)
        for name, pivot in pivots.items()
    }


def ranked_pair(
    names: Sequence[str], scores: Array, costs: Array, strong: str | None, weak: str | None
) -> tuple[int, int]:
    """Columns of the strong and the weak model: as named, else the best, and the cheapest of the others."""
    import numpy as np

    means, costs_of_models = scores.mean(0), costs.mean(0)
    high = names.index(strong) if strong else int(np.argmax(means))
    if weak:
        return high, names.index(weak)
    others = [i for i in range(len(names)) if i != high]
    return high, min(others, key=lambda i: (costs_of_models[i], means[i]))
