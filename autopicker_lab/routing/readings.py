"""How each kind of estimator reads a text: what of it is embedded, and what is counted.

A policy file names its kind, so that one that was fitted by an earlier reading decides as it did.
"""

from __future__ import annotations

import math
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.complexity.features import NAMES, measure, same_but_for_case
from autopicker_lab.core.text import ends
from autopicker_lab.routing.additions import without_additions
from autopicker_lab.routing.asides import asking_words
from autopicker_lab.routing.normal_form import folded, normal_words, telling_words
from autopicker_lab.routing.question_part import question_part
from autopicker_lab.routing.token_keys import LONG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]
    Features = Mapping[str, float] | None

EXCERPT = 500  # characters of beginning and of end: more were measured to add nothing
AS_WRITTEN, NORMAL, BOUNDED, ASKING, SENTENCES = "linear-1", "linear-2", "linear-3", "linear-4", "linear-5"
STEADY = "linear-6"
APART = "linear-7"  # additions are left out, and languages may have estimates of their own
BOTH_ENDS = "linear-8"  # first words are bounded, too
_LONG_BEFORE = 42  # tokens from which on a text had a tail, before linear-6
_TEN = 10  # words at an end whose counts are taken away from those of a text that has twice as many
_DISTINCT = ("distinct_words",)
_COUNTED = (  # in what asks: what neither letter case, white space nor marks at the ends of sentences change
    *("words", "word_length", "marks_code", "marks_math", "quantities", "digits"),
    *("reasoning", "constraints", "code", "mathematics", "steps", "negation", "questions"),
)


class ReadText(NamedTuple):
    """What was read of a text: the excerpt that is embedded, and counts on a logarithmic scale.

    Attributes:
        part: of the text that was read, in words; "" for all of it.
        inner: counts without the last ten words; where first ones are bounded, then without these, and without both;
            shape (parts, counts). None: no others.
    """

    excerpt: str
    counts: Array
    part: str = ""
    inner: Array | None = None


class TextReading(NamedTuple):
    """How texts are read.

    Attributes:
        names: of what is counted.
        read: a function of a text and its features, where known.
        embedding: weight of the mean embedding beside tf-idf.
        most: how often a token or pair counts at most, where embeddings are of different tokens; 0: always.
        parts: whether it tells the part that asks from what frames it (see routing.question_part).
        long: tokens from which on a text has last words that move its estimate by so much and no more.
        both: whether its first words, too, have such a limit.
    """

    names: tuple[str, ...]
    read: Callable[[str, Features], ReadText]
    embedding: float = 0.45
    most: int = 0
    parts: bool = False
    long: int = _LONG_BEFORE
    both: bool = False


def _as_written(text: str, features: Features) -> ReadText:
    import numpy as np

    known = measure(text) if features is None else features
    return ReadText(ends(text, EXCERPT), np.log1p(np.array([known[name] for name in NAMES], np.float32)))


def _normal(text: str, features: Features) -> ReadText:  # features are of the text as it is written
    return _normal_read(text)


@lru_cache(16)  # whether a text is familiar is asked apart from its estimate
def _normal_read(text: str) -> ReadText:
    return _of_words(normal_words(text))


def _asking(text: str, features: Features) -> ReadText:
    return _asking_read(text)


@lru_cache(16)
def _asking_read(text: str) -> ReadText:
    part = question_part(folded(text))
    return _of_words(telling_words(part.words))._replace(part=part.name)


def _sentences(text: str, features: Features) -> ReadText:
    return _sentences_read(text)


@lru_cache(16)
def _sentences_read(text: str) -> ReadText:
    return _whole_sentences(text, folded(text))


def _whole_sentences(text: str, asked: str) -> ReadText:
    import numpy as np

    part = question_part(asked)
    excerpt, distinct, *_ = _of_words(asking_words(part.words, part.line))
    known = measure(text if same_but_for_case(text, excerpt) else excerpt)  # that of the text is known
    counts = [distinct.item(), *(math.log1p(known[name]) for name in _COUNTED)]  # faster than an array's, of so few
    return ReadText(excerpt, np.array(counts, np.float32), part.name)


def _steady(text: str, features: Features) -> ReadText:
    return _steady_read(text)


@lru_cache(16)
def _steady_read(text: str) -> ReadText:
    return _with_inner(_sentences_read(text))


def _apart(text: str, features: Features) -> ReadText:
    return _apart_read(text)


@lru_cache(16)
def _apart_read(text: str) -> ReadText:
    return _with_inner(_whole_sentences(text, without_additions(folded(text))))


def _both_ends(text: str, features: Features) -> ReadText:
    return _both_ends_read(text)


@lru_cache(16)
def _both_ends_read(text: str) -> ReadText:
    return _with_inner(_whole_sentences(text, without_additions(folded(text), labels=True)), both=True)


def _with_inner(read: ReadText, both: bool = False) -> ReadText:
    """With what is counted without words at its ends, by taking away what is counted in these."""
    import numpy as np

    spaces = read.excerpt.count(" ")
    if spaces < 2 * _TEN - 1:
        return read
    known = np.expm1(read.counts).tolist()
    early = _without(known, read.excerpt.rsplit(" ", _TEN)[1:])
    inner = [early]
    if both:
        first = read.excerpt.split(" ", _TEN)[:_TEN]
        inner += [_without(known, first), _without(early, first) if spaces >= 3 * _TEN - 1 else early]
    return read._replace(inner=np.log1p(np.array(inner)).astype(np.float32))


def _without(counts: Sequence[float], ending: Sequence[str]) -> Sequence[float]:
    in_these = measure(" ".join(ending))
    distinct, words, length, *others = counts
    left = words - in_these["words"]
    letters = length * words - in_these["word_length"] * in_these["words"]
    counted = [max(n - in_these[name], 0.0) for n, name in zip(others, _COUNTED[2:], strict=True)]
    return [max(distinct - len(set(ending)), 0.0), max(left, 0.0), max(letters, 0.0) / max(left, 1.0), *counted]


def _of_words(words: Sequence[str]) -> ReadText:
    import numpy as np

    distinct = len(set(words))  # repeating a question changes nothing
    if len(words) > 4 * EXCERPT:  # at least a character each, so that both ends are there
        words = [*words[:EXCERPT], *words[-EXCERPT:]]
    return ReadText(ends(" ".join(words), EXCERPT), np.array([math.log1p(distinct)], np.float32))


READINGS: Mapping[str, TextReading] = MappingProxyType(
    {
        AS_WRITTEN: TextReading(NAMES, _as_written),
        NORMAL: TextReading(_DISTINCT, _normal),
        BOUNDED: TextReading(_DISTINCT, _normal, 0.3, most=2),
        ASKING: TextReading(_DISTINCT, _asking, 0.3, most=2, parts=True),
        SENTENCES: TextReading((*_DISTINCT, *_COUNTED), _sentences, 0.3, most=2, parts=True),
        STEADY: TextReading((*_DISTINCT, *_COUNTED), _steady, 0.3, most=2, parts=True, long=LONG),
        APART: TextReading((*_DISTINCT, *_COUNTED), _apart, 0.3, most=2, parts=True, long=LONG),
        BOTH_ENDS: TextReading((*_DISTINCT, *_COUNTED), _both_ends, 0.3, most=2, parts=True, long=LONG, both=True),
    }
)
