"""Sheets of an XLSX read element by element: slowly, but also where they are damaged or cells stand far apart."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from autopicker_lab.extraction.sheets.model import column_number, dated, to_cell
from autopicker_lab.extraction.sheets.rich_text import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autopicker_lab.core import Cell
    from autopicker_lab.extraction.sheets.model import CellPosition
    from autopicker_lab.extraction.sheets.number_format import NumberFormat

_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_INDEX = re.compile(r"\d{1,9}", re.ASCII)
_CHARACTER = re.compile(rb"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")
_TRUE = ("1", "true")


def shared_strings(data: bytes) -> list[str]:
    """The texts that cells of type "s" name by number; phonetic readings left out."""
    import lxml.etree

    texts: list[str] = []
    if not data.strip():
        return texts
    for _, item in lxml.etree.iterparse(io.BytesIO(_readable(data)), tag="{*}si", recover=True, resolve_entities=False):
        texts.append(text_of(item))
        item.clear()
    return texts


def read_cells(
    data: bytes, strings: Sequence[str], formats: Sequence[NumberFormat], starts_1904: bool
) -> dict[CellPosition, Cell]:
    """The cells that exist in a sheet and have a value, as far as its XML can be read."""
    import lxml.etree

    cells: dict[CellPosition, Cell] = {}
    if not data.strip():
        return cells
    row = column = -1
    events = lxml.etree.iterparse(
        io.BytesIO(_readable(data)), ("start", "end"), tag=("{*}row", "{*}c"), recover=True, resolve_entities=False
    )
    for event, element in events:
        is_row = element.tag.endswith("row")
        if event == "start" and is_row:
            number = element.get("r") or ""
            row, column = int(number) - 1 if _INDEX.fullmatch(number) else row + 1, -1
        elif event == "start":
            continue
        elif not is_row:
            place = _REFERENCE.fullmatch(element.get("r") or "")
            row, column = (int(place[2]) - 1, column_number(place[1].encode())) if place else (row, column + 1)
            if (value := _value(element, strings, formats, starts_1904)) is not None:
                cells[max(row, 0), column] = value
        if event == "end":
            element.clear()
    return cells


def _readable(data: bytes) -> bytes:
    """XML without references to halves of characters, which no text can hold."""

    def known(match: re.Match[bytes]) -> bytes:
        number = int(match[1], 16) if match[1] else int(match[2])
        return b"&#xFFFD;" if 0xD800 <= number < 0xE000 else match[0]

    return _CHARACTER.sub(known, data)


def _value(cell: Any, strings: Sequence[str], formats: Sequence[NumberFormat], starts_1904: bool) -> Cell:
    kind = cell.get("t") or "n"
    text = cell.findtext("{*}v") or ""
    if kind == "inlineStr":
        return text_of(cell) or None
    if kind == "s":
        return strings[int(text)] or None if _INDEX.fullmatch(text) and int(text) < len(strings) else None
    if kind == "b":
        return text.strip().lower() in _TRUE if text else None
    if kind != "n" or not text:
        return text.removesuffix("T00:00:00").replace("T", " ") if kind == "d" else text or None
    try:
        number = float(text)
    except ValueError:
        return text
    style = cell.get("s") or "0"
    known = formats[int(style)] if _INDEX.fullmatch(style) and int(style) < len(formats) else None
    return dated(number, known.is_elapsed, starts_1904) if known and known.is_date else to_cell(number)
