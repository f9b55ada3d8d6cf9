"""Archives and containers of Office: what stands in them tells their kind."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from autopicker_lab.core import CorruptFileError, UnsupportedFileError
from autopicker_lab.core.files import name_suffix
from autopicker_lab.extraction.foreign import OLE_STREAMS, foreign_archive, foreign_streams

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_COMMENT = 2**16 + 22  # bytes behind an archive's directory
_OTHER_STREAMS = ("WordDocument", "PowerPoint Document", "EncryptedPackage", "VisioDocument", "__properties")
_MAIN_PART = re.compile(
    rb"<(?:\w+:)?(document|workbook|presentation)\s[^>]*(?:wordprocessingml|spreadsheetml|presentationml)/(?:2006/)?main"
)
_MAIN_KINDS = {b"document": "docx", b"workbook": "xlsx", b"presentation": "pptx"}
_MAX_PARTS = 200  # of a package whose main part has an unusual name
_OFFICE_ENTRY = re.compile(rb"PK\x03\x04.{26}(word/|xl/)", re.DOTALL)
_WORKBOOK = b"\x09\x08\x10\x00\x00\x06\x05\x00"  # how those of Excel 97 and later begin


def without_junk(data: bytes) -> bytes:
    """The bytes of an OLE container without the blanks and marks that a careless server writes before it."""
    start = data.find(OLE, 0, 64)
    return data[start:] if start > 0 and not data[:start].strip(b"\xef\xbb\xbf \t\r\n") else data


def zip_kind(data: bytes, name: str) -> str:
    """The kind of an archive, also one of FOREIGN.

    Raises:
        CorruptFileError, UnsupportedFileError: it is damaged, or nothing that is read here.
    """
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


def ole_kind(data: bytes, name: str, named_kind: str | None) -> str:
    """The kind of an OLE container, also one of FOREIGN.

    Raises:
        UnsupportedFileError: it is nothing that is read here.
    """
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
