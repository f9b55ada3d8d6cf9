"""Files that a DOCX takes in as a whole (`w:altChunk`): HTML, MHTML, another DOCX, text."""

from __future__ import annotations

import io
import zipfile
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError, CorruptFileError, Document
from autopicker_lab.extraction.ooxml import MAX_INFLATED
from autopicker_lab.extraction.registry import reader_of
from autopicker_lab.extraction.sniff import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 3
_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "message/rfc822": ".mht",
    "multipart/related": ".mht",
    "text/plain": ".txt",
    "application/rtf": ".rtf",
    "text/rtf": ".rtf",
}


class _Nesting:
    """How deep a DOCX stands in others, and how many bytes the files inside the outermost may still unpack to."""

    def __init__(self) -> None:
        self.depth = 0
        self.left = MAX_INFLATED


_nesting: ContextVar[_Nesting | None] = ContextVar("nesting", default=None)


@contextmanager
def one_deeper() -> Iterator[None]:
    """What is read inside stands in one more DOCX; CorruptFileError where these are too many."""
    outer = _nesting.get()
    nesting = outer or _Nesting()
    token = _nesting.set(nesting)
    nesting.depth += 1
    try:
        if nesting.depth > _MAX_DEPTH:
            raise CorruptFileError("it stands in too many others", "open it by itself")
        yield
    finally:
        nesting.depth -= 1
        _nesting.reset(token)


def read_chunk(data: bytes, part: str, content_type: str) -> Document:
    """Read a file inside a DOCX by the reader of its kind.

    Raises:
        AutopickerError: it is of a kind that is not read, damaged, or nested or packed too far.
    """
    name = PurePosixPath(part).name
    suffix = _SUFFIXES.get(content_type.split(";", maxsplit=1)[0].strip().lower(), "")
    if suffix and PurePosixPath(name).suffix in ("", ".dat", ".bin", ".xml"):
        name = f"{name}{suffix}"
    nesting = _nesting.get() or _Nesting()
    nesting.left -= _inflated(data)
    if nesting.left < 0:
        raise CorruptFileError("the files inside unpack to over 200 MiB", "open them by themselves")
    file = open_source(data, name)
    try:
        return reader_of(file.kind)(file)
    except AutopickerError:
        raise
    except Exception as error:  # what a reader's library raises on damaged files
        raise CorruptFileError(f"it cannot be read: {error}") from error


def _inflated(data: bytes) -> int:
    if not data.startswith(b"PK"):
        return len(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return len(data)
