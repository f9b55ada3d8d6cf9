"""XLSX and XLS by calamine, every sheet as a table with a summary of its columns."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile, Table
from autopicker_lab.core.files import Cell
from autopicker_lab.extraction.columns import summarise
from autopicker_lab.extraction.ooxml import refuse_bombs

MAX_CELLS = 5_000_000
_REFERENCE = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"']")


def read_workbook(file: SourceFile) -> Document:
    import python_calamine

    if file.kind == "xlsx":
        refuse_bombs(file)
        sparse = _too_sparse(file)
    else:
        sparse = False
    if sparse:
        sheets = list(_sparse_sheets(file))
    else:
        try:
            with python_calamine.load_workbook(io.BytesIO(file.data)) as book:
                sheets = [
                    (meta.name, meta.visible == python_calamine.SheetVisibleEnum.Visible, _rows(book, meta.name))
                    for meta in book.sheets_metadata
                    if meta.typ == python_calamine.SheetTypeEnum.WorkSheet
                ]
        except python_calamine.PasswordError:
            raise CorruptFileError(f"'{file.name}' is encrypted", "save it without a password") from None
    parts = tuple(_part(name, shown, rows) for name, shown, rows in sheets)
    meta = {
        "sheets": [name for name, _, _ in sheets],
        "hidden_sheets": [name for name, shown, _ in sheets if not shown],
        "columns": {name: summarise(rows) for name, _, rows in sheets if len(rows) > 1},
    }
    warnings = ("cells stand far apart: empty rows and columns were left out",) if sparse else ()
    return Document(file.name, file.kind, parts, meta, warnings)


def _part(name: str, shown: bool, rows: list[tuple[Cell, ...]]) -> Part:
    table = Table(tuple(rows), name)
    label = f"sheet {name}" + ("" if shown else " (hidden)")
    return Part(label, f"## {name}\n\n{table.to_markdown()}" if rows else "", (table,) if rows else ())


def _rows(book: Any, sheet: str) -> list[tuple[Cell, ...]]:
    return [tuple(to_cell(v) for v in row) for row in book.get_sheet_by_name(sheet).to_python(skip_empty_area=True)]


def to_cell(value: object) -> Cell:
    """A cell as JSON can hold it: whole floats as integers, dates and times as ISO 8601, blanks as None."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for it
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else str(value)


def _too_sparse(file: SourceFile) -> bool:
    """Whether some sheet's corners span more cells than calamine may allocate: it aborts the process then."""
    with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
        for entry in archive.namelist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry, re.IGNORECASE):
                found = [(_column(c), int(r)) for c, r in _REFERENCE.findall(archive.read(entry))]
                columns, rows = {c for c, _ in found}, {r for _, r in found}
                if found and (max(columns) - min(columns) + 1) * (max(rows) - min(rows) + 1) > MAX_CELLS:
                    return True
    return False


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _sparse_sheets(file: SourceFile) -> Iterator[tuple[str, bool, list[tuple[Cell, ...]]]]:
    """The rows and columns that hold anything, by openpyxl, which keeps only the cells that exist."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(file.data), data_only=True)
    for sheet in book.worksheets:
        cells = {(c.row, c.column): to_cell(c.value) for c in sheet._cells.values() if c.value is not None}
        columns = sorted({column for _, column in cells})
        rows = [tuple(cells.get((row, column)) for column in columns) for row in sorted({row for row, _ in cells})]
        yield sheet.title, sheet.sheet_state == "visible", rows
