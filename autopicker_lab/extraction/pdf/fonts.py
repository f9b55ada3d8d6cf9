"""The type of text objects: size, weight, width and angle."""

from __future__ import annotations

import ctypes
import math
import re
from typing import Any, NamedTuple

_BOLD = re.compile(r"bold|black|heavy|demi|cmbx|sfbx|bx\d+$|-bd\b", re.IGNORECASE)
_MONO = re.compile(r"mono|courier|consol|cmtt|sftt|menlo|typewriter|inconsolata", re.IGNORECASE)


class FontStyle(NamedTuple):
    """Type of a run of characters: size in points, weight and width by the font's name, angle in degrees."""

    size: float
    bold: bool
    mono: bool
    angle: int


def style_of(raw: Any, pointer: Any, matrix: Any, fonts: dict[int, tuple[bool, bool]]) -> FontStyle:
    """The type of a text object, by pdfium's handle and its matrix; `fonts` keeps what is known of each font."""
    points = ctypes.c_float()
    raw.FPDFTextObj_GetFontSize(pointer, ctypes.byref(points))
    size = abs(points.value) * (math.hypot(matrix.c, matrix.d) or 1.0)
    angle = _angle(matrix.a, matrix.b) if matrix.b or matrix.a < 0 else 0
    font = raw.FPDFTextObj_GetFont(pointer)
    key = ctypes.addressof(font.contents) if font else 0
    if key not in fonts:
        fonts[key] = _font(raw, font) if font else (False, False)
    bold, mono = fonts[key]
    return FontStyle(round(size, 1) or 1.0, bold, mono, angle)


def _angle(across: float, up: float) -> int:
    """The angle of a direction in degrees; a right one where it is nearly that."""
    angle = round(math.degrees(math.atan2(up, across))) % 360
    return next((a for a in (0, 90, 180, 270) if min(abs(angle - a), 360 - abs(angle - a)) <= 3), angle)


def _font(raw: Any, font: Any) -> tuple[bool, bool]:
    length = raw.FPDFFont_GetBaseFontName(font, None, 0)
    buffer = ctypes.create_string_buffer(max(length, 1))
    raw.FPDFFont_GetBaseFontName(font, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_char)), length)
    name = buffer.value.decode("utf-8", "replace")
    return bool(_BOLD.search(name)) or raw.FPDFFont_GetWeight(font) >= 600, bool(_MONO.search(name))
