"""Workbooks of Excel 2 to 2003 (XLS): values by calamine or xlrd, what stands beside them by xlrd.

calamine is ten times as fast, but reads only what Excel 97 and later wrote, and no formats, links or notes: xlrd, which
knows them, is called where a search of the bytes finds that there are some.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.containers import OLE, without_junk
from autopicker_lab.extraction.encrypted import decrypted
from autopicker_lab.extraction.sheets.code_pages import book_encoding
from autopicker_lab.extraction.sheets.grid import read_grids
from autopicker_lab.extraction.sheets.model import (
    MACROS,
    MAX_AREA,
    Book,
    SheetNotes,
    cell_reference,
    dated,
    sheet_of_cells,
    spans,
    to_cell,
)
from autopicker_lab.extraction.sheets.number_format import NumberFormat, format_of, number_format
from autopicker_lab.extraction.sheets.ole_chains import leads_astray
from autopicker_lab.extraction.sheets.records import is_locked, shape_texts
from autopicker_lab.extraction.sheets.rich_text import of_xls
from autopicker_lab.extraction.sheets.xls_formats import ScatteredError, StyledCells, marks_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.core import Cell, SourceFile
    from autopicker_lab.extraction.sheets.model import CellPosition

_EXCEL_2 = b"\x09\x00\x04\x00"
_SHEET_TYPE = b"\x10\x00"  # what xlrd wants to find there; some programs wrote other numbers
_EXCEL_97 = b"\x09\x08\x10\x00\x00\x06\x05\x00"  # how its workbooks begin
_HIDDEN_BIT = bytes(byte for byte in range(256) if byte & 0x20)
_ODD = bytes(range(1, 256, 2))
_SIGNS = (
    re.compile(rb"\x08\x02\x10\x00.{12}[" + re.escape(_HIDDEN_BIT) + rb"]", re.DOTALL),  # a row of no height
    re.compile(rb"\x7d\x00[\x0b\x0c]\x00.{8}[" + re.escape(_ODD) + rb"]", re.DOTALL),  # a hidden column
    re.compile(rb"\x05\x02\x08\x00.{7}\x01", re.DOTALL),  # an error
    re.compile(rb"\x02\x00[\x00\x07\x0f\x17\x1d\x24\x2a]\x00\x00\x00\xff\xff"),  # one that a formula gave
)
_LINK = re.compile(rb"\xd0\xc9\xea\x79\xf9\xba\xce\x11")
_TEXT = re.compile(rb"\xb6\x01\x12\x00")  # of a note or a shape; among many zeros twice as fast as `in`
_FORMAT = re.compile(rb"\x1e\x04..(..)(..)([\x00\x01])", re.DOTALL)
_UNNAMED = bytes(byte for byte in range(256) if not byte & 4)  # styles of cells, not those that have a name
_CELL_STYLE = re.compile(rb"\xe0\x00\x14\x00..(..)[" + re.escape(_UNNAMED) + rb"]", re.DOTALL)
_CORNERS = re.compile(rb"\x02\x0e\x00(.{12})", re.DOTALL)  # of a sheet, behind a byte of nought
# a number, a packed one, a shared text, a text, several packed numbers, a formula, an error or truth value
_CELL = rb"(?:\x03\x02\x0e\x00|\x7e\x02\x0a\x00|\xfd\x00\x0a\x00|\x04\x02..|\xbd\x00..|\x06\x00..|\x05\x02\x08\x00)"
_ANY_CELL = re.compile(_CELL + rb"...\x00", re.DOTALL)
# a number below nought, a packed one, one that a formula gave; of several packed ones that is not looked at
_NEGATIVE = re.compile(
    rb"\x03\x02\x0e\x00.{13}[\x80-\xff]|\x7e\x02\x0a\x00.{9}[\x80-\xff]|\x06\x00..{7}.{7}[\x80-\xff]|\xbd\x00..",
    re.DOTALL,
)
_TIME = re.compile(r"\d\d:\d\d:\d\d(?:\.\d+)?")
_MAX_ROWS, _MAX_COLUMNS = 65_536, 256
_NAMED_STYLE = b"\x93\x02\x04\x00"  # stands behind the styles of cells
_MAX_STYLES = 2**19  # bytes from the beginning in which styles stand
_MAX_LINKED = 1000


def read_xls(file: SourceFile) -> Book:
    """The sheets of an XLS.

    Raises:
        EncryptedFileError: it needs a password, or another one.
    """
    file = replace(file, data=without_junk(file.data))
    unfit = _EXCEL_97 not in file.data or not file.data.startswith(OLE)
    if unfit or leads_astray(file.data) or _is_sparse(file.data):
        return _by_xlrd(file)  # calamine would follow it until the memory is full
    book = Book()
    try:
        book.sheets = read_grids(file.data, book.warnings)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException:  # Rust's panics are no Exceptions
        return _by_xlrd(file)
    if "_VBA_PROJECT".encode("utf-16-le") in file.data:
        book.warnings.append(MACROS)
    if _may_hold_negative_times(file.data, book):
        try:
            whole = _by_xlrd(file)
        except Exception as error:  # xlrd raises what its parsing raises
            book.warnings.append(f"a time may stand where a number below nought does: {error}")
        else:
            return replace(whole, warnings=[*book.warnings, *whole.warnings])
    if _has_marks(file.data) or not _take_formats(file.data, book):
        try:
            whole = _by_xlrd(file, beside_values=True)
        except Exception as error:  # xlrd raises what its parsing raises
            book.warnings.append(f"formats, links, notes and hidden rows could not be read: {error}")
        else:
            book.notes, book.starts_1904 = whole.notes, whole.starts_1904
    return book


def _may_hold_negative_times(data: bytes, book: Book) -> bool:
    """Whether a time may be a number below nought, which means none: calamine takes its fraction for one."""
    if not _NEGATIVE.search(data):
        return False
    return any(
        cell.__class__ is str and cell[2:3] == ":" and _TIME.fullmatch(cell)
        for sheet in book.sheets
        for row in sheet.rows
        for cell in row
    )


def _has_marks(data: bytes) -> bool:
    """Whether a workbook seems to hold links, notes, errors, hidden rows or columns, or fonts that mark text."""
    return any(sign.search(data) for sign in (_LINK, _TEXT, *_SIGNS)) or marks_text(data, data.find(_EXCEL_97))


def _take_formats(data: bytes, book: Book) -> bool:
    """Put the formats that carry meaning into a book's notes; False where its records have to be put in order first."""
    codes, matter = _formats(data)
    if not matter:
        return True
    try:
        cells = StyledCells(data, data.find(_EXCEL_97))
        forms = {style: format_of(number, codes) for style, number in enumerate(cells.formats)}
        meaningful = {style: form for style, form in forms.items() if form.matters}
        found = cells.of_sheets(meaningful)
    except (ScatteredError, struct.error, IndexError):  # or cut off
        return False
    if len(found) != len(book.sheets):
        return False
    book.starts_1904 = cells.starts_1904
    for sheet, styles in zip(book.sheets, found, strict=True):
        notes = book.notes[sheet.name] = SheetNotes()
        notes.formats = {position: meaningful[style] for position, style in styles.items()}
    return True


def _formats(data: bytes) -> tuple[dict[int, str], bool]:
    """The codes of a workbook's own number formats, and whether a format that styles of cells name carries meaning."""
    start = data.find(_EXCEL_97)
    end = data.find(_NAMED_STYLE, start)
    head = data[start : end if end > 0 else start + _MAX_STYLES]
    used = {int.from_bytes(match[1], "little") for match in _CELL_STYLE.finditer(head)}
    codes: dict[int, str] = {}
    for match in _FORMAT.finditer(head):
        width = 2 if match[3] == b"\x01" else 1
        text = head[match.end() : match.end() + width * int.from_bytes(match[2], "little")]
        codes[int.from_bytes(match[1], "little")] = text.decode("utf-16-le" if width == 2 else "latin-1", "replace")
    return codes, any(format_of(identifier, codes).matters for identifier in used)


def _is_sparse(data: bytes) -> bool:
    """Whether cells stand so far apart that a grid of them, as calamine lays it out, would be out of proportion."""
    area = 0
    for found in _CORNERS.finditer(data):
        if data[found.start() - 1] == 0:
            top, bottom, left, right = struct.unpack("<IIHH", found[1])
            area = max(area, min(bottom - top, _MAX_ROWS) * min(right - left, _MAX_COLUMNS))
    return area > MAX_AREA and area > 20 * sum(1 for _ in _ANY_CELL.finditer(data))


def _by_xlrd(file: SourceFile, beside_values: bool = False) -> Book:
    """A workbook as xlrd reads it; with `beside_values` only what stands beside them."""
    import xlrd

    try:
        stream, is_whole = workbook_stream(file.data), True
    except Exception:  # olefile raises what its parsing raises; sectors mostly stand in the order of the stream
        if (start := file.data.find(_EXCEL_97)) < 0:
            raise
        stream, is_whole = file.data[start:], False
    if is_locked(stream):
        stream = workbook_stream(decrypted(file))
    encoding, warnings = book_encoding(stream)
    options = {"file_contents": stream, "encoding_override": encoding, "logfile": io.StringIO()}
    try:
        source = xlrd.open_workbook(**options, formatting_info=True)
    except Exception:  # xlrd raises what its parsing raises; without the formats there is less to stumble over
        source = xlrd.open_workbook(**options)
        warnings.append("formats, links and hidden rows cannot be read: numbers stand as they are")
    if not is_whole:
        warnings.append("the workbook is damaged: it was read as far as it goes")
    book = Book(warnings=warnings, starts_1904=bool(source.datemode))
    texts = [] if encoding or not _TEXT.search(stream) else shape_texts(stream)
    for number in range(source.nsheets):
        sheet = source.sheet_by_index(number)
        notes = book.notes[sheet.name] = SheetNotes(texts=texts[number] if number < len(texts) else [])
        _find_beside(sheet, notes)
        if beside_values:
            _find_formats(sheet, notes)
            continue
        cells = dict(_cells(sheet, notes, bool(source.datemode)))
        grid = sheet_of_cells(sheet.name, sheet.visibility == 0, cells)
        grid.merges = [((r, c), (r_end - 1, c_end - 1)) for r, r_end, c, c_end in sheet.merged_cells]
        book.sheets.append(grid)
    return book


def workbook_stream(data: bytes) -> bytes:
    """The stream of a workbook in its container, however its name is written; the bytes where there is no container."""
    import olefile

    if not data.startswith(OLE):
        return data[:6] + _SHEET_TYPE + data[8:] if data.startswith(_EXCEL_2) else data
    with olefile.OleFileIO(io.BytesIO(data)) as container:
        names = {entry.name.lower(): entry.name for entry in container.root.kids}
        name = names.get("workbook") or names.get("book") or "Workbook"
        return bytes(container.openstream(name).read())


def _cells(sheet: Any, notes: SheetNotes, starts_1904: bool) -> Iterator[tuple[CellPosition, Cell]]:
    """The cells that have a value, their formats put into the notes where they carry meaning."""
    import xlrd

    forms: dict[int, NumberFormat] = {}
    for row in range(sheet.nrows):
        kinds, values = sheet.row_types(row), sheet.row_values(row)
        for column, (kind, value) in enumerate(zip(kinds, values, strict=True)):
            if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) or value == "":
                continue
            style = sheet.cell_xf_index(row, column) if sheet.book.formatting_info else -1
            form = forms.get(style) or forms.setdefault(style, _form(sheet.book, style))
            if form.matters:
                notes.formats[row, column] = form
            if kind == xlrd.XL_CELL_ERROR:
                text = notes.errors[row, column] = xlrd.error_text_from_code.get(value, "#ERROR")
                yield (row, column), text
            elif kind == xlrd.XL_CELL_BOOLEAN:
                yield (row, column), bool(value)
            else:
                is_day = kind == xlrd.XL_CELL_DATE or (kind == xlrd.XL_CELL_NUMBER and form.is_date)
                yield (row, column), dated(value, form.is_elapsed, starts_1904) if is_day else to_cell(value)


def _find_formats(sheet: Any, notes: SheetNotes) -> None:
    """Put the formats that carry meaning, and the errors, into the notes; whole rows without any are passed over."""
    import xlrd

    forms = {style: _form(sheet.book, style) for style in range(len(sheet.book.xf_list))}
    meaning = {style for style, form in forms.items() if form.matters}
    for row in range(sheet.nrows):
        kinds = sheet.row_types(row)
        styles = sheet._cell_xf_indexes[row] if meaning else ()  # noqa: SLF001  # its method tells them one by one
        if xlrd.XL_CELL_ERROR in kinds:
            errors = [column for column, kind in enumerate(kinds) if kind == xlrd.XL_CELL_ERROR]
            values = sheet.row_values(row)
            notes.errors |= {(row, c): xlrd.error_text_from_code.get(values[c], "#ERROR") for c in errors}
        if not meaning.isdisjoint(styles):
            for column, (kind, style) in enumerate(zip(kinds, styles, strict=False)):
                if style in meaning and kind not in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                    notes.formats[row, column] = forms[style]


def _is_struck(book: Any, style: int) -> bool:
    number = book.xf_list[style].font_index
    return number < len(book.font_list) and bool(book.font_list[number].struck_out)


def _form(book: Any, style: int) -> NumberFormat:
    key = book.xf_list[style].format_key if 0 <= style < len(book.xf_list) else 0
    known = book.format_map.get(key)
    return number_format(known.format_str if known and known.format_str else "General")


def _find_beside(sheet: Any, notes: SheetNotes) -> None:
    struck = {style for style in range(len(sheet.book.xf_list)) if _is_struck(sheet.book, style)}
    for row in range(sheet.nrows) if struck else ():
        styles = sheet._cell_xf_indexes[row]  # noqa: SLF001  # its method tells them one by one
        notes.struck |= {(row, column) for column, style in enumerate(styles) if style in struck}
    notes.hidden_rows = spans(n for n, row in sheet.rowinfo_map.items() if row.hidden or row.height == 0)
    notes.hidden_columns = spans(n for n, column in sheet.colinfo_map.items() if column.hidden or column.width == 0)
    for link in sheet.hyperlink_list:
        address = _text(link.url_or_path) + (f"#{link.textmark}" if link.textmark else "")
        size = (link.lrowx - link.frowx + 1) * (link.lcolx - link.fcolx + 1)
        rows = range(link.frowx, link.lrowx + 1) if size <= _MAX_LINKED else [link.frowx]
        columns = range(link.fcolx, link.lcolx + 1) if size <= _MAX_LINKED else [link.fcolx]
        notes.links |= {(row, column): address for row in rows for column in columns if address}
    for (row, column), runs in sheet.rich_text_runlist_map.items():
        if isinstance(text := sheet.cell_value(row, column), str):
            shown = of_xls(sheet.book, text, runs)
            notes.marked |= {(row, column): shown} if shown != text else {}
    for place, note in sheet.cell_note_map.items():
        notes.comments[cell_reference(place)] = " ".join(note.text.split())


def _text(value: str | bytes | None) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""
