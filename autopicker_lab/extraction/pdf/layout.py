"""Lines of a page: words joined to segments, and segments to rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
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

    from autopicker_lab.extraction.pdf.words import PageWord

_WORD_GAP = 0.9  # in type sizes: a wider gap ends a segment
_LONGEST_SCRIPT = 4  # characters
MARKER = re.compile(r"[•‣▪▫■□●○◦◆►➢➤✓❖·∙\ue000-\uf8ff–—*-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]|\[\d{1,3}\]")
Span = tuple[float, float]


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
