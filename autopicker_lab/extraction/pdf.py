"""PDF: text, page labels, outline and form values by pdfium; pages without text through OCR."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

OCR_DPI = 200
OCR_PAGES = 20
_INFLATED_LIMIT = 64 * 2**20
_HYPHENATED = re.compile(r"(\w)[\ufffe\u00ad\u0002]\n?(?=\w)")


def read_pdf(file: SourceFile) -> Document:
    import pypdfium2

    _refuse_bombs(file)
    try:
        pdf = pypdfium2.PdfDocument(file.data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise CorruptFileError(f"'{file.name}' is encrypted", "save it without a password") from None
        raise CorruptFileError(
            f"'{file.name}' is not a readable PDF", "open and save it again in a PDF viewer"
        ) from None
    with closing(pdf):
        pages = list(_pages(pdf))
        meta = _metadata(pdf, file)
    scanned = [label for label, _, ocr in pages if ocr is not None]
    warnings = tuple(f"page {label}: {ocr}" for label, _, ocr in pages if ocr)
    if len(scanned) > OCR_PAGES:
        warnings += (f"{len(scanned) - OCR_PAGES} scanned pages were not read: only the first {OCR_PAGES} are",)
    parts = tuple(Part(f"page {label}", text) for label, text, _ in pages)
    return Document(file.name, file.kind, parts, {**meta, "scanned_pages": scanned}, warnings)


def _pages(pdf: PdfDocument) -> Iterator[tuple[str, str, str | None]]:
    """(label, text, what OCR had to say: None where the page had text of its own)."""
    scanned = 0
    for index in range(len(pdf)):
        with closing(pdf[index]) as page:
            label = pdf.get_page_label(index) or str(index + 1)
            text = _own_text(page)
            if text or not _has_images(page):
                yield label, text, None
                continue
            scanned += 1
            if scanned > OCR_PAGES:
                yield label, "", ""
                continue
            yield (label, *_ocr_text(page))


def _own_text(page: PdfPage) -> str:
    with closing(page.get_textpage()) as textpage:
        text = textpage.get_text_bounded().replace("\r\n", "\n")
    text = _HYPHENATED.sub(r"\1", text)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def _has_images(page: PdfPage) -> bool:
    from pypdfium2 import raw

    return next(iter(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)), None) is not None


def _ocr_text(page: PdfPage) -> tuple[str, str]:
    from autopicker_lab.extraction.ocr import read_text

    width, height = page.get_size()
    scale = min(OCR_DPI / 72, 4000 / max(width, height, 1))
    with closing(page.render(scale=scale)) as bitmap:
        found = read_text(bitmap.to_pil().convert("RGB"))
    if not found.text:
        return "", "scanned, and no text was recognised"
    return found.text, f"scanned, text recognised with confidence {found.confidence:.2f}"


def _metadata(pdf: PdfDocument, file: SourceFile) -> dict[str, Any]:
    info = pdf.get_metadata_dict(skip_empty=True)
    meta: dict[str, Any] = {"pages": len(pdf), **{key.lower(): value for key, value in info.items()}}
    meta["outline"] = [bookmark.get_title() for bookmark in pdf.get_toc(max_depth=4)][:200]
    if b"/AcroForm" in file.data:
        meta["form"] = _form_values(file)
    return meta


def _form_values(file: SourceFile) -> dict[str, str]:
    """Values of the form fields, by field name; pypdf reads what pdfium's text does not show."""
    import io

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        fields = PdfReader(io.BytesIO(file.data)).get_fields() or {}
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: str(f.value) for name, f in fields.items() if f.value not in (None, "")}


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
