"""What a person corrects in Segments: words, where one ends and the next begins, and times."""

from __future__ import annotations

import statistics
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import accumulate
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from autopicker_lab.core.errors import InvalidRequestError
from autopicker_lab.core.phrases import letter_times, pieces_of
from autopicker_lab.core.segments import Segment, Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEAST_S = 0.05
"""Seconds of the shortest segment."""
_SURE = 1.0  # probability of a word that a person wrote, or read and left


def corrected(segment: Segment, text: str) -> Segment:
    """A segment with another text; words that stay keep their times and probability.

    New ones have the times of those whose place they took, by their length, and are sure.
    """
    text = " ".join(text.split())
    if text == segment.text:
        return segment
    return _of_words(replace(segment, text=text), _words(segment, text))


def confirmed(segment: Segment) -> Segment:
    """A segment whose words are all right."""
    words = tuple(replace(word, probability=_SURE) for word in segment.words)
    return replace(segment, words=words, confidence=_SURE, doubt="")


def split(segment: Segment, at: int) -> tuple[Segment, Segment]:
    """Two segments, cut where a word begins nearest to the letter `at` of its text.

    Raises:
        InvalidRequestError: there is no word on one side, or the segment is too short for two.
    """
    words = segment.words or _words(segment, segment.text)
    lengths = [len("".join(word.text for word in words[:i]).strip()) for i in range(len(words) + 1)]
    cut = min(range(1, len(words)), key=lambda i: abs(lengths[i] - at), default=0)
    if not cut or not 0 < at < len(segment.text):
        raise InvalidRequestError("there is nothing to split there", "place the cursor between two words")
    if segment.end - segment.start < 2 * LEAST_S:
        raise InvalidRequestError("this is too short to be split", "correct its words instead")
    earliest, latest = segment.start + LEAST_S, segment.end - LEAST_S
    begins = min(max(words[cut].start, earliest), latest)
    ends = min(max(words[cut - 1].end, earliest), begins)
    first = replace(segment, end=ends, text=_text(words[:cut]))
    second = replace(segment, start=begins, text=_text(words[cut:]))
    return _of_words(first, words[:cut]), _of_words(second, words[cut:])


def merged(first: Segment, second: Segment) -> Segment:
    """One segment of two that follow each other.

    Raises:
        InvalidRequestError: two speakers say them.
    """
    if first.speaker != second.speaker:
        raise InvalidRequestError("two speakers say these", "merge segments of one speaker")
    words, more = (list(one.words or _words(one, one.text)) for one in (first, second))
    if words and more:
        more[0] = replace(more[0], text=_between(words[-1].text, more[0].text.strip()) + more[0].text.strip())
    words += more
    whole = replace(first, end=max(first.end, second.end), text=_text(words), doubt=first.doubt or second.doubt)
    return _of_words(whole, words, whole.doubt)


def retimed(segment: Segment, start: float, end: float) -> Segment:
    """A segment from and to other seconds of the recording, its words within them.

    Raises:
        InvalidRequestError: it would end before it begins.
    """
    if not 0 <= start <= end - LEAST_S:
        raise InvalidRequestError("a segment ends after it begins", "set its start first, then its end")
    return replace(segment, start=start, end=end, words=tuple(_within(segment.words, start, end)))


def _within(words: Sequence[Word], start: float, end: float) -> list[Word]:
    """Words no part of which is before or after a stretch of time."""
    return [replace(word, start=min(max(word.start, start), end), end=min(max(word.end, start), end)) for word in words]


def _of_words(segment: Segment, words: Sequence[Word], doubt: str = "") -> Segment:
    """A segment whose words are these, within its times; what the recogniser said of the whole is true no more."""
    within = [
        replace(word, start=round(word.start, 3), end=round(word.end, 3))
        for word in _within(words, segment.start, segment.end)
    ]
    sure = statistics.fmean(word.probability for word in within) if within else _SURE
    return replace(segment, words=tuple(within), confidence=sure, doubt=doubt, decoding=None)


def _between(before: str, after: str) -> str:
    """What stands between two words: nothing where both are in a script without blanks."""
    wide = (east_asian_width(before[-1:] or " ") in "WF", east_asian_width(after[:1] or " ") in "WF")
    return "" if all(wide) and not "\uac00" <= after[0] <= "\ud7a3" else " "


def _text(words: Sequence[Word]) -> str:
    return " ".join("".join(word.text for word in words).split())


def _words(segment: Segment, text: str) -> tuple[Word, ...]:
    """The words of a text that stands in place of a segment's own."""
    before, after = "".join(segment.text.split()), "".join(text.split())
    old, known = letter_times(segment, before), _known(segment)
    times: list[tuple[float, float]] = []
    places: list[int] = []  # of each letter in the text before; -1 of new ones
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            times += old[i:j]
            places += range(i, j)
        elif m > k:
            begin = old[i][0] if i < len(old) else segment.end
            times += _spread(begin, old[j - 1][1] if j > i else begin, m - k)
            places += [-1] * (m - k)
    found: list[Word] = []
    for blank, first, behind in _pieces(text):
        same = places[first] >= 0 and places[behind - 1] - places[first] == behind - 1 - first
        sure = known.get((places[first], places[behind - 1]), _SURE) if same else _SURE
        said = (" " if blank else "") + after[first:behind]
        found.append(Word(times[first][0], times[behind - 1][1], said, sure))
    return tuple(_with_room(found, segment))


def _pieces(text: str) -> Iterator[tuple[bool, int, int]]:
    """Of each word or ideograph: whether a blank is before it, its first letter, and the one behind its last."""
    at = 0
    for written in text.split():
        for number, piece in enumerate(pieces_of(written)):
            yield number == 0, at, at + len(piece)
            at += len(piece)


def _known(segment: Segment) -> dict[tuple[int, int], float]:
    """Probabilities of a segment's words and ideographs, by the places of their first and last letter."""
    sure = [word.probability for word in segment.words for _ in "".join(word.text.split())]
    length = len("".join(segment.text.split()))
    if len(sure) != length:
        sure = [segment.confidence] * length
    return {(first, behind - 1): sure[first] for _, first, behind in _pieces(segment.text)}


def _with_room(words: list[Word], segment: Segment) -> list[Word]:
    """Words of which none is of no length: those that came in between share the time of the one before them."""
    runs: list[list[Word]] = []
    for word in words:
        if runs and (not _has_room(word) or not any(map(_has_room, runs[-1]))):
            runs[-1].append(word)
        else:
            runs.append([word])
    return [word for run in runs for word in _shared(run, next(filter(_has_room, run), segment))]


def _has_room(word: Word) -> bool:
    return word.end > word.start


def _shared(words: list[Word], room: Word | Segment) -> list[Word]:
    letters = [len(word.text.strip()) for word in words]
    times = _spread(room.start, room.end, sum(letters))
    return [
        replace(word, start=times[last - count][0], end=times[last - 1][1])
        for word, count, last in zip(words, letters, accumulate(letters), strict=True)
    ]


def _spread(start: float, end: float, count: int) -> list[tuple[float, float]]:
    """A stretch of time in so many parts."""
    step = (end - start) / count if count else 0.0
    return [(start + i * step, start + (i + 1) * step) for i in range(count)]
