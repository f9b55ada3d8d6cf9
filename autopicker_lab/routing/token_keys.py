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
_TEN_WORDS = 14  # tokens: about so many
LONG = 2 * _TEN_WORDS  # tokens from which on a text has ends


def inner_parts(tokens: int, long: int = LONG, both: bool = False) -> list[slice]:
    """Which of so many tokens are left without the last ten words or so; a short text is all question.

    Args:
        both: then, too, without the first ten, and without both, or without the last ones where too little is left.
    """
    if tokens < long:
        return []
    early, late = slice(0, tokens - _TEN_WORDS), slice(_TEN_WORDS, tokens)
    if not both:
        return [early]
    return [early, late, slice(_TEN_WORDS, tokens - _TEN_WORDS) if tokens >= long + _TEN_WORDS else early]


def keys_of(ids: Array, long: int = LONG, both: bool = False) -> tuple[Array, Array]:
    """Sorted keys of tokens and of pairs of neighbours, shape (k,), and how often each occurs, shape (1 + parts, k).

    First in all of a text, then in each of its `inner_parts`.
    """
    import numpy as np

    vocabulary = len(embeddings.vectors())
    pairs = vocabulary + (ids[:-1] * _MIX + ids[1:]) % PAIRS
    keys = np.concatenate([ids, pairs])
    keys.sort()  # np.unique, but faster on a short text
    first = np.empty(len(keys) + 1, bool)
    first[:1] = first[-1] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:-1])
    starts = first.nonzero()[0]
    counts, known = starts[1:] - starts[:-1], keys[starts[:-1]]
    if len(ids) < long:
        return known, counts[None]
    # what stands at an end is little: to take it away is faster than to count the rest
    early = counts - _at_end(known, ids[-_TEN_WORDS:], pairs[-_TEN_WORDS:])
    if not both:
        return known, np.stack([counts, early])
    begin = _at_end(known, ids[:_TEN_WORDS], pairs[:_TEN_WORDS])
    middle = early - begin if len(ids) >= long + _TEN_WORDS else early
    return known, np.stack([counts, early, counts - begin, middle])


def _at_end(known: Array, ids: Array, pairs: Array) -> Array:
    """How often each key occurs at an end, whose last pair reaches over it, shape (k,)."""
    import numpy as np

    found: Array = np.bincount(known.searchsorted(np.concatenate([ids, pairs])), minlength=len(known))
    return found


class Tokens(NamedTuple):
    """Token ids of a text; keys of these and of their pairs, and how often each occurs (see `keys_of`).

    Attributes:
        different: tokens; so many of the keys come before those of pairs.
    """

    ids: Array
    keys: Array
    counts: Array
    different: int


@lru_cache(16)  # whether a text is familiar is asked apart from its estimate
def tokens_of(excerpt: str, long: int = LONG, both: bool = False) -> Tokens:
    """The tokens of what was read of a text."""
    ids = embeddings.token_ids(excerpt)
    keys, counts = keys_of(ids, long, both)
    return Tokens(ids, keys, counts, int(keys.searchsorted(len(embeddings.vectors()))))


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
