"""Lexical search: BM25 (bm25s) over the n-grams of passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.retrieval.ngrams import ngrams

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]


class LexicalIndex:
    """BM25 scores of texts for questions, ready to be added up (Lù 2024, "BM25S", arXiv:2407.03618)."""

    def __init__(self, texts: Sequence[str]):
        import bm25s
        import numpy as np

        rows = [ngrams(text) for text in texts]
        every = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        self._known, numbers = np.unique(every, return_inverse=True)
        stops = np.cumsum([len(row) for row in rows])
        ids = [piece.astype(np.int32) for piece in np.split(numbers, stops[:-1])] if rows else []
        self._size = len(rows)
        self._bm25 = bm25s.BM25(csc_backend="numpy")
        if len(self._known):
            listed = _Rows(ids)
            self._bm25.scores = self._bm25.build_index_from_ids(range(len(self._known)), listed, show_progress=False)

    @property
    def size_bytes(self) -> int:
        """Bytes that the index takes."""
        scores = getattr(self._bm25, "scores", {})
        return int(self._known.nbytes + sum(getattr(array, "nbytes", 0) for array in scores.values()))

    def scores(self, question: str) -> Floats:
        """How near each text is to a question, shape (texts,), 0 for those that share nothing with it."""
        import numpy as np

        ids, _ = self._ids(question)
        if not len(ids):
            return np.zeros(self._size, np.float32)
        found: Floats = self._bm25.get_scores_from_ids(ids)
        return found

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


class _Rows(list[Any]):
    """Ids of texts, kept as arrays; bm25s counts them as lists, of which there is one at a time."""

    def __iter__(self) -> Any:
        return (row.tolist() for row in super().__iter__())
