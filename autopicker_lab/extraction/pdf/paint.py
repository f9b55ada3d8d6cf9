"""How text is painted: in which colour, or not at all."""

from __future__ import annotations

import ctypes
from typing import Any

_WHITE = 0xF0  # a channel's value from which a colour is nearly that of paper
_TRANSPARENT = 0x10
_UNPAINTED = (3, 7)  # text rendering modes: not painted, only clips


class PaintProbe:
    """Tells which text objects are set in white, fully transparent, or not painted at all."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._channels = [ctypes.c_uint() for _ in range(4)]
        self._refs = [ctypes.byref(channel) for channel in self._channels]

    def is_faint(self, text: Any) -> bool | None:
        """Whether a text object is white or transparent; None where it is not painted at all."""
        if self._raw.FPDFTextObj_GetTextRenderMode(text) in _UNPAINTED:
            return None
        if not self._raw.FPDFPageObj_GetFillColor(text, *self._refs):
            return False
        red, green, blue, alpha = (channel.value for channel in self._channels)
        return alpha <= _TRANSPARENT or min(red, green, blue) >= _WHITE
