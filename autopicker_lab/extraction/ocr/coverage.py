"""Places in a picture that look like lines of text and that no recognised line covers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image

    from autopicker_lab.extraction.ocr.lines import OcrLine, PixelBox

_EDGE = 40  # levels of 255 between neighbouring pixels of a letter and its background
_HEIGHTS = range(8, 121)  # pixels
_REDUCED = (1, 2, 4)
_LETTER = 0.6  # heights: about the width of a letter
_FILLED = 0.45  # share of its box that a line's strokes fill once they are joined
_HIGH = 1.2  # widths of two digits: what is higher is a sign, or many lines
_ALIKE = 0.7  # of the heights, at least, of a few letters and of what stands on their row
_AS_DENSE = 0.5  # of the strokes where a line was read, in what may be more of it: grain has fewer


class _Found(NamedTuple):
    """A box that looks like a line of text, and how many pixels of strokes stand in each of its columns."""

    box: PixelBox
    strokes: Any
    factor: int  # pixels of the picture for one of its columns

    @property
    def is_short(self) -> bool:
        """Whether it is no wider than a figure of a few digits, or a sign."""
        left, top, right, bottom = self.box
        return right - left < 2 * (bottom - top)


def uncovered(image: Image, lines: Sequence[OcrLine]) -> list[PixelBox]:
    """The places that look like a line of text and are covered by none of the lines, or in part."""
    if find_spec("cv2") is None:
        return []
    boxes: list[PixelBox] = []
    for found in _places(image):
        if found.is_short and not _is_beside(found.box, lines):
            continue
        if _lacks_letters(found, lines) and not any(_overlap(found.box, other) for other in boxes):
            boxes.append(found.box)
    return boxes


def _places(image: Image) -> Iterator[_Found]:
    """Boxes that look like lines of text, also of letters that are large, or blurred, at the picture's own size."""
    grey = image.convert("L")
    for factor in _REDUCED:
        yield from _text_like(grey.reduce(factor) if factor > 1 else grey, factor)


def _is_beside(box: PixelBox, lines: Sequence[OcrLine]) -> bool:
    """Whether it stands on the row of a line, of about its height."""
    height = box[3] - box[1]
    rows = (line for line in lines if _ALIKE * line.height <= height <= line.height / _ALIKE)
    return any(min(box[3], line.box[3]) - max(box[1], line.box[1]) > _ALIKE * min(height, line.height) for line in rows)


def _overlap(one: PixelBox, other: PixelBox) -> bool:
    across, down = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return across > 0 and down > 0


def _lacks_letters(found: _Found, lines: Sequence[OcrLine]) -> bool:
    """Whether a letter's width of a box is covered by no line, and looks like what is covered, if anything is."""
    import numpy

    left, top, _, bottom = found.box
    covered = numpy.zeros(len(found.strokes), bool)
    for line in lines:
        if min(bottom, line.box[3]) > max(top, line.box[1]):
            start, stop = (max(edge - left, 0) // found.factor for edge in (line.box[0], line.box[2]))
            covered[start:stop] = True
    if (~covered).sum() * found.factor <= _LETTER * (bottom - top):
        return False
    return not covered.any() or found.strokes[~covered].mean() >= _AS_DENSE * found.strokes[covered].mean()


def _text_like(grey: Image, factor: int) -> Iterator[_Found]:
    """Boxes of strokes that stand close together, wide and low as words are."""
    import cv2
    import numpy

    gradient = cv2.morphologyEx(numpy.asarray(grey), cv2.MORPH_GRADIENT, numpy.ones((2, 2), numpy.uint8))
    _, edges = cv2.threshold(gradient, _EDGE, 1, cv2.THRESH_BINARY)
    joined = cv2.morphologyEx(edges, cv2.MORPH_CLOSE, numpy.ones((1, 11), numpy.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(joined)
    for left, top, width, height, area in boxes[1:].tolist():
        if height in _HEIGHTS and height <= _HIGH * width and area >= _FILLED * width * height:
            strokes = edges[top : top + height, left : left + width]
            changes = numpy.diff(strokes.astype(numpy.int8), axis=1)
            if (changes != 0).sum(axis=1).max() >= width / height * 3:
                box = (factor * left, factor * top, factor * (left + width), factor * (top + height))
                yield _Found(box, strokes.sum(axis=0), factor)
