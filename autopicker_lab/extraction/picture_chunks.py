"""The chunks that PNG and WEBP files are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
_RIFF_HEAD = 12


class Chunk(NamedTuple):
    """A chunk of a file: its kind and its content, and where it begins and ends, which may lie behind the file's end.

    `end` counts the checksum of a PNG's chunk and the byte that fills a WEBP's up.
    """

    kind: bytes
    body: bytes
    start: int
    end: int


def is_webp(data: bytes) -> bool:
    """Whether bytes begin as a WEBP does."""
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def png_chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks of a PNG whose heads are there."""
    at = len(PNG)
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield Chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length], at, at + 12 + length)
        at += 12 + length


def webp_chunks(data: bytes) -> Iterator[Chunk]:
    """The outermost chunks of a WEBP whose heads are there."""
    at = _RIFF_HEAD
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        yield Chunk(data[at : at + 4], data[at + 8 : at + 8 + length], at, end)
        at = end


def webp_end(data: bytes) -> int:
    """Where a WEBP says that it ends."""
    return int.from_bytes(data[4:8], "little") + 8
