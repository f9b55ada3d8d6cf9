"""PDF: pdfium for text and geometry, our own layout on it; pages without text go through OCR."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, EncryptedFileError, Part, SourceFile
from autopicker_lab.extraction.pdf.heads import running_rows
from autopicker_lab.extraction.pdf.layout import Row, Segment, cut_segments, drop_line_numbers, make_rows, reading_order
from autopicker_lab.extraction.pdf.structure import Block, Typography, page_blocks, to_markdown
from autopicker_lab.extraction.pdf.tables import FoundTable, ruled_tables
from autopicker_lab.extraction.pdf.words import PageContent, Style, read_page

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage

OCR_DPI = 200
_INFLATED_LIMIT = 64 * 2**20
_GARBLED = 0.3
_STAMP = 60  # characters


def read_pdf(file: SourceFile) -> Document:
    pdf = _open(file)
    with closing(pdf):
        labels = [pdf.get_page_label(index) or str(index + 1) for index in range(len(pdf))]
        outline = [(mark.level + 1, mark.get_title()) for mark in pdf.get_toc(max_depth=6)]
        contents: list[PageContent] = []
        recognised: dict[int, tuple[str, str]] = {}
        for index in range(len(pdf)):
            with closing(pdf[index]) as page:
                content = read_page(pdf, page)
                contents.append(content)
                if _is_scan(content):
                    unread = len(recognised) >= file.options.ocr_pages
                    recognised[index] = ("", "") if unread else _ocr_text(page, file.options.languages)
        meta = _metadata(pdf, labels, outline, contents)
    parts, heads = _parts(contents, labels, outline, {i: text for i, (text, _) in recognised.items()})
    warnings = tuple(f"page {labels[i]}: {note}" for i, (_, note) in recognised.items() if note)
    if (unread_pages := len(recognised) - file.options.ocr_pages) > 0:
        warnings += (f"{unread_pages} scanned pages were not read: only the first {file.options.ocr_pages} are",)
    meta["scanned_pages"] = [labels[i] for i in recognised]
    meta["running_heads"] = heads
    return Document(file.name, file.kind, tuple(parts), meta, warnings)


def page_image(file: SourceFile, index: int, width: int = 800) -> Image:
    """A page as a picture, `width` pixels wide; the first page has index 0."""
    with closing(_open(file)) as pdf, closing(pdf[index]) as page:
        with closing(page.render(scale=width / max(page.get_width(), 1))) as bitmap:
            return bitmap.to_pil().convert("RGB")


def _open(file: SourceFile) -> PdfDocument:
    import pypdfium2

    _refuse_bombs(file)
    try:
        pdf = pypdfium2.PdfDocument(file.data, password=file.options.password)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            problem = "has another password" if file.options.password else "is encrypted"
            raise EncryptedFileError(f"'{file.name}' {problem}", "give its password, or save it without one") from None
        raise CorruptFileError(
            f"'{file.name}' is not a readable PDF", "open and save it again in a PDF viewer"
        ) from None
    if b"/AcroForm" in file.data or b"/ObjStm" in file.data:
        pdf.init_forms()
    return pdf


def _is_scan(content: PageContent) -> bool:
    if content.garbled > _GARBLED:
        return True
    written = sum(len(word.text) for word in content.words)
    if content.image_share > 0.5:  # a stamp or a page number on a scan is not its text
        return written < _STAMP
    return not written and not content.aside and content.image_share > 0.02


def _parts(
    contents: list[PageContent], labels: list[str], outline: list[tuple[int, str]], recognised: Mapping[int, str]
) -> tuple[list[Part], list[str]]:
    look = Typography.of([c.words for c in contents], {" ".join(t.split()).casefold(): n for n, t in outline})
    pages: list[tuple[PageContent, list[Row]]] = []
    for content in contents:
        tables = list(ruled_tables(content.rules, content.words))
        taken = {id(word) for table in tables for word in table.words}
        segments = cut_segments([word for word in drop_line_numbers(content.words) if id(word) not in taken])
        segments += [_placeholder(table) for table in tables]
        pages.append((content, make_rows(segments)))
    running = running_rows(pages, look.body)
    parts: list[Part] = []
    heads: dict[str, None] = {}
    for index, ((content, rows), out) in enumerate(zip(pages, running, strict=True)):
        label = f"page {labels[index]}"
        if index in recognised:
            own = " ".join(word.text for word in content.words) if content.garbled <= _GARBLED else ""
            parts.append(Part(label, f"{own}\n\n{recognised[index]}".strip()))
            continue
        heads.update(dict.fromkeys(rows[i].text for i in sorted(out)))
        segments = [segment for i, row in enumerate(rows) if i not in out for segment in row.segments]
        blocks = page_blocks(reading_order(segments, content.rules), look, label, content.height)
        text = to_markdown([*blocks, *_leftovers(content)])
        parts.append(Part(label, text, tuple(block.table for block in blocks if block.table is not None)))
    return parts, list(heads)[:100]


def _placeholder(table: FoundTable) -> Segment:
    return Segment([], table.x0, table.x1, table.y0 + 1, 1.0, table)


def _leftovers(content: PageContent) -> Iterator[Block]:
    """Words at another angle than the page's, and what was noted on it."""
    angles: dict[int, list[str]] = {}
    for word in content.aside:
        angles.setdefault(word.style.angle, []).append(word.text)
    for words in angles.values():
        yield Block("paragraph", " ".join(words))
    for note in content.notes:
        yield Block("paragraph", f"> note: {' '.join(note.split())}")


def _ocr_text(page: PdfPage, languages: tuple[str, ...]) -> tuple[str, str]:
    """The text of a scanned page, and what to say of it."""
    from autopicker_lab.extraction.image import unsure
    from autopicker_lab.extraction.ocr import read_text

    width, height = page.get_size()
    scale = min(OCR_DPI / 72, 4000 / max(width, height, 1))
    with closing(page.render(scale=scale)) as bitmap:
        found = read_text(bitmap.to_pil().convert("RGB"), languages)
    if not found.text:
        return "", "scanned, and no text was recognised"
    if not found.sure:
        return found.text, f"scanned; {unsure(found)}"
    return found.text, f"scanned, text recognised with confidence {found.confidence:.2f}"


def _metadata(
    pdf: PdfDocument, labels: list[str], outline: list[tuple[int, str]], contents: list[PageContent]
) -> dict[str, Any]:
    info = pdf.get_metadata_dict(skip_empty=True)
    meta: dict[str, Any] = {"pages": len(pdf), **{key.lower(): value for key, value in info.items()}}
    meta["outline"] = [title for _, title in outline][:200]
    fields = {name: value for content in contents for name, value in content.fields.items()}
    if fields:
        meta["form"] = fields
    links = dict.fromkeys(word.link for content in contents for word in content.words if word.link)
    if links:
        meta["links"] = list(links)[:200]
    if pdf.count_attachments():
        meta["attachments"] = [pdf.get_attachment(i).get_name() for i in range(pdf.count_attachments())]
    return meta


def _refuse_bombs(file: SourceFile) -> None:
    """pdfium inflates a page's content without a bound; refuse a stream that grows past 64 MiB first."""
    import zlib

    for start in re.finditer(rb"stream\r?\n", file.data):
        engine = zlib.decompressobj()
        chunk, total = file.data[start.end() :][:65536], 0
        if chunk[:1] not in (b"\x78", b"\x48", b"\x58", b"\x68"):
            continue
        rest = memoryview(file.data)[start.end() :]
        try:
            while rest and not engine.eof:
                total += len(engine.decompress(engine.unconsumed_tail + bytes(rest[:65536]), 2**22))
                rest = rest[65536:]
                while engine.unconsumed_tail and total <= _INFLATED_LIMIT:
                    total += len(engine.decompress(engine.unconsumed_tail, 2**22))
                if total > _INFLATED_LIMIT:
                    raise CorruptFileError(f"'{file.name}' unpacks to over 64 MiB in one stream", "save it again")
        except zlib.error:
            continue
