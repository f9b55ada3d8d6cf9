"""Whether text is written from right to left, as Hebrew and Arabic are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_MAX_TEXTS = 2000


def runs_leftwards(texts: Iterable[str]) -> bool:
    """Whether more of the texts are in letters written from right to left than in others; digits have no say."""
    leftwards = others = 0
    for text, _ in zip(texts, range(_MAX_TEXTS), strict=False):
        if text.isascii():
            others += any(map(str.isalpha, text))
        elif _RIGHT_TO_LEFT.search(text):
            leftwards += 1
        else:
            others += 1
    return leftwards > others
