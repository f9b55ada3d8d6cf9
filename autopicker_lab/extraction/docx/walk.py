"""The walk over the XML of a DOCX: paragraphs, lists and tables of a part as Markdown, in document order."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, Table
from autopicker_lab.extraction.docx import tables
from autopicker_lab.extraction.docx.chunks import read_chunk
from autopicker_lab.extraction.docx.drawings import target
from autopicker_lab.extraction.docx.inline import Inline
from autopicker_lab.extraction.docx.lists import Numbering
from autopicker_lab.extraction.docx.names import R, W, parse_int, unwrapped, value
from autopicker_lab.extraction.docx.note_marks import NoteMarks
from autopicker_lab.extraction.docx.styles import Styles, place_of
from autopicker_lab.extraction.plain import flat_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autopicker_lab.extraction.opc import Package

_MARKDOWN_SYNTAX = re.compile(r"^(#{1,6}\s|```|~~~(?!~))", re.MULTILINE)  # a paragraph that begins so must be escaped


class Walk(Inline):
    """One walk over the parts of a document, which collects pictures, notes and tracked changes on its way.

    Attributes:
        settings: the root of settings.xml; None where there is none.
    """

    def __init__(self, package: Package, main: str) -> None:
        self.settings = _side_root(package, main, "settings")
        super().__init__(package, main, Styles.of(_side_root(package, main, "styles")), NoteMarks(self.settings))
        self.numbering = Numbering.of(_side_root(package, main, "numbering"))
        self._carried: list[str] = []  # the text of paragraphs whose ends were deleted

    def markdown(self, parent: Any) -> str:
        """The Markdown of a body, cell or box: blocks with a blank line between them, list items without."""
        out: list[str] = []
        before_item = False
        for text, is_item in self._blocks(parent):
            if text.strip():
                out.append(("\n" if before_item and is_item else "\n\n" if out else "") + text)
                before_item = is_item
        return "".join(out)

    @contextmanager
    def inside(self, part: str, *, margin: bool = False) -> Iterator[None]:
        """What is read inside stands in another part: links and pictures lead where its own relations say."""
        outer = self.part, self.in_margin, self._fields
        self.part, self.in_margin, self._fields = part, margin, []
        yield
        self.part, self.in_margin, self._fields = outer

    def _blocks(self, parent: Any) -> Iterator[tuple[str, bool]]:
        for child in unwrapped(parent):
            if child.tag == f"{W}p":
                outer_boxes, self._boxes = self._boxes, []
                yield self._paragraph(child)
                own_boxes, self._boxes = self._boxes, outer_boxes
                for box in own_boxes:
                    yield self._box_text(box), False
            elif child.tag == f"{W}tbl":
                yield self._table(child), False
            elif child.tag == f"{W}altChunk":
                yield self._chunk(child), False
            elif child.tag == f"{W}subDoc":
                yield self._subdocument(child), False
        if self._carried:
            text, self._carried = "".join(self._carried), []
            yield text.strip(), False

    def _box_text(self, box: Any) -> str:
        if isinstance(box, str):
            return box
        outer = self._fields, self._carried
        self._fields, self._carried = [], []
        text = self.markdown(box)
        self._fields, self._carried = outer
        return text

    def _paragraph(self, paragraph: Any) -> tuple[str, bool]:
        """The Markdown of a paragraph, and whether it is a list item."""
        properties = paragraph.find(f"{W}pPr")
        style_id = value(properties, "pStyle") if properties is not None else ""
        style = self.styles.paragraph(style_id)
        self._carried.append(self.line(paragraph, style))
        own, level = None, style.level
        if properties is not None:
            if any(properties.find(f"{W}rPr/{W}{name}") is not None for name in ("del", "moveFrom")):
                self.found.deleted += 1
                return "", False
            own = place_of(properties)
            if properties.find(f"{W}outlineLvl") is not None:
                level = parse_int(value(properties, "outlineLvl"), 9) + 1
            frame = properties.find(f"{W}framePr")
            if frame is not None and frame.get(f"{W}dropCap", "none") != "none":
                return "", False  # a large initial: the rest of its word follows
        place = self.numbering.place(own, style_id, style.place) if own or style.place else None
        label = self.numbering.next(*place) if place else None  # an empty item counts as well
        text, self._carried = "".join(self._carried).strip(), []
        if not text:
            return "", False
        if 1 <= level <= 9:
            number = f"{label} " if label and not label.startswith("-") else ""
            return f"{'#' * min(level, 6)} {number}{' '.join(text.split())}", False
        if label is None:
            return _MARKDOWN_SYNTAX.sub(r"\\\1", text), False
        depth = (place[1] if place else 0) or style.depth
        return f"{'   ' * depth}{label} {' '.join(text.split())}".rstrip(), True

    def _table(self, element: Any) -> str:
        all_rows = list(tables.rows(element))
        kept = [row for row in all_rows if row.find(f"{W}trPr/{W}del") is None]
        self.found.deleted += len(all_rows) - len(kept)
        rows = [row for row in kept if not tables.is_hidden(row)]
        if len(rows) < len(kept):
            self.found.hidden += sum(len(t.text or "") for r in kept if tables.is_hidden(r) for t in r.iter(f"{W}t"))
        single_row_cells = list(tables.cells(rows[0])) if len(rows) == 1 else []
        if len(single_row_cells) == 1 and tables.column_span(single_row_cells[0]) == 1:  # a frame around text
            return self.markdown(single_row_cells[0])
        texts = []
        for row in rows:
            line: list[str | None] = [None] * tables.skipped_columns(row)
            for cell in tables.cells(row):
                lines = () if tables.continues_merge(cell) else map(str.strip, self.markdown(cell).split("\n"))
                text = "\n".join(part for part in lines if part)
                line += ["\n".join(flat_rows(text)) or None, *[None] * (tables.column_span(cell) - 1)]
            texts.append(tuple(line))
        return Table(tuple(texts)).to_markdown()

    def _chunk(self, element: Any) -> str:
        """A file that the document takes in whole."""
        part = target(self.package, self.part, element.get(f"{R}id"))
        data = self.package.read(part) if part else None
        if part is None or data is None:
            self.found.remark("an inserted file is missing")
            return ""
        if part in self._told:
            self.found.remark(f"the inserted file {part} is shown once, though it stands there several times")
            return ""
        self._told.add(part)
        try:
            document = read_chunk(data, part, self.package.content_type(part))
        except AutopickerError as error:
            self.found.remark(f"the inserted file {part} was not read: {error}")
            return ""
        for warning in document.warnings:
            self.found.remark(f"in the inserted file {part}: {warning}")
        return document.text


def _side_root(package: Package, main: str, type_: str) -> Any | None:
    part = package.related(main, type_)
    return package.root(part) if part else None
