"""The figures that a benchmark found: how they are kept, and how they are written for people."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.show import html_table

if TYPE_CHECKING:
    import pandas as pd

FIGURES = "figures.json"
VERDICT = "verdict.json"
_SHOWN = 40  # figures of a table
_UNITS = {"s": "s", "ms": "ms", "us": "µs", "mb": "MB", "usd": "USD"}  # by the last word of a name


@dataclass(frozen=True)
class SavedFigures:
    """What a benchmark found, which shows itself as a table: what to look at first, then the rest.

    Attributes:
        figures: by name, as JSON has them.
        verdict: in a sentence. look_first: dotted names of figures.
    """

    figures: Mapping[str, Any]
    verdict: str = ""
    look_first: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        found = {name: value for name, value in leaves(self.figures) if isinstance(value, bool | int | float | str)}
        first = [name for name in self.look_first if name in found]
        names = [*first, *(name for name in found if name not in first)]
        rows = [readable(name, found[name]) for name in names[:_SHOWN]]
        more = [(f"… and {len(names) - _SHOWN:,} more", f"in {FIGURES}")] if len(names) > _SHOWN else []
        return html_table(["figure", "value"], [*rows, *more], self.verdict)


def readable(name: str, value: Any) -> tuple[str, str]:
    """A figure by its dotted name as people write it: its name, and its value with the unit that the name ends in."""
    if not isinstance(value, int | float):
        return name.replace("_", " "), as_written(value)
    stem, _, last = name.rpartition("_")
    unit = _UNITS.get(last, "") if stem else ""
    words = (stem if unit else name).replace("_", " ")
    if isinstance(value, float) and name.endswith("share"):
        return words, f"{100 * value:.3g} %"
    if isinstance(value, bool):
        return words, "yes" if value else "no"
    if isinstance(value, int):
        number = f"{value:,}"
    else:
        number = f"{value:,.0f}" if value.is_integer() or abs(value) >= 1000 else f"{value:,.3g}"
    return words, f"{number} {unit}".rstrip()


def as_written(value: Any) -> str:
    """A value as it is given: a text itself, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def leaves(figures: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each figure that is no object, by its dotted path."""
    if not isinstance(figures, Mapping):
        yield path, figures
        return
    for key, value in figures.items():
        yield from leaves(value, f"{path}.{key}" if path else str(key))


def save_figures(
    figures: Mapping[str, Any],
    out: str | Path,
    tables: Mapping[str, pd.DataFrame] | None = None,
    *,
    verdict: str = "",
    look_first: Sequence[str] = (),
) -> SavedFigures:
    """Write a benchmark's figures into its run's folder; a benchmark notebook calls this last.

    Args:
        figures: by name; NaN and None are written as null.
        out: the folder; "" writes nothing.
        tables: written beside the figures as NAME.csv.
        verdict: what the run found, in a sentence for the report's cover.
        look_first: dotted names of the figures that stand there.

    Returns:
        The figures, which show themselves as the last line of the notebook.
    """
    saved = SavedFigures(_as_json(figures), verdict, tuple(look_first))
    if str(out):
        Path(out, FIGURES).write_text(json.dumps(saved.figures, indent=2, allow_nan=False) + "\n", "utf-8")
        Path(out, VERDICT).write_text(json.dumps({"verdict": verdict, "look_first": list(look_first)}) + "\n", "utf-8")
        for name, table in (tables or {}).items():
            table.to_csv(Path(out, f"{name}.csv"), index=table.index.name is not None or table.index.nlevels > 1)
    return saved


def _as_json(value: Any) -> Any:
    """As JSON has it: NumPy's and pandas' as Python's own, tables as rows, None for NaN, all else as text."""
    if isinstance(value, Mapping):
        return {str(_as_json(key)): _as_json(item) for key, item in value.items()}
    if hasattr(value, "columns"):  # a table, its rows with the names of its index
        index = [name for name in value.index.names if name is not None]
        value = (value.reset_index() if index else value).to_dict("records")
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays, pandas' columns
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_json(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
