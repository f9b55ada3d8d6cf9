"""Strings out of pdfium: metadata, page labels, bookmarks. Half of a surrogate pair becomes U+FFFD."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import clip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pypdfium2 import PdfDocument

_INFO = ("Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate")
_MAX_DEPTH = 15
_MAX_BOOKMARKS = 20_000


def utf16_text(call: Any, *args: Any) -> str:
    """A UTF-16 string from a pdfium function, which is called for its length first."""
    length = call(*args, None, 0)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    call(*args, ctypes.cast(buffer, call.argtypes[-2]), length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")


def document_info(pdf: PdfDocument) -> dict[str, str]:
    """Title, author and the like, as far as the document says."""
    from pypdfium2 import raw

    texts = {key: utf16_text(raw.FPDF_GetMetaText, pdf, key.encode()) for key in _INFO}
    return {key: text for key, text in texts.items() if text}


def page_labels(pdf: PdfDocument, only_numbers: bool = False) -> list[str]:
    """The label of each page: its number, or what the document calls it."""
    from pypdfium2 import raw

    numbers = [str(number) for number in range(1, len(pdf) + 1)]
    if only_numbers:
        return numbers
    return [utf16_text(raw.FPDF_GetPageLabel, pdf, index) or number for index, number in enumerate(numbers)]


def bookmarks(pdf: PdfDocument) -> list[tuple[int, str]]:
    """(level, title) of the bookmarks, in order; one that comes again in a circle ends its branch."""
    from pypdfium2 import raw

    found: list[tuple[int, str]] = []
    for bookmark in pdf.get_toc(max_depth=_MAX_DEPTH):
        if len(found) == _MAX_BOOKMARKS:
            break
        found.append((bookmark.level + 1, utf16_text(raw.FPDFBookmark_GetTitle, bookmark)))
    return found


def listed(names: Sequence[str], most: int = 20) -> str:
    """Names for a warning, each of at most 60 characters; past the first `most` only how many more there are."""
    shown = ", ".join(clip(" ".join(name.split()), 60) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
