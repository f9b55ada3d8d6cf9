"""Whether the bytes of a picture hold its pixels and nothing else: no metadata, no second picture, nothing behind."""

from __future__ import annotations

from autopicker_lab.extraction.picture_chunks import png_chunks, webp_chunks, webp_end

_PNG_CHUNKS = frozenset(b"IHDR PLTE IDAT IEND tRNS sRGB gAMA cHRM sBIT bKGD pHYs".split())
_WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"VP8X"})
_WEBP_MORE = 0b00101110  # flags of VP8X: colours, EXIF, XMP, animation
_JFIF_LENGTH = 16  # without a thumbnail


def holds_pixels_alone(data: bytes, kind: str) -> bool:
    """Whether a JPEG, PNG or WEBP file is whole and has nothing but pixels in it, and what it takes to show them."""
    try:
        return {"jpg": _is_plain_jpeg, "png": _is_plain_png, "webp": _is_plain_webp}[kind](data)
    except (IndexError, KeyError):
        return False


def _is_plain_jpeg(data: bytes) -> bool:
    """By the segments before its pixels, of which JFIF's and Adobe's say how to show them; nothing may come behind."""
    at = 2
    while data[at] == 0xFF and (marker := data[at + 1]) != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        is_head = marker == 0xEE or (marker == 0xE0 and length == _JFIF_LENGTH and data[at + 4 : at + 8] == b"JFIF")
        if marker == 0xFE or (0xE0 <= marker <= 0xEF and not is_head):
            return False
        at += 2 + length
    return data[at] == 0xFF and data.find(b"\xff\xd9", at) == len(data) - 2


def _is_plain_png(data: bytes) -> bool:
    chunks = list(png_chunks(data))
    kinds = [chunk.kind for chunk in chunks]
    ends = bool(kinds) and kinds[-1] == b"IEND" and chunks[-1].end == len(data)
    return ends and _PNG_CHUNKS.issuperset(kinds) and data[24] <= 8


def _is_plain_webp(data: bytes) -> bool:
    chunks = list(webp_chunks(data))
    if webp_end(data) != len(data) or chunks[-1].end != len(data):
        return False
    flags = data[20] if chunks[0].kind == b"VP8X" else 0
    return _WEBP_CHUNKS.issuperset(chunk.kind for chunk in chunks) and not flags & _WEBP_MORE
