"""The words of tables such as `words.tsv`, a line for each language, and expressions that find them in folded text.

What begins like a word for a place and is none ("party", "Teilnehmer", "行動") stands in `no_places.tsv`, as
expressions in which `#` is a digit or several.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from autopicker_lab.retrieval.ngrams import fold

NUMBERED = ("page", "sheet", "slide", "section", "chapter", "figure", "table", "line", "row")  # columns of places
STEM = 4  # letters of a word's beginning that may have any ending
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
MARK = "[\\w\u0300-\u036f\u0900-\u0dff]"  # letters and what is written above and below them


def lines_of(table: str) -> list[str]:
    """The lines of a file of words."""
    return files(__package__).joinpath(table).read_text("utf-8").splitlines()


@lru_cache(4)
def cells(table: str = "words.tsv") -> dict[str, list[str]]:
    """The cells of each column of a file, in the order of its languages."""
    names, *lines = (line.split("\t") for line in lines_of(table))
    return dict(zip(names, map(list, zip(*lines, strict=True)), strict=True))


@lru_cache(4)
def columns(table: str = "words.tsv") -> dict[str, list[str]]:
    """The words of each column of a file, of all languages, folded, the longest first; "-" is none."""
    words = {
        name: {fold(word) for cell in column for word in cell.split("|")} - {"-", ""}
        for name, column in cells(table).items()
    }
    return {name: sorted(found, key=lambda word: (-len(word), word)) for name, found in words.items()}


@lru_cache(1)
def others() -> str:
    """An expression that refuses what begins like a word for a place and is none."""
    lines = lines_of("no_places.tsv")[1:]
    return rf"(?!{'|'.join(fold(line.split(chr(9))[1]) for line in lines)})".replace("##", "#").replace("#", r"\d+")


@lru_cache(1)
def _others() -> re.Pattern[str]:
    return re.compile(others())


def is_other(word: str) -> bool:
    """Whether a folded word only begins like one for a place or a number."""
    return _others().match(word) is None


@lru_cache(1024)
def languages_of(column: str, text: str) -> frozenset[str]:
    """The languages of which folded text is a word of a column, with any ending where the word is long."""
    named = zip(cells()["language"], cells()[column], strict=True)
    return frozenset(name for name, cell in named if any(_is_word(fold(word), text) for word in cell.split("|")))


def _is_word(word: str, text: str) -> bool:
    return bool(word) and (text == word or (text.startswith(word) and not _is_short(word)))


def _is_short(word: str) -> bool:
    return len(word) < STEM and not UNSPACED.search(word)


def place_of(words: list[str]) -> str:
    """An expression for words for a place, with what endings they have."""
    return others() + pattern_of(words, rf"{MARK}{{0,6}}")


def pattern_of(words: list[str], ending: str = "", latin: int = STEM) -> str:
    """An expression for beginnings of words, of short ones for the whole; of scripts without spaces, for any place.

    Args:
        latin: letters of a beginning in ASCII that may have any ending.
    """
    spaced = [word for word in words if not UNSPACED.search(word)]
    short = [word for word in spaced if len(word) < (latin if word.isascii() and word.isalpha() else STEM)]
    others = [word for word in words if UNSPACED.search(word)]
    forms = []
    if long := [word for word in spaced if word not in short]:
        forms.append(rf"(?<![^\W_])(?:{'|'.join(map(_stem, long))}){ending}")
    if short:
        forms.append(rf"(?<![^\W_])(?:{'|'.join(map(_stem, short))})(?![^\W\d_])")
    if others:
        forms.append(f"(?:{'|'.join(map(_stem, others))})")
    return f"(?:{'|'.join(forms)})"


def _stem(word: str) -> str:
    return re.escape(word).replace(r"\*", ".{1,60}?")
