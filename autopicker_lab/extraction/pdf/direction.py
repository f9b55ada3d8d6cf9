"""Whether text is written from right to left, as Hebrew and Arabic are."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_MAX_TEXTS = 2000


def runs_leftwards(texts: Iterable[str]) -> bool:
    """Whether more of the texts are in letters written from right to left than in others; digits have no say."""
    some = list(islice(texts, _MAX_TEXTS))
    if not _RIGHT_TO_LEFT.search("".join(some)):
        return False
    leftwards = others = 0
    for text in some:
        if text.isascii():
            others += any(map(str.isalpha, text))
        elif _RIGHT_TO_LEFT.search(text):
            leftwards += 1
        else:
            others += 1
    return leftwards > others
