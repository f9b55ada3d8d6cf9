"""Places in a picture that look like lines of text and that no recognised line covers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image

    from autopicker_lab.extraction.ocr.lines import OcrLine, PixelBox

_EDGE = 40  # levels of 255 between neighbouring pixels of a letter and its background
_HEIGHTS = range(8, 121)  # pixels
_REDUCED = (2, 4)
_LETTER = 0.6  # heights: about the width of a letter
_FILLED = 0.45  # share of its box that a line's strokes fill once they are joined


def uncovered(image: Image, lines: Sequence[OcrLine]) -> list[PixelBox]:
    """The places that look like a line of text and are covered by none of the lines."""
    if find_spec("cv2") is None:
        return []
    found: list[PixelBox] = []
    for box in _places(image):
        if _missing(box, lines) > _LETTER * (box[3] - box[1]) and not any(_overlap(box, other) for other in found):
            found.append(box)
    return found


def _places(image: Image) -> Iterator[PixelBox]:
    """Boxes that look like lines of text, also of letters that are large, or blurred, at the picture's own size."""
    yield from _text_like(image)
    for factor in _REDUCED:
        for box in _text_like(image.reduce(factor)):
            left, top, right, bottom = (factor * edge for edge in box)
            yield left, top, right, bottom


def _overlap(one: PixelBox, other: PixelBox) -> bool:
    across, down = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return across > 0 and down > 0


def _missing(box: PixelBox, lines: Sequence[OcrLine]) -> int:
    """Pixels of a box's width that no line covers."""
    missing = box[2] - box[0]
    for left, top, right, bottom in (line.box for line in lines):
        if min(box[3], bottom) > max(box[1], top):
            missing -= max(min(box[2], right) - max(box[0], left), 0)
    return missing


def _text_like(image: Image) -> Iterator[PixelBox]:
    """Boxes of strokes that stand close together, wide and low as words are."""
    import cv2
    import numpy

    grey = numpy.asarray(image.convert("L"))
    edges: Any = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, numpy.ones((2, 2), numpy.uint8)) > _EDGE
    joined = cv2.morphologyEx(edges.astype(numpy.uint8), cv2.MORPH_CLOSE, numpy.ones((1, 11), numpy.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    for left, top, width, height, area in boxes[1:].tolist():
        if height in _HEIGHTS and 2 * height <= width and area >= _FILLED * width * height:
            strokes = edges[top : top + height, left : left + width]
            changes = numpy.diff(strokes.astype(numpy.int8), axis=1)
            if (changes != 0).sum(axis=1).max() >= width / height * 3:
                yield left, top, left + width, top + height
