"""Memory that is not used any more, given back to the system."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress


def release_memory(collect: bool = True) -> None:
    """Give back what was freed; glibc would keep it.

    Args:
        collect: look for what only cycles hold first, which takes longer.
    """
    if collect:
        gc.collect()
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
