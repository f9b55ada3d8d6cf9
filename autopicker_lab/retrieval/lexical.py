"""Lexical search: BM25 over the n-grams of passages.

Written with numpy, since libraries for it take lists of Python's numbers: for 2,000 pages three times the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.retrieval.ngrams import ngrams

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]

_K1, _B = 1.5, 0.75
_AT_ONCE = 512  # texts whose small arrays are in memory at the same time


class LexicalIndex:
    """BM25 scores of texts for questions, each n-gram's computed beforehand and added up for a question.

    The formula is Lucene's; that scores are computed when the index is made is of BM25S (Lù 2024, arXiv:2407.03618).
    """

    def __init__(self, texts: Sequence[str]):
        import numpy as np

        batches = [_counted(texts[i : i + _AT_ONCE]) for i in range(0, len(texts), _AT_ONCE)]
        self._size = len(texts)
        sizes, lengths, terms, counts = map(np.concatenate, zip(*(batches or [_counted([])]), strict=True))
        del batches
        order = np.argsort(terms, kind="stable").astype(np.int32)
        terms, counts = terms[order], counts[order]
        rows = np.repeat(np.arange(self._size, dtype=np.int32), sizes)[order]
        del order
        starts = np.flatnonzero(np.diff(terms, prepend=-1))
        self._known, self._rows = terms[starts], rows
        del terms
        self._starts = np.append(starts, len(rows))
        frequency = np.diff(self._starts)
        rarity = np.log1p((self._size - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        damping = _K1 * (1 - _B + _B * lengths / (lengths.mean() or 1.0)) if self._size else lengths
        self._scores = np.repeat(rarity, frequency) * counts / (counts + damping[rows])

    @property
    def size_bytes(self) -> int:
        """Bytes that the index takes."""
        return int(self._known.nbytes + self._rows.nbytes + self._scores.nbytes + self._starts.nbytes)

    def scores(self, question: str) -> Floats:
        """How near each text is to a question, shape (texts,), 0 for those that share nothing with it."""
        import numpy as np

        ids, _ = self._ids(question)
        spans = [slice(self._starts[i], self._starts[i + 1]) for i in ids]
        if not spans:
            return np.zeros(self._size, np.float32)
        rows = np.concatenate([self._rows[span] for span in spans])
        weights = np.concatenate([self._scores[span] for span in spans])
        return np.bincount(rows, weights, self._size).astype(np.float32)

    def known_share(self, question: str) -> float:
        """The share (0 to 1) of a question's n-grams that stand in the texts; 1 for a question without any."""
        ids, asked = self._ids(question)
        return len(ids) / asked if asked else 1.0

    def _ids(self, question: str) -> tuple[Any, int]:
        """The numbers of a question's n-grams that are known, and how many it has."""
        import numpy as np

        asked = ngrams(question)
        if not len(self._known) or not len(asked):
            return asked[:0], len(asked)
        at = np.minimum(np.searchsorted(self._known, asked), len(self._known) - 1)
        return at[self._known[at] == asked], len(asked)


def _counted(texts: Sequence[str]) -> tuple[Any, Any, Any, Any]:
    """How many different n-grams each text has, and how many; then those of all texts, and how often each stands."""
    import numpy as np

    counted = [np.unique(ngrams(text), return_counts=True) for text in texts]
    sizes = np.array([len(terms) for terms, _ in counted], np.int64)
    lengths = np.array([counts.sum() for _, counts in counted], np.float32)
    terms = np.concatenate([np.zeros(0, np.int64), *(terms for terms, _ in counted)])
    counts = np.concatenate([np.zeros(0, np.uint16), *(counts.astype(np.uint16) for _, counts in counted)])
    return sizes, lengths, terms, counts
