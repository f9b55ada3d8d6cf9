"""Boxes for ticks that are drawn, not typed: squares beside words, and whether something is drawn in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.extraction.pdf.fonts import FontStyle
from autopicker_lab.extraction.pdf.words import PageWord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SIDES = (5.5, 18.0)  # points
_SQUARE = 1.15  # of the longer side to the shorter
_BESIDE = 2.5  # sides that its word may be away
_TOUCHING = 1.0  # points between boxes that are cells of a grid
_MOST = 300  # of a page: more are a drawing


class Shape(NamedTuple):
    """A small drawn outline: left, bottom, right, top in points, and whether it is empty: stroked, not filled."""

    x0: float
    y0: float
    x1: float
    y1: float
    is_empty: bool

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        return self.x0 < x < self.x1 and self.y0 < y < self.y1


def may_be_of_box(x0: float, y0: float, x1: float, y1: float) -> bool:
    """Whether something so large may be a box, or a mark in one."""
    return x1 - x0 <= _SIDES[1] and y1 - y0 <= _SIDES[1]


def box_words(squares: Sequence[Shape], marks: Sequence[Shape], words: Sequence[PageWord]) -> Iterator[PageWord]:
    """A word for each box, "[x]" or "[ ]", on the line of the word beside it.

    Args:
        squares: rectangles; those that are no squares, touch others or hold a word are no boxes.
        marks: all other small outlines, of which those in a box are its tick.
    """
    boxes = [shape for shape in squares if shape.is_empty and _is_square(shape)]
    if not 0 < len(boxes) <= _MOST:
        return
    upright = [word for word in words if word.style.angle == 0]
    for box in boxes:
        if any(other is not box and _touch(box, other) for other in squares):
            continue
        side = box.y1 - box.y0
        line = [word for word in upright if box.y0 - 0.6 * side < word.base < box.y0 + 0.6 * side]
        if any(box.holds((word.x0 + word.x1) / 2, (box.y0 + box.y1) / 2) for word in line):
            continue
        beside = [word for word in line if 0 <= word.x0 - box.x1 < _BESIDE * side and word.style.size < 2.5 * side]
        if not beside:
            continue
        label = min(beside, key=lambda word: word.x0)
        is_ticked = any(box.holds((m.x0 + m.x1) / 2, (m.y0 + m.y1) / 2) for m in marks)
        style = FontStyle(label.style.size, False, label.style.mono, 0)
        yield PageWord("[x]" if is_ticked else "[ ]", box.x0, box.x1, label.base, style)


def _is_square(shape: Shape) -> bool:
    width, height = shape.x1 - shape.x0, shape.y1 - shape.y0
    shorter, longer = sorted((width, height))
    return _SIDES[0] <= shorter and longer <= _SIDES[1] and longer <= _SQUARE * shorter


def _touch(box: Shape, other: Shape) -> bool:
    return (
        box.x0 - _TOUCHING < other.x1
        and other.x0 < box.x1 + _TOUCHING
        and box.y0 - _TOUCHING < other.y1
        and other.y0 < box.y1 + _TOUCHING
    )
