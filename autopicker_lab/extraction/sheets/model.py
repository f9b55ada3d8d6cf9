"""What is known of a sheet: its values, and what stands beside them."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.places import column_letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autopicker_lab.core import Cell
    from autopicker_lab.extraction.sheets.number_format import NumberFormat

MACROS = "the workbook brings macros: they were not run"
MAX_AREA = 5_000_000  # cells between the corners of all sheets: more are not laid out as a grid
CellPosition = tuple[int, int]  # row and column from 0
_EXACT = 2**53  # up to here floats hold every whole number
_MAX_MERGED = 200  # merged ranges that are told
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # sheets know no zones
_LAST_DAY = 2_958_466  # the first day of the year 10000


@dataclass
class SheetNotes:
    """What stands in one sheet beside its values.

    Attributes:
        area: number of cells between the corners of the sheet, at most.
        filled: number of cells that exist.
        errors: text of cells that could not be computed: #DIV/0! and the like.
        formulas: as Excel writes them after "=".
        uncomputed: cells whose formula was never computed, so that no value was saved.
        formats: number formats of cells that carry meaning.
        struck: cells whose whole content is struck through.
        links: addresses by cell.
        comments: text by cell reference.
        hidden_rows, hidden_columns: spans, the first and the last from 0.
        marked: texts of cells with their raised, lowered and struck characters marked.
        texts: of text boxes and shapes.
        margins: headers and footers of the printed pages.
        pictures: names and descriptions.
        warnings: what could not be read.
    """

    area: int = 0
    filled: int = 0
    errors: dict[CellPosition, str] = field(default_factory=dict)
    formulas: dict[CellPosition, str] = field(default_factory=dict)
    uncomputed: set[CellPosition] = field(default_factory=set)
    formats: dict[CellPosition, NumberFormat] = field(default_factory=dict)
    struck: set[CellPosition] = field(default_factory=set)
    links: dict[CellPosition, str] = field(default_factory=dict)
    marked: dict[CellPosition, str] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    hidden_rows: list[tuple[int, int]] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    margins: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass
class Sheet:
    """The cells of one sheet.

    Attributes:
        row_numbers, column_numbers: which row and column of the sheet, from 0, each of `rows` and its cells is.
        merges: the first and the last cell of each merged range.
        titles: lines above the table's own header.
    """

    name: str
    visible: bool
    rows: list[tuple[Cell, ...]]
    row_numbers: Sequence[int] = ()
    column_numbers: Sequence[int] = ()
    merges: list[tuple[CellPosition, CellPosition]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)

    @property
    def merged_ranges(self) -> list[str]:
        """The merged ranges as A1:B2."""
        return [":".join(map(cell_reference, corners)) for corners in self.merges[:_MAX_MERGED]]

    @property
    def has_gaps(self) -> bool:
        """Whether empty rows or columns were left out."""
        return isinstance(self.row_numbers, list)

    def locate(self, position: CellPosition) -> CellPosition | None:
        """Where in `rows` a cell of the sheet stands; None where it does not."""
        r, c = (
            bisect_left(numbers, i)
            for numbers, i in zip((self.row_numbers, self.column_numbers), position, strict=True)
        )
        if r < len(self.rows) and c < len(self.rows[r]) and (self.row_numbers[r], self.column_numbers[c]) == position:
            return r, c
        return None


@dataclass
class Book:
    """The sheets of a workbook in order.

    Attributes:
        notes: what stands beside the values, by name of the sheet.
        charts: their titles.
        facts: names of tables, pivot tables, ranges and other workbooks, as far as there are any.
        warnings: what was lost or guessed in the whole of it.
    """

    sheets: list[Sheet] = field(default_factory=list)
    notes: dict[str, SheetNotes] = field(default_factory=dict)
    charts: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    starts_1904: bool = False


def sheet_of_cells(name: str, visible: bool, cells: dict[CellPosition, Cell], keeps_gaps: bool = True) -> Sheet:
    """A sheet of the cells that exist; without its empty rows and columns where they are many, or not to be kept."""
    rows: Sequence[int] = sorted({row for row, _ in cells})
    columns: Sequence[int] = sorted({column for _, column in cells})
    area = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1) if rows else 0
    if area <= max(MAX_AREA // 10, 20 * len(cells)) and (keeps_gaps or area <= len(rows) * len(columns)):
        rows = range(rows[0], rows[-1] + 1) if rows else range(0)
        columns = range(columns[0], columns[-1] + 1) if columns else range(0)
    grid = [tuple(cells.get((row, column)) for column in columns) for row in rows]
    return Sheet(name, visible, grid, rows, columns)


def cell_reference(position: CellPosition) -> str:
    """The name of a cell: (0, 0) is A1."""
    row, column = position
    return f"{column_letters(column + 1)}{row + 1}"


def column_number(letters: bytes) -> int:
    """A column's index from 0: A is 0, Z 25, AA 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def spans(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as runs without a gap: 1, 2, 3, 7 are (1, 3) and (7, 7)."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def insert_notes(sheet: Sheet, notes: SheetNotes) -> None:
    """A grid with errors, and formulas without a value, written into their cells; it grows where they stand outside."""
    texts: dict[CellPosition, Any] = {**{p: f"={notes.formulas[p]}" for p in notes.uncomputed}, **notes.errors}
    if not texts or sheet.has_gaps:
        return
    rows, columns = [row for row, _ in texts], [column for _, column in texts]
    if sheet.rows:
        rows += [sheet.row_numbers[0], sheet.row_numbers[-1]]
        columns += [sheet.column_numbers[0], sheet.column_numbers[-1]]
    top, left, height, width = min(rows), min(columns), max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
    if height * width > MAX_AREA:
        return
    grid: list[list[Cell]] = [[None] * width for _ in range(height)]
    for number, row in zip(sheet.row_numbers, sheet.rows, strict=True):
        first = sheet.column_numbers[0] - left if row else 0
        grid[number - top][first : first + len(row)] = row
    for (r, c), text in texts.items():
        if grid[r - top][c - left] is None:
            grid[r - top][c - left] = text
    sheet.rows = [tuple(row) for row in grid]
    sheet.row_numbers, sheet.column_numbers = range(top, top + height), range(left, left + width)


def to_cell(value: object) -> Cell:
    """A cell's value as JSON can hold it: whole floats as integers, dates and times as ISO 8601, blanks as None."""
    kind = type(value)
    if kind is str:
        return value or None  # type: ignore[return-value]
    if isinstance(value, float):
        if value.is_integer() and abs(value) <= _EXACT:
            return int(value)
        return value if math.isfinite(value) else str(value)  # JSON has no infinity
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)  # a duration, as 6:05:00 or 1 day, 6:05:00


def dated(number: float, is_elapsed: bool = False, starts_1904: bool = False) -> Cell:
    """The date, time or duration that a number of days since the workbook's epoch means; itself where it means none."""
    if is_elapsed and abs(number) < _LAST_DAY:
        return str(timedelta(milliseconds=round(number * 86_400_000)))
    if not 0 <= number < _LAST_DAY:
        return to_cell(number)
    moment = timedelta(milliseconds=round(number * 86_400_000))
    if moment < timedelta(days=1):
        return to_cell((_EPOCH + moment).time())
    if number < 61 and not starts_1904:
        moment += timedelta(days=1)  # Excel believes that 1900 had a 29 February
    return to_cell((_EPOCH_1904 if starts_1904 else _EPOCH) + moment)
