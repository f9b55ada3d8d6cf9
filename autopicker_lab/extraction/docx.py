"""DOCX: python-docx opens it, one walk over its XML reads it in the order it stands.

Tracked changes are taken as accepted; headers, footers, footnotes and comments come once, after the body.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import Document, Part, SourceFile, Table
from autopicker_lab.extraction.docx_lists import VAL, Numbering, W
from autopicker_lab.extraction.ooxml import chart_table, parse_xml, refuse_bombs
from autopicker_lab.extraction.plain import sections

if TYPE_CHECKING:
    from docx.document import Document as DocxDocument

_LEVEL = re.compile(r"^(?:heading|titre|überschrift|título|titolo|rubrik)\s*(\d)", re.IGNORECASE)
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH_TEXT = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_PROPERTIES = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
_GONE = {f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}delText", f"{W}rPr", f"{W}pPr", f"{W}rt"}
_AS_TEXT = {f"{W}tab": " ", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}


def read_docx(file: SourceFile) -> Document:
    import docx

    refuse_bombs(file)
    source = docx.Document(io.BytesIO(file.data))
    walk = _Walk(source)
    body = walk.markdown(source.element.body)
    parts = tuple(sections(body))
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
        "headings": [line.lstrip("# ") for line in body.split("\n") if re.match(r"#{1,6} ", line)],
    }
    return Document(file.name, file.kind, parts, meta, tuple(walk.warnings()))


@dataclass
class _Style:
    level: int  # of a heading; 0 for text
    number: tuple[str, int] | None  # the list that the style itself belongs to


@dataclass
class _Walk:
    """One pass over the XML, and what it met."""

    source: DocxDocument
    images: list[dict[str, str]] = field(default_factory=list)
    notes: dict[tuple[str, str], None] = field(default_factory=dict)  # (footnotes or endnotes, id), as they come
    inserted: int = 0
    deleted: int = 0

    def __post_init__(self) -> None:
        related = {rel.reltype.rsplit("/", 1)[-1]: rel for rel in self._rels() if not rel.is_external}
        self._related = {kind: parse_xml(rel.target_part.blob) for kind, rel in related.items() if kind in _SIDES}
        self.numbering = Numbering.of(self._related.get("numbering"))
        self.styles = _styles(self._related.get("styles"))
        self._held: list[Any] = []  # text boxes and charts of the paragraph at hand

    def _rels(self) -> Any:
        return self.source.part.rels.values()

    # ------------------------------------------------------------ blocks

    def markdown(self, parent: Any) -> str:
        """The blocks of a body, cell or box, a blank line between them; list items stand close."""
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
                held, self._held = self._held, []
                yield self._paragraph(child)
                mine, self._held = self._held, held
                for extra in mine:
                    yield extra if isinstance(extra, str) else self.markdown(extra), False
            elif child.tag == f"{W}tbl":
                yield self._table(child), False
            elif child.tag not in _GONE and child.tag in _HOLDERS:
                yield from self._blocks(child)

    def _paragraph(self, paragraph: Any) -> tuple[str, bool]:
        """Markdown of a paragraph, and whether it is a list item."""
        text = self._inline(paragraph).strip()
        properties = paragraph.find(f"{W}pPr")
        style, number, level = _Style(0, None), None, 0
        if properties is not None:
            named = properties.find(f"{W}pStyle")
            style = self.styles.get(named.get(VAL), style) if named is not None else style
            outline = properties.find(f"{W}outlineLvl")
            level = int(outline.get(VAL) or 9) + 1 if outline is not None else style.level
            number = _number_of(properties) or style.number
        if not text:
            return "", False
        mark = self.numbering.next(*number) if number else None
        if 1 <= level <= 9:
            label = f"{mark} " if mark and mark != "-" else ""
            return f"{'#' * min(level, 6)} {label}{' '.join(text.split())}", False
        if mark is None:
            return text, False
        return f"{'  ' * (number[1] if number else 0)}{mark} {' '.join(text.split())}".rstrip(), True

    # ------------------------------------------------------------ inline

    def _inline(self, element: Any) -> str:
        return "".join(self._pieces(element))

    def _pieces(self, element: Any) -> Iterator[str]:
        for child in element:
            tag = child.tag
            if tag in (f"{W}t", _MATH_TEXT):
                yield child.text or ""
            elif tag in _AS_TEXT:
                yield _AS_TEXT[tag]
            elif tag in (f"{W}del", f"{W}moveFrom"):
                self.deleted += 1
            elif tag in _GONE or not isinstance(tag, str):
                continue
            elif tag == f"{W}hyperlink":
                yield self._link(child)
            elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
                key = ("footnotes" if "foot" in tag else "endnotes", child.get(f"{W}id"))
                self.notes.setdefault(key)
                yield f"[^{list(self.notes).index(key) + 1}]"
            elif tag == f"{_ALTERNATE}AlternateContent":
                choice = child.find(f"{_ALTERNATE}Choice")  # the fallback says the same again
                yield from self._pieces(choice if choice is not None else child)
            elif tag == f"{W}txbxContent":
                self._held.append(child)
            else:
                self.inserted += tag in (f"{W}ins", f"{W}moveTo")
                if tag == _PROPERTIES:
                    self._picture(child)
                elif tag == _CHART:
                    self._chart(child)
                yield from self._pieces(child)

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
                self._held.append(f"{table.label}\n\n{table.to_markdown()}".strip())

    # ------------------------------------------------------------ tables

    def _table(self, element: Any) -> str:
        rows = [row for row in _rows(element) if row.find(f"{W}trPr/{W}del") is None]
        cells = [[(cell, _span(cell), _goes_on(cell)) for cell in _cells(row)] for row in rows]
        if len(cells) == 1 and len(cells[0]) == 1 and cells[0][0][1] == 1:  # a frame around text
            return self.markdown(cells[0][0][0])
        texts = []
        for row in cells:
            line: list[str | None] = []
            for cell, span, goes_on in row:
                text = "" if goes_on else re.sub(r"\s*\n\s*", "\n", self.markdown(cell)).strip()
                line += [_flat(text) or None, *[None] * (span - 1)]
            texts.append(tuple(line))
        return Table(tuple(texts)).to_markdown()

    # ------------------------------------------------------------ beside the body

    def notes_text(self) -> Iterator[str]:
        for number, (kind, id_) in enumerate(list(self.notes), 1):
            root = self._related.get(kind)
            tag = f"{W}{kind[:-1]}"
            for note in () if root is None else root.iterfind(tag):
                if note.get(f"{W}id") == id_:
                    yield f"[^{number}]: {' '.join(self.markdown(note).split())}"

    def comments(self) -> Iterator[str]:
        root = self._related.get("comments")
        for comment in () if root is None else root.iterfind(f"{W}comment"):
            author = comment.get(f"{W}author") or "somebody"
            yield f"> {author}: {' '.join(self.markdown(comment).split())}"

    def warnings(self) -> Iterator[str]:
        if self.inserted or self.deleted:
            yield (
                f"tracked changes were taken as accepted: {self.inserted} insertions kept, "
                f"{self.deleted} deletions left out"
            )
        if self.images:
            yield f"pictures that were not read: {len(self.images)}"


_SIDES = {"numbering", "styles", "footnotes", "endnotes", "comments"}
_HOLDERS = {f"{W}{name}" for name in ("sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "txbxContent")} | {
    f"{_ALTERNATE}AlternateContent",
    f"{_ALTERNATE}Choice",
}


def _rows(table: Any) -> Iterator[Any]:
    return _within(table, f"{W}tr")


def _cells(row: Any) -> Iterator[Any]:
    return _within(row, f"{W}tc")


def _within(parent: Any, tag: str) -> Iterator[Any]:
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in _HOLDERS:
            yield from _within(child, tag)


def _span(cell: Any) -> int:
    span = cell.find(f"{W}tcPr/{W}gridSpan")
    return min(max(int(span.get(VAL) or 1), 1), 100) if span is not None else 1


def _goes_on(cell: Any) -> bool:
    """Whether a cell is the rest of one merged with it from above."""
    merge = cell.find(f"{W}tcPr/{W}vMerge")
    return merge is not None and merge.get(VAL) != "restart"


def _flat(text: str) -> str:
    """A cell on one line: a nested table's rules go, its bars become commas."""
    lines = [line for line in text.split("\n") if not re.fullmatch(r"[|\s:-]+", line)]
    return "\n".join(re.sub(r"\s*\|\s*", ", ", line.strip("| ")) if line.startswith("|") else line for line in lines)


def _styles(root: Any | None) -> dict[str, _Style]:
    """Paragraph styles by id, with what they inherit."""
    if root is None:
        return {}
    raw = {style.get(f"{W}styleId"): style for style in root.iterfind(f"{W}style")}

    def chain(id_: str) -> Iterator[Any]:
        for _ in range(10):
            if id_ not in raw:
                return
            yield raw[id_]
            based = raw[id_].find(f"{W}basedOn")
            id_ = based.get(VAL) if based is not None else ""

    return {id_: _style(list(chain(id_))) for id_ in raw}


def _style(chain: list[Any]) -> _Style:
    level = 0
    number: tuple[str, int] | None = None
    for style in chain:
        name = style.find(f"{W}name")
        shown = (name.get(VAL) or "") if name is not None else ""
        heading = _LEVEL.match(shown)
        outline = style.find(f"{W}pPr/{W}outlineLvl")
        level = level or (int(heading[1]) if heading else 1 if shown.lower() == "title" else 0)
        if not level and outline is not None:
            level = int(outline.get(VAL) or 9) + 1
        properties = style.find(f"{W}pPr")
        number = number or (_number_of(properties) if properties is not None else None)
    if number and level and number[1] == 0:
        number = (number[0], level - 1)
    return _Style(level if level <= 9 else 0, number)


def _number_of(properties: Any) -> tuple[str, int] | None:
    holder = properties.find(f"{W}numPr")
    if holder is None:
        return None
    number, level = holder.find(f"{W}numId"), holder.find(f"{W}ilvl")
    if number is None:
        return None
    return number.get(VAL) or "0", int(level.get(VAL) or 0) if level is not None else 0


def _margins(source: DocxDocument, walk: _Walk) -> Iterator[str]:
    """Headers and footers, each text once."""
    for section in source.sections:
        kinds = [section.header, section.footer]
        if section.different_first_page_header_footer:
            kinds += [section.first_page_header, section.first_page_footer]
        for margin in kinds:
            if not margin.is_linked_to_previous:
                yield from (line for line in walk.markdown(margin._element).split("\n") if line.strip())
