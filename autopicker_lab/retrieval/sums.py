"""Counts and sums over the tables of documents, computed of their values and told as a passage.

Nothing that a file says is run: numbers are read from cells, and added up.
"""

from __future__ import annotations

from math import fsum
from statistics import median
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Part
from autopicker_lab.retrieval.condition_words import folded_column
from autopicker_lab.retrieval.conditions import grouped_by, is_named, selected
from autopicker_lab.retrieval.ngrams import fold, has_name
from autopicker_lab.retrieval.passages import Passage

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from autopicker_lab.core import Document
    from autopicker_lab.retrieval.tables import Column, IndexedTable

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

_READ = 2_000  # characters of a question
_LEAST_ROWS = 3
_MOST_CELLS = 2_000_000
_MOST_COLUMNS = 3  # whose sums are told
_MOST_GROUPS = 20
_MOST_TOLD = 6  # different values
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
    question = question[:_READ]
    text = f" {' '.join(fold(question).split())} "
    found = []
    for one in tables:
        if len(one.table.rows) > _LEAST_ROWS and one.cells <= _MOST_CELLS:
            named = any(has_name(text, fold(name)) for name in (one.table.label, one.part.label))
            named = named or (len(tables) == 1 and one.characters > _MOST_OF * len(document.text))
            told = _told(question, text, one.columns, len(one.table.rows) - 1, named)
            if told:
                found.append(Passage(number, one.number, Part(f"{one.part.label}, computed", told)))
    return found


def _told(question: str, text: str, columns: Sequence[Column], whole: int, is_meant: bool) -> str:
    """What is computed of one table, in words; "" where the question does not concern it.

    Args:
        is_meant: whether it is asked about, also where none of its columns and values is named.
    """
    import numpy as np

    found = selected(question, text, columns, whole)
    named = [column for column in columns if is_named(text, column)]
    numbers = [(one.name, values) for one in named if len(values := _numbers(one, found.rows))]
    if not numbers and not found.conditions and not is_meant:
        return ""
    count = np.count_nonzero(found.rows)
    condition = f" where {' and '.join(found.conditions)} ({count / whole:.1%})" if found.conditions else ""
    lines = [f"Computed from the table's own values: {count:,} of {whole:,} rows{condition}."]
    lines += [f"{name}: {_figures(values, text)}." for name, values in numbers[:_MOST_COLUMNS]]
    texts = [column for column in named if len(column.texts) > 1 and not _numbers(column, found.rows)]
    lines += [_different(column, found.rows) for column in texts[:_MOST_COLUMNS]]
    if (by := grouped_by(text, columns)) is not None:
        lines += _groups(by, found.rows, [column for column in named if column is not by], text)
    return "\n".join(lines)


def _figures(values: Sequence[float], text: str) -> str:
    """Count, sum, mean, least and greatest, and the median where a question asks for it."""
    total = fsum(values)
    median_asked = any(word in text for word in folded_column("median"))
    middle = f"median {_said(median(values))}, " if median_asked else ""
    return (
        f"{len(values):,} numbers, sum {_said(total)}, mean {_said(total / len(values))}, {middle}"
        f"least {_said(min(values))}, greatest {_said(max(values))}"
    )


def _different(column: Column, rows: Mask) -> str:
    """How many different texts a column has in some rows; of few, which and how often."""
    import numpy as np

    codes, counts = np.unique(column.codes[rows & (column.codes >= 0)], return_counts=True)
    texts = list(column.texts)
    often = ", ".join(f"{texts[code]} {count:,}" for code, count in zip(codes, counts, strict=True))
    told = f" ({often} rows)" if 0 < len(codes) <= _MOST_TOLD else ""
    return f"{column.name}: {len(codes):,} different value{'s' if len(codes) != 1 else ''}{told}."


def _groups(by: Column, rows: Mask, columns: Sequence[Column], text: str) -> list[str]:
    """The rows of each value of a column, counted and added up, those with most rows first."""
    import numpy as np

    codes, counts = np.unique(by.codes[rows & (by.codes >= 0)], return_counts=True)
    texts = list(by.texts)
    lines = []
    for i in np.argsort(-counts, kind="stable")[:_MOST_GROUPS].tolist():
        here = rows & (by.codes == codes[i])
        sums = [f"{one.name} {_figures(values, text)}" for one in columns if (values := _numbers(one, here))]
        lines.append(
            f"{by.name} {texts[codes[i]]}: {counts[i]:,} rows{''.join(f'; {said}' for said in sums[:_MOST_COLUMNS])}."
        )
    left = len(codes) - len(lines)
    return [*lines, f"{left:,} more values of {by.name} have fewer rows."] if left > 0 else lines


def _numbers(column: Column, rows: Mask) -> list[float]:
    """The numbers that a column has in some rows."""
    import numpy as np

    values = column.numbers[rows]
    found: list[float] = values[~np.isnan(values)].tolist()
    return found


def _said(value: float) -> str:
    return f"{round(value, _DIGITS):,.{_DIGITS}f}".rstrip("0").rstrip(".")
