"""Which style each cell of an XLS has, read from its records alone: much faster than a reader of all that it holds."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from autopicker_lab.extraction.sheets.model import CellPosition

_BEGIN, _END, _SHEET, _STYLE, _EPOCH = 0x809, 0x0A, 0x85, 0xE0, 0x22
_CELLS = frozenset((0x203, 0x27E, 0x06, 0xFD, 0x204, 0x205, 0xD6))  # row, column and style come first in each
_SEVERAL = 0xBD
_FONT, _STRUCK, _SCRIPTS = 0x31, 0x08, (1, 2)  # a bit of its options; raised and lowered
_LARGEST = 8228  # bytes of a record
_HEAD = struct.Struct("<HH")
_PLACE = struct.Struct("<HHH")
_FONT_STYLE = struct.Struct("<HxxxxH")  # options; raised or lowered


class ScatteredError(ValueError):
    """The records do not stand one after another in the file."""


def marks_text(data: bytes, start: int) -> bool:
    """Whether a workbook has a font that is raised, lowered or struck; `start` is where its records begin."""
    try:
        for kind, at, _ in _records(data, start):
            if kind == _FONT and (
                data[at + 2] & _STRUCK or int.from_bytes(data[at + 8 : at + 10], "little") in _SCRIPTS
            ):
                return True
            if kind in (_STYLE, _END):
                break
    except (ScatteredError, struct.error):
        return False
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
        for kind, at, _ in _records(data, start):
            if kind == _STYLE:
                self.formats.append(int.from_bytes(data[at + 2 : at + 4], "little"))
            elif kind == _SHEET and data[at + 5] == 0:
                self._sheets.append(int.from_bytes(data[at : at + 4], "little"))
            elif kind == _EPOCH:
                self.starts_1904 = data[at] == 1
            elif kind == _END:
                break

    def of_sheets(self, styles: Collection[int]) -> list[dict[CellPosition, int]]:
        """For each worksheet the cells that have one of these styles."""
        return [self._of_sheet(self._start + offset, frozenset(styles)) for offset in self._sheets]

    def _of_sheet(self, start: int, styles: frozenset[int]) -> dict[CellPosition, int]:
        data, found = self._data, {}  # type: bytes, dict[CellPosition, int]
        if _HEAD.unpack_from(data, start)[0] != _BEGIN:
            raise ScatteredError
        depth = 0  # charts stand within
        for kind, at, size in _records(data, start):
            if kind in _CELLS:
                row, column, style = _PLACE.unpack_from(data, at)
                if style in styles:
                    found[row, column] = style
            elif kind == _SEVERAL:
                row, column, _ = _PLACE.unpack_from(data, at)
                for number in range((size - 6) // 6):
                    style = int.from_bytes(data[at + 4 + 6 * number : at + 6 + 6 * number], "little")
                    if style in styles:
                        found[row, column + number] = style
            elif kind == _BEGIN:
                depth += 1
            elif kind == _END:
                depth -= 1
                if not depth:
                    break
        return found


def _records(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The records from a place on: the kind, where the content begins, and its size."""
    end, head = len(data) - 4, _HEAD.unpack_from
    while at <= end:
        kind, size = head(data, at)
        if size > _LARGEST or not kind or kind > 0x1FFF:
            break
        yield kind, at + 4, size
        at += 4 + size
    raise ScatteredError
