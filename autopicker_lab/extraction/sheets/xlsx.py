"""What an XLSX holds beside the values of its cells: styles, links, comments, drawings, charts, names."""

from __future__ import annotations

import codecs
import html
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.ooxml import chart_title, refuse_bombs
from autopicker_lab.extraction.opc import Package
from autopicker_lab.extraction.sheets.drawings import read_drawing, read_vml
from autopicker_lab.extraction.sheets.grid import read_grids
from autopicker_lab.extraction.sheets.model import (
    MACROS,
    MAX_AREA,
    Book,
    Sheet,
    SheetNotes,
    column_number,
    sheet_of_cells,
)
from autopicker_lab.extraction.sheets.number_format import NumberFormat, format_of
from autopicker_lab.extraction.sheets.rich_text import may_be_marked, shared_cells
from autopicker_lab.extraction.sheets.tree import read_cells, shared_strings
from autopicker_lab.extraction.sheets.xlsx_cells import cells_of_styles, holds_negative, read_sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from autopicker_lab.core import SourceFile
    from autopicker_lab.extraction.opc import Relation
    from autopicker_lab.extraction.sheets.model import CellPosition

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")
_ATTRIBUTE = re.compile(rb"(?<![\w:])([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_HYPERLINK = re.compile(rb"<(?:\w+:)?hyperlink\s([^<>]*)>")
_FORMAT = re.compile(rb"<(?:\w+:)?numFmt\s([^<>]*)>")
_STYLE = re.compile(rb"<(?:\w+:)?xf(?=[\s/>])([^<>]*)>")
_FONT = re.compile(rb"<(?:\w+:)?font(?:\s[^<>]*)?(?:/>|>.*?</(?:\w+:)?font>)", re.DOTALL)
_STRIKE = re.compile(rb"<(?:\w+:)?strike(?:\s+val=[\"'](\w+)[\"'])?\s*/?>")
_OFF = (b"0", b"false", b"off")
_USUAL_ERRORS = frozenset(("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"))
_CHART = re.compile(r"(?:^|/)charts/chart(?:ex)?\d*\.xml")
_MAIN = "xl/workbook.xml"
_MAX_LINKED, _MAX_LINKS = 1000, 100_000  # cells of one range that share a link, and of all
_LEGACY_NOTE = re.compile(r"^\[Threaded comment\].*? Comment: ")  # what older programs are shown before a thread


def read_xlsx(file: SourceFile) -> Book:
    """The sheets of an XLSX or XLSB, by calamine; element by element where it is damaged or cells stand far apart."""
    package = Package(file.data)
    refuse_bombs(file, package.archive)
    parts = _Parts(package)
    book = parts.notes()
    if is_sparse(book.notes.values()):
        book.sheets = [parts.sheet(name, keeps_gaps=False) for name in parts.paths]
    elif parts.is_unusual:
        book.sheets = [parts.sheet(name) for name in parts.paths]
    else:
        book.sheets = _grids(file, parts, book.warnings)
    if not parts.paths:
        book.warnings.append("a binary workbook (XLSB): its formats, links, notes and hidden rows are not told")
    if any(name.endswith("vbaproject.bin") for name in package.names):
        book.warnings.append(MACROS)
    book.warnings += [f"{name} {what}" for name, what in package.damaged.items()]
    return book


def _grids(file: SourceFile, parts: _Parts, warnings: list[str]) -> list[Sheet]:
    try:
        return read_grids(file.data, warnings, parts.sheet)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException:  # Rust's panics are no Exceptions
        if not parts.paths:
            raise
        warnings.append("the workbook is damaged: it was read as far as it goes")
        return [parts.sheet(name) for name in parts.paths]


def is_sparse(notes: Iterable[SheetNotes]) -> bool:
    """Whether the corners of the sheets span more cells than may be allocated, while few of them exist."""
    sheets = list(notes)
    area, filled = sum(note.area for note in sheets), sum(note.filled for note in sheets)
    return area > max(MAX_AREA, 20 * filled)


class _Parts:
    """The parts of an XLSX, by what they are."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self.is_unusual = False  # whether calamine would not see the cells
        self._main = _MAIN if _MAIN in package.names else package.main or _MAIN
        self._root = self._parsed(self._main) if self._main.endswith(".xml") else None
        properties = None if self._root is None else self._root.find("{*}workbookPr")
        self._starts_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        self.paths = dict(self._sheet_paths())
        self._hidden = {e.get("name") for e in self._sheet_elements() if (e.get("state") or "visible") != "visible"}

    def _parsed(self, name: str) -> Any | None:
        return self._package.root(name) if name in self._package.names else None

    def _sheet_elements(self) -> Iterator[Any]:
        return iter(()) if self._root is None else self._root.iter("{*}sheet")

    def _sheet_paths(self) -> Iterator[tuple[str, str]]:
        relations = self._package.relations(self._main)
        found = False
        for element in self._sheet_elements():
            target = relations.get(element.get(_RELATION) or "")
            if target and target.type == "worksheet" and target.target in self._package.names:
                found = True
                yield element.get("name") or "", target.target
        if not found and self._main.endswith(".xml"):  # a workbook that hides its sheets: look at all of them
            for name in self._package.names:
                if re.search(r"(?:^|/)worksheets/[^/]+\.xml$", name):
                    yield name.rpartition("/")[2].removesuffix(".xml"), name

    @cached_property
    def _formats(self) -> list[NumberFormat]:
        """The number format of each style that cells name."""
        data = self._styles_data
        codes: dict[int, str] = {}
        for match in _FORMAT.finditer(data):
            known = _attributes(match[1])
            if known.get("numFmtId", "").isdecimal():
                codes[int(known["numFmtId"])] = known.get("formatCode", "")
        styles = data.partition(b"cellXfs")[2].partition(b"cellXfs>")[0]
        ids = (_attributes(match[1]).get("numFmtId", "0") for match in _STYLE.finditer(styles))
        return [format_of(int(i) if i.isdecimal() else 0, codes) for i in ids]

    @cached_property
    def _struck(self) -> set[int]:
        """The numbers of the styles whose font is struck through."""
        data = self._styles_data
        if b"strike" not in data:
            return set()
        fonts = _FONT.findall(data.partition(b"<cellXfs")[0])
        struck = {str(i) for i, font in enumerate(fonts) if (match := _STRIKE.search(font)) and match[1] not in _OFF}
        styles = data.partition(b"cellXfs")[2].partition(b"cellXfs>")[0]
        return {i for i, m in enumerate(_STYLE.finditer(styles)) if _attributes(m[1]).get("fontId", "0") in struck}

    @cached_property
    def _styles_data(self) -> bytes:
        part = self._package.related(self._main, "styles") or "xl/styles.xml"
        return (self._package.read(part) if part in self._package.names else None) or b""

    def notes(self) -> Book:
        """What stands beside the values, of all sheets."""
        book = Book(starts_1904=self._starts_1904)
        meaningful = {i: form for i, form in enumerate(self._formats) if form.matters}
        dates = [i for i, form in enumerate(self._formats) if form.is_date and not form.is_elapsed]
        for name, path in self.paths.items():
            data = self._sheet_data(path)
            notes = book.notes[name] = read_sheet(data, meaningful)
            notes.struck = set(cells_of_styles(data, self._struck)) if self._struck else set()
            relations = self._package.relations(path)
            self._find_marked(data, notes)
            errors = {text.partition(" ")[0] for text in notes.errors.values()}
            if not errors <= _USUAL_ERRORS or holds_negative(data, dates):  # which it takes for times of the day
                self.is_unusual = True
            _find_links(data, relations, notes)
            for relation in relations.values():
                if not relation.is_external and relation.target in self._package.names:
                    self._find_related(name, relation, book)
            notes.comments = {cell: _LEGACY_NOTE.sub("", text) for cell, text in notes.comments.items()}
        self._find_charts(book)
        self._find_names(book)
        return book

    def _find_marked(self, data: bytes, notes: SheetNotes) -> None:
        """The texts of cells in which characters are raised, lowered or struck."""
        if self._marked:
            strings = self._strings
            for column, row, number in shared_cells(data, self._marked):
                notes.marked[int(row) - 1, column_number(column)] = strings[number]
        if may_be_marked(data):  # in the sheet itself
            texts = read_cells(data, (), (), self._starts_1904)
            notes.marked |= {place: text for place, text in texts.items() if isinstance(text, str)}

    def _sheet_data(self, path: str) -> bytes:
        data = self._package.read(path) or b""
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            self.is_unusual = True
            return data.decode("utf-16", "replace").encode()
        return data

    def _find_related(self, name: str, relation: Relation, book: Book) -> None:
        notes, target = book.notes[name], relation.target
        if relation.type == "comments":
            _find_comments(self._parsed(target), notes)
        elif relation.type == "threadedComment":
            self._find_thread(self._parsed(target), notes)
        elif relation.type == "drawing":
            read_drawing(self._package, target, notes)
        elif relation.type == "vmlDrawing":
            read_vml(self._package.read(target) or b"", notes)
        elif relation.type in ("oleObject", "package", "control"):
            notes.warnings.append(f"an embedded object was not read: {target.rpartition('/')[2]}")
        elif relation.type in ("table", "pivotTable") and (root := self._parsed(target)) is not None:
            known = book.facts.setdefault("tables" if relation.type == "table" else "pivot_tables", {})
            title = root.get("displayName") or root.get("name") or ""
            location = root if relation.type == "table" else root.find("{*}location")
            known[title] = f"{name}!{'' if location is None else location.get('ref') or ''}"

    def _find_thread(self, root: Any | None, notes: SheetNotes) -> None:
        part = self._package.related(self._main, "person")
        persons = self._parsed(part) if part else None
        names = {p.get("id"): p.get("displayName") for p in (() if persons is None else persons.iter("{*}person"))}
        said: dict[str, list[str]] = {}
        for comment in () if root is None else root.iter("{*}threadedComment"):
            text = " ".join((comment.findtext("{*}text") or "").split())
            author = names.get(comment.get("personId"))
            said.setdefault(comment.get("ref") or "", []).append(f"{author}: {text}" if author else text)
        for cell, texts in said.items():
            notes.comments[cell] = " / ".join(texts)

    def _find_charts(self, book: Book) -> None:
        for name in sorted(name for name in self._package.names if _CHART.search(name)):
            root = self._parsed(name)
            title = "" if root is None else chart_title(root)
            book.charts.append(title or f"chart {len(book.charts) + 1}")

    def _find_names(self, book: Book) -> None:
        named = () if self._root is None else self._root.iter("{*}definedName")
        shown = ((n.get("name") or "", n.text or "") for n in named if not n.get("hidden"))
        ranges = {name: text for name, text in shown if not name.startswith("_xlnm")}
        links = [r.target for r in self._package.relations(self._main).values() if r.type == "externalLink"]
        others = [r.target for part in links for r in self._package.relations(part).values() if r.is_external]
        book.facts |= {"names": ranges} if ranges else {}
        if others:
            book.facts["external_workbooks"] = others
            book.warnings.append(f"values from other workbooks are as they were last saved: {', '.join(others[:20])}")

    @cached_property
    def _strings_data(self) -> bytes:
        part = self._package.related(self._main, "sharedStrings") or "xl/sharedstrings.xml"
        return (self._package.read(part) or b"") if part in self._package.names else b""

    @cached_property
    def _strings(self) -> list[str]:
        return shared_strings(self._strings_data)

    @cached_property
    def _marked(self) -> set[int]:
        """The numbers of the shared strings that have marked characters."""
        if not may_be_marked(self._strings_data):
            return set()
        items = re.split(rb"<(?:\w+:)?si[\s>]", self._strings_data)[1:]
        return {number for number, item in enumerate(items) if may_be_marked(item) and number < len(self._strings)}

    def sheet(self, name: str, keeps_gaps: bool = True) -> Sheet:
        """A sheet, read element by element, of the cells that exist."""
        data = (self._package.read(self.paths[name]) or b"") if name in self.paths else b""
        cells = read_cells(data, self._strings, self._formats, self._starts_1904)
        return sheet_of_cells(name, name not in self._hidden, cells, keeps_gaps)


def _attributes(tag: bytes) -> dict[str, str]:
    """A tag's attributes by their names without prefixes."""
    return {
        m[1].rpartition(b":")[2].decode("latin-1"): html.unescape((m[2] or m[3] or b"").decode("utf-8", "replace"))
        for m in _ATTRIBUTE.finditer(tag)
    }


def _find_links(data: bytes, relations: Mapping[str, Relation], notes: SheetNotes) -> None:
    for match in _HYPERLINK.finditer(data) if b"hyperlink " in data else ():
        known = _attributes(match[1])
        relation = relations.get(known.get("id", ""))
        address = relation.target if relation else ""
        if place := known.get("location"):
            address += f"#{place}"
        most = _MAX_LINKED if len(notes.links) < _MAX_LINKS else 1
        for position in _cells_of(known.get("ref", ""), most) if address else ():
            notes.links[position] = address


def _cells_of(reference: str, most: int) -> Iterator[CellPosition]:
    """The cells of a range such as A1 or B2:C9; of one that has more than `most` only the first."""
    match = _RANGE.fullmatch(reference)
    if match is None:
        return
    top, left = int(match[2]) - 1, column_number(match[1].encode())
    bottom, right = (int(match[4]) - 1, column_number(match[3].encode())) if match[3] else (top, left)
    if (bottom - top + 1) * (right - left + 1) > most:
        bottom, right = top, left
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            yield row, column


def _find_comments(root: Any | None, notes: SheetNotes) -> None:
    for comment in () if root is None else root.iter("{*}comment"):
        text = " ".join("".join(t.text or "" for t in comment.iter("{*}t")).split())
        notes.comments.setdefault(comment.get("ref") or "", text)
