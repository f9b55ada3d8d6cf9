"""The words of `conditions.tsv`: comparisons, exceptions, groups and months, a line for each language."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from autopicker_lab.retrieval.ngrams import fold
from autopicker_lab.retrieval.place_patterns import BOTH, RANGES
from autopicker_lab.retrieval.word_table import cells, columns

if TYPE_CHECKING:
    from collections.abc import Iterable

_TABLE = "conditions.tsv"
_POINT = frozenset({"en", "zh", "ja", "ko", "hi", "he", "ar", "fa"})
_SMALL = frozenset({"in", "on", "at", "of", "is", "it", "the", "for", "out", "all", "are", "was", "can", "any", "how"})


def folded_column(name: str) -> list[str]:
    """The words of a column in all languages, folded, the longest first."""
    return columns(_TABLE)[name]


@lru_cache(1)
def _with_a_point() -> frozenset[str]:
    """The words for comparisons of languages that write 1.5 with a point."""
    table = cells(_TABLE)
    return frozenset(
        fold(word)
        for i, language in enumerate(table["language"])
        if language in _POINT
        for name in ("greater", "at_least", "less", "at_most", "between")
        for word in table[name][i].split("|")
    )


def has_comma(word: str) -> bool:
    """Whether a word for a comparison is of languages alone that write 1,5, and 1.500 for a thousand and a half."""
    return word[:1].isalpha() and word < "\u0590" and word not in _with_a_point()


@lru_cache(1)
def common_words() -> frozenset[str]:
    """Words of conditions, and others that questions have without naming a column or a value by them."""
    words = {word for name in cells(_TABLE) if name not in ("language", "months") for word in folded_column(name)}
    return frozenset(words | RANGES | BOTH | set(months()) | _SMALL)


def ends_with(text: str, words: Iterable[str]) -> str:
    """Which of some words a text ends with; "" for none."""
    for word in words:
        if text.endswith(word) and (not word[0].isascii() or not text[: -len(word)][-1:].isalnum()):
            return word
    return ""


def is_negated(text: str, end: int) -> bool:
    """Whether a folded text says "not" right before a character."""
    return bool(ends_with(text[:end].rstrip(), folded_column("not")))


@lru_cache(1)
def months() -> dict[str, int]:
    """The number of each month's name, folded, or of its beginning; what is two months in two languages is left out."""
    found: dict[str, set[int]] = {}
    for cell in cells(_TABLE)["months"]:
        if cell != "-":
            for number, names in enumerate(cell.split(), 1):
                for name in names.split("|"):
                    found.setdefault(fold(name), set()).add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}
