"""The gaps between the letters of a recognised line, as its picture shows them: which of them are between words."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNKNOWN = 0.3  # heights of the letters: a gap between words where a line shows none
_ALIKE = 0.75  # share of the usual gap between words from which one more gap is between words, too
_SEEN = 0.03  # share of a line's height that is ink in a column of a letter


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


def hides_a_space(text: str, pixels: Any) -> bool:
    """Whether a line shows one more gap between words than its reading has."""
    words = len(text.split())
    if words < 2:
        return False
    runs, _ = _blank_runs(pixels)
    widest = sorted((end - start for start, end in runs), reverse=True)[:words]
    return len(widest) == words and widest[-1] >= _ALIKE * statistics.median(widest[:-1])


def widest_gap(pixels: Any) -> int:
    """The widest gap between the letters of a word, pixels."""
    runs, _ = _blank_runs(pixels)
    return max((end - start for start, end in runs), default=0)


def _gaps(pixels: Any, columns: Sequence[float]) -> tuple[list[int], int]:
    """The widest gap before each letter, pixels, and how high the letters are."""
    import numpy

    runs, height = _blank_runs(pixels)
    gaps = [0] * (len(columns) + 1)
    for (start, end), before in zip(runs, numpy.searchsorted(columns, [sum(run) / 2 for run in runs]), strict=True):
        gaps[before] = max(gaps[before], end - start)
    return gaps[: len(columns)], height


def columns_with_ink(pixels: Any) -> Any:
    """Which columns of a line hold more than a speck of ink, as an array of bool."""
    import numpy

    return _seen(_ink(numpy.asarray(pixels)))


def _blank_runs(pixels: Any) -> tuple[list[tuple[int, int]], int]:
    """Where columns without ink begin and end between the letters of a line, and how high the letters are."""
    import numpy

    ink = _ink(numpy.asarray(pixels))
    rows, seen = numpy.flatnonzero(ink.any(axis=1)), _seen(ink)
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], ~seen, [0]]).astype(numpy.int8))).tolist()
    runs = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start and end < seen.size]
    return runs, int(rows[-1] - rows[0] + 1) if len(rows) else len(ink)


def _ink(pixels: Any) -> Any:
    """1 where a line has ink, dark or light, else 0."""
    import cv2
    import numpy

    grey = pixels.mean(axis=2).astype(numpy.uint8)
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return dark if 2 * dark.sum() < dark.size else 1 - dark


def _seen(ink: Any) -> Any:
    return ink.sum(axis=0) > _SEEN * len(ink)
