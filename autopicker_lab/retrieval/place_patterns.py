"""Expressions that find the words for places beside their numbers, made of the words of all languages once."""

from __future__ import annotations

import re
from functools import lru_cache

from autopicker_lab.retrieval.ngrams import fold
from autopicker_lab.retrieval.word_table import (
    MARK,
    NUMBERED,
    STEM,
    UNSPACED,
    cells,
    columns,
    others,
    pattern_of,
    place_of,
)

ENDS = ("last", "next", "previous", "first", "penultimate")
_SEVERAL = "二三四五六七八九十两兩"
_SHORT_WORD = 2  # letters of a word that means much else: "no", "wa", "ke"
_NUMBER = r"(?:\d{1,7}(?:\.\d{1,3}){0,3}(?!\d)|(?<![^\W_])[ivxlc]{1,7}(?![\w])|[〇零一二三四五六七八九十百两兩]{1,5})"
_AT_ONCE = r"\s?(?:[番枚個个つ張张]目?の?|ページ目の?|번째|번)?\s?"
_TO = """- – — ~ 〜 to through thru until bis à au al a até hasta fino tot til till do až az ila până έως ως μέχρι до по
إلى الى حتى تا עד से 到 至 から まで 에서 부터 ถึง đến tới hingga sampai থেকে"""
_AND = ", & 、 and und et y e ed i en og och ja a ve és și και и та і و और এবং と 和 与 與 및 와 과 และ và dan na"
_BEGINNING = "from von vom de du des desde da dal dalla van fra från od ot от с з від od από من از dari từ kutoka จาก"
_LINK = r"(?P<link>[,&\-–—~〜、]|[^\W\d]{1,7})"
RANGES = frozenset(map(fold, _TO.split()))
BOTH = frozenset(map(fold, _AND.split()))
LESS = re.compile(rf"(?P<less>{_NUMBER})[.º°]?\s*{_LINK}\s*$")
_FROM = "|".join(map(re.escape, map(fold, _BEGINNING.split())))


@lru_cache(1)
def numbered_pattern() -> re.Pattern[str]:
    """A word for a place with a number after it, or one before it."""
    table = columns()
    ordinal = _ordinal()
    kinds = {kind: place_of(table[kind]) for kind in NUMBERED}
    after = "|".join(f"(?P<{kind}_a>{pattern})" for kind, pattern in kinds.items())
    before = "|".join(
        f"(?P<{kind}_b>{ordinal}{pattern}|{_AT_ONCE}{others()}{pattern_of(_without_spaces(table[kind]))})"
        for kind, pattern in kinds.items()
    )
    first = rf"(?:{after}){_filler()}(?P<after>{_NUMBER})(?!\d)"
    second = rf"(?<![\d.])(?P<before>{_NUMBER})(?:{before})"
    return re.compile(f"{first}|{second}")


def _filler() -> str:
    """What may stand between a word for a place and its number: "no.", "رقم", "thứ"."""
    words = "|".join(map(re.escape, columns("numbers.tsv")["number"]))
    begins = rf"(?:(?:{_FROM})\s+(?={_NUMBER}\s*(?:{'|'.join(map(re.escape, RANGES))})\s*{_NUMBER}))?"
    return rf"[\s.:#\-]*(?:(?:№|第|{words})[\s.:º°\-]*)?{begins}"


def _ordinal() -> str:
    """What may stand between a number and a place: a full stop, an ordinal's ending, a word for "number"."""
    endings = columns("numbers.tsv")["endings"]
    apart = [ending for ending in endings if ending > "\u0900"]
    at_once = "|".join(map(re.escape, endings))
    counted = "|".join(re.escape(word) for word in columns("numbers.tsv")["number"] if len(word) > _SHORT_WORD)
    return rf"(?:\.-?|[.\-:']?(?:{at_once})|\s(?:{'|'.join(map(re.escape, apart))})|\s(?:{counted})(?=\s))\s?"


def _without_spaces(words: list[str]) -> list[str]:
    return [word for word in words if UNSPACED.search(word)]


@lru_cache(8)
def named_pattern(kind: str) -> re.Pattern[str]:
    """A word for a place that a name may stand beside; not "part" and its like, which mean much else."""
    words = {fold(cell.split("|")[0]) for cell in cells()[kind]}
    kept = [word for word in words if len(word) >= (2 if UNSPACED.search(word) else STEM)]
    return re.compile(place_of(sorted(kept, key=len, reverse=True)))


@lru_cache(64)
def end_pattern(kind: str, which: str) -> re.Pattern[str]:
    """First, last, next and so on beside a word for a place, and of how many."""
    table = columns()
    word, place = pattern_of(table[which], r"\w{0,5}"), place_of(table[kind])
    many = rf"(?:(?P<many>\d{{1,2}}|[{_SEVERAL}]{{1,2}}|[^\W\d_]{{1,12}})\s?)?"
    front = rf"前(?P<front>[{_SEVERAL}]{{1,2}}|\d{{1,2}})\s?[张張个個]?" if which == "first" else "(?!)(?P<front>)"
    at_once = others() + pattern_of(_without_spaces(table[kind]))
    before = rf"(?P<word>{word})[\s一の]?{many}(?P<place>{place})"
    return re.compile(rf"{before}|(?P<place_>{place})\s?(?P<word_>{word})|{front}{at_once}")


@lru_cache(8)
def further_pattern(kind: str) -> re.Pattern[str]:
    """A further number after one of a place, with the word for the place once more or without it."""
    place = place_of(columns()[kind])
    return re.compile(rf"\s*{_LINK}\s*(?P<place>{place}{_filler()})?(?P<more>{_NUMBER})(?![^\W_])")


@lru_cache(8)
def word_pattern(which: str) -> re.Pattern[str]:
    """A word of one of ENDS, wherever it stands."""
    before = "|前" if which == "first" else ""
    return re.compile(pattern_of(columns()[which], r"\w{0,5}") + before)


@lru_cache(1)
def first_and() -> re.Pattern[str]:
    """First, before the word for last: "the first and the last page"."""
    return re.compile(rf"{pattern_of(columns()['first'], MARK + '{0,5}')}\W+(?:\w{{1,4}}\W+){{1,2}}$")
