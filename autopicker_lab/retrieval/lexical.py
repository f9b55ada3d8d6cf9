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


class LexicalIndex:
    """BM25 scores of texts for questions, each n-gram's computed beforehand and added up for a question.

    The formula is Lucene's; that scores are computed when the index is made is of BM25S (Lù 2024, arXiv:2407.03618).
    """

    def __init__(self, texts: Sequence[str]):
        import numpy as np

        counted = [np.unique(ngrams(text), return_counts=True) for text in texts]
        self._size = len(counted)
        sizes = np.array([len(terms) for terms, _ in counted], np.int64)
        lengths = np.array([counts.sum() for _, counts in counted], np.float32)
        counts = np.concatenate([counts.astype(np.uint16) for _, counts in counted] or [np.zeros(0, np.uint16)])
        terms = np.concatenate([terms for terms, _ in counted] or [np.zeros(0, np.int64)])
        del counted
        self._known, inverse = np.unique(terms, return_inverse=True)
        numbers = inverse.astype(np.int32)
        del terms, inverse
        frequency = np.bincount(numbers, minlength=len(self._known))
        rarity = np.log1p((self._size - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        rows = np.repeat(np.arange(self._size, dtype=np.int32), sizes)
        damping = _K1 * (1 - _B + _B * lengths / (lengths.mean() or 1.0)) if self._size else lengths
        scores = rarity[numbers] * counts / (counts + damping[rows])
        order = np.argsort(numbers, kind="stable").astype(np.int32)
        self._rows, self._scores = rows[order], scores[order]
        self._starts = np.concatenate([[0], np.cumsum(frequency)])

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
