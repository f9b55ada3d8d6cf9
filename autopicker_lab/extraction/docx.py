"""Reader for DOCX: python-docx opens it, one walk over its XML reads it in document order.

Tracked changes are taken as accepted; headers, footers, footnotes and comments come once, after the body.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile, Table
from autopicker_lab.extraction import docx_tables
from autopicker_lab.extraction.docx_lists import VAL, Numbering, W, parse_int
from autopicker_lab.extraction.docx_math import formula
from autopicker_lab.extraction.docx_styles import ParagraphStyle, number_of, read_styles
from autopicker_lab.extraction.ooxml import chart_table, parse_xml, refuse_bombs
from autopicker_lab.extraction.plain import sections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docx.document import Document as DocxDocument

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}oMath"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_PROPERTIES = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
_MARKDOWN_SYNTAX = re.compile(r"^(#{1,6}\s|```|~~~)", re.MULTILINE)  # a paragraph that begins so must be escaped
_SUPERSCRIPT = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_SUBSCRIPT = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_SKIPPED_TAGS = {f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}delText", f"{W}rPr", f"{W}pPr", f"{W}rt"}
_TAG_TEXT = {f"{W}tab": " ", f"{W}ptab": " ", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}


def read_docx(file: SourceFile) -> Document:
    """The sections of a DOCX, then its headers and footers, footnotes and comments; pictures as metadata."""
    import docx

    refuse_bombs(file)
    try:
        source = docx.Document(io.BytesIO(file.data))
    except (ValueError, KeyError):
        problem = f"'{file.name}' is no ordinary DOCX, but one with macros, a template, or Strict Open XML"
        raise CorruptFileError(problem, "save it as a Word document (.docx)") from None
    walk = _Walk(source)
    parts = tuple(sections(walk.markdown(source.element.body)))
    headings = [part.label for part in parts if part.label != "beginning"]
    for label, text in (
        ("headers and footers", "\n".join(dict.fromkeys(_margins(source, walk)))),
        ("footnotes", "\n\n".join(walk.notes_text())),
        ("comments", "\n\n".join(walk.comments())),
    ):
        if text:
            parts += (Part(label, text),)
    core = source.core_properties
    meta = {
        "title": core.title or None,
        "author": core.author or None,
        "created": core.created.isoformat() if core.created else None,
        "images": walk.images,
        "headings": headings,
    }
    return Document(file.name, file.kind, parts, meta, tuple(walk.warnings()))


@dataclass
class _Walk:
    """One walk over the XML of a document, which collects pictures, footnotes and tracked changes on its way."""

    source: DocxDocument
    images: list[dict[str, str]] = field(default_factory=list)
    notes: dict[tuple[str, str], int] = field(default_factory=dict)  # (footnotes or endnotes, id) -> number
    inserted: int = 0
    deleted: int = 0

    def __post_init__(self) -> None:
        related = {rel.reltype.rsplit("/", 1)[-1]: rel for rel in self.source.part.rels.values() if not rel.is_external}
        self._related = {kind: parse_xml(rel.target_part.blob) for kind, rel in related.items() if kind in _SIDE_PARTS}
        self.numbering = Numbering.of(self._related.get("numbering"))
        self.styles = read_styles(self._related.get("styles"))
        self._handlers: dict[str, Callable[[Any], str]] = {
            f"{W}t": lambda element: element.text or "",
            f"{W}r": self._run,
            f"{W}hyperlink": self._link,
            f"{W}footnoteReference": self._note,
            f"{W}endnoteReference": self._note,
            _MATH: formula,
            **{tag: lambda element: _TAG_TEXT[element.tag] for tag in _TAG_TEXT},
        }
        self._boxes: list[Any] = []  # text boxes and charts of the current paragraph

    # ------------------------------------------------------------ blocks

    def markdown(self, parent: Any) -> str:
        """The Markdown of a body, cell or box: blocks with a blank line between them, list items without."""
        out: list[str] = []
        before_item = False
        for text, is_item in self._blocks(parent):
            if text.strip():
                out.append(("\n" if before_item and is_item else "\n\n" if out else "") + text)
                before_item = is_item
        return "".join(out)

    def _blocks(self, parent: Any) -> Iterator[tuple[str, bool]]:
        for child in parent:
            if child.tag == f"{W}p":
                outer_boxes, self._boxes = self._boxes, []
                yield self._paragraph(child)
                own_boxes, self._boxes = self._boxes, outer_boxes
                for box in own_boxes:
                    yield box if isinstance(box, str) else self.markdown(box), False
            elif child.tag == f"{W}tbl":
                yield self._table(child), False
            elif child.tag not in _SKIPPED_TAGS and child.tag in docx_tables.WRAPPERS:
                yield from self._blocks(child)

    def _paragraph(self, paragraph: Any) -> tuple[str, bool]:
        """The Markdown of a paragraph, and whether it is a list item."""
        text = self._inline(paragraph).strip()
        properties = paragraph.find(f"{W}pPr")
        style, number, level = ParagraphStyle(), None, 0
        if properties is not None:
            style_id = properties.find(f"{W}pStyle")
            style = self.styles.get(style_id.get(VAL), style) if style_id is not None else style
            outline = properties.find(f"{W}outlineLvl")
            level = parse_int(outline.get(VAL), 9) + 1 if outline is not None else style.level
            number = number_of(properties) or style.number
        number_text = self.numbering.next(*number) if number else None  # an empty item counts as well
        if not text:
            return "", False
        if 1 <= level <= 9:
            label = f"{number_text} " if number_text and number_text != "-" else ""
            return f"{'#' * min(level, 6)} {label}{' '.join(text.split())}", False
        if number_text is None:
            return _MARKDOWN_SYNTAX.sub(r"\\\1", text), False
        depth = (number[1] if number else 0) or style.depth
        return f"{'   ' * depth}{number_text} {' '.join(text.split())}".rstrip(), True

    # ------------------------------------------------------------ inline

    def _inline(self, element: Any) -> str:
        return "".join(self._pieces(element))

    def _pieces(self, element: Any) -> Iterator[str]:
        for child in element:
            tag = child.tag
            if tag in self._handlers:
                yield self._handlers[tag](child)
            elif tag in (f"{W}del", f"{W}moveFrom"):
                self.deleted += 1
            elif tag in _SKIPPED_TAGS or not isinstance(tag, str):
                continue
            elif tag == f"{docx_tables.ALTERNATE}AlternateContent":
                choice = child.find(f"{docx_tables.ALTERNATE}Choice")  # the fallback repeats it
                yield from self._pieces(choice if choice is not None else child)
            elif tag == f"{W}txbxContent":
                self._boxes.append(child)
            else:
                self.inserted += tag in (f"{W}ins", f"{W}moveTo")
                if tag == _PROPERTIES:
                    self._picture(child)
                elif tag == _CHART:
                    self._chart(child)
                yield from self._pieces(child)

    def _note(self, element: Any) -> str:
        key = ("footnotes" if "foot" in element.tag else "endnotes", element.get(f"{W}id"))
        return f"[^{self.notes.setdefault(key, len(self.notes) + 1)}]"

    def _run(self, run: Any) -> str:
        """The text of a run: superscript and subscript digits by their own characters, hidden text left out."""
        properties = run.find(f"{W}rPr")
        text = self._inline(run)
        if properties is None:
            return text
        hidden, position = properties.find(f"{W}vanish"), properties.find(f"{W}vertAlign")
        if hidden is not None and hidden.get(VAL) not in ("0", "false"):
            return ""
        alignment = position.get(VAL) if position is not None else ""
        table = _SUPERSCRIPT if alignment == "superscript" else _SUBSCRIPT if alignment == "subscript" else None
        return text.translate(table) if table and all(ord(c) in table or c.isspace() for c in text) else text

    def _link(self, element: Any) -> str:
        text = self._inline(element)
        rel = self.source.part.rels.get(element.get(f"{_R}id") or "")
        if rel is None or not rel.is_external or not text.strip() or text.strip() == rel.target_ref:
            return text
        return f"[{text}]({rel.target_ref})"

    def _picture(self, properties: Any) -> None:
        self.images.append({"name": properties.get("name") or "", "alt": properties.get("descr") or ""})

    def _chart(self, element: Any) -> None:
        rel = self.source.part.rels.get(element.get(f"{_R}id") or "")
        if rel is not None and not rel.is_external:
            table = chart_table(parse_xml(rel.target_part.blob), "")
            if table is not None:
                self._boxes.append(f"{table.label}\n\n{table.to_markdown()}".strip())

    # ------------------------------------------------------------ tables

    def _table(self, element: Any) -> str:
        all_rows = list(docx_tables.rows(element))
        rows = [row for row in all_rows if row.find(f"{W}trPr/{W}del") is None]
        self.deleted += len(all_rows) - len(rows)
        single_row_cells = list(docx_tables.cells(rows[0])) if len(rows) == 1 else []
        if len(single_row_cells) == 1 and docx_tables.column_span(single_row_cells[0]) == 1:  # a frame around text
            return self.markdown(single_row_cells[0])
        texts = []
        for row in rows:
            line: list[str | None] = [None] * docx_tables.skipped_columns(row)
            for cell in docx_tables.cells(row):
                lines = (
                    ()
                    if docx_tables.continues_merge(cell)
                    else (part.strip() for part in self.markdown(cell).split("\n"))
                )
                text = "\n".join(part for part in lines if part)
                line += [docx_tables.flatten(text) or None, *[None] * (docx_tables.column_span(cell) - 1)]
            texts.append(tuple(line))
        return Table(tuple(texts)).to_markdown()

    # ------------------------------------------------------------ beside the body

    def notes_text(self) -> Iterator[str]:
        """The footnotes and endnotes that were referred to, as Markdown."""
        notes = {
            (kind, note.get(f"{W}id")): note
            for kind in ("footnotes", "endnotes")
            for note in self._related.get(kind, ())
        }
        for key, number in list(self.notes.items()):
            if key in notes:
                yield f"[^{number}]: {' '.join(self.markdown(notes[key]).split())}"

    def comments(self) -> Iterator[str]:
        """The comments with their authors, as Markdown."""
        root = self._related.get("comments")
        for comment in () if root is None else root.iterfind(f"{W}comment"):
            author = comment.get(f"{W}author") or "somebody"
            yield f"> {author}: {' '.join(self.markdown(comment).split())}"

    def warnings(self) -> Iterator[str]:
        """Warnings about what the text leaves out or takes as accepted."""
        if self.inserted or self.deleted:
            yield (
                f"tracked changes were taken as accepted: {self.inserted} insertions kept, "
                f"{self.deleted} deletions left out"
            )
        if self.images:
            yield f"pictures that were not read: {len(self.images)}"


_SIDE_PARTS = {"numbering", "styles", "footnotes", "endnotes", "comments"}


def _margins(source: DocxDocument, walk: _Walk) -> Iterator[str]:
    """The lines of headers and footers, for each section."""
    for section in source.sections:
        kinds = [section.header, section.footer]
        if section.different_first_page_header_footer:
            kinds += [section.first_page_header, section.first_page_footer]
        if source.settings.odd_and_even_pages_header_footer:
            kinds += [section.even_page_header, section.even_page_footer]
        for margin in kinds:
            if not margin.is_linked_to_previous:
                yield from (line for line in walk.markdown(margin._element).split("\n") if line.strip())  # noqa: SLF001
