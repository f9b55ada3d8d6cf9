"""Numbers that stand in words beside the word for a place: "page seven", "auf der siebten Seite", "الصفحة السابعة".

The words stand in `numbers.tsv`, a line for each language: what is said for "number", what follows an ordinal's digits,
the cardinals from one on, and the beginnings of the ordinals; "-" where a word means something else as often. They
count only beside a word for a place in the same language, which `words.tsv` has: "side to" is no page in English.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from autopicker_lab.retrieval.ngrams import fold
from autopicker_lab.retrieval.word_table import MARK, NUMBERED, STEM, cells, is_other

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WORD = re.compile(rf"{MARK}+(?:['’ʼ]{MARK}+)*")
_BESIDE = re.compile(r"[\s.:#\-]{1,3}")  # between a place and its number
_APART = re.compile(r"[\s,、\-–—]{1,3}")  # between numbers of several places
_PREFIXED = re.compile(r"(?<!\w)(?:ika|მე)-?(\d+)")
_ENDING = 6  # letters of an ending
_ORDINAL_STEM = 2
_THAI = re.compile("[\u0e00-\u0e7f]")
_LINK = 4  # letters of an "and" or a "to"
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_COUNTED = "번째"  # without it, what stands before is how many
_ARTICLES = frozenset({"the"})
_HYPHENED = frozenset({"kk", "uz", "az", "tt", "ba", "tk"})  # 7-бет is page 7
_BARE = {"lt": "je"}  # 7 puslapyje is on page 7; 7 puslapiai are seven pages


@dataclass
class _Language:
    name: str
    number: frozenset[str] = frozenset()
    cardinals: dict[str, int] = field(default_factory=dict)
    ordinals: dict[str, int] = field(default_factory=dict)

    def cardinal(self, word: str) -> int | None:
        return self.cardinals.get(word)

    def ordinal(self, word: str) -> int | None:
        if word in self.cardinals or is_other(word):
            return None
        return next((n for stem in _beginnings(word, _ORDINAL_STEM) if (n := self.ordinals.get(stem))), None)


def with_digits(text: str) -> str:
    """A folded text whose numbers in words beside the word for a place are digits: "page 7", "auf der 7. seite"."""
    text = _PREFIXED.sub(r"\1.", text)
    if _THAI.search(text):
        text = _without_spaces("th").sub(_as_digit, text)
    tokens = list(_WORD.finditer(text))
    words = [token[0].replace("’", "'").replace("ʼ", "'") for token in tokens]
    gaps = [text[one.end() : other.start()] for one, other in pairwise(tokens)]
    digits: dict[int, str] = {}
    for i, word in enumerate(words):
        for language in _languages_at(word):
            digits.update(_after(i, words, gaps, language))
            digits.update(_before(i, words, gaps, language))
    if not digits:
        return text
    pieces, reached = [], 0
    for i in sorted(digits):
        pieces += [text[reached : tokens[i].start()], digits[i]]
        reached = tokens[i].end()
    return "".join((*pieces, text[reached:]))


def count_of(word: str) -> int | None:
    """How many a folded word says, in digits or as a cardinal of any language; None where it is none."""
    if word.isdecimal():
        return int(word)
    return next((n for language in _languages().values() if (n := language.cardinal(word))), None)


def _after(place: int, words: Sequence[str], gaps: Sequence[str], language: _Language) -> Iterator[tuple[int, str]]:
    i = place + 1
    while i < len(words) and i <= place + 2 and (words[i] in language.number or words[i] in _ARTICLES):
        i += 1
    if i >= len(words) or not all(_BESIDE.fullmatch(gap) for gap in gaps[place:i]):
        return
    if (language.cardinal(words[i]) or language.ordinal(words[i])) and words[i - 1] in _ARTICLES:
        yield i - 1, ""
    while i < len(words) and (value := language.cardinal(words[i]) or language.ordinal(words[i])):
        if words[i] in _TENS and i + 1 < len(words) and (unit := language.cardinal(words[i + 1])) and unit < 10:
            yield i, ""
            i, value = i + 1, _TENS[words[i]] + unit
        yield i, str(value)
        linked = i + 2 < len(words) and len(words[i + 1]) <= _LINK and not language.cardinal(words[i + 1])
        i += 2 if linked and gaps[i].isspace() else 1
        if i >= len(words) or not _APART.fullmatch(gaps[i - 1]):
            return


def _before(place: int, words: Sequence[str], gaps: Sequence[str], language: _Language) -> Iterator[tuple[int, str]]:
    i = place - 1
    if i < 0:
        return
    if words[i].isdecimal():
        hyphened = language.name in _HYPHENED and gaps[i] == "-"
        if hyphened or (gaps[i].isspace() and words[place].endswith(_BARE.get(language.name, "\n"))):
            yield i, f"{words[i]}."
        return
    if not gaps[i].isspace():
        return
    if words[i] == _COUNTED and i and (value := language.ordinals.get(words[i - 1])):
        yield i - 1, ""
        yield i, f"{value}."
    elif (language.name != "ko" or words[i].endswith(_COUNTED)) and (value := language.ordinal(words[i])):
        yield i, f"{value}."
        if i > 1 and len(words[i - 1]) <= _LINK and (value := language.ordinal(words[i - 2])):
            yield i - 2, f"{value}."


@lru_cache(4)
def _without_spaces(name: str) -> re.Pattern[str]:
    """A word for a place with a number in words after it, in a script without spaces."""
    language = _languages()[name]
    places, numbers, cardinals = (
        "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
        for words in (
            [word for word, languages in _places().items() if language in languages],
            language.number,
            language.cardinals,
        )
    )
    return re.compile(rf"(?P<place>{places})\s?(?:{numbers})?\s?(?P<number>{cardinals})")


def _as_digit(match: re.Match[str]) -> str:
    return f"{match['place']} {_languages()['th'].cardinals[match['number']]} "


def _beginnings(word: str, least: int) -> Iterator[str]:
    for length in range(len(word), max(least, len(word) - _ENDING) - 1, -1):
        yield word[:length]


def _languages_at(word: str) -> list[_Language]:
    """The languages in which a word is one for a place."""
    places = {} if is_other(word) else _places()
    found = [*places.get(word, ())]
    for stem in _beginnings(word, STEM):
        found += [language for language in places.get(stem, ()) if language not in found]
    return found


@lru_cache(1)
def _languages() -> dict[str, _Language]:
    table = cells("numbers.tsv")
    found = {}
    for name, number, cardinals, ordinals in zip(
        *(table[column] for column in ("language", "number", "cardinals", "ordinals")), strict=True
    ):
        found[name] = _Language(name, frozenset(map(fold, number.split("|"))), _counted(cardinals), _counted(ordinals))
    found["en"].cardinals.update(_TENS)
    return found


def _counted(cell: str) -> dict[str, int]:
    return {
        fold(word): n for n, words in enumerate(cell.split(), 1) for word in words.split("|") if word not in ("", "-")
    }


@lru_cache(1)
def _places() -> dict[str, list[_Language]]:
    """The languages of each word for a place that may be numbered."""
    table = cells()
    found: dict[str, list[_Language]] = {}
    for i, name in enumerate(table["language"]):
        language = _languages().get(name) or _Language(name)
        for word in {fold(word) for kind in NUMBERED for word in table[kind][i].split("|")}:
            found.setdefault(word.rstrip("."), []).append(language)
    return found
