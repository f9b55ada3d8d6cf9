"""The gaps between the letters of a recognised line, as its picture shows them: which of them are between words."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNKNOWN = 0.3  # heights of the letters: a gap between words where a line shows none
_SEEN = 0.06  # share of a line's height that is ink in a column of a letter


def gap_shares(text: str, pixels: Any, columns: Sequence[float]) -> tuple[float, ...]:
    """How wide the gap before each letter of a line is, in gaps between its words; nothing where that is not known.

    Args:
        pixels: the line, height x width x 3, 0 to 255.
        columns: where each of its letters (spaces left out) was recognised, in pixels from the left.
    """
    if len(text) < 2 or len("".join(text.split())) != len(columns):
        return ()
    gaps, height = _gaps(pixels, columns)
    shown = [gaps[at] for at in spaces_of(text) if gaps[at]]
    usual = statistics.median(shown) if shown else _UNKNOWN * height
    return tuple(gap / usual for gap in gaps)


def spaces_of(text: str) -> set[int]:
    """Before which letters a text has spaces, counted without them."""
    found, letters = set(), 0
    for word in text.split():
        found.add(letters)
        letters += len(word)
    return found - {0}


def _gaps(pixels: Any, columns: Sequence[float]) -> tuple[list[int], int]:
    """The widest gap before each letter, pixels, and how high the letters are."""
    import cv2
    import numpy

    grey = numpy.asarray(pixels).mean(axis=2).astype(numpy.uint8)
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = dark if 2 * dark.sum() < dark.size else 1 - dark
    rows = numpy.flatnonzero(ink.any(axis=1))
    seen = ink.sum(axis=0) > _SEEN * len(grey)
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], ~seen, [0]]).astype(numpy.int8)))
    starts, ends = edges[::2], edges[1::2]
    gaps = [0] * (len(columns) + 1)
    for before, start, end in zip(numpy.searchsorted(columns, (starts + ends) / 2), starts, ends, strict=True):
        if start and end < seen.size:
            gaps[before] = max(gaps[before], int(end - start))
    return gaps[: len(columns)], int(rows[-1] - rows[0] + 1) if len(rows) else len(grey)
