"""DOCX files written part by part, for what no library writes."""

import io
import zipfile
from collections.abc import Mapping

from autopicker_lab.core import Document, ReadOptions
from autopicker_lab.extraction import extract

_BASE = "http://schemas.openxmlformats.org"
_SPACES = {
    "w": f"{_BASE}/wordprocessingml/2006/main",
    "r": f"{_BASE}/officeDocument/2006/relationships",
    "m": f"{_BASE}/officeDocument/2006/math",
    "a": f"{_BASE}/drawingml/2006/main",
    "wp": f"{_BASE}/drawingml/2006/wordprocessingDrawing",
    "pic": f"{_BASE}/drawingml/2006/picture",
    "dgm": f"{_BASE}/drawingml/2006/diagram",
    "mc": f"{_BASE}/markup-compatibility/2006",
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "w14": "http://schemas.microsoft.com/office/word/2010/wordml",
    "w15": "http://schemas.microsoft.com/office/word/2012/wordml",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
}
NAMES = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _SPACES.items())
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def run(text: str, properties: str = "") -> str:
    """A run of text."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*content: str, properties: str = "") -> str:
    """A paragraph of runs, given as XML; plain words are made one."""
    inner = "".join(piece if piece.startswith("<") else run(piece) for piece in content)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def relations(*links: tuple[str, str]) -> str:
    """A part of relations rId1, rId2 ... of (last word of the type, target); addresses are external."""
    lines: list[str] = []
    for i, (type_, target) in enumerate(links, 1):
        mode = ' TargetMode="External"' if ":" in target else ""
        lines.append(f'<Relationship Id="rId{i}" Type="{_SPACES["r"]}/{type_}" Target="{target}"{mode}/>')
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(lines)}</Relationships>'


def part(tag: str, content: str) -> str:
    """An XML part with this root ("w:hdr") and all name spaces."""
    return f"<{tag} {NAMES}>{content}</{tag}>"


def package(
    body: str,
    links: tuple[tuple[str, str], ...] = (),
    parts: Mapping[str, str | bytes] | None = None,
    main: str = "word/document.xml",
    main_type: str = _MAIN_TYPE,
) -> bytes:
    """The bytes of a DOCX: the body of its document, the document's relations, and other parts by name."""
    folder, _, name = main.rpartition("/")
    own = f"{folder}/_rels/{name}.rels".lstrip("/")
    files: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/{main}" ContentType="{main_type}"/></Types>',
        "_rels/.rels": relations(("officeDocument", main)),
        main: part("w:document", f"<w:body>{body}</w:body>"),
        own: relations(*links),
        **(parts or {}),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, content in files.items():
            archive.writestr(place, content)
    return buffer.getvalue()


def read(
    body: str,
    links: tuple[tuple[str, str], ...] = (),
    parts: Mapping[str, str | bytes] | None = None,
    options: ReadOptions | None = None,
) -> Document:
    """What is read of such a DOCX."""
    return extract(package(body, links, parts), name="a.docx", options=options)
