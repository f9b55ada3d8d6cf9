"""The frames of an animation, and the pages of a picture, that show something new."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from autopicker_lab.extraction.raster import FRAMES_CHECKED, frame_count, to_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image as Picture

MAX_FRAMES = 8  # of an animation that are read, or shown to a model
_COMPARED = 512  # pixels of a side at which frames are compared
_CHANGED = 40  # levels of 255 by which a pixel of a new frame differs
_NEW_SHARE = 0.0005  # share of pixels that differ in a frame that shows something new


def distinct_frames(picture: Picture, first: Picture) -> Iterator[tuple[int, Picture]]:
    """The first frame, and those that look unlike the one before, with their numbers from 1; at most eight."""
    from PIL import ImageChops

    def small(frame: Picture) -> Picture:
        share = min(_COMPARED / max(frame.size), 1.0)
        return frame.resize((max(round(frame.width * share), 1), max(round(frame.height * share), 1)), reducing_gap=1.5)

    yield 1, first
    count, before = 1, small(first)
    for index in range(1, min(frame_count(picture), FRAMES_CHECKED)):
        try:
            picture.seek(index)
            frame = to_rgb(picture)
        except (OSError, SyntaxError, ValueError):
            return  # cut off: those before it are sound
        now = small(frame)
        bands = ImageChops.difference(now, before).split()
        changed = sum(functools.reduce(ImageChops.lighter, bands).histogram()[_CHANGED:])
        if changed <= _NEW_SHARE * now.width * now.height:
            continue
        yield index + 1, frame
        count, before = count + 1, now
        if count == MAX_FRAMES:
            return
