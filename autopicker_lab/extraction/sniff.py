"""Detection of file formats: by content first, by name where the content does not tell (text formats)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePath

from autopicker_lab.core import (
    FORMATS,
    CorruptFileError,
    EmptyFileError,
    EncryptedFileError,
    FileTooLargeError,
    InvalidRequestError,
    SourceFile,
    UnsupportedFileError,
)
from autopicker_lab.core.files import KIND_OF_SUFFIX, clean_name
from autopicker_lab.extraction.registry import formats, installed_readers

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
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BINARY_CATEGORIES = frozenset({"image", "audio"})


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
        data, label = _read(Path(source).expanduser(), max_size), name or Path(source).name
    label = clean_name(label)
    check_size(label, len(data), max_size)
    suffix = PurePath(label).suffix.lower()
    for reader in installed_readers().values():
        if suffix in reader.format.suffixes:
            return SourceFile(label, data, reader.format.kind, format=reader.format)
    kind, warnings = _determine_kind(data, label)
    return SourceFile(label, data, kind, warnings)


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
        raise InvalidRequestError(f"'{path}' is a folder", "name the files in it") from None
    except FileNotFoundError:
        raise InvalidRequestError(f"no file at '{path}'", "check the path") from None
    except OSError as error:
        raise InvalidRequestError(f"cannot read '{path}': {error.strerror}", "check its permissions") from None


def _determine_kind(data: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    """The kind of a file, and a warning where its name says another."""
    suffix = PurePath(name).suffix.lower()
    named_kind = KIND_OF_SUFFIX.get(suffix)
    kind = _from_content(data, name, named_kind)
    if kind is None:
        kind = named_kind
        if kind is None or FORMATS[kind].category in _BINARY_CATEGORIES or kind in ("pdf", "docx", "xlsx", "xls"):
            kind = _without_signature(data, name, named_kind)
    if kind == named_kind:
        return kind, ()
    if not named_kind:
        if suffix and FORMATS[kind].category not in _BINARY_CATEGORIES and kind in ("txt", "json"):
            _refuse(name, suffix)
        return kind, ()
    return kind, (f"named {suffix}, but its content is {kind.upper()}: read as {kind.upper()}",)


def _without_signature(data: bytes, name: str, named_kind: str | None) -> str:
    """The kind of a file whose content has no known signature: text without a name, or a broken binary format."""
    if named_kind:
        if named_kind == "pdf" and b"%PDF-" in data[:1024]:
            return "pdf"
        if named_kind == "mp3":  # a bare MPEG stream may begin anywhere; the decoder is the judge
            return "mp3"
        raise CorruptFileError(f"'{name}' is not a readable {named_kind.upper()} file", "check that it opens elsewhere")
    if b"\x00" in data[:4096] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        _refuse(name, PurePath(name).suffix)
    head = data[:1024].lstrip()[:15].lower()
    return "html" if head.startswith((b"<!doctype html", b"<html")) else "json" if head[:1] in b"{[" else "txt"


def _refuse(name: str, suffix: str) -> None:
    subject = f"'{suffix}' files are" if suffix else "this kind of content is"
    raise UnsupportedFileError(f"'{name}': {subject} not supported", f"supported: {', '.join(formats())}")


def _from_content(data: bytes, name: str, named_kind: str | None) -> str | None:
    """The kind that the signature at the beginning tells; None for text, and where no signature is known."""
    if data.startswith(b"PK\x03\x04"):
        return _zip_kind(data, name)
    if data.startswith(_OLE):
        return _ole_kind(data, name)
    if named_kind and FORMATS[named_kind].category not in _BINARY_CATEGORIES and _looks_like_text(data):
        return None  # text may begin with anything that looks like a signature ("BM", "ID3")
    import puremagic

    try:
        matches = puremagic.magic_string(data[:4096])
    except (puremagic.PureError, ValueError):
        return None
    kinds = [_SIGNATURES[ext] for m in matches if (ext := m.extension.lstrip(".")) in _SIGNATURES]
    if not kinds:
        return None
    return named_kind if named_kind in kinds else kinds[0]


def _looks_like_text(data: bytes) -> bool:
    head = data[:512]
    return not head.startswith(b"%PDF-") and sum(byte < 9 or 13 < byte < 32 for byte in head) == 0


def _zip_kind(data: bytes, name: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise CorruptFileError(f"'{name}' is a damaged archive", "save it again from the program it is from") from None
    for folder, kind in (("word/", "docx"), ("xl/", "xlsx")):
        if any(entry.lower().startswith(folder) for entry in entries):
            return kind
    raise UnsupportedFileError(f"'{name}' is an archive of another kind", f"supported: {', '.join(formats())}")


def _ole_kind(data: bytes, name: str) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise EncryptedFileError(f"'{name}' is encrypted", "save it without a password")
    if any(stream.encode("utf-16-le") in data for stream in ("Workbook", "Book")):
        return "xls"
    raise UnsupportedFileError(f"'{name}' is an old Office format", "save it as DOCX, XLSX or XLS")
