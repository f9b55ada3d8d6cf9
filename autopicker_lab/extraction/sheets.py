"""Reader for XLSX and XLS, by calamine: every sheet as a table with a summary of its columns."""

from __future__ import annotations

import io
import math
import tempfile
import zipfile
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Cell, Document, EncryptedFileError, Part, Place, SourceFile, Table
from autopicker_lab.extraction.columns import render_table, split_preamble, summarise
from autopicker_lab.extraction.ooxml import refuse_bombs
from autopicker_lab.extraction.table_places import sheet_places
from autopicker_lab.extraction.xlsx_xml import (
    CellPosition,
    SheetNotes,
    cell_reference,
    insert_notes,
    is_sparse,
    read_notes,
    remove_merges,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_LISTED = 20  # formulas and comments listed below a table


@dataclass
class _Sheet:
    name: str
    visible: bool
    start: CellPosition
    rows: list[tuple[Cell, ...]]
    merged_ranges: list[str]
    titles: list[str] = field(default_factory=list)  # lines above the table's own header


def read_workbook(file: SourceFile) -> Document:
    """The sheets of a workbook, one Part each; formulas, comments, charts and merged ranges as metadata."""
    notes: dict[str, SheetNotes] = {}
    charts: list[str] = []
    if file.kind == "xlsx":
        refuse_bombs(file)
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            notes, charts = read_notes(archive)
    sparse = is_sparse(notes.values())
    sheets = list(_sparse_sheets(file) if sparse else _sheets(file))
    parts: list[Part] = []
    columns: dict[str, list[dict[str, Any]]] = {}
    warnings: list[str] = ["cells stand far apart: empty rows and columns were left out"] if sparse else []
    for sheet in sheets:
        note = notes.get(sheet.name, SheetNotes())
        if not sparse:
            sheet.rows, sheet.start = insert_notes(sheet.rows, sheet.start, note)
        whole = len(sheet.rows)
        sheet.titles, sheet.rows = split_preamble(sheet.rows)
        sheet.start = (sheet.start[0] + whole - len(sheet.rows), sheet.start[1])
        if len(sheet.rows) > 1:
            columns[sheet.name] = summarise(sheet.rows)
        part, part_warnings = _part(sheet, note, columns.get(sheet.name, []))
        if sparse:
            part = replace(part, places=(Place(0, len(part.text), sheet=sheet.name),))
        parts.append(part)
        warnings += part_warnings
    if charts:
        warnings.append(f"{len(charts)} charts are named, not drawn: {', '.join(charts[:_MAX_LISTED])}")
    meta: dict[str, Any] = {
        "sheets": [sheet.name for sheet in sheets],
        "hidden_sheets": [sheet.name for sheet in sheets if not sheet.visible],
        "columns": columns,
        "merged": {sheet.name: sheet.merged_ranges for sheet in sheets if sheet.merged_ranges},
        "charts": charts,
        "comments": {name: note.comments for name, note in notes.items() if note.comments},
        "formulas": {
            name: {cell_reference(place): f"={text}" for place, text in list(note.formulas.items())[:1000]}
            for name, note in notes.items()
            if note.formulas
        },
    }
    return Document(file.name, file.kind, tuple(parts), meta, tuple(warnings))


def _sheets(file: SourceFile) -> Iterator[_Sheet]:
    import python_calamine

    try:
        with python_calamine.load_workbook(io.BytesIO(file.data)) as book:
            for meta in book.sheets_metadata:
                if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                    continue
                sheet = book.get_sheet_by_name(meta.name)
                rows = [tuple(map(to_cell, row)) for row in sheet.to_python(skip_empty_area=True)]
                merged = [f"{cell_reference(a)}:{cell_reference(b)}" for a, b in sheet.merged_cell_ranges or ()][:200]
                visible = meta.visible == python_calamine.SheetVisibleEnum.Visible
                yield _Sheet(meta.name, visible, sheet.start or (0, 0), rows, merged)
    except python_calamine.CalamineError as error:
        if isinstance(error, python_calamine.PasswordError) or _asks_for_password(file):
            raise EncryptedFileError(f"'{file.name}' is encrypted", "save it without a password") from None
        raise


def _asks_for_password(file: SourceFile) -> bool:
    """Whether calamine refuses an XLS for its password, which it reports for paths only."""
    import python_calamine

    with tempfile.NamedTemporaryFile(suffix=f".{file.kind}") as copy:
        copy.write(file.data)
        copy.flush()
        try:
            python_calamine.load_workbook(copy.name).close()
        except python_calamine.CalamineError as error:
            return isinstance(error, python_calamine.PasswordError)
    return False


def _sparse_sheets(file: SourceFile) -> Iterator[_Sheet]:
    """Sheets without their empty rows and columns, by openpyxl, which keeps only the cells that exist."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(remove_merges(file.data)), data_only=True)
    for sheet in book.worksheets:
        cells = {(c.row, c.column): to_cell(c.value) for c in sheet._cells.values() if c.value is not None}  # noqa: SLF001
        columns = sorted({column for _, column in cells})
        rows = [tuple(cells.get((row, column)) for column in columns) for row in sorted({row for row, _ in cells})]
        yield _Sheet(sheet.title, sheet.sheet_state == "visible", (0, 0), rows, [])


def _part(sheet: _Sheet, note: SheetNotes, columns: list[dict[str, Any]]) -> tuple[Part, list[str]]:
    """A sheet as a Part, and the warnings about it."""
    label = f"sheet {sheet.name}" + ("" if sheet.visible else " (hidden)")
    lines = [f"## {sheet.name}" + ("" if sheet.visible else " (hidden)")]
    tables: tuple[Table, ...] = ()
    places: tuple[Place, ...] = ()
    warnings: list[str] = []
    if sheet.rows:
        tables = (Table(tuple(sheet.rows), sheet.name),)
        text, view_warnings = render_table(tables[0], columns, label)
        lines += ["", *sheet.titles, *([""] if sheet.titles else [])]
        places = sheet_places(len("\n".join(lines)) + 1, text, tables[0], sheet.name, sheet.start)
        lines.append(text)
        warnings += view_warnings
    if note.uncomputed:
        warnings.append(f"{label}: {len(note.uncomputed)} formulas were never computed: they stand for their values")
    lines += _listing("Formulas", [f"{cell_reference(p)} ={f}" for p, f in note.formulas.items()])
    lines += _listing("Comments", [f"{cell} {comment}" for cell, comment in note.comments.items()])
    return Part(label, "\n".join(lines) if len(lines) > 1 else "", tables, places), warnings


def _listing(title: str, items: list[str]) -> list[str]:
    more = f"; and {len(items) - _MAX_LISTED:,} more" if len(items) > _MAX_LISTED else ""
    return ["", f"{title}: {'; '.join(items[:_MAX_LISTED])}{more}"] if items else []


def to_cell(value: object) -> Cell:
    """A cell's value as JSON can hold it: whole floats as integers, dates and times as ISO 8601, blanks as None."""
    kind = type(value)
    if kind is str:
        return value or None  # type: ignore[return-value]
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return int(value)
        return value if math.isfinite(value) else str(value)  # JSON has no infinity
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)  # a duration, as 6:05:00 or 1 day, 6:05:00
