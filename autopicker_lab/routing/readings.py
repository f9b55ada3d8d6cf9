"""How each kind of estimator reads a text: what of it is embedded, and what is counted.

A policy file names its kind, so that one that was fitted by an earlier reading decides as it did.
"""

from __future__ import annotations

import math
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.complexity.features import NAMES, measure
from autopicker_lab.core.text import ends
from autopicker_lab.routing.asides import asking_words
from autopicker_lab.routing.normal_form import folded, normal_words, telling_words
from autopicker_lab.routing.question_part import question_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]
    Features = Mapping[str, float] | None

EXCERPT = 500  # characters of beginning and of end: more were measured to add nothing
AS_WRITTEN, NORMAL, BOUNDED, ASKING, SENTENCES = "linear-1", "linear-2", "linear-3", "linear-4", "linear-5"
_DISTINCT = ("distinct_words",)
_COUNTED = (  # in what asks: what neither letter case, white space nor marks at the ends of sentences change
    *("words", "word_length", "marks_code", "marks_math", "quantities", "digits"),
    *("reasoning", "constraints", "code", "mathematics", "steps", "negation", "questions"),
)


class ReadText(NamedTuple):
    """What was read of a text: the excerpt that is embedded, and counts on a logarithmic scale.

    Attributes:
        part: of the text that was read, in words; "" for all of it.
    """

    excerpt: str
    counts: Array
    part: str = ""


class TextReading(NamedTuple):
    """How texts are read.

    Attributes:
        names: of what is counted.
        read: a function of a text and its features, where known.
        embedding: weight of the mean embedding beside tf-idf.
        most: how often a token or pair counts at most, where embeddings are of different tokens; 0: always.
        parts: whether it tells the part that asks from what frames it (see routing.question_part).
    """

    names: tuple[str, ...]
    read: Callable[[str, Features], ReadText]
    embedding: float = 0.45
    most: int = 0
    parts: bool = False


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
    import numpy as np

    part = question_part(folded(text))
    excerpt, distinct, _ = _of_words(asking_words(part.words))
    known = measure(excerpt)
    counts = [distinct.item(), *(math.log1p(known[name]) for name in _COUNTED)]  # faster than an array's, of so few
    return ReadText(excerpt, np.array(counts, np.float32), part.name)


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
    }
)
