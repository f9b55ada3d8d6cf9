"""Notes beside the text, as old books have them in their margins: they are read after it, not within its lines."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.columns import reading_order
from autopicker_lab.extraction.pdf.layout import TextRow, TextSegment, make_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.pdf.drawing import RulingLine

_LONG = 18  # characters: a line of text
_FEWEST_LINES = 6  # of text, for something to stand beside it
_SMALLER = 0.9  # of the size of the text
_LARGER = 1.2  # as words of a picture beside it have it; larger type on its left is a heading


def page_regions(segments: Sequence[TextSegment], rules: Sequence[RulingLine]) -> list[list[TextRow]]:
    """The regions of a page in reading order, side notes last."""
    notes = _side_notes(segments)
    if not notes:
        return reading_order(segments, rules)
    ids = {id(segment) for segment in notes}
    return reading_order([s for s in segments if id(s) not in ids], rules) + _groups(notes)


def _side_notes(segments: Sequence[TextSegment]) -> list[TextSegment]:
    """Lines of another size wholly in the margin that the long lines leave free, on one side or both."""
    long_lines = [s for s in segments if s.table is None and s.length >= _LONG]
    if len(long_lines) < _FEWEST_LINES:
        return []
    size = statistics.median(s.size for s in long_lines)
    text = [s for s in long_lines if s.size > _SMALLER * size]
    left, right = statistics.quantiles((s.x0 for s in text), n=10)[0], max(s.x1 for s in text)
    notes: list[TextSegment] = []
    top, bottom = min(s.base for s in text) - size, max(s.base for s in text) + size
    for segment in segments:
        beside = segment.x1 < left - 0.3 * size or segment.x0 > right + 0.3 * size
        differs = segment.size <= _SMALLER * size or (segment.size > _LARGER * size and segment.x0 > right)
        is_narrow = segment.x1 - segment.x0 < 0.35 * (right - left)
        if segment.table is None and beside and differs and is_narrow and top <= segment.base <= bottom:
            notes.append(segment)
    worded = sum(any(c.isalpha() for c in s.text) for s in notes)
    return notes if len(notes) >= 2 and worded > 0.6 * len(notes) and len(notes) <= 0.6 * len(text) else []


def _groups(notes: Sequence[TextSegment]) -> list[list[TextRow]]:
    """Notes as regions: the lines of each close together, on one side."""
    groups: list[list[TextSegment]] = []
    for segment in sorted(notes, key=lambda s: s.base):
        group = next((g for g in reversed(groups) if _continues(g[-1], segment)), None)
        if group is None:
            groups.append([segment])
        else:
            group.append(segment)
    return [make_rows(group) for group in groups]


def _continues(last: TextSegment, segment: TextSegment) -> bool:
    overlap = last.x0 < segment.x1 and segment.x0 < last.x1
    return overlap and segment.base - last.base < 1.7 * segment.size
