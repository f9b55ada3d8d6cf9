"""Scripts: which languages write them, which no engine reads, and letters that only look as if they were read."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from autopicker_lab.extraction.ocr.lines import OcrLine

# Script that Tesseract detects -> the languages worth trying, as far as they are installed.
_LANGUAGES = {
    "Latin": ("eng", "deu", "fra", "spa", "ita", "por", "nld", "pol", "tur"),
    "Cyrillic": ("rus", "ukr", "bul"),
    "Greek": ("ell",),
    "Hebrew": ("heb",),
    "Arabic": ("ara", "fas"),
    "Armenian": ("hye",),
    "Georgian": ("kat",),
    "Ethiopic": ("amh",),
    "Devanagari": ("hin", "mar", "nep"),
    "Bengali": ("ben",),
    "Gurmukhi": ("pan",),
    "Gujarati": ("guj",),
    "Tamil": ("tam",),
    "Telugu": ("tel",),
    "Kannada": ("kan",),
    "Malayalam": ("mal",),
    "Sinhala": ("sin",),
    "Thai": ("tha",),
    "Lao": ("lao",),
    "Khmer": ("khm",),
    "Myanmar": ("mya",),
    "Tibetan": ("bod",),
    "Hangul": ("kor",),
    "Korean": ("kor",),
    "Han": ("chi_sim", "chi_tra"),
    "Japanese": ("jpn",),
    "Vietnamese": ("vie",),  # letters of Latin that RapidOCR lacks
}
_RAPID_SCRIPTS = frozenset({"", "Latin", "Han", "Japanese"})  # those that RapidOCR's model knows
_LOOKALIKES = frozenset("ABCEHIKMNOPTXYaceiopxy")  # as Cyrillic and Greek capitals look; in both alphabets
_MIN_LOOKALIKES = 8
_GREEK = re.compile("[\u0370-\u03ff]")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]")
_VIETNAMESE = re.compile("[\u01a0\u01a1\u01af\u01b0]")  # o and u with a horn
_GUESS = 0.25  # Tesseract's confidence below which even the number of letters is a guess
_LEFT_OUT = 0.6  # share of the letters that Tesseract sees: with fewer, the model has left out those it lacks
_SURE = 0.95
_MIN_DOUBTFUL = 3  # characters; patterns and grain look like one or two
_MIN_FILLED = 0.7  # characters in a line's width, in line heights: fewer, and letters are missing


def installed_for(script: str, installed: Container[str]) -> list[str]:
    """The installed languages that write a script."""
    return [name for name in _LANGUAGES.get(script, ()) if name in installed]


def is_foreign(script: str) -> bool:
    """Whether neither English nor RapidOCR's model knows the letters of a script."""
    return script not in _RAPID_SCRIPTS


def is_known(lines: Sequence[OcrLine]) -> bool:
    """Whether RapidOCR is sure of most of what it found: of letters that its model lacks it never is."""
    sure = sum(line.confidence >= _SURE and len(line.text) >= _MIN_DOUBTFUL for line in lines)
    return 2 * sure > len(lines)


def unread_note(count: int, script: str) -> str:
    """What to tell the user about lines that were seen and not read, with the next step."""
    lines = f"{count} {'line' if count == 1 else 'lines'}"
    names = _LANGUAGES.get(script, ()) if is_foreign(script) else ()
    if names:
        packs = " or ".join(f"tesseract-ocr-{name.replace('_', '-')}" for name in names)
        return (
            f"{lines} in {script} letters, it seems, not read: no engine installed here knows them (apt-get install "
            f"{packs}, or ask a model that sees)"
        )
    return (
        f"{lines} not read: letters that no engine installed here knows, or none at all (install their language for "
        "Tesseract, or ask a model that sees)"
    )


def looks_borrowed(lines: list[OcrLine]) -> bool:
    """Whether all letters of a text stand in the Cyrillic alphabet, too: then the reading alone cannot tell which."""
    letters = [c for line in lines for c in line.text if c.isalpha()]
    return len(letters) >= _MIN_LOOKALIKES and _LOOKALIKES.issuperset(letters)


def partly_known(lines: list[OcrLine]) -> str:
    """The language of a text of which RapidOCR knows only some letters; empty where there is none."""
    return "Vietnamese" if any(_VIETNAMESE.search(line.text) for line in lines) else ""


def is_legible(line: OcrLine, other: str, foreign: bool) -> bool:
    """Whether what RapidOCR read can be believed.

    Args:
        other: what Tesseract read in the same place; two engines seldom invent the same.
        foreign: whether the picture is in letters that its model lacks.
    """
    text = "".join(line.text.split())
    letters = [c for c in text if c.isalpha()]
    greek = len(_GREEK.findall(text))
    mixed = any(len(_GREEK.findall(word)) > 1 and re.search("[A-Za-z]", word) for word in line.text.split())
    if not text or mixed or (greek > 3 and 2 * greek > len(letters)):
        return False
    box = line.box
    wide = (box[2] - box[0]) / max(line.height, 1)
    if wide > 3 and len(text) < _MIN_FILLED * wide and len(text) < 6:
        return False
    east_asian = 2 * len(_EAST_ASIAN.findall(text)) > len(text)
    if line.confidence >= (_SURE if foreign else 0.9) or (east_asian and line.confidence >= 0.7 and not foreign):
        return True
    if len(text) < _MIN_DOUBTFUL and line.confidence < _SURE and not 0 < len(_folded(text)) == len(_folded(other)):
        return False
    agrees = SequenceMatcher(None, _folded(text), _folded(other)).ratio() >= (0.8 if foreign else 0.5)
    return agrees or (line.confidence >= 0.7 and not foreign)


def leaves_out(line: OcrLine, other: OcrLine) -> bool:
    """Whether RapidOCR read only the letters it knows of a line of which Tesseract sees about the same pixels."""
    if other.confidence < _GUESS:
        return False
    alike = 0.7 < line.width / max(other.width, 1) < 1.3 and other.height < 1.3 * line.height
    known = len(_folded(line.text))
    return alike and not _EAST_ASIAN.search(line.text) and known < _LEFT_OUT * len(_folded(other.text))


def is_seen(line: OcrLine, other: str) -> bool:
    """Whether a place that could not be read holds letters, not a pattern: then Tesseract sees some there, too."""
    return len(_folded(line.text)) >= _MIN_DOUBTFUL or len(_folded(other)) >= _MIN_DOUBTFUL


def _folded(text: str) -> str:
    """Letters and digits without accents and case."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum())
