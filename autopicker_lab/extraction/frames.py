"""The frames of an animation, and the pages of a picture, that show something new."""

from __future__ import annotations

import functools
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.extraction.raster import FRAMES_CHECKED, UNREADABLE, frame_count, seek_frame
from autopicker_lab.extraction.seen import to_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image as Picture

_COMPARED = 1600  # pixels of a side at which frames are compared
_CHANGED = 40  # levels of 255 by which a pixel of a new frame differs
_NEW_PIXELS = 8  # that differ in a frame that shows something new: part of a small letter
_BEFORE = 4  # frames that a new one differs from, so that what blinks is shown once


class DistinctFrames(NamedTuple):
    """The frames to show of a picture, from 1; how many differ; whether the file ends before its last frame.

    `named`: what a frame of it is called.
    """

    numbers: Sequence[int]
    differ: int
    is_cut: bool = False
    named: str = "frame"


def distinct_frames(picture: Picture, first: Picture, most: int) -> DistinctFrames:
    """The frames of an animation that look unlike those before them, evenly chosen where there are more than `most`.

    Of a file of pages, the first.
    """
    count = frame_count(picture)
    found, before = [1], deque([_small(first)], _BEFORE)
    is_cut = False
    for number in range(2, min(count, FRAMES_CHECKED) + 1):
        frame = _frame(picture, number)
        if frame is None:
            is_cut = True
            break
        now = _small(frame)
        if all(_differ(now, other) for other in before):
            found.append(number)
            before.appendleft(now)
    if picture.format == "TIFF":
        return DistinctFrames(found[:most], len(found), is_cut, "page")
    if len(found) <= most:
        return DistinctFrames(found, len(found), is_cut)
    chosen = [found[round(i * (len(found) - 1) / max(most - 1, 1))] for i in range(most)]
    return DistinctFrames(chosen, len(found), is_cut)


def frames_at(picture: Picture, first: Picture, numbers: Sequence[int]) -> Iterator[tuple[int, Picture]]:
    """Frames as RGB with their numbers, from 1; what cannot be read is passed over."""
    for number in numbers:
        frame = first if number == 1 else _frame(picture, number)
        if frame is not None:
            yield number, frame


def _frame(picture: Picture, number: int) -> Picture | None:
    with suppress(*UNREADABLE):
        return to_rgb(picture) if seek_frame(picture, number - 1) else None
    return None


def _small(frame: Picture) -> Picture:
    share = min(_COMPARED / max(frame.size), 1.0)
    if share == 1:
        return frame
    return frame.resize((max(round(frame.width * share), 1), max(round(frame.height * share), 1)), reducing_gap=1.5)


def _differ(one: Picture, other: Picture) -> bool:
    from PIL import ImageChops

    if one.size != other.size:
        return True
    bands = ImageChops.difference(one, other).split()
    return sum(functools.reduce(ImageChops.lighter, bands).histogram()[_CHANGED:]) >= _NEW_PIXELS
