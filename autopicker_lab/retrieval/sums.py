"""Counts and sums over the tables of documents, computed of their values and told as a passage.

Nothing that a file says is run: numbers are read from cells, and added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, isfinite
from typing import TYPE_CHECKING

from autopicker_lab.core import Part
from autopicker_lab.retrieval.ngrams import fold, has_name
from autopicker_lab.retrieval.passages import Passage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.core import Document, Table

_LEAST_ROWS = 3
_MOST_CELLS = 2_000_000
_LEAST_VALUE = 2  # characters of a cell that a question may name
_MOST_COLUMNS = 3  # whose sums are told
_DIGITS = 6
_MOST_OF = 0.3  # of a document's characters; bars and spaces of its Markdown are many


@dataclass(frozen=True)
class _Rows:
    """Rows of a table that meet what a question says of them, and how that was understood."""

    names: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    condition: str
    whole: int


def sums_of(question: str, document: Document, number: int = 0) -> list[Passage]:
    """What may be counted and added up for a question: a passage for each table that it concerns, computed.

    A table is concerned where it is the document, or where the question has its name, that of one of its columns or the
    value of a cell. Rows are counted that have all those values, and of columns of numbers that it names their sum,
    mean, least and greatest are told.
    """
    text = f" {' '.join(fold(question).split())} "
    found = []
    for index, part in enumerate(document.parts):
        for table in part.tables:
            if len(table.rows) > _LEAST_ROWS and sum(map(len, table.rows)) <= _MOST_CELLS:
                named = any(has_name(text, fold(name)) for name in (table.label, part.label))
                named = named or (len(document.tables) == 1 and _is_most_of(document, table))
                told = _told(text, table, named)
                if told:
                    label = f"{part.label}, computed"
                    found.append(Passage(number, index, Part(label, told)))
    return found


def _told(text: str, table: Table, is_meant: bool) -> str:
    """What is computed of one table, in words; "" where the question does not concern it."""
    rows = _selected(text, table)
    columns = [i for i, name in enumerate(rows.names) if has_name(text, fold(name)) and any(_numbers(rows.rows, i))]
    if not columns and not rows.condition and not is_meant:
        return ""
    lines = [f"Computed from the table's own values: {len(rows.rows):,} of {rows.whole:,} rows{rows.condition}."]
    for i in columns[:_MOST_COLUMNS]:
        values = list(_numbers(rows.rows, i))
        total = fsum(values)
        lines.append(
            f"{rows.names[i]}: {len(values):,} numbers, sum {_said(total)}, mean {_said(total / len(values))}, "
            f"least {_said(min(values))}, greatest {_said(max(values))}."
        )
    return "\n".join(lines)


def _is_most_of(document: Document, table: Table) -> bool:
    """Whether a document is a table with little beside it, as a sheet is, so that what is counted are its rows."""
    cells = sum(len(str(cell)) for row in table.rows for cell in row if cell is not None)
    return cells > _MOST_OF * len(document.text)


def _selected(text: str, table: Table) -> _Rows:
    """The rows that have the values which a question names, each column's any of them."""
    names = tuple("" if cell is None else str(cell) for cell in table.rows[0])
    rows: Sequence[tuple[object, ...]] = table.rows[1:]
    whole, conditions = len(rows), []
    for i, name in enumerate(names):
        values = {row[i] for row in rows if i < len(row) and isinstance(row[i], str)}
        wanted = {
            v for v in values if isinstance(v, str) and len(v) >= _LEAST_VALUE and has_name(text, fold(v.strip()))
        }
        if wanted and len(wanted) < len(values):
            rows = [row for row in rows if i < len(row) and row[i] in wanted]
            conditions.append(f"{name} is {' or '.join(sorted(wanted))}")
    return _Rows(names, rows, f" where {' and '.join(conditions)}" if conditions else "", whole)


def _numbers(rows: Sequence[tuple[object, ...]], column: int) -> Iterator[float]:
    for row in rows:
        value = row[column] if column < len(row) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            yield value


def _said(value: float) -> str:
    return f"{round(value, _DIGITS):,.{_DIGITS}f}".rstrip("0").rstrip(".")
