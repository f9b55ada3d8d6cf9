"""Line numbers of drafts, transcripts, poems and patents, which are no part of the text beside them."""

from __future__ import annotations

import statistics
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autopicker_lab.extraction.pdf.words import PageWord

_FEWEST = 8  # where each line has its number
_FEWEST_OF_SOME = 4  # where every fifth or tenth has


def drop_line_numbers(words: Sequence[PageWord]) -> list[PageWord]:
    """The words without line numbers: those left of all text, or every fifth or tenth line's on any side of it."""
    for column in _columns(words):
        numbers = [int(word.text) for word in sorted(column, key=lambda w: w.base)]
        steps = [b - a for a, b in pairwise(numbers)]
        counts_each = len(column) >= _FEWEST and steps.count(1) >= 0.9 * len(steps)
        counts_some = set(steps) in ({5}, {10})
        if not (counts_each or counts_some) or len(words) <= 6 * len(column):
            continue
        ids = {id(word) for word in column}
        others = [word for word in words if id(word) not in ids]
        edge = max(word.x1 for word in column)
        if counts_each and all(word.x0 > edge for word in others):
            return others
        if counts_some and _is_even(column) and _skips_lines(column, others):
            return others
    return list(words)


def _columns(words: Sequence[PageWord]) -> Iterator[list[PageWord]]:
    """Numbers that end, begin or have their middle at one place across."""
    numbers = [word for word in words if word.text.isdecimal() and len(word.text) <= 5]
    if len(numbers) < _FEWEST_OF_SOME:
        return
    places: tuple[Callable[[PageWord], float], ...] = (lambda w: w.x1, lambda w: w.x0, lambda w: (w.x0 + w.x1) / 2)
    for place in places:
        columns: dict[int, list[PageWord]] = {}
        for word in numbers:
            columns.setdefault(round(place(word) / 3), []).append(word)
        yield from (column for column in columns.values() if len(column) >= _FEWEST_OF_SOME)


def _is_even(column: Sequence[PageWord]) -> bool:
    """Whether the numbers stand at even distances."""
    bases = sorted(word.base for word in column)
    steps = [b - a for a, b in pairwise(bases)]
    middle = statistics.median(steps)
    return all(abs(step - middle) < 0.15 * middle for step in steps)


def _skips_lines(column: Sequence[PageWord], others: Sequence[PageWord]) -> bool:
    """Whether lines without a number stand between those that have one, but none above or below the numbers."""
    left, right = min(word.x0 for word in column), max(word.x1 for word in column)
    top, bottom = min(word.base for word in column), max(word.base for word in column)
    between = [word for word in others if top <= word.base <= bottom]
    if any(word.x0 < right and left < word.x1 for word in between):
        return False
    return len({round(word.base / 3) for word in between}) > 3 * len(column)
