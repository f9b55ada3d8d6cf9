"""Reader for workbooks: every sheet as a table with a summary of its columns, numbers as the sheet shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Cell, Document, Part, Place, SourceFile, Table
from autopicker_lab.core.document import cell_text
from autopicker_lab.core.places import column_letters
from autopicker_lab.extraction.columns import render_table, split_preamble, summarise
from autopicker_lab.extraction.encrypted import is_locked_package, read_locked
from autopicker_lab.extraction.flat_package import is_flat
from autopicker_lab.extraction.sheets.linking import find_formula_links
from autopicker_lab.extraction.sheets.model import Book, Sheet, SheetNotes, cell_reference, dated, insert_notes
from autopicker_lab.extraction.sheets.rich_text import put
from autopicker_lab.extraction.sheets.xls import read_xls
from autopicker_lab.extraction.sheets.xlsx import read_xlsx
from autopicker_lab.extraction.sheets.xml2003 import read_xml
from autopicker_lab.extraction.table_places import sheet_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.extraction.sheets.number_format import NumberFormat

_NUMBER = re.compile(r"(?<![\w.,])-?\d+(?:\.\d+)?(?![\w%]|[.,]\d)")
_MAX_LISTED = 20  # formulas, comments and the like listed below a table


def read_workbook(file: SourceFile) -> Document:
    """The sheets of a workbook, one Part each; formulas, comments, charts and merged ranges as metadata."""
    if is_locked_package(file.data):
        return read_locked(file)
    book = _open(file)
    parts: list[Part] = []
    columns: dict[str, list[dict[str, Any]]] = {}
    warnings: list[str] = []
    for sheet in book.sheets:
        notes = book.notes.get(sheet.name, SheetNotes())
        insert_notes(sheet, notes)
        put(sheet, notes.marked)
        _drop_titles(sheet)
        _place_dates(sheet, notes, book.starts_1904)
        find_formula_links(sheet, notes)
        if len(sheet.rows) > 1:
            columns[sheet.name] = summarise(sheet.rows)
        part, part_warnings = _part(sheet, notes, columns.get(sheet.name, []))
        parts.append(part)
        warnings += part_warnings
    if any(sheet.has_gaps for sheet in book.sheets):
        warnings.append("cells stand far apart: empty rows and columns were left out")
    if hidden := [sheet.name for sheet in book.sheets if not sheet.visible]:
        warnings.append(f"sheets that the workbook hides are read as well: {', '.join(hidden[:_MAX_LISTED])}")
    if book.charts:
        warnings.append(f"{len(book.charts)} charts are named, not drawn: {', '.join(book.charts[:_MAX_LISTED])}")
    return Document(file.name, file.kind, tuple(parts), _metadata(book, columns), (*book.warnings, *warnings))


def _open(file: SourceFile) -> Book:
    if file.kind == "xlsx":
        return read_xlsx(file)
    return read_xml(file) if is_flat(file.data) else read_xls(file)


def _metadata(book: Book, columns: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    notes = {sheet.name: book.notes.get(sheet.name, SheetNotes()) for sheet in book.sheets}
    return {
        "sheets": [sheet.name for sheet in book.sheets],
        "hidden_sheets": [sheet.name for sheet in book.sheets if not sheet.visible],
        "columns": columns,
        "merged": {sheet.name: sheet.merged_ranges for sheet in book.sheets if sheet.merged_ranges},
        "charts": book.charts,
        "comments": {name: note.comments for name, note in notes.items() if note.comments},
        "formulas": {
            name: {cell_reference(place): f"={text}" for place, text in list(note.formulas.items())[:1000]}
            for name, note in notes.items()
            if note.formulas
        },
        **book.facts,
    }


def _drop_titles(sheet: Sheet) -> None:
    spans: dict[tuple[int, int], int] = {}
    for (top, left), (_, right) in sheet.merges:
        if right > left and (place := sheet.locate((top, left))):
            spans[place] = right - left + 1
    titles, rows = split_preamble(sheet.rows, spans)
    sheet.row_numbers = sheet.row_numbers[len(sheet.rows) - len(rows) :]
    sheet.titles, sheet.rows = titles, rows


def _place_dates(sheet: Sheet, notes: SheetNotes, starts_1904: bool) -> None:
    """Turn numbers into dates where only their format tells, and where other readers do not know it."""
    for position, form in notes.formats.items():
        if form.is_late_date and (place := sheet.locate(position)):
            row = sheet.rows[place[0]]
            value = row[place[1]]
            if isinstance(value, int | float) and not isinstance(value, bool):
                sheet.rows[place[0]] = (*row[: place[1]], dated(value, starts_1904=starts_1904), *row[place[1] + 1 :])


class _View:
    """The rows of a sheet as it shows them: numbers by their formats, links with their addresses."""

    def __init__(self, sheet: Sheet, notes: SheetNotes) -> None:
        self._sheet = sheet
        self._changes: dict[int, list[tuple[int, NumberFormat | str]]] = {}
        self.hidden = 0
        for position, form in notes.formats.items():
            if place := sheet.locate(position):
                self._changes.setdefault(place[0], []).append((place[1], form))
                self.hidden += form.hides and sheet.rows[place[0]][place[1]] is not None
        for position, address in notes.links.items():
            if place := sheet.locate(position):
                self._changes.setdefault(place[0], []).append((place[1], address))
        self._struck = {place for position in notes.struck if (place := sheet.locate(position))}
        for row, _ in self._struck:
            self._changes.setdefault(row, [])

    def row(self, number: int) -> tuple[Cell, ...]:
        row = self._sheet.rows[number]
        changes = self._changes.get(number)
        if changes is None:
            return row
        cells = list(row)
        for column, change in changes:
            cells[column] = _linked(cells[column], change) if isinstance(change, str) else _shown(cells[column], change)
        if self._struck:
            return tuple(
                f"~~{cell_text(cell)}~~" if cell is not None and (number, column) in self._struck else cell
                for column, cell in enumerate(cells)
            )
        return tuple(cells)


def _shown(value: Cell, form: NumberFormat) -> Cell:
    """What a cell shows, and its value in brackets where its digits read otherwise: "45.2% (0.452)", but "2.00 kg"."""
    shown = form.show(value)
    if shown is None or shown == value:
        return value
    plain = cell_text(value)
    if isinstance(value, str) or not (_is_mask(plain, shown) or _spells(plain, shown)):
        return shown if isinstance(value, str) and value in shown else f"{shown} ({plain})"
    return shown


def _is_mask(plain: str, shown: str) -> bool:
    """Whether a whole number is shown by its digits alone, filled up with zeros or divided: 00742, 555-1234."""
    return not set(".,%") & set(shown) and re.sub(r"\D", "", shown).lstrip("0") == plain


def _spells(plain: str, shown: str) -> bool:
    return any(number == plain for number in map(_without_zeros, _NUMBER.findall(shown)))


def _without_zeros(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _linked(value: Cell, address: str) -> Cell:
    text = "" if value is None else str(value)
    if not text:
        return address
    return value if text.startswith("=") or address in (text, f"mailto:{text}") else f"[{text}]({address})"


def _part(sheet: Sheet, notes: SheetNotes, columns: list[dict[str, Any]]) -> tuple[Part, list[str]]:
    """A sheet as a Part, and the warnings about it."""
    label = f"sheet {sheet.name}" + ("" if sheet.visible else " (hidden)")
    lines = [f"## {sheet.name}" + ("" if sheet.visible else " (hidden)")]
    tables: tuple[Table, ...] = ()
    places: tuple[Place, ...] = ()
    warnings = [f"{label}: {warning}" for warning in notes.warnings]
    if sheet.rows:
        tables = (Table(tuple(sheet.rows), sheet.name),)
        view = _View(sheet, notes)
        rendered = render_table(tables[0], columns, label, view.row)
        lines += ["", *sheet.titles, *([""] if sheet.titles else [])]
        if not sheet.has_gaps:
            corner = (sheet.row_numbers[0], sheet.column_numbers[0])
            places = sheet_places(len("\n".join(lines)) + 1, rendered, tables[0], sheet.name, corner)
        lines.append(rendered.text)
        warnings += rendered.warnings
        if view.hidden:
            warnings.append(f"{label}: {view.hidden} cells have a format that hides their values: they are shown here")
    if notes.uncomputed:
        warnings.append(f"{label}: {len(notes.uncomputed)} formulas were never computed: they stand for their values")
    if hidden := _hidden(sheet, notes):
        lines += ["", f"Hidden in the sheet: {hidden}"]
        warnings.append(f"{label}: hidden {hidden}")
    lines += _listing("Formulas", [f"{cell_reference(p)} ={f}" for p, f in notes.formulas.items()])
    lines += _listing("Comments", [f"{cell} {comment}" for cell, comment in notes.comments.items()])
    lines += [line for text in notes.texts for line in ("", f"Text box: {text}")]
    lines += _listing("Printed on its pages", notes.margins)
    lines += _listing("Pictures", notes.pictures)
    text = "\n".join(lines) if len(lines) > 1 else ""
    if sheet.has_gaps:
        places = (Place(0, len(text), sheet=sheet.name),)
    return Part(label, text, tables, places), warnings


def _hidden(sheet: Sheet, notes: SheetNotes) -> str:
    """The hidden rows and columns within the table, in words; "" where there are none."""
    if not sheet.rows:
        return ""
    words = []
    rows = _within(notes.hidden_rows, sheet.row_numbers)
    if rows:
        words.append("rows " + _spans([_span(str(a + 1), str(b + 1)) for a, b in rows]))
    columns = _within(notes.hidden_columns, sheet.column_numbers)
    if columns:
        words.append("columns " + _spans([_span(column_letters(a + 1), column_letters(b + 1)) for a, b in columns]))
    return " and ".join(words)


def _within(spans: Sequence[tuple[int, int]], numbers: Sequence[int]) -> list[tuple[int, int]]:
    first, last = numbers[0], numbers[-1]
    return [(max(a, first), min(b, last)) for a, b in spans if a <= last and b >= first]


def _spans(spans: list[str]) -> str:
    more = f" and {len(spans) - _MAX_LISTED:,} more stretches" if len(spans) > _MAX_LISTED else ""
    return ", ".join(spans[:_MAX_LISTED]) + more


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"


def _listing(title: str, items: list[str]) -> list[str]:
    more = f"; and {len(items) - _MAX_LISTED:,} more" if len(items) > _MAX_LISTED else ""
    return ["", f"{title}: {'; '.join(items[:_MAX_LISTED])}{more}"] if items else []
