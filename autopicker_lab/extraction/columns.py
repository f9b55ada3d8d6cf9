"""A line about each column of a table, for a reader who will not see every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autopicker_lab.core.files import Cell


def summarise(rows: Sequence[Sequence[Cell]]) -> list[dict[str, Any]]:
    """Name, type, filled count and range or commonest values of each column; the first row gives the names."""
    import pandas

    width = max(len(row) for row in rows)
    filled = [tuple(row) + (None,) * (width - len(row)) for row in rows]
    table = pandas.DataFrame(filled[1:])
    return [_column(str(filled[0][i] or f"column {i + 1}"), table[i]) for i in range(width)]


def _column(name: str, values: Any) -> dict[str, Any]:
    import pandas

    present = values.dropna()
    about: dict[str, Any] = {"name": name, "filled": len(present), "distinct": int(present.astype(str).nunique())}
    numbers = pandas.to_numeric(present, errors="coerce")
    if len(present) and not numbers.isna().any() and not present.map(lambda v: isinstance(v, bool)).any():
        low, mean, high = float(numbers.min()), float(numbers.mean()), float(numbers.max())
        if math.isfinite(low + mean + high):
            return {**about, "type": "number", "min": low, "mean": round(mean, 6), "max": high}
    top = present.astype(str).value_counts().head(3)
    return {**about, "type": "text", "common": {str(value)[:60]: int(count) for value, count in top.items()}}
