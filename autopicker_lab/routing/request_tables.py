"""An estimator's arrays as one request needs them, and what they make of it.

What costs time there is not arithmetic but the number of calls: each stands once, over all tokens and pairs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autopicker_lab import embeddings
from autopicker_lab.routing.bounded_influence import bounded
from autopicker_lab.routing.readings import READINGS
from autopicker_lab.routing.token_keys import PAIRS, Tokens, tokens_of, unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from autopicker_lab.routing.readings import ReadText

    Array = np.ndarray[Any, Any]

FURTHEST = 4.0  # standard deviations: a text unlike all that were fitted may not run away
FEATURES = 0.1  # weight of the counts beside tf-idf rows of length 1


class RequestTables:
    """An estimator's arrays as one request needs them: single precision, weights of the dense blocks folded in."""

    def __init__(
        self,
        kind: str,
        arrays: Mapping[str, Array],
        novelty: tuple[float, float] | None,
        tail: tuple[float, ...] | None,
    ):
        import numpy as np

        reading = READINGS[kind]
        self.most, self.long, self.both, self.tail = reading.most, reading.long, reading.both, np.array(tail or ())
        self.known, self.bias, self.vectors = len(arrays["keys"]), arrays["bias"], embeddings.vectors()
        # a last row for what is not known, of zeros: to leave such keys out would take longer than to add nothing
        self.idf, self.weights = (
            np.concatenate([array, np.zeros_like(array, shape=(1, *array.shape[1:]))]).astype(np.float32)
            for array in (arrays["idf"], arrays["weights"])
        )
        self.rarity = self.idf.copy()
        self.rarity[-1] = novelty[0] if novelty else 0.0
        self.rows = np.full(len(self.vectors) + PAIRS, self.known)
        self.rows[arrays["keys"]] = np.arange(self.known)
        self.sublinear = np.array([0.0, *(1 + math.log(times) for times in range(1, self.most + 1))], np.float32)
        self.centre, self.mean = (arrays[name].astype(np.float32) for name in ("centre", "feature_mean"))
        self.scale = (1 / arrays["feature_scale"]).astype(np.float32)
        width, dense = len(self.centre), arrays["dense"].astype(np.float32)
        self.by_vector, self.by_features = reading.embedding * dense[:width], FEATURES * dense[width:]
        self.stack: list[list[float]] = arrays["stack"].tolist()
        self._last: tuple[Array, Array] | None = None

    def raw(self, read: ReadText) -> Array:
        """Mean and deviations before they are stacked, shape (1 + models,)."""
        import numpy as np

        tokens, base = self.tokens_of(read), self.base(read.counts)
        rows = self.rows_of(tokens.keys)
        idf, weights = self.idf.take(rows), self.weights.take(rows, axis=0)
        if not self.most:
            times = _weighted(idf, tokens.counts[0])
            return base + self.words(times, weights) + self.embedding(self.vectors[tokens.ids])
        vectors = self.vectors.take(tokens.keys[: tokens.different], axis=0)
        counted = self.sublinear.take(np.minimum(tokens.counts, self.most)) * idf
        whole: Array = base + self.words(counted[0], weights) + self.embedding(vectors)
        if not self.tail.size or len(counted) == 1:
            return whole
        values = counted[1:]
        inner = base if read.inner is None else self.base(read.inner)
        met = (tokens.counts[1:, : tokens.different] > 0).astype(np.float32)
        inner = inner + _at_length_one(values @ weights, values) + self.embeddings(met @ vectors)
        return bounded(whole, tuple(inner), self.tail)

    def tokens_of(self, read: ReadText) -> Tokens:
        """The tokens of what was read."""
        return tokens_of(read.excerpt, self.long, self.both)

    def base(self, counts: Array) -> Array:
        """What counts add to the bias, shape (..., outputs)."""
        import numpy as np

        scaled = np.minimum(np.maximum((counts - self.mean) * self.scale, -FURTHEST), FURTHEST)
        added: Array = self.bias + scaled @ self.by_features
        return added

    def rows_of(self, keys: Array) -> Array:
        """The row of each key, the last one for what is not known; remembered, since a text is asked about twice."""
        last = self._last
        if last is not None and last[0] is keys:
            return last[1]
        rows: Array = self.rows.take(keys)
        self._last = keys, rows
        return rows

    def words(self, values: Array, weights: Array) -> Array:
        """What tokens and pairs add: values of shape (k,), weights of shape (k, outputs)."""
        length = math.sqrt(values @ values)
        added: Array = values @ weights
        return added / length if length else added

    def embedding(self, vectors: Array) -> Array:
        """What the mean of the vectors of tokens adds, shape (k, 256)."""
        import numpy as np

        moved = unit(np.add.reduce(vectors, 0)) - self.centre  # `sum` calls it by way of three functions
        reach = math.sqrt(moved @ moved)
        added: Array = moved @ self.by_vector
        return added / reach if reach else added

    def embeddings(self, totals: Array) -> Array:
        """What the means of vectors with these sums add, shape (n, 256), each: shape (n, outputs)."""

        moved = _at_length_one(totals, totals) - self.centre
        return _at_length_one(moved @ self.by_vector, moved)

    def rarity_of(self, tokens: Tokens) -> float:
        """The mean idf of the different tokens of a text; 0 for none."""
        import numpy as np

        rows = self.rows_of(tokens.keys)[: tokens.different]
        return float(np.add.reduce(self.rarity.take(rows))) / max(len(rows), 1)


def _at_length_one(found: Array, rows: Array) -> Array:
    """What was made of rows, shape (n, k), divided by the length of each."""
    import numpy as np

    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    divided: Array = found / np.maximum(lengths, 1e-12)[:, None]
    return divided


def _weighted(idf: Array, times: Array) -> Array:
    """Sublinear tf-idf, before a text's values are divided by their length."""
    import numpy as np

    values: Array = (idf * (1 + np.log(times))).astype(np.float32)
    return values
