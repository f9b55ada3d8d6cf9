"""Roman numerals, as lists of web pages and of documents show them."""

from __future__ import annotations

_SIGNS = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)


def roman(number: int) -> str:
    """A positive number in small Roman numerals; its thousands are as many m."""
    text = ""
    for value, signs in _SIGNS:
        count, number = divmod(number, value)
        text += signs * count
    return text
