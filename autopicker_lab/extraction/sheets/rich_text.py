"""Texts of cells whose characters differ: raised, lowered and struck ones marked, as in documents (10⁶, ~~old~~)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.marks import LOWERED, LOWERED_END, RAISED, RAISED_END, STRUCK, STRUCK_END, resolved

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from autopicker_lab.core import Cell
    from autopicker_lab.extraction.sheets.model import CellPosition, Sheet

_SIGNS = (b"vertAlign", b"<strike", b":strike")
_SCRIPTS = {
    "superscript": (RAISED, RAISED_END),
    "subscript": (LOWERED, LOWERED_END),
    1: (RAISED, RAISED_END),
    2: (LOWERED, LOWERED_END),
}
_ESCAPE = re.compile(r"_x((?!D[89A-F])[0-9A-F]{4})_", re.IGNORECASE)  # of what XML cannot hold: _x000D_
_OFF = ("0", "false", "off")


def may_be_marked(data: bytes) -> bool:
    """Whether XML of a workbook has runs that are raised, lowered or struck."""
    return any(sign in data for sign in _SIGNS)


def text_of(item: Any) -> str:
    """The text of a string of a workbook, its runs joined and marked, without phonetic readings."""
    runs = []
    for text in item.iter("{*}t"):
        parent = text.getparent()
        if parent.tag.endswith("}rPh") or not text.text:
            continue
        properties = parent.find("{*}rPr")
        script = properties.find("{*}vertAlign") if properties is not None else None
        strike = properties.find("{*}strike") if properties is not None else None
        is_struck = strike is not None and strike.get("val") not in _OFF
        runs.append((text.text, None if script is None else script.get("val"), is_struck))
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), marked(runs))


def marked(runs: Iterable[tuple[str, object, bool]]) -> str:
    """Runs as one text: of each its text, how it is raised or lowered ("superscript", or 1), whether it is struck."""
    pieces = []
    for text, script, is_struck in runs:
        before, after = _SCRIPTS.get(script, ("", "")) if text.strip() else ("", "")
        pieces.append(f"{STRUCK}{before}{text}{after}{STRUCK_END}" if is_struck else f"{before}{text}{after}")
    return resolved("".join(pieces), ())


_SHARED_CELL = re.compile(
    rb"<(?:\w+:)?c\s(?>[^<>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'])[^<>]*>\s*<(?:\w+:)?v>(\d{1,9})</"
)


def shared_cells(data: bytes, indices: set[int]) -> Iterator[tuple[bytes, bytes, int]]:
    """Column, row and number of the string of each cell of a sheet that names one of these strings."""
    for match in _SHARED_CELL.finditer(data):
        if int(match[3]) in indices and re.search(rb"\bt=[\"']s[\"']", match[0]):
            yield match[1], match[2], int(match[3])


def of_xls(book: Any, text: str, runs: Sequence[tuple[int, int]]) -> str:
    """A text of an XLS, given where each of its fonts begins, as xlrd tells them."""
    edges = [*runs, (len(text), 0)]
    pieces: list[tuple[str, object, bool]] = [(text[: edges[0][0]], None, False)]
    for (start, number), (stop, _) in pairwise(edges):
        font = book.font_list[number] if number < len(book.font_list) else None
        pieces.append((text[start:stop], getattr(font, "escapement", None), bool(getattr(font, "struck_out", 0))))
    return marked(pieces)


def put(sheet: Sheet, texts: dict[CellPosition, str]) -> None:
    """Write texts into the cells of a sheet in place of those without marks."""
    for position, text in texts.items():
        if place := sheet.locate(position):
            row: list[Cell] = list(sheet.rows[place[0]])
            if isinstance(row[place[1]], str):
                row[place[1]] = text
                sheet.rows[place[0]] = tuple(row)
