"""Parts of an XLSX that calamine does not read: errors, formulas, comments, charts, and how far cells stand apart.

Sheets are searched as bytes, not parsed: a pass over 120,000 cells takes some 60 ms.
"""

from __future__ import annotations

import html
import io
import itertools
import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.places import column_letters
from autopicker_lab.extraction.ooxml import chart_table, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from autopicker_lab.core import Cell

MAX_AREA = 5_000_000  # cells between the corners of all sheets: calamine allocates them
_MAX_FORMULAS = 50_000
_ROW = re.compile(rb"<row [^<>]*?\br=\"(\d{1,7})\"")
_WIDE = re.compile(rb" r=\"([A-Z]{2,3})\d")
_UNUSUAL = re.compile(rb"r='|r =|r= |:row[ >]|:c[ >]|\tr=|\nr=")
_CELL = rb"<(?:\w+:)?c\s[^<>]*?\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"']"
_REFERENCE = re.compile(_CELL)
_ERROR_CELL = re.compile(rb"<(?:\w+:)?c\s(?=[^<>]*\bt=[\"']e[\"'])[^<>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^<>]*>")
_VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^<>]*)?>([^<]*)</")
_FORMULA = re.compile(
    _CELL + rb"([^<>]*)>\s*<(?:\w+:)?f\b[^<>]*>([^<]+)</(?:\w+:)?f>(\s*<(?:\w+:)?v(?:\s[^<>]*)?>[^<])?"
)
_MERGES = re.compile(rb"<(?:\w+:)?mergeCells.*?</(?:\w+:)?mergeCells>", re.DOTALL)
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
CellPosition = tuple[int, int]  # row and column from 0


@dataclass
class SheetNotes:
    """What stands in one sheet beside its values.

    Attributes:
        area: number of cells between the corners of the sheet, at most.
        filled: number of cells that exist.
        errors: text of cells that could not be computed: #DIV/0! and the like.
        formulas: as Excel writes them after "=", of a shared formula only the first cell's.
        uncomputed: cells whose formula was never computed, so that no value was saved.
        comments: text by cell reference.
    """

    area: int = 0
    filled: int = 0
    errors: dict[CellPosition, str] = field(default_factory=dict)
    formulas: dict[CellPosition, str] = field(default_factory=dict)
    uncomputed: set[CellPosition] = field(default_factory=set)
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


def is_sparse(notes: Iterable[SheetNotes]) -> bool:
    """Whether the corners of the sheets span more cells than may be allocated, while few of them exist."""
    sheets = list(notes)
    area, filled = sum(note.area for note in sheets), sum(note.filled for note in sheets)
    return area > max(MAX_AREA, 20 * filled)


def _sheet_paths(archive: zipfile.ZipFile, names: Mapping[str, str]) -> dict[str, str]:
    if "xl/workbook.xml" not in names:
        return {}
    targets = _relations(archive, names, "xl/workbook.xml")
    paths: dict[str, str] = {}
    for element in parse_xml(archive.read(names["xl/workbook.xml"])).iter("{*}sheet"):
        path = targets.get(element.get(_RELATION) or element.get("{*}id") or "", ("", ""))[1]
        if path.lower() in names:
            paths[element.get("name") or ""] = names[path.lower()]
    return paths


def _relations(archive: zipfile.ZipFile, names: Mapping[str, str], path: str) -> dict[str, tuple[str, str]]:
    """The parts that a part refers to: id -> (kind, path in the archive)."""
    folder, name = posixpath.split(path)
    rels = names.get(f"{folder}/_rels/{name}.rels".lower())
    if rels is None:
        return {}
    return {
        item.get("Id") or "": (
            (item.get("Type") or "").rsplit("/", 1)[-1],
            posixpath.normpath(posixpath.join("/", folder, item.get("Target") or "")).lstrip("/"),
        )
        for item in parse_xml(archive.read(rels)).iter("{*}Relationship")
    }


def _comments(archive: zipfile.ZipFile, names: Mapping[str, str], path: str) -> dict[str, str]:
    comments: dict[str, str] = {}
    for kind, target in _relations(archive, names, path).values():
        if kind == "comments" and target.lower() in names:
            for comment in parse_xml(archive.read(names[target.lower()])).iter("{*}comment"):
                text = " ".join("".join(t.text or "" for t in comment.iter("{*}t")).split())
                comments[comment.get("ref") or ""] = text
    return comments


def _notes(data: bytes, comments: dict[str, str]) -> SheetNotes:
    notes = SheetNotes(*_area(data), comments=comments)
    if b't="e"' in data or b"t='e'" in data:
        for match in itertools.islice(_ERROR_CELL.finditer(data), _MAX_FORMULAS):
            value = _VALUE.search(data, match.end(), match.end() + 20_000)
            notes.errors[_position(match[1], match[2])] = value[1].decode("utf-8", "replace") if value else "#ERROR"
    if b"<f" in data or b":f>" in data:
        for match in itertools.islice(_FORMULA.finditer(data), _MAX_FORMULAS):
            position = _position(match[1], match[2])
            notes.formulas[position] = html.unescape(match[4].decode("utf-8", "replace"))
            if match[5] is None and b'"str"' not in match[3]:  # a text that is empty is a value
                notes.uncomputed.add(position)
    return notes


def _area(data: bytes) -> tuple[int, int]:
    """Number of cells between the sheet's corners, at most, and number of cells that exist."""
    rows = [] if _UNUSUAL.search(data) else [int(number) for number in _ROW.findall(data)]
    widest = max(map(len, _WIDE.findall(data)), default=1) if rows else 3
    if rows and (bound := (max(rows) - min(rows) + 1) * 26**widest) <= MAX_AREA // 10:
        return bound, data.count(b"<c ")
    cells = [_position(column, row) for column, row in _REFERENCE.findall(data)]
    if not cells:
        return 0, 0
    height = max(row for row, _ in cells) - min(row for row, _ in cells) + 1
    width = max(column for _, column in cells) - min(column for _, column in cells) + 1
    return height * width, len(cells)


def remove_merges(data: bytes) -> bytes:
    """The bytes of a workbook without its merged ranges, which openpyxl would fill cell by cell."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.lower().startswith("xl/worksheets/"):
                content = _MERGES.sub(b"", content)
            copy.writestr(entry.filename, content)
    return out.getvalue()


def _position(column: bytes, row: bytes) -> CellPosition:
    return int(row) - 1, column_number(column)


def column_number(letters: bytes) -> int:
    """A column's index from 0: A is 0, Z 25, AA 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def cell_reference(position: CellPosition) -> str:
    """The name of a cell: (0, 0) is A1."""
    row, column = position
    return f"{column_letters(column + 1)}{row + 1}"


def insert_notes(
    rows: list[tuple[Cell, ...]], start: CellPosition, notes: SheetNotes
) -> tuple[list[tuple[Cell, ...]], CellPosition]:
    """Rows with errors, and formulas without a value, written into their cells; and the first cell of the rows."""
    texts: dict[CellPosition, Any] = {**{p: f"={notes.formulas[p]}" for p in notes.uncomputed}, **notes.errors}
    if not texts:
        return rows, start
    if not rows:
        start = (min(row for row, _ in texts), min(column for _, column in texts))
    width = max(map(len, rows), default=0)
    top, left = min(start[0], *(r for r, _ in texts)), min(start[1], *(c for _, c in texts))
    bottom = max(start[0] + len(rows) - 1, *(r for r, _ in texts))
    right = max(start[1] + width - 1, *(c for _, c in texts))
    if (bottom - top + 1) * (right - left + 1) > MAX_AREA:
        return rows, start
    grid: list[list[Cell]] = [[None] * (right - left + 1) for _ in range(bottom - top + 1)]
    for r, row in enumerate(rows, start[0] - top):
        grid[r][start[1] - left : start[1] - left + len(row)] = row
    for (r, c), text in texts.items():
        if grid[r - top][c - left] is None:
            grid[r - top][c - left] = text
    return [tuple(row) for row in grid], (top, left)
