"""Tables below one another in one file, parted by blank lines."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from autopicker_lab.extraction.headers import is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = Sequence[str]


def split_tables(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """The first row of each table and the one past its last; blank rows and what stands below it go with a table.

    Another table begins behind blank rows where a header of its own stands: names over numbers, or names of another
    number of columns than the last table has. A title on a line of its own goes with the table below it.
    """
    blocks = [] if all(map(any, rows)) else _blocks(rows)
    if len(blocks) < 2:
        return [(0, len(rows))]
    starts: list[int] = []
    above: Sequence[Row] = ()
    title: int | None = None
    for first, last in blocks:
        block = rows[first:last]
        if (not above or _begins_table(block, above)) and _is_table(block):
            starts.append(0 if not above else first if title is None else title)
            above = block
        title = first if len(block) == 1 and _width(block[0]) == 1 else None
    return list(zip(starts, [*starts[1:], len(rows)], strict=True)) if len(starts) > 1 else [(0, len(rows))]


def _blocks(rows: Sequence[Row]) -> list[tuple[int, int]]:
    blocks: list[tuple[int, int]] = []
    for is_filled, group in groupby(range(len(rows)), lambda number: any(rows[number])):
        numbers = list(group)
        if is_filled:
            blocks.append((numbers[0], numbers[-1] + 1))
    return blocks


def _is_table(block: Sequence[Row]) -> bool:
    header = _header(block)
    return len(block) - header > 1 and _width(block[header]) > 1


def _begins_table(block: Sequence[Row], above: Sequence[Row]) -> bool:
    """Whether a block has a header of its own, and so goes on with no table above it."""
    if not _is_table(block):
        return False
    header = _header(block)
    names, data = block[header], block[header + 1 :]
    if any(map(is_number, names)):
        return False
    if list(names) == list(above[_header(above)]):
        return True
    if _width(names) != _width(above[_header(above)]):
        return all(_width(row) <= _width(names) for row in data)
    return any(is_number(row[i]) for row in data for i, name in enumerate(names) if name and i < len(row))


def _header(block: Sequence[Row]) -> int:
    """The index of the row that names the columns: the first of several cells, behind titles of one."""
    return next((i for i, row in enumerate(block) if _width(row) > 1), 0)


def _width(row: Row) -> int:
    return sum(map(bool, row))
