"""Ids of requests and answers, made without asking the system for randomness each time."""

from __future__ import annotations

import os
import random

_random = random.Random()
os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """128 random bits as 32 hexadecimal digits; unique, not secret."""
    return f"{_random.getrandbits(128):032x}"
