"""The columns of a page and the order in which they are read."""

from __future__ import annotations

import bisect
import statistics
from itertools import pairwise
from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.direction import runs_leftwards
from autopicker_lab.extraction.pdf.layout import TextRow, make_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.pdf.drawing import RulingLine
    from autopicker_lab.extraction.pdf.layout import Span, TextSegment

_GUTTER = 0.7
_MIN_LINES = 2
_MIN_PROSE = 3
_MAX_COLUMNS = 6
_MAX_ROWS = 600  # of a region: a page has a tenth of that
_PROSE_LENGTH = 18  # characters without spaces


def reading_order(
    segments: Sequence[TextSegment], rules: Sequence[RulingLine] = (), depth: int = 0
) -> list[list[TextRow]]:
    """Regions in reading order, each a run of rows of one column.

    A column boundary is a strip free of text and of horizontal `rules` over the tallest run of rows that has prose on
    both sides of it; numbers and single words on a side make a table, not a column. Applied again to what lies above,
    left, right and below (a recursive cut in the manner of Nagy and Seth's X-Y tree, 1984).
    """
    rows = make_rows(segments)
    cut = _gutter(rows, rules) if depth < 12 else None
    if cut is None:
        return [rows] if rows else []
    first, last, x = cut
    inside = [segment for row in rows[first:last] for segment in row.segments]
    sides = [
        [segment for segment in inside if (segment.x0 + segment.x1) / 2 <= x],
        [segment for segment in inside if (segment.x0 + segment.x1) / 2 > x],
    ]
    if runs_leftwards(word.text for segment in inside for word in segment.words):
        sides.reverse()
    parts = [
        [segment for row in rows[:first] for segment in row.segments],
        *sides,
        [segment for row in rows[last:] for segment in row.segments],
    ]
    if any(len(part) == len(segments) for part in parts):
        return [rows]
    return [region for part in parts for region in reading_order(part, rules, depth + 1)]


def _gutter(rows: list[TextRow], rules: Sequence[RulingLine]) -> tuple[int, int, float] | None:
    """The tallest column boundary as (first row, row past the last, x); None where there is none."""
    if not _MIN_LINES <= len(rows) <= _MAX_ROWS or statistics.median(len(row.segments) for row in rows) > _MAX_COLUMNS:
        return None  # a page of figures is a table
    left = min(row.x0 for row in rows)
    right = max(row.x1 for row in rows)
    free = [_free_strips(row, left, right) for row in rows]
    bases = [row.base for row in rows]
    for rule in rules:
        index = bisect.bisect_left(bases, rule.y0)
        if rule.y0 == rule.y1 and 0 < index < len(rows):
            beside = [(left, rule.x0), (rule.x1, right)]
            free[index] = _intersection(free[index], beside, _GUTTER * rows[index].size)
    best: tuple[int, int, float] | None = None
    tallest = _MIN_LINES - 1
    for first in range(len(rows)):
        if len(rows) - first <= tallest:
            break
        open_strips = free[first]
        history: list[tuple[int, list[Span]]] = []
        last = first + 1
        while last < len(rows) and open_strips:
            narrowed = _intersection(open_strips, free[last], _GUTTER * rows[last].size)
            if len(narrowed) < len(open_strips):
                history.append((last, open_strips))
            open_strips = narrowed
            last += 1
        if open_strips:
            history.append((last, open_strips))
        for end, strips in reversed(history):
            if end - first <= tallest:
                continue
            widest = sorted(strips, key=lambda s: s[0] - s[1])[:_MAX_COLUMNS]
            strip = next((s for s in widest if _prose_beside(rows[first:end], s)), None)
            if strip is not None:
                best, tallest = (first, end, (strip[0] + strip[1]) / 2), end - first
                break
    return best


def _free_strips(row: TextRow, left: float, right: float) -> list[Span]:
    min_width = _GUTTER * row.size
    strips: list[Span] = []
    start = left
    for segment in row.segments:
        if segment.x0 - start >= min_width:
            strips.append((start, segment.x0))
        start = max(start, segment.x1)
    if right - start >= min_width:
        strips.append((start, right))
    return strips


def _intersection(a: list[Span], b: list[Span], min_width: float) -> list[Span]:
    strips: list[Span] = []
    for low, high in a:
        for other_low, other_high in b:
            x0, x1 = max(low, other_low), min(high, other_high)
            if x1 - x0 >= min_width:
                strips.append((x0, x1))
    return strips


def _prose_beside(rows: list[TextRow], strip: Span) -> bool:
    middle = (strip[0] + strip[1]) / 2
    left = [s for row in rows for s in row.segments if s.x1 <= middle]
    right = [s for row in rows for s in row.segments if s.x0 >= middle]
    if all(map(_goes_on, (left, right))):
        return True
    if _is_prose(left) and _is_prose(right):
        return True
    reads = _is_flowing if _in_columns(left, right) else _reads_on
    return reads(left) and reads(right)


def _reads_on(segments: list[TextSegment]) -> bool:
    """Whether each of two or three lines goes on with the sentence of the one above."""
    if not _MIN_LINES <= len(segments) <= _MIN_PROSE or not _is_flowing(segments):
        return False
    texts = [s.text for s in sorted(segments, key=lambda s: s.base)]
    return all(below[0].islower() and (above[-1].islower() or above[-1] in ",-") for above, below in pairwise(texts))


def _in_columns(left: list[TextSegment], right: list[TextSegment]) -> bool:
    """Whether one side was drawn whole before the other: tables and forms are drawn row by row."""
    if not _MIN_LINES <= min(len(left), len(right)) <= _MIN_PROSE:
        return False
    lefts, rights = [s.order for s in left], [s.order for s in right]
    return max(lefts) < min(rights) or max(rights) < min(lefts)


def _is_flowing(segments: list[TextSegment]) -> bool:
    """Whether a few lines read like text whose last line may be short."""
    if any(s.table is not None for s in segments):
        return False
    last = max(s.base for s in segments)
    above = [s for s in segments if s.base < last - 0.5 * s.size]
    full = all(s.length >= _PROSE_LENGTH and s.weight >= _MIN_PROSE for s in above)
    return bool(above) and full and not any(s.text.endswith(":") for s in above)


def _goes_on(segments: list[TextSegment]) -> bool:
    """Whether lines of several words go on from one another: they begin in lower case, unlike entries of tables."""
    if len(segments) < _MIN_PROSE or statistics.median([s.weight for s in segments]) < _MIN_PROSE:
        return False
    if any(s.table is not None for s in segments):
        return False
    top = min(segments, key=lambda s: s.base)
    lower = sum([s.words[0].text[:1].islower() for s in segments if s is not top])
    return 2 * lower > len(segments) - 1


def _is_prose(segments: list[TextSegment]) -> bool:
    """Whether the lines on one side of a strip read like text: several words each, not a few short entries."""
    text_segments = [s for s in segments if s.table is None]
    if len(text_segments) < _MIN_PROSE:
        return False
    if statistics.median([s.weight for s in text_segments]) < _MIN_PROSE:
        return False
    return len(text_segments) >= 12 or statistics.median([s.length for s in text_segments]) >= _PROSE_LENGTH
