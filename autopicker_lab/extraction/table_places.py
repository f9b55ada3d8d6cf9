"""Where the rows of a table stand: in a sheet, or on the lines of a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.core import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.core import Table


def sheet_places(start: int, markdown: str, table: Table, sheet: str, corner: tuple[int, int]) -> tuple[Place, ...]:
    """The places of a table of a sheet in a text that has its Markdown from `start` on: its header, and the rows.

    Args:
        corner: row and column of its first cell, from 0.
    """
    row, column = corner[0] + 1, corner[1] + 1
    last = row + len(table.rows) - 1
    columns = (column, column + max(map(len, table.rows)) - 1)
    stop = start + len(markdown)
    if markdown.count("\n") != len(table.rows) or last == row:  # a summary of it, or a header alone
        return (Place(start, stop, sheet=sheet, rows=(row, last), columns=columns),)
    body = start + markdown.index("\n", markdown.index("\n") + 1) + 1
    return (
        Place(start, body, sheet=sheet, rows=(row, row), columns=columns),
        Place(body, stop, sheet=sheet, rows=(row + 1, last), columns=columns),
    )


def lined_places(start: int, markdown: str, lines: Sequence[tuple[int, int]]) -> tuple[Place, ...]:
    """The places of a table that is written in lines of a file, first and last `lines` of each row, from 1."""
    if markdown.count("\n") != len(lines) or len(lines) == 1:
        return (Place(start, start + len(markdown), lines=(lines[0][0], lines[-1][1])),)
    if lines[-1][1] - lines[0][0] + 1 == len(lines):  # one line a row
        body = start + markdown.index("\n", markdown.index("\n") + 1) + 1
        below = Place(body, start + len(markdown), lines=(lines[1][0], lines[-1][1]))
        return Place(start, body, lines=lines[0]), below
    ends = [match.start() for match in re.finditer("\n", markdown)] + [len(markdown)]
    return Place(start, start + ends[1] + 1, lines=lines[0]), *(
        Place(start + ends[i] + 1, start + ends[j], lines=(lines[i][0], lines[j - 1][1])) for i, j in _runs(lines)
    )


def _runs(lines: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Stretches of rows below the header of which each is the next line; a row of several lines is one by itself."""
    first = 1
    for i in range(2, len(lines) + 1):
        last = lines[i - 1]
        if i == len(lines) or last[0] != last[1] or lines[i] != (last[1] + 1, last[1] + 1):
            yield first, i
            first = i
