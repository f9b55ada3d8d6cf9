"""Small linear-time measures of text that several layers share."""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache

CHARS_PER_TOKEN = 4.0


def ends(text: str, each: int) -> str:
    """The beginning and the end of a text, `each` characters long; a shorter text as it is."""
    return text if len(text) <= 2 * each else f"{text[:each]}\n{text[-each:]}"


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def clip(text: str, limit: int) -> str:
    """`text` on one line, at most `limit` characters long, an ellipsis where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def dollars(usd: float) -> str:
    """An amount in USD, in as many digits as say something: 1.25 USD, 0.00042 USD."""
    if usd == 0:
        return "0 USD"
    digits = 2 if abs(usd) >= 0.01 else 1 - math.floor(math.log10(abs(usd)))
    return f"{usd:,.{min(digits, 12)}f} USD"


@lru_cache(8_192)
def script_in_name(letter: str) -> str:
    """The script of a letter, by the first word of its name in Unicode ("LATIN", "CJK"); "" where it has no name."""
    return unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]
