"""Reader for PDF: text and geometry by pdfium, layout by this package, OCR for pages without text."""

from __future__ import annotations

import io
import re
import threading
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import (
    CorruptFileError,
    Document,
    EncryptedFileError,
    MissingPackageError,
    Part,
    Place,
    SourceFile,
)
from autopicker_lab.extraction.pdf.bombs import refuse_bombs
from autopicker_lab.extraction.pdf.boxes import block_places
from autopicker_lab.extraction.pdf.continued import carry_header, last_table
from autopicker_lab.extraction.pdf.heads import running_notices, running_rows
from autopicker_lab.extraction.pdf.layout import (
    TextRow,
    TextSegment,
    cut_segments,
    drop_line_numbers,
    make_rows,
    reading_order,
)
from autopicker_lab.extraction.pdf.page import read_page
from autopicker_lab.extraction.pdf.structure import Block, Typography, page_blocks, to_markdown
from autopicker_lab.extraction.pdf.tables import DetectedTable, ruled_tables
from autopicker_lab.extraction.pdf.turned import paragraphs, upright_words
from autopicker_lab.extraction.pdf.words import PageContent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from PIL.Image import Image
    from pypdfium2 import PdfDocument, PdfPage

OCR_DPI = 200
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(Z|[+-]\d\d'\d\d)?")
_MAX_PAGES = 20_000
_OCR_SIDE = 4000  # pixels
_GARBLED = 0.3  # share of characters without a name: above it the page is read as a picture
_PDFIUM = threading.Lock()  # the library may be used by one thread at a time
_STAMP = 60  # characters: a page number or a stamp on a scan is not its text


@dataclass(frozen=True)
class _Scan:
    """What was read from the picture of a page, the note about it for the warnings, and where its lines stand."""

    text: str = ""
    note: str = ""
    lines: tuple[Place, ...] = ()

    def part(self, label: str, text_layer: str, number: int) -> Part:
        """The page, number from 1, whose own text, a stamp or the like, stands above what was read."""
        above = text_layer + "\n\n" * bool(text_layer and self.text)
        moved = (replace(p, page=number, start=p.start + len(above), stop=p.stop + len(above)) for p in self.lines)
        own = (Place(0, len(text_layer), page=number),) if text_layer else ()
        return Part(label, above + self.text, (), (*own, *moved))


def read_pdf(file: SourceFile) -> Document:
    """The pages of a PDF as Markdown, one Part each; outline, form values, links and running heads as metadata."""
    refuse_bombs(file)
    with _PDFIUM:
        return _read(file)


def _read(file: SourceFile) -> Document:
    import pypdfium2

    try:
        pdf = _open(file)
    except pypdfium2.PdfiumError:
        return _read_damaged(file)
    with closing(pdf):
        if len(pdf) > _MAX_PAGES:
            raise CorruptFileError(
                f"'{file.name}' claims {len(pdf):,} pages", f"split it: at most {_MAX_PAGES:,} are read"
            )
        labels = [pdf.get_page_label(index) or str(index + 1) for index in range(len(pdf))]
        outline = [(bookmark.level + 1, bookmark.get_title()) for bookmark in pdf.get_toc(max_depth=15)]
        contents: list[PageContent] = []
        scans: dict[int, _Scan] = {}
        damaged: list[str] = []
        for index in range(len(pdf)):
            page = _page(pdf, index)
            if page is None:
                damaged.append(labels[index])
                contents.append(PageContent(0.0, 0.0, [], []))
                continue
            with closing(page):
                content = read_page(pdf, page)
                contents.append(content)
                if _is_scan(content):
                    over_limit = len(scans) >= file.options.ocr_pages
                    scans[index] = _Scan() if over_limit else _recognise(page, file.options.languages)
        if damaged and len(damaged) == len(labels):
            return _read_damaged(file)
        meta = _metadata(pdf, outline, contents)
    parts, running_heads = _parts(contents, labels, outline, scans)
    meta |= {"scanned_pages": [labels[i] for i in scans], "running_heads": running_heads}
    warnings = (
        [f"damaged pages were left out: {', '.join(damaged[:20])}{' ...' * (len(damaged) > 20)}"] if damaged else []
    )
    if any(not head.strip("-–—. ").isalnum() for head in running_heads):
        warnings.append("running heads and feet stand in the metadata, not in the text")
    warnings += _warnings(file, labels, contents, scans)
    return Document(file.name, file.kind, tuple(parts), meta, tuple(warnings))


def page_image(file: SourceFile, index: int, width: int = 800) -> Image:
    """A page as a picture, `width` pixels wide; the first page has index 0."""
    with _PDFIUM, closing(_open(file)) as pdf, closing(pdf[index]) as page:
        return _render(page, width / max(page.get_width(), 1))


def _open(file: SourceFile) -> PdfDocument:
    import pypdfium2
    from pypdfium2.raw import FPDF_ERR_PASSWORD

    try:
        pdf = pypdfium2.PdfDocument(file.data, password=file.options.password)
    except pypdfium2.PdfiumError as error:
        if error.err_code != FPDF_ERR_PASSWORD:
            raise
        if file.options.password:
            raise EncryptedFileError(f"'{file.name}' has another password", "check its spelling") from None
        raise EncryptedFileError(f"'{file.name}' is encrypted", "give its password, or save it without one") from None
    pdf.init_forms()
    return pdf


def _page(pdf: PdfDocument, index: int) -> PdfPage | None:
    """A page, or None where pdfium cannot load it."""
    import pypdfium2

    try:
        return pdf[index]
    except pypdfium2.PdfiumError:
        return None


def _read_damaged(file: SourceFile) -> Document:
    """The text, without layout, that pypdf reads from a file that pdfium cannot open."""
    import logging

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # our errors say what cannot be read

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


def _is_scan(content: PageContent) -> bool:
    if content.garbled > _GARBLED:
        return True
    characters = sum(len(word.text) for word in content.words)
    if content.image_share > 0.5:
        return characters < _STAMP
    return not characters and not content.rotated and content.image_share > 0.02


def _warnings(
    file: SourceFile, labels: list[str], contents: list[PageContent], scans: Mapping[int, _Scan]
) -> Iterator[str]:
    for index, scan in scans.items():
        if scan.note:
            reason = "its fonts do not name their characters" if contents[index].garbled > _GARBLED else "scanned"
            yield f"page {labels[index]}: {reason}, {scan.note}"
    if (unread := len(scans) - file.options.ocr_pages) > 0:
        yield f"{unread} scanned pages were not read: only the first {file.options.ocr_pages} are"
    if numbers := sum(content.line_numbers for content in contents):
        yield f"line numbers beside the text were left out: {numbers}"
    if pictures := sum(content.pictures for index, content in enumerate(contents) if index not in scans):
        yield f"pictures on the pages that were not read: {pictures}"


def _parts(
    contents: list[PageContent], labels: list[str], outline: list[tuple[int, str]], scans: Mapping[int, _Scan]
) -> tuple[list[Part], list[str]]:
    typography = Typography.of([c.words for c in contents], {" ".join(t.split()).casefold(): n for n, t in outline})
    pages: list[tuple[PageContent, list[TextRow]]] = []
    for content in contents:
        turned = upright_words(content.turned)
        tables = list(ruled_tables(content.rules, [*content.words, *turned]))
        table_words = {id(word) for table in tables for word in table.words}
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
            text_layer = " ".join(word.text for word in content.words) if content.garbled <= _GARBLED else ""
            parts.append(scans[index].part(label, text_layer, index + 1))
            continue
        running_heads.update(dict.fromkeys(rows[i].text for i in sorted(running)))
        running_heads.update(dict.fromkeys(line.text for line in notices[index]))
        content.turned = [line for line in content.turned if line not in notices[index]]
        segments = [segment for i, row in enumerate(rows) if i not in running for segment in row.segments]
        blocks = page_blocks(reading_order(segments, content.rules), typography, label, content.height)
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


def _recognise(page: PdfPage, languages: tuple[str, ...]) -> _Scan:
    """What is read from the picture of a scanned page."""
    from autopicker_lab.extraction.ocr import read_text

    width, height = page.get_size()
    try:
        picture = _render(page, min(OCR_DPI / 72, _OCR_SIDE / max(width, height, 1)))
        result = read_text(picture, languages)
    except MissingPackageError as error:  # the other pages may have text of their own
        if languages:
            raise
        return _Scan(note=f"and not read: {error}")
    if not result.text:
        return _Scan(note="and no text was recognised")
    sure = f"text recognised with confidence {result.confidence:.2f}"
    return _Scan(result.text, sure if result.is_confident else result.warning, result.places(picture.size))


def _render(page: PdfPage, scale: float) -> Image:
    with closing(page.render(scale=scale)) as bitmap:
        picture: Image = bitmap.to_pil().convert("RGB")
        return picture


def _metadata(pdf: PdfDocument, outline: list[tuple[int, str]], contents: list[PageContent]) -> dict[str, Any]:
    info = pdf.get_metadata_dict(skip_empty=True)
    meta: dict[str, Any] = {"pages": len(pdf), **{key.lower(): _iso(value) for key, value in info.items()}}
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


def _iso(value: str) -> str:
    """A PDF date (D:20240131120000+01'00') as ISO 8601; other text as it is."""
    match = _DATE.match(value)
    if match is None:
        return value
    year, month, day, hour, minute, second, zone = match.groups("")
    clock = f"T{hour}:{minute or '00'}:{second or '00'}" if hour else ""
    return f"{year}-{month or '01'}-{day or '01'}{clock}" + (zone.replace("'", ":").rstrip(":") if clock else "")
