"""Tall and wide pictures cut, each piece read by itself: long screenshots keep their size, and memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from autopicker_lab.extraction.ocr.lines import PixelBox

_AT_ONCE = 512  # rows of pixels
_CHANGE = 24  # levels of 255
# Pixels that a strip reaches at most into its neighbours, to where they are emptiest: a line on the cut is seen whole.
_OVERLAP = 60


@dataclass(frozen=True)
class Strip:
    """Rows of a picture, read from `top` to `bottom`; it owns the lines whose middle is from `first` to `last`."""

    top: int
    bottom: int
    first: int
    last: int

    def crop(self, image: Image) -> Image:
        """Its part of the picture."""
        return image if image.height == self.bottom - self.top else image.crop((0, self.top, image.width, self.bottom))

    def owns(self, box: PixelBox) -> bool:
        """Whether a line of the picture belongs to this strip, not to its neighbour that sees it, too."""
        return self.first <= (box[1] + box[3]) / 2 < self.last


def cut_strips(image: Image, height: int) -> Iterator[Strip]:
    """Strips of about `height` pixels, cut where rows are emptiest; one where the picture is hardly taller.

    They reach into their neighbours, to where rows are emptiest as well.
    """
    if image.height <= 1.25 * height:
        yield Strip(0, image.height, -image.height, 2 * image.height)
        return
    busy = row_changes(image)
    first = 0
    while first < image.height:
        last = image.height
        if last - first > 1.25 * height:
            low = first + 3 * height // 4
            last = low + int(busy[low : first + height].argmin())
        above, below = busy[max(first - _OVERLAP, 0) : first + 1], busy[last : last + _OVERLAP + 1][::-1]
        top = first + 1 - len(above) + int(above.argmin()) if first else 0
        bottom = last + len(below) - 1 - int(below.argmin()) if last < image.height else last
        yield Strip(top, bottom, first if first else -1, last if last < image.height else last + 1)
        first = last


def cut_across(image: Image, width: int) -> Iterator[tuple[int, int]]:
    """The left and right of parts of at most `width` pixels, cut where columns are emptiest, as between two words."""
    left = 0
    if image.width > width:
        busy = _column_changes(image)
        while image.width - left > width:
            low = left + 3 * width // 4
            right = low + int(busy[low : left + width].argmin())
            yield left, right
            left = right
    yield left, image.width


def row_changes(image: Image) -> Any:
    """How often the brightness changes along each row, over the 13 rows around it: blank bands have none."""
    import numpy

    changes: list[int] = []
    for top in range(0, image.height, _AT_ONCE):  # of a whole long picture the numbers would take twice its memory
        rows = image.crop((0, top, image.width, min(top + _AT_ONCE, image.height)))
        grey = numpy.asarray(rows.convert("L")).astype(numpy.int16)
        changes += (abs(numpy.diff(grey, axis=1)) > _CHANGE).sum(axis=1).tolist()
    return numpy.convolve(changes, numpy.ones(13), "same")


def _column_changes(image: Image) -> Any:
    """How often the brightness changes down each column, over the 13 columns around it."""
    import numpy

    changes = numpy.zeros(image.width, numpy.int64)
    for top in range(0, image.height, _AT_ONCE):
        rows = image.crop((0, top, image.width, min(top + _AT_ONCE, image.height)))
        grey = numpy.asarray(rows.convert("L")).astype(numpy.int16)
        changes += (abs(numpy.diff(grey, axis=0)) > _CHANGE).sum(axis=0)
    return numpy.convolve(changes, numpy.ones(13), "same")
