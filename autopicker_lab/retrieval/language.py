"""Whether a question is in another language than the files: by its letters and by its words, without knowing either.

A question of the files' language shares more of its words with them, the more words they have; how many is measured on
books in English and German, cut to 1,000 to 150,000 characters, asked in both, French and Spanish. Of 360 questions of
books of 100,000 characters in six languages none is taken for one in another, and of 120 in another 110 are told: all
in other letters, three of four in the same. Of short files fewer are told.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from typing import TYPE_CHECKING

from autopicker_lab.core.text import script_in_name
from autopicker_lab.retrieval.ngrams import fold, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAMPLE = 150_000  # characters of the files that are looked at, from all over
_ASKED, _PRESENT = 0.2, 0.005  # of a question's letters, those of a script that counts; of the files', that has it
# The least share of its words, but for names and numbers, by how many different ones the files have.
_BY_WORDS = ((100, 0.25), (800, 0.3), (2_200, 0.45), (4_500, 0.65))
# The least share of its n-grams, by how many different ones the files have.
_BY_DECADE, _LESS, _MOST_GRAMS = 0.38, 0.95, 0.8
_RUNNING = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Vocabulary:
    """The words and scripts of some files.

    Attributes:
        scripts: share (0 to 1) of each script among the letters.
        is_tables: they are tables, which hold names and numbers more than words of a language.
    """

    words: frozenset[str]
    scripts: dict[str, float]
    is_tables: bool = False

    @classmethod
    def of(cls, texts: Sequence[str]) -> Vocabulary:
        """Of passages, of which so many are looked at as it takes."""
        step = max(sum(map(len, texts)) // _SAMPLE, 1)
        looked_at = texts[::step]
        tables = sum(text.lstrip().startswith("|") for text in looked_at)
        joined = "\n".join(looked_at)
        return cls(frozenset(words(joined)), script_shares(joined), 2 * tables > len(looked_at))

    def is_foreign(self, question: str, known_grams: float, grams: int) -> bool:
        """Whether a question is in another language.

        Args:
            known_grams: the share (0 to 1) of its n-grams that the files have.
            grams: how many different ones the files have.
        """
        asked = _scripts_asked(question)
        if _lacks(self.scripts, asked):
            return True
        if asked != ["LATIN"] or self.is_tables:
            return False  # few languages share another script
        running = [word for word in _running(question) if word]
        known = sum(word in self.words for word in running)
        least = min(_BY_DECADE * log10(max(grams, 1)) - _LESS, _MOST_GRAMS)
        return known_grams < least and known < _least(len(self.words)) * len(running)


def is_in_other_letters(question: str, files: Sequence[Mapping[str, float]]) -> bool:
    """Whether a question is in a script that one of some files hardly has.

    Args:
        files: the shares of scripts (`script_shares`) of each.
    """
    asked = _scripts_asked(question)
    return any(_lacks(scripts, asked) for scripts in files)


def script_shares(text: str) -> dict[str, float]:
    """The share (0 to 1) of each script among the letters of a text."""
    counts = _scripts(text)
    letters = sum(counts.values()) or 1
    return {script: count / letters for script, count in counts.items()}


def _scripts_asked(question: str) -> list[str]:
    counts = _scripts(question)
    return [script for script, count in counts.items() if count >= _ASKED * sum(counts.values())]


def _lacks(scripts: Mapping[str, float], asked: Sequence[str]) -> bool:
    return any(scripts.get(script, 0.0) < _PRESENT for script in asked)


def _running(question: str) -> list[str]:
    """The words of a question that are no names: those that begin small, and the first."""
    return [fold(word) for i, word in enumerate(_RUNNING.findall(question)) if i == 0 or not word[0].isupper()]


def _least(count: int) -> float:
    """The least share of words, between those that were measured."""
    for (few, low), (many, high) in pairwise(_BY_WORDS):
        if count < many:
            return low + (high - low) * max(log10(max(count, 1) / few), 0.0) / log10(many / few)
    return _BY_WORDS[-1][1]


def _scripts(text: str) -> Counter[str]:
    """How many letters of each script."""
    found: Counter[str] = Counter()
    for letter, count in Counter(text).items():
        if letter.isalpha():
            found[script_in_name(letter) or "OTHER"] += count
    return found
