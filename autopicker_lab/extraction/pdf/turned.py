"""Lines at another angle than most of a page: notices in the margin, and the upright heads of narrow columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.content import TurnedLine
from autopicker_lab.extraction.pdf.fonts import FontStyle
from autopicker_lab.extraction.pdf.words import PageWord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_LONGEST_HEAD = 40  # characters


def turned_lines(words: Iterable[PageWord], turn: Callable[[float, float], tuple[float, float]]) -> list[TurnedLine]:
    """Words that are not upright, in pdfium's order, as lines; `turn` places a point on the upright page."""
    runs: list[list[PageWord]] = []
    for word in words:
        if runs and _goes_on(runs[-1][-1], word):
            runs[-1].append(word)
        else:
            runs.append([word])
    return [_line(run, turn) for run in runs]


def _goes_on(last: PageWord, word: PageWord) -> bool:
    size = max(last.style.size, word.style.size)
    if last.style.angle != word.style.angle:
        return False
    if last.style.angle % 90:
        return True  # of slanting text the order is all that is known
    gap = max(word.x0 - last.x1, last.x0 - word.x1)
    return abs(word.base - last.base) < 0.35 * size and gap < 1.5 * size


def _line(run: Sequence[PageWord], turn: Callable[[float, float], tuple[float, float]]) -> TurnedLine:
    size, angle = max(word.style.size for word in run), run[0].style.angle
    low, high = min(word.x0 for word in run), max(word.x1 for word in run)
    bases = [word.base for word in run]
    rise, fall = (0.85 * size, 0.25 * size) if angle in (0, 270) else (0.25 * size, 0.85 * size)
    near, far = min(bases) - fall, max(bases) + rise
    ends = ((near, low), (far, high)) if angle in (90, 270) else ((low, near), (high, far))
    (ax, ay), (bx, by) = (turn(*end) for end in ends)
    text = " ".join(word.text for word in run)
    return TurnedLine(text, min(ax, bx), min(ay, by), max(ax, bx), max(ay, by), size, not angle % 90)


def take_heads(lines: Sequence[TurnedLine], words: Sequence[PageWord]) -> tuple[list[PageWord], list[TurnedLine]]:
    """The turned lines that stand side by side over text, as heads of columns do, as upright words; and the others.

    A head's word stands at the foot of its line, on the base line of the upright text beside it where there is some.
    """
    heads: list[PageWord] = []
    others: list[TurnedLine] = []
    for row in _side_by_side(lines):
        foot = max(line.y1 for line in row)
        if len(row) < 2 or not _stands_over_text(row, foot, words):
            others.extend(row)
            continue
        size = row[0].size
        base = next((word.base for word in words if abs(word.base - foot) < 1.2 * size), foot)
        heads.extend(_upright(line, base) for line in row)
    return heads, others


def _side_by_side(lines: Sequence[TurnedLine]) -> list[list[TurnedLine]]:
    """Short lines grouped where they begin or end at one height; each other line by itself."""
    rows: list[list[TurnedLine]] = []
    for line in sorted(lines, key=lambda one: one.x0):
        row = next((r for r in rows if _matches(r[-1], line)), None)
        if row is None:
            rows.append([line])
        else:
            row.append(line)
    return rows


def _matches(last: TurnedLine, line: TurnedLine) -> bool:
    near = min(abs(last.y0 - line.y0), abs(last.y1 - line.y1)) < 0.6 * line.size
    short = max(len(last.text), len(line.text)) <= _LONGEST_HEAD
    return near and short and line.x0 > last.x1 - 2 and last.at_right_angle and line.at_right_angle


def _stands_over_text(row: Sequence[TurnedLine], foot: float, words: Sequence[PageWord]) -> bool:
    """Whether upright words stand closely below most of the lines."""
    below = [word for word in words if 0 < word.base - foot < 3.5 * row[0].size]
    return sum(any(w.x0 < line.x1 + 4 and line.x0 - 4 < w.x1 for w in below) for line in row) >= 0.6 * len(row)


def upright_words(lines: Iterable[TurnedLine]) -> list[PageWord]:
    """Each line as an upright word in the middle of its box, as a cell of a drawn table has it."""
    return [_upright(line, (line.y0 + line.y1) / 2 + 0.3 * line.size) for line in lines]


def paragraphs(lines: Iterable[TurnedLine]) -> Iterator[list[TurnedLine]]:
    """Lines that stand beside one another, as those of a turned paragraph do."""
    pending: list[TurnedLine] = []
    for line in lines:
        if pending and not _is_next(pending[-1], line):
            yield pending
            pending = []
        pending.append(line)
    if pending:
        yield pending


def _is_next(last: TurnedLine, line: TurnedLine) -> bool:
    aside = max(line.x0 - last.x1, last.x0 - line.x1, 0.0)
    below = max(line.y0 - last.y1, last.y0 - line.y1, 0.0)
    return line.at_right_angle and last.at_right_angle and aside + below < 0.8 * line.size


def _upright(line: TurnedLine, base: float) -> PageWord:
    return PageWord(line.text, line.x0, line.x1, base, FontStyle(line.size, False, False, 0))
