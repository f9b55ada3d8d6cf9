"""Long and wide pictures read piece by piece, and what is read put where it stands in the whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.extraction.ocr.lines import OcrLine, OcrResult
from autopicker_lab.extraction.ocr.strips import cut_across, cut_strips
from autopicker_lab.runtime.memory import release_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from autopicker_lab.extraction.ocr.lines import PixelBox

_LONG = 2  # times as long as across: such a picture is cut
_STRIP = 1600  # pixels
_MAX_STRIPS = 40
_LARGE = 12_000_000  # pixels from which a wide picture is read in parts
_PART = 5_000_000  # pixels: whole, a picture would take an engine ten bytes each


def read_in_pieces(image: Image, read: Callable[[Image], OcrResult]) -> OcrResult:
    """The text of a picture, read strip by strip where it is tall, part by part where it is wide and large.

    Args:
        read: reads one piece.
    """
    if image.width >= _LONG * image.height and image.width * image.height > _LARGE:
        return _read_parts(image, read)
    if image.height >= _LONG * max(image.width, _STRIP):
        return _read_strips(image, read)
    return read(image)


def _read_strips(image: Image, read: Callable[[Image], OcrResult]) -> OcrResult:
    readings: list[tuple[PixelBox, OcrResult]] = []
    doubts: list[str] = []
    for index, strip in enumerate(cut_strips(image, _STRIP)):
        if index == _MAX_STRIPS:
            doubts.append(f"only the first {strip.first:,} of {image.height:,} rows of pixels were read")
            break
        result = read(strip.crop(image))
        release_memory(collect=False)
        if not result.rotation:
            owned = tuple(line for line in result.lines if strip.owns(line.moved(strip.top).box))
            result = replace(result, lines=owned)
        readings.append(((0, strip.top, image.width, strip.bottom), result))
    return _joined(image, readings, doubts)


def _read_parts(image: Image, read: Callable[[Image], OcrResult]) -> OcrResult:
    readings: list[tuple[PixelBox, OcrResult]] = []
    for left, right in cut_across(image, _PART // image.height):
        box = (left, 0, right, image.height)
        readings.append((box, read(image.crop(box))))
        release_memory(collect=False)
    return _joined(image, readings, [])


def _joined(image: Image, readings: list[tuple[PixelBox, OcrResult]], doubts: list[str]) -> OcrResult:
    """The lines of all pieces that were turned as most of the text was; of others it is said that they are left out."""
    letters: dict[int, int] = {}
    for _, result in readings:
        letters[result.rotation] = letters.get(result.rotation, 0) + len(result.text)
    turn = max(letters, key=lambda degrees: letters[degrees], default=0)
    lines: list[OcrLine] = []
    engines: dict[str, None] = {}
    said: dict[str, None] = {}
    for box, result in readings:
        said |= dict.fromkeys(result.doubts)
        if result.lines and result.rotation != turn:
            left, top, right, bottom = box
            place = f"from ({left:,}, {top:,}) to ({right:,}, {bottom:,})"
            said[f"text {place} is turned otherwise than the rest, and left out: cut it out and read it alone"] = None
        elif result.lines:
            right, down = _shift(box, turn, image)
            lines += [line.moved(down, right=right) for line in result.lines]
            engines |= dict.fromkeys(result.engine.split(", "))
    return OcrResult(tuple(lines), ", ".join(engines), turn, (*said, *doubts))


def _shift(box: PixelBox, turn: int, image: Image) -> tuple[int, int]:
    """By how many pixels right and down a piece's lines stand in the whole, both turned counter-clockwise."""
    left, top, right, bottom = box
    right, bottom = image.width - right, image.height - bottom
    return {90: (top, right), 180: (right, bottom), 270: (bottom, left)}.get(turn, (left, top))
