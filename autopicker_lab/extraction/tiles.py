"""Long pictures cut into tiles that are as large as a model takes them, at places where nothing is cut in two."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from autopicker_lab.extraction.ocr.strips import row_changes

if TYPE_CHECKING:
    from PIL.Image import Image

_LONG = 2  # times as long as wide
_MARGIN = 30  # pixels that a tile reaches into its neighbours
_SLACK = 60  # pixels by which a cut is moved to an emptier place
_WHOLE = 1.25  # times the side: up to this a picture is scaled down as it is


def cut_tiles(picture: Image, side: int, room: int) -> list[Image]:
    """A picture as at most `room` pictures of at most `side` pixels a side; one that is not long is scaled down."""
    from PIL import Image as Pictures

    if picture.width > picture.height:
        turned = picture.transpose(Pictures.Transpose.TRANSPOSE)  # its left is the top: the first tile is the leftmost
        return [tile.transpose(Pictures.Transpose.TRANSPOSE) for tile in cut_tiles(turned, side, room)]
    step = side - 2 * (_MARGIN + _SLACK)
    scale = min(side / picture.width, 1.0)
    if room < 2 or step < side / 2 or picture.height < _LONG * picture.width or picture.height * scale < _WHOLE * side:
        return [_scaled(picture, min(side / picture.height, 1.0))]
    count = min(math.ceil(picture.height * scale / step), room)
    scaled = _scaled(picture, min(scale, count * step / picture.height))
    busy = row_changes(scaled)
    marks = [round(scaled.height * i / count) for i in range(1, count)]
    cuts = [0, *(m - _SLACK + int(busy[m - _SLACK : m + _SLACK].argmin()) for m in marks), scaled.height]
    bounds = [(max(a - _MARGIN, 0), min(b + _MARGIN, scaled.height)) for a, b in itertools.pairwise(cuts)]
    return [scaled.crop((0, top, scaled.width, bottom)) for top, bottom in bounds]


def _scaled(picture: Image, scale: float) -> Image:
    if scale >= 1:
        return picture
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    return picture.resize(size, reducing_gap=3.0)
