"""What each call of a table cost: measured, or priced by what is known of its model; with its seconds if they count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.prices import with_known_prices, without_cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


class Costs(NamedTuple):
    """Costs of calls, shape (prompts, models), in USD or one a call where these are unknown; notes on them in words."""

    values: Array
    in_usd: bool
    notes: list[str]


def costs_of_calls(
    table: pd.DataFrame, index: pd.Index[Any], names: Sequence[str], latency_weight: float = 0.0
) -> Costs:
    """Costs of the prompts in `index` and the models in `names`.

    Args:
        table: validated outcomes of these models.
        latency_weight: USD that a second of waiting costs, on top of what a call costs.

    Raises:
        InvalidRequestError: seconds are to count, and a model has none, or they count for less than nothing.
    """
    import numpy as np

    if not 0 <= latency_weight < float("inf"):
        raise InvalidRequestError(f"a second cannot cost {latency_weight:g} USD", "use 0 or more")
    table, notes = with_known_prices(table)
    usd = _by_model(table, "cost_usd", index, names)
    means = usd.mean()
    in_usd = not (means.isna().any() or means.max() <= 0 or np.isclose(means.max(), means.min(), atol=0.0))
    if not latency_weight:
        if in_usd:
            return Costs(usd.fillna(means).to_numpy(float), True, notes)
        return Costs(np.ones((len(index), len(names))), False, [*notes, _calls_note(table, names)])
    seconds = seconds_of_calls(table, index, names)
    if seconds is None:
        detail = "seconds are to count as a cost, and some models have none measured"
        raise InvalidRequestError(detail, "fill in latency_s, or leave out --latency-weight")
    waited = latency_weight * seconds
    asked = usd.fillna(means).fillna(0.0).to_numpy(float)
    notes.append(f"a second of waiting counts as {latency_weight:g} USD")
    if missing := without_cost(table):
        notes.append(f"no cost is known of {', '.join(missing)}: only the seconds count")
        asked = np.zeros_like(waited)
    return Costs(asked + waited, True, notes)


def seconds_of_calls(table: pd.DataFrame, index: pd.Index[Any], names: Sequence[str]) -> Array | None:
    """Seconds of each answer, shape (prompts, models), its model's mean where unknown; None where a model has none."""
    measured = _by_model(table, "latency_s", index, names)
    means = measured.mean()
    return None if means.isna().any() else measured.fillna(means).to_numpy(float)


def _by_model(table: pd.DataFrame, column: str, index: pd.Index[Any], names: Sequence[str]) -> pd.DataFrame:
    wide: pd.DataFrame = table.pivot(index="prompt_id", columns="model", values=column).reindex(index)[list(names)]
    return wide.astype(float)


def _calls_note(table: pd.DataFrame, names: Sequence[str]) -> str:
    """What it means that calls are counted instead of USD, and what to do about it."""
    missing = without_cost(table)
    why = f"no cost and no price of {', '.join(missing)}" if missing else "all models cost the same"
    counted = "calls to the strong model" if len(names) == 2 else "every model counts the same, so nothing can be saved"
    return f"{why}: cost is counted in calls ({counted}); --prices FILE counts in USD"
