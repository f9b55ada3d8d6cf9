"""Files and what is read out of them: SourceFile, Document, Part, Table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core.show import frame, html_table, html_text
from autopicker_lab.core.text import estimate_tokens

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | bool | None


class Format(NamedTuple):
    """One supported file format."""

    kind: str
    category: str
    media_type: str
    suffixes: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument"
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        kind: Format(kind, category, media_type, suffixes)
        for kind, category, media_type, suffixes in [
            ("pdf", "document", "application/pdf", (".pdf",)),
            ("docx", "document", f"{_OFFICE}.wordprocessingml.document", (".docx",)),
            ("txt", "document", "text/plain", (".txt", ".text", ".log")),
            ("md", "document", "text/markdown", (".md", ".markdown")),
            ("xlsx", "spreadsheet", f"{_OFFICE}.spreadsheetml.sheet", (".xlsx",)),
            ("xls", "spreadsheet", "application/vnd.ms-excel", (".xls",)),
            ("csv", "spreadsheet", "text/csv", (".csv",)),
            ("jpg", "image", "image/jpeg", (".jpg", ".jpeg")),
            ("png", "image", "image/png", (".png",)),
            ("gif", "image", "image/gif", (".gif",)),
            ("bmp", "image", "image/bmp", (".bmp",)),
            ("webp", "image", "image/webp", (".webp",)),
            ("mp3", "audio", "audio/mpeg", (".mp3",)),
            ("wav", "audio", "audio/wav", (".wav",)),
            ("m4a", "audio", "audio/mp4", (".m4a",)),
            ("ogg", "audio", "audio/ogg", (".ogg", ".oga")),
            ("flac", "audio", "audio/flac", (".flac",)),
            ("py", "code", "text/x-python", (".py",)),
            ("js", "code", "text/javascript", (".js", ".mjs", ".cjs")),
            ("html", "code", "text/html", (".html", ".htm")),
            ("css", "code", "text/css", (".css",)),
            ("json", "code", "application/json", (".json",)),
        ]
    }
)
KIND_OF_SUFFIX: Mapping[str, str] = MappingProxyType(
    {suffix: form.kind for form in FORMATS.values() for suffix in form.suffixes}
)
SUPPORTED = ", ".join(FORMATS)


@dataclass(frozen=True)
class ReadOptions:
    """What a reader may need to be told.

    Attributes:
        password: opens an encrypted PDF.
        languages: Tesseract's names of the languages in pictures and scans (`deu`); by default told by the script.
        ocr_pages: scanned pages of a PDF that are read at most.
        place: keep the GPS position that a picture carries.
        structure: of an HTML page also an outline of its elements, as a Part.
    """

    password: str | None = field(default=None, repr=False)
    languages: tuple[str, ...] = ()
    ocr_pages: int = 20
    place: bool = False
    structure: bool = False


@dataclass(frozen=True)
class SourceFile:
    """A file as it came in, its kind settled by content first and name second.

    Attributes:
        name: the file's own name, without folders.
        data: its bytes.
        kind: one of `FORMATS`, or of a format that was installed beside them.
        warnings: what was odd about it (a name that does not fit the content, say).
        options: how to read it.
    """

    name: str
    data: bytes = field(repr=False)
    kind: str
    warnings: tuple[str, ...] = ()
    options: ReadOptions = ReadOptions()

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def media_type(self) -> str:
        return FORMATS[self.kind].media_type

    @property
    def category(self) -> str:
        return FORMATS[self.kind].category

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Table:
    """Rows of cells as they stand in the file; dates are ISO 8601 text, empty cells None."""

    rows: tuple[tuple[Cell, ...], ...]
    label: str = ""

    def to_frame(self, header: bool = True) -> pd.DataFrame:
        """The table as a DataFrame, its first row as column names unless `header` is False."""
        import pandas

        if not header or len(self.rows) < 2:
            return pandas.DataFrame(self.rows)
        return pandas.DataFrame(self.rows[1:], columns=["" if c is None else str(c) for c in self.rows[0]])

    def to_markdown(self) -> str:
        """The table in GitHub's Markdown, its first row as the header; numbers to ten decimals."""
        if not self.rows:
            return ""
        width = max(len(row) for row in self.rows)
        lines = ["| " + " | ".join(map(_cell, row + (None,) * (width - len(row)))) + " |" for row in self.rows]
        return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])

    def _repr_html_(self) -> str:
        return html_table(["" if c is None else str(c) for c in self.rows[0]], self.rows[1:51], self.label)


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(round(value, 10) if abs(value) >= 1e-4 else float(f"{value:.10g}"))
    if not isinstance(value, str):
        return str(value)
    return value.replace("|", "\\|").replace("\r\n", " ").replace("\n", " ").replace("\r", " ")


@dataclass(frozen=True)
class Part:
    """A citable piece of a Document: a page, a sheet, a section, a function."""

    label: str
    text: str
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Document:
    """What was read out of a file.

    Attributes:
        parts: in reading order; `text` joins them.
        metadata: facts about the file (title, pages, sampling rate ...), JSON-ready.
        warnings: what was lost or odd, one line each.
    """

    name: str
    kind: str
    parts: tuple[Part, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    sha256: str = ""

    @cached_property
    def text(self) -> str:
        """All parts as Markdown, a blank line between them."""
        return "\n\n".join(part.text for part in self.parts if part.text.strip())

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(table for part in self.parts for table in part.tables)

    @cached_property
    def token_count(self) -> int:
        """Tokens of `text`, estimated."""
        return estimate_tokens(self.text)

    def chunks(self, max_tokens: int = 160) -> Iterator[Part]:
        """Passages of at most about `max_tokens` tokens that never cross a Part; labels tell where each is from."""
        for part in self.parts:
            for text in _passages(part.text, max_tokens * 4):
                yield Part(part.label, text)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "text": self.text,
            "parts": [{"label": part.label, "text": part.text} for part in self.parts],
            "tables": [[list(row) for row in table.rows] for table in self.tables],
            "metadata": dict(self.metadata),
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a part: label, text, tables, tokens."""
        return frame(
            {"part": p.label, "text": p.text, "tables": len(p.tables), "tokens": estimate_tokens(p.text)}
            for p in self.parts
        )

    def _repr_html_(self) -> str:
        facts = [(key, value) for key, value in self.metadata.items() if value not in (None, "", [], {})]
        rows = [("parts", len(self.parts)), ("tables", len(self.tables)), ("tokens", f"about {self.token_count:,}")]
        rows += [(key, str(value)[:200]) for key, value in facts]
        rows += [("warning", warning) for warning in self.warnings]
        return html_table(["", ""], rows, f"{self.name} ({self.kind})") + html_text(self.text)


def _passages(text: str, limit: int) -> Iterator[str]:
    """Pack paragraphs, then lines, then plain slices, into runs of at most `limit` characters."""
    held: list[str] = []
    size = 0
    for block in _blocks(text, limit):
        if held and size + len(block) > limit:
            yield "\n".join(held)
            held, size = [], 0
        held.append(block)
        size += len(block) + 1
    if held:
        yield "\n".join(held)


def _blocks(text: str, limit: int) -> Iterator[str]:
    for line in text.split("\n"):
        if not line.strip():
            continue
        start = 0
        while len(line) - start > limit:
            half, end = start + limit // 2, start + limit
            cut = line.rfind(". ", half, end) + 1 or max(line.rfind(" ", half, end), 0) or end
            yield line[start:cut].lstrip()
            start = cut
        if line[start:].strip():
            yield line[start:].lstrip()
