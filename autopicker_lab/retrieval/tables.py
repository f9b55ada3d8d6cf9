"""The cells of a table, made ready for questions once: which rows have a value, and what columns hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from autopicker_lab.retrieval.dates import days_of
from autopicker_lab.retrieval.ngrams import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np

    from autopicker_lab.core import Document, Part, Table
    from autopicker_lab.core.document import Cell

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]

_YEARS = (1900, 2100)
CELL_BYTES = 24  # that a cell takes here, about


@dataclass(frozen=True)
class Column:
    """A column below its header.

    Attributes:
        name: its header.
        texts: its different texts, each with what it is folded to.
        codes: by row, which of them it has, -1 for what is no text.
        numbers: by row, NaN for what is no number.
    """

    name: str
    texts: Mapping[str, str]
    codes: Ints
    numbers: Floats

    @cached_property
    def days(self) -> Ints | None:
        """By row, the day that it has as YYYYMMDD, 0 for what is none; None where it is no column of days."""
        import numpy as np

        if (by_code := days_of(self.texts)) is None:
            return None
        return np.where(self.codes >= 0, np.array([*by_code, 0], np.int64)[self.codes], 0)

    @cached_property
    def years(self) -> Ints | None:
        """By row, the first day of the year that its number is, as YYYYMMDD; None where it is no column of years."""
        import numpy as np

        numbers = self.numbers[~np.isnan(self.numbers)]
        first, last = _YEARS
        if not len(numbers) or not ((numbers >= first) & (numbers <= last) & (numbers % 1 == 0)).all():
            return None
        return np.where(np.isnan(self.numbers), 0, self.numbers * 10_000 + 101).astype(np.int64)


class IndexedTable:
    """A table of a document; what a question needs of it is made when the first one does.

    Attributes:
        number: which of the document's Parts it is in, from 0.
    """

    def __init__(self, number: int, part: Part, table: Table):
        self.number = number
        self.part = part
        self.table = table

    @cached_property
    def cells(self) -> int:
        """How many cells it has."""
        return sum(map(len, self.table.rows))

    @cached_property
    def characters(self) -> int:
        """Of all its cells."""
        return sum(len(str(cell)) for row in self.table.rows for cell in row if cell is not None)

    @cached_property
    def is_shown(self) -> bool:
        """Whether the text of its Part may have all its rows."""
        return self.part.text.count("\n") + 1 >= len(self.table.rows)

    @cached_property
    def columns(self) -> Sequence[Column]:
        """Its columns, as many as its header has."""
        return [self._column(i, "" if cell is None else str(cell)) for i, cell in enumerate(self.table.rows[0])]

    def rows_with(self, cells: Iterable[Cell]) -> dict[Cell, Ints]:
        """Of values that rows below the header have, each with the numbers of those rows, from 1, in order."""
        import numpy as np

        hashes, rows = self._by_hash
        found = {}
        for cell in cells:
            wanted = hash(cell)
            here = rows[np.searchsorted(hashes, wanted) : np.searchsorted(hashes, wanted, side="right")]
            if isinstance(cell, float):  # some numbers have one hash: -1 and -2
                here = np.array([row for row in here.tolist() if cell in self.table.rows[row]], rows.dtype)
            if len(here):
                found[cell] = np.unique(here)
        return found

    @cached_property
    def _by_hash(self) -> tuple[Ints, Any]:
        """The hashes of all cells below the header, sorted, and the row of each."""
        import numpy as np

        rows = self.table.rows[1:]
        hashes = np.fromiter(map(hash, chain.from_iterable(rows)), np.int64, sum(map(len, rows)))
        order = hashes.argsort(kind="stable")
        numbers = np.repeat(np.arange(1, len(rows) + 1, dtype=np.int32), [len(row) for row in rows])
        return hashes[order], numbers[order]

    def _column(self, i: int, name: str) -> Column:
        import numpy as np

        cells = [row[i] if i < len(row) else None for row in self.table.rows[1:]]
        known: dict[str, int] = {}
        codes = (known.setdefault(cell, len(known)) if isinstance(cell, str) else -1 for cell in cells)
        return Column(
            name,
            codes=np.fromiter(codes, np.int32, len(cells)),
            numbers=np.fromiter(map(_number, cells), np.float64, len(cells)),
            texts={text: fold(text.strip()) for text in known},
        )


def tables_of(document: Document) -> list[IndexedTable]:
    """The tables of a document, in its order."""
    return [IndexedTable(i, part, table) for i, part in enumerate(document.parts) for table in part.tables]


def _number(cell: Cell) -> float:
    """The number that a cell is; NaN for what is none, or none that can be added up."""
    if not isinstance(cell, int | float) or isinstance(cell, bool):
        return nan
    try:
        return float(cell) if isfinite(cell) else nan
    except OverflowError:
        return nan
