"""Tables of Markdown in a text: where they stand, and rows that are too long as tables of some columns."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core.sentences import lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DELIMITER = re.compile(r"^[|:\- \t]+$", re.MULTILINE)
_BAR = re.compile(r"(?<!\\)\|")
_HEADER_ROWS = 4
_FRAME = 12  # characters that a cell takes besides its name and its value: bars, spaces, the row of dashes


class MarkdownTable(NamedTuple):
    """A table of Markdown in a text; its header, with the row of dashes, ends at `body`."""

    start: int
    body: int
    stop: int
    names: tuple[str, ...]


class TextPiece(NamedTuple):
    """A slice of the text; or what is `said` in its place, of a row that is too long some `cells` under their names."""

    start: int
    stop: int
    said: str | None = None
    cells: tuple[tuple[str, str], ...] = ()


def tables_in(text: str) -> Iterator[MarkdownTable]:
    """The tables of Markdown in a text: a line with bars, a row of dashes, and the lines with bars that follow."""
    reached = 0
    for match in _DELIMITER.finditer(text):
        start = _header_start(text, match.start(), reached)
        header = text[start : match.start()]
        if not {"-", "|"} <= set(match[0]) or not header:
            continue
        stop = match.end()
        while stop < len(text):
            end = text.find("\n", stop + 1)
            end = len(text) if end < 0 else end
            if "|" not in text[stop + 1 : end]:
                break
            stop = end
        reached = stop
        names = zip_longest(*map(cells_of, header.splitlines()), fillvalue="")
        yield MarkdownTable(
            start, min(match.end() + 1, stop), stop, tuple(" ".join(filter(None, name)) for name in names)
        )


def _header_start(text: str, stop: int, reached: int) -> int:
    """Where the rows with bars begin that end at `stop`, of which some writers have several; `stop` without any."""
    start = stop
    for _ in range(_HEADER_ROWS):
        row = text.rfind("\n", reached, max(start - 1, reached)) + 1 or reached
        if row >= start or "|" not in text[row:start] or not text[row:start].strip():
            break
        start = row
    return start


def cells_of(row: str) -> list[str]:
    """The cells of a row, as they stand between its bars."""
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip() for cell in _BAR.split(inner)]


def slices(row: TextPiece, cells: Sequence[tuple[str, str]], limit: int) -> Iterator[TextPiece]:
    """Tables of some columns each, with the row's first cell in all; a cell too long for that as "name: value"."""

    def width(cell: tuple[str, str]) -> int:
        return _FRAME + len(cell[0]) + len(cell[1])

    key = list(cells[:1]) if len(cells) > 1 and 3 * width(cells[0]) < limit else []
    least = 5 + sum(map(width, key))
    taken, size = list(key), least
    for cell in cells[len(key) :]:
        if size + width(cell) > limit and len(taken) > len(key):
            yield _table_of(row, taken)
            taken, size = list(key), least
        if least + width(cell) > limit:
            said = f"{cell[0]}: {cell[1]}"
            yield from (TextPiece(row.start, row.stop, said[a:b]) for a, b in lines(said, 0, len(said), limit))
            continue
        taken.append(cell)
        size += width(cell)
    if len(taken) > len(key) or key:
        yield _table_of(row, taken)


def _table_of(row: TextPiece, cells: Sequence[tuple[str, str]]) -> TextPiece:
    rows = ("| " + " | ".join(line) + " |" for line in zip(*((n, "---", v) for n, v in cells), strict=True))
    return TextPiece(row.start, row.stop, "\n".join(rows), tuple(cells))
