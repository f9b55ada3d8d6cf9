"""Reader for PDF: text and geometry by pdfium, layout by this package, OCR for pages without text."""

from __future__ import annotations

import io
import re
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, Place, SourceFile
from autopicker_lab.extraction.pdf.annotations import read_annotations
from autopicker_lab.extraction.pdf.attachments import attachment_warnings, embedded_files
from autopicker_lab.extraction.pdf.bombs import refuse_bombs
from autopicker_lab.extraction.pdf.booktabs import line_tables
from autopicker_lab.extraction.pdf.boxes import block_places
from autopicker_lab.extraction.pdf.content import PageContent
from autopicker_lab.extraction.pdf.continued import carry_header, last_table
from autopicker_lab.extraction.pdf.heads import running_notices, running_rows
from autopicker_lab.extraction.pdf.layers import drop_hidden
from autopicker_lab.extraction.pdf.layout import (
    TextRow,
    TextSegment,
    cut_segments,
    make_rows,
)
from autopicker_lab.extraction.pdf.line_numbers import drop_line_numbers
from autopicker_lab.extraction.pdf.opening import OpenedPdf, open_pdf
from autopicker_lab.extraction.pdf.page import read_page
from autopicker_lab.extraction.pdf.scans import PageScan, is_scan, recognise, render, why_scanned
from autopicker_lab.extraction.pdf.sidenotes import page_regions
from autopicker_lab.extraction.pdf.strings import bookmarks, document_info, listed, page_labels
from autopicker_lab.extraction.pdf.structure import Block, page_blocks, to_markdown
from autopicker_lab.extraction.pdf.tables import DetectedTable, ruled_tables
from autopicker_lab.extraction.pdf.trust import LayerJudge
from autopicker_lab.extraction.pdf.turned import paragraphs, upright_words
from autopicker_lab.extraction.pdf.typography import Typography
from autopicker_lab.extraction.pdf.xfa import read_xfa, with_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage

_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(Z|[+-]\d\d'\d\d)?")
_MAX_PAGES = 20_000
_PDFIUM = threading.Lock()  # the library may be used by one thread at a time


def read_pdf(file: SourceFile) -> Document:
    """The pages of a PDF as Markdown, one Part each; outline, form values, links and running heads as metadata."""
    refuse_bombs(file)
    with _PDFIUM:
        return _read(file)


def _read(file: SourceFile) -> Document:
    import pypdfium2

    try:
        opened = open_pdf(file)
    except pypdfium2.PdfiumError:
        return _read_damaged(file)
    with closing(opened.pdf) as pdf:
        if len(pdf) > _MAX_PAGES:
            raise CorruptFileError(
                f"'{file.name}' claims {len(pdf):,} pages", f"split it: at most {_MAX_PAGES:,} are read"
            )
        labels, outline = page_labels(pdf, opened.labels_circle), bookmarks(pdf)
        contents: list[PageContent] = []
        scans: dict[int, PageScan] = {}  # by page index
        judge = LayerJudge(file.options.languages)
        for index in range(len(pdf)):
            page = _page(opened, index)
            if page is None:
                contents.append(PageContent(0.0, 0.0, [], []))
                continue
            with closing(page):
                annotations = read_annotations(pdf, page)
                shown = annotations.draw(pdf, index, page) if annotations.drawn else page
                content = read_page(shown, annotations)
                contents.append(content)
                content.lies = judge.lies(shown, content)
                judge.mend(shown, content)
                if content.lies or is_scan(content):
                    over_limit = len(scans) >= file.options.ocr_pages
                    scans[index] = PageScan() if over_limit else recognise(shown, file.options.languages)
        damaged = [
            label
            for label, content in zip(labels, contents, strict=True)
            if not content.height or (opened.is_damaged and content.is_blank)
        ]
        if damaged and len(damaged) == len(labels):
            return _read_damaged(file)
        form = read_xfa(pdf)
        meta = _metadata(pdf, outline, contents)
    parts, running_heads = _parts(contents, labels, outline, scans)
    warnings = list(opened.warnings)
    if damaged:
        warnings.append(f"damaged pages were left out: {listed(damaged)}")
    if form is not None:
        parts, note = with_form(form, parts, has_fields="form" in meta)
        meta["form"] = form.fields | meta.get("form", {})
        warnings.append(note)
    meta |= {"scanned_pages": [labels[i] for i in scans], "running_heads": running_heads}
    if any(not head.strip("-–—. ").isalnum() for head in running_heads):
        warnings.append("running heads and feet stand in the metadata, not in the text")
    warnings += _warnings(file, labels, contents, scans)
    warnings += attachment_warnings(meta.get("attachments", []), opened.traits.collection)
    return Document(file.name, file.kind, tuple(parts), meta, tuple(warnings))


def page_image(file: SourceFile, index: int, width: int = 800) -> Image:
    """A page as a picture, `width` pixels wide; the first page has index 0."""
    with _PDFIUM, closing(open_pdf(file).pdf) as pdf, closing(pdf[index]) as page:
        return render(page, width / max(page.get_width(), 1))


def _page(opened: OpenedPdf, index: int) -> PdfPage | None:
    """A page without what stands on hidden layers; None where pdfium cannot load it."""
    import pypdfium2

    try:
        page = opened.pdf[index]
    except pypdfium2.PdfiumError:
        return None
    if opened.layers_off:
        drop_hidden(page)
    return page


def _read_damaged(file: SourceFile) -> Document:
    """The text, without layout, that pypdf reads from a file that pdfium cannot open."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    problem = CorruptFileError(f"'{file.name}' is not a readable PDF", "open and save it again in a PDF viewer")
    try:
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(file.data)).pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, OSError):
        raise problem from None
    if not any(text.strip() for text in pages):
        raise problem
    parts = tuple(
        Part(f"page {number}", text, (), (Place(0, len(text), page=number),)) for number, text in enumerate(pages, 1)
    )
    warning = "the file is damaged: its text was saved without columns, tables and headings"
    return Document(file.name, file.kind, parts, {"pages": len(pages)}, (warning,))


def _warnings(
    file: SourceFile, labels: list[str], contents: list[PageContent], scans: Mapping[int, PageScan]
) -> Iterator[str]:
    for index, scan in scans.items():
        if scan.note:
            yield f"page {labels[index]}: {why_scanned(contents[index])}, {scan.note}"
    if mended := sum(content.mended for content in contents):
        yield f"lines in fonts that do not name their characters were read from the picture: {mended}"
    doubted = [labels[i] for i, content in enumerate(contents) if content.doubted and i not in scans]
    if doubted:
        yield f"fonts do not name their characters, so the text may be wrong on page {listed(doubted)}"
    if (unread := len(scans) - file.options.ocr_pages) > 0:
        yield f"{unread} scanned pages were not read: only the first {file.options.ocr_pages} are"
    if hidden := [name for content in contents for name in content.annotations.hidden]:
        yield f"hidden form fields and notes were left out: {listed(hidden)}"
    for count, what in (("hidden", "text that nobody sees"), ("outside", "text beyond the edge of the page")):
        places = [label for label, content in zip(labels, contents, strict=True) if getattr(content, count)]
        if places:
            characters = sum(getattr(content, count) for content in contents)
            yield f"{what} was left out: {characters} characters on page {listed(places)}"
    if numbers := sum(content.line_numbers for content in contents):
        yield f"line numbers beside the text were left out: {numbers}"
    if pictures := sum(content.pictures for index, content in enumerate(contents) if index not in scans):
        yield f"pictures on the pages that were not read: {pictures}"


def _parts(
    contents: list[PageContent], labels: list[str], outline: list[tuple[int, str]], scans: Mapping[int, PageScan]
) -> tuple[list[Part], list[str]]:
    typography = Typography.of([c.words for c in contents], {" ".join(t.split()).casefold(): n for n, t in outline})
    pages: list[tuple[PageContent, list[TextRow]]] = []
    for content in contents:
        turned = upright_words(content.turned)
        tables = list(ruled_tables(content.rules, [*content.words, *turned]))
        table_words = {id(word) for table in tables for word in table.words}
        tables += line_tables(content.rules, [word for word in content.words if id(word) not in table_words])
        table_words |= {id(word) for table in tables for word in table.words}
        content.turned = [
            line for line, word in zip(content.turned, turned, strict=True) if id(word) not in table_words
        ]
        unnumbered = drop_line_numbers(content.words)
        content.line_numbers = len(content.words) - len(unnumbered)
        segments = cut_segments([word for word in unnumbered if id(word) not in table_words])
        segments += [_placeholder(table) for table in tables]
        pages.append((content, make_rows(segments)))
    running_indices = running_rows(pages, typography.body)
    notices = running_notices(contents)
    parts: list[Part] = []
    running_heads: dict[str, None] = {}
    above: Block | None = None
    for index, ((content, rows), running) in enumerate(zip(pages, running_indices, strict=True)):
        label = f"page {labels[index]}"
        if not content.height:
            continue  # it could not be loaded
        if index in scans:
            text_layer = " ".join(word.text for word in content.words) if not content.lies else ""
            parts.append(scans[index].part(label, text_layer, index + 1))
            continue
        running_heads.update(dict.fromkeys(rows[i].text for i in sorted(running)))
        running_heads.update(dict.fromkeys(line.text for line in notices[index]))
        content.turned = [line for line in content.turned if line not in notices[index]]
        segments = [segment for i, row in enumerate(rows) if i not in running for segment in row.segments]
        blocks = page_blocks(page_regions(segments, content.rules), typography, label, content.height)
        carry_header(above, blocks)
        above = last_table(blocks)
        text, spans = to_markdown([*blocks, *_other_blocks(content)])
        own_tables = tuple(block.table for block in blocks if block.table is not None)
        parts.append(Part(label, text, own_tables, tuple(block_places(spans, content, index + 1))))
    return parts, list(running_heads)[:100]


def _placeholder(table: DetectedTable) -> TextSegment:
    return TextSegment([], table.x0, table.x1, table.y0 + 1, 1.0, table)


def _other_blocks(content: PageContent) -> Iterator[Block]:
    """Blocks of words at another angle than the page's, and of its notes."""
    for lines in paragraphs(content.turned):
        lefts, tops, rights, bottoms = zip(*(line[1:5] for line in lines), strict=True)
        box = (min(lefts), min(tops), max(rights), max(bottoms))
        yield Block("paragraph", " ".join(line.text for line in lines), box=box if lines[0].at_right_angle else None)
    for note in content.notes:
        yield Block("paragraph", f"> note: {' '.join(note.split())}")


def _metadata(pdf: PdfDocument, outline: list[tuple[int, str]], contents: list[PageContent]) -> dict[str, Any]:
    meta: dict[str, Any] = {"pages": len(pdf), **{key.lower(): _iso(text) for key, text in document_info(pdf).items()}}
    meta["outline"] = [title for _, title in outline][:200]
    fields = {name: value for content in contents for name, value in content.annotations.fields.items()}
    if fields:
        meta["form"] = fields
    links = dict.fromkeys(word.link for content in contents for word in content.words if word.link)
    if links:
        meta["links"] = list(links)[:200]
    files = [*embedded_files(pdf), *(name for content in contents for name in content.annotations.files)]
    if files:
        meta["attachments"] = list(dict.fromkeys(files))
    return meta


def _iso(value: str) -> str:
    """A PDF date (D:20240131120000+01'00') as ISO 8601; other text as it is."""
    match = _DATE.match(value)
    if match is None:
        return value
    year, month, day, hour, minute, second, zone = match.groups("")
    clock = f"T{hour}:{minute or '00'}:{second or '00'}" if hour else ""
    return f"{year}-{month or '01'}-{day or '01'}{clock}" + (zone.replace("'", ":").rstrip(":") if clock else "")
