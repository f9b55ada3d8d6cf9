"""Text that is drawn where nothing shows it: wholly outside what its drawing is clipped to."""

from __future__ import annotations

import ctypes
from typing import Any

_Box = tuple[float, float, float, float]
_SPARE = 0.25  # of the text's height: letters reach beyond their boxes


class ClipProbe:
    """Tells of page objects whether their clip leaves anything of them.

    Objects that are drawn under one clip share its outline, so that it is measured once: by the address of its first
    point.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._known: dict[tuple[int, int], _Box] = {}
        self._edges = [ctypes.c_float() for _ in range(4)]
        self._refs = [ctypes.byref(edge) for edge in self._edges]

    def cuts_away(self, item: Any) -> bool:
        """Whether an object lies wholly outside the box around its clip."""
        clip = self._raw.FPDFPageObj_GetClipPath(item)
        count = self._raw.FPDFClipPath_CountPaths(clip) if clip else 0
        if count <= 0 or not self._raw.FPDFPageObj_GetBounds(item, *self._refs):
            return False
        first = self._raw.FPDFClipPath_GetPathSegment(clip, count - 1, 0)
        key = count, ctypes.cast(first, ctypes.c_void_p).value or 0
        x0, y0, x1, y1 = (edge.value for edge in self._edges)
        box = self._known.get(key)
        if box is None:
            box = self._known[key] = self._box(clip, count)
        spare = _SPARE * (y1 - y0)
        return x1 < box[0] - spare or x0 > box[2] + spare or y1 < box[1] - spare or y0 > box[3] + spare

    def _box(self, clip: Any, count: int) -> _Box:
        """What the boxes around all paths of a clip have in common."""
        boxes = [self._path_box(clip, number) for number in range(count)]
        lefts, bottoms, rights, tops = zip(*boxes, strict=True)
        return max(lefts), max(bottoms), min(rights), min(tops)

    def _path_box(self, clip: Any, number: int) -> _Box:
        x, y = self._edges[:2]
        xs, ys = [], []
        for index in range(max(self._raw.FPDFClipPath_CountPathSegments(clip, number), 0)):
            segment = self._raw.FPDFClipPath_GetPathSegment(clip, number, index)
            if self._raw.FPDFPathSegment_GetPoint(segment, *self._refs[:2]):
                xs.append(x.value)
                ys.append(y.value)
        return (min(xs), min(ys), max(xs), max(ys)) if xs else (0.0, 0.0, 0.0, 0.0)
