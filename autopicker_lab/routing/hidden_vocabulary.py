"""Keys of tokens hashed with a secret, so that a policy file tells its readers no word that it was fitted on.

Who has the secret finds the keys again by hashing all that there are; who has not cannot, however few they are. The
weights that belong to them are kept in the order of the hashes, which says nothing either.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from autopicker_lab import embeddings
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.routing.packed_arrays import unpacked
from autopicker_lab.routing.token_keys import PAIRS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    Array = np.ndarray[Any, Any]

LEAST = 16  # characters of a secret
_BYTES = 8  # of a hash: of 300,000 keys, two share one with a chance of 2 in a billion
_PROBE = b"vocabulary"


def probe_of(secret: str) -> str:
    """Hexadecimal digits that tell whether a file was written with the same secret.

    Raises:
        InvalidRequestError: a short one, which could be guessed.
    """
    if len(secret) < LEAST:
        detail = f"the key of a hashed vocabulary needs {LEAST} characters or more"
        raise InvalidRequestError(detail, "set VOCABULARY_KEY to one, such as what `openssl rand -hex 32` prints")
    return hashlib.blake2b(_PROBE, key=_key(secret), digest_size=_BYTES).hexdigest()


def hashed(keys: Array, secret: str) -> Array:
    """Keyed hashes (BLAKE2, RFC 7693) of keys below 2**32, int64, shape (k,)."""
    import numpy as np

    key = hashlib.blake2b(key=_key(secret), digest_size=_BYTES)
    found = []
    for number in keys.astype("<u4").tolist():
        digest = key.copy()
        digest.update(number.to_bytes(4, "little"))
        found.append(digest.digest())
    return np.frombuffer(b"".join(found), "<i8")


def read_arrays(raw: Mapping[str, Any], kinds: Mapping[str, str], vocabulary_key: str) -> dict[str, Any]:
    """The arrays of a file; its keys found again where they are hashed."""
    import numpy as np

    if "vocabulary" not in raw:
        return {name: unpacked(raw["arrays"][name], kind) for name, kind in kinds.items()}
    if not vocabulary_key:
        raise InvalidRequestError(
            "the policy's vocabulary is hashed", "set VOCABULARY_KEY to the key it was hashed with"
        )
    if probe_of(vocabulary_key) != raw["vocabulary"]:
        detail = "the policy's vocabulary was hashed with another key"
        raise InvalidRequestError(detail, "set VOCABULARY_KEY to that one, or tune again")
    arrays = {name: unpacked(raw["arrays"][name], "int64" if name == "keys" else kind) for name, kind in kinds.items()}
    known = hashed(np.arange(len(embeddings.vectors()) + PAIRS), vocabulary_key)
    order = known.argsort()
    keys = order[known.searchsorted(arrays["keys"], sorter=order).clip(max=len(known) - 1)]
    if {len(arrays["idf"]), len(arrays["weights"])} != {len(keys)} or not np.array_equal(known[keys], arrays["keys"]):
        raise ValueError("keys are no hashes of tokens, each with its weights")
    ascending = keys.argsort()
    found = {"keys": keys[ascending].astype(np.int32)}
    return arrays | found | {name: arrays[name][ascending] for name in ("idf", "weights")}


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
