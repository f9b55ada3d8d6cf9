"""Registry of the functions that read each format.

A format of this package is one module and one line in `_READERS`. Another package adds a format, or replaces one, by
an entry point:

    [project.entry-points."autopicker_lab.formats"]
    rtf = "their_package:reader"

with, in their_package.py:

    from autopicker_lab.core import Document, Format, Part, SourceFile
    from autopicker_lab.extraction import FormatReader

    def read_rtf(file: SourceFile) -> Document:  # file.data, file.name, file.options
        return Document(file.name, file.kind, (Part("text", file.data.decode("latin-1")),))

    reader = FormatReader(Format("rtf", "document", "application/rtf", (".rtf",)), read_rtf)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata

from autopicker_lab.core import FORMATS, Document, Format, SourceFile

Extractor = Callable[[SourceFile], Document]
ENTRY_POINTS = "autopicker_lab.formats"


@dataclass(frozen=True)
class FormatReader:
    """A format from another package and its reader; any failure of `read` becomes a CorruptFileError."""

    format: Format
    read: Extractor


_READERS = {
    "pdf": "pdf:read_pdf",
    "docx": "docx:read_docx",
    "txt": "plain:read_txt",
    "md": "markdown:read_md",
    "xlsx": "sheets:read_workbook",
    "xls": "sheets:read_workbook",
    "csv": "delimited:read_csv",
    "jpg": "image:read_image",
    "png": "image:read_image",
    "gif": "image:read_image",
    "bmp": "image:read_image",
    "webp": "image:read_image",
    "mp3": "audio:read_audio",
    "wav": "audio:read_audio",
    "m4a": "audio:read_audio",
    "ogg": "audio:read_audio",
    "flac": "audio:read_audio",
    "py": "code:read_python",
    "js": "code:read_javascript",
    "css": "code:read_css",
    "html": "web:read_html",
    "json": "data:read_json",
}


def installed_readers() -> Mapping[str, FormatReader]:
    """The readers that other packages bring, by kind, without those that cannot be loaded (`broken_entry_points`)."""
    return _load_entry_points()[0]


def installed_format(kind: str) -> Format | None:
    """The format of a kind that another package reads; None for a kind that only we read, or nobody."""
    reader = installed_readers().get(kind)
    return reader.format if reader is not None else None


def broken_entry_points() -> Mapping[str, str]:
    """Names of the entry points that could not be loaded, and why."""
    return _load_entry_points()[1]


@cache
def _load_entry_points() -> tuple[dict[str, FormatReader], dict[str, str]]:
    readers: dict[str, FormatReader] = {}
    failures: dict[str, str] = {}
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        try:
            candidate = entry.load()
        except Exception as error:  # a fault in another package must not disable ours
            failures[entry.name] = f"{type(error).__name__}: {error}"
            continue
        if isinstance(candidate, FormatReader):
            readers[candidate.format.kind] = candidate
        else:
            failures[entry.name] = f"is no FormatReader but {type(candidate).__name__}"
    return readers, failures


def formats() -> dict[str, Format]:
    """All formats that can be read, by kind."""
    return {**FORMATS, **{kind: reader_of.format for kind, reader_of in installed_readers().items()}}


@cache
def reader_of(kind: str) -> Extractor:
    """The function that reads a kind; one from another package takes precedence over ours."""
    if kind in installed_readers():
        return installed_readers()[kind].read
    module, function = _READERS[kind].split(":")
    extractor: Extractor = getattr(import_module(f"autopicker_lab.extraction.{module}"), function)
    return extractor
