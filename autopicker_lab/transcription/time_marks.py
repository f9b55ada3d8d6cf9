"""Whisper's time marks: tokens between its words that each stand for a time in their half minute, 20 ms apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARK_S = 0.02


@dataclass(frozen=True)
class Phrase:
    """Tokens between two time marks, which are among them, and the seconds that these stand for."""

    start: float
    end: float
    tokens: tuple[int, ...]


def phrases_of(tokens: Sequence[int], first_mark: int, length_s: float) -> tuple[list[Phrase], float | None]:
    """The phrases of a text that was decoded with time marks, and where it ended before the sound did, or None.

    A phrase whose last mark is missing was broken off: where others are before it, it is left out, and the text ended
    at its beginning; alone, it is taken to last to the end. So did a text that ends in two marks, of which the last
    says where the next phrase would begin (Radford et al. 2022, section 2.3).

    Args:
        first_mark: the token that stands for 0.00 s; greater ones for later times.
        length_s: seconds of sound.
    """
    runs = [tuple(run) for _, run in groupby(tokens, key=lambda token: token >= first_mark)]
    marked = [run[0] >= first_mark for run in runs]

    def seconds(mark: int) -> float:
        return (mark - first_mark) * _MARK_S

    found: list[Phrase] = []
    for at, run in enumerate(runs):
        if marked[at]:
            continue
        before = runs[at - 1][-1:] if at else ()
        after = runs[at + 1][:1] if at + 1 < len(runs) else ()
        if not after and found:
            return _of_a_length(found), seconds(before[0]) if before else None
        start = seconds(before[0]) if before else 0.0
        end = seconds(after[0]) if after else length_s
        found.append(Phrase(start, end, (*before, *run, *after)))
    ended = runs and marked[-1] and len(runs[-1]) > 1 and found
    return _of_a_length(found), seconds(runs[-1][-1]) if ended else None


def _of_a_length(phrases: list[Phrase]) -> list[Phrase]:
    return [phrase for phrase in phrases if phrase.end > phrase.start]
