"""Counts and sums over the tables of documents, computed of their values and told as a passage.

Nothing that a file says is run: numbers are read from cells, and added up.
"""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Part
from autopicker_lab.retrieval.ngrams import fold, has_name
from autopicker_lab.retrieval.passages import Passage

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.core import Document
    from autopicker_lab.retrieval.tables import Column, IndexedTable

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

_LEAST_ROWS = 3
_MOST_CELLS = 2_000_000
_LEAST_VALUE = 2  # characters of a cell that a question may name
_MOST_COLUMNS = 3  # whose sums are told
_DIGITS = 6
_MOST_OF = 0.3  # of a document's characters; bars and spaces of its Markdown are many


def sums_of(question: str, document: Document, tables: Sequence[IndexedTable], number: int = 0) -> list[Passage]:
    """What may be counted and added up for a question: a passage for each table that it concerns, computed.

    A table is concerned where it is the document, or where the question has its name, that of one of its columns or the
    value of a cell. Rows are counted that have all those values, and of columns of numbers that it names their sum,
    mean, least and greatest are told.

    Args:
        tables: the document's.
        number: which of the documents it is.
    """
    text = f" {' '.join(fold(question).split())} "
    found = []
    for one in tables:
        if len(one.table.rows) > _LEAST_ROWS and one.cells <= _MOST_CELLS:
            named = any(has_name(text, fold(name)) for name in (one.table.label, one.part.label))
            named = named or (len(tables) == 1 and one.characters > _MOST_OF * len(document.text))
            told = _told(text, one.columns, len(one.table.rows) - 1, named)
            if told:
                found.append(Passage(number, one.number, Part(f"{one.part.label}, computed", told)))
    return found


def _told(text: str, columns: Sequence[Column], whole: int, is_meant: bool) -> str:
    """What is computed of one table, in words; "" where the question does not concern it.

    Args:
        is_meant: whether it is asked about, also where none of its columns and values is named.
    """
    import numpy as np

    rows, condition = _selected(text, columns, whole)
    named = [column for column in columns if has_name(text, fold(column.name))]
    numbers = [(one.name, values) for one in named if len(values := _numbers(one, rows))]
    if not numbers and not condition and not is_meant:
        return ""
    lines = [f"Computed from the table's own values: {np.count_nonzero(rows):,} of {whole:,} rows{condition}."]
    for name, values in numbers[:_MOST_COLUMNS]:
        total = fsum(values)
        lines.append(
            f"{name}: {len(values):,} numbers, sum {_said(total)}, mean {_said(total / len(values))}, "
            f"least {_said(min(values))}, greatest {_said(max(values))}."
        )
    return "\n".join(lines)


def _selected(text: str, columns: Sequence[Column], whole: int) -> tuple[Mask, str]:
    """The rows that have the values which a question names, each column's any of them; and those values in words."""
    import numpy as np

    rows, conditions = np.ones(whole, bool), []
    for column in columns:
        wanted = {
            code: value
            for code, (value, folded) in enumerate(column.texts.items())
            if len(value) >= _LEAST_VALUE and has_name(text, folded)
        }
        if not wanted:
            continue
        there = np.unique(column.codes[rows & (column.codes >= 0)])
        named = np.intersect1d(there, list(wanted))
        if 0 < len(named) < len(there):
            rows &= np.isin(column.codes, named)
            conditions.append(f"{column.name} is {' or '.join(sorted(wanted[code] for code in named.tolist()))}")
    return rows, f" where {' and '.join(conditions)}" if conditions else ""


def _numbers(column: Column, rows: Mask) -> list[float]:
    """The numbers that a column has in some rows."""
    import numpy as np

    values = column.numbers[rows]
    found: list[float] = values[~np.isnan(values)].tolist()
    return found


def _said(value: float) -> str:
    return f"{round(value, _DIGITS):,.{_DIGITS}f}".rstrip("0").rstrip(".")
