"""Files as they come in: SourceFile, its Format, and how it shall be read."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.core.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Format(NamedTuple):
    """One supported file format."""

    kind: str
    category: str
    media_type: str
    suffixes: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument"
_FILMS = (".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".flv", ".wma", ".wmv", ".avi", ".mts")  # their sound is read
_OTHER_SOUND = (".aif", ".aiff", ".aifc", ".caf", ".amr", ".gsm", ".au", ".snd", ".ac3", ".mp2")
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        kind: Format(kind, category, media_type, suffixes)
        for kind, category, media_type, suffixes in [
            ("pdf", "document", "application/pdf", (".pdf",)),
            ("docx", "document", f"{_OFFICE}.wordprocessingml.document", (".docx", ".docm", ".dotx", ".dotm")),
            ("txt", "document", "text/plain", (".txt", ".text", ".log")),
            ("md", "document", "text/markdown", (".md", ".markdown")),
            ("xlsx", "spreadsheet", f"{_OFFICE}.spreadsheetml.sheet", (".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb")),
            ("xls", "spreadsheet", "application/vnd.ms-excel", (".xls", ".xlt")),
            ("csv", "spreadsheet", "text/csv", (".csv", ".tsv", ".tab")),
            ("jpg", "image", "image/jpeg", (".jpg", ".jpeg")),
            ("png", "image", "image/png", (".png", ".tif", ".tiff")),
            ("gif", "image", "image/gif", (".gif",)),
            ("bmp", "image", "image/bmp", (".bmp",)),
            ("webp", "image", "image/webp", (".webp", ".avif")),
            ("mp3", "audio", "audio/mpeg", (".mp3",)),
            ("wav", "audio", "audio/wav", (".wav", ".wave", ".w64", *_OTHER_SOUND)),
            ("m4a", "audio", "audio/mp4", (".m4a", ".m4b", ".aac", *_FILMS)),
            ("ogg", "audio", "audio/ogg", (".ogg", ".oga", ".opus", ".webm", ".weba", ".mka", ".mkv")),
            ("flac", "audio", "audio/flac", (".flac",)),
            ("py", "code", "text/x-python", (".py",)),
            ("js", "code", "text/javascript", (".js", ".mjs", ".cjs")),
            ("html", "code", "text/html", (".html", ".htm", ".xhtml", ".mht", ".mhtml")),
            ("css", "code", "text/css", (".css",)),
            ("json", "code", "application/json", (".json", ".jsonl", ".ndjson", ".ipynb")),
        ]
    }
)
_PICTURE_SIGNS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
KIND_OF_SUFFIX: Mapping[str, str] = MappingProxyType(
    {suffix: form.kind for form in FORMATS.values() for suffix in form.suffixes}
)


_MAX_NAME = 255  # bytes, as on most file systems
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean_name(name: str) -> str:
    """The last part of a file's name or path, in one line: no control characters, none that turn text around."""
    slashed = name.replace("\\", "/")
    last = PurePath(slashed).name if "/" in slashed or name == "." else name
    clean = _UNPRINTABLE.sub("", " ".join(last.split())) or "file"
    if len(clean.encode()) <= _MAX_NAME:
        return clean
    suffix = PurePath(clean).suffix.encode()[:32]
    return (clean.encode()[: _MAX_NAME - len(suffix)] + suffix).decode(errors="ignore")


def name_suffix(name: str) -> str:
    """The suffix of a file's name in small letters, with its dot; "" where it has none."""
    stem, _, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if stem and suffix else ""


def expand_path(place: str | Path) -> Path:
    """A path as the system knows it; InvalidRequestError for what cannot be one."""
    try:
        path = Path(place).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # a name that is too long, nobody's home, a null byte
        raise InvalidRequestError(f"'{place}' is no path: {error}", "check the path") from None
    return path


def find_files(places: Iterable[str | Path], *categories: str) -> list[Path]:
    """Files, and below folders all that can be read (of some categories), in order; hidden ones are left out.

    Raises:
        InvalidRequestError: for a path where nothing is.
    """
    files: dict[Path, None] = {}
    forms = [form for form in FORMATS.values() if not categories or form.category in categories]
    suffixes = {suffix for form in forms for suffix in form.suffixes}
    for place in map(expand_path, places):
        if place.is_dir():
            inside = (p for p in sorted(place.rglob("*")) if p.suffix.lower() in suffixes and p.is_file())
            files.update((p, None) for p in inside if not any(x.startswith(".") for x in p.relative_to(place).parts))
        elif place.exists():
            files[place] = None
        else:
            raise InvalidRequestError(f"no file at '{place}'", "check the path")
    return list(files)


@dataclass(frozen=True)
class ReadOptions:
    """What a reader may need to be told.

    Attributes:
        password: opens an encrypted PDF, DOCX, XLSX or XLS.
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
        format: of a kind that another package reads.
    """

    name: str
    data: bytes = field(repr=False)
    kind: str
    warnings: tuple[str, ...] = ()
    options: ReadOptions = ReadOptions()
    format: Format | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def media_type(self) -> str:
        """The MIME type of its kind."""
        return (self.format or FORMATS[self.kind]).media_type

    @property
    def category(self) -> str:
        """ "document", "spreadsheet", "image", "audio" or "code"."""
        return (self.format or FORMATS[self.kind]).category

    @cached_property
    def sha256(self) -> str:
        """Of its bytes, hexadecimal; hashed when it is first asked for."""
        return hashlib.sha256(self.data).hexdigest()


def picture_type(start: bytes) -> str:
    """The media type of a picture by its first 12 bytes; empty where they are of none that is told by more than two."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for sign, kind in _PICTURE_SIGNS.items() if start.startswith(sign)), "")
