"""Sentences of every script: where they stand in a text, and where a line that is too long is cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where a sentence ends: Latin and its like before a space; Chinese, Hindi, Urdu, Ethiopic, Khmer and others anywhere.
_SENTENCE_END = re.compile(r"""(?:[.!?…։][)\]"'”’»]*(?=\s)|[。！？｡।॥؟۔።፧။។៕]["'”’」』）】》]*)""")
_CLAUSE_END = re.compile(r"[，、；：،؛]|[,;:](?=\s)")
_SPACE = re.compile(" ")


def word_start(text: str, low: int, high: int) -> int:
    """Where the first word after `low` begins; `low` itself where there is none before `high`."""
    if low <= 0 or text[low - 1].isspace():
        return max(low, 0)
    cut = text.find(" ", low, high)
    return cut + 1 if cut >= 0 else low


def lines(text: str, start: int, stop: int, limit: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each line that is not blank; long ones in pieces, cut after a sentence or a word."""
    while start < stop:
        end = text.find("\n", start, stop)
        end = stop if end < 0 else end
        while end - start > limit:
            cut = _cut(text, start, limit)
            if text[start:cut].strip():
                yield start, cut
            start = cut + (text[cut : cut + 1] == " ")
        if text[start:end].strip():
            yield start, end
        start = end + 1


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, stop) of each sentence of a text, of any script; a line ends one, and what has no letters is none."""
    found, start = [], 0
    for stop in sorted({*_sentence_ends(text, 0, len(text)), *(m.start() for m in re.finditer("\n", text)), len(text)}):
        if any(map(str.isalnum, text[start:stop])):
            first = start + len(text[start:stop]) - len(text[start:stop].lstrip())
            found.append((first, stop))
        start = stop
    return found


def ends_sentence(text: str) -> bool:
    """Whether a text ends as a sentence does, of any script."""
    return _SENTENCE_END.match(f"{text[-1:]} ") is not None


def _sentence_ends(text: str, start: int, stop: int) -> list[int]:
    """Where sentences end; a full stop before a small letter is that of an abbreviation or an ordinal."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text, start, stop)]
    return [end for end in ends if not text[end : end + 2].strip()[:1].islower()]


def _cut(text: str, start: int, limit: int) -> int:
    """Where to cut a line that is too long: after a sentence of the second half, else a clause, a word, or anywhere."""
    half, stop = start + max(limit // 2, 1), start + limit
    if ends := _sentence_ends(text, half, stop):
        return ends[-1]
    for mark in (_CLAUSE_END, _SPACE):
        if ends := [match.end() for match in mark.finditer(text, half, stop)]:
            return ends[-1] - (text[ends[-1] - 1] == " ")
    return stop
