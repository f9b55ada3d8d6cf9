"""Bytes of damaged pictures such that a decoder takes what is sound of them: PNG, and WEBP that was cut off."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.extraction.picture_chunks import PNG, is_webp, png_chunks, webp_chunks, webp_end

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIXELS = frozenset(b"IHDR PLTE IDAT IEND tRNS acTL fcTL fdAT".split())
_KEPT_IF_SOUND = frozenset({b"eXIf"})  # which says how it is to be turned
_HEAD = frozenset(b"IHDR PLTE tRNS acTL fcTL".split())  # of which a wrong checksum alone would refuse the picture


class Repaired(NamedTuple):
    """The bytes of a picture, mended; `is_whole`: nothing but what stands beside its pixels was lost."""

    data: bytes
    is_whole: bool


def repaired(data: bytes) -> Repaired:
    """A PNG without its side chunks, a WEBP filled up to its end, and other pictures as they are."""
    if data.startswith(PNG):
        return Repaired(b"".join((PNG, *_sound_chunks(data))), True)
    if is_webp(data):
        return Repaired(_filled_up(data), False)
    return Repaired(data, False)


def _sound_chunks(data: bytes) -> Iterator[bytes]:
    """The chunks that make the pixels, with right checksums where they are short; what is cut off stays so."""
    for chunk in png_chunks(data):
        whole = data[chunk.start : chunk.end]
        checksum = zlib.crc32(chunk.kind + chunk.body).to_bytes(4, "big")
        if chunk.kind in _HEAD and chunk.end <= len(data):
            yield whole[:-4] + checksum
        elif chunk.kind in _PIXELS or (chunk.kind in _KEPT_IF_SOUND and whole.endswith(checksum)):
            yield whole


def _filled_up(data: bytes) -> bytes:
    """A WEBP with zeros up to where it should end; of an animation the frames that are whole."""
    missing = webp_end(data) - len(data)
    if missing <= 0:
        return data
    whole = _whole_frames(data)
    if whole is None:
        return data + bytes(min(missing, 4 * len(data)))
    return b"RIFF" + (len(whole) + 4).to_bytes(4, "little") + b"WEBP" + whole


def _whole_frames(data: bytes) -> bytes | None:
    """The chunks of an animation before the one that is cut off; None where that is its first frame, or only one."""
    whole = [chunk for chunk in webp_chunks(data) if chunk.end <= len(data)]
    if not any(chunk.kind == b"ANMF" for chunk in whole):
        return None
    return data[whole[0].start : whole[-1].end]
