"""Open Packaging Conventions: the parts of an office file and the relations between them, read with patience.

Names are compared as Windows does (case, backslashes), Strict Open XML becomes Transitional, a relation may lead
nowhere, and a damaged part is read as far as it goes.
"""

from __future__ import annotations

import codecs
import contextlib
import html
import io
import posixpath
import re
import zipfile
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from autopicker_lab.extraction.ooxml import UNPACKING_ERRORS, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PIECE = 1024  # bytes that are unpacked at once from a damaged entry
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_ENTITY = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z][A-Za-z0-9]{1,30};")
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_TYPES_PART = "[content_types].xml"
_HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)


class Relation(NamedTuple):
    """Where a part leads: the last word of the relation's type, and a part's name or, if external, an address."""

    type: str
    target: str
    is_external: bool


class Package:
    """The parts of an office file, by names in small letters without a leading slash.

    Attributes:
        names: the parts' names.
        archive: the archive that they stand in.
        damaged: parts that are missing or broken though something asked for them, and what became of each.

    Raises:
        zipfile.BadZipFile: the bytes are no archive.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.archive = zipfile.ZipFile(io.BytesIO(data))
        entries = {_plain_name(entry.filename): entry for entry in self.archive.infolist()}
        folder = _folder(entries)
        self._entries = {name.removeprefix(folder): entry for name, entry in entries.items() if name.startswith(folder)}
        self._relations: dict[str, Mapping[str, Relation]] = {}
        self.names = self._entries.keys()
        self.damaged: dict[str, str] = {}

    def read(self, name: str) -> bytes | None:
        """The bytes of a part; None where it is missing or cannot be unpacked, which `damaged` then says."""
        entry = self._entries.get(name)
        if entry is None:
            self.damaged[name] = "is missing"
            return None
        try:
            return self.archive.read(entry)
        except UNPACKING_ERRORS:
            found = self._unpacked(entry)
            self.damaged[name] = "is damaged: it was read as far as it goes" if found else "cannot be unpacked"
            return found or None

    def _unpacked(self, entry: zipfile.ZipInfo) -> bytes:
        """The bytes of an entry up to where it is damaged, whatever its checksum says."""
        head = self._data[entry.header_offset : entry.header_offset + 30]
        if len(head) < 30 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return b""
        start = entry.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        packed = self._data[start : start + entry.compress_size]
        if entry.compress_type == zipfile.ZIP_STORED:
            return packed
        unpacker, pieces, size = zlib.decompressobj(-zlib.MAX_WBITS), [], 0
        with contextlib.suppress(zlib.error):
            for at in range(0, len(packed), _PIECE):
                pieces.append(unpacker.decompress(packed[at : at + _PIECE]))
                size += len(pieces[-1])
                if size > entry.file_size:
                    break
        return b"".join(pieces)

    def root(self, name: str) -> Any | None:
        """The root element of an XML part, names of Strict Open XML made Transitional; None where there is none."""
        import lxml.etree

        data = self.read(name)
        if data is None:
            return None
        data = _transitional(data)
        try:
            return parse_xml(data)
        except lxml.etree.XMLSyntaxError:
            self.damaged[name] = "is damaged: it was read as far as it goes"
        try:
            return parse_xml(_ENTITY.sub(_character, data), recover=True)
        except lxml.etree.XMLSyntaxError:
            self.damaged[name] = "is no XML: it was left out"
            return None

    def relations(self, name: str = "") -> Mapping[str, Relation]:
        """The relations of a part by id; those of the package itself without a name."""
        if name not in self._relations:
            folder, _, own = name.rpartition("/")
            place = posixpath.join(folder, "_rels", f"{own}.rels")
            root = self.root(place) if place in self.names else None
            links = () if root is None else root.iter(_RELATIONSHIP)
            self._relations[name] = {link.get("Id"): self._relation(folder, link) for link in links}
        return self._relations[name]

    def _relation(self, folder: str, link: Any) -> Relation:
        target, type_ = link.get("Target") or "", (link.get("Type") or "").rsplit("/", 1)[-1]
        if link.get("TargetMode") == "External" or _HAS_SCHEME.match(target):
            return Relation(type_, target, True)
        part = posixpath.normpath(posixpath.join("/", folder, _slashed(target)))
        name = _plain_name(part)
        return Relation(type_, name if name in self.names else _plain_name(unquote(part)), False)

    def related(self, name: str, type_: str) -> str | None:
        """The part that a relation of this type leads to from a part; None where none does."""
        targets = (r.target for r in self.relations(name).values() if r.type == type_ and not r.is_external)
        return next((target for target in targets if target in self.names), None)

    def content_type(self, name: str) -> str:
        """The media type of a part; "" where [Content_Types].xml tells none."""
        return self._types.get(name) or self._types.get(f"*.{name.rpartition('.')[2]}", "")

    @cached_property
    def _types(self) -> dict[str, str]:
        """Media types by part, and by suffix ("*.png")."""
        root = self.root(_TYPES_PART) if _TYPES_PART in self.names else None
        types: dict[str, str] = {}
        for entry in () if root is None else root.iter(f"{_TYPES}Default", f"{_TYPES}Override"):
            part, suffix = entry.get("PartName"), (entry.get("Extension") or "").lower()
            types[_plain_name(part) if part else f"*.{suffix}"] = entry.get("ContentType") or ""
        return types

    @property
    def main(self) -> str | None:
        """The part that the package's own relations or types call the document; None where there is none."""
        if part := self.related("", "officeDocument"):
            return part
        return next((name for name in self.names if "main+xml" in self.content_type(name)), None)


def _folder(names: Iterable[str]) -> str:
    """The folder that the whole package was packed in, with its slash; "" where it was packed as it ought to be."""
    typed = [name.removesuffix(_TYPES_PART) for name in names if name.endswith(_TYPES_PART)]
    return min((folder for folder in typed if not folder or folder.endswith("/")), key=len, default="")


def _plain_name(name: str) -> str:
    return posixpath.normpath(_slashed(name)).lstrip("/").lower()


def _slashed(name: str) -> str:
    return name.replace("\\", "/")


def _character(match: re.Match[bytes]) -> bytes:
    """An entity of HTML, which XML does not know, as a number."""
    text = html.unescape(match[0].decode())
    return match[0] if text.startswith("&") else "".join(f"&#{ord(c)};" for c in text).encode()


def _transitional(data: bytes) -> bytes:
    """XML whose names are those of Transitional Open XML, as UTF-8 or in the encoding that it declares."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
        data = re.sub(r"^<\?xml[^>]*\?>", "", text).encode()
    if b"purl.oclc.org/ooxml" not in data:
        return data
    return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", data)
