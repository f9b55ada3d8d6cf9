"""Large pictures made smaller in pieces, so that what is decoded stands in memory once at most."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image as Picture

_STRIP = 64  # rows of what a picture is made smaller to, at a time
_MODES = ("L", "LA", "RGB", "RGBA")
_LARGE = 16_000_000  # pixels from which a picture is scaled in bands
_BAND = 256  # rows of what it is scaled to


def reduced(picture: Picture, factor: int) -> Picture:
    """A decoded picture with its sides divided by a whole number; other modes than grey and colours as they are."""
    if picture.mode not in _MODES:
        return picture
    width = picture.width
    # in strips, since Pillow copies what has alpha first
    return _of_strips(picture, factor, lambda top, bottom: picture.crop((0, top, width, bottom)))


def decoded_smaller(picture: Picture, data: bytes, factor: int) -> Picture | None:
    """A picture of one frame, of which only the header was read, as `reduced`; None where it has to be decoded first.

    Args:
        data: its file, bytes.
        factor: pixels of the picture, along each side, that become one.
    """
    if picture.mode not in _MODES:
        return None
    if picture.format == "WEBP" and not getattr(picture, "is_animated", False):
        return _webp(picture, data, factor)
    return _uncompressed(picture, data, factor)


def _uncompressed(picture: Picture, data: bytes, factor: int) -> Picture | None:
    """From pixels that stand in the file as they are, as in most BMP."""
    from PIL import Image

    tiles = getattr(picture, "tile", [])
    if len(tiles) != 1 or tiles[0][0] != "raw" or tiles[0][1] != (0, 0, *picture.size) or len(tiles[0][3]) != 3:
        return None
    offset, (order, stride, direction) = tiles[0][2:]
    width, height = picture.size
    if stride < width or offset + stride * height > len(data):
        return None

    def strip(top: int, bottom: int) -> Picture:
        first = height - bottom if direction < 0 else top
        rows = data[offset + first * stride : offset + (first + bottom - top) * stride]
        return Image.frombytes(picture.mode, (width, bottom - top), rows, "raw", order, stride, direction)

    return _of_strips(picture, factor, strip)


def _webp(picture: Picture, data: bytes, factor: int) -> Picture | None:
    """By FFmpeg, where it is installed: Pillow takes three times as much for a WebP as its pixels do."""
    if find_spec("av") is None:
        return None
    import av
    from PIL import Image

    size = -(-picture.width // factor), -(-picture.height // factor)
    form = "rgba" if picture.mode == "RGBA" else "rgb24"
    try:
        with av.open(io.BytesIO(data), "r") as container:
            container.streams.video[0].thread_count = 1
            frame = next(container.decode(video=0))
            pixels = frame.reformat(*size, format=form, interpolation="AREA").to_ndarray()
    except (av.FFmpegError, StopIteration, IndexError, ValueError, MemoryError):
        return None
    return _with_facts(Image.fromarray(pixels), picture)


def _of_strips(picture: Picture, factor: int, strip: Callable[[int, int], Picture]) -> Picture:
    from PIL import Image

    width, height = picture.size
    small = Image.new(picture.mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, _STRIP * factor):
        small.paste(strip(top, min(top + _STRIP * factor, height)).reduce(factor), (0, top // factor))
    return _with_facts(small, picture)


def _with_facts(small: Picture, picture: Picture) -> Picture:
    small.info = picture.info
    small.format = picture.format
    return small


def scaled(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture at another size; a large one in bands, since Pillow scales across first, which takes as much again.

    Args:
        size: width and height, pixels.
    """
    from PIL import Image

    if picture.width * picture.height < _LARGE:
        return picture.resize(size, reducing_gap=2.0)
    small = Image.new(picture.mode, size)
    share = picture.height / size[1]
    for top in range(0, size[1], _BAND):
        bottom = min(top + _BAND, size[1])
        box = (0, top * share, picture.width, min(bottom * share, picture.height))
        small.paste(picture.resize((size[0], bottom - top), box=box, reducing_gap=2.0), (0, top))
    return small
