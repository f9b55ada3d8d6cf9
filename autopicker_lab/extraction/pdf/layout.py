"""Layout of a page: words to segments, rows, columns and reading order."""

from __future__ import annotations

import bisect
import re
import statistics
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.direction import runs_leftwards
from autopicker_lab.extraction.pdf.scripts import (
    SCRIPT_CHARACTERS,
    as_price,
    fractions_on_the_line,
    lowered,
    place,
    raised,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.pdf.drawing import RulingLine
    from autopicker_lab.extraction.pdf.words import PageWord

_WORD_GAP = 0.9  # in type sizes: a wider gap ends a segment
_GUTTER = 0.7
_LONGEST_SCRIPT = 4  # characters
_MIN_LINES = 2
_MIN_PROSE = 3
_MAX_COLUMNS = 6
_MAX_ROWS = 600  # of a region: a page has a tenth of that
MARKER = re.compile(r"[•‣▪▫■□●○◦◆►➢➤✓❖·∙\ue000-\uf8ff–—*-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\d{1,3}\]")
_PROSE_LENGTH = 18  # characters without spaces


@dataclass(slots=True)
class TextSegment:
    """Words that stand close together on one base line; or a detected table, so that it has its turn in the order."""

    words: list[PageWord]
    x0: float
    x1: float
    base: float
    size: float
    table: object | None = None
    order: int = 0  # in which it was drawn
    _length: int = -1
    _weight: float = -1.0

    @property
    def text(self) -> str:
        """The words with a space between them."""
        return " ".join(word.text for word in self.words)

    @property
    def length(self) -> int:
        """Number of characters, without spaces."""
        if self._length < 0:
            self._length = sum(len(word.text) for word in self.words)
        return self._length

    @property
    def weight(self) -> float:
        """Length in words of English, about; scripts without spaces count by characters."""
        if self._weight < 0:
            self._weight = max(len(self.words), self.length / 6)
        return self._weight


@dataclass(slots=True)
class TextRow:
    """Segments on one base line, left to right as they stand; words and text come as they are read."""

    base: float
    size: float
    segments: list[TextSegment] = field(default_factory=list)

    @property
    def as_read(self) -> list[TextSegment]:
        """The segments in the direction of their writing."""
        leftwards = len(self.segments) > 1 and runs_leftwards(s.text for s in self.segments)
        return self.segments[::-1] if leftwards else self.segments

    @property
    def x0(self) -> float:
        """Left edge, points."""
        return self.segments[0].x0

    @property
    def x1(self) -> float:
        """Right edge, points."""
        return max(segment.x1 for segment in self.segments)

    @property
    def words(self) -> list[PageWord]:
        """The words of all segments."""
        return [word for segment in self.as_read for word in segment.words]

    @property
    def text(self) -> str:
        """The text of all segments with a space between them."""
        return " ".join(segment.text for segment in self.as_read)


def cut_segments(words: Sequence[PageWord]) -> list[TextSegment]:
    """Join words, in pdfium's order, into segments that end with their line or at a wide gap."""
    segments: list[TextSegment] = []
    current: TextSegment | None = None
    for word in words:
        if current is not None and _belongs_to(current, word):
            last = current.words[-1]
            is_raised = last.text[-1] in SCRIPT_CHARACTERS
            if not (is_raised or len(word.text) <= _LONGEST_SCRIPT) or not _attach(last, word):
                current.words.append(word)
                if is_raised or word.text[-1] in SCRIPT_CHARACTERS:
                    last.text, word.text = as_price(last.text, word.text), as_price(word.text, last.text)
            current.x0, current.x1 = min(current.x0, word.x0), max(current.x1, word.x1)
            if word.style.size > current.size:
                current.base, current.size = word.base, word.style.size
        else:
            current = TextSegment([word], word.x0, word.x1, word.base, word.style.size, order=len(segments))
            segments.append(current)
    return segments


def _attach(last: PageWord, word: PageWord) -> bool:
    """Whether a word stood at the end of the last one, of which it is now a part.

    So do raised and lowered characters, and marks of punctuation that only a change of type parts from it.
    """
    size, gap = last.style.size, word.x0 - last.x1
    if not -0.3 * size <= gap <= 0.2 * size or word.style.angle != last.style.angle:
        return False
    level = 0 if len(word.text) > _LONGEST_SCRIPT else place(word.style.size, last.base - word.base, size)
    if level and last.text[-1:].strip("([{-–=<>"):
        last.text += raised(last.text, word.text) if level > 0 else lowered(word.text)
    elif gap < 0.05 * size and (
        last.text[-1] in SCRIPT_CHARACTERS or word.text[0] in "/⁄" or not word.text.strip(".,;:!?)]»”’")
    ):
        last.text = fractions_on_the_line(last.text + word.text)
    else:
        return False
    last.x1 = max(last.x1, word.x1)
    return True


def _belongs_to(segment: TextSegment, word: PageWord) -> bool:
    size, small = max(segment.size, word.style.size), min(segment.size, word.style.size)
    drift = abs(word.base - segment.base)
    if drift > (0.55 if small < 0.85 * size else 0.25) * size:
        return False
    last = segment.words[-1]
    gap = word.x0 - last.x1
    if gap < -0.5 * size:  # right to left
        gap = last.x0 - word.x1
    return -0.5 * size <= gap <= _WORD_GAP * size


def make_rows(segments: Sequence[TextSegment]) -> list[TextRow]:
    """Join segments on one base line into rows, from top to bottom."""
    rows: list[TextRow] = []
    for segment in sorted(segments, key=lambda s: s.base):
        row = rows[-1] if rows else None
        if row is not None and segment.base - row.base <= 0.35 * min(segment.size, row.size):
            row.segments.append(segment)
            row.size = max(row.size, segment.size)
        else:
            rows.append(TextRow(segment.base, segment.size, [segment]))
    for row in rows:
        if len(row.segments) > 1:
            row.segments.sort(key=lambda s: s.x0)
            leftwards = runs_leftwards(word.text for segment in row.segments for word in segment.words)
            row.segments = _join_neighbours(row.segments, leftwards)
    return rows


def _join_neighbours(segments: list[TextSegment], leftwards: bool) -> list[TextSegment]:
    """Join neighbours that stand as close as words do; in a row that runs `leftwards` the right one is read first."""
    joined = [segments[0]]
    for segment in segments[1:]:
        last = joined[-1]
        marked = len(joined) == 1 and len(last.words) == 1 and MARKER.fullmatch(last.words[0].text)
        near = segment.x0 - last.x1 <= (4 if marked else _WORD_GAP) * max(segment.size, last.size)
        if near and last.table is None and segment.table is None:
            pair = [last, segment]
            if leftwards:
                pair.reverse()
            words = pair[0].words + pair[1].words
            size = max(last.size, segment.size)
            base = last.base if last.size >= segment.size else segment.base
            order = min(last.order, segment.order)
            joined[-1] = TextSegment(words, last.x0, max(last.x1, segment.x1), base, size, order=order)
        else:
            joined.append(segment)
    return joined


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


Span = tuple[float, float]


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
