"""Office files whose parts stand in one file of XML instead of an archive (Flat OPC)."""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from typing import TYPE_CHECKING

from autopicker_lab.core import CorruptFileError
from autopicker_lab.extraction.ooxml import parse_xml, refuse_entities

if TYPE_CHECKING:
    from autopicker_lab.core import SourceFile

_FLAT = "{http://schemas.microsoft.com/office/2006/xmlPackage}"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def is_flat(data: bytes) -> bool:
    """Whether an office file is no archive but XML."""
    return data[:64].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")


def packed(file: SourceFile) -> bytes:
    """The archive that the parts of a flat office file make.

    Raises:
        CorruptFileError: it holds no parts, or declares XML entities of its own.
    """
    import lxml.etree

    refuse_entities(file, file.data)
    root = parse_xml(file.data.lstrip(), recover=True)
    parts = [] if root is None else list(root.iter(f"{_FLAT}part"))
    if not parts:
        raise CorruptFileError(f"'{file.name}' is no office file in XML", "save it again from an office program")
    types = lxml.etree.Element(f"{{{_TYPES}}}Types")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for part in parts:
            name = part.get(f"{_FLAT}name") or ""
            xml, binary = part.find(f"{_FLAT}xmlData"), part.findtext(f"{_FLAT}binaryData")
            lxml.etree.SubElement(types, "Override", PartName=name, ContentType=part.get(f"{_FLAT}contentType") or "")
            if xml is not None and len(xml):
                archive.writestr(name.lstrip("/"), lxml.etree.tostring(xml[0]))
            elif binary:
                archive.writestr(name.lstrip("/"), _decoded(binary))
        archive.writestr("[Content_Types].xml", lxml.etree.tostring(types))
    return out.getvalue()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
