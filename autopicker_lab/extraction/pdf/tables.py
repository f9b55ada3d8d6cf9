"""Ruled tables of a page, detected by their drawn lines."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from autopicker_lab.extraction.headers import MOST_LEVELS, join_group_headers
from autopicker_lab.extraction.pdf.direction import runs_leftwards

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.extraction.pdf.drawing import RulingLine
    from autopicker_lab.extraction.pdf.layout import Span
    from autopicker_lab.extraction.pdf.words import PageWord

_NEAR = 3.0  # points within which lines meet
_LONGEST_CELL = 120  # words: a box of more is a frame around prose
_MAX_RULES = 3000
_FOOT = 0.75  # share of a merged cell's height below which its text does not begin


@dataclass
class DetectedTable:
    """A table on a page: its rows of cell texts as they are read, its position in points, and the words in it."""

    rows: list[list[str]]
    x0: float
    y0: float
    x1: float
    y1: float
    words: list[PageWord] = field(default_factory=list)
    columns: list[Span] = field(default_factory=list)  # left and right of each, as they are read

    def __post_init__(self) -> None:
        if runs_leftwards(cell for row in self.rows for cell in row):
            self.rows = [row[::-1] for row in self.rows]
            self.columns = self.columns[::-1]


def ruled_tables(rules: Sequence[RulingLine], words: Sequence[PageWord]) -> Iterator[DetectedTable]:
    """Tables whose cells are drawn, with at least two columns between lines that meet."""
    if len(rules) < 4 or len(rules) > _MAX_RULES:
        return
    horizontal = _merge_lines([(r.y0, r.x0, r.x1) for r in rules if r.y0 == r.y1 or r.y1 - r.y0 < r.x1 - r.x0], 8)
    vertical = _merge_lines([(r.x0, r.y0, r.y1) for r in rules if r.y1 - r.y0 > r.x1 - r.x0], 5)
    for lines, bars in _grids(horizontal, vertical):
        if table := _fill_grid(lines, bars, words):
            yield table


AxisLine = tuple[float, float, float]  # position on one axis; from and to on the other


def _merge_lines(lines: list[AxisLine], shortest: float) -> list[AxisLine]:
    """Join lines that touch in one position, and drop those that are too short."""
    merged: list[list[float]] = []
    for position, low, high in sorted((round(position / 1.5) * 1.5, low, high) for position, low, high in lines):
        if merged and merged[-1][0] == position and low <= merged[-1][2] + _NEAR:
            merged[-1][2] = max(merged[-1][2], high)
        else:
            merged.append([position, low, high])
    return [(position, low, high) for position, low, high in merged if high - low >= shortest]


def _grids(horizontal: list[AxisLine], vertical: list[AxisLine]) -> Iterator[tuple[list[AxisLine], list[AxisLine]]]:
    """Group the horizontal and vertical lines that are connected."""
    owner = list(range(len(horizontal) + len(vertical)))

    def root(index: int) -> int:
        while owner[index] != index:
            owner[index] = owner[owner[index]]
            index = owner[index]
        return index

    for j, (x, top, bottom) in enumerate(vertical):
        low = bisect.bisect_left(horizontal, (top - _NEAR,))
        for i in range(low, len(horizontal)):
            y, left, right = horizontal[i]
            if y > bottom + _NEAR:
                break
            if left - _NEAR <= x <= right + _NEAR:
                owner[root(i)] = root(len(horizontal) + j)
    groups: dict[int, tuple[list[AxisLine], list[AxisLine]]] = {}
    for index in range(len(owner)):
        lines, bars = groups.setdefault(root(index), ([], []))
        if index < len(horizontal):
            lines.append(horizontal[index])
        else:
            bars.append(vertical[index - len(horizontal)])
    for lines, bars in groups.values():
        if len(lines) >= 2 and bars:
            yield lines, bars


def _distinct_positions(values: Sequence[float]) -> list[float]:
    positions: list[float] = []
    for value in sorted(values):
        if not positions or value - positions[-1] > _NEAR:
            positions.append(value)
    return positions


def _fill_grid(lines: list[AxisLine], bars: list[AxisLine], words: Sequence[PageWord]) -> DetectedTable | None:
    ys = _distinct_positions([position for position, _, _ in lines])
    left, right = min(low for _, low, _ in lines), max(high for _, _, high in lines)
    xs = _distinct_positions([*(position for position, _, _ in bars), left, right])
    if len(ys) < 2 or len(xs) < 3 or len(xs) > 60 or len(ys) > 400:
        return None
    cells: dict[tuple[int, int], list[PageWord]] = {}
    table_words: list[PageWord] = []
    for word in words:
        x, y = (word.x0 + word.x1) / 2, word.base - 0.3 * word.style.size
        column, row = bisect.bisect_right(xs, x) - 1, bisect.bisect_right(ys, y) - 1
        if 0 <= column < len(xs) - 1 and 0 <= row < len(ys) - 1:
            column = _span_start(bars, xs, column, y)
            cells.setdefault((row, column), []).append(word)
            table_words.append(word)
    if len(cells) < 4 or len({column for _, column in cells}) < 2:
        return None
    if max(len(cell) for cell in cells.values()) > _LONGEST_CELL:
        return None
    cells = _at_their_tops(cells, lines, xs, ys)
    split = [(text, row) for row in range(len(ys) - 1) for text in _split_row(cells, row, len(xs) - 1)]
    rows = [text for text, _ in split if any(text)]
    columns = [c for c in range(len(xs) - 1) if any(row[c] for row in rows)]
    if len(rows) < 2 or len(columns) < 2:
        return None
    cells_of_rows = [[row[c] for c in columns] for row in rows]
    middles = [(ys[row] + ys[row + 1]) / 2 for text, row in split if any(text)]
    starts = [
        [bisect.bisect_left(columns, _span_start(bars, xs, c, y)) for c in columns] for y in middles[:MOST_LEVELS]
    ]
    cells_of_rows = _with_one_header(cells_of_rows, starts)
    spans = [(xs[c], xs[c + 1]) for c in columns]
    return DetectedTable(cells_of_rows, xs[0], ys[0], xs[-1], ys[-1], table_words, spans)


def _span_start(bars: list[AxisLine], xs: list[float], column: int, y: float) -> int:
    """The first column of the merged cell that `column` belongs to at height y."""
    while column > 0:
        edge = xs[column]
        if any(abs(x - edge) <= _NEAR and top - 1 <= y <= bottom + 1 for x, top, bottom in bars):
            break
        column -= 1
    return column


_Cells = dict[tuple[int, int], list["PageWord"]]  # by row and column


def _at_their_tops(cells: _Cells, lines: list[AxisLine], xs: list[float], ys: list[float]) -> _Cells:
    """Cells, of which those that are merged over rows stand in the first of them, not where their text does.

    Text at the foot of a box is none: a line beside it parts a sum from what it sums.
    """
    middles = [(left + right) / 2 for left, right in pairwise(xs)]
    closed = {
        (bisect.bisect_right(ys, position + _NEAR) - 1, column)
        for position, low, high in lines
        for column, x in enumerate(middles)
        if low <= x <= high
    }
    moved: _Cells = {}
    for (row, column), words in cells.items():
        top, below = row, row + 1
        while top > 0 and (top, column) not in closed and (top - 1, column) not in cells:
            top -= 1
        while below < len(ys) - 1 and (below, column) not in closed and (below, column) not in cells:
            below += 1
        is_whole = (top == 0 or (top, column) in closed) and (below, column) in closed
        y = sum(word.base - 0.3 * word.style.size for word in words) / len(words)
        is_merged = is_whole and y - ys[top] <= _FOOT * (ys[below] - ys[top])
        moved[(top if is_merged else row), column] = words
    return moved


def _with_one_header(rows: list[list[str]], starts: list[list[int]]) -> list[list[str]]:
    """Rows with one header in place of groups over columns and the names below them.

    Args:
        starts: of the first rows, the first column of the cell that each column belongs to.
    """
    cells = [tuple(cell or None for cell in row) for row in rows]
    spans = {(r, start): row.count(start) for r, row in enumerate(starts) for start in row}
    header = join_group_headers(cells, 0, spans) if any(count > 1 for count in spans.values()) else None
    if header is None or header[0] > 0:
        return rows
    return [[str(cell or "") for cell in header[2]], *rows[header[1] :]]


def _split_row(cells: dict[tuple[int, int], list[PageWord]], row: int, columns: int) -> list[list[str]]:
    """A drawn row as text; as several rows where its columns share three or more base lines without lines between."""
    stacks = [_base_lines(cells.get((row, column), [])) for column in range(columns)]
    filled = [stack for stack in stacks if stack]
    fullest = max((stack for stack in filled), key=len, default=[])
    if len(fullest) < 3 or len(filled) < 2 or not all(_same_lines(stack, fullest) for stack in filled):
        return [[" ".join(text for _, text in stack) for stack in stacks]]
    return [
        [" ".join(text for position, text in stack if abs(position - base) < 3) for stack in stacks]
        for base, _ in fullest
    ]


def _same_lines(stack: list[tuple[float, str]], fullest: list[tuple[float, str]]) -> bool:
    """Whether the lines of a column are rows of their own, not just text that wraps.

    They are where each stands on a base line of the fullest column, and few are missing.
    """
    if len(stack) < 0.8 * len(fullest) or not all(
        any(abs(position - base) < 3 for base, _ in fullest) for position, _ in stack
    ):
        return False
    return stack is fullest or sum(any(c.isdigit() for c in text) for _, text in stack) > 0.6 * len(stack)


def _base_lines(words: list[PageWord]) -> list[tuple[float, str]]:
    lines: list[tuple[float, list[str]]] = []
    for word in sorted(words, key=lambda w: round(w.base / 3)):
        if lines and abs(word.base - lines[-1][0]) < 0.5 * word.style.size:
            lines[-1][1].append(word.text)
        else:
            lines.append((word.base, [word.text]))
    return [(base, " ".join(texts)) for base, texts in lines]
