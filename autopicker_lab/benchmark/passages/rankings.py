"""What ranks passages for a question: trigrams, words, static embeddings and encoders, alone and two together."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from autopicker_lab import embeddings
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require
from autopicker_lab.retrieval import FolderEncoder, bundled
from autopicker_lab.retrieval.lexical import LexicalIndex
from autopicker_lab.runtime.lru_cache import LRUCache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from autopicker_lab.retrieval import Encoder

    Floats = np.ndarray[Any, np.dtype[np.float32]]

_ROOM_BYTES = 64 * 2**20
_TEXT_BYTES = 1_000  # of a passage, about, by which its vector is known
_APART = re.compile(r"\W+")
TRIGRAMS, WORDS, STATIC, ENCODER, OTHER = "trigram BM25", "words", "static", "encoder", "other encoder"
PRODUCT, PRODUCT_WORDS = "retriever", "retriever without encoder"  # all that the Retriever does
RANKINGS = (
    *(TRIGRAMS, WORDS, STATIC, ENCODER, OTHER),
    *(f"{TRIGRAMS} + {STATIC}", f"{WORDS} + {STATIC}", f"{WORDS} + {ENCODER}", f"{TRIGRAMS} + {OTHER}"),
    *(PRODUCT_WORDS, PRODUCT),
)


class Ranking(Protocol):
    """How near some texts, which it was made of, are to questions."""

    def scores(self, question: str) -> Floats:
        """Greater is nearer, shape (texts,)."""
        ...


class TrigramIndex:
    """BM25 of character trigrams by bm25s, whatever the script: what much of the field does beside vectors."""

    def __init__(self, texts: Sequence[str]):
        require("bm25s")
        bm25s: Any = import_module("bm25s")
        self._names: dict[str, int] = {}
        rows = [[self._names.setdefault(gram, len(self._names)) for gram in _trigrams(text)] for text in texts]
        self._found = bm25s.BM25()
        self._found.index(bm25s.tokenization.Tokenized(ids=rows, vocab=self._names), show_progress=False)

    def scores(self, question: str) -> Floats:
        """BM25, 0 where nothing is shared."""
        found: Floats = self._found.get_scores_from_ids(
            [self._names[g] for g in _trigrams(question) if g in self._names]
        )
        return found


class _Vectors:
    """Cosines of vectors, which are made once."""

    def __init__(
        self, texts: Sequence[str], passages: Callable[[Sequence[str]], Floats], question: Callable[[str], Floats]
    ):
        self._vectors, self._question = passages(texts), question

    def scores(self, question: str) -> Floats:
        found: Floats = self._vectors @ self._question(question)
        return found


class _Fused:
    """Scores of two made comparable (mean 0, deviation 1) and added up."""

    def __init__(self, parts: Sequence[Ranking]):
        self._parts = parts

    def scores(self, question: str) -> Floats:
        first, *rest = [_standard(part.scores(question)) for part in self._parts]
        return sum(rest, first)


class Remembered:
    """An encoder that makes the vector of each text once, whichever ranking, budget or set of files asks for it.

    Args:
        room_bytes: what is remembered of passages, and of questions, at most; of more, what was used last.
    """

    def __init__(self, encoder: Encoder, room_bytes: int = _ROOM_BYTES):
        self.name = encoder.name
        self._encoder = encoder
        self._passages: LRUCache[Floats] = LRUCache(room_bytes, _weight)
        self._questions: LRUCache[Floats] = LRUCache(room_bytes, _weight)

    def passages(self, texts: Sequence[str]) -> Floats:
        """Vectors of passages, shape (passages, dimensions)."""
        import numpy as np

        if not texts:
            return self._encoder.passages(texts)
        found = {text: vector for text in texts if (vector := self._passages.get(text)) is not None}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        for text, vector in zip(missing, self._encoder.passages(missing) if missing else (), strict=True):
            found[text] = vector.copy()  # a row alone, which does not keep the others
            self._passages.put(text, found[text])
        return np.stack([found[text] for text in texts])

    def question(self, text: str) -> Floats:
        """The vector of a question, shape (dimensions,)."""
        vector = self._questions.get(text)
        if vector is None:
            vector = self._encoder.question(text)
            self._questions.put(text, vector)
        return vector


def encoder_in(folder: str) -> Encoder | None:
    """The encoder of a folder; None for no name."""
    return Remembered(FolderEncoder(folder)) if folder else None


@lru_cache(1)
def remembered() -> Encoder | None:
    """The encoder whose weights are installed, for all rankings of this process; None where they are not."""
    encoder = bundled()
    return Remembered(encoder) if encoder else None


class Rankings:
    """Makes rankings of texts by name; each part of a fusion once.

    Args:
        other: a further encoder, whose ranking is called "other encoder".
    """

    def __init__(self, other: Encoder | None = None):
        self._encoders = {ENCODER: remembered(), OTHER: other}
        self._made: dict[tuple[str, int], Ranking] = {}

    def of(self, name: str, texts: Sequence[str], key: int) -> Ranking:
        """The ranking of a name.

        Args:
            key: by which the texts are known.
        """
        if (name, key) not in self._made:
            parts = name.split(" + ")
            made = [self.of(part, texts, key) for part in parts] if len(parts) > 1 else []
            self._made[name, key] = _Fused(made) if made else self._alone(name, texts)
        return self._made[name, key]

    def _alone(self, name: str, texts: Sequence[str]) -> Ranking:
        if name == TRIGRAMS:
            return TrigramIndex(texts)
        if name == WORDS:
            return LexicalIndex(texts)
        if name == STATIC:
            return _Vectors(texts, _static, lambda question: _static([question])[0])
        encoder = self._encoders.get(name)
        if encoder is None:
            raise InvalidRequestError(f"there is no ranking '{name}'", f"choose of {', '.join(available())}")
        return _Vectors(texts, encoder.passages, encoder.question)


def available(other: Encoder | None = None) -> list[str]:
    """Names of the rankings whose encoders are there."""
    missing = {
        ENCODER if bundled() is None else "",
        PRODUCT if bundled() is None else "",
        OTHER if other is None else "",
    }
    return [name for name in RANKINGS if not missing.intersection(name.split(" + "))]


def _weight(vector: Floats) -> int:
    return vector.nbytes + _TEXT_BYTES


def _static(texts: Sequence[str]) -> Floats:
    return embeddings.text_vectors(texts)[0]


def _trigrams(text: str) -> list[str]:
    line = f" {_APART.sub(' ', text.lower())} "
    return [line[i : i + 3] for i in range(len(line) - 2)]


def _standard(scores: Floats) -> Floats:
    found: Floats = (scores - scores.mean()) / (scores.std() or 1)
    return found
