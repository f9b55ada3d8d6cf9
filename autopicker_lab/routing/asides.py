"""Sentences around a question that only frame it: courtesies, how to answer, a role, what writers say of themselves.

Whole sentences are left out at both ends, never words of one that asks: what a sentence begins with ("Write a function
that", "Reply with the number only" in the middle) tells kinds of questions apart. A sentence about the writer is one in
the first person without a question, a number or a formula, one about the answer is told by how it begins ("You are a",
"Be", "Do not"); where hardly anything else is said, they stay. The work is linear in the length of the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from autopicker_lab.routing.framing_words import frames
from autopicker_lab.routing.normal_form import LAYOUT_STARTS, is_numbering, without_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Sentence = Sequence[str]

_TAG = re.compile(r"</?(?:p|br|b|i|u|em|strong|div|span|ul|ol|li|h[1-6])\b[^<>]{0,80}>")
_EMPHASIS = "*`"
_CLOSING = "\"'”’)]*_"
_ENDS = frozenset(".!?:;。！？；؟।")
_NOT_WORD = re.compile(r"[\W_]+")
_SELF = "i i'm i've i'd i'll im ive id ill me my mine myself btw lol"
_WRITER = frozenset(_SELF.split())
_NUMERALS = frozenset(("i", "ii", "iii", "iv", "v"))
_MATTER = frozenset('0123456789?？؟"=<>\\${}^|')
_NUMBERS = "two three four five six seven eight nine ten eleven twelve dozen hundred thousand"
_COUNTED = frozenset(_NUMBERS.split())
_MORE = """
describe describes complete completes completed appropriately appropriate request requests put within boxed valid field
fields confidence below above included including required include return returned only schema
"""
_FRAMING = frozenset(_MORE.split())  # beside routing.framing_words, which earlier kinds of estimators read by
_ORDERS = "act always answer be behave ensure never pretend reply respond stay"
_OF_ANSWERS = frozenset(_ORDERS.split())
_BEGINNINGS = frozenset(
    pair
    for first, seconds in {
        "you": "are re will must should",
        "do": "not",
        "your": "task job role goal answer reply response",
        "the": "following",
        "read": "it the this",
        "work": "through",
        "think": "step carefully through about before",
        "take": "your a",
        "make": "sure",
        "imagine": "you",
    }.items()
    for pair in ((first, second) for second in seconds.split())
)
_OF_A_TASK = frozenset(("given", "asked", "provided", "told"))  # "you are given": what follows belongs to the question
_LEAST_SAID = 3  # telling words beside asides
_AT_ENDS = 300  # words of beginning and of end in which a writer speaks
_LONGEST = 40  # letters of a word that are looked at


def asking_words(words: Sequence[str], line: str | None = None) -> Sequence[str]:
    """Folded words without marks of layout, and without sentences at both ends that only frame what is asked.

    Args:
        line: the words with single spaces between them, where that is known.
    """
    line = " ".join(words) if line is None else line
    plain = _unmarked(words, line)
    kept = plain
    if plain and (_word_frames(plain[0]) or _word_frames(plain[-1])):  # else no sentence at either end only frames
        first, last = _between(plain, _only_frames)
        kept = plain[first:last] or plain
    if not (_speaks_of_itself(kept) or _of_answer(kept) or _of_answer(kept[_start_of_sentence(kept, 0, len(kept)) :])):
        return kept
    first, last = _between(kept, _is_aside)
    inner = kept[first:last]
    telling = sum(1 for word in inner[:200] if not frames(word))
    return inner if telling >= _LEAST_SAID else kept


def _unmarked(words: Sequence[str], line: str) -> Sequence[str]:
    """Words without marks of layout, simple tags and emphasis; signs are sought in their line, which is faster."""
    if "<" in line:
        words = _TAG.sub(" ", line).split()
    if any(map(line.__contains__, LAYOUT_STARTS)):
        words = without_layout(words)
    if "*" in line or "`" in line:
        words = [bare for word in words if (bare := word.strip(_EMPHASIS))] or words
    return words


def _speaks_of_itself(words: Sequence[str]) -> bool:
    return not _WRITER.isdisjoint(words[:_AT_ENDS]) or not _WRITER.isdisjoint(words[-_AT_ENDS:])


def _between(words: Sequence[str], leaves: Callable[[Sentence], bool]) -> tuple[int, int]:
    """Where the sentences begin and end that are left when those at both ends are taken away that `leaves` says."""
    first, last = 0, len(words)
    while first < last and leaves(words[first : (end := _end_of_sentence(words, first, last))]):
        first = end
    while first < last and leaves(words[(start := _start_of_sentence(words, first, last)) : last]):
        last = start
    return first, last


def _end_of_sentence(words: Sequence[str], first: int, last: int) -> int:
    for i in range(first, last):
        if _ends_sentence(words[i]):
            return i + 1
    return last


def _start_of_sentence(words: Sequence[str], first: int, last: int) -> int:
    for i in range(last - 2, first - 1, -1):
        if _ends_sentence(words[i]):
            return i + 1
    return first


def _ends_sentence(word: str) -> bool:
    return word[-1] in _ENDS or (word[-1] in _CLOSING and word.rstrip(_CLOSING)[-1:] in _ENDS and len(word) > 1)


def _only_frames(sentence: Sentence) -> bool:
    return all(map(_word_frames, sentence))


def _word_frames(word: str) -> bool:
    return _frames_at_ends(word[:_LONGEST])


@lru_cache(20_000)
def _frames_at_ends(word: str) -> bool:
    return frames(word) or _plain(word) in _FRAMING or is_numbering(word)


def _is_aside(sentence: Sentence) -> bool:
    return _only_frames(sentence) or _of_writer(sentence) or (_of_answer(sentence) and not _has_matter(sentence))


def _of_writer(sentence: Sentence) -> bool:
    plain = {_plain(word) for word in sentence}
    if plain.isdisjoint(_WRITER) or not plain.isdisjoint(_COUNTED) or len(plain & _NUMERALS) > 1:
        return False
    if len(sentence) < 4 and "i" in plain:  # an option of a choice: "i only"
        return False
    return not _has_matter(sentence)


def _of_answer(sentence: Sentence) -> bool:
    """Whether a sentence begins like one that says how to answer, or as whom."""
    first, second, third = [*map(_plain, sentence[:3]), "", "", ""][:3]
    return first in _OF_ANSWERS or ((first, second) in _BEGINNINGS and third not in _OF_A_TASK)


def _has_matter(sentence: Sentence) -> bool:
    """Whether a sentence asks, or has a number or a formula in it."""
    return any(sign in _MATTER for word in sentence for sign in word)


@lru_cache(20_000)
def _plain_of(word: str) -> str:
    return _NOT_WORD.sub("", word)


def _plain(word: str) -> str:
    return _plain_of(word[:_LONGEST])
