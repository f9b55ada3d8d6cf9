"""Opening of a PDF by pdfium: as it is, or revised by pypdf where pdfium would miss pages or show hidden layers."""

from __future__ import annotations

import io
import logging
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from autopicker_lab.core import EncryptedFileError
from autopicker_lab.extraction.pdf.layers import Layers, mark_hidden
from autopicker_lab.extraction.pdf.strings import listed
from autopicker_lab.extraction.pdf.traits import PdfTraits

if TYPE_CHECKING:
    from pypdf import PdfReader, PdfWriter
    from pypdfium2 import PdfDocument

    from autopicker_lab.core import SourceFile

_PDFIUM_START, _START = 1000, 2**14  # bytes in which pdfium looks for the file's beginning, and in which we do
_CHECKED = 5000  # pages or nodes of a tree
_OBJECT = re.compile(rb"(?<!\d)(\d{1,8})\s+(\d{1,5})\s+obj\b")
_PAGE = re.compile(rb"/Type\s*/Page\b")
_MENDED = "the file is damaged: it was mended before it was read, so check that nothing is missing"
_CUT = "the file ends too early: what stood after that is missing"


@dataclass
class OpenedPdf:
    """An open document, what was found and changed on the way, and the names of layers that are switched off.

    Attributes:
        labels_circle: whether the tree of page labels leads into itself, which would end pdfium.
        is_damaged: whether a page that shows nothing may have lost its content.
    """

    pdf: PdfDocument
    traits: PdfTraits
    warnings: list[str] = field(default_factory=list)
    layers_off: list[str] = field(default_factory=list)
    labels_circle: bool = False
    is_damaged: bool = False


def open_pdf(file: SourceFile) -> OpenedPdf:
    """Open a file by pdfium.

    Raises:
        EncryptedFileError: it has a password, or another one.
        pypdfium2.PdfiumError: nothing of it can be read as a PDF.
    """
    import pypdfium2

    logging.getLogger("pypdfium2").setLevel(logging.CRITICAL)  # our warnings say what could not be read
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    start = file.data.find(b"%PDF-", 0, _START)
    if start > _PDFIUM_START:
        file = replace(file, data=file.data[start:])
    elif start < 0:
        file = replace(file, data=b"%PDF-1.7\n" + file.data)
    traits = PdfTraits.of(file.data)
    try:
        pdf = _load(file, file.data)
    except pypdfium2.PdfiumError:
        return _open_mended(file, traits)
    opened = OpenedPdf(pdf, traits, [_CUT] if traits.cut else [], is_damaged=traits.cut)
    lost = _count_lost(pdf)
    if traits.layers or traits.opaque or traits.pages != len(pdf) or lost:
        opened = _revised(file, opened, lost)
    if not len(opened.pdf):
        opened.pdf.close()
        return _open_mended(file, traits)
    if traits.label_tree:
        opened.labels_circle = _labels_circle(file)
    return opened


def _labels_circle(file: SourceFile) -> bool:
    """Whether the tree of page labels leads into itself, or cannot be followed."""
    try:
        waiting, seen = [_reader(file).root_object["/PageLabels"].get_object()], 0
        while waiting and seen < _CHECKED:
            node = waiting.pop()
            seen += 1
            waiting.extend(kid.get_object() for kid in node.get("/Kids", ()))  # type: ignore[union-attr]  # or it raises
    except Exception:  # pypdf raises dozens of kinds on damaged files
        return True
    return bool(waiting)


def _count_lost(pdf: PdfDocument) -> int:
    """How many of the first pages pdfium does not find."""
    from pypdfium2 import raw

    size = raw.FS_SIZEF()
    return sum(not raw.FPDF_GetPageSizeByIndexF(pdf, index, size) for index in range(min(len(pdf), _CHECKED)))


def _load(file: SourceFile, data: bytes) -> PdfDocument:
    import pypdfium2
    from pypdfium2.raw import FPDF_ERR_PASSWORD

    try:
        pdf = pypdfium2.PdfDocument(data, password=file.options.password)
    except pypdfium2.PdfiumError as error:
        if error.err_code != FPDF_ERR_PASSWORD:
            raise
        if file.options.password:
            raise EncryptedFileError(f"'{file.name}' has another password", "check its spelling") from None
        raise EncryptedFileError(f"'{file.name}' is encrypted", "give its password, or save it without one") from None
    pdf.init_forms()
    return pdf


def _reader(file: SourceFile) -> PdfReader:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(file.data))
    if reader.is_encrypted:
        reader.decrypt(file.options.password or "")
    return reader


def _revised(file: SourceFile, opened: OpenedPdf, lost: int) -> OpenedPdf:
    """The document again with all pages of its tree, and its hidden layers marked; as it was where that is right."""
    from pypdf import PdfWriter

    claimed = len(opened.pdf)
    try:
        reader = _reader(file)
        found, layers_off = len(list(reader.pages)), Layers(reader).off
        is_whole = found == claimed and not lost
        if is_whole and not layers_off:
            return opened
        writer = PdfWriter(clone_from=reader)
        layers = Layers(writer)
        mark_hidden(writer, layers)
        if not is_whole:
            _flatten_pages(writer)
        buffer = io.BytesIO()
        writer.write(buffer)
        pdf = _load(file, buffer.getvalue())
    except Exception:  # pypdf raises dozens of kinds on damaged files
        if opened.traits.layers:
            opened.warnings.append("whether its layers are shown could not be found out: all were read")
        return opened
    opened.pdf.close()
    warnings = list(opened.warnings)
    if found != claimed:
        warnings.append(f"the file counts {claimed} pages, but has {found}")
    elif lost:
        warnings.append(f"pages are missing where the file refers to them: {lost}")
    if layers_off:
        warnings.append(f"layers that are switched off were left out: {listed(layers_off)}")
    return OpenedPdf(pdf, opened.traits, warnings, layers_off, is_damaged=opened.is_damaged)


def _flatten_pages(writer: PdfWriter) -> None:
    """Hang all pages, to which pypdf gave what they inherit, right below the root of their tree."""
    from pypdf.generic import ArrayObject, NameObject, NumberObject

    root = writer.root_object["/Pages"].get_object()
    pages = list(writer.pages)
    for page in pages:
        page[NameObject("/Parent")] = writer.root_object.raw_get("/Pages")
        page[NameObject("/Type")] = NameObject("/Page")
    root.update(  # type: ignore[union-attr]  # a dictionary, or reading its pages would have failed
        {
            NameObject("/Type"): NameObject("/Pages"),
            NameObject("/Kids"): ArrayObject([page.indirect_reference for page in pages]),
            NameObject("/Count"): NumberObject(len(pages)),
        }
    )


def _open_mended(file: SourceFile, traits: PdfTraits) -> OpenedPdf:
    """A file that pdfium cannot open, as pypdf writes it anew; or with a catalog of the pages that stand in it."""
    import pypdfium2
    from pypdf import PdfWriter

    buffer = io.BytesIO()
    try:
        PdfWriter(clone_from=_reader(file)).write(buffer)
        pdf = _load(file, buffer.getvalue())
        if len(pdf):
            return OpenedPdf(pdf, traits, [_MENDED], is_damaged=True)
    except Exception:  # pypdf raises dozens of kinds on damaged files
        pass
    pdf = _load(file, _with_catalog(file.data))
    if not len(pdf):
        raise pypdfium2.PdfiumError("no pages", 0)
    return OpenedPdf(pdf, traits, [_MENDED], is_damaged=True)


def _with_catalog(data: bytes) -> bytes:
    """The bytes with a catalog of all pages among their objects, behind which pdfium looks for objects itself."""
    starts = list(_OBJECT.finditer(data))
    ends = [match.start() for match in starts[1:]] + [len(data)]
    pages = {
        match[1]: match[2]
        for match, end in zip(starts, ends, strict=False)  # no objects: one end too many
        if _PAGE.search(data, match.end(), min(end, match.end() + 4000))
    }
    root = max((int(match[1]) for match in starts), default=0) + 1
    kids = b" ".join(b"%b %b R" % reference for reference in pages.items())
    return (
        b"%b\nendobj\n%d 0 obj\n<</Type/Catalog/Pages %d 0 R>>\nendobj\n%d 0 obj\n<</Type/Pages/Count %d/Kids[%b]>>\n"
        b"endobj\ntrailer\n<</Root %d 0 R/Size %d>>\nstartxref\n0\n%%%%EOF\n"
        % (data, root, root + 1, root + 1, len(pages), kids, root, root + 2)
    )
