"""How near passages are to a question: static embeddings (wordllama) and the rare words they share."""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from autopicker_lab import embeddings
from autopicker_lab.core.text import ends
from autopicker_lab.runtime.lru_cache import LRUCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

_WORD = re.compile(r"\w+")
_LEXICAL_WEIGHT = 0.5
_READ = 4_000  # characters of a question's beginning and end that passages are compared with


class Ranker:
    """Scores passages by how near they are to a question, of which a long one's beginning and end are read.

    The embedding model (16 million parameters) loads on first use.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vectors: LRUCache[np.ndarray[Any, Any]] = LRUCache(64)

    def scores(self, question: str, passages: Sequence[str], key: str = "") -> list[float]:
        """One number for each passage, higher is nearer.

        Args:
            key: names the passages, so that they are embedded once; "" keeps nothing.
        """
        if not passages:
            return []
        question = ends(question, _READ)
        semantic = self._passage_vectors(key, passages) @ self._embed([question])[0]
        lexical = _shared_rarity(question, passages)
        return [float(s) + _LEXICAL_WEIGHT * w for s, w in zip(semantic, lexical, strict=True)]

    def _passage_vectors(self, key: str, passages: Sequence[str]) -> np.ndarray[Any, Any]:
        if not key:
            return self._embed(passages)
        cache_key = (key, len(passages))
        vectors = self._vectors.get(cache_key)
        if vectors is None:
            vectors = self._embed(passages)
            self._vectors.put(cache_key, vectors)
        return vectors

    def _embed(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        with self._lock:
            vectors: np.ndarray[Any, Any] = embeddings.load().embed(list(texts), norm=True)
            return vectors


def _shared_rarity(question: str, passages: Sequence[str]) -> list[float]:
    """Share (0..1) of the question's words, weighted by how rare they are among the passages, that each holds."""
    word_sets = [frozenset(_WORD.findall(passage.lower())) for passage in passages]
    frequency = Counter(word for words in word_sets for word in words)
    weights = {
        w: math.log(1 + len(word_sets) / (1 + frequency[w]))
        for w in set(_WORD.findall(question.lower()))
        if frequency[w]
    }
    total = sum(weights.values()) or 1.0
    return [sum(weight for word, weight in weights.items() if word in words) / total for words in word_sets]
