"""Headers of several rows: groups over columns ("2023" over "Jan", "Feb", "Mar") become one row, "2023 Jan"."""

from __future__ import annotations

import re
from operator import eq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autopicker_lab.core import Cell

Row = tuple["Cell", ...]
MOST_LEVELS = 4  # rows of a header
_DATA_ROWS = 30  # rows that are asked whether they hold numbers
_YEARS = range(1800, 2200)
_UNIT = re.compile(r"[\[(][^\[\]()]{1,20}[\])]")
_NUMBER = re.compile(r"[-+(]?\s*[^\w\s]?\s*\d[\d.,'\u00a0\u202f ]*\s*[^\w\s]?\)?")
_LONGEST = 100  # characters of a number


def join_group_headers(
    rows: Sequence[Row], first: int, spans: Mapping[tuple[int, int], int] | None = None
) -> tuple[int, int, Row] | None:
    """The rows of a header of several rows, first and behind the last, and the one that they make; None for one row.

    Args:
        rows: equally wide; `first` is the index of the one that alone would be the header.
        spans: how many columns a cell takes, by the index of its row and column, where the file tells; elsewhere a
            group reaches to the next one.
    """
    if not any(map(_may_group, rows[: first + MOST_LEVELS - 1])) and not any(
        map(_is_units_row, rows[: first + MOST_LEVELS])
    ):
        return None
    for bottom in range(min(first + MOST_LEVELS, len(rows)) - 1, first - 1, -1):
        top, names = bottom, rows[bottom]
        data = rows[bottom + 1 : bottom + 1 + _DATA_ROWS]
        while top > 0 and bottom - top < MOST_LEVELS - 1:
            if top == bottom and _is_units_row(names) and all(cell is None or _is_name(cell) for cell in rows[top - 1]):
                names = tuple(map(_join, rows[top - 1], names))
                top -= 1
                continue
            groups = _spread(rows[top - 1], {c: n for (r, c), n in (spans or {}).items() if r == top - 1})
            if not _is_group_row(_without_repeats(rows[top - 1]), groups, names, data):
                break
            names = tuple(map(_join, groups, names))
            top -= 1
        if top < bottom and top <= first:
            return top, bottom + 1, names
    return None


def _may_group(row: Row) -> bool:
    """Whether a row has a blank cell, or one that its neighbour repeats: else nothing in it is over several columns."""
    return None in row or any(map(eq, row, row[1:]))


def _spread(row: Row, widths: Mapping[int, int]) -> Row:
    """A row whose cells stand in every column that they span; blank cells before the first stay blank."""
    spread: list[Cell] = []
    group, left = None, 0  # type: Cell, int
    for column, cell in enumerate(row):
        if cell is not None:
            group, left = cell, widths.get(column, 1) if widths else len(row)
        spread.append(group if left > 0 else None)
        left -= 1
    return tuple(spread)


def _without_repeats(row: Row) -> Row:
    """A row whose cells stand once, where they are repeated over each column of their group."""
    return tuple(None if cell == before else cell for before, cell in zip((None, *row), row, strict=False))


def _is_units_row(row: Row) -> bool:
    """Whether a row holds units in brackets, "[K]" or "(EUR)", and nothing else."""
    is_blank = True
    for cell in row:
        if cell is not None:
            if not isinstance(cell, str) or not _UNIT.fullmatch(cell.strip()):
                return False
            is_blank = False
    return not is_blank


def _join(group: Cell, name: Cell) -> Cell:
    if group is None or name is None or group == name:
        return name if group is None else group
    return f"{group} {name}"


def _is_group_row(row: Row, groups: Row, names: Row, data: Sequence[Row]) -> bool:
    """Whether a row holds groups over the columns of `names`: some group has several, and numbers stand below."""
    filled = [column for column, cell in enumerate(row) if cell is not None]
    is_title = filled == list(range(len(filled))) and all(names[column] is not None for column in filled)
    if not filled or is_title or not all(_is_name(cell) for cell in (*row, *names) if cell is not None):
        return False
    shared = [
        column
        for column, (group, name) in enumerate(zip(groups, names, strict=True))
        if name is not None and group is not None and _neighbours(row, names, column)
    ]
    if not shared:
        return False
    kept = [names[column] for column in shared]
    if len(set(kept)) < len(kept) and len({groups[column] for column in shared}) > 1:  # the same names in every group
        return True
    below = [line[column] for line in data for column in shared if line[column] is not None]
    return bool(below) and 2 * sum(map(is_number, below)) >= len(below)


def _neighbours(row: Row, names: Row, column: int) -> bool:
    """Whether a column shares its group with the one before or after it."""
    before = row[column] is None and column > 0 and names[column - 1] is not None
    after = column + 1 < len(row) and row[column + 1] is None and names[column + 1] is not None
    return before or after


def _is_name(cell: Cell) -> bool:
    """Whether a cell may be a heading: words, or a year."""
    if isinstance(cell, str):
        return not is_number(cell) or (cell.isdecimal() and int(cell) in _YEARS)
    return not isinstance(cell, bool) and isinstance(cell, int) and cell in _YEARS


def is_number(cell: Cell) -> bool:
    """Whether a cell holds a number, or a text that spells one with its currency or unit sign."""
    if isinstance(cell, str):
        return len(cell) <= _LONGEST and _NUMBER.fullmatch(cell) is not None
    return isinstance(cell, int | float)
