"""Draws that anybody can repeat: a number that a name has for ever."""

from __future__ import annotations

import struct
from hashlib import sha256

_first = struct.Struct(">Q").unpack_from
_STEP = 2.0**-64


def number_of(name: str) -> float:
    """A number of 0 to 1, as if drawn evenly: 64 bits of the name's SHA-256."""
    return float(_first(sha256(name.encode()).digest())[0] * _STEP)
