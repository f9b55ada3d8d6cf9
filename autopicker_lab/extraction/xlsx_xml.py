"""What calamine does not tell of an XLSX: errors, formulas, comments and charts, and whether it would burst.

Sheets are searched as bytes, not parsed: a pass over 120,000 cells takes some 60 ms.
"""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autopicker_lab.core import Cell
from autopicker_lab.extraction.ooxml import chart_table, parse_xml

MAX_AREA = 5_000_000  # cells between the corners of a sheet: calamine allocates them all
_MAX_FORMULAS = 50_000
_ROW = re.compile(rb"<row [^>]*?\br=\"(\d{1,7})\"")
_WIDE = re.compile(rb" r=\"([A-Z]{2,3})\d")
_UNUSUAL = re.compile(rb"r='|r =|r= |:row[ >]|:c[ >]|\tr=|\nr=")
_REFERENCE = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_ERROR = re.compile(
    rb"<(?:\w+:)?c\s(?=[^>]*\bt=[\"']e[\"'])[^>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*>(.*?)</(?:\w+:)?c>"
)
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)</")
_FORMULA = re.compile(
    rb"<(?:\w+:)?c\s[^>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*>\s*<(?:\w+:)?f\b[^>]*>([^<]+)</(?:\w+:)?f>"
    rb"\s*(<(?:\w+:)?v>[^<])?"
)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
Place = tuple[int, int]  # row and column from 0


@dataclass
class SheetNotes:
    """Beside the values of one sheet.

    Attributes:
        errors: what cells show that could not be computed: #DIV/0! and the like.
        formulas: as Excel writes them after "=", of a shared formula only the first cell's.
        uncomputed: cells whose formula was never computed, so that no value was saved.
    """

    sparse: bool = False
    errors: dict[Place, str] = field(default_factory=dict)
    formulas: dict[Place, str] = field(default_factory=dict)
    uncomputed: set[Place] = field(default_factory=set)
    comments: dict[str, str] = field(default_factory=dict)


def read_notes(archive: zipfile.ZipFile) -> tuple[dict[str, SheetNotes], list[str]]:
    """Notes by sheet name, and the titles of the charts."""
    names = {name.lower(): name for name in archive.namelist()}
    sheets = _sheet_paths(archive, names)
    notes = {title: _notes(archive.read(path), _comments(archive, names, path)) for title, path in sheets.items()}
    if not notes:  # a workbook that hides its sheets: look at all of them
        paths = [name for low, name in names.items() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", low)]
        notes = {path: _notes(archive.read(path), {}) for path in paths}
    charts: list[str] = []
    for low in sorted(names):
        if re.fullmatch(r"xl/charts/chart\d*\.xml", low):
            table = chart_table(parse_xml(archive.read(names[low])), f"chart {len(charts) + 1}")
            charts.append(table.label if table else f"chart {len(charts) + 1}")
    return notes, charts


def _sheet_paths(archive: zipfile.ZipFile, names: Mapping[str, str]) -> dict[str, str]:
    if "xl/workbook.xml" not in names:
        return {}
    targets = _relations(archive, names, "xl/workbook.xml")
    found: dict[str, str] = {}
    for element in parse_xml(archive.read(names["xl/workbook.xml"])).iter("{*}sheet"):
        path = targets.get(element.get(_RELATION) or element.get("{*}id") or "", ("", ""))[1]
        if path.lower() in names:
            found[element.get("name") or ""] = names[path.lower()]
    return found


def _relations(archive: zipfile.ZipFile, names: Mapping[str, str], path: str) -> dict[str, tuple[str, str]]:
    """Id -> (kind, path in the archive) of what a part refers to."""
    folder, name = posixpath.split(path)
    rels = names.get(f"{folder}/_rels/{name}.rels".lower())
    if rels is None:
        return {}
    return {
        item.get("Id") or "": (
            (item.get("Type") or "").rsplit("/", 1)[-1],
            posixpath.normpath(posixpath.join(folder, item.get("Target") or "")).lstrip("/")
            if not (item.get("Target") or "").startswith("/")
            else (item.get("Target") or "").lstrip("/"),
        )
        for item in parse_xml(archive.read(rels)).iter("{*}Relationship")
    }


def _comments(archive: zipfile.ZipFile, names: Mapping[str, str], path: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, target in _relations(archive, names, path).values():
        if kind == "comments" and target.lower() in names:
            for comment in parse_xml(archive.read(names[target.lower()])).iter("{*}comment"):
                text = " ".join("".join(t.text or "" for t in comment.iter("{*}t")).split())
                found[comment.get("ref") or ""] = text
    return found


def _notes(data: bytes, comments: dict[str, str]) -> SheetNotes:
    notes = SheetNotes(sparse=_is_sparse(data), comments=comments)
    if b't="e"' in data or b"t='e'" in data:
        for column, row, inside in _ERROR.findall(data)[:_MAX_FORMULAS]:
            value = _VALUE.search(inside)
            notes.errors[_place(column, row)] = value[1].decode("utf-8", "replace") if value else "#ERROR"
    if b"<f" in data or b":f>" in data:
        for count, match in enumerate(_FORMULA.finditer(data)):
            if count >= _MAX_FORMULAS:
                break
            place = _place(match[1], match[2])
            notes.formulas[place] = html.unescape(match[3].decode("utf-8", "replace"))
            if match[4] is None:
                notes.uncomputed.add(place)
    return notes


def _is_sparse(data: bytes) -> bool:
    """Whether the sheet's corners span more cells than may be allocated."""
    rows = [] if _UNUSUAL.search(data) else [int(number) for number in _ROW.findall(data)]
    widest = max(map(len, _WIDE.findall(data)), default=1) if rows else 3
    if rows and (max(rows) - min(rows) + 1) * 26**widest <= MAX_AREA:
        return False
    found = [_place(column, row) for column, row in _REFERENCE.findall(data)]
    if not found:
        return False
    height = max(row for row, _ in found) - min(row for row, _ in found) + 1
    width = max(column for _, column in found) - min(column for _, column in found) + 1
    return height * width > max(MAX_AREA, 20 * len(found))


def _place(column: bytes, row: bytes) -> Place:
    return int(row) - 1, column_number(column)


def column_number(letters: bytes) -> int:
    """A column's index from 0: A is 0, Z 25, AA 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def reference(place: Place) -> str:
    """A cell's name: (0, 0) is A1."""
    row, column = place
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def patched(rows: list[tuple[Cell, ...]], start: Place, notes: SheetNotes) -> list[tuple[Cell, ...]]:
    """Rows from `start` with the errors, and the formulas that have no value, written into their empty cells."""
    marks: dict[Place, Any] = {**{p: f"={notes.formulas[p]}" for p in notes.uncomputed}, **notes.errors}
    changed = {row: list(rows[row]) for r, _ in marks if 0 <= (row := r - start[0]) < len(rows)}
    for (r, c), text in marks.items():
        row, column = r - start[0], c - start[1]
        if row in changed and 0 <= column < len(changed[row]) and changed[row][column] is None:
            changed[row][column] = text
    return [tuple(changed[i]) if i in changed else row for i, row in enumerate(rows)]
