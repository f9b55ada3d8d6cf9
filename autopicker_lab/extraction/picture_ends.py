"""Whether a picture's bytes reach the end that its format marks: of whole frames that miss, decoders say nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.extraction.picture_chunks import PNG, is_webp, png_chunks, webp_end

if TYPE_CHECKING:
    from collections.abc import Callable

_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # of a JPEG, but for those that stand between its pixels
_END_OF_IMAGE, _START_OF_IMAGE = 0xD9, 0xD8
_BLOCK = re.compile(rb"[\x21\x2c\x3b]")  # of a GIF: an extension, an image, its trailer
_EXTENSION, _TRAILER = 0x21, 0x3B
_HAS_COLOURS = 0x80


def ends_early(data: bytes) -> bool:
    """Whether a GIF, PNG, JPEG or WEBP ends before its end mark, or before the size that it says."""
    for head, is_cut in _BY_HEAD.items():
        if data.startswith(head):
            return is_cut(data)
    return is_webp(data) and webp_end(data) > len(data)


def _is_cut_png(data: bytes) -> bool:
    """No end mark, or an animation with fewer frames than it counts."""
    counted = shown = 0
    for chunk in png_chunks(data):
        counted = int.from_bytes(chunk.body[:4], "big") if chunk.kind == b"acTL" else counted
        shown += chunk.kind == b"fcTL"
        if chunk.kind == b"IEND":
            return chunk.end > len(data) or shown < counted
    return True


def _is_cut_jpeg(data: bytes) -> bool:
    """No end mark behind the pixels; one within EXIF is its small picture's."""
    at = 0
    while found := _MARKER.search(data, at):
        at = found.end()
        marker = data[at - 1]
        if marker == _END_OF_IMAGE:
            return False
        if marker != _START_OF_IMAGE:
            at += max(int.from_bytes(data[at : at + 2], "big"), 2)
    return True


def _is_cut_gif(data: bytes) -> bool:
    """No trailer behind its blocks."""
    at = 13 + _colours(data, 10)
    while found := _BLOCK.search(data, at):  # decoders pass over what is none
        at = found.start()
        if data[at] == _TRAILER:
            return False
        at = _behind_blocks(data, at + (2 if data[at] == _EXTENSION else 11 + _colours(data, at + 9)))
    return True


def _colours(data: bytes, at: int) -> int:
    """Bytes of the colours that a GIF's flags at a place announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags % 8 + 1) if flags & _HAS_COLOURS else 0


def _behind_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1


_BY_HEAD: dict[bytes, Callable[[bytes], bool]] = {
    PNG: _is_cut_png,
    b"\xff\xd8": _is_cut_jpeg,
    b"GIF8": _is_cut_gif,
}
