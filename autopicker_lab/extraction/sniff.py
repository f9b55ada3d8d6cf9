"""Detection of file formats: by content first, by name where the content does not tell (text formats)."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from pathlib import Path

from autopicker_lab.core import (
    FORMATS,
    CorruptFileError,
    EmptyFileError,
    FileTooLargeError,
    InvalidRequestError,
    SourceFile,
    UnsupportedFileError,
)
from autopicker_lab.core.files import KIND_OF_SUFFIX, clean_name, name_suffix
from autopicker_lab.extraction.containers import OLE, ole_kind, without_junk, zip_kind
from autopicker_lab.extraction.foreign import FOREIGN, READ_AS, foreign_beginning, foreign_error, foreign_suffix
from autopicker_lab.extraction.markup import markup_kind, text_head, text_kind
from autopicker_lab.extraction.media import media_kind
from autopicker_lab.extraction.registry import formats, installed_readers
from autopicker_lab.extraction.wrapped import unwrapped

# Extension that puremagic gives a signature -> kind. Only formats whose signature is certain.
_SIGNATURES = {
    "pdf": "pdf",
    "png": "png",
    "gif": "gif",
    "bmp": "bmp",
    "webp": "webp",
    "jpg": "jpg",
    "jpeg": "jpg",
    "jfif": "jpg",
    "mp3": "mp3",
    "wav": "wav",
    "flac": "flac",
    "ogg": "ogg",
    "oga": "ogg",
    "m4a": "m4a",
    "mp4": "m4a",
    # sound, and the sound of films, in other containers: read as the kind whose makers and codecs are nearest
    "webm": "ogg",
    "mkv": "ogg",
    "mov": "m4a",
    "3gp": "m4a",
    "flv": "m4a",
    "aac": "m4a",
    "aiff": "wav",
    "caf": "wav",
}
_ZIP = b"PK\x03\x04"
_BIFF = re.compile(  # how a workbook of Excel 2 to 97 begins where it stands in no container
    rb"\x09\x00\x04\x00..[\x0a\x10]\x00|\x09[\x02\x04]\x06\x00..(?:\x10\x00|\x00\x01)"
    rb"|\x09\x08[\x08\x10]\x00\x00[\x00\x05\x06][\x05\x10]\x00",
    re.DOTALL,
)
_OWN_SUFFIXES = {"tiff": (".tif", ".tiff"), "avif": (".avif",)}  # of what is read as another kind
_BINARY_CATEGORIES = frozenset({"image", "audio"})
_PDF_START = 2**14
_NO_TEXT = bytes({*range(32)} - set(b"\t\n\v\f\r"))
_OBJECT = re.compile(rb"(?<!\d)\d+ \d+ obj\b")
_OFFICE = frozenset({"docx", "xlsx", "xls"})
_BELIEVED = frozenset({"txt", "md", "py", "js", "css", "html"})  # a page's source is text where its name says so
_WORD_FILES = frozenset({"doc", "rtf", "odt", "wps", "wpd"})  # names under which text is read as text


def open_source(
    source: str | Path | bytes | SourceFile, name: str | None = None, max_size: int | None = None
) -> SourceFile:
    """Read `source` and determine its kind.

    Args:
        source: a path, the bytes themselves, or a SourceFile, which is returned as it is.
        name: the file's name, where `source` does not tell it.
        max_size: largest size allowed, bytes; None: any.

    Raises:
        EmptyFileError, FileTooLargeError, UnsupportedFileError, CorruptFileError: the file is not one to read.
        InvalidRequestError: the path cannot be read.
    """
    if isinstance(source, SourceFile):
        return source
    if isinstance(source, bytes):
        data, label = source, name or "file"
    elif not isinstance(source, str | Path):
        detail = f"a file is its path, its bytes or a SourceFile, not {type(source).__name__}"
        raise InvalidRequestError(detail, "write lab.extract('report.pdf')")
    else:
        path = Path(source).expanduser()
        data, label = _read(path, max_size), name or path.name
    label = clean_name(label)
    check_size(label, len(data), max_size)
    suffix = name_suffix(label)
    for reader in installed_readers().values():
        if suffix in reader.format.suffixes:
            return SourceFile(label, data, reader.format.kind, format=reader.format)
    bare, unusual = unwrapped(data, KIND_OF_SUFFIX.get(suffix))
    kind, warnings = _determine_kind(bare, label)
    return SourceFile(label, data, kind, unusual + warnings)


def check_size(label: str, size: int, max_size: int | None) -> None:
    """Refuse a file of no bytes, or of more than `max_size` bytes; None allows any size.

    Raises:
        EmptyFileError, FileTooLargeError: the size is out of bounds.
    """
    if not size:
        raise EmptyFileError(f"'{label}' is empty", "choose a file with content")
    if max_size is not None and size > max_size:
        raise FileTooLargeError(
            f"'{label}' has {size:,} bytes; the limit is {max_size:,}",
            "send a smaller file, or raise MAX_FILE_SIZE",
        )


def _read(path: Path, max_size: int | None) -> bytes:
    try:
        if max_size is not None and path.stat().st_size > max_size:
            check_size(path.name, path.stat().st_size, max_size)
        return path.read_bytes()
    except IsADirectoryError:
        if path == Path():
            raise InvalidRequestError("no file is named", "give its path") from None
        raise InvalidRequestError(f"'{path}' is a folder", "name the files in it") from None
    except FileNotFoundError:
        raise InvalidRequestError(f"no file at '{path}'", "check the path") from None
    except OSError as error:
        raise InvalidRequestError(f"cannot read '{path}': {error.strerror}", "check its permissions") from None


def _determine_kind(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """The kind of a file, and a warning where its name says another.

    Raises:
        UnsupportedFileError: a format that is not read here, whatever the name says.
        CorruptFileError: the content is nothing that is known, and not what the name says.
    """
    suffix = name_suffix(name)
    named_kind = KIND_OF_SUFFIX.get(suffix)
    kind = _from_content(data, name, named_kind) or _from_text(data, named_kind)
    if kind is None and (named_kind is None or FORMATS[named_kind].category == "audio"):
        kind = media_kind(data)
    foreign = None if named_kind else foreign_suffix(suffix)
    if kind == "tiff" and foreign == "raw":
        kind = foreign  # which begins as TIFF does
    if kind in FOREIGN:
        raise foreign_error(name, kind)
    if kind is None and name.startswith("~$"):
        raise UnsupportedFileError(f"'{name}' only says who has the document open", f"send '{name[2:]}' itself")
    if kind is None and named_kind:
        raise CorruptFileError(f"'{name}' is not a readable {suffix[1:].upper()} file", "check that it opens elsewhere")
    if foreign and (kind in (None, "json") or (kind in ("txt", "csv") and foreign not in _WORD_FILES)):
        raise foreign_error(name, foreign)
    if kind is None or (suffix and not named_kind and not foreign and kind in ("txt", "json")):
        subject = f"'{suffix}' files are" if suffix else "this kind of content is"
        raise UnsupportedFileError(f"'{name}': {subject} not supported", f"supported: {', '.join(formats())}")
    read_as = READ_AS.get(kind, kind)
    if suffix in _OWN_SUFFIXES.get(kind, ()) or kind == named_kind or not (named_kind or foreign):
        return read_as, ()
    return read_as, (f"named {suffix}, but its content is {kind.upper()}: read as {kind.upper()}",)


def content_kind(data: bytes, name: str) -> str | None:
    """The kind that the content alone tells, also one of FOREIGN; None for what is nothing that is known.

    Raises:
        UnsupportedFileError, CorruptFileError: an archive or container that is not read here.
    """
    kind = _from_content(data, name, None) or _from_text(data, None)
    return READ_AS.get(kind, kind) if kind else None


def _from_content(data: bytes, name: str, named_kind: str | None) -> str | None:
    """The kind that the signature tells; None for text, and where no signature is known."""
    if data.startswith(_ZIP):
        return zip_kind(data, name)
    if (clean := without_junk(data)).startswith(OLE):
        return ole_kind(clean, name, named_kind)
    if named_kind == "pdf" and (b"%PDF-" in data[:_PDF_START] or _OBJECT.search(data, 0, _PDF_START)):
        return "pdf"  # an answer's head, or a mail's, may stand before it, or its own be lost
    if named_kind and FORMATS[named_kind].category not in _BINARY_CATEGORIES and _looks_like_text(data):
        return None  # text may begin with anything that looks like a signature ("BM", "ID3")
    if _BIFF.match(data):  # Excel 2 to 4: without a container
        return "xls"
    if kind := _signature(data, named_kind) or foreign_beginning(data):
        return kind
    if named_kind == "mp3":
        return "mp3"  # a bare MPEG stream may begin anywhere; the decoder is the judge
    return zip_kind(data, name) if named_kind in _OFFICE and zipfile.is_zipfile(io.BytesIO(data)) else None


def _signature(data: bytes, named_kind: str | None) -> str | None:
    import puremagic

    try:
        matches = puremagic.magic_string(data[:4096])
    except (puremagic.PureError, ValueError):
        return None
    kinds = [_SIGNATURES[ext] for m in matches if (ext := m.extension.lstrip(".")) in _SIGNATURES]
    return named_kind if named_kind in kinds else next(iter(kinds), None)


def _looks_like_text(data: bytes) -> bool:
    head = data[:512]
    return not head.startswith(b"%PDF-") and len(head.translate(None, _NO_TEXT)) == len(head)


def _is_utf8(data: bytes) -> bool:
    """Whether bytes begin as text that a server sends in place of a file, not as samples or pixels."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data[:4096])
    except UnicodeDecodeError:
        return False
    return _looks_like_text(data)


def _from_text(data: bytes, named_kind: str | None) -> str | None:
    """The kind of a text: its name's where that may be, what its markup tells elsewhere; None for what is no text."""
    if named_kind in _BELIEVED:
        return "rtf" if named_kind in ("txt", "md") and data.lstrip()[:6] == b"{\\rtf1" else named_kind
    head = text_head(data)
    if head is None:
        return named_kind if named_kind in ("csv", "json") else None
    is_table = named_kind is not None and FORMATS[named_kind].category == "spreadsheet"
    if kind := markup_kind(head, is_table and named_kind != "csv"):
        return kind
    if named_kind in ("csv", "json"):
        return named_kind
    if named_kind is None:
        return "json" if head.lstrip()[:1] in ("{", "[") else "txt"
    if FORMATS[named_kind].category in _BINARY_CATEGORIES and not _is_utf8(data):
        return None
    return text_kind(head, is_table)
