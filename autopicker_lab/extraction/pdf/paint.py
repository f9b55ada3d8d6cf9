"""How text and areas are painted: in which colour, or not at all."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

_WHITE = 0xF0  # a channel's value from which a colour is nearly that of paper
_TRANSPARENT = 0x10
_UNPAINTED = (3, 7)  # text rendering modes: not painted, only clips


class Paint(NamedTuple):
    """A colour, 0 to 255 a channel; not `painted` where text is only there to be searched."""

    red: int = 0
    green: int = 0
    blue: int = 0
    alpha: int = 255
    painted: bool = True

    @property
    def is_faint(self) -> bool:
        """Whether it may leave nothing to be seen on white paper."""
        return self.alpha <= _TRANSPARENT or min(self[:3]) >= _WHITE


class PaintProbe:
    """Reads with what text objects and paths are filled."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._channels = [ctypes.c_uint() for _ in range(4)]
        self._refs = [ctypes.byref(channel) for channel in self._channels]

    def of_text(self, text: Any) -> Paint:
        """The paint of a text object."""
        if self._raw.FPDFTextObj_GetTextRenderMode(text) in _UNPAINTED:
            return Paint(painted=False)
        return self.of_area(text)

    def of_area(self, item: Any) -> Paint:
        """The paint of a filled path; black where pdfium cannot tell."""
        if not self._raw.FPDFPageObj_GetFillColor(item, *self._refs):
            return Paint()
        red, green, blue, alpha = self._channels
        return Paint(red.value, green.value, blue.value, alpha.value)
