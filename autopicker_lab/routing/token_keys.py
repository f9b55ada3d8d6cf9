"""Tokens of a text as estimates know them: keys of tokens and of their pairs, counted, and mean embeddings."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab import embeddings

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PAIRS = 2**18  # buckets that pairs of tokens are hashed into
_MIX = 1_000_003
_TAIL = 14  # tokens: about ten words
LONG = 2 * _TAIL  # tokens from which on a text has a tail


def head_length(tokens: int, long: int = LONG) -> int:
    """How many of so many tokens come before the tail, the last ten words or so; a short text is all question."""
    return tokens - _TAIL if tokens >= long else tokens


def keys_of(ids: Array, long: int = LONG) -> tuple[Array, Array, Array]:
    """Sorted keys of tokens and of pairs of neighbours, how often each occurs, and how often before the tail."""
    import numpy as np

    vocabulary = len(embeddings.vectors())
    pairs = vocabulary + (ids[:-1] * _MIX + ids[1:]) % PAIRS
    keys = np.concatenate([ids, pairs])
    order = keys.argsort(kind="stable")  # np.unique, but faster on a short text
    keys = keys[order]
    first = np.empty(len(keys) + 1, bool)
    first[:1] = first[-1] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:-1])
    starts = first.nonzero()[0]
    counts = starts[1:] - starts[:-1]
    head = head_length(len(ids), long)
    if head == len(ids):
        return keys[starts[:-1]], counts, counts
    order[order >= len(ids)] -= len(ids) - 1  # a pair is met with its second token
    early = np.add.reduceat(order < head, starts[:-1], dtype=np.int64)
    return keys[starts[:-1]], counts, early


class Tokens(NamedTuple):
    """Token ids of a text; keys of these and of their pairs, how often each occurs, and how often before the tail.

    Attributes:
        different: tokens; so many of the keys come before those of pairs.
    """

    ids: Array
    keys: Array
    counts: Array
    early: Array
    different: int


@lru_cache(16)  # whether a text is familiar is asked apart from its estimate
def tokens_of(excerpt: str, long: int = LONG) -> Tokens:
    """The tokens of what was read of a text."""
    ids = embeddings.token_ids(excerpt)
    keys, counts, early = keys_of(ids, long)
    return Tokens(ids, keys, counts, early, int(keys.searchsorted(len(embeddings.vectors()))))


def mean_vector(ids: Array) -> Array:
    """The mean embedding of tokens at length 1, shape (256,); zeros for no tokens."""
    import numpy as np

    table = embeddings.vectors()
    if not len(ids):
        return np.zeros(table.shape[1], np.float32)
    return unit(table[ids].sum(0))


def unit(total: Array) -> Array:
    """A vector at length 1; zeros as they are."""
    scaled: Array = total / max(math.sqrt(total @ total), 1e-12)
    return scaled
