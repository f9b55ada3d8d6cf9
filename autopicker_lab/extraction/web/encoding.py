"""The characters of a page: by its mark, by the header it came with, by what its head declares, else by detection."""

from __future__ import annotations

from autopicker_lab.extraction.decoding import Decoded, decode
from autopicker_lab.extraction.encoding_labels import known_encoding


def decode_page(data: bytes, charset: str = "") -> Decoded:
    """Decode a page; `charset` is what its header says, where it has one."""
    return decode(data, known_encoding(charset))
