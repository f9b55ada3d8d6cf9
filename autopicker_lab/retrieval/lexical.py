"""Lexical search: BM25 over the n-grams of passages.

Written with numpy, since libraries for it take lists of Python's numbers: for 2,000 pages three times the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ExtractionLimitError
from autopicker_lab.retrieval.ngrams import ngrams, ngrams_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float32]]

# A passage that repeats a name is no nearer to a question about it than one that answers it: with the usual 1.5 for k1
# made surveys, whose paragraphs all name places, are answered in 26 and 81 of 100 cases at 300 and 600 tokens, with 0.6
# in 39 and 87; books in six languages in 92 and 96 with both.
_K1, _B = 0.6, 0.75
_GRAM_AT, _ROW_AT = 32, 10  # bits of an entry from which n-gram and text stand
_AT_ONCE = 256  # texts whose n-grams are in memory in wide numbers
_GROWTH = 1.15  # of the entries' array, where it is full
_MOST_ROWS, _MOST_COUNT = 2**22, 2**10 - 1


class LexicalIndex:
    """BM25 scores of texts for questions, each n-gram's computed beforehand and added up for a question.

    The formula is Lucene's; that scores are computed when the index is made is of BM25S (Lù 2024, arXiv:2407.03618).
    """

    def __init__(self, texts: Sequence[str]):
        import numpy as np

        self._size = len(texts)
        entries, lengths = _entries(texts)
        entries.sort()  # in place: by n-gram, then by text
        halves = entries.view("<u4").reshape(-1, 2)
        grams = halves[:, 1]
        starts = np.flatnonzero(np.concatenate([[True], grams[1:] != grams[:-1]])[: len(grams)])
        self._known, self._starts = grams[starts], np.append(starts, len(grams))
        self._rows = halves[:, 0] >> _ROW_AT
        halves[:, 0] &= _MOST_COUNT  # in place, as what follows: the most memory of all is in use here
        scores = halves[:, 0].astype(np.float32)
        del entries, halves, grams
        frequency = np.diff(self._starts)
        rarity = np.log1p((self._size - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        damping = (_K1 * (1 - _B + _B * lengths / (lengths.mean() or 1.0)) if self._size else lengths)[self._rows]
        damping += scores
        scores /= damping
        del damping
        scores *= np.repeat(rarity, frequency)
        self._scores = scores

    @property
    def size_bytes(self) -> int:
        """Bytes that the index takes."""
        return int(self._known.nbytes + self._rows.nbytes + self._scores.nbytes + self._starts.nbytes)

    @property
    def vocabulary(self) -> int:
        """How many different n-grams the texts have."""
        return len(self._known)

    def scores(self, question: str) -> Floats:
        """How near each text is to a question, shape (texts,), 0 for those that share nothing with it."""
        import numpy as np

        ids, _ = self._ids(question)
        spans = [slice(self._starts[i], self._starts[i + 1]) for i in ids]
        total = np.zeros(self._size)
        some = []
        for span in spans:
            if span.stop - span.start == self._size:  # in every text, as words of a table's header are: in their order
                total += self._scores[span]
            else:
                some.append(span)
        if some:
            rows = np.concatenate([self._rows[span] for span in some])
            weights = np.concatenate([self._scores[span] for span in some])
            total += np.bincount(rows, weights, self._size)
        return total.astype(np.float32)

    def known_share(self, question: str) -> float:
        """The share (0 to 1) of a question's n-grams that stand in the texts; 1 for a question without any."""
        ids, asked = self._ids(question)
        return len(ids) / asked if asked else 1.0

    def _ids(self, question: str) -> tuple[Any, int]:
        """The numbers of a question's n-grams that are known, and how many it has."""
        import numpy as np

        asked = ngrams(question).astype(np.uint32)
        if not len(self._known) or not len(asked):
            return asked[:0], len(asked)
        at = np.minimum(np.searchsorted(self._known, asked), len(self._known) - 1)
        return at[self._known[at] == asked], len(asked)


def _entries(texts: Sequence[str]) -> tuple[Any, Floats]:
    """One number for each n-gram of each text, and how many n-grams each text has.

    A number is made of the n-gram (32 bits of its hash), the text (22 bits) and how often it stands there (10 bits), so
    that all are sorted in one array, in place.
    """
    import numpy as np

    if len(texts) > _MOST_ROWS:
        raise ExtractionLimitError(f"{len(texts):,} passages are more than can be searched", "split the files")
    entries, filled, lengths = np.empty(0, "<u8"), 0, np.zeros(len(texts), np.float32)
    for start in range(0, len(texts), _AT_ONCE):
        grams, rows = ngrams_of(texts[start : start + _AT_ONCE])
        lengths[start : start + _AT_ONCE] = np.bincount(rows, minlength=min(_AT_ONCE, len(texts) - start))
        places = (grams.astype(np.uint32).astype(np.uint64) << _GRAM_AT) | (rows + start).astype(np.uint64) << _ROW_AT
        places.sort()
        begins = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]])[: len(places)])
        counts = np.diff(begins, append=len(places))
        if filled + len(begins) > len(entries):  # grows where it stands: pieces put together would be there twice
            entries.resize(int(_GROWTH * (filled + len(begins))), refcheck=False)
        entries[filled : filled + len(begins)] = places[begins] | np.minimum(counts, _MOST_COUNT).astype(np.uint64)
        filled += len(begins)
    entries.resize(filled, refcheck=False)
    return entries, lengths
