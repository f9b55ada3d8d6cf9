"""DOCX by python-docx: paragraphs, headings, lists and tables in the order they stand, headers and footers once."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from autopicker_lab.core import Document, Part, SourceFile, Table
from autopicker_lab.extraction.ooxml import refuse_bombs
from autopicker_lab.extraction.plain import sections

if TYPE_CHECKING:
    from docx.document import Document as DocxDocument
    from docx.table import Table as DocxTable
    from docx.text.paragraph import Paragraph

_LEVEL = re.compile(r"heading\s*(\d)", re.IGNORECASE)


def read_docx(file: SourceFile) -> Document:
    import docx

    refuse_bombs(file)
    source = docx.Document(io.BytesIO(file.data))
    tables: list[Table] = []
    body = "\n\n".join(_blocks(source, tables))
    margins = list(dict.fromkeys(_margins(source)))
    parts = tuple(_with_tables(sections(body), tables))
    parts += tuple(Part("headers and footers", text) for text in ["\n".join(margins)] if text)
    core = source.core_properties
    meta = {
        "title": core.title or None,
        "author": core.author or None,
        "created": core.created.isoformat() if core.created else None,
        "images": len(source.inline_shapes),
        "headings": [part.label for part in parts if part.label not in ("beginning", "headers and footers")],
    }
    return Document(file.name, file.kind, parts, meta)


def _blocks(source: DocxDocument, tables: list[Table]) -> Iterator[str]:
    from docx.text.paragraph import Paragraph

    run: list[str] = []  # list items stand close together
    for block in source.iter_inner_content():
        if isinstance(block, Paragraph):
            line, is_item = _paragraph(block)
            if is_item:
                run.append(line)
                continue
            text = line
        else:
            table = _table(block, f"table {len(tables) + 1}")
            tables.append(table)
            text = table.to_markdown()
        if run:
            yield "\n".join(run)
            run = []
        if text.strip():
            yield text
    if run:
        yield "\n".join(run)


def _paragraph(block: Paragraph) -> tuple[str, bool]:
    """Markdown of a paragraph, and whether it is a list item."""
    text = block.text.strip()
    style = (block.style.name or "") if block.style is not None else ""
    heading = _LEVEL.search(style)
    if text and (heading or style == "Title"):
        level = min(int(heading[1]), 6) if heading else 1
        return f"{'#' * level} {' '.join(text.split())}", False
    properties = block._p.pPr
    numbered = properties is not None and properties.numPr is not None
    if text and (numbered or style.startswith("List")):
        return ("1. " if "Number" in style else "- ") + text, True
    return text, False


def _table(block: DocxTable, label: str) -> Table:
    rows: list[tuple[str, ...]] = []
    for row in block.rows:
        cells: list[str] = []
        last = None
        for cell in row.cells:  # a merged cell comes once for each column it spans
            cells.append("" if cell._tc is last else cell.text.strip())
            last = cell._tc
        rows.append(tuple(cells))
    return Table(tuple(rows), label)


def _with_tables(parts: list[Part], tables: list[Table]) -> Iterator[Part]:
    """Give each section the tables whose Markdown stands in it, in order."""
    waiting = list(tables)
    for part in parts:
        mine: list[Table] = []
        while waiting and (not waiting[0].rows or waiting[0].to_markdown() in part.text):
            mine.append(waiting.pop(0))
        yield Part(part.label, part.text, tuple(mine))


def _margins(source: DocxDocument) -> Iterator[str]:
    for section in source.sections:
        for margin in (section.header, section.footer):
            yield from (p.text.strip() for p in margin.paragraphs if p.text.strip())
