"""Draws that anybody can repeat: a number that a name has for ever."""

from __future__ import annotations

import hashlib


def number_of(name: str) -> float:
    """A number of 0 to 1, as if drawn evenly: 64 bits of the name's SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
