"""The places that a question names by number or by what they are called: "page 7", "第三章", "the last two sheets"."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autopicker_lab.retrieval.ngrams import fold
from autopicker_lab.retrieval.numerals import count_of, with_digits
from autopicker_lab.retrieval.place_patterns import (
    BOTH,
    ENDS,
    LESS,
    RANGES,
    end_pattern,
    first_and,
    further_pattern,
    named_pattern,
    numbered_pattern,
    word_pattern,
)
from autopicker_lab.retrieval.word_table import NUMBERED, languages_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NAMED = ("sheet", "section", "chapter")
_MOST_NUMBERS = 50  # of a range
_SHORT_QUESTION = 6  # words of one that need not name what it asks for
_ONE = 4  # letters that may stand after "the next" where no word for a place does: "one"
_NEAR = 24  # characters before a number in which another may stand
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_HAN = {d: i for i, d in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2, "兩": 2}
_LAST_WORD = re.compile(r"(\w+)\s$")


@dataclass(frozen=True)
class NamedPlace:
    """A place that a question names.

    Attributes:
        kind: one of page, sheet, slide, section, chapter, figure, table, line, row.
        number: as it is numbered: "7", "3.2"; "-2", counted from the end; "first", "last", "next" or "previous"; "" for
            one that is named in words.
    """

    kind: str
    number: str = ""

    def among(self, least: int, most: int) -> int | None:
        """Which of those from `least` to `most` it is; None where it has no number."""
        if self.number.isdecimal():
            return int(self.number)
        if self.number.startswith("-"):
            return most + 1 + int(self.number)
        return {"first": least, "last": most}.get(self.number)


def places_in(text: str) -> list[NamedPlace]:
    """The places that a folded text names, those by number first."""
    digits = with_digits(text)
    found = _numbered(digits)
    said = [which for which in ENDS if word_pattern(which).search(digits)]
    for kind in NUMBERED if said else ():
        which = _at_an_end(kind, digits, said)
        first = NamedPlace(kind, "1")
        if which and first in found and which[0].number != "first":  # 最后一页 is "the last page"
            found.remove(first)
        elif first in found:
            which = []
        found += [place for place in which if place not in found]
    named = {place.kind for place in found}
    found += [NamedPlace(kind) for kind in _NAMED if kind not in named and named_pattern(kind).search(text)]
    return found


def relative(text: str) -> str:
    """What a folded text asks for of places it need not name: "next", "previous"; "" for neither."""
    if len(text.split()) > _SHORT_QUESTION:
        return ""
    for which in ("next", "previous"):
        if (match := word_pattern(which).search(text)) and len(re.sub(r"\W", "", text[match.end() :])) <= _ONE:
            return which
    return ""


def beside(place: NamedPlace, number: str) -> NamedPlace:
    """The place that is next to one with a number, or previous to it."""
    outer, dot, last = number.rpartition(".")
    return NamedPlace(place.kind, f"{outer}{dot}{int(last) + (1 if place.number == 'next' else -1)}")


def _at_an_end(kind: str, text: str, said: Sequence[str]) -> list[NamedPlace]:
    """Those of first, last, next, previous that are `said`; of first and last as many: "the last two pages"."""
    if "penultimate" in said and next(_beside(kind, "penultimate", text), None):
        return [NamedPlace(kind, "-2")]
    found: list[NamedPlace] = []
    for which in said:
        if which in ("first", "penultimate"):
            continue
        start, count = _counted(kind, which, text)
        if count > 1 and which == "last":
            found += [NamedPlace(kind, str(-n)) for n in range(count, 0, -1)]
        elif count:
            found.append(NamedPlace(kind, which))
        if count and which == "last" and first_and().search(text[:start]):
            found.insert(0, NamedPlace(kind, "first"))
    if not found and "first" in said:
        _, count = _counted(kind, "first", text)
        found = [NamedPlace(kind, str(n)) for n in range(1, count + 1)] if count > 1 else []
        found = found or [NamedPlace(kind, "first")] * count
    return found


def _counted(kind: str, which: str, text: str) -> tuple[int, int]:
    """Where first, last and so on stand beside a word for a place, and of how many; 0 where they do not."""
    for match in _beside(kind, which, text):
        many = match["many"] or match["front"]
        if many and which in ("next", "previous"):
            continue
        if many:
            count = int(number_of(many) or 0) if many[0].isdigit() or many[0] in _HAN else count_of(many) or 0
        else:
            count = _said_before(text, match.start())  # les trois premières pages
        if 0 < count <= _MOST_NUMBERS:
            return match.start(), count
    return 0, 0


def _beside(kind: str, which: str, text: str) -> Iterator[re.Match[str]]:
    """Where first, last and so on stand beside a word for a place, both of one language: "last list" is no sheet."""
    at = 0
    while match := end_pattern(kind, which).search(text, at):
        word, place = match["word"] or match["word_"], match["place"] or match["place_"]
        is_one = not place or bool(languages_of(which, word) & languages_of(kind, place))
        at = match.end() if is_one else match.start() + 1
        if is_one:
            yield match


def _said_before(text: str, start: int) -> int:
    """How many the word before a character says; 1 where it says none, or numbers another place."""
    if (word := _LAST_WORD.search(text[:start])) is None or not (count := count_of(word[1])):
        return 1
    return 1 if any(match.end("after") == word.end(1) for match in numbered_pattern().finditer(text)) else count


def _numbered(text: str) -> list[NamedPlace]:
    found: list[NamedPlace] = []
    reached = 0
    for match in numbered_pattern().finditer(text):
        if match.start() < reached:
            continue
        kind = next(name for name in NUMBERED if match[f"{name}_a"] or match[f"{name}_b"])
        numbers = [number_of(match["after"] or match["before"])]
        reached = match.end()
        if match["after"]:
            while more := further_pattern(kind).match(text, reached):
                if more["place"] and more["link"] not in RANGES:
                    break
                numbers += _joined(numbers[-1], more["link"], number_of(more["more"]))
                reached = more.end()
        elif (less := LESS.search(text, max(0, match.start() - _NEAR), match.start())) and (
            less["link"] in RANGES or less["link"] in BOTH
        ):
            first = number_of(less["less"])
            numbers = [first, *_joined(first, less["link"], numbers[0])]
        found += [NamedPlace(kind, number) for number in numbers if number]
    return found


def _joined(last: str | None, link: str, number: str | None) -> list[str | None]:
    """The numbers that a further one adds: those of a range, or itself."""
    if link in RANGES and last and number and last.isdecimal() and number.isdecimal():
        first, stop = int(last) + 1, int(number)
        if first <= stop < first + _MOST_NUMBERS:
            return [str(n) for n in range(first, stop + 1)]
    return [number]


def is_caption(text: str, kind: str, number: str) -> bool:
    """Whether a text tells of the figure or table of this number."""
    return NamedPlace(kind, number) in _numbered(" ".join(fold(text).split()))


def number_of(text: str) -> str | None:
    """A number as digits: of any script, Roman, Chinese; None where it is none."""
    text = text.strip().rstrip(".")
    if not text:
        return None
    if text[0].isdigit():
        plain = "".join(str(unicodedata.digit(c, c)) for c in text)
        return ".".join(str(int(piece)) if piece.isdecimal() else piece for piece in plain.split("."))
    if all(c in _ROMAN for c in text):
        values = [_ROMAN[c] for c in text]
        return str(sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)))
    return _han_number(text)


def _han_number(text: str) -> str | None:
    value = digit = 0
    for c in text:
        if c in "十百":
            value += (digit or 1) * (10 if c == "十" else 100)
            digit = 0
        elif c in _HAN:
            digit = digit * 10 + _HAN[c]
        else:
            return None
    return str(value + digit)
