"""Which style each cell of an XLS has, read from its records alone: much faster than a reader of all that it holds."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from autopicker_lab.extraction.sheets.model import CellPosition

_BEGIN, _END, _SHEET, _STYLE, _EPOCH = 0x809, 0x0A, 0x85, 0xE0, 0x22
_CELLS = frozenset((0x203, 0x27E, 0x06, 0xFD, 0x204, 0x205, 0xD6))  # row, column and style come first in each
_SEVERAL = 0xBD
_FONT, _STRUCK, _SCRIPTS = 0x31, 0x08, (1, 2)  # a bit of its options; raised and lowered
_LARGEST = 8228  # bytes of a record
_HEAD = struct.Struct("<HH")
_PLACE = struct.Struct("<HHH")


class ScatteredError(ValueError):
    """The records do not stand one after another in the file."""


def marks_text(data: bytes, start: int) -> bool:
    """Whether a workbook has a font that is raised, lowered or struck; `start` is where its records begin."""
    at = start
    while 0 <= at <= len(data) - 16:
        kind, size = _HEAD.unpack_from(data, at)
        if kind == _FONT and (data[at + 6] & _STRUCK or int.from_bytes(data[at + 12 : at + 14], "little") in _SCRIPTS):
            return True
        if kind in (_STYLE, _END) or size > _LARGEST:
            return False
        at += 4 + size
    return False


class StyledCells:
    """The cells of the worksheets of a workbook of Excel 97 and later, by the numbers of their styles.

    Attributes:
        formats: the number of the format of each style.
        starts_1904: whether its days count from 1904.

    Raises:
        ScatteredError: as soon as something is met that is no record.
    """

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start
        self.formats: list[int] = []
        self.starts_1904 = False
        self._sheets: list[int] = []
        at = start
        while True:
            kind, size = self._record(at)
            if kind == _STYLE:
                self.formats.append(int.from_bytes(data[at + 6 : at + 8], "little"))
            elif kind == _SHEET and data[at + 9] == 0:
                self._sheets.append(int.from_bytes(data[at + 4 : at + 8], "little"))
            elif kind == _EPOCH:
                self.starts_1904 = data[at + 4] == 1
            elif kind == _END:
                break
            at += 4 + size

    def of_sheets(self, styles: Collection[int]) -> list[dict[CellPosition, int]]:
        """For each worksheet the cells that have one of these styles."""
        return [self._of_sheet(self._start + offset, frozenset(styles)) for offset in self._sheets]

    def _of_sheet(self, at: int, styles: frozenset[int]) -> dict[CellPosition, int]:
        data, found = self._data, {}  # type: bytes, dict[CellPosition, int]
        if self._record(at)[0] != _BEGIN:
            raise ScatteredError
        depth = 0  # charts stand within
        while True:
            kind, size = self._record(at)
            if kind in _CELLS:
                row, column, style = _PLACE.unpack_from(data, at + 4)
                if style in styles:
                    found[row, column] = style
            elif kind == _SEVERAL:
                row, column, _ = _PLACE.unpack_from(data, at + 4)
                for number in range((size - 6) // 6):
                    style = int.from_bytes(data[at + 8 + 6 * number : at + 10 + 6 * number], "little")
                    if style in styles:
                        found[row, column + number] = style
            elif kind == _BEGIN:
                depth += 1
            elif kind == _END:
                depth -= 1
                if not depth:
                    return found
            at += 4 + size

    def _record(self, at: int) -> tuple[int, int]:
        if at + 4 > len(self._data):
            raise ScatteredError
        kind, size = _HEAD.unpack_from(self._data, at)
        if size > _LARGEST or not kind or kind > 0x1FFF:
            raise ScatteredError
        return kind, size
