"""Workbooks of Excel 2002 and 2003 in XML (SpreadsheetML), which come under the names of other kinds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.ooxml import parse_xml, refuse_entities
from autopicker_lab.extraction.sheets.model import Book, SheetNotes, cell_reference, sheet_of_cells, to_cell
from autopicker_lab.extraction.sheets.number_format import NumberFormat, number_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.core import Cell, SourceFile
    from autopicker_lab.extraction.sheets.model import CellPosition

_SHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"
_DECLARATION = re.compile(rb"<\?xml(?:[^>]*?encoding\s*=\s*[\"']([\w-]+))?[^>]*\?>")
_NAMED = {  # formats that have a name instead of a code
    "Percent": "0.00%",
    "Currency": '"$"#,##0.00',
    "Euro Currency": '"€"#,##0.00',
    "Scientific": "0.00E+00",
    "Yes/No": '"Yes";"Yes";"No"',
    "True/False": '"True";"True";"False"',
    "On/Off": '"On";"On";"Off"',
}
_MAX_SPAN = 1_048_576


def read_xml(file: SourceFile) -> Book:
    """The sheets of a workbook in XML.

    Raises:
        CorruptFileError: it holds no sheet, or declares a document type of its own.
    """
    refuse_entities(file, file.data)
    data, warnings = _readable(file.data.lstrip())
    root = parse_xml(data, recover=True)
    sheets = [] if root is None else list(root.iter(f"{_SHEET}Worksheet"))
    if not sheets:
        raise CorruptFileError(f"'{file.name}' is a workbook in XML without a sheet", "save it again as XLSX")
    formats = dict(_formats(root))
    book = Book(warnings=["the workbook is written in XML (SpreadsheetML 2003): read as that", *warnings])
    for element in sheets:
        name = element.get(f"{_SHEET}Name") or f"Sheet{len(book.sheets) + 1}"
        reader = _SheetReader(formats)
        reader.read(element)
        visible = (element.findtext("{*}WorksheetOptions/{*}Visible") or "SheetVisible") == "SheetVisible"
        sheet = sheet_of_cells(name, visible, reader.cells)
        sheet.merges = reader.merges
        book.sheets.append(sheet)
        book.notes[name] = reader.notes
    return book


def _readable(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """XML whose encoding is as it says, and what was guessed of it."""
    head = _DECLARATION.match(data)
    name = (head[1] or b"").lower() if head else b""
    if name not in (b"", b"utf-8", b"utf-16", b"unicode") or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data, ()
    body = data[head.end() :] if head else data
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        text, _, warnings = decode(body)
        return text.encode("utf-8", "replace"), warnings
    return body, ()


def _formats(root: Any) -> Iterator[tuple[str, NumberFormat]]:
    for style in root.iter(f"{_SHEET}Style"):
        element = style.find(f"{_SHEET}NumberFormat")
        code = "" if element is None else element.get(f"{_SHEET}Format") or ""
        form = number_format(_NAMED.get(code, code))
        if form.matters:
            yield style.get(f"{_SHEET}ID") or "", form


@dataclass
class _SheetReader:
    formats: dict[str, NumberFormat]
    notes: SheetNotes = field(default_factory=SheetNotes)
    cells: dict[CellPosition, Cell] = field(default_factory=dict)
    merges: list[tuple[CellPosition, CellPosition]] = field(default_factory=list)
    column_styles: dict[int, str] = field(default_factory=dict)

    def read(self, sheet: Any) -> None:
        number = -1
        for column in sheet.iterfind(f"{_SHEET}Table/{_SHEET}Column"):
            first = _number(column, "Index", number + 2) - 1
            number = first + _number(column, "Span", 0)
            if column.get(f"{_SHEET}Hidden") == "1" or column.get(f"{_SHEET}Width") == "0":
                self.notes.hidden_columns.append((first, number))
        number = -1
        for row in sheet.iterfind(f"{_SHEET}Table/{_SHEET}Row"):
            first = _number(row, "Index", number + 2) - 1
            number = first + _number(row, "Span", 0)
            if row.get(f"{_SHEET}Hidden") == "1" or row.get(f"{_SHEET}Height") == "0":
                self._hide_rows(first, number)
            self._read_row(row, first)

    def _hide_rows(self, first: int, last: int) -> None:
        known = self.notes.hidden_rows
        if known and known[-1][1] == first - 1:
            first = known.pop()[0]
        known.append((first, last))

    def _read_row(self, row: Any, number: int) -> None:
        column = -1
        for cell in row.iterfind(f"{_SHEET}Cell"):
            column = _number(cell, "Index", column + 2) - 1
            self._read_cell(cell, (number, column), cell.get(f"{_SHEET}StyleID") or row.get(f"{_SHEET}StyleID"))
            across, down = _number(cell, "MergeAcross", 0), _number(cell, "MergeDown", 0)
            if across or down:
                self.merges.append(((number, column), (number + down, column + across)))
            column += across

    def _read_cell(self, cell: Any, position: CellPosition, style: str | None) -> None:
        data = cell.find(f"{_SHEET}Data")
        value = None if data is None else _value(data)
        if value is not None:
            self.cells[position] = value
            if style in self.formats:
                self.notes.formats[position] = self.formats[style]
        if address := cell.get(f"{_SHEET}HRef"):
            self.notes.links[position] = address
        if formula := (cell.get(f"{_SHEET}Formula") or "").lstrip("="):
            self.notes.formulas[position] = formula
        if (comment := cell.find(f"{_SHEET}Comment")) is not None:
            self.notes.comments[cell_reference(position)] = " ".join("".join(comment.itertext()).split())


def _number(element: Any, name: str, default: int) -> int:
    text = element.get(f"{_SHEET}{name}") or ""
    return min(int(text), _MAX_SPAN) if re.fullmatch(r"\d{1,9}", text) else default


def _value(data: Any) -> Cell:
    kind, text = data.get(f"{_SHEET}Type") or "String", "".join(data.itertext())
    if kind == "Number":
        try:
            return to_cell(float(text))
        except ValueError:
            return text or None
    if kind == "Boolean":
        return text.strip() == "1"
    if kind == "DateTime":
        day, _, moment = text.strip().partition("T")
        moment = moment.rstrip("Z").removesuffix(".000")
        if day in ("1899-12-31", "1899-12-30"):
            return moment
        return day if moment in ("", "00:00:00") else f"{day} {moment}"
    return text or None
