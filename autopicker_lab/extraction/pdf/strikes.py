"""Words that are struck through by a line that is drawn, which the text of a PDF knows nothing of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.pdf.drawing import RulingLine
    from autopicker_lab.extraction.pdf.words import PageWord

_LOW, _HIGH = 0.15, 0.42  # of the type size above the base line: through the middle of small letters
_NEAR = 0.4  # of the type size: between the end of a line and that of what it strikes; lines of tables go on
_LARGEST = 100.0  # points of a type size


def mark_struck(words: Sequence[PageWord], rules: list[RulingLine], strikes: Sequence[RulingLine]) -> None:
    """Write `~~` around the words that lines strike, and take these lines from the rules; `strikes` are for certain."""
    lines = [*(rule for rule in rules if rule.y0 == rule.y1), *strikes]
    if not lines:
        return
    ordered = sorted((word for word in words if word.style.angle == 0), key=lambda word: word.base)
    bases = [word.base for word in ordered]
    striking: set[RulingLine] = set()
    marked: set[int] = set()
    for line in _joined(lines):
        near = ordered[bisect_left(bases, line.y0 - _HIGH * _LARGEST) : bisect_right(bases, line.y0)]
        struck = [word for word in near if _strikes(line, word)]
        if not struck or not _ends_with(line, struck):
            continue
        striking.update(one for one in lines if abs(one.y0 - line.y0) < 1 and line.x0 <= one.x0 and one.x1 <= line.x1)
        if not any(id(word) in marked for word in struck):  # else it is the second of a double line
            first, last = min(struck, key=lambda word: word.x0), max(struck, key=lambda word: word.x1)
            first.text = f"~~{first.text}"
            last.text, last.hyphen = f"{last.text}~~", False  # a word that goes on below stays divided
            marked.update(map(id, struck))
    rules[:] = [rule for rule in rules if rule not in striking]


def _joined(lines: Sequence[RulingLine]) -> list[RulingLine]:
    """Lines of which those that touch, as those of runs beside each other, are one."""
    joined: list[RulingLine] = []
    for line in sorted(lines, key=lambda line: (round(line.y0), line.x0)):
        if joined and abs(joined[-1].y0 - line.y0) < 1 and line.x0 <= joined[-1].x1 + 1:
            joined[-1] = joined[-1]._replace(x1=max(joined[-1].x1, line.x1))
        else:
            joined.append(line)
    return joined


def _strikes(line: RulingLine, word: PageWord) -> bool:
    """Whether a line goes through the middle of a word, from its first letter to its last."""
    size = word.style.size
    is_through = word.base + _LOW * size <= line.y0 <= word.base + _HIGH * size
    return is_through and line.x0 <= word.x0 + _NEAR * size and line.x1 >= word.x1 - _NEAR * size


def _ends_with(line: RulingLine, words: Sequence[PageWord]) -> bool:
    """Whether a line begins and ends where the words do."""
    spare = _NEAR * max(word.style.size for word in words)
    left, right = min(word.x0 for word in words), max(word.x1 for word in words)
    return left - spare <= line.x0 and line.x1 <= right + spare
