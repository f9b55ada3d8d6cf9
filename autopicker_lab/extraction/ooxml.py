"""Common parts of the DOCX and XLSX readers: safety checks of the archive, XML parsing, and charts as tables."""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from typing import IO, Any

from autopicker_lab.core import Cell, CorruptFileError, EncryptedFileError, SourceFile, Table

UNPACKING_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError)
MAX_INFLATED = 200 * 2**20
_MAX_ELEMENTS = 1_000_000  # of a DOCX, whose tree takes a kilobyte for each; a thousand pages have a tenth of that
_LARGE = 10 * 2**20  # bytes from which a part is suspect
_MAX_RATIO = 200  # of such a part; sheets of numbers have 10 to 30, deflate's limit is 1,032
_PIECE = 2**20
_HEAD = 2**16
_UNREAD = re.compile(r"(?:^|[\\/])(?:theme|docProps|calcChain|customXml|printerSettings)\b")  # parts of a workbook
_SHEET_PART = re.compile(r"sheet\d*\.xml$|sharedstrings", re.IGNORECASE)  # these are read without a tree
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def refuse_bombs(file: SourceFile, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that inflates too far, an XML part of too many elements, and XML that declares a document type.

    Office programs never write a DOCTYPE; entity bombs and external entities need one.

    Raises:
        CorruptFileError: the archive is one of these.
        EncryptedFileError: an entry is encrypted.
    """
    entries = archive.infolist()
    is_book = file.kind == "xlsx"
    if sum(entry.file_size for entry in entries) > MAX_INFLATED:
        raise CorruptFileError(f"'{file.name}' unpacks to over 200 MiB", "split it, or save it without pictures")
    for entry in entries:
        if entry.file_size > _LARGE and entry.file_size > _MAX_RATIO * entry.compress_size:
            raise CorruptFileError(f"'{file.name}' unpacks to over {_MAX_RATIO} times its size", "save it again")
        if entry.flag_bits & 1:
            raise EncryptedFileError(f"'{file.name}' is encrypted", "save it without a password")
        if entry.filename.lower().endswith((".xml", ".rels")) and not (is_book and _UNREAD.search(entry.filename)):
            with (
                contextlib.suppress(*UNPACKING_ERRORS),
                archive.open(entry) as stream,
            ):  # its reader tells of the damage
                _check_part(file, stream, not is_book or not _SHEET_PART.search(entry.filename))


def refuse_entities(file: SourceFile, xml: bytes) -> None:
    """CorruptFileError where XML declares a document type at its beginning, and so may hold entities of its own."""
    if b"<!DOCTYPE" in xml[:_HEAD].upper():
        raise CorruptFileError(f"'{file.name}' declares its own XML entities", "save it again from an office program")


def _check_part(file: SourceFile, stream: IO[bytes], makes_tree: bool) -> None:
    piece = stream.read(_PIECE if makes_tree else _HEAD)
    refuse_entities(file, piece)
    elements = 0.0
    while piece and makes_tree:
        elements += (piece.count(b"<") + piece.count(b"/>")) / 2
        if elements > _MAX_ELEMENTS:
            raise CorruptFileError(f"'{file.name}' has over {_MAX_ELEMENTS:,} elements", "split it")
        piece = stream.read(_PIECE)


def parse_xml(data: bytes, *, recover: bool = False) -> Any:
    """The root element of an XML part; entities are not resolved, and nothing is fetched.

    With `recover` damaged XML is read as far as it goes; None where nothing of it is XML.
    """
    import lxml.etree

    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=recover)
    return lxml.etree.fromstring(data, parser)


def chart_title(root: Any) -> str:
    """The title of a chart of any kind; "" where it has none."""
    written = root.iterfind(f".//{{*}}chart/{{*}}title//{_DRAWING}t")
    title = "".join(t.text or "" for t in written).strip()
    return title or "".join(v.text or "" for v in root.iterfind(".//{*}chart/{*}title//{*}v")).strip()  # that of a cell


def chart_table(root: Any, label: str) -> Table | None:
    """The values that a chart stores, one row a category, one column a series; None where it stores none."""
    series = list(root.iter(f"{_CHART}ser"))[:50]
    columns: list[dict[int, Cell]] = []
    names: list[Cell] = []
    categories: dict[int, Cell] = {}
    for number, item in enumerate(series, 1):
        names.append(next(iter(_points(item, "tx").values()), None) or f"series {number}")
        columns.append(_points(item, "val") or _points(item, "yVal"))
        categories = categories or _points(item, "cat") or _points(item, "xVal")
    indices = sorted({index for column in columns for index in column} | set(categories))[:1000]
    if not indices:
        return None
    rows = [(categories.get(i), *(column.get(i) for column in columns)) for i in indices]
    return Table(((None, *names), *rows), chart_title(root) or label)


def _points(series: Any, name: str) -> dict[int, Cell]:
    """The cached values of one reference of a series, by index."""
    holder = series.find(f"{_CHART}{name}")
    if holder is None:
        return {}
    values: dict[int, Cell] = {}
    for point in holder.iter(f"{_CHART}pt"):
        value = point.findtext(f"{_CHART}v") or ""
        with contextlib.suppress(ValueError):  # no index is no place for the point
            values[int(point.get("idx") or 0)] = _number(value)
    return values or ({0: text} if (text := holder.findtext(f"{_CHART}v")) else {})


def _number(text: str) -> Cell:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
