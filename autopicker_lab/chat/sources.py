"""Which sentences of an answer stand in what was read: by the n-grams and numbers that they add to the question."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.chat.fence import without_labels
from autopicker_lab.core import AnswerSources, Citation, Place, ReadPassage
from autopicker_lab.core.places import PlaceIndex
from autopicker_lab.core.sentences import sentences
from autopicker_lab.retrieval.ngrams import fold, ngrams, words

if TYPE_CHECKING:
    from collections.abc import Sequence

# Measured on books in six languages: sentences with half their words changed or moved have more in 95 of 100, sentences
# from elsewhere in the book less in 95 (of 30 passages) to 99 (of 3).
SUPPORTED = 0.33
# Of the running words of an answer, that stand in passages: of another language fewer do, even of related ones.
SAME_LANGUAGE = 0.12
# Of a question's n-grams, the most that a passage holds: each of 150 questions of six languages finds more where its
# answer is, and six of ten about another file find less.
NEAR = 0.1
_COMMON = 0.3  # of a question's n-grams, rare or not: where passages are all alike, none of theirs is rare
_UNSPACED = "\u0e00"  # from here on most scripts have no spaces between words: their characters count
_LEAST_NEW = 0.15  # of a sentence; one that adds less to the question is looked for whole
_MOST_SENTENCES = 200  # of an answer that are looked for
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])(?:\s+|$)")
_BETWEEN_DIGITS = re.compile(r"[.,]")


class _Source(NamedTuple):
    """A passage with what it is matched by."""

    passage: ReadPassage
    grams: frozenset[int]
    numbers: frozenset[str]


def sources_of(answer: str, passages: Sequence[ReadPassage], question: str = "") -> AnswerSources:
    """Citations for the sentences of an answer, and those that no passage holds.

    Of an answer in another language than the passages, only sentences with numbers are judged: by these.

    Args:
        question: what the answer repeats of it needs no source.
    """
    if not passages or not answer.strip():
        return AnswerSources()
    wholes = [_source(passage) for passage in passages]
    weights = _Weights(wholes)
    every_number = frozenset().union(*(source.numbers for source in wholes))
    asked, asked_numbers = _grams(question), _numbers(question)
    is_same_language = _is_same_language(answer, passages)
    citations = []
    unsupported = []
    said = without_labels(answer, (passage.file for passage in passages))
    for start, stop in sentences(said)[:_MOST_SENTENCES]:
        sentence = _LIST_MARK.sub("", said[start:stop])
        if not any(map(str.isalnum, sentence)):
            continue
        grams, numbers = _grams(sentence), _numbers(sentence) - asked_numbers
        new = grams - asked
        if weights.of(new) < _LEAST_NEW * weights.of(grams):
            new = grams
        if not numbers <= every_number:
            unsupported.append((start, stop))
            continue
        able = [source for source in wholes if numbers <= source.numbers] or wholes
        best = max(able, key=lambda source: weights.share(new, source.grams))
        if weights.share(new, best.grams) >= SUPPORTED or (numbers and not is_same_language):
            citations.append(_citation((start, stop), best, new, numbers, weights))
        elif is_same_language:
            unsupported.append((start, stop))
    return AnswerSources(tuple(citations), tuple(unsupported))


def is_far(question: str, passages: Sequence[ReadPassage]) -> bool:
    """Whether nothing that was read is near to a question in its words, though it is in the language of the files."""
    if not passages or not _is_same_language(question, passages):
        return False
    sources = [_source(passage) for passage in passages]
    weights, grams = _Weights(sources), _grams(question)
    held = max(len(grams & source.grams) for source in sources)
    return held < _COMMON * len(grams) and max(weights.share(grams, s.grams) for s in sources) < NEAR


class _Weights:
    """How much each n-gram says: the rarer it is among the passages, the more (inverse document frequency)."""

    def __init__(self, sources: Sequence[_Source]):
        self._count = len(sources)
        self._frequency: dict[int, int] = {}
        for source in sources:
            for gram in source.grams:
                self._frequency[gram] = self._frequency.get(gram, 0) + 1

    def of(self, grams: frozenset[int]) -> float:
        """The weight of some n-grams together."""
        return sum(math.log(1 + (1 + self._count) / (0.5 + self._frequency.get(gram, 0))) for gram in grams)

    def share(self, grams: frozenset[int], held: frozenset[int]) -> float:
        """How much of some n-grams a text holds, 0 to 1."""
        return self.of(grams & held) / (self.of(grams) or 1.0)


def _source(passage: ReadPassage) -> _Source:
    return _Source(passage, _grams(passage.text), _numbers(passage.text))


def _is_same_language(answer: str, passages: Sequence[ReadPassage]) -> bool:
    """Whether an answer has words in common with what was read, such as those that every text of a language has."""
    known = {word for passage in passages for word in _running_words(passage.text)}
    said = _running_words(answer)
    return bool(said) and sum(word in known for word in said) >= SAME_LANGUAGE * len(said)


def _running_words(text: str) -> list[str]:
    letters = [word for word in words(text) if not word.isdecimal()]
    return [piece for word in letters for piece in (word if word[0] >= _UNSPACED else (word,))]


def _grams(text: str) -> frozenset[int]:
    return frozenset(ngrams(text).tolist())


def _numbers(text: str) -> frozenset[str]:
    """The numbers of a text, without what parts their digits."""
    return frozenset(_BETWEEN_DIGITS.sub("", number) for number in _NUMBER.findall(fold(text)))


def _citation(
    sentence: tuple[int, int], source: _Source, grams: frozenset[int], numbers: frozenset[str], weights: _Weights
) -> Citation:
    passage = source.passage

    def nearness(span: tuple[int, int]) -> tuple[int, float]:
        text = passage.text[slice(*span)]
        return len(numbers & _numbers(text)), weights.share(grams, _grams(text))

    spans = sentences(passage.text) or [(0, len(passage.text))]
    begin, end = max(spans, key=nearness)
    return Citation(
        *sentence,
        passage.number,
        passage.file,
        passage.part,
        passage.text[begin:end].strip(),
        _place(passage, begin, end),
        weights.share(grams, source.grams),
    )


def _place(passage: ReadPassage, start: int, stop: int) -> Place | None:
    return next(iter(PlaceIndex(passage.text, passage.places).within(start, stop)), None)
