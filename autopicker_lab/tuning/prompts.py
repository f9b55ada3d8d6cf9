"""Prompts made ready for fitting, and the columns that a fit reads them by: tf-idf, mean embeddings and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autopicker_lab.routing.estimator import dense_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from scipy import sparse

    Array = np.ndarray[Any, Any]

_KEPT = 60_000  # most frequent tokens and pairs that are kept


@dataclass(frozen=True, eq=False)
class Prompts:
    """Texts made ready for fitting; row i of each array belongs to text i.

    Attributes:
        tokens: counts of tokens and pairs, shape (n, vocabulary + PAIRS). vectors: (n, 256). counts: (n, features).
        groups: near-duplicates have the same number, shape (n,).
        copies: rewordings of the same texts, in the same order.
        inner: the same texts without words at their ends, near whose estimates theirs are held (see
            routing.token_keys.inner_parts); () of copies.
        languages: what each is written in (see routing.written_language), shape (n,); None of copies and inner.
    """

    tokens: sparse.csr_matrix
    vectors: Array
    counts: Array
    groups: Array
    copies: tuple[Prompts, ...] = ()
    inner: tuple[Prompts, ...] = ()
    languages: Array | None = None

    def __len__(self) -> int:
        return len(self.groups)

    def at(self, rows: Array) -> Prompts:
        """Those of some rows."""
        copies = tuple(copy.at(rows) for copy in self.copies)
        inner = tuple(part.at(rows) for part in self.inner)
        known = (self.tokens[rows], self.vectors[rows], self.counts[rows], self.groups[rows])
        return Prompts(*known, copies, inner, None if self.languages is None else self.languages[rows])

    def with_copies(self) -> Prompts:
        """All rows: the texts, then each rewording of them."""
        import numpy as np
        from scipy import sparse

        if not self.copies:
            return self
        parts = [self, *self.copies]
        return Prompts(
            sparse.vstack([part.tokens for part in parts]).tocsr(),
            np.concatenate([part.vectors for part in parts]),
            np.concatenate([part.counts for part in parts]),
            np.concatenate([part.groups for part in parts]),
        )


def concatenated(parts: Sequence[Prompts]) -> Prompts:
    """Several sets of prompts as one; groups stay apart."""
    import numpy as np
    from scipy import sparse

    languages = [part.languages for part in parts if part.languages is not None]
    starts = np.cumsum([0, *(int(part.groups.max()) + 1 for part in parts)])
    return Prompts(
        sparse.vstack([part.tokens for part in parts]).tocsr(),
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.groups + start for part, start in zip(parts, starts[:-1], strict=True)]),
        tuple(concatenated(copies) for copies in zip(*(part.copies for part in parts), strict=True)),
        tuple(concatenated(inner) for inner in zip(*(part.inner for part in parts), strict=True)),
        np.concatenate(languages) if len(languages) == len(parts) else None,
    )


def tfidf(prompts: Prompts, keys: Array, idf: Array) -> sparse.csr_matrix:
    """Sublinear tf-idf of the tokens and pairs in `keys`, rows of length 1, shape (n, keys)."""
    import numpy as np
    from sklearn.preprocessing import normalize

    counts = prompts.tokens[:, keys].astype(np.float64)
    counts.data = 1 + np.log(counts.data)
    return normalize(counts.multiply(idf[None, :].astype(np.float64)).tocsr())


class Space:
    """The columns a fit may use, and how they are scaled, from its training prompts alone, each `times` in them."""

    def __init__(self, prompts: Prompts, times: int = 1):
        import numpy as np

        spread = np.bincount(prompts.tokens.indices, minlength=prompts.tokens.shape[1])
        known = np.flatnonzero(spread > times)
        self.keys = np.sort(known[np.argsort(-spread[known], kind="stable")[:_KEPT]]).astype(np.int32)
        # half precision is what a policy file holds: rounded here, a fit is the same before and after its file
        self.idf = (np.log((1 + len(prompts)) / (1 + spread[self.keys])) + 1).astype(np.float16)
        self.centre = prompts.vectors.mean(0).astype(np.float16)
        self.mean = prompts.counts.mean(0, dtype=np.float64)
        spans = prompts.counts.std(0, dtype=np.float64)
        self.scale = np.where(spans > 1e-6, spans, 1e6)  # what never varies counts for nothing

    def columns(self, prompts: Prompts) -> tuple[sparse.csr_matrix, Array]:
        """Sparse and dense columns of some prompts."""
        weighted = tfidf(prompts, self.keys, self.idf)
        return weighted, dense_block(prompts.vectors, prompts.counts, self.centre, self.mean, self.scale)
