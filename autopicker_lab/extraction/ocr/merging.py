"""One reading of a line out of two: letters of the engine that is surer of them, spaces of the one that sees them."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from autopicker_lab.extraction.ocr import rapid
from autopicker_lab.extraction.ocr.lines import same_place
from autopicker_lab.extraction.ocr.scripts import is_legible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from autopicker_lab.extraction.ocr.lines import OcrLine

SURE_WORD = 0.93  # Tesseract's confidence in a word from which it is seldom wrong: in 1 of 100 lines of drawn pictures
_SPACE_SEEN = 0.5  # its confidence in the words around a space that is believed
_MOST_AGAIN = 0.5  # share of the lines that are read again one by one; of more, the places are doubtful as well
_GUESSED = 0.7  # Tesseract's confidence below which it guesses
_CLEARLY = 0.95  # RapidOCR's confidence from which it is believed against a doubtful reading
_POINT_FIRST = re.compile(r"[.,] ?\d")  # a number that was cut in two
_IN_NUMBER = re.compile(r"\d[.,:]|[.,:]\d")


def is_sure_of(line: OcrLine) -> bool:
    """Whether Tesseract's reading of a line can stand: it is sure of each word, and there are English letters alone."""
    return line.weakest >= SURE_WORD and not any(c.isalpha() and not c.isascii() for c in line.text)


def read_doubtful_again(image: Image, lines: Sequence[OcrLine]) -> list[OcrLine] | None:
    """Tesseract's lines, the doubtful ones as RapidOCR reads them; None where the picture is to be read as a whole."""
    doubtful = [line for line in lines if not is_sure_of(line)]
    is_cut = any(_POINT_FIRST.match(line.text) for line in lines)
    if not rapid.has_rapid() or is_cut or len(doubtful) > _MOST_AGAIN * len(lines):
        return None
    again = dict(zip(map(id, doubtful), rapid.read_places(image, [line.box for line in doubtful]), strict=True))
    merged, stubborn = [], 0
    for line in lines:
        if id(line) not in again:
            merged.append(line)
            continue
        text, score = again[id(line)]
        other = replace(line, text=text, confidence=score)
        agree = "".join(text.split()) == "".join(line.text.split())
        if is_legible(other, line.text, foreign=False) and (agree or score >= _CLEARLY):
            merged.append(with_spaces(other, line.text, line.weakest))
        elif line.weakest < _GUESSED:
            return None  # letters of several lines, maybe
        else:
            merged.append(line)
            stubborn += 1
    return merged if stubborn <= len(lines) // 10 else None


def is_surer(line: OcrLine, piece: OcrLine) -> bool:
    """Whether Tesseract is sure of a line of which RapidOCR is not."""
    alike = abs(line.width - piece.width) < 0.2 * max(line.width, piece.width)
    return alike and is_sure_of(line) and piece.confidence < _CLEARLY


def is_lost(line: OcrLine, pieces: Sequence[OcrLine]) -> bool:
    """Whether Tesseract is sure of a line that RapidOCR has not seen."""
    return is_sure_of(line) and len(line.text) > 2 and not any(same_place(line, piece) for piece in pieces)


def with_spaces(line: OcrLine, other: str, sure: float) -> OcrLine:
    """A line as RapidOCR reads it, which loses spaces and finds some within words, with those of Tesseract.

    Args:
        other: Tesseract's reading.
        sure: its confidence in the least sure word; of a doubtful reading spaces are added, none is taken away.
    """
    if sure < _SPACE_SEEN or not other:
        return line
    letters, theirs = "".join(line.text.split()), "".join(other.split())
    spaces, seen = _spaces(line.text), _spaces(other)
    for block in SequenceMatcher(None, letters, theirs, autojunk=False).get_matching_blocks():
        for step in range(1, block.size):
            here, there = block.a + step, block.b + step
            if there in seen and not _IN_NUMBER.fullmatch(letters[here - 1 : here + 1]):
                spaces.add(here)
            elif there not in seen and sure >= SURE_WORD:
                spaces.discard(here)
    return replace(line, text="".join(f" {c}" if i in spaces else c for i, c in enumerate(letters)))


def _spaces(text: str) -> set[int]:
    """Before which letters a text has spaces, counted without them."""
    found, letters = set(), 0
    for word in text.split():
        found.add(letters)
        letters += len(word)
    return found - {0}
