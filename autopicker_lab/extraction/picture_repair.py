"""Bytes of damaged pictures such that a decoder takes what is sound of them: PNG, and WEBP that was cut off."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PIXELS = frozenset(b"IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT".split())
_KEPT_IF_SOUND = frozenset({b"eXIf"})  # which says how it is to be turned
_HEAD = frozenset(b"IHDR PLTE tRNS acTL fcTL".split())  # of which a wrong checksum alone would refuse the picture
_RIFF_HEAD = 12


class Repaired(NamedTuple):
    """The bytes of a picture, mended; `is_whole`: nothing but what stands beside its pixels was lost."""

    data: bytes
    is_whole: bool


def repaired(data: bytes) -> Repaired:
    """A PNG without its side chunks, a WEBP filled up to its end, and other pictures as they are."""
    if data.startswith(_PNG):
        return Repaired(b"".join((_PNG, *_png_chunks(data))), True)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Repaired(_filled_up(data), False)
    return Repaired(data, False)


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """The chunks that make the pixels, with right checksums where they are short; what is cut off stays so."""
    at = len(_PNG)
    while at + 8 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        body, checksum = data[at + 4 : end - 4], data[end - 4 : end]
        if kind in _HEAD and end <= len(data):
            yield data[at : end - 4] + zlib.crc32(body).to_bytes(4, "big")
        elif kind in _PIXELS or (kind in _KEPT_IF_SOUND and zlib.crc32(body).to_bytes(4, "big") == checksum):
            yield data[at:end]
        at = end


def _filled_up(data: bytes) -> bytes:
    """A WEBP with zeros up to where it should end; of an animation the frames that are whole."""
    missing = int.from_bytes(data[4:8], "little") + 8 - len(data)
    if missing <= 0:
        return data
    whole = _whole_frames(data)
    if whole is None:
        return data + bytes(min(missing, 4 * len(data)))
    return b"RIFF" + (len(whole) + 4).to_bytes(4, "little") + b"WEBP" + whole


def _whole_frames(data: bytes) -> bytes | None:
    """The chunks of an animation before the one that is cut off; None where that is its first frame, or only one."""
    at, frames = _RIFF_HEAD, 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        if end > len(data):
            break
        frames += data[at : at + 4] == b"ANMF"
        at = end
    return data[_RIFF_HEAD:at] if frames else None
