"""Raised and lowered characters, which mean something else than those on the line: 10⁶ is not 106, H₂O not H2O."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.extraction import script_signs

if TYPE_CHECKING:
    from collections.abc import Sequence

_RAISED = script_signs.RAISED | {ord("–"): "⁻", ord("n"): "ⁿ", ord("i"): "ⁱ"}
_LOWERED = script_signs.LOWERED | {ord("–"): "₋"}
_SMALL = 0.85  # of the size of the line's type
INITIAL = 0.42  # smaller type than this share of the last is no raised digit: it follows a large initial
_HAS_RAISED = re.compile(r"[0-9+\-−–=()ni,*]*")
_HAS_LOWERED = re.compile(r"[0-9+\-−–=(),]*")
_ENDING = re.compile(r"(?:st|nd|rd|th|er|re|e|o|a|os|as|d|ème|eme|me|mo|ma|le|lle|tm|sm|r|c)\.?", re.IGNORECASE)
_MONEY = re.compile(r"(?:[$€£¥₹]|\b[A-Z]{3}) ?\d[\d,.']*$")
_MEANS = re.compile(r"[^\W_]|[+\-−]")
_CURRENCY = re.compile(r"[$€£¥₹]|[A-Z]{3}|[Ee]uros?|[Dd]ollars?|[Pp]ounds?|kr\.?|zł|Kč|Ft|lei|Fr\.|руб\.?|лв\.?")
_CENTS = re.compile(r"(\d+)([⁰¹²³⁴-⁹]{2})")
SCRIPT_CHARACTERS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ₀₁₂₃₄₅₆₇₈₉₊₋₍₎")
_FRACTION = re.compile(r"(\d)?([⁰¹²³⁴-⁹]+)[/⁄]([₀-₉\d]+)")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789")


class GlyphRun(NamedTuple):
    """Characters of one size, points, and how far their base line is up, points."""

    text: str
    size: float
    rise: float


def with_scripts(runs: Sequence[GlyphRun]) -> str:
    """The text of a word's runs.

    Those above and below the line of the largest come in Unicode's raised and lowered digits, or after ^ and _.
    """
    main = max(runs, key=lambda run: (run.size, len(run.text)))
    text = ""
    for place, group in groupby(runs, lambda run: _place(run, main)):
        piece = "".join(run.text for run in group)
        text += raised(text, piece) if place > 0 else lowered(piece) if place < 0 else piece
    return fractions_on_the_line(text)


def place(size: float, rise: float, main_size: float) -> int:
    """1 where type of this size, so far above the line of the main type, is raised, -1 where lowered; 0 on the line."""
    if size < INITIAL * main_size:
        return 0
    small = size <= _SMALL * main_size
    if rise > (0.12 if small else 0.2) * main_size:
        return 1
    return -1 if rise < -(0.07 if small else 0.15) * main_size else 0


def _place(run: GlyphRun, main: GlyphRun) -> int:
    return place(run.size, run.rise - main.rise, main.size) if run is not main else 0


def raised(before: str, text: str) -> str:
    """Raised characters after the text `before` them: cents, the end of an ordinal, or a power or mark."""
    if len(text) == 2 and text.isdigit() and _MONEY.search(before) and "." not in before:
        return f".{text}"
    if not before and _CURRENCY.fullmatch(text):
        return f"{text} "
    if not _MEANS.search(text) or (before and _ENDING.fullmatch(text) and _takes_ending(before[-1])):
        return text
    if _HAS_RAISED.fullmatch(text):
        return text.translate(_RAISED)
    return script_signs.marked("^", text) if before else f"^{{{text}}}"


def _takes_ending(character: str) -> bool:
    return character.isdigit() or character.isupper()


def lowered(text: str) -> str:
    """Lowered characters."""
    if not _MEANS.search(text):
        return text
    if _HAS_LOWERED.fullmatch(text):
        return text.translate(_LOWERED)
    return script_signs.marked("_", text)


def as_price(text: str, beside: str) -> str:
    """19.99 for 19⁹⁹ where the word beside it is a currency; any other text as it is."""
    cents = _CENTS.fullmatch(text) if _CURRENCY.fullmatch(beside) else None
    return f"{cents[1]}.{on_the_line(cents[2])}" if cents else text


def on_the_line(text: str) -> str:
    """Text with plain digits for raised and lowered ones."""
    return text.translate(_PLAIN)


def fractions_on_the_line(text: str) -> str:
    """Text with 3 1/2 for 3¹/₂."""
    return _FRACTION.sub(_fraction, text) if "/" in text or "⁄" in text else text


def _fraction(match: re.Match[str]) -> str:
    whole = f"{match[1]} " if match[1] else ""
    return f"{whole}{on_the_line(match[2])}/{on_the_line(match[3])}"
