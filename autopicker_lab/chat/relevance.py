"""Which passages a question is about: static embeddings (wordllama) and the rare words they share."""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from autopicker_lab import embeddings
from autopicker_lab.runtime.lru_cache import LRUCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

_WORD = re.compile(r"\w+")
_LEXICAL_WEIGHT = 0.5


class Ranker:
    """Scores passages against a question. The embedding model (16 million parameters) loads on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vectors: LRUCache[np.ndarray[Any, Any]] = LRUCache(64)

    def scores(self, question: str, passages: Sequence[str], key: str = "") -> list[float]:
        """One number a passage, higher is nearer. `key` names the passages, so that they are embedded once."""
        if not passages:
            return []
        semantic = self._passage_vectors(key, passages) @ self._embed([question])[0]
        lexical = _shared_rarity(question, passages)
        return [float(s) + _LEXICAL_WEIGHT * w for s, w in zip(semantic, lexical, strict=True)]

    def _passage_vectors(self, key: str, passages: Sequence[str]) -> np.ndarray[Any, Any]:
        if not key:
            return self._embed(passages)
        place = (key, len(passages))
        held = self._vectors.get(place)
        if held is None:
            held = self._embed(passages)
            self._vectors.put(place, held)
        return held

    def _embed(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        with self._lock:
            vectors: np.ndarray[Any, Any] = embeddings.load().embed(list(texts), norm=True)
            return vectors


def _shared_rarity(question: str, passages: Sequence[str]) -> list[float]:
    """Share (0..1) of the question's words, weighted by how rare they are among the passages, that each holds."""
    bags = [frozenset(_WORD.findall(passage.lower())) for passage in passages]
    spread = Counter(word for bag in bags for word in bag)
    weights = {w: math.log(1 + len(bags) / (1 + spread[w])) for w in set(_WORD.findall(question.lower())) if spread[w]}
    total = sum(weights.values()) or 1.0
    return [sum(weight for word, weight in weights.items() if word in bag) / total for bag in bags]
