"""The chains of sectors in an OLE container, which a reader must not follow for ever."""

from __future__ import annotations

import struct
from array import array
from itertools import takewhile
from operator import le

_LAST = 0xFFFFFFFA  # numbers from here on are marks, not sectors


def leads_astray(data: bytes) -> bool:
    """Whether a chain of sectors in a container comes back to itself, or its head counts more than the file holds.

    Takes time by the size of the file; see [MS-CFB], Compound File Binary File Format.
    """
    if len(data) < 512:
        return True
    (shift,) = struct.unpack_from("<H", data, 30)
    if shift not in (9, 12):
        return True
    size = 1 << shift
    directories, tables, _, _, _, small_start, small_tables, more, more_tables = struct.unpack_from("<9I", data, 40)
    if max(directories, tables, small_tables, more_tables) * size > len(data):
        return True
    listed = list(struct.unpack_from("<109I", data, 76))
    seen: set[int] = set()
    while more < _LAST and (more + 2) * size <= len(data):
        if more in seen:
            return True
        seen.add(more)
        *sectors, more = struct.unpack_from(f"<{size // 4}I", data, (more + 1) * size)
        listed += sectors
    listed = list(takewhile(lambda number: number < _LAST, listed))
    if len(listed) * size > len(data):
        return True
    chains = _numbers(data, listed, size)
    if _loops(chains):
        return True
    small: list[int] = []
    while small_start < len(chains):
        small.append(small_start)
        small_start = chains[small_start]
    return _loops(_numbers(data, small, size))


def _numbers(data: bytes, sectors: list[int], size: int) -> array[int]:
    """The numbers in sectors, of four bytes each."""
    numbers = array("I")
    for sector in sectors:
        piece = data[(sector + 1) * size : (sector + 2) * size]
        numbers.extend(struct.unpack(f"<{size // 4}I", piece.ljust(size, b"\xff")))
    return numbers


def _loops(chains: array[int]) -> bool:
    """Whether going on from some number to the next comes back; each number is looked at once."""
    if not any(map(le, chains, range(len(chains)))):
        return False  # all go forwards
    walks = array("I", bytes(4 * len(chains)))  # the walk that came by, from 1
    for start in range(len(chains)):
        at = start
        while at < len(chains) and not walks[at]:
            walks[at] = start + 1
            at = chains[at]
        if at < len(chains) and walks[at] == start + 1:
            return True
    return False
