"""Links that formulas make: HYPERLINK("https://ferry.example/"&A2, "open")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from autopicker_lab.extraction.sheets.model import column_number

if TYPE_CHECKING:
    from autopicker_lab.extraction.sheets.model import Sheet, SheetNotes

_PIECE = r'(?:"(?:[^"]|"")*"|\$?[A-Z]{1,3}\$?\d{1,7})'
_LINKING = re.compile(rf"\s*HYPERLINK\(\s*({_PIECE}(?:\s*&\s*{_PIECE})*)\s*[,)]", re.IGNORECASE)


def find_formula_links(sheet: Sheet, notes: SheetNotes) -> None:
    """Add the addresses that formulas join of texts and of cells of their own sheet to the links."""
    for position, formula in notes.formulas.items():
        if match := _LINKING.match(formula):
            address = "".join(_piece(piece, sheet) for piece in re.findall(_PIECE, match[1]))
            if address:
                notes.links[position] = address


def _piece(piece: str, sheet: Sheet) -> str:
    if piece.startswith('"'):
        return piece[1:-1].replace('""', '"')
    letters, number = re.fullmatch(r"\$?([A-Za-z]+)\$?(\d+)", piece).groups()  # type: ignore[union-attr]  # by _PIECE
    place = sheet.locate((int(number) - 1, column_number(letters.upper().encode())))
    value = sheet.rows[place[0]][place[1]] if place else None
    return "" if value is None else str(value)
