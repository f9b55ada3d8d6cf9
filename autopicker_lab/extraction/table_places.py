"""Where the rows of a table stand: in a sheet, or on the lines of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.core import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.core import Table
    from autopicker_lab.extraction.columns import RenderedTable

    _Run = tuple[int, int, int, int]


def sheet_places(
    start: int, rendered: RenderedTable, table: Table, sheet: str, corner: tuple[int, int]
) -> tuple[Place, ...]:
    """The places of a table of a sheet in a text that has its Markdown from `start` on; what is told of it is of all.

    Args:
        corner: row and column of its first cell, from 0.
    """
    row, column = corner[0] + 1, corner[1] + 1
    columns = (column, column + max(map(len, table.rows)) - 1)
    said = rendered.runs[0][0]
    above = (Place(start, start + said, sheet=sheet),) if said else ()
    return above + tuple(
        Place(start + begin, start + end, sheet=sheet, rows=(row + first, row + last), columns=columns)
        for begin, end, first, last in rendered.runs
    )


def lined_places(start: int, rendered: RenderedTable, lines: Sequence[tuple[int, int]]) -> tuple[Place, ...]:
    """The places of a table that is written in lines of a file, first and last `lines` of each row, from 1.

    Of a table that does not show all its rows they name those, too, its header being the first.
    """
    is_whole = rendered.runs[0][0] == 0
    return tuple(
        Place(
            start + begin,
            start + end,
            rows=None if is_whole else (first + 1, last + 1),
            lines=(lines[first][0], lines[last][1]),
        )
        for run in rendered.runs
        for begin, end, first, last in _cut(run, rendered.text, lines)
    )


def _cut(run: _Run, text: str, lines: Sequence[tuple[int, int]]) -> Iterator[_Run]:
    """A run in stretches of which each row is the next line; a row of several lines is one by itself."""
    begin, end, first, last = run
    for i in range(first + 1, last + 1):
        line = lines[i - 1]
        if line[0] != line[1] or lines[i] != (line[1] + 1, line[1] + 1):
            stop = _after(text, begin, i - first)
            yield begin, stop - 1, first, i - 1
            begin, first = stop, i
    yield begin, end, first, last


def _after(text: str, begin: int, count: int) -> int:
    """Where the line after so many begins."""
    for _ in range(count):
        begin = text.index("\n", begin) + 1
    return begin
