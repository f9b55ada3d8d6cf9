"""Pictures of text that stand askew: by how much, and turned level."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

    from autopicker_lab.core.places import Box

_SIDE = 600  # pixels at which the tilt is looked for
_MOST = 20  # degrees
_LEAST = 0.7  # degrees: of less the engines do not mind
_EDGE = 30  # levels of 255 between a letter and its background
_CLEARER, _A_DEGREE = 1.12, 0.03  # how much sharper lines must stand out when they are turned level; more for more


def tilt_of(image: Image) -> float:
    """Degrees, counter-clockwise, by which to turn a picture so that its lines stand level; 0 where they do.

    Rows of pixels change most from letters to blanks where lines are level: the projection profile of Postl, "Detection
    of linear oblique structures and skew scan in digitized documents", ICPR 1986.
    """
    import numpy

    edges = _edges(image)
    if edges is None:
        return 0.0
    flat = _sharpness(edges, 0.0)
    coarse = numpy.arange(-_MOST, _MOST + 1, 1.0)
    best = max(coarse, key=lambda degrees: _sharpness(edges, degrees))
    fine = numpy.arange(best - 0.75, best + 0.76, 0.25)
    angle = float(max(fine, key=lambda degrees: _sharpness(edges, degrees)))
    if (
        abs(angle) < _LEAST
        or abs(angle) > _MOST - 1
        or _sharpness(edges, angle) < (_CLEARER + _A_DEGREE * abs(angle)) * flat
    ):
        return 0.0
    return angle


def turned_level(image: Image, degrees: float) -> Image:
    """A picture turned by its tilt, large enough to hold its corners."""
    from PIL import Image as Pictures

    if not degrees:
        return image
    corner = image.getpixel((0, 0))
    return image.rotate(degrees, Pictures.Resampling.BICUBIC, expand=True, fillcolor=corner)


def size_level(size: tuple[int, int], degrees: float) -> tuple[float, float]:
    """Width and height of a picture that was turned level."""
    cos, sin = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    return size[0] * cos + size[1] * sin, size[0] * sin + size[1] * cos


def tilted_back(box: Box, size: tuple[int, int], degrees: float) -> Box:
    """A box in a picture that was turned level, in shares of its sides, around the same place of it as it came.

    Args:
        size: width and height in pixels of the picture as it came.
    """
    if not degrees:
        return box
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    width, height = size
    level = size_level(size, degrees)
    corners = [((x - 0.5) * level[0], (y - 0.5) * level[1]) for x in (box[0], box[2]) for y in (box[1], box[3])]
    across = [0.5 + (x * cos - y * sin) / width for x, y in corners]
    down = [0.5 + (x * sin + y * cos) / height for x, y in corners]
    left, top, right, bottom = (
        round(min(max(edge, 0.0), 1.0), 4) for edge in (min(across), min(down), max(across), max(down))
    )
    return left, top, right, bottom


def _edges(image: Image) -> Any:
    """Places of a small copy where the brightness changes within a few pixels, as (rows, columns); None for few."""
    import numpy

    share = min(_SIDE / max(image.size), 1.0)
    size = max(round(image.width * share), 2), max(round(image.height * share), 2)
    grey = numpy.asarray(image.convert("L").resize(size, reducing_gap=2.0)).astype(numpy.int16)
    rows, columns = numpy.nonzero(numpy.abs(numpy.diff(grey, axis=1)) > _EDGE)
    return None if len(rows) < 50 else (rows - size[1] / 2, columns - size[0] / 2)


def _sharpness(edges: Any, degrees: float) -> float:
    """How unevenly the edges fall on the rows of a picture turned by so many degrees."""
    import numpy

    rows, columns = edges
    angle = numpy.radians(degrees)
    turned = rows * numpy.cos(angle) - columns * numpy.sin(angle)
    counts = numpy.bincount((turned - turned.min()).astype(int)).astype(float)
    return float((counts**2).sum())
