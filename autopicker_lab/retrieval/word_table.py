"""The words of `words.tsv`, a line for each language, and expressions that find them in folded text.

What begins like a word for a place and is none ("party", "Teilnehmer", "行動") stands in `no_places.tsv`, as
expressions in which `#` is a digit or several.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from autopicker_lab.retrieval.ngrams import fold

STEM = 4  # letters of a word's beginning that may have any ending
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
MARK = "[\\w\u0300-\u036f\u0900-\u0dff]"  # letters and what is written above and below them


@lru_cache(1)
def rows() -> list[str]:
    """The lines of the file, the names of its columns first."""
    return files(__package__).joinpath("words.tsv").read_text("utf-8").splitlines()


@lru_cache(1)
def columns() -> dict[str, list[str]]:
    """The words of each column, of all languages, folded, the longest first."""
    lines = rows()
    names = lines[0].split("\t")
    columns: dict[str, set[str]] = {name: set() for name in names}
    for line in lines[1:]:
        for name, cell in zip(names, line.split("\t"), strict=True):
            columns[name].update(filter(None, map(fold, cell.split("|"))))
    return {name: sorted(found, key=lambda word: (-len(word), word)) for name, found in columns.items()}


@lru_cache(1)
def others() -> str:
    """An expression that refuses what begins like a word for a place and is none."""
    lines = files(__package__).joinpath("no_places.tsv").read_text("utf-8").splitlines()[1:]
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
    header, *lines = (line.split("\t") for line in rows())
    at = header.index(column)
    return frozenset(line[0] for line in lines if any(_is_word(fold(word), text) for word in line[at].split("|")))


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
