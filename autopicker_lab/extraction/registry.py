"""Which function reads which format. A new format is one module and one line here, or an entry point elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata

from autopicker_lab.core import Document, SourceFile

Extractor = Callable[[SourceFile], Document]
ENTRY_POINTS = "autopicker_lab.extractors"

_READERS = {
    "pdf": "pdf:read_pdf",
    "docx": "docx:read_docx",
    "txt": "plain:read_txt",
    "md": "plain:read_md",
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


@cache
def reader(kind: str) -> Extractor:
    """The extractor of a kind; one installed as an entry point goes before our own."""
    for entry in metadata.entry_points(group=ENTRY_POINTS, name=kind):
        loaded: Extractor = entry.load()
        return loaded
    module, function = _READERS[kind].split(":")
    found: Extractor = getattr(import_module(f"autopicker_lab.extraction.{module}"), function)
    return found
