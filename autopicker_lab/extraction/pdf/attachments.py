"""Files that are packed into a PDF: they are named, not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.extraction.pdf.strings import listed, utf16_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pypdfium2 import PdfDocument

_MAX_FILES = 1000


def embedded_files(pdf: PdfDocument) -> list[str]:
    """The names of the files that belong to the whole document."""
    from pypdfium2 import raw

    count = min(raw.FPDFDoc_GetAttachmentCount(pdf), _MAX_FILES)
    files = (raw.FPDFDoc_GetAttachment(pdf, index) for index in range(count))
    return [utf16_text(raw.FPDFAttachment_GetName, file) or "without a name" for file in files if file]


def attachment_warnings(names: Sequence[str], is_portfolio: bool) -> Iterator[str]:
    """The note that attached files, or the files that a portfolio consists of, were not read."""
    if names:
        what = "the file is a portfolio, whose files were not read" if is_portfolio else "attached files were not read"
        yield f"{what}: {listed(names)}"
