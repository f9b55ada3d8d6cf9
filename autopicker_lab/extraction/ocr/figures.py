"""Figures that an engine cut, read down a column, or took for letters: told by the lines that they stand among."""

from __future__ import annotations

import re
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.extraction.ocr.lines import OcrLine, joined_box, same_place

if TYPE_CHECKING:
    from collections.abc import Sequence

_ON_END = 2  # widths: a line that is higher runs down the picture
_BESIDE = 1.0  # line heights
_APART = 0.8  # line heights between the point of a number and its next digit
_FEW_ROWS = 6  # heights to the next figure of a column
_BEGINS_NUMBER = re.compile(r"[\d.,]*\d[.,]")
_DIGITS_ALONE = re.compile(r"\d+")
_FIGURE = re.compile(r"[-+]?\d[\d.,]*%?")
_LIKE_DIGITS = re.compile(r"[\dIlOo]{2,}")
_AS_DIGITS = str.maketrans("IlOo", "1100")


def without_columns(lines: Sequence[OcrLine]) -> list[OcrLine]:
    """Lines without those that took one letter of each row beside them, the first digits of prices, say."""
    usual = statistics.median(line.height for line in lines) if lines else 0
    return [line for line in lines if not _is_column(line, lines, usual)]


def _is_column(line: OcrLine, lines: Sequence[OcrLine], usual: float) -> bool:
    if len(line.text) < 2 or line.height < _ON_END * max(line.width, usual):
        return False
    rows = [other for other in lines if other is not line and same_place(replace(line, box=_wider(line, usual)), other)]
    return len(line.text) == len({row.box[1] for row in rows if row.height < _ON_END * row.width})


def _wider(line: OcrLine, usual: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = line.box
    return left - round(_BESIDE * usual), top, right + round(_BESIDE * usual), bottom


def with_whole_figures(lines: Sequence[OcrLine]) -> list[OcrLine]:
    """Lines with numbers of one piece, and digits for the letters that look like them in a column of figures."""
    whole = list(lines)
    for line in [line for line in lines if _BEGINS_NUMBER.fullmatch(line.text)]:
        rest = next((other for other in whole if _goes_on(line, other)), None)
        if rest is not None and any(line is one for one in whole):
            box, sure = joined_box([line.box, rest.box]), min(line.confidence, rest.confidence)
            joined = replace(line, text=line.text + rest.text, box=box, confidence=sure, gaps=(), words=())
            whole = [joined if one is line else one for one in whole if one is not rest]
    figures = [line for line in whole if _FIGURE.fullmatch(line.text)]
    return [_in_digits(line) if _is_among(line, figures) else line for line in whole]


def _goes_on(line: OcrLine, other: OcrLine) -> bool:
    """Whether a number that ends in its point goes on in the line beside it."""
    if not _DIGITS_ALONE.fullmatch(other.text):
        return False
    down = min(line.box[3], other.box[3]) - max(line.box[1], other.box[1])
    lower = min(line.height, other.height)
    return 2 * down > lower and -lower < other.box[0] - line.box[2] < _APART * lower


def _is_among(line: OcrLine, figures: Sequence[OcrLine]) -> bool:
    """Whether a line looks like a figure, and one of as many signs stands above or below it, close by and flush."""
    if not _LIKE_DIGITS.fullmatch(line.text) or line.text.isdecimal():
        return False
    return any(
        len(figure.text) == len(line.text)
        and abs(figure.box[2] - line.box[2]) < line.height / 2
        and abs(figure.box[1] - line.box[1]) < _FEW_ROWS * line.height
        for figure in figures
    )


def _in_digits(line: OcrLine) -> OcrLine:
    return replace(line, text=line.text.translate(_AS_DIGITS))
