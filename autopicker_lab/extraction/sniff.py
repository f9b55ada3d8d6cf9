"""Detection of file formats: by content first, by name where the content does not tell (text formats)."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
import zlib
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
from autopicker_lab.extraction.foreign import (
    FOREIGN,
    OLE_STREAMS,
    READ_AS,
    foreign_archive,
    foreign_beginning,
    foreign_error,
    foreign_streams,
    foreign_suffix,
)
from autopicker_lab.extraction.markup import markup_kind, text_head, text_kind
from autopicker_lab.extraction.media import media_kind
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
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_COMMENT = 2**16 + 22  # bytes behind an archive's directory
_ZIP = b"PK\x03\x04"
_BIFF = re.compile(  # how a workbook of Excel 2 to 97 begins where it stands in no container
    rb"\x09\x00\x04\x00..[\x0a\x10]\x00|\x09[\x02\x04]\x06\x00..(?:\x10\x00|\x00\x01)"
    rb"|\x09\x08[\x08\x10]\x00\x00[\x00\x05\x06][\x05\x10]\x00",
    re.DOTALL,
)
_OTHER_STREAMS = ("WordDocument", "PowerPoint Document", "EncryptedPackage", "VisioDocument", "__properties")
_MAIN_PART = re.compile(
    rb"<(?:\w+:)?(document|workbook|presentation)\s[^>]*(?:wordprocessingml|spreadsheetml|presentationml)/(?:2006/)?main"
)
_MAIN_KINDS = {b"document": "docx", b"workbook": "xlsx", b"presentation": "pptx"}
_MAX_PARTS = 200  # of a package whose main part has an unusual name
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
        raise CorruptFileError(f"'{name}' is not a readable {named_kind.upper()} file", "check that it opens elsewhere")
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
        return _zip_kind(data, name)
    if (clean := without_junk(data)).startswith(OLE):
        return _ole_kind(clean, name, named_kind)
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
    return _zip_kind(data, name) if named_kind in _OFFICE and zipfile.is_zipfile(io.BytesIO(data)) else None


def without_junk(data: bytes) -> bytes:
    """The bytes of an OLE container without the blanks and marks that a careless server writes before it."""
    start = data.find(OLE, 0, 64)
    return data[start:] if start > 0 and not data[:start].strip(b"\xef\xbb\xbf \t\r\n") else data


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


_OFFICE_ENTRY = re.compile(rb"PK\x03\x04.{26}(word/|xl/)", re.DOTALL)


def _zip_kind(data: bytes, name: str) -> str:
    end = data.rfind(b"PK\x05\x06", -_MAX_COMMENT)
    directory = data[max(end - int.from_bytes(data[end + 12 : end + 16], "little"), 0) : end] if end > 0 else b""
    if (b"word/document.xml" in directory) != (b"xl/workbook.xml" in directory):  # the usual names
        return "docx" if b"word/document.xml" in directory else "xlsx"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {entry.replace("\\", "/").lstrip("/").lower(): entry for entry in archive.namelist()}
            for folder, kind in (("word/document", "docx"), ("xl/workbook", "xlsx")):
                if f"{folder}.xml" in names or f"{folder}.bin" in names:
                    return kind
            media_type = _beginning(archive, names["mimetype"]).decode("latin-1").strip() if "mimetype" in names else ""
            if "_rels/.rels" in names or "[content_types].xml" in names:
                for part in [entry for low, entry in names.items() if low.endswith(".xml")][:_MAX_PARTS]:
                    if root := _MAIN_PART.search(_beginning(archive, part)):
                        return _MAIN_KINDS[root[1]]
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OSError, EOFError, RuntimeError):
        if entry_head := _OFFICE_ENTRY.search(data):  # its directory is damaged, or cut off
            return "docx" if entry_head[1] == b"word/" else "xlsx"
        raise CorruptFileError(f"'{name}' is a damaged archive", "save it again from the program it is from") from None
    return foreign_archive(set(names), media_type, name_suffix(name))


def _beginning(archive: zipfile.ZipFile, entry: str) -> bytes:
    with archive.open(entry) as stream:
        return stream.read(2048)


_WORKBOOK = b"\x09\x08\x10\x00\x00\x06\x05\x00"  # how those of Excel 97 and later begin


def _ole_kind(data: bytes, name: str, named_kind: str | None) -> str:
    start = 512 * (int.from_bytes(data[48:52], "little") + 1)
    directory = data[start : start + 4096].decode("utf-16-le", "replace")
    if "Workbook" in directory and not any(name in directory for name in _OTHER_STREAMS):
        return "xls"
    streams = _ole_streams(data)
    if "encryptedpackage" in streams:  # its reader opens the lock, and then knows what it is
        return "xlsx" if named_kind in ("xlsx", "xls", "csv") else "docx"
    if foreign := foreign_streams(streams):
        return foreign
    if streams & {"workbook", "book"} or (named_kind == "xls" and _WORKBOOK in data):  # its directory may be cut off
        return "xls"
    raise UnsupportedFileError(f"'{name}' is an old Office format", "save it as DOCX, XLSX or XLS")


def _ole_streams(data: bytes) -> set[str]:
    """The names at the root of an OLE container, in small letters; of a broken one, those that stand anywhere in it."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            return {entry.name.lower() for entry in container.root.kids}
    except Exception:  # it raises what its parsing raises
        low = data.lower()
        return {name for name in OLE_STREAMS if name.encode("utf-16-le") in low}
