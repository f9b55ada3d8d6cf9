"""Arrays as a policy file holds them: type, shape and compressed bytes."""

from __future__ import annotations

import base64
import math
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    Array = np.ndarray[Any, Any]

_LARGEST = 2**26  # bytes an array of a policy file may have


def packed(array: Array) -> dict[str, Any]:
    """Plain JSON of an array."""
    data = base64.b64encode(zlib.compress(array.tobytes(), 6)).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def unpacked(raw: Mapping[str, Any], kinds: str) -> Array:
    """The array of one of several types, in words; ValueError, LookupError or zlib.error where it is damaged."""
    import numpy as np

    if raw["dtype"] not in kinds.split():
        raise ValueError(f"type {raw['dtype']!r}")
    kind, shape = np.dtype(raw["dtype"]), tuple(int(size) for size in raw["shape"])
    expected = kind.itemsize * math.prod(shape)
    if not 0 <= expected <= _LARGEST or min(shape, default=0) < 0:
        raise ValueError(f"shape {shape}")
    data = zlib.decompressobj().decompress(base64.b64decode(raw["data"], validate=True), expected + 1)
    if len(data) != expected:
        raise ValueError(f"{expected:,} bytes expected")
    return np.frombuffer(data, kind).reshape(shape)
