"""Keys of tokens hashed with a secret, so that a policy file tells its readers no word that it was fitted on.

Who has the secret finds the keys again by hashing all that there are; who has not cannot, however few they are. The
weights that belong to them are kept in the order of the hashes, which says nothing either.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
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


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
