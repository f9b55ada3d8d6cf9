"""Tables between horizontal lines of one length, as books and papers set them: no line parts their columns."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.table_heads import group_start
from autopicker_lab.extraction.pdf.tables import DetectedTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autopicker_lab.extraction.pdf.drawing import RulingLine
    from autopicker_lab.extraction.pdf.layout import Span
    from autopicker_lab.extraction.pdf.words import PageWord

_SHORTEST = 60.0  # points: a shorter line is one under a group of heads
_NEAR = 3.0  # points between the ends of lines of one length
_PHRASE_GAP = 0.45  # in type sizes: a wider gap may part columns
_SPACE = 0.36
_MAX_RULES = 400
_MAX_COLUMNS = 30
_LONGEST_CELL = 40  # words
_CAPTION = re.compile(r"(?:table|tab\.|figure|fig\.|tabelle|abbildung|tableau|cuadro|tabla)\s*[\dIVX]", re.IGNORECASE)
_CONTINUES = re.compile(r"[a-zà-ÿ(&]|\)")
_DIGIT = re.compile(r"[-+(]?[$€£]?\d")


class _Line:
    """Words on one base line, as phrases: runs of words without a gap that may part columns."""

    def __init__(self, words: list[PageWord]) -> None:
        self.words = sorted(words, key=lambda w: w.x0)
        self.base = max(w.base for w in words)
        self.size = max(w.style.size for w in words)
        self.phrases: list[list[PageWord]] = []
        for word in self.words:
            if self.phrases and word.x0 - self.phrases[-1][-1].x1 < _PHRASE_GAP * self.size:
                self.phrases[-1].append(word)
            else:
                self.phrases.append([word])

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def line_tables(rules: Sequence[RulingLine], words: Sequence[PageWord]) -> Iterator[DetectedTable]:
    """Tables with at least three long lines of one length: above and below their head, and below all."""
    long_rules = [rule for rule in rules if rule.y0 == rule.y1 and rule.x1 - rule.x0 >= _SHORTEST]
    if not 3 <= len(long_rules) <= _MAX_RULES:
        return
    for left, right, ys in _stacks(long_rules):
        inside = [w for w in words if left - _NEAR <= (w.x0 + w.x1) / 2 <= right + _NEAR and ys[0] < w.base < ys[-1]]
        bands = [_lines([w for w in inside if top < w.base <= bottom]) for top, bottom in pairwise(ys)]
        for first, last in _stretches(bands, right - left):
            groups = [r for r in rules if ys[first] < r.y0 < ys[first + 1] and r.y0 == r.y1]
            table = _table([band for band in bands[first:last] if band], groups)
            if table is not None:
                table.x0, table.x1, table.y0, table.y1 = left, right, ys[first], ys[last]
                yield table


def _stacks(rules: Sequence[RulingLine]) -> Iterator[tuple[float, float, list[float]]]:
    """Lines with the same ends as (left, right, their heights from above)."""
    stacks: list[tuple[float, float, list[float]]] = []
    for rule in sorted(rules, key=lambda r: r.y0):
        stack = next((s for s in stacks if abs(s[0] - rule.x0) <= _NEAR and abs(s[1] - rule.x1) <= _NEAR), None)
        if stack is None:
            stacks.append((rule.x0, rule.x1, [rule.y0]))
        elif rule.y0 - stack[2][-1] > 1.5:
            stack[2].append(rule.y0)
    yield from (stack for stack in stacks if len(stack[2]) >= 3)


def _lines(words: Sequence[PageWord]) -> list[_Line]:
    groups: list[list[PageWord]] = []
    for word in sorted(words, key=lambda w: w.base):
        if groups and word.base - groups[-1][0].base <= 0.4 * word.style.size:
            groups[-1].append(word)
        else:
            groups.append([word])
    return [_Line(group) for group in groups]


def _stretches(bands: Sequence[Sequence[_Line]], width: float) -> Iterator[tuple[int, int]]:
    """Runs of two bands or more between which no caption and no text over the whole width stands."""
    first = 0
    for index, band in enumerate([*bands, None]):
        if band is not None and not _is_text(band, width):
            continue
        if index - first >= 2:
            yield first, index
        first = index + 1


def _is_text(band: Sequence[_Line], width: float) -> bool:
    if any(_CAPTION.match(line.text) for line in band):
        return True
    wide = sum(len(line.phrases) == 1 and line.words[-1].x1 - line.words[0].x0 > 0.7 * width for line in band)
    return len(band) >= 2 and wide >= 0.5 * len(band)


def _table(bands: Sequence[Sequence[_Line]], groups: Sequence[RulingLine]) -> DetectedTable | None:
    """The table of a head and what stands between the lines below it; None where it has no columns."""
    if len(bands) < 2:
        return None
    body = [line for band in bands[1:] for line in band]
    columns = _columns(body)
    if not 2 <= len(columns) <= _MAX_COLUMNS:
        return None
    rows = _head_rows(bands[0], columns, groups)
    ruled_rows = len(bands) > 4 and sum(len(band) > 3 for band in bands) == 0
    for band in bands[1:]:
        rows += _body_rows(band, columns, ruled_rows)
    filled = [cell for row in rows for cell in row if cell]
    if len(rows) < 2 or len(filled) < 4 or max(len(cell.split()) for cell in filled) > _LONGEST_CELL:
        return None
    used = [c for c in range(len(columns)) if any(row[c] for row in rows)]
    words = [word for band in bands for line in band for word in line.words]
    cells = [[row[c] for c in used] for row in rows]
    return DetectedTable(cells, 0.0, 0.0, 0.0, 0.0, words, [columns[c] for c in used])


def _columns(lines: Sequence[_Line]) -> list[Span]:
    """The extents between the gaps that all lines share, but for those of a single phrase, which may span columns."""
    parted = [line for line in lines if len(line.phrases) > 1]
    if len(parted) < max(1, 0.4 * len(lines)):
        return []
    columns: list[Span] = []
    for low, high in sorted((phrase[0].x0, phrase[-1].x1) for line in parted for phrase in line.phrases):
        if columns and low < columns[-1][1] + _PHRASE_GAP * parted[0].size:
            columns[-1] = (columns[-1][0], max(columns[-1][1], high))
        else:
            columns.append((low, high))
    return columns


def _cells(line: _Line, columns: Sequence[Span], groups: Sequence[RulingLine] | None = None) -> list[str]:
    """The texts of a line by column; `groups` are the lines below it where it may name groups of columns."""
    cells = [""] * len(columns)
    for phrase in (part for whole in line.phrases for part in _parted(whole, columns, line.size)):
        start = None if groups is None else group_start(phrase[0].x0, phrase[-1].x1, columns, groups)
        place = _place(phrase, columns) if start is None else start
        cells[place] = f"{cells[place]} {' '.join(word.text for word in phrase)}".strip()
    return cells


def _parted(phrase: list[PageWord], columns: Sequence[Span], size: float) -> Iterator[list[PageWord]]:
    """A phrase cut where a gap that is wider than a space lies between two columns."""
    part = [phrase[0]]
    for last, word in pairwise(phrase):
        if word.x0 - last.x1 > _SPACE * size and _place([last], columns) != _place([word], columns):
            yield part
            part = []
        part.append(word)
    yield part


def _place(phrase: Sequence[PageWord], columns: Sequence[Span]) -> int:
    """The first column that a phrase touches, or else the nearest."""
    low, high = phrase[0].x0, phrase[-1].x1
    touched = [i for i, (left, right) in enumerate(columns) if left < high - 1 and low + 1 < right]
    return touched[0] if touched else min(range(len(columns)), key=lambda i: abs(sum(columns[i]) - low - high))


def _head_rows(band: Sequence[_Line], columns: Sequence[Span], groups: Sequence[RulingLine]) -> list[list[str]]:
    """The lines of a head as one row; as they are where one names a group of columns, which `groups` are under."""
    rows = [
        _cells(line, columns, [r for r in groups if line.base < r.y0 < below.base]) for line, below in pairwise(band)
    ] + [_cells(line, columns) for line in band[-1:]]
    spans = any(
        sum(left < phrase[-1].x1 - 1 and phrase[0].x0 + 1 < right for left, right in columns) > 1
        for line in band
        for whole in line.phrases
        for phrase in _parted(whole, columns, line.size)
    )
    if groups or spans or len(rows) < 2:
        return rows
    return [[" ".join(filter(None, texts)) for texts in zip(*rows, strict=True)]]


def _body_rows(band: Sequence[_Line], columns: Sequence[Span], whole: bool) -> list[list[str]]:
    """The rows of a band, the lines of a wrapped cell in one; all in one where the band is a `whole` row."""
    rows: list[list[str]] = []
    steps = sorted(b.base - a.base for a, b in pairwise(band))
    closest = steps[0] if steps else 0.0
    uneven = bool(steps) and steps[-1] > 1.2 * closest
    above: _Line | None = None
    for line in band:
        cells = _cells(line, columns)
        near = above is not None and (not uneven or line.base - above.base < 1.1 * closest)
        if rows and near and (whole or _goes_on(cells, rows[-1], uneven)):
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
        above = line
    return rows


def _goes_on(cells: Sequence[str], above: Sequence[str], uneven: bool) -> bool:
    """Whether a line only holds the rest of cells that begin above."""
    filled = [i for i, cell in enumerate(cells) if cell]
    if len(filled) == len(cells) or any(not above[i] or _DIGIT.match(cells[i]) for i in filled):
        return False
    if filled == [0]:
        return _CONTINUES.match(cells[0]) is not None
    return uneven or (not cells[0] and len(filled) < len(cells) - 1) or (not cells[0] and len(cells) == 2)
