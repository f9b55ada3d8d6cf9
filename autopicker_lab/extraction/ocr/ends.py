"""Lines that Tesseract's box cuts at an end, grown over the letters that stand on beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.extraction.ocr.spacing import columns_with_ink

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from PIL.Image import Image

    from autopicker_lab.extraction.ocr.lines import OcrLine

_REACH = 3.0  # line heights on each side
_LETTERS_APART = 0.25  # line heights: what is further away is another word
_FIGURES_APART = 0.8  # the same beside a sign, which may be within a number
_A_LETTER = 0.3  # line heights that a line grows by at least
_SIGN_FIRST = re.compile(r"[^\w\s]")
_SIGN_LAST = re.compile(r".*[.,]")


def grown(image: Image, line: OcrLine, others: Sequence[OcrLine]) -> OcrLine:
    """A line with what stands as close beside it as its letters; itself where that is nothing, or no word.

    Args:
        others: all lines of the picture; it does not grow over them.
    """
    left, top, right, bottom = line.box
    reach = round(_REACH * line.height)
    row = [other.box for other in others if other.box[1] < bottom and other.box[3] > top and other.box != line.box]
    start = max([left - reach, 0, *(box[2] for box in row if box[0] < left)])
    stop = min([right + reach, image.width, *(box[0] for box in row if box[2] > right)])
    if start >= left and stop <= right:
        return line
    start, stop = min(start, left), max(stop, right)
    ink = columns_with_ink(image.crop((start, top, stop, bottom)))
    before = _run(ink[: left - start][::-1], line.height, bool(_SIGN_FIRST.match(line.text)))
    after = _run(ink[right - start :], line.height, bool(_SIGN_LAST.fullmatch(line.text)))
    if not before and not after:
        return line
    return replace(line, box=(left - before, top, right + after, bottom), words=())


def _run(ink: Any, height: int, at_sign: bool) -> int:
    """How many columns of ink stand on from a line's end; 0 where they are no letter, or have no end."""
    apart = (_FIGURES_APART if at_sign else _LETTERS_APART) * height
    last = -1
    for column in ink.nonzero()[0].tolist():
        if column - last - 1 > apart:
            break
        last = column
    is_endless = len(ink) - last - 1 <= apart
    return 0 if is_endless or last + 1 < _A_LETTER * height else last + 1
