"""What a question names: places of a file by number or name, the whole of it, or a sum; in many languages.

The words stand in `words.tsv`, a line for each language that the transcriber knows, and `concepts.tsv`, a line for each
chapter that is called by what it is. They are beginnings of words, so that inflections meet them; `*` is anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from autopicker_lab.retrieval.ngrams import fold
from autopicker_lab.retrieval.place_names import NamedPlace, beside, places_in, relative
from autopicker_lab.retrieval.word_table import UNSPACED, columns, lines_of, pattern_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_WANTED = ("whole", "list", "total")
_QUESTION_MARKS = ("?", "؟", "？", "⸮", "՞")
_SHORT = 14  # words of a question about the whole; a longer one is about what it tells of
_READ = 2_000  # characters of a question that are looked at
_ASKED = 6  # the same for Latin words of what is wanted: "count" would be read into "country", "alle" into "allein"


@dataclass(frozen=True)
class Intent:
    """What a question names or is about.

    Attributes:
        places: by number, in the question's order; those of words alone have the number "".
        concepts: which of introduction, method, result and so on it calls by name.
        whole: whether it is about the whole of a file (a summary, a translation).
        all_of: whether it wants every one of something.
        total: whether it wants something counted or added up.
    """

    places: tuple[NamedPlace, ...] = ()
    concepts: tuple[str, ...] = ()
    whole: bool = False
    all_of: bool = False
    total: bool = False


def intent_of(question: str, earlier: Sequence[str] = ()) -> Intent:
    """What a question names, of which the beginning is read; "the next page" follows the one that an earlier one named.

    Args:
        earlier: what was asked before it, the oldest first.
    """
    text = _plain(question)
    table = _words()
    return Intent(
        places=tuple(dict.fromkeys(_in_turn(text, earlier))),
        concepts=tuple(name for name, pattern in _concepts().items() if pattern.search(text)),
        whole=bool(table["whole"].search(text)) and len(text.split()) <= _SHORT and not _facts().search(text),
        all_of=bool(table["list"].search(text)) and not text.endswith(_QUESTION_MARKS),
        total=bool(table["total"].search(text)),
    )


def _plain(question: str) -> str:
    return " ".join(fold(question[:_READ]).split())


def _in_turn(text: str, earlier: Sequence[str]) -> list[NamedPlace]:
    """The places that a folded text names; those next to others by what was asked before."""
    places = places_in(text)
    which = "" if places else relative(text)
    if not earlier or not (which or any(place.number in ("next", "previous") for place in places)):
        return places
    before = [place for place in _in_turn(_plain(earlier[-1]), earlier[:-1]) if place.number[-1:].isdecimal()]
    numbers = {place.kind: place.number for place in before if not place.number.startswith("-")}
    if which:
        return [beside(NamedPlace(kind, which), number) for kind, number in numbers.items()]
    return [
        beside(place, numbers[place.kind]) if place.number in ("next", "previous") and place.kind in numbers else place
        for place in places
    ]


def concepts_in(title: str) -> tuple[str, ...]:
    """What a heading is called by: introduction, method and so on, in any of the languages."""
    text = fold(title)
    return tuple(name for name, pattern in _concepts().items() if pattern.search(text))


@lru_cache(1)
def _words() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern_of(columns()[name], latin=_ASKED)) for name in _WANTED}


@lru_cache(1)
def _facts() -> re.Pattern[str]:
    """Words that ask for one fact: who, when, where; at the beginning, in scripts without spaces anywhere."""
    words = columns()["fact"]
    begins = "|".join(re.escape(word) for word in words if not UNSPACED.search(word))
    others = "|".join(re.escape(word) for word in words if UNSPACED.search(word))
    return re.compile(rf"^\W*(?:{begins})(?!\w)|{others}")


@lru_cache(1)
def _concepts() -> dict[str, re.Pattern[str]]:
    rows = (line.split("\t") for line in lines_of("concepts.tsv"))
    return {name: re.compile(pattern_of(sorted(map(fold, words.split("|")), key=len))) for name, words in rows}
