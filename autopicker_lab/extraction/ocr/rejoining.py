"""Lines that Tesseract read in part: joined with the places and pieces beside them, to be read again as one."""

from __future__ import annotations

import itertools
import re
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.extraction.ocr.lines import OcrLine, joined_box, mean_confidence, same_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.ocr.lines import PixelBox

_GUESS = 0.6  # how sure at most anybody is of a line that lacks a part
_ONE_ROW = 1.8  # heights of its highest part: what is higher is no line
_GAP, _OVER = 0.8, 0.3  # heights between two pieces of a line, or by which they overlap
_AS_WIDE = 0.6  # of a gap between words: what is narrower, or as much wider, is none
_POINT_FIRST = re.compile(r"[.,] ?\d")  # a number that was cut in two
_POINT_LAST = re.compile(r"\d+[.,]")


def rejoined(lines: Sequence[OcrLine], places: Sequence[PixelBox]) -> tuple[list[OcrLine], list[PixelBox]] | None:
    """Lines with what belongs to them, and the places that no line touches; None where that cannot be told.

    Args:
        places: what looks like text and is covered in part, or not at all.
    """
    whole, alone = list(lines), []
    for place in places:
        empty = OcrLine("", place, 0.0, place[3])
        touched = [line for line in whole if same_place(empty, line)]
        if not touched:
            alone.append(place)
        elif (joined := _joined([*touched, empty])) is None:
            return None
        else:
            whole = _with(whole, touched, joined)
    whole = _neighbours_joined(whole)
    return None if any(_is_cut(line) for line in whole) else (whole, alone)


def _is_cut(line: OcrLine) -> bool:
    """Whether a line is a part of a number, and what it lacks was not found beside it."""
    return line.weakest > _GUESS and bool(_POINT_FIRST.match(line.text) or _POINT_LAST.fullmatch(line.text))


def _neighbours_joined(lines: Sequence[OcrLine]) -> list[OcrLine]:
    """Lines in which pieces that stand on one row, no wider apart than words, are one."""
    whole = list(lines)
    ranked = sorted(lines, key=lambda line: line.box[1])
    for i, line in enumerate(ranked):
        for other in ranked[i + 1 :]:
            if other.box[1] >= line.box[3]:
                break
            if not _are_neighbours(line, other):
                continue
            pair = [one for one in whole if _holds(one, line) or _holds(one, other)]
            if len(pair) == 2 and (joined := _joined(pair)) is not None:
                whole = _with(whole, pair, joined)
    return whole


def _holds(line: OcrLine, part: OcrLine) -> bool:
    """Whether a part is a line, or was made one with others."""
    return line is part or (line.box[0] <= part.box[0] and line.box[2] >= part.box[2] and same_place(line, part))


def _are_neighbours(one: OcrLine, other: OcrLine) -> bool:
    left, right = sorted((one, other), key=lambda line: line.box[0])
    down = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    lower, higher = sorted((one.height, other.height))
    apart = right.box[0] - left.box[2]
    return down > 0.5 * lower and higher < _ONE_ROW * lower and -_OVER * lower < apart < _GAP * lower


def _joined(parts: Sequence[OcrLine]) -> OcrLine | None:
    """Parts of a line as one; None where they do not stand on one row.

    It is in doubt, unless the parts are as far apart as its words: then Tesseract took a row for columns, no more.
    """
    parts = sorted(parts, key=lambda part: part.box[0])
    box = joined_box(part.box for part in parts)
    read = [part for part in parts if part.text]
    if box[3] - box[1] > _ONE_ROW * max(part.height for part in read):
        return None
    weakest = min(part.weakest for part in read)
    whole = replace(read[0], text=" ".join(part.text for part in read), box=box)
    if len(read) == len(parts) and _are_apart_as_words(parts):
        words = tuple(word for part in parts for word in part.words)
        return replace(whole, confidence=mean_confidence(words), weakest=weakest, words=words)
    sure = min(_GUESS, weakest)
    return replace(whole, confidence=sure, weakest=sure, words=())


def _are_apart_as_words(parts: Sequence[OcrLine]) -> bool:
    """Whether the gaps between parts are as wide as those within them: there is a space in each, and no letter."""
    if not all(part.words for part in parts):
        return False
    within = [gap for part in parts for gap in _gaps(part.words)]
    usual = statistics.median(within) if within else 0
    return all(_AS_WIDE * usual <= gap <= usual / _AS_WIDE for gap in _gaps(parts)) and usual > 0


def _gaps(pieces: Sequence[OcrLine]) -> list[int]:
    """Pixels between neighbours of a row."""
    return [right.box[0] - left.box[2] for left, right in itertools.pairwise(pieces)]


def _with(lines: Sequence[OcrLine], parts: Sequence[OcrLine], joined: OcrLine) -> list[OcrLine]:
    """Lines in which one stands in the place of its parts."""
    at = next(i for i, line in enumerate(lines) if line is parts[0])
    return [joined if i == at else line for i, line in enumerate(lines) if i == at or not _is_among(line, parts)]


def _is_among(line: OcrLine, parts: Sequence[OcrLine]) -> bool:
    return any(line is part for part in parts)
