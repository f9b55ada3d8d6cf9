"""Workbooks part by part and record by record, as other programs write them."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def relations(*entries: tuple[str, str, str]) -> str:
    """A part of relations: id, last word of the type, target; addresses on the web are external."""
    links = ""
    for identifier, kind, target in entries:
        mode = ' TargetMode="External"' if ":" in target else ""
        links += f'<Relationship Id="{identifier}" Type="{_OFFICE}/{kind}" Target={quoteattr(target)}{mode}/>'
    return f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>'


def xlsx(sheet: str, parts: Mapping[str, str | bytes] | None = None, formats: Sequence[str | int] = ()) -> bytes:
    """A workbook of one sheet, "S", of which this is the XML within `worksheet`; style 1 and on have these formats."""
    codes = "".join(
        f'<numFmt numFmtId="{164 + i}" formatCode={quoteattr(f)}/>' for i, f in enumerate(formats) if isinstance(f, str)
    )
    ids = [0, *(f if isinstance(f, int) else 164 + i for i, f in enumerate(formats))]
    styles = f'<styleSheet xmlns="{_MAIN}"><numFmts>{codes}</numFmts><cellXfs>' + "".join(
        f'<xf numFmtId="{i}"/>' for i in ids
    )
    sheets = '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
    all_parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations(("r1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{sheets}</workbook>',
        "xl/_rels/workbook.xml.rels": relations(
            ("r1", "worksheet", "worksheets/sheet1.xml"), ("r2", "styles", "styles.xml")
        ),
        "xl/styles.xml": f"{styles}</cellXfs></styleSheet>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{sheet}</worksheet>',
        **(parts or {}),
    }
    return zipped(all_parts)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """An archive of these entries, their names as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            entry = zipfile.ZipInfo("x")
            entry.filename = name
            archive.writestr(entry, content)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    """The entries of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rows(*lines: Sequence[Any], styles: Mapping[str, int] | None = None) -> str:
    """The XML of a sheet's data: texts inline, numbers and truth values as they are, None left out."""
    out = []
    for r, line in enumerate(lines, 1):
        cells = "".join(_cell(f"{chr(64 + c)}{r}", value, styles or {}) for c, value in enumerate(line, 1))
        out.append(f'<row r="{r}">{cells}</row>')
    return f"<sheetData>{''.join(out)}</sheetData>"


def _cell(name: str, value: Any, styles: Mapping[str, int]) -> str:
    style = f' s="{styles[name]}"' if name in styles else ""
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{name}"{style} t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{name}"{style}><v>{value}</v></c>'


def biff5(cells: Mapping[tuple[int, int], bytes | float], code_page: int | None) -> bytes:
    """The stream of a workbook of Excel 5 with one sheet, "S": texts as bytes, numbers."""
    begin = struct.pack("<HHHH", 0x500, 0, 0, 0)
    page = [] if code_page is None else [(0x42, struct.pack("<H", code_page))]
    sheet = _records(
        (0x809, begin[:2] + b"\x10\x00" + begin[4:]), *(_value(p, v) for p, v in cells.items()), (0x0A, b"")
    )
    bound = struct.pack("<IHB", 0, 0, 1) + b"S"
    head = _records((0x809, begin[:2] + b"\x05\x00" + begin[4:]), *page, (0x85, bound), (0x0A, b""))
    bound = struct.pack("<IHB", len(head), 0, 1) + b"S"
    return _records((0x809, begin[:2] + b"\x05\x00" + begin[4:]), *page, (0x85, bound), (0x0A, b"")) + sheet


def _value(position: tuple[int, int], value: bytes | float) -> tuple[int, bytes]:
    if isinstance(value, bytes):
        return 0x204, struct.pack("<HHHH", *position, 0, len(value)) + value
    return 0x203, struct.pack("<HHHd", *position, 0, value)


def biff8(formats: Sequence[str], *records: tuple[int, bytes], fonts: Sequence[bytes] = ()) -> bytes:
    """The stream of a workbook of Excel 97 with one sheet, "S", of these records.

    Style 1 and on have these formats; `fonts` come behind the usual one.
    """
    codes = [(0x41E, struct.pack("<HHB", 164 + i, len(f), 1) + f.encode("utf-16-le")) for i, f in enumerate(formats)]
    font = (0x31, struct.pack("<HHHHHBBBBB", 200, 0, 0, 400, 0, 0, 0, 0, 0, 1) + b"\x00A")
    ids = [0, *(164 + i for i in range(len(formats)))]
    styles = [(0xE0, struct.pack("<HHH14s", 0, i, 1, b"")) for i in ids]
    begin = struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)
    more_fonts = [(0x31, content) for content in fonts]
    head: list[tuple[int, bytes]] = [(0x809, begin), (0x42, b"\xb0\x04"), font, *more_fonts, *codes, *styles]
    size = len(_records(*head)) + 4 + 9 + 4
    head += [(0x85, struct.pack("<IHBB", size, 0, 1, 0) + b"S"), (0x0A, b"")]
    places = [struct.unpack_from("<HH", content) for kind, content in records if kind in (0x203, 0x204, 0xD6)]
    corner = max((row for row, _ in places), default=0) + 1, max((column for _, column in places), default=0) + 1
    corners = (0x200, struct.pack("<IIHHH", 0, corner[0], 0, corner[1], 0))
    sheet = [(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0)), corners, *records, (0x0A, b"")]
    return _records(*head, *sheet)


def number(row: int, column: int, value: float, style: int = 0) -> tuple[int, bytes]:
    """A record of a cell with a number."""
    return 0x203, struct.pack("<HHHd", row, column, style, value)


def label(row: int, column: int, text: str) -> tuple[int, bytes]:
    """A record of a cell with a text."""
    return 0x204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le")


def _records(*entries: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", kind, len(content)) + content for kind, content in entries)
