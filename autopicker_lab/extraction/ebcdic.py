"""Text of mainframes (EBCDIC), told by its blanks, letters and digits, which only there are what they are."""

from __future__ import annotations

from autopicker_lab.extraction.coherence import coherence

_LOOKED_AT = 4096  # bytes
_BLANK, _BLANK_OF_ASCII = 0x40, 0x20
_ROWS = ((0x81, 0x8A), (0x91, 0x9A), (0xA2, 0xAA), (0xC1, 0xCA), (0xD1, 0xDA), (0xE2, 0xEA), (0xF0, 0xFA))
_LETTERS_AND_DIGITS = bytes(byte for first, end in _ROWS for byte in range(first, end))
_TEXT = bytes(sorted({*_LETTERS_AND_DIGITS, _BLANK, *b"\x0d\x15\x25\x05\x4b\x6b\x60\x61\x7a\x5c\x7d\x7f\x4d\x5d\x50"}))
_CODE_PAGES = ("cp037", "cp500", "cp273", "cp1140", "cp1026")
_TEXT_SHARE, _BLANK_SHARE = 0.78, 0.02


def ebcdic_encoding(data: bytes) -> str | None:
    """The code page of text of a mainframe; None for what is not such a text.

    Which one it is only what its words become tells: they differ in letters beyond English, and in signs.
    """
    head = data[:_LOOKED_AT]
    blanks = head.count(_BLANK)
    if not head or blanks <= 3 * head.count(_BLANK_OF_ASCII) or blanks < _BLANK_SHARE * len(head):
        return None
    if len(head.translate(None, _TEXT)) > (1 - _TEXT_SHARE) * len(head):
        return None
    if 2 * len(head.translate(None, _LETTERS_AND_DIGITS)) > len(head):
        return None
    texts = {page: head.decode(page) for page in _CODE_PAGES}
    return max(_CODE_PAGES, key=lambda page: _fitness(texts[page]))


def _fitness(text: str) -> float:
    odd = sum(c == "\xa4" or not (c.isprintable() or c in "\n\r\t\x85") for c in text)
    words = text.split()
    whole = sum(word.strip(".,:;!?'\"()-/*&+").isalnum() for word in words) / max(len(words), 1)
    return coherence(text.replace("\x85", "\n")).score + whole - odd / max(len(text), 1)
